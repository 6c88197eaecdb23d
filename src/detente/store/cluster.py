"""The database cluster in a data folder: made whole or not at all, and its settings."""

import base64
import hashlib
import hmac
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from detente.errors import StoreRefused, StoreUnavailable
from detente.store.account import Account
from detente.store.binaries import program
from detente.store.folder import DataFolder, sync_folder

DATABASE = "detente"
ROLE = "detente"
ADMIN = "postgres"
PORT = 5432
_SCRAM_ITERATIONS = 4096
_BUILTIN_LOCALE_SINCE = 17

# Chosen for two cores and a few GiB that are shared with the exchange itself; see docs/store.md.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "max_connections": "64",
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # A request is short and the cores are few: parallel plans would only take them from other requests.
    "max_parallel_workers_per_gather": "0",
    # Hot rows (cell locks, the statement queue) die by the thousand a second: clean early and often.
    "autovacuum_naptime": "10s",
    "autovacuum_max_workers": "2",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_limit": "1000",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%a.log",
    "log_file_mode": "0600",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_line_prefix": "%m [%p] %q%a ",
    # Values of statements are the parties' business, not the log's.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}

_ACCESS = """\
# Written by Détente at every start.
local all         all        scram-sha-256
local replication postgres   scram-sha-256
host  all         all        127.0.0.1/32  scram-sha-256
"""


def create_cluster(folder: DataFolder, binaries: Path, major: int) -> None:
    """Make a new cluster with its roles, database and passwords; a kill in the middle leaves none.

    Everything happens in a folder beside it, which becomes ``cluster`` by one rename at the very end.

    Raises:
        StoreUnavailable: if the disk is full.
        StoreRefused: if initdb refuses; carries what it said.
    """
    folder.discard_unfinished()
    passwords = {ADMIN: secrets.token_urlsafe(24), ROLE: secrets.token_urlsafe(24)}
    folder.write_private(folder.pgpass, "".join(f"*:*:*:{who}:{word}\n" for who, word in passwords.items()))
    place = folder.new_cluster()
    command: list[str | Path] = [program(binaries, "initdb"), "-D", place, "-U", ADMIN, "--encoding=UTF8"]
    command += ["--locale=C", "--auth=reject", "--data-checksums", "--no-sync"]
    if major >= _BUILTIN_LOCALE_SINCE:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    run_program(folder.account, command, "")
    statements = [f"ALTER ROLE {ADMIN} PASSWORD '{scram_verifier(passwords[ADMIN])}'"]
    statements += [f"CREATE ROLE {ROLE} LOGIN PASSWORD '{scram_verifier(passwords[ROLE])}'"]
    statements += [f"CREATE DATABASE {DATABASE} OWNER {ROLE}"]
    single: list[str | Path] = [program(binaries, "postgres"), "--single", "-D", place, ADMIN]
    said = run_program(folder.account, single, "".join(f"{line}\n" for line in statements))
    if "ERROR:" in said:
        raise StoreRefused(f"the new database could not be set up: {said[-500:]}")
    folder.write_private(
        place / "postgresql.conf",
        "# Détente's settings come from detente.conf, which it writes at every start; yours go into\n"
        "# local.conf beside this file and win.\n"
        "include 'detente.conf'\ninclude 'local.conf'\n",
    )
    folder.write_private(
        place / "local.conf", "# Your own settings of the server; they win over detente.conf.\n"
    )
    run_program(folder.account, [program(binaries, "initdb"), "-D", place, "--sync-only"], "")
    place.rename(folder.cluster)
    sync_folder(folder.root)


def write_settings(folder: DataFolder, extra: Mapping[str, str]) -> None:
    """Write the server's settings and access rules into the cluster; done at every start.

    Args:
        folder: the data folder.
        extra: settings that differ from ours, such as where to listen.
    """
    lines = [f"{name} = '{_quoted(value)}'" for name, value in {**SETTINGS, **extra}.items()]
    text = "# Written by Détente at every start; your own settings go into local.conf.\n" + "\n".join(lines)
    folder.write_private(folder.cluster / "detente.conf", text + "\n")
    folder.write_private(folder.cluster / "pg_hba.conf", _ACCESS)


def cluster_major(cluster: Path) -> int:
    """Read the major version that the cluster was made by.

    Raises:
        StoreRefused: if the folder holds no readable cluster.
    """
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        raise StoreRefused(
            f"{cluster} is no PostgreSQL cluster: {error}; restore it from a backup"
        ) from error


def read_password(folder: DataFolder, role: str) -> str:
    """Read one role's password from the data folder.

    Raises:
        StoreRefused: if the file is gone or lacks the role.
    """
    try:
        lines = folder.pgpass.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StoreRefused(
            f"the password file {folder.pgpass} cannot be read: {error.strerror}; "
            "restore it from the same backup as the cluster beside it"
        ) from error
    for line in lines:
        *_, who, word = line.split(":")
        if who == role:
            return word
    raise StoreRefused(f"the password file {folder.pgpass} has no line for {role!r}")


def scram_verifier(password: str) -> str:
    """Compute what the server stores instead of a password, so that the password itself is never sent to it.

    Source: RFC 5802 section 3 and RFC 7677 (SCRAM-SHA-256), in the form PostgreSQL keeps in pg_authid.
    """
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), salt, _SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode("utf-8") for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def server_environment() -> dict[str, str]:
    """Give the server's programs a small environment: no PG* variable of the caller may steer them."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
    }
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def run_program(account: Account | None, command: list[str | Path], text: str) -> str:
    """Run one of PostgreSQL's programs to its end, as the server's account.

    Args:
        account: who runs it; None for this user.
        command: the program and its arguments.
        text: what it reads from standard input.

    Returns:
        All it said, both outputs in one.

    Raises:
        StoreUnavailable: if the disk is full.
        StoreRefused: if it fails otherwise.
    """
    ran = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs with arguments from here
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=server_environment(),
        umask=0o077,
        cwd="/" if os.name == "posix" else None,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )
    if ran.returncode != 0:
        said = " ".join(ran.stdout.strip().splitlines()[-4:])
        if "No space left on device" in ran.stdout:
            raise StoreUnavailable(f"the disk is full: {said}")
        raise StoreRefused(f"{Path(command[0]).name} failed with status {ran.returncode}: {said}")
    return ran.stdout


def _quoted(value: str) -> str:
    """Quote a value for PostgreSQL's settings file."""
    return value.replace("\\", "\\\\").replace("'", "''")
