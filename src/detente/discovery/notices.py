"""Notices to subscribers elsewhere: taken on a lease, and gone when they are received or given up.

Rule 1: notices about one subject to one URL go in the order of their making, one at a time.
Rule 2: who takes a notice holds it for ``LEASE_MS``; afterwards it may be taken again. A worker that was
    killed between telling and saying so makes the notice go twice: it is received at least once.
Rule 3: only who still holds the lease can end it, so a slow worker cannot let the next one in line overtake.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import asyncpg
from msgspec import Struct

from detente.store import Pool, load_queries, wrap_errors

LEASE_MS: Final = 30_000
"""Longer than one attempt may take, by what the clocks of two servers may differ."""
_OF_A_URL: Final = 4
_SQL = load_queries("detente.discovery", "notice_queries.sql")


class NoticeKind(StrEnum):
    """What a notice is about."""

    PLAN = "plan"
    ZONE = "zone"


class Notice(Struct, frozen=True):
    """One thing that one subscriber is to be told."""

    notice_id: int
    party_id: str
    """Who tells."""
    kind: NoticeKind
    subject_id: str
    uss_base_url: str
    subscriptions: bytes
    """A JSON list of ``{subscription_id, notification_index}``, as it goes out."""
    made_ms: int
    attempts: int
    """This one included; also says whose lease it is."""


class Undelivered(Struct, frozen=True):
    """A notice that was given up."""

    notice: Notice
    given_up_ms: int
    reason: str


async def take(
    pool: Pool,
    now_ms: int,
    limit: int,
    *,
    but_not: Collection[str] = (),
    party_id: str | None = None,
    lease_ms: int = LEASE_MS,
) -> list[Notice]:
    """Take notices that are due; nobody else gets them for the time of the lease.

    Args:
        pool: database connections.
        now_ms: the present.
        limit: how many at most; of one URL four at most, so that no peer's backlog takes every place.
        but_not: base URLs that are not to be told anything now.
        party_id: whose notices; None: everybody's.
        lease_ms: how long the notices are held.

    Raises:
        StoreUnavailable: if the database does not answer.
    """
    with wrap_errors():
        rows = await pool.fetch(_SQL["take"], now_ms, limit, lease_ms, list(but_not), _OF_A_URL, party_id)
    return sorted(map(_notice, rows), key=lambda one: one.notice_id)


async def delivered(pool: Pool, notice: Notice) -> bool:
    """A notice was received, or there is nothing to tell any more.

    Returns:
        Whether the lease was still held; if not, somebody else has the notice and nothing was done.

    Raises:
        StoreUnavailable: if the database does not answer; the notice may go again.
    """
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["delivered"], notice.notice_id, notice.attempts))


async def failed(pool: Pool, notice: Notice, next_due_ms: int) -> bool:
    """A notice was not received: it is due again at an instant, and what waits behind it not before.

    Returns, raises:
        As ``delivered``.
    """
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["failed"], notice.notice_id, notice.attempts, next_due_ms))


async def give_up(pool: Pool, notice: Notice, now_ms: int, reason: str) -> bool:
    """A notice will never be received: it is kept aside with the reason.

    Returns, raises:
        As ``delivered``.
    """
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["give_up"], notice.notice_id, notice.attempts, now_ms, reason))


async def undelivered(pool: Pool, limit: int) -> list[Undelivered]:
    """The newest of the notices that were given up.

    Raises:
        StoreUnavailable: if the database does not answer.
    """
    with wrap_errors():
        rows = await pool.fetch(_SQL["undelivered"], limit)
    return [Undelivered(_notice(row), row["given_up_ms"], row["reason"]) for row in rows]


async def forget_undelivered(pool: Pool, before_ms: int, limit: int) -> int:
    """Drop a batch of the notices that were given up before an instant.

    Returns:
        How many were dropped.

    Raises:
        StoreUnavailable: if the database does not answer.
    """
    with wrap_errors():
        return int(await pool.fetchval(_SQL["forget_undelivered"], before_ms, limit))


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(
        notice_id=row["notice_id"],
        party_id=row["party_id"],
        kind=NoticeKind(row["kind"]),
        subject_id=str(row["subject_id"]),
        uss_base_url=row["uss_base_url"],
        subscriptions=row["subscriptions"],
        made_ms=row["made_ms"],
        attempts=row["attempts"],
    )
