"""Reads and writes of zones: one function a query; holds no rule."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from detente.geo.index import Rows
from detente.store import Pool, load_queries, wrap_errors
from detente.web.model import Principal
from detente.zones.model import NearZone

_SQL = load_queries("detente.zones")
_MAX_COLLISIONS = 5


class ZoneRow(Struct, frozen=True):
    """A zone as it is stored."""

    zone_id: str
    party_id: str
    version: int
    ovn: str
    start_ms: int
    end_ms: int
    changed_ms: int
    source: str | None
    body: bytes | None
    """A ZoneBody as JSON; of a zone elsewhere its extents; None: left out, being too large."""
    is_elsewhere: bool
    told: bytes | None
    """Of a zone elsewhere: the ZoneBody that its manager told of this version."""


class ZoneHost(Struct, frozen=True):
    """What one call of ``zone_host`` needs; a body of None withdraws the zone."""

    zone_id: str
    request: bytes
    request_sha256: bytes
    expected_version: int | None
    ovn: str
    start_ms: int
    end_ms: int
    body: bytes | None
    uss_base_url: str | None
    cells: Rows
    restriction: str | None
    identity: str | None
    source: str | None
    key: str | None
    key_status: int
    key_response: bytes


class Answer(Struct, frozen=True):
    """What ``zone_host`` answered; which members are set goes with the status."""

    status: str
    version: int | None
    party_id: str | None
    ovn: str | None
    body: bytes | None


async def host(pool: Pool, who: Principal, now_ms: int, act: ZoneHost) -> Answer:
    """Publish, change or withdraw a zone that is hosted here.

    Raises:
        StoreUnavailable: if the database does not answer; the same request repeated tells the outcome.
    """
    values = (
        act.zone_id, who.party_id, who.account_id, who.token_sha256, now_ms, act.request, act.request_sha256,
        act.expected_version, act.ovn, act.start_ms, act.end_ms, act.body, act.uss_base_url,
        act.cells.locks, act.cells.packed, act.restriction, act.identity, act.source,
        act.key, act.key_status, act.key_response,
    )  # fmt: skip
    with wrap_errors():
        for _ in range(_MAX_COLLISIONS):
            try:
                row = await pool.fetchrow(_SQL["host"], *values)
                break
            except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                continue
        else:
            row = await pool.fetchrow(_SQL["host"], *values)
    return Answer(row["status"], row["version"], row["party_id"], row["ovn"], row["body"])


async def seed_locks(pool: Pool, parents: list[int]) -> None:
    """Make the rows that a write locks, where they do not exist yet; ``parents`` ascending."""
    with wrap_errors():
        await pool.execute(_SQL["seed_locks"], parents)


async def find(pool: Pool, zone_id: str) -> ZoneRow | None:
    """One zone by its id."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find"], zone_id)
    return None if row is None else _zone(row)


async def changed(pool: Pool, zone_ids: Sequence[str], max_bytes: int) -> dict[str, ZoneRow]:
    """Zones by their ids, without bodies larger than ``max_bytes``; those that are gone are left out."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["changed"], zone_ids, max_bytes)
    return {str(row["zone_id"]): _zone(row) for row in rows}


class PageFilter(Struct, frozen=True):
    """What a page of zones is narrowed by."""

    party_id: str | None
    source: str | None
    start_ms: int | None
    end_ms: int | None
    after_zone_id: str
    limit: int


async def page(pool: Pool, wanted: PageFilter, area: Rows | None) -> list[ZoneRow]:
    """Zones ordered by id; with an area, a superset of those in it."""
    values: list[Any] = [
        wanted.party_id, wanted.source, wanted.start_ms, wanted.end_ms, wanted.after_zone_id, wanted.limit,
    ]  # fmt: skip
    query = _SQL["page"]
    if area is not None:
        values.append(area.packed)
        query = _SQL["page_in_area"]
    with wrap_errors():
        rows = await pool.fetch(query, *values)
    return [_zone(row) for row in rows]


async def near(pool: Pool, search: Rows, limit: int, *, may_close: bool) -> list[NearZone]:
    """Zones that may meet what is searched for, at most ``limit``; ``may_close``: cautions are left out."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["near"], search.packed, limit, may_close)
    return [
        NearZone(
            str(row["zone_id"]), row["ovn"], row["party_id"], row["is_elsewhere"], row["uss_base_url"],
            row["is_down"],
        )
        for row in rows
    ]  # fmt: skip


async def bodies(pool: Pool, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """The stored bodies of zones, by OVN.

    Args:
        pool: database connections.
        wanted: zone id to the OVN at which it is wanted; what stands at another is left out.
    """
    with wrap_errors():
        rows = await pool.fetch(_SQL["bodies"], list(wanted), list(wanted.values()))
    return {row["ovn"]: row["body"] for row in rows}


def _zone(row: Mapping[str, Any]) -> ZoneRow:
    return ZoneRow(
        zone_id=str(row["zone_id"]),
        party_id=row["party_id"],
        version=row["version"],
        ovn=row["ovn"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        changed_ms=row["changed_ms"],
        source=row["source"],
        body=row["body"],
        is_elsewhere=row["is_elsewhere"],
        told=row["told"],
    )
