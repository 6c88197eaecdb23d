"""Reads of the queued statements; they are written by ``queue_statement`` inside each verb's own call."""

from collections.abc import Sequence

from msgspec import Struct

from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.record")


class Statement(Struct, frozen=True):
    """One act of one party: who, what, when, and the bytes that were sent."""

    statement_id: int
    type: str
    party_id: str
    account_id: str
    at_ms: int
    subject_version: int | None
    content_sha256: bytes
    content: bytes


async def statements_of(pool: Pool, subject: str, limit: int = 10_000) -> list[Statement]:
    """Every statement about one subject, oldest first, at most ``limit``."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["of_subject"], subject, limit)
    return [Statement(**row) for row in rows]


async def latest_of(
    pool: Pool, subjects: Sequence[str], types: Sequence[str]
) -> dict[str, tuple[int | None, int]]:
    """Of each subject the latest statement of certain types: the subject's version by it, and when, ms."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["latest"], subjects, types)
    return {row["subject"]: (row["subject_version"], row["at_ms"]) for row in rows}


class Beyond(Struct, frozen=True):
    """What is asked about one subject: the first statement of some types beyond a version."""

    subject: str
    version: int
    types: tuple[str, ...]


async def first_beyond(pool: Pool, asked: Sequence[Beyond]) -> list[int | None]:
    """For each question the version that the first such statement made, in order; None if there is none."""
    with wrap_errors():
        rows = await pool.fetch(
            _SQL["first"],
            [one.subject for one in asked],
            [one.version for one in asked],
            [",".join(one.types) for one in asked],
        )
    found = {row["n"]: row["subject_version"] for row in rows}
    return [found.get(n) for n in range(1, len(asked) + 1)]
