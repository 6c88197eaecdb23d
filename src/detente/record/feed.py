"""The statements in the order in which they became settled, for readers who must miss none.

Rule 1: a statement's place is (transaction, id), not its id: of two transactions the one that took the lower
    id may commit later, and a reader who has gone past that id would never see it.
Rule 2: only what is older than the oldest transaction still open is read; nothing can appear there any more.
Rule 3: whoever leaves a transaction open holds the feed up, for everybody; the pool's limits end ours.
Rule 4: what changes without an act is noted (``feed_note``); notes stand in the same order as statements, and
    are forgotten once no cursor is good for so long.
"""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.record")


class Position(Struct, frozen=True, order=True):
    """A place in the feed: everything up to and with it has been read."""

    xact: int
    statement_id: int


class Note(Struct, frozen=True):
    """What a note says beside its subject."""

    cause: str | None
    """The other thing whose change changed what may be known of the subject; None: itself."""
    left_parties: tuple[str, ...]
    """Who could know of the subject by its own terms before, and no longer can by them."""
    was_public: bool
    """Whether everybody could know of the subject before."""


class Change(Struct, frozen=True):
    """A settled statement without its content, or a note."""

    position: Position
    type: str
    subject: str
    version: int | None
    is_overtaken: bool
    """Whether a later version of the same subject is settled, too."""
    note: Note | None = None
    """None for a statement."""


class Page(Struct, frozen=True):
    """Some changes in order, and how far they reach."""

    changes: tuple[Change, ...]
    reached: Position
    """What to go on from."""
    horizon: int
    """The oldest transaction that may still be open."""
    is_full: bool
    """Whether there may be more already."""


async def horizon(pool: Pool) -> Position:
    """The place after everything that is settled now."""
    with wrap_errors():
        return Position(int(await pool.fetchval(_SQL["horizon"])), 0)


async def changes_after(pool: Pool, after: Position, types: Collection[str], limit: int) -> Page:
    """Read on from a place.

    Args:
        pool: database connections; of the primary, since a standby's transactions are others.
        after: from where.
        types: of which statements and notes; others are passed over.
        limit: how many at most.

    Returns:
        The changes, oldest first. Every statement and note of these types is in exactly one page of a reader
        who goes on from ``reached``, whatever else commits meanwhile and in which order.
    """
    with wrap_errors():
        rows = await pool.fetch(_SQL["changes_after"], after.xact, after.statement_id, list(types), limit)
    edge = int(rows[0]["horizon"])
    changes = tuple(
        Change(
            position=Position(int(row["xact"]), row["statement_id"]),
            type=row["type"],
            subject=row["subject"],
            version=row["subject_version"],
            is_overtaken=row["is_overtaken"],
            note=_note(row) if row["is_note"] else None,
        )
        for row in rows
        if row["statement_id"] is not None
    )
    is_full = len(changes) == limit
    reached = changes[-1].position if is_full else max(after, Position(edge, 0))
    return Page(changes, reached, edge, is_full)


async def forget_notes(pool: Pool, kept_s: float, limit: int) -> int:
    """Drop a batch of the notes older than so many seconds by the database's clock; answers how many."""
    with wrap_errors():
        done = await pool.execute(_SQL["forget_notes"], kept_s, limit)
    return int(done.rpartition(" ")[2])


async def feed_secret(pool: Pool) -> bytes:
    """The secret of ``Cursors``, the same for every server of the exchange."""
    with wrap_errors():
        return bytes(await pool.fetchval(_SQL["feed_key"]))


def _note(row: Mapping[str, Any]) -> Note:
    return Note(row["cause"], tuple(row["left_parties"]), row["was_public"])
