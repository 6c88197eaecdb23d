"""Reads and writes of parties, accounts and signing keys: one function a query, no rules.

Every write takes the act that it states, and writes the statement in the same command.
"""

from datetime import UTC, datetime
from typing import Any, Final, Protocol

import asyncpg
from msgspec import Struct

from detente.errors import StoreRefused
from detente.parties.model import (
    Account,
    AccountBody,
    AccountId,
    AccountKind,
    Act,
    ExternalSubject,
    Party,
    PartyBody,
    PartyId,
    Role,
)
from detente.parties.rules import KeySpan
from detente.store import load_queries

_SQL: Final = load_queries("detente.parties")


class Connection(Protocol):
    """What is needed of a connection, or of a pool, which gives each query a transaction of its own."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a query for its effect."""
        ...

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Run a query for all its rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """Run a query for its first row."""
        ...


class Digest(Struct, frozen=True):
    """What is kept of a secret."""

    salt: bytes
    sha256: bytes


class Standing(Struct, frozen=True):
    """Whether an account may act now, and as what."""

    account_id: AccountId
    party_id: PartyId
    role: Role
    is_disabled: bool
    is_suspended: bool


class Credentials(Struct, frozen=True):
    """A standing, with what its secret is checked against; None where a foreign issuer signs in."""

    standing: Standing
    digest: Digest | None


class KeyRow(Struct, frozen=True):
    """A signing key as it is stored."""

    span: KeySpan
    private_pkcs8: bytes


async def begin_exchange(connection: Connection, name: str, act: Act) -> bool:
    """Name the exchange; False if it has a name already."""
    row = await connection.fetchrow(_SQL["begin_exchange"], name, act.at_ms, *_who(act), act.content)
    return row is not None


async def exchange_name(connection: Connection) -> str | None:
    """Read the exchange's name; None before it is initialised."""
    row = await connection.fetchrow(_SQL["exchange_name"])
    return None if row is None else str(row["name"])


async def exchange_id(connection: Connection) -> str:
    """Read the exchange's identity, a UUID."""
    row = await connection.fetchrow(_SQL["exchange_id"])
    if row is None:
        raise StoreRefused("The exchange's identity was removed from its database")
    return str(row["exchange_id"])


async def lock_exchange(connection: Connection) -> bool:
    """Hold the exchange's row to the end of the transaction; False before it is initialised."""
    return await connection.fetchrow(_SQL["lock_exchange"]) is not None


async def add_party(connection: Connection, party_id: PartyId, body: PartyBody, act: Act) -> Party | None:
    """Add a party; None if the id is taken."""
    row = await connection.fetchrow(
        _SQL["add_party"], party_id, *_party_columns(body), act.at_ms, *_who(act), act.content
    )
    return None if row is None else _party(row)


async def change_party(
    connection: Connection, party_id: PartyId, version: int, body: PartyBody, act: Act
) -> Party | None:
    """Change a party; None if it is not at that version."""
    row = await connection.fetchrow(
        _SQL["change_party"], party_id, version, *_party_columns(body), *_who(act), act.at_ms, act.content
    )
    return None if row is None else _party(row)


async def suspend_party(
    connection: Connection, party_id: PartyId, act: Act, *, is_suspended: bool
) -> Party | None:
    """Suspend a party or lift that; None if it is so already or does not exist."""
    row = await connection.fetchrow(
        _SQL["suspend_party"], party_id, is_suspended, *_who(act), act.at_ms, act.content
    )
    return None if row is None else _party(row)


async def find_party(connection: Connection, party_id: str) -> Party | None:
    """Read one party."""
    row = await connection.fetchrow(_SQL["find_party"], party_id)
    return None if row is None else _party(row)


async def list_parties(connection: Connection) -> tuple[Party, ...]:
    """Read all parties, in order of id."""
    return tuple(_party(row) for row in await connection.fetch(_SQL["list_parties"]))


async def add_account(
    connection: Connection,
    account_id: AccountId,
    party_id: PartyId,
    body: AccountBody,
    act: Act,
    *,
    digest: Digest | None,
) -> Account | None:
    """Add an account; None if its name or its external subject is taken."""
    outside = body.external_subject
    row = await connection.fetchrow(
        _SQL["add_account"],
        account_id,
        party_id,
        body.kind.value,
        body.name,
        body.role.value,
        act.at_ms,
        *((None, None) if digest is None else (digest.salt, digest.sha256)),
        *((None, None) if outside is None else (outside.issuer, outside.subject)),
        *_who(act),
        act.content,
    )
    return None if row is None else _account(row)


async def lock_account(connection: Connection, account_id: str) -> Account | None:
    """Read one account and hold it to the end of the transaction."""
    row = await connection.fetchrow(_SQL["lock_account"], account_id)
    return None if row is None else _account(row)


async def lock_party(connection: Connection, party_id: str) -> bool:
    """Hold a party's row to the end of the transaction; False if there is none."""
    return await connection.fetchrow(_SQL["lock_party"], party_id) is not None


async def count_administrators(connection: Connection) -> int:
    """Count the administrators who can act now and sign in here, by a secret."""
    row = await connection.fetchrow(_SQL["count_administrators"])
    return 0 if row is None else int(row["count"])


async def change_account(
    connection: Connection, account_id: AccountId, role: Role, act: Act, *, is_disabled: bool
) -> Account:
    """Change an account that this transaction holds."""
    row = await connection.fetchrow(
        _SQL["change_account"], account_id, role.value, is_disabled, *_who(act), act.at_ms, act.content
    )
    if row is None:
        raise StoreRefused(f"the account {account_id} is gone although it was locked")
    return _account(row)


async def change_secret(
    connection: Connection, account_id: AccountId, digest: Digest, act: Act
) -> Account | None:
    """Replace a secret; None if the account does not exist or has none."""
    row = await connection.fetchrow(
        _SQL["change_secret"], account_id, digest.salt, digest.sha256, *_who(act), act.at_ms, act.content
    )
    return None if row is None else _account(row)


async def find_account(connection: Connection, account_id: str) -> Account | None:
    """Read one account."""
    row = await connection.fetchrow(_SQL["find_account"], account_id)
    return None if row is None else _account(row)


async def list_accounts(connection: Connection, party_id: PartyId) -> tuple[Account, ...]:
    """Read a party's accounts, in order of name."""
    return tuple(_account(row) for row in await connection.fetch(_SQL["list_accounts"], party_id))


async def find_credentials(connection: Connection, account_id: str) -> Credentials | None:
    """Read what a secret is checked against."""
    row = await connection.fetchrow(_SQL["find_credentials"], account_id)
    if row is None:
        return None
    salt, sha256 = row["secret_salt"], row["secret_sha256"]
    return Credentials(_standing(row), None if salt is None else Digest(salt, sha256))


async def find_standing(connection: Connection, account_id: str) -> Standing | None:
    """Read whether an account may act."""
    row = await connection.fetchrow(_SQL["find_standing"], account_id)
    return None if row is None else _standing(row)


async def find_external_standing(connection: Connection, issuer: str, subject: str) -> Standing | None:
    """Read whether the account of a foreign issuer's subject may act."""
    row = await connection.fetchrow(_SQL["find_external_standing"], issuer, subject)
    return None if row is None else _standing(row)


async def list_keys(connection: Connection) -> tuple[KeyRow, ...]:
    """Read all signing keys, private halves included, oldest first."""
    return tuple(_key(row) for row in await connection.fetch(_SQL["list_keys"]))


async def forget_retired_keys(connection: Connection, now_ms: int) -> None:
    """Remove keys that verify nothing any more."""
    await connection.execute(_SQL["forget_retired_keys"], now_ms)


async def retire_keys(connection: Connection, retires_ms: int, *, at_once: bool) -> None:
    """End every key without an end; ``at_once`` also those that are on their way out."""
    await connection.execute(_SQL["retire_keys_at_once" if at_once else "retire_keys"], retires_ms)


async def add_key(connection: Connection, row: KeyRow, act: Act) -> None:
    """Add a signing key; the statement holds its name only."""
    await connection.fetchrow(
        _SQL["add_key"],
        row.span.kid,
        row.private_pkcs8,
        row.span.created_ms,
        row.span.signs_from_ms,
        *_who(act),
        act.content,
    )


def instant(ms: int) -> datetime:
    """Convert the database's milliseconds since 1970 to an aware UTC time."""
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _who(act: Act) -> tuple[str, str, bytes | None]:
    return act.party_id, act.account_id, act.token_sha256


def _party_columns(body: PartyBody) -> tuple[Any, ...]:
    return body.name, body.contact, list(body.languages), body.priority_limit, body.is_suspended


def _party(row: asyncpg.Record) -> Party:
    return Party(
        party_id=PartyId(row["party_id"]),
        name=row["name"],
        contact=row["contact"],
        languages=tuple(row["languages"]),
        priority_limit=row["priority_limit"],
        is_suspended=row["is_suspended"],
        version=row["version"],
        created=instant(row["created_ms"]),
    )


def _account(row: asyncpg.Record) -> Account:
    issuer, subject = row["external_issuer"], row["external_subject"]
    return Account(
        account_id=AccountId(row["account_id"]),
        party_id=PartyId(row["party_id"]),
        kind=AccountKind(row["kind"]),
        name=row["name"],
        role=Role(row["role"]),
        is_disabled=row["is_disabled"],
        version=row["version"],
        created=instant(row["created_ms"]),
        external_subject=None if issuer is None else ExternalSubject(issuer, subject),
    )


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(
        account_id=AccountId(row["account_id"]),
        party_id=PartyId(row["party_id"]),
        role=Role(row["role"]),
        is_disabled=row["is_disabled"],
        is_suspended=row["is_suspended"],
    )


def _key(row: asyncpg.Record) -> KeyRow:
    return KeyRow(
        span=KeySpan(row["kid"], row["created_ms"], row["signs_from_ms"], row["retires_ms"]),
        private_pkcs8=row["private_pkcs8"],
    )
