"""A full disk: writes fail and say so, and go on by themselves when there is space again."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from detente.errors import StoreUnavailable
from detente.store import EmbeddedPostgres, open_pool, wrap_errors
from detente.store.leftovers import clear_leftovers

pytestmark = pytest.mark.pg


@contextlib.contextmanager
def small_disk(size):
    folder = Path(tempfile.mkdtemp(prefix="detente-tests-"))
    folder.chmod(0o755)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("mounting a small tmpfs needs the privilege CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        clear_leftovers(folder / "store" / "cluster")
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def fill(path):
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65_536)


async def write_until(pool, *, fails):
    """Write rows until one fails, or one succeeds; gives the acknowledged numbers and the error."""
    acknowledged, until = [], time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with wrap_errors():
                number = await pool.fetchval(
                    "INSERT INTO written (filler) VALUES ($1) RETURNING number", os.urandom(8000)
                )
            acknowledged.append(number)
            if not fails:
                return acknowledged, None
        except StoreUnavailable as error:
            if fails:
                return acknowledged, error
            await asyncio.sleep(0.1)
    pytest.fail("no outcome in a minute")


# With the disk filled before, tables cannot grow; filled by the writes, mostly the log cannot, and the server
# panics and cannot come back before there is space.
@pytest.mark.parametrize("filled_by", ["others", "writes"])
async def test_a_full_disk_is_named_and_recovered_from(filled_by):
    with small_disk("160m") as disk, EmbeddedPostgres.start(disk / "store") as server:
        pool = await open_pool(server.dsn)
        await pool.execute("CREATE TABLE written (number int GENERATED ALWAYS AS IDENTITY, filler bytea)")
        spare = disk / "spare"
        if filled_by == "others":
            fill(spare)
        else:
            spare.write_bytes(b"x" * 40_000_000)
        acknowledged, error = await write_until(pool, fails=True)
        assert "its disk is full" in error.detail
        assert "pg_wal" not in error.detail, "the server's files are no caller's business"
        spare.unlink()
        after, _ = await write_until(pool, fails=False)
        present = {row["number"] for row in await pool.fetch("SELECT number FROM written")}
        assert set(acknowledged + after) <= present
        pool.terminate()


def test_a_first_start_on_a_full_disk_says_so_and_works_when_there_is_space():
    with small_disk("60m") as disk:
        spare = disk / "spare"
        spare.write_bytes(b"x" * 45_000_000)
        with pytest.raises(StoreUnavailable, match="disk is full"):
            EmbeddedPostgres.start(disk / "store")
        spare.unlink()
        with EmbeddedPostgres.start(disk / "store") as server:
            assert server.pid is not None
