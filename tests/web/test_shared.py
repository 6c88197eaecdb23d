"""The folder that a server's processes share: dead servers' folders go, others stay."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from detente.web.shared import PREFIX, note_failure, noted_failure, remove_left, shared_folder

HOLD = """
import sys, time
from detente.web.shared import shared_folder
with shared_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where temporary files go, in this process and in those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_it_goes_with_its_server():
    with shared_folder() as folder:
        assert folder.name.startswith(PREFIX)
        remove_left()
        assert folder.is_dir()
    assert not folder.exists()


def test_what_a_killed_server_left_goes_at_the_next_start_and_a_running_ones_stays(place):
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) for _ in "ab"
    ]
    left, used = (place / holder.stdout.readline().strip() for holder in holders)
    holders[0].send_signal(signal.SIGKILL)
    holders[0].wait()
    assert left.is_dir()
    with shared_folder():
        assert not left.exists()
        assert used.is_dir()
    holders[1].kill()
    holders[1].communicate()


def test_a_folder_without_a_lock_goes_when_it_is_old_and_its_workers_are_gone(place):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    young, old, worked_in = (place / f"{PREFIX}{name}" for name in ("young", "old", "worked"))
    for folder, worker in ((young, dead.pid), (old, dead.pid), (worked_in, os.getpid())):
        folder.mkdir()
        (folder / f"counter_{worker}.db").touch()
    for folder in (old, worked_in):
        os.utime(folder, (time.time() - 100,) * 2)
    remove_left()
    assert (young.exists(), old.exists(), worked_in.exists()) == (True, False, True)


def test_links_and_other_names_stay(place):
    (place / "elsewhere").mkdir()
    (place / f"{PREFIX}link").symlink_to(place / "elsewhere")
    os.utime(place / "elsewhere", (time.time() - 100,) * 2)
    remove_left()
    assert (place / "elsewhere").is_dir()
    assert (place / f"{PREFIX}link").is_symlink()


def test_the_first_failure_is_the_one_that_is_told(place):
    assert noted_failure(place) is None
    note_failure(place, "the terrain is missing")
    note_failure(place, "another")
    assert noted_failure(place) == "the terrain is missing"
