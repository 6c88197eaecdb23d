"""Reads and writes of remembered refusals: one function a query; holds no rule."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from detente.errors import StoreRefused
from detente.plans.model import Sharing
from detente.plans.refusal_model import Blocking, Refused, RefusedAct, RefusedBody
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.plans", "refusal_queries.sql")
_BODY = msgspec.json.Decoder(RefusedBody)
_BLOCKING = msgspec.json.Decoder(tuple[Blocking, ...])
_encode = msgspec.json.Encoder().encode


class RefusalWrite(Struct, frozen=True):
    """One refused attempt, to be remembered."""

    party_id: str
    account_id: str
    plan_id: str
    act: RefusedAct
    seen_version: int | None
    now_ms: int
    request_sha256: bytes
    sharing: Sharing
    end_ms: int
    conflict_start_ms: int
    conflict_end_ms: int
    way_parties: Sequence[str]
    shared_plan_ids: Sequence[str]
    is_complete: bool
    body: RefusedBody
    blocking: Sequence[Blocking]


class Bounds(Struct, frozen=True):
    """How much is remembered."""

    same_ms: int = 600_000
    """The same request within this time is the same refusal."""
    of_a_plan: int = 200
    """Refusals of one plan of one party; the oldest go."""
    of_a_party: int = 50_000
    count_chance: float = 1 / 64
    """How often a write counts its party's refusals: until then there may be some more."""


async def write(pool: Pool, one: RefusalWrite, bounds: Bounds) -> str:
    """Remember one refused attempt; the id of its row, new or not.

    Raises:
        StoreUnavailable: if the database does not answer; it may or may not have been written.
        StoreRefused: if the database does not take it: a fault of ours, which must not hide the refusal.
    """
    try:
        with wrap_errors():
            written = await pool.fetchval(
                _SQL["write"],
                one.party_id, one.account_id, one.plan_id, one.act.value, one.seen_version, one.now_ms,
                one.request_sha256, bounds.same_ms, one.sharing.value, one.end_ms,
                one.conflict_start_ms, one.conflict_end_ms, one.way_parties, one.shared_plan_ids,
                one.is_complete, _encode(one.body), _encode(one.blocking),
                bounds.of_a_plan, bounds.of_a_party, bounds.count_chance,
            )  # fmt: skip
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreRefused(f"a refusal could not be written: {type(error).__name__}") from error
    return str(written)


async def find(pool: Pool, viewer: str, refusal_id: str) -> Refused | None:
    """One refusal, if the viewer may know of it."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find"], viewer, refusal_id)
    return None if row is None else _refused(row)


class RefusalFilter(Struct, frozen=True):
    """What a page of refusals is narrowed by."""

    viewer: str
    start_ms: int | None
    end_ms: int | None
    party_id: str | None
    plan_id: str | None
    limit: int


async def page(pool: Pool, wanted: RefusalFilter, after: tuple[int, str]) -> list[Refused]:
    """Refusals that the viewer may know of, ordered by instant and id; a superset in time."""
    values: list[Any] = [wanted.viewer, *after, wanted.start_ms, wanted.end_ms, wanted.limit]
    query = _SQL["page"]
    if wanted.plan_id is not None:
        query = _SQL["page_of_plan"]
        values += [wanted.party_id, wanted.plan_id]
    elif wanted.party_id is not None:
        query = _SQL["page_of_party"]
        values.append(wanted.party_id)
    with wrap_errors():
        rows = await pool.fetch(query, *values)
    return [_refused(row) for row in rows]


async def concerned(
    pool: Pool, refusal_ids: Sequence[str], plan_ids: Sequence[str], most_bytes: int
) -> tuple[list[Refused], bool]:
    """Refusals by their ids, and all of the owners' refusals of plans by the plans' ids.

    Args:
        pool: database connections.
        refusal_ids: those that are gone are left out.
        plan_ids: of plans that stand; a refusal to another party of the same id is left out.
        most_bytes: of stored bodies, beyond which no more are read; the newest come first.

    Returns:
        What was read, and whether that is all.
    """
    with wrap_errors():
        rows = await pool.fetch(_SQL["concerned"], refusal_ids, plan_ids, most_bytes)
    return [_refused(row) for row in rows], not rows or rows[0]["how_many"] == len(rows)


async def sharing_now(pool: Pool, plan_ids: Sequence[str]) -> dict[str, Sharing]:
    """What the owners of plans share now, by the plans' ids."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["sharing_now"], plan_ids)
    return {str(row["plan_id"]): Sharing(row["sharing"]) for row in rows}


async def forget(pool: Pool, before_ms: int, limit: int) -> int:
    """Drop a batch of refusals of plans that ended before an instant; answers how many."""
    with wrap_errors():
        done = await pool.execute(_SQL["forget"], before_ms, limit)
    return int(done.rpartition(" ")[2])


def _refused(row: Mapping[str, Any]) -> Refused:
    return Refused(
        refusal_id=str(row["refusal_id"]),
        party_id=row["party_id"],
        plan_id=str(row["plan_id"]),
        act=RefusedAct(row["act"]),
        seen_version=row["seen_version"],
        at_ms=row["at_ms"],
        last_ms=row["last_ms"],
        attempts=row["attempts"],
        sharing=Sharing(row["sharing"]),
        is_complete=row["is_complete"],
        body=_BODY.decode(row["body"]),
        blocking=_BLOCKING.decode(row["blocking"]),
    )
