"""The folder that one server's processes share: what its workers count, and why one of them gave up.

A server that was killed leaves its folder behind; the next start of a server of the same user removes it.
"""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PREFIX = "detente-metrics-"
_LOCK = "server"
_FAILURE = "failure"
_YOUNG_S = 60.0


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Make the folder of one server and hold it as long as the block runs; dead servers' folders go.

    Yields:
        The folder, readable by this user only.
    """
    remove_left()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = _hold(folder)
    try:
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def remove_left() -> None:
    """Remove the folders of this user's servers that are gone."""
    if sys.platform == "win32":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _is_left(folder, found):
                shutil.rmtree(folder, ignore_errors=True)


def note_failure(folder: Path, why: str) -> None:
    """Leave why a worker cannot go on; the first to say so counts."""
    with contextlib.suppress(FileExistsError), (folder / _FAILURE).open("x", encoding="utf-8") as file:
        file.write(why)


def noted_failure(folder: Path) -> str | None:
    """Read why a worker could not go on; None if none gave up."""
    try:
        return (folder / _FAILURE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _hold(folder: Path) -> int:
    """Lock a file in the folder; the kernel lets go of it when this process ends, however it does."""
    unlocked = folder / f"{_LOCK}.new"
    handle = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Only a locked file ever has the name by which others judge.
        unlocked.rename(folder / _LOCK)
    return handle


def _is_left(folder: Path, found: os.stat_result) -> bool:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Just being made, or made by a version that locked nothing: its workers' files name them.
        return time.time() - found.st_mtime > _YOUNG_S and not any(map(_is_alive, _workers_of(folder)))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _workers_of(folder: Path) -> list[int]:
    numbers = [file.stem.rpartition("_")[2] for file in folder.glob("*.db")]
    return [int(number) for number in numbers if number.isdecimal()]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
