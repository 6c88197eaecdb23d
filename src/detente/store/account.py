"""Which account runs the database server, and whether it can reach a folder.

``postgres`` refuses to run as root. Started by root, the launcher lets an existing unprivileged account
run it; started by anybody else, it runs as that user. No account is created.
"""

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from detente.errors import StoreRefused

ACCOUNT_SETTING = "DETENTE_POSTGRES_USER"
FALLBACK_ACCOUNT = "nobody"


@dataclass(frozen=True)
class Account:
    """An operating-system account, by its numbers."""

    uid: int
    gid: int
    name: str


def server_account(*owned: Path) -> Account | None:
    """Choose the account that runs the server.

    Args:
        *owned: folders whose owner is to be taken, unless it is root; the first that exists wins.

    Returns:
        The account to change to, or None when this process can run the server as it is.

    Raises:
        StoreRefused: if the account named by DETENTE_POSTGRES_USER does not exist or is root.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    wanted = os.environ.get(ACCOUNT_SETTING)
    if wanted:
        return _named(wanted, f"{ACCOUNT_SETTING} names")
    for folder in owned:
        try:
            found = folder.lstat()
        except OSError:
            continue
        if found.st_uid != 0:
            return Account(found.st_uid, found.st_gid, _name_of(found.st_uid))
    return _named(FALLBACK_ACCOUNT, "the server runs as")


def first_unreachable(path: Path, account: Account) -> Path | None:
    """Find the folder above ``path`` that the account may not pass through.

    Args:
        path: an absolute path without symbolic links.
        account: who wants to reach it.

    Returns:
        The first such folder from the top, or None when the way is free as far as it exists. Only mode bits
        are read: a folder opened by an access control list alone counts as closed.
    """
    for folder in reversed(path.parents):
        try:
            mode = folder.stat()
        except FileNotFoundError:
            return None
        if mode.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif mode.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not mode.st_mode & needed:
            return folder
    return None


def owner_name(path: Path) -> str | None:
    """Name the account that owns a file or folder; None when there is no such thing."""
    try:
        return _name_of(path.lstat().st_uid)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _named(name: str, said: str) -> Account:
    """Look an account up by name."""
    import pwd  # noqa: PLC0415 -- the module does not exist on Windows

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise StoreRefused(
            f"{said} the account {name!r}, which does not exist here; set {ACCOUNT_SETTING} to an "
            "existing ordinary account, or start as an ordinary user"
        ) from None
    if entry.pw_uid == 0:
        raise StoreRefused(f"{said} the account {name!r}, which is root; PostgreSQL refuses to run as root")
    return Account(entry.pw_uid, entry.pw_gid, name)


def _name_of(uid: int) -> str:
    """Give the account's name, or its number where it has none."""
    import pwd  # noqa: PLC0415 -- the module does not exist on Windows

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
