"""The demo's own folder: where it is, what may be removed from it, who serves from it now."""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from detente.demo.sample_day import cache_folder
from detente.errors import StoreRefused, Unavailable
from detente.store.account import first_unreachable, server_account
from detente.store.folder import FolderInUse, FolderLock
from detente.store.leftovers import clear_leftovers

MARK = "made-by-detente-demo"
_POLL_S = 0.05


class DemoHome:
    """Paths below one demo folder.

    Args:
        root: an absolute folder; made by ``take``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mark = root / MARK
        self.lock = root / "lock"
        self.exchange = root / "exchange"
        """The data folder of the demo's exchange, and nothing else."""
        self.credentials = root / "credentials.json"
        self.log = root / "server.log"

    def take(self) -> FolderLock:
        """Create the folder, or empty one that an earlier demo made, and keep other demos out of it.

        Returns:
            The hold; it ends with this process at the latest.

        Raises:
            StoreRefused: if the folder holds anything and was not made by a demo, or a demo runs in it.
        """
        try:
            self._claim()
        except OSError as fault:
            raise StoreRefused(f"the demo's folder {self.root} cannot be used: {fault.strerror}") from fault
        try:
            held = FolderLock(self.lock).take()
        except FolderInUse as used:
            raise StoreRefused(
                f"another demo runs as process {used.members['process']}; stop it with Ctrl-C there or "
                f"`{stop_command(self)}`",
                **used.members,
            ) from used
        try:
            self._empty()
        except BaseException:
            held.release()
            raise
        return held

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only this user can read."""
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)

    def _empty(self) -> None:
        # Only names that a demo gives; whatever else somebody put here stays.
        if (pid := server_pid(self)) is not None:
            raise StoreRefused(
                f"an earlier demo's server runs as process {pid}; stop it with `{stop_command(self)}`",
                process=pid,
            )
        if self.exchange.is_symlink():
            raise StoreRefused(f"{self.exchange} is a link, which no demo made; remove it")
        # A database whose launcher was killed may still write to the folder that goes away now.
        clear_leftovers(self.exchange / "cluster")
        if self.exchange.exists():
            shutil.rmtree(self.exchange)
        for file in (self.credentials, self.log):
            file.unlink(missing_ok=True)

    def _claim(self) -> None:
        if self.root.is_dir() and any(self.root.iterdir()) and not self.mark.is_file():
            raise StoreRefused(
                f"{self.root} holds files that no demo made; name an empty or a new folder with --data"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        if sys.platform != "win32" and server_account() is not None:
            # Root's database is run by another account, which must pass through here but not look around.
            self.root.chmod(0o711)
        self.mark.touch()


def choose_root(wanted: Path | None) -> Path:
    """Choose the demo's folder.

    Args:
        wanted: what the user named; None: chosen here.

    Returns:
        An absolute folder: the one named, else ``demo`` in the user's cache folder, else ``.detente/demo``
        here where the account that runs root's database could not reach the former.
    """
    if wanted is not None:
        return wanted.absolute()
    root = cache_folder() / "demo"
    account = server_account()
    if account is not None and first_unreachable(_existing(root) / "x", account) is not None:
        return Path(".detente/demo").absolute()
    return root


def server_pid(home: DemoHome) -> int | None:
    """Tell which process serves from the folder, by the lock that it holds; None: none does."""
    return _holder_of(home.exchange / "lock")


def _holder_of(path: Path) -> int | None:
    """Tell which process holds a lock: its number, 0 if it does not say it, None if nobody does."""
    if not path.exists():
        return None
    try:
        FolderLock(path).take().release()
    except StoreRefused:
        with contextlib.suppress(ValueError, OSError):
            return int(path.read_text(encoding="ascii"))
        return 0
    return None


def stop_server(home: DemoHome, patience_s: float = 60.0) -> bool:
    """End the exchange that runs in the folder, or the demo that is about to start one there.

    Args:
        home: the demo's folder.
        patience_s: how long its end may take.

    Returns:
        False if none ran.

    Raises:
        Unavailable: if it does not end in time.
    """
    pid = _running_pid(home)
    if pid is None:
        return False
    if pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    limit_s = time.monotonic() + patience_s
    while _running_pid(home) is not None:
        if time.monotonic() > limit_s:
            raise Unavailable(f"process {pid}, which serves from {home.root}, does not end")
        time.sleep(_POLL_S)
    return True


def _running_pid(home: DemoHome) -> int | None:
    """The server, or the demo itself while it has none; a demo in the foreground ends with its server."""
    pid = server_pid(home)
    return _holder_of(home.lock) if pid is None else pid


def stop_command(home: DemoHome) -> str:
    """Say which command stops a demo of this folder."""
    return "detente demo --stop" + ("" if home.root == choose_root(None) else f" --data {home.root}")


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
