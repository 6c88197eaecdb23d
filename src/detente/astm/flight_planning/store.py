"""Reads and writes of what a test harness has planned, asked and been told: one query a function, no rule."""

from msgspec import Struct

from detente.record import Position
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.astm.flight_planning")
MAX_NOTIFICATIONS = 10_000
"""The most notifications that one answer holds."""


class KeptAnswer(Struct, frozen=True):
    """What a request was first answered, and what identifies the request."""

    request_sha256: bytes
    answer: bytes


class Notification(Struct, frozen=True):
    """What the user was told."""

    conflicts: int
    message: str
    observed_ms: int


async def find_flight(pool: Pool, party_id: str, flight_plan_id: str) -> str | None:
    """The id of a flight's plan; None if nothing was ever asked of the flight."""
    with wrap_errors():
        found = await pool.fetchval(_SQL["find_flight"], party_id, flight_plan_id)
    return None if found is None else str(found)


async def begin_flight(pool: Pool, party_id: str, flight_plan_id: str, plan_id: str) -> str:
    """Give a flight its plan's id, unless it has one; answers the one that it has."""
    with wrap_errors():
        return str(await pool.fetchval(_SQL["begin_flight"], party_id, flight_plan_id, plan_id))


async def renew_flight(pool: Pool, party_id: str, flight_plan_id: str, old_id: str, plan_id: str) -> None:
    """Give a flight another plan's id in place of ``old_id``, unless somebody else was quicker."""
    with wrap_errors():
        await pool.fetchval(_SQL["renew_flight"], party_id, flight_plan_id, old_id, plan_id)


async def kept_answer(pool: Pool, party_id: str, request_key: bytes) -> KeptAnswer | None:
    """The first answer to a request."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["kept_answer"], party_id, request_key)
    return None if row is None else KeptAnswer(**row)


async def keep_answer(
    pool: Pool, party_id: str, request_key: bytes, answer: KeptAnswer, now_ms: int
) -> KeptAnswer:
    """Keep the answer to a request; answers the one that is kept, which may be of another call."""
    with wrap_errors():
        row = await pool.fetchrow(
            _SQL["keep_answer"], party_id, request_key, answer.request_sha256, answer.answer, now_ms
        )
    return answer if row is None else KeptAnswer(**row)


class Meeting(Struct, frozen=True):
    """What a user is told of: an own plan and others, by what names their versions."""

    plan_id: str
    mine: str
    others: tuple[str, ...]


async def notify(pool: Pool, party_id: str, of: Meeting, told: Notification) -> None:
    """Tell a party's user of a plan's conflicts, if any of them was not told yet."""
    with wrap_errors():
        await pool.execute(
            _SQL["notify"],
            party_id, of.plan_id, of.mine, of.others, told.conflicts, told.message, told.observed_ms,
        )  # fmt: skip


async def notifications(pool: Pool, party_id: str, after_ms: int, before_ms: int) -> list[Notification]:
    """What a party's user was told between two instants, oldest first."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["notifications"], party_id, after_ms, before_ms, MAX_NOTIFICATIONS)
    return [Notification(**row) for row in rows]


async def reader(pool: Pool, party_id: str) -> Position | None:
    """How far the changes of plans were looked at for a party."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["reader"], party_id)
    return None if row is None else Position(row["xact"], row["statement_id"])


async def advance_reader(pool: Pool, party_id: str, reached: Position, horizon: int) -> None:
    """Note how far the changes were looked at; back only from beyond the horizon (a restored backup)."""
    with wrap_errors():
        await pool.execute(_SQL["advance_reader"], party_id, reached.xact, reached.statement_id, horizon)


async def forget(pool: Pool, before_ms: int) -> None:
    """Drop what is older than an instant."""
    with wrap_errors():
        await pool.execute(_SQL["forget"], before_ms)
