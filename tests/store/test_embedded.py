"""Starting, stopping, refusing: what a data folder holds and who may use it."""

import asyncio
import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import psycopg
import pytest

from detente.errors import StoreRefused
from detente.store import EmbeddedPostgres, running_dsn
from detente.store.folder import FolderLock
from detente.store.leftovers import processes_in

OWN_ROLE = """
SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user
"""
DURABLE_AND_PRIVATE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "listen_addresses": "",
    "jit": "off",
}


def one_row(dsn):
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT 1").fetchone()


async def asked_by_asyncpg(dsn):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await connection.close()


def test_a_start_makes_a_private_folder_and_a_durable_server(data_dir):
    with EmbeddedPostgres.start(data_dir) as server:
        folder = server.data_dir
        for private in ("", "cluster", "run", "log"):
            assert stat.S_IMODE((folder / private).stat().st_mode) == 0o700, private
        assert stat.S_IMODE((folder / "pgpass").stat().st_mode) == 0o600
        with psycopg.connect(server.dsn) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}").fetchone()[0]
                for name in (
                    "fsync",
                    "synchronous_commit",
                    "data_checksums",
                    "listen_addresses",
                    "jit",
                    "full_page_writes",
                )
            }
            role = connection.execute(OWN_ROLE).fetchone()
    assert shown == DURABLE_AND_PRIVATE
    assert role == ("detente", False, False, False)
    assert processes_in(folder / "cluster") == []


def test_no_password_no_entry(made_dir):
    with EmbeddedPostgres.start(made_dir) as server:
        word = server.dsn.split(":")[2].split("@")[0]
        for wrong in ("", "postgres", "detente", word[:-1]):
            with pytest.raises(psycopg.OperationalError):
                one_row(server.dsn.replace(word, wrong))
        assert one_row(server.dsn) == (1,)
        for process in processes_in(made_dir / "cluster"):
            with contextlib.suppress(FileNotFoundError):  # a session's process that has just ended
                assert word not in Path(f"/proc/{process}/cmdline").read_text()
        assert word not in repr(server)
        for log in (made_dir / "log").iterdir():
            assert word not in log.read_text()


def test_two_folders_have_two_passwords(data_dir):
    with EmbeddedPostgres.start(data_dir / "a") as first, EmbeddedPostgres.start(data_dir / "b") as second:
        passwords = {dsn.split(":")[2].split("@")[0] for dsn in (first.dsn, second.dsn, first.admin_dsn)}
    assert len(passwords) == 3


def test_a_second_start_is_refused_by_name(made_dir, launch):
    holder = launch(made_dir, "idle")
    assert holder.first_line().startswith("ready")
    with pytest.raises(StoreRefused, match=f"in use by process {holder.process.pid}"):
        EmbeddedPostgres.start(made_dir)
    assert one_row(running_dsn(made_dir)) == (1,)


def test_a_second_start_in_the_same_process_is_refused_and_harmless(made_dir):
    with EmbeddedPostgres.start(made_dir) as server:
        with pytest.raises(StoreRefused, match=f"in use by process {os.getpid()}"):
            EmbeddedPostgres.start(made_dir)
        assert one_row(server.dsn) == (1,)


def test_of_two_concurrent_first_starts_one_wins(data_dir, launch):
    both = [launch(data_dir, "idle"), launch(data_dir, "idle")]
    lines = sorted(launcher.first_line() for launcher in both)
    assert lines[0].startswith("ready")
    assert lines[1].startswith("refused")
    assert "in use by process" in lines[1]
    assert one_row(running_dsn(data_dir)) == (1,)


def test_the_dsn_of_a_running_server_can_be_found_and_of_a_stopped_one_not(made_dir):
    with EmbeddedPostgres.start(made_dir) as server:
        assert running_dsn(made_dir) == server.dsn
    assert running_dsn(made_dir) is None


def test_loopback_works_where_there_are_no_sockets(made_dir):
    with EmbeddedPostgres.start(made_dir, use_tcp=True) as server:
        assert "@127.0.0.1:" in server.dsn
        assert one_row(server.dsn) == (1,)
        assert running_dsn(made_dir) == server.dsn
        assert list((made_dir / "run").iterdir()) == []


def test_a_path_too_long_for_a_socket_gets_a_short_one(data_dir):
    deep = data_dir / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres.start(deep) as server:
        assert len(os.fsencode(deep)) > 108
        assert one_row(server.dsn) == (1,)
        assert asyncio.run(asked_by_asyncpg(server.dsn)) == 1
        elsewhere = Path((deep / "run" / "elsewhere").read_text())
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        assert running_dsn(deep) == server.dsn
    assert not elsewhere.exists()


def test_loose_permissions_are_tightened(made_dir):
    EmbeddedPostgres.start(made_dir).stop()
    made_dir.chmod(0o777)
    (made_dir / "cluster").chmod(0o755)
    (made_dir / "pgpass").chmod(0o644)
    with EmbeddedPostgres.start(made_dir) as server:
        assert one_row(server.dsn) == (1,)
    assert stat.S_IMODE(made_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((made_dir / "pgpass").stat().st_mode) == 0o600


def test_a_folder_of_other_things_is_refused_and_left_alone(data_dir):
    data_dir.mkdir(mode=0o755)
    (data_dir / "thesis.txt").write_text("mine")
    with pytest.raises(StoreRefused, match=r"not empty.*thesis\.txt"):
        EmbeddedPostgres.start(data_dir)
    assert [entry.name for entry in data_dir.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o755


def test_a_file_in_the_place_of_the_folder_is_refused(data_dir):
    data_dir.write_text("")
    with pytest.raises(StoreRefused, match="cannot be used"):
        EmbeddedPostgres.start(data_dir)


def test_another_major_version_is_refused_with_the_cure(made_dir):
    EmbeddedPostgres.start(made_dir).stop()
    (made_dir / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(StoreRefused, match=r"made by PostgreSQL 14.*install version 14.*pg_dump") as refusal:
        EmbeddedPostgres.start(made_dir)
    assert refusal.value.members["expected"] == 14
    (made_dir / "cluster" / "PG_VERSION").write_text("18\n")


def test_a_lost_password_file_is_refused_by_name(made_dir):
    EmbeddedPostgres.start(made_dir).stop()
    (made_dir / "pgpass").unlink()
    with EmbeddedPostgres.start(made_dir) as server, pytest.raises(StoreRefused, match="pgpass"):
        server.dsn  # noqa: B018 -- reading it is the act


def test_a_server_that_cannot_start_says_why(data_dir):
    with pytest.raises(StoreRefused, match=r"did not start.*no_such_setting"):
        EmbeddedPostgres.start(data_dir, settings={"no_such_setting": "1"})
    with EmbeddedPostgres.start(data_dir) as server:
        assert one_row(server.dsn) == (1,)


def test_local_settings_win_and_survive(made_dir):
    EmbeddedPostgres.start(made_dir).stop()
    (made_dir / "cluster" / "local.conf").write_text("work_mem = '7MB'\n")
    for _ in range(2):
        with EmbeddedPostgres.start(made_dir) as server, psycopg.connect(server.dsn) as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)


def test_the_callers_postgres_variables_do_not_steer_the_server(made_dir, monkeypatch):
    for name, value in {
        "PGDATA": "/nonexistent",
        "PGPORT": "1",
        "PGUSER": "nobody",
        "PGDATABASE": "x",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres.start(made_dir) as server:
        assert one_row(server.dsn) == (1,)


def test_a_forked_child_neither_holds_the_folder_nor_stops_the_server(made_dir):
    server = EmbeddedPostgres.start(made_dir)
    child = os.fork()
    if child == 0:
        server.stop()
        os._exit(0)
    os.waitpid(child, 0)
    assert one_row(server.dsn) == (1,)
    server.stop()
    server.stop()
    assert server.pid is None


def test_a_forked_child_does_not_keep_the_lock_of_a_dead_parent(data_dir):
    script = (
        "import os, sys, time; from pathlib import Path; from detente.store.folder import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1])).take()\n"
        "if os.fork() == 0: os.write(1, b'.'); time.sleep(600)\n"
        "time.sleep(600)"
    )
    data_dir.mkdir()
    lock = data_dir / "lock"
    command = [sys.executable, "-c", script, str(lock)]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout.read(1) == b".", "the child runs"
            with pytest.raises(StoreRefused, match=f"process {parent.pid}"):
                FolderLock(lock).take()
            parent.kill()
            parent.wait()
            FolderLock(lock).take().release()
        finally:
            os.killpg(parent.pid, 9)


def test_a_process_that_ends_without_stop_takes_its_server_with_it(made_dir):
    script = (
        "import sys; from pathlib import Path; from detente.store import EmbeddedPostgres\n"
        "EmbeddedPostgres.start(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, str(made_dir)], check=True, timeout=60)
    assert processes_in(made_dir / "cluster") == []
