"""Reads and writes of links and sessions: one function a query, no rules; only hashes of codes get here."""

from typing import Final, Protocol

import asyncpg
from msgspec import Struct

from detente.console.session_model import SessionRow
from detente.parties.model import Act
from detente.store import load_queries

_SQL: Final = load_queries("detente.console")


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


class Instants(Struct, frozen=True):
    """What makes a session open: it expires after the one and was seen after the other."""

    now_ms: int
    idle_since_ms: int


async def make_link(
    connection: Connection, account_id: str, act: Act, *, link_id: str, code_sha256: bytes, expires_ms: int
) -> bool:
    """Make a link for an account that may act; False if there is no such account."""
    row = await connection.fetchrow(
        _SQL["make_link"],
        link_id,
        code_sha256,
        account_id,
        act.at_ms,
        expires_ms,
        act.party_id,
        act.account_id,
        act.token_sha256,
        act.content,
    )
    return row is not None


async def redeem_link(
    connection: Connection,
    code_sha256: bytes,
    session_id: str,
    cookie_sha256: bytes,
    *,
    now_ms: int,
    expires_ms: int,
) -> SessionRow | None:
    """Use a link and open a session with it; None if the link or its account is not good."""
    row = await connection.fetchrow(
        _SQL["redeem_link"], code_sha256, session_id, cookie_sha256, now_ms, expires_ms
    )
    return None if row is None else session_of(row)


async def find_session(connection: Connection, cookie_sha256: bytes, at: Instants) -> SessionRow | None:
    """Read the open session of a cookie."""
    row = await connection.fetchrow(_SQL["find_session"], cookie_sha256, at.now_ms, at.idle_since_ms)
    return None if row is None else session_of(row)


async def list_sessions(
    connection: Connection, party_id: str, at: Instants, limit: int
) -> tuple[SessionRow, ...]:
    """Read a party's open sessions, oldest first."""
    rows = await connection.fetch(_SQL["list_sessions"], party_id, at.now_ms, at.idle_since_ms, limit)
    return tuple(session_of(row) for row in rows)


async def touch_session(connection: Connection, session_id: str, now_ms: int) -> None:
    """Write down that a session was used."""
    await connection.execute(_SQL["touch_session"], session_id, now_ms)


async def end_session(connection: Connection, session_id: str, by: SessionRow, at: Instants) -> bool:
    """End an open session of the same party; False if there is none."""
    row = await connection.fetchrow(
        _SQL["end_session"],
        session_id,
        by.party_id,
        at.now_ms,
        at.idle_since_ms,
        by.account_id,
        by.session_id,
    )
    return row is not None


async def forget_ended(connection: Connection, before_ms: int) -> None:
    """Remove links and sessions that ended before."""
    await connection.execute(_SQL["forget_links"], before_ms)
    await connection.execute(_SQL["forget_sessions"], before_ms)


def session_of(row: asyncpg.Record) -> SessionRow:
    """Read a row of the queries that give a session and who it is."""
    return SessionRow(
        session_id=row["session_id"],
        made_ms=row["made_ms"],
        seen_ms=row["seen_ms"],
        expires_ms=row["expires_ms"],
        account_id=row["account_id"],
        account_name=row["account_name"],
        role=row["role"],
        party_id=row["party_id"],
        party_name=row["party_name"],
        languages=tuple(row["languages"]),
        exchange_name=row["exchange_name"],
    )
