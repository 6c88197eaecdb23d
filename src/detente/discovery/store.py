"""Reads and writes of discovery: one function a query; holds no rule."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import Struct

from detente.discovery.acts import Act
from detente.discovery.model import (
    Availability,
    AvailabilityNow,
    Reference,
    Subscription,
    Told,
    ZoneReference,
)
from detente.geo.index import Rows
from detente.plans.model import PlanState, Sharing
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.discovery")
_MAX_COLLISIONS = 5


class ReferenceWrite(Struct, frozen=True):
    """What one call of ``reference_write`` needs, but for what was examined."""

    plan_id: str
    expected: str | None
    state: PlanState
    ovn: str
    start_ms: int
    end_ms: int
    body: bytes
    uss_base_url: str
    key: tuple[str, ...]
    subscription_id: str | None
    made_url: str | None
    made_tells_zones: bool
    touched: Rows
    cells: Rows


class Missing(Struct, frozen=True):
    """A plan whose OVN is not in the key; with its body where it shares conflicts only."""

    reference: Reference
    body: bytes | None


class Answer(Struct, frozen=True):
    """What a verb answered; which members are set goes with the status."""

    status: str
    reference: Reference | None = None
    zone: ZoneReference | None = None
    missing: tuple[Missing, ...] = ()
    missing_zones: tuple[ZoneReference, ...] = ()
    told: tuple[Told, ...] = ()


async def write_reference(pool: Pool, act: Act, write: ReferenceWrite, apart: Mapping[str, str]) -> Answer:
    """Run the deciding verb once.

    Args:
        pool: database connections.
        act: who writes.
        write: what.
        apart: plan id to OVN of plans that share conflicts only and were found not to meet this one.

    Raises:
        StoreUnavailable: if the database does not answer; the same request repeated tells the outcome.
    """
    values = (
        write.plan_id, *act.values, act.content, act.request_sha256, write.expected, write.state.value,
        write.ovn, write.start_ms, write.end_ms, write.body, write.uss_base_url, list(write.key), list(apart),
        list(apart.values()), write.subscription_id, write.made_url, write.made_tells_zones,
        write.touched.packed, write.cells.locks, write.cells.packed,
    )  # fmt: skip
    return _answer(await _fetch(pool, "write_reference", values))


async def end_reference(pool: Pool, act: Act, plan_id: str, expected: str, ovn: str) -> Answer:
    """End a reference that stands at an OVN; ``ovn`` is what it has afterwards."""
    values = (plan_id, *act.values, act.content, act.request_sha256, expected, ovn)
    return _answer(await _fetch(pool, "end_reference", values))


class ZoneWrite(Struct, frozen=True):
    """What one call of ``zone_write`` needs; a body of None withdraws the zone."""

    zone_id: str
    expected: str | None
    ovn: str
    start_ms: int
    end_ms: int
    body: bytes | None
    is_elsewhere: bool
    uss_base_url: str | None
    cells: Rows


async def write_zone(pool: Pool, act: Act, write: ZoneWrite) -> Answer:
    """Publish, change or withdraw a zone."""
    values = (
        write.zone_id, *act.values, act.content, act.request_sha256, write.expected, write.ovn,
        write.start_ms, write.end_ms, write.body, write.is_elsewhere, write.uss_base_url, write.cells.locks,
        write.cells.packed,
    )  # fmt: skip
    rows = await _fetch(pool, "write_zone", values)
    first = rows[0]
    if first["status"] != "written":
        return Answer(first["status"])
    zone = _zone({**first, "availability": (await find_availability(pool, act.who.party_id)).availability})
    return Answer("written", zone=zone, told=tuple(_told(row) for row in rows[1:]))


async def _fetch(pool: Pool, name: str, values: tuple[Any, ...]) -> list[Any]:
    """Run a verb, again if two made the same thing at once or a deadlock was broken."""
    with wrap_errors():
        for _ in range(_MAX_COLLISIONS):
            try:
                return list(await pool.fetch(_SQL[name], *values))
            except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                continue
        return list(await pool.fetch(_SQL[name], *values))


async def find_reference(pool: Pool, plan_id: str) -> Reference | None:
    """One reference in force by its plan's id."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_reference"], plan_id)
    return None if row is None else _reference(row)


async def find_hosted(pool: Pool, plan_id: str) -> tuple[Reference, bytes] | None:
    """One plan in force whose details are kept here: its reference and its PlanBody as JSON."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_hosted"], plan_id)
    return None if row is None else (_reference(row), row["body"])


async def references_in(pool: Pool, viewer: str, area: Rows, limit: int) -> list[Reference]:
    """References that meet an area and that a viewer may find, by start and id, at most ``limit``."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["references_in"], area.packed, viewer, limit)
    return [_reference(row) for row in rows]


async def find_zone(pool: Pool, zone_id: str) -> ZoneReference | None:
    """One zone's reference."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_zone"], zone_id)
    return None if row is None else _zone(row)


async def find_hosted_zone(pool: Pool, zone_id: str) -> tuple[ZoneReference, bytes] | None:
    """One zone whose details are kept here: its reference and its ZoneBody of ``detente.zones`` as JSON."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_hosted_zone"], zone_id)
    return None if row is None else (_zone(row), row["body"])


async def zones_in(pool: Pool, area: Rows, limit: int) -> list[ZoneReference]:
    """References of zones that meet an area, by start and id, at most ``limit``."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["zones_in"], area.packed, limit)
    return [_zone(row) for row in rows]


class SubscriptionWrite(Struct, frozen=True):
    """What one call of ``subscription_write`` needs; ``rows`` None ends the subscription."""

    subscription_id: str
    expected: str | None
    version: str = ""
    uss_base_url: str | None = None
    tells_plans: bool = False
    tells_zones: bool = False
    start_ms: int | None = None
    end_ms: int | None = None
    extents: bytes | None = None
    rows: Rows | None = None


class Dependent(Struct, frozen=True):
    """A plan that depends on a subscription; ``body`` is its PlanBody as JSON."""

    plan_id: str
    ovn: str
    body: bytes


async def dependents(pool: Pool, subscription_id: str) -> list[Dependent]:
    """The plans that depend on a subscription."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["dependents"], subscription_id)
    return [Dependent(str(row["plan_id"]), row["ovn"], row["body"]) for row in rows]


async def write_subscription(
    pool: Pool, act: Act, write: SubscriptionWrite, inside: Mapping[str, str]
) -> str:
    """Make, change or end a subscription; answers the status.

    Args:
        pool: database connections.
        act: who writes.
        write: what.
        inside: plan id to OVN of the plans that depend on it and were found to lie inside.
    """
    rows = write.rows
    values = (
        write.subscription_id, *act.values, act.content, write.expected, write.version, write.uss_base_url,
        write.tells_plans, write.tells_zones, write.start_ms, write.end_ms, write.extents,
        [] if rows is None else rows.locks, None if rows is None else rows.packed,
        list(inside), list(inside.values()),
    )  # fmt: skip
    return str((await _fetch(pool, "write_subscription", values))[0][0])


async def find_subscription(pool: Pool, subscription_id: str) -> Subscription | None:
    """One subscription."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_subscription"], subscription_id)
    return None if row is None or row["start_ms"] is None else _subscription(row)


async def subscriptions_in(
    pool: Pool, party_id: str, area: Rows, now_ms: int, limit: int
) -> list[Subscription]:
    """A party's subscriptions that meet an area and are not over, by id, at most ``limit``."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["subscriptions_in"], area.packed, party_id, now_ms, limit)
    return [_subscription(row) for row in rows]


async def forget_subscriptions(pool: Pool, before_ms: int, limit: int) -> int:
    """Drop a batch of explicit subscriptions that were over before an instant; answers how many."""
    with wrap_errors():
        async with pool.acquire() as connection, connection.transaction():
            gone = await connection.fetch(_SQL["forget_subscriptions"], before_ms, limit)
            await connection.execute(_SQL["forget_subscription_cells"], [row[0] for row in gone])
    return len(gone)


async def forget_shown(pool: Pool, now_ms: int, limit: int) -> int:
    """Drop a batch of the notes of what was named to whom, when their time is over; answers how many."""
    with wrap_errors():
        return len(await pool.fetch(_SQL["forget_shown"], now_ms, limit))


async def expire_zones(pool: Pool, now_ms: int, limit: int) -> int:
    """End a batch of references of zones that are long over; answers how many."""
    with wrap_errors():
        return int(await pool.fetchval(_SQL["expire_zones"], now_ms, limit))


async def find_availability(pool: Pool, party_id: str) -> AvailabilityNow:
    """Whether a party is reachable; unknown, with an empty version, if nobody ever said so."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find_availability"], party_id)
    if row is None:
        return AvailabilityNow(party_id, Availability.UNKNOWN, "")
    return AvailabilityNow(party_id, Availability(row["availability"]), row["version"])


async def set_availability(pool: Pool, act: Act, now: AvailabilityNow, old_version: str) -> bool:
    """Say whether a party is reachable; False if another version stands."""
    party_id, account_id, token_sha256, now_ms = act.values
    with wrap_errors():
        set_to = await pool.fetchval(
            _SQL["set_availability"], now.party_id, now.availability.value, old_version, now.version,
            party_id, account_id, token_sha256, now_ms, act.content,
        )  # fmt: skip
    return set_to is not None


async def queue_report(pool: Pool, act: Act, report_id: str) -> None:
    """Keep a report of a communication problem as a statement."""
    with wrap_errors():
        await pool.execute(_SQL["queue_report"], *act.values, report_id, act.content)


async def show_to(pool: Pool, plan_ids: Sequence[str], party_id: str, until_ms: int) -> None:
    """Note that a party was named plans that share conflicts only."""
    with wrap_errors():
        await pool.execute(_SQL["show_to"], plan_ids, party_id, until_ms)


async def was_shown(pool: Pool, plan_id: str, party_id: str, now_ms: int) -> bool:
    """Whether a party was named a plan that shares conflicts only."""
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["was_shown"], plan_id, party_id, now_ms))


def _answer(rows: Sequence[Mapping[str, Any]]) -> Answer:
    first = rows[0]
    status: str = first["status"]
    if status in {"written", "same"}:
        return Answer(
            status,
            reference=_reference(first),
            told=tuple(_told(row) for row in rows if row["status"] == "told"),
        )
    if status.startswith("missing"):
        return Answer(
            "missing",
            missing=tuple(
                Missing(_reference(row), row["body"]) for row in rows if row["status"] == "missing"
            ),
            missing_zones=tuple(_zone(row) for row in rows if row["status"] == "missing-zone"),
        )
    return Answer(status)


def _told(row: Mapping[str, Any]) -> Told:
    return Told(str(row["subscription_id"]), row["uss_base_url"], row["notification_index"])


def _id_of(row: Mapping[str, Any], name: str) -> str:
    return str(row["id"] if "id" in row.keys() else row[name])  # noqa: SIM118 - a record has no other test


def _reference(row: Mapping[str, Any]) -> Reference:
    subscription_id = row["subscription_id"]
    return Reference(
        plan_id=_id_of(row, "plan_id"),
        party_id=row["party_id"],
        availability=Availability(row["availability"]),
        version=row["version"],
        ovn=row["ovn"],
        state=PlanState(row["state"]),
        sharing=Sharing(row["sharing"]),
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        uss_base_url=row["uss_base_url"],
        subscription_id=None if subscription_id is None else str(subscription_id),
    )


def _zone(row: Mapping[str, Any]) -> ZoneReference:
    return ZoneReference(
        zone_id=_id_of(row, "zone_id"),
        party_id=row["party_id"],
        availability=Availability(row["availability"]),
        version=row["version"],
        ovn=row["ovn"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        uss_base_url=row["uss_base_url"],
    )


def _subscription(row: Mapping[str, Any]) -> Subscription:
    return Subscription(
        subscription_id=str(row["subscription_id"]),
        party_id=row["party_id"],
        version=row["version"],
        notification_index=row["notification_index"],
        uss_base_url=row["uss_base_url"],
        tells_plans=row["tells_plans"],
        tells_zones=row["tells_zones"],
        is_implicit=row["is_implicit"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        plan_ids=tuple(str(one) for one in row["plan_ids"]),
    )
