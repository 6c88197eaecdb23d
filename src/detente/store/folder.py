"""The data folder: what is in it, who may read it, and which process holds it."""

import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Self

from detente.errors import StoreRefused
from detente.store.account import Account

if sys.platform != "win32":
    import fcntl

# What we put into a data folder, with or without a suffix after a dot; and what a volume's own root may hold.
_OWN_NAMES = frozenset({"cluster", "log", "run", "pgpass", "lock", "programs", "lost+found"})


def default_data_dir() -> Path:
    """Name the data folder to use when none is given.

    Returns:
        ``/var/lib/detente`` for root (the server's account can reach it, unlike root's home);
        ``$XDG_DATA_HOME/detente`` or ``~/.local/share/detente`` for anybody else.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/detente")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "detente"


class FolderInUse(StoreRefused):
    """Another process holds the folder. Member ``process``: which, as it says itself."""


class DataFolder:
    """Paths in one data folder, and its privacy.

    Args:
        root: the absolute folder.
        account: who runs the server and so owns the folder; None for this user.
    """

    def __init__(self, root: Path, account: Account | None) -> None:
        self.root = root
        self.account = account
        self.cluster = root / "cluster"
        self.log = root / "log"
        self.run = root / "run"
        self.pgpass = root / "pgpass"
        self.lock = root / "lock"
        self.programs = root / "programs"

    def prepare(self) -> None:
        """Create the folder, or take an existing one, and make it private.

        Raises:
            StoreRefused: if it is not a folder, is not ours to use, or holds other things.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            names = sorted(entry.name for entry in self.root.iterdir())
        except OSError as error:
            raise StoreRefused(f"the data folder {self.root} cannot be used: {error.strerror}") from error
        foreign = [name for name in names if name.partition(".")[0] not in _OWN_NAMES]
        if foreign and not self.cluster.exists():
            raise StoreRefused(
                f"{self.root} is no data folder of Détente and is not empty (it holds {foreign[0]!r}); "
                "name an empty or a new folder"
            )
        for folder in (self.root, self.log, self.run):
            self.make_private(folder)

    def make_private(self, folder: Path) -> None:
        """Create a folder below (or be) the data folder, owned by the server's account, mode 0700.

        Raises:
            StoreRefused: if it belongs to somebody else or is a symbolic link.
        """
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if sys.platform == "win32":
                return
            # By descriptor and without following links: root must not be led outside the data folder.
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if self.account is not None:
                    os.fchown(handle, self.account.uid, self.account.gid)
                os.fchmod(handle, 0o700)
            finally:
                os.close(handle)
        except OSError as error:
            raise StoreRefused(
                f"the folder {folder} cannot be made private: {error.strerror}; it must belong to the "
                "account that starts Détente, or Détente must be started by root"
            ) from error

    def make_private_file(self, path: Path) -> None:
        """Take from everybody else what they may do with a file of ours, if it is there.

        Raises:
            StoreRefused: if it belongs to somebody else or is a symbolic link.
        """
        if sys.platform == "win32":
            return
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreRefused(f"the file {path} cannot be read: {error.strerror}") from error
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)

    def new_cluster(self) -> Path:
        """Name a place for a cluster in the making: another at each attempt.

        The programs of an attempt whose launcher was killed may still be writing into theirs.
        """
        return self.root / f"cluster.{secrets.token_hex(4)}"

    def write_private(self, path: Path, text: str) -> None:
        """Write a file of mode 0600 for the server's account, whole or not at all, and sync it."""
        if sys.platform == "win32":
            path.write_text(text, encoding="utf-8")
            return
        name = f"{path.name}.{secrets.token_hex(4)}"
        # Through the folder's descriptor: root writes here where another account owns the names.
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                if self.account is not None:
                    os.fchown(handle, self.account.uid, self.account.gid)
                file.write(text)
                file.flush()
                os.fsync(handle)
            os.rename(name, path.name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)
        finally:
            os.close(parent)

    def discard_unfinished(self) -> None:
        """Remove what an interrupted first start left behind."""
        for entry in self.root.glob("cluster.*"):
            shutil.rmtree(entry, ignore_errors=True)
        for entry in self.root.glob("pgpass.*"):
            entry.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names created or renamed in a folder durable."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """The hold of one launcher process on one data folder; the kernel lets go when the process dies.

    Args:
        path: the lock file.
        account: who is to own that file; None for this user.
    """

    def __init__(self, path: Path, account: Account | None = None) -> None:
        self._path = path
        self._account = account
        self._handle = -1

    def take(self) -> Self:
        """Take the lock at once or not at all.

        Raises:
            FolderInUse: if another launcher, in this or another process, holds it; names that process.
        StoreRefused: if the lock cannot be opened.
        """
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError as error:
            raise StoreRefused(f"the lock {self._path} cannot be opened: {error.strerror}") from error
        try:
            _lock(handle)
        except OSError:
            holder = os.pread(handle, 32, 0).decode("utf-8", "replace").strip() or "unknown"
            os.close(handle)
            raise FolderInUse(
                f"the data folder {self._path.parent} is in use by process {holder}", process=holder
            ) from None
        if self._account is not None and sys.platform != "win32":
            os.fchown(handle, self._account.uid, self._account.gid)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        # A forked child would share the lock and keep it beyond the launcher's death.
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._close)
        return self

    def release(self) -> None:
        """Let go; harmless when nothing is held."""
        self._close()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _lock(handle: int) -> None:
    """Lock an open file for this process or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 -- Windows only

        # One byte far behind the text, because Windows' locks also keep others from reading.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
