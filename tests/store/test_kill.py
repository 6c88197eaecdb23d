"""Kill -9 of the database, of its launcher, of both: nothing acknowledged is lost, the next start works."""

import asyncio
import contextlib
import os
import shutil
import signal
import time

import psycopg
import pytest

from detente.errors import StoreUnavailable
from detente.store import EmbeddedPostgres, is_ready, open_pool, wrap_errors
from detente.store.leftovers import processes_in, recorded_postmaster

ENOUGH_ROWS = 300


@pytest.fixture
def running():
    """Start servers that do not outlive the test, even when it fails."""
    with contextlib.ExitStack() as stack:
        yield lambda folder: stack.enter_context(EmbeddedPostgres.start(folder))


def rows_of(server):
    with psycopg.connect(server.dsn) as connection:
        return {row[0] for row in connection.execute("SELECT number FROM written")}


def kill_all(data_dir):
    for process in processes_in(data_dir / "cluster"):
        os.kill(process, signal.SIGKILL)


def test_killed_launcher_leaves_an_orphan_that_the_next_start_redata_dirs(made_dir, launch):
    launcher = launch(made_dir)
    orphan = int(launcher.first_line().split()[1])
    acknowledged = launcher.read_numbers(ENOUGH_ROWS) | launcher.kill()
    assert orphan in processes_in(made_dir / "cluster")
    with EmbeddedPostgres.start(made_dir) as server:
        assert server.pid != orphan
        assert orphan not in processes_in(made_dir / "cluster")
        assert acknowledged <= rows_of(server)


def test_killed_launcher_and_database_recover_at_the_next_start(made_dir, launch):
    launcher = launch(made_dir)
    launcher.first_line()
    acknowledged = launcher.read_numbers(ENOUGH_ROWS)
    # The launcher first: its keeper would bring the server back.
    launcher.process.send_signal(signal.SIGSTOP)
    kill_all(made_dir)
    acknowledged |= launcher.kill()
    assert (made_dir / "cluster" / "postmaster.pid").exists()
    with EmbeddedPostgres.start(made_dir) as server:
        assert acknowledged <= rows_of(server)


def test_only_the_postmaster_killed_with_its_launcher(made_dir, launch):
    launcher = launch(made_dir)
    launcher.first_line()
    acknowledged = launcher.read_numbers(ENOUGH_ROWS)
    launcher.process.send_signal(signal.SIGSTOP)
    os.kill(recorded_postmaster(made_dir / "cluster"), signal.SIGKILL)
    acknowledged |= launcher.kill()
    with EmbeddedPostgres.start(made_dir) as server:
        assert acknowledged <= rows_of(server)


def test_a_stale_pid_file_that_names_a_living_stranger_does_no_harm(made_dir, launch):
    EmbeddedPostgres.start(made_dir).stop()
    stranger = launch(made_dir.with_name("other"), "idle")
    assert stranger.first_line().startswith("ready")
    pid_file = made_dir / "cluster" / "postmaster.pid"
    pid_file.write_text(
        f"{stranger.process.pid}\n{made_dir}/cluster\n0\n5432\n{made_dir}/run\n\n0 0\nready\n"
    )
    shutil.chown(pid_file, made_dir.stat().st_uid)
    with EmbeddedPostgres.start(made_dir) as server:
        assert server.pid not in (None, stranger.process.pid)
    assert stranger.process.poll() is None


@pytest.mark.parametrize("everything", [False, True], ids=["postmaster", "all its processes"])
async def test_the_database_killed_mid_write_comes_back_with_every_acknowledged_row(
    made_dir, running, everything
):
    server = running(made_dir)
    pool = await open_pool(server.dsn)
    await pool.execute("CREATE TABLE written (number bigint PRIMARY KEY)")
    acknowledged, lost = set(), 0
    killed_at = None
    enough = asyncio.Event()

    async def writer(offset):
        nonlocal lost
        number = offset
        while killed_at is None or number < killed_at + 400:
            try:
                with wrap_errors():
                    await pool.execute("INSERT INTO written VALUES ($1)", number)
                acknowledged.add(number)
                if len(acknowledged) >= ENOUGH_ROWS:
                    enough.set()
            except StoreUnavailable:
                lost += 1
                await asyncio.sleep(0.02)
            number += 4

    async def killer():
        nonlocal killed_at
        await enough.wait()
        killed_at = max(acknowledged)
        if everything:
            kill_all(made_dir)
        else:
            os.kill(server.pid, signal.SIGKILL)

    await asyncio.wait_for(asyncio.gather(killer(), *(writer(offset) for offset in range(4))), 60)
    assert lost > 0, "the kill went unnoticed: the test proves nothing"
    assert server.restarts >= 1
    assert await is_ready(pool) is not None
    present = {row["number"] for row in await pool.fetch("SELECT number FROM written")}
    assert acknowledged <= present
    pool.terminate()


async def test_not_ready_while_the_database_is_down_and_ready_after(made_dir, running):
    server = running(made_dir)
    pool = await open_pool(server.dsn)
    assert await is_ready(pool) is not None
    server.stop()
    assert await is_ready(pool, timeout_s=0.2) is None
    running(made_dir)
    assert await is_ready(pool) is not None
    pool.terminate()


def test_a_stop_right_after_a_kill_leaves_nothing_running(made_dir):
    for pause_s in (0.0, 0.01, 0.03, 0.06, 0.1):
        server = EmbeddedPostgres.start(made_dir)
        os.kill(server.pid, signal.SIGKILL)
        time.sleep(pause_s)
        server.stop()
        until = time.monotonic() + 10
        while processes_in(made_dir / "cluster"):
            assert time.monotonic() < until
            time.sleep(0.01)


def test_an_interrupted_first_start_leaves_nothing_half_done(data_dir, launch):
    for wait_s in (0.05, 0.3, 0.5, 0.65, 0.75):
        launcher = launch(data_dir, "idle")
        deadline = time.monotonic() + 10
        while not list(data_dir.glob("cluster.*")) and not (data_dir / "cluster").exists():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(wait_s)
        launcher.process.kill()
        launcher.process.wait()
        whole = (data_dir / "cluster").exists()
        assert (
            not whole
            or (data_dir / "cluster" / "detente.conf").exists()
            or (data_dir / "cluster" / "PG_VERSION").exists()
        )
    with EmbeddedPostgres.start(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("detente",)
