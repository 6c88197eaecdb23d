"""Migrations: plain SQL, forward only, each in its own transaction, remembered by name and hash."""

import asyncio
import hashlib
import importlib.resources
import re
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from detente.errors import StoreRefused
from detente.store.pool import wrap_errors
from detente.store.url import checked_url, place_of

_NAME = re.compile(r"^(\d+(?:\.\d+)*)_(\d+)_(pre|post)_([a-z0-9_]+)\.sql$")
_TRANSACTION_CONTROL = re.compile(
    r"^\s*(BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK|END)\s*;", re.IGNORECASE | re.MULTILINE
)
_LOCK_TIMEOUT_MS = 120_000

_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text PRIMARY KEY,
    sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True)
class Migration:
    """One file: its name and its SQL."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash by which a changed text is found, in hexadecimal."""
        return hashlib.sha256(self.sql.encode("utf-8")).hexdigest()


def find_migrations() -> list[Migration]:
    """Collect the ``migrations/*.sql`` of every room, in the order they apply.

    Returns:
        All migrations by version, number, ``pre`` before ``post``, then words.

    Raises:
        StoreRefused: if a name is malformed or comes twice, or a text controls transactions.
    """
    found: dict[str, Migration] = {}
    # By folder, not by import: who migrates needs no room's code.
    rooms = [room for room in importlib.resources.files("detente").iterdir() if room.is_dir()]
    for folder in [room.joinpath("migrations") for room in rooms]:
        if not folder.is_dir():
            continue
        for file in folder.iterdir():
            if not file.name.endswith(".sql"):
                continue
            if file.name in found:
                raise StoreRefused(f"two rooms have a migration called {file.name}")
            found[file.name] = checked(Migration(file.name, file.read_text(encoding="utf-8")))
    return sorted(found.values(), key=lambda migration: order_of(migration.name))


def checked(migration: Migration) -> Migration:
    """Refuse a migration whose text would break out of its transaction.

    Raises:
        StoreRefused: if it holds BEGIN, COMMIT or ROLLBACK as a statement.
    """
    order_of(migration.name)
    if _TRANSACTION_CONTROL.search(migration.sql):
        raise StoreRefused(
            f"{migration.name} controls transactions; each migration is one transaction already"
        )
    return migration


def order_of(name: str) -> tuple[tuple[int, ...], int, bool, str]:
    """Give a migration's place among all, so that 0.10.0 comes after 0.9.0.

    Raises:
        StoreRefused: if the name is not ``<version>_<nn>_<pre|post>_<words>.sql``.
    """
    parts = _NAME.match(name)
    if parts is None:
        raise StoreRefused(f"{name!r} is no migration name (<version>_<nn>_<pre|post>_<words>.sql)")
    version = tuple(int(number) for number in parts[1].split("."))
    return version, int(parts[2]), parts[3] == "post", parts[4]


async def migrate(dsn: str, migrations: Sequence[Migration] | None = None) -> int:
    """Bring a database's schema up to this program's, one transaction a migration.

    Any number of programs may start at once: one applies, the others wait and find it done. A program that
    is killed leaves whole migrations only, and the next start goes on.

    Args:
        dsn: a PostgreSQL URL; the role needs to create in its schema, no more.
        migrations: what to apply; all rooms' by default.

    Returns:
        How many were applied now.

    Raises:
        BadInput: if the URL is none.
        StoreRefused: if the schema is newer than this program, a migration applied earlier has changed, one
            fails, or the role may not create.
        StoreUnavailable: if the database does not answer.
    """
    wanted = find_migrations() if migrations is None else list(migrations)
    with wrap_errors(place_of(checked_url(dsn))):
        connection = await asyncpg.connect(
            dsn,
            timeout=10,
            server_settings={"application_name": "detente migrate", "lock_timeout": str(_LOCK_TIMEOUT_MS)},
        )
        try:
            await _ensure_table(connection)
            applied = 0
            while await _apply_next(connection, wanted):
                applied += 1
        finally:
            await connection.close()
    return applied


async def _ensure_table(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Create the table of what was applied, unless another starter is just doing so."""
    if await connection.fetchval("SELECT to_regclass('schema_migration') IS NOT NULL"):
        return
    while True:
        try:
            await connection.execute(_CREATE_TABLE)
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.DuplicateTableError):
            # IF NOT EXISTS does not help two who create in the same instant; the loser looks again.
            await asyncio.sleep(0.05)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError) as error:
            raise StoreRefused(
                f"the role may not create tables in this database ({error.args[0]}); "
                "make it the database's owner or grant it CREATE on its schema"
            ) from error
        else:
            return


async def _apply_next(connection: "asyncpg.Connection[asyncpg.Record]", wanted: Sequence[Migration]) -> bool:
    """Apply the first missing migration under the table's lock; False when none is missing."""
    if _first_missing(await _read_applied(connection), wanted) is None:
        return False
    async with connection.transaction():
        # An earlier statement than the look: what another starter committed while we waited is then seen.
        await connection.execute("LOCK TABLE schema_migration IN SHARE ROW EXCLUSIVE MODE")
        migration = _first_missing(await _read_applied(connection), wanted)
        if migration is None:
            return False
        try:
            await connection.execute(migration.sql)
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "")[:2] in {"08", "53", "57", "58"}:
                raise
            raise StoreRefused(f"the migration {migration.name} failed: {error.args[0]}") from error
        await connection.execute(
            "INSERT INTO schema_migration (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256
        )
    return True


async def _read_applied(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    """Read name and hash of everything applied."""
    return {
        row["name"]: row["sha256"]
        for row in await connection.fetch("SELECT name, sha256 FROM schema_migration")
    }


def _first_missing(applied: dict[str, str], wanted: Sequence[Migration]) -> Migration | None:
    """Find what to apply next; refuse a schema from the future or a rewritten past."""
    known = {migration.name for migration in wanted}
    for name in applied:
        if name not in known:
            raise StoreRefused(
                f"the database has the migration {name}, which this program does not know: "
                "it was used by a newer Détente; start that one"
            )
    for migration in wanted:
        if migration.name in applied and applied[migration.name] != migration.sha256:
            raise StoreRefused(
                f"the migration {migration.name} has changed since it was applied; "
                "install the Détente that this database was made with",
                expected=applied[migration.name],
                actual=migration.sha256,
            )
    return next((migration for migration in wanted if migration.name not in applied), None)
