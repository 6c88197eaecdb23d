"""Reads and writes of passkeys and used challenges: one function a query, no rules."""

from typing import Final

import asyncpg

from detente.console.passkey_model import KnownCredential, NewCredential, PasskeyRow
from detente.console.session_model import SessionRow
from detente.console.session_store import Connection, session_of
from detente.parties.model import Act
from detente.store import load_queries

_SQL: Final = load_queries("detente.console", "passkey_queries.sql")


async def challenge_key(connection: Connection) -> bytes:
    """Read the key that challenges are sealed with."""
    row = await connection.fetchrow(_SQL["challenge_key"])
    if row is None:
        raise LookupError("the database has lost its key for challenges")
    secret: bytes = row["secret"]
    return secret


async def use_challenge(connection: Connection, nonce: bytes, expires_ms: int) -> bool:
    """Write down that a challenge was used; False if it was before."""
    return await connection.fetchrow(_SQL["use_challenge"], nonce, expires_ms) is not None


async def forget_challenges(connection: Connection, before_ms: int) -> None:
    """Remove used challenges that expired before, at most 1,000."""
    await connection.execute(_SQL["forget_challenges"], before_ms)


async def find_credential(connection: Connection, credential_id: bytes) -> KnownCredential | None:
    """Read the key of a credential."""
    row = await connection.fetchrow(_SQL["find_credential"], credential_id)
    return None if row is None else KnownCredential(row["passkey_id"], row["account_id"], row["public_key"])


async def hold_passkey(connection: Connection, passkey_id: str) -> int | None:
    """Hold the passkey of an account that may act, and give its counter; None for any other."""
    row = await connection.fetchrow(_SQL["hold_passkey"], passkey_id)
    return None if row is None else int(row["sign_count"])


async def open_session(
    connection: Connection,
    passkey_id: str,
    sign_count: int,
    session_id: str,
    cookie_sha256: bytes,
    *,
    now_ms: int,
    expires_ms: int,
) -> SessionRow:
    """Open a session with a passkey that is held."""
    row = await connection.fetchrow(
        _SQL["open_session"], passkey_id, sign_count, session_id, cookie_sha256, now_ms, expires_ms
    )
    if row is None:
        raise LookupError("a passkey that is held cannot vanish")
    return session_of(row)


async def suspect(connection: Connection, passkey_id: str, shown_count: int, now_ms: int) -> None:
    """Write down that a passkey's counter went back."""
    await connection.execute(_SQL["suspect"], passkey_id, shown_count, now_ms)


async def hold_adding(connection: Connection, session: SessionRow, now_ms: int) -> int | None:
    """Hold an open session and its account; gives how many passkeys it has, None if it may not act."""
    held = await connection.fetchrow(
        _SQL["hold_adding"], session.session_id, session.party_id, session.account_id, now_ms
    )
    if held is None:
        return None
    # A statement of its own: it sees what the account's last holder added.
    row = await connection.fetchrow(_SQL["count_passkeys"], session.account_id)
    return 0 if row is None else int(row["size"])


async def add_passkey(
    connection: Connection,
    passkey_id: str,
    made: NewCredential,
    *,
    name: str,
    session: SessionRow,
    now_ms: int,
) -> PasskeyRow | None:
    """Add a passkey to an account that is held; None if its credential is known already."""
    row = await connection.fetchrow(
        _SQL["add_passkey"],
        passkey_id,
        made.credential_id,
        made.public_key,
        session.account_id,
        name,
        made.sign_count,
        now_ms,
        made.algorithm,
        session.session_id,
    )
    return None if row is None else _passkey(row)


async def list_passkeys(
    connection: Connection, party_id: str, account_id: str | None, limit: int
) -> tuple[PasskeyRow, ...]:
    """Read the passkeys of a party, or of one account of it, by account and age."""
    rows = await connection.fetch(_SQL["list_passkeys"], party_id, account_id, limit)
    return tuple(_passkey(row) for row in rows)


async def rename_passkey(
    connection: Connection, passkey_id: str, account_id: str, name: str, now_ms: int
) -> PasskeyRow | None:
    """Rename an account's own passkey; None if it has no such one."""
    row = await connection.fetchrow(_SQL["rename_passkey"], passkey_id, account_id, name, now_ms)
    return None if row is None else _passkey(row)


async def remove_passkey(
    connection: Connection,
    passkey_id: str,
    party_id: str,
    account_id: str | None,
    *,
    act: Act,
    by_session_id: str | None,
) -> bool:
    """Remove a party's passkey, of the account alone if one is named; False if there is none."""
    row = await connection.fetchrow(
        _SQL["remove_passkey"],
        passkey_id,
        party_id,
        account_id,
        act.party_id,
        act.account_id,
        act.at_ms,
        by_session_id,
    )
    return row is not None


async def end_sessions(connection: Connection, passkey_id: str, act: Act, by_session_id: str | None) -> int:
    """End the sessions that a removed passkey opened, but for the one that asks; gives how many."""
    rows = await connection.fetch(
        _SQL["end_sessions"], passkey_id, act.party_id, act.account_id, act.at_ms, by_session_id
    )
    return len(rows)


def _passkey(row: asyncpg.Record) -> PasskeyRow:
    return PasskeyRow(
        passkey_id=row["passkey_id"],
        account_id=row["account_id"],
        account_name=row["account_name"],
        party_id=row["party_id"],
        name=row["name"],
        credential_id=row["credential_id"],
        made_ms=row["made_ms"],
        used_ms=row["used_ms"],
        suspected_ms=row["suspected_ms"],
    )
