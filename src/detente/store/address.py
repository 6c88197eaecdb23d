"""Where a server listens: a private socket in its data folder, or a loopback port if there are no sockets."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from detente.errors import StoreRefused
from detente.store.account import first_unreachable
from detente.store.cluster import PORT, read_password
from detente.store.folder import DataFolder
from detente.store.leftovers import processes_in

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX") and sys.platform != "win32"
# PostgreSQL's name for its socket; the lock beside it has five letters more.
_LONGEST_NAME = f".s.PGSQL.{PORT}.lock"
# A socket's path has 108 bytes with its closing zero (unix(7)); 104 on the BSDs and macOS.
_SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True)
class Address:
    """A place to connect to: a folder with the socket in it, or None for the loopback address; a port."""

    socket_folder: Path | None
    port: int

    def settings(self) -> Mapping[str, str]:
        """Give the server's settings that make it listen here and nowhere else."""
        return {
            "port": str(self.port),
            "listen_addresses": "" if self.socket_folder else "127.0.0.1",
            "unix_socket_directories": os.fspath(self.socket_folder) if self.socket_folder else "",
        }

    def url(self, folder: DataFolder, role: str, database: str) -> str:
        """Compose the URL of a database here, with the role's password from the data folder in it."""
        return self._url_of(f"{role}:{quote(read_password(folder, role), safe='')}", database)

    def open_url(self, role: str, database: str) -> str:
        """Compose the URL of a database here, without a password."""
        return self._url_of(role, database)

    def _url_of(self, who: str, database: str) -> str:
        if self.socket_folder is None:
            return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"
        where = quote(os.fspath(self.socket_folder), safe="")
        return f"postgresql://{who}@/{database}?host={where}&port={self.port}"


def choose_address(folder: DataFolder, *, use_tcp: bool) -> Address:
    """Choose where the server of a data folder listens.

    Args:
        folder: the data folder; its lock is held.
        use_tcp: take a free loopback port rather than a socket.

    Raises:
        StoreRefused: if the path of a socket would be too long everywhere.
    """
    drop_short_folder(folder)
    if use_tcp:
        return Address(None, _free_port())
    if _fits(folder.run):
        return Address(folder.run, PORT)
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- only a folder made afresh below it is used
        if folder.account is not None and first_unreachable(base / "socket", folder.account) is not None:
            continue
        short = Path(tempfile.mkdtemp(prefix="detente-", dir=base))
        if not _fits(short):
            short.rmdir()
            continue
        folder.make_private(short)
        folder.write_private(folder.run / "elsewhere", os.fspath(short))
        return Address(short, PORT)
    raise StoreRefused(
        f"the path {folder.run} is too long for a socket, and so is the folder for temporary files; "
        "name a data folder with a shorter path, or set TMPDIR to one"
    )


def drop_short_folder(folder: DataFolder) -> None:
    """Remove the short folder of a socket whose server has ended; its launcher may have been killed."""
    note = folder.run / "elsewhere"
    if note.is_file():
        shutil.rmtree(note.read_text(encoding="utf-8"), ignore_errors=True)
        note.unlink()


def recorded_address(folder: DataFolder) -> Address | None:
    """Read from the server's pid file where it listens.

    Returns:
        The address, or None when no server says that it is ready.
    """
    lines = read_status(folder.cluster)
    # The file outlives a server that was killed.
    if not processes_in(folder.cluster) or len(lines) <= _STATUS_LINE or lines[_STATUS_LINE] != "ready":
        return None
    where = lines[_SOCKET_LINE]
    return Address(Path(where) if where else None, int(lines[_PORT_LINE]))


def says_ready(cluster: Path, process: int) -> bool:
    """Read from the server's pid file whether this very process takes connections."""
    lines = read_status(cluster)
    return len(lines) > _STATUS_LINE and lines[0] == str(process) and lines[_STATUS_LINE] == "ready"


# Source: PostgreSQL, src/include/miscadmin.h (LOCK_FILE_LINE_*), counted from 0.
_PORT_LINE, _SOCKET_LINE, _STATUS_LINE = 3, 4, 7


def read_status(cluster: Path) -> list[str]:
    """Read the lines of the server's pid file; none when there is no such file."""
    try:
        text = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines()]


def _fits(folder: Path) -> bool:
    """Say whether a socket's path in that folder is short enough."""
    return len(os.fsencode(folder / _LONGEST_NAME)) <= _SOCKET_PATH_BYTES


def _free_port() -> int:
    """Find a free loopback port; should somebody take it first, the server says so and does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
