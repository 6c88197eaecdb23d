"""The demo's folder: only what a demo made is ever removed, and one demo at a time."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from detente.demo.home import DemoHome, choose_root, server_pid, stop_server
from detente.demo.sample_day import cache_folder
from detente.errors import StoreRefused
from detente.store.folder import FolderLock


def test_a_folder_with_somebodys_files_is_refused_and_stays_as_it_is(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreRefused):
        DemoHome(tmp_path).take()
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_a_demo_left_goes_and_what_somebody_added_stays(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    home.take().release()
    (home.exchange / "cluster").mkdir(parents=True)
    home.credentials.write_text("{}")
    (home.root / "notes.txt").write_text("mine")
    home.take().release()
    assert not home.exchange.exists()
    assert not home.credentials.exists()
    assert (home.root / "notes.txt").read_text() == "mine"


def test_a_link_in_place_of_the_data_folder_leads_nowhere(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    home.take().release()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    home.exchange.symlink_to(elsewhere)
    with pytest.raises(StoreRefused):
        home.take().release()
    assert (elsewhere / "kept").exists()


def test_a_folder_whose_exchange_runs_is_refused_by_its_process(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    home.take().release()
    assert server_pid(home) is None
    assert stop_server(home) is False
    home.exchange.mkdir()
    held = FolderLock(home.exchange / "lock").take()
    with pytest.raises(StoreRefused, match="--stop"):
        home.take()
    held.release()
    home.take().release()


def test_two_demos_never_hold_one_folder_and_the_second_removes_nothing(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    held = home.take()
    home.credentials.write_text("{}")
    with pytest.raises(StoreRefused):
        home.take()
    assert home.credentials.exists()
    held.release()
    home.take().release()


def test_credentials_are_for_this_user_only(tmp_path: Path):
    home = DemoHome(tmp_path)
    home.write_private(home.credentials, "secret")
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600
    home.credentials.chmod(0o644)
    home.write_private(home.credentials, "other")
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600
    assert home.credentials.read_text() == "other"


def test_the_folder_is_where_it_was_said_or_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "detente"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert cache_folder().is_absolute()
    assert choose_root(tmp_path / "x") == tmp_path / "x"


def test_a_second_demo_is_told_which_process_runs_and_how_to_stop_it(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    held = home.take()
    with pytest.raises(StoreRefused) as refusal:
        home.take()
    assert refusal.value.detail == (
        f"another demo runs as process {os.getpid()}; stop it with Ctrl-C there or "
        f"`detente demo --stop --data {home.root}`"
    )
    held.release()
    home.exchange.mkdir()
    held = FolderLock(home.exchange / "lock").take()
    with pytest.raises(
        StoreRefused, match=f"earlier demo's server runs as process {os.getpid()}; stop it with"
    ):
        home.take()
    held.release()


def test_a_demo_that_has_no_server_yet_is_stopped_too(tmp_path: Path):
    home = DemoHome(tmp_path / "demo")
    code = (
        "import sys, time; from pathlib import Path; from detente.demo.home import DemoHome\n"
        "held = DemoHome(Path(sys.argv[1])).take(); print('held', flush=True); time.sleep(60)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code, home.root], stdout=subprocess.PIPE, text=True)
    assert demo.stdout.readline() == "held\n"
    assert stop_server(home) is True
    assert demo.wait(10) == -signal.SIGTERM
    demo.stdout.close()
    assert stop_server(home) is False
