"""Reads and writes of plans: one function a query; holds no rule."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg
from msgspec import Struct, structs

from detente.geo.index import Rows
from detente.geo.model import Separation
from detente.plans.model import PlanState, Sharing
from detente.plans.rules import Standing
from detente.store import Pool, load_queries, wrap_errors
from detente.zones.model import NearZone

_SQL = load_queries("detente.plans")
_MAX_COLLISIONS = 5
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


class PlanRow(Struct, frozen=True):
    """A plan as it is stored; ``body`` is its PlanBody as JSON."""

    plan_id: str
    version: int
    ovn: str
    party_id: str
    state: PlanState
    priority: int
    sharing: Sharing
    start_ms: int
    end_ms: int
    changed_ms: int
    body: bytes
    is_elsewhere: bool = False
    """Its details are kept by its manager's own server."""


class ChangedRow(Struct, frozen=True):
    """A plan as it stands, and the version that hid it from others who saw it before, if one did."""

    plan: PlanRow
    hidden_from: int | None


class NeighbourRow(Struct, frozen=True):
    """A plan that the index found, with the volumes that may meet."""

    standing: Standing
    sharing: Sharing
    volume_ixs: tuple[int, ...] | None
    """None: all of them."""
    body: bytes
    is_elsewhere: bool = False
    """Its manager keeps the details; the body holds its extents."""
    uss_base_url: str | None = None
    """Where its manager answers."""
    is_down: bool = False
    """Its manager is elsewhere and marked as down."""
    has_details: bool = False
    """The body holds the details that its manager told, not its extents."""

    @property
    def solids_key(self) -> str:
        """What its prepared volumes are remembered by."""
        return f"{self.standing.ovn}+" if self.has_details else self.standing.ovn


class Write(Struct, frozen=True):
    """Everything that one call of ``plan_write`` needs, but for what was examined."""

    plan_id: str
    party_id: str
    account_id: str
    token_sha256: bytes
    now_ms: int
    type: str
    request: bytes
    request_sha256: bytes
    expected_version: int | None
    decided_version: int | None
    """The version that state and body were decided on; None for a new plan."""
    state: PlanState
    ovn: str
    priority: int
    sharing: Sharing
    start_ms: int
    end_ms: int
    body: bytes
    looks: bool
    with_own: bool
    key: str | None
    key_status: int
    key_response: bytes
    search: Rows
    recell: bool
    cells: Rows
    uss_base_url: str | None = None
    """Where the party's own server answers; None: at the exchange's address."""


class Answer(Struct, frozen=True):
    """What ``plan_write`` answered; ``neighbours`` and ``zones`` only with status ``look``."""

    status: str
    version: int | None
    state: str | None
    party_id: str | None
    ovn: str | None
    body: bytes | None
    neighbours: tuple[NeighbourRow, ...]
    zones: tuple[NearZone, ...]


async def write(
    pool: Pool, act: Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
) -> Answer:
    """Run the deciding verb once.

    Args:
        pool: database connections.
        act: what is to be written.
        known: plan id to OVN of the neighbours that were examined and do not block.
        known_zones: OVNs of the zones that were examined and do not close the air to the plan.
        epoch: the count of separation changes that the search was made with.

    Raises:
        StoreUnavailable: if the database does not answer; the act may or may not have been written, and the
            same request repeated tells.
    """
    return _answer(await _fetch_write(pool, _values(act, known, known_zones, epoch)))


async def try_write(
    pool: Pool, act: Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
) -> Answer:
    """Run the deciding verb as ``write`` does, and take back what it wrote; ``written`` says that it could.

    Raises:
        StoreUnavailable: if the database does not answer; nothing was written.
    """
    with wrap_errors():
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                rows = list(await connection.fetch(_SQL["write"], *_values(act, known, known_zones, epoch)))
            except asyncpg.DeadlockDetectedError:
                return Answer("reread", None, None, None, None, None, (), ())
            finally:
                await transaction.rollback()
    return _answer(rows)


async def write_within(connection: Connection, act: Write) -> Answer:
    """Write within a transaction of the caller's what was decided before; nobody is looked for any more."""
    act = structs.replace(act, looks=False)
    return _answer(list(await connection.fetch(_SQL["write"], *_values(act, {}, (), 0))))


def _values(
    act: Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
) -> tuple[Any, ...]:
    return (
        act.plan_id, act.party_id, act.account_id, act.token_sha256, act.now_ms,
        act.type, act.request, act.request_sha256, act.expected_version, act.decided_version,
        act.state.value, act.ovn, act.priority, act.sharing.value, act.start_ms, act.end_ms, act.body,
        act.looks, act.with_own, list(known), list(known.values()), epoch,
        act.key, act.key_status, None if act.key is None else act.key_response,
        act.search.locks, None if act.search is act.cells else act.search.packed,
        act.recell, act.cells.packed, act.uss_base_url, list(known_zones),
    )  # fmt: skip


def _answer(rows: Sequence[Mapping[str, Any]]) -> Answer:
    first = rows[0]
    return Answer(
        status="look" if first["status"] == "look-zone" else first["status"],
        version=first["version"],
        state=first["state"],
        party_id=first["party_id"],
        ovn=first["ovn"],
        body=first["body"],
        neighbours=tuple(_neighbour(row) for row in rows if row["status"] == "look"),
        zones=tuple(_near_zone(row) for row in rows if row["status"] == "look-zone"),
    )


async def _fetch_write(pool: Pool, values: tuple[Any, ...]) -> list[Any]:
    """Run the verb, again if two requests with one idempotency key collided or a deadlock was broken."""
    with wrap_errors():
        for _ in range(_MAX_COLLISIONS):
            try:
                return list(await pool.fetch(_SQL["write"], *values))
            except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                continue
        return list(await pool.fetch(_SQL["write"], *values))


class KeptAnswer(Struct, frozen=True):
    """What an idempotency key stands for."""

    request_sha256: bytes
    status: int
    response: bytes


async def kept_answer(pool: Pool, account_id: str, key: str) -> KeptAnswer | None:
    """The first answer to an idempotency key, while it is kept."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["kept_answer"], account_id, key)
    return None if row is None else KeptAnswer(**row)


async def carried_out(
    pool: Pool, plan_id: str, party_id: str, request_sha256: bytes, version: int
) -> PlanRow | None:
    """The plan as a request left it, if it was carried out and nothing followed."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["carried_out"], plan_id, party_id, request_sha256, version)
    return None if row is None else _plan(row)


async def find(pool: Pool, plan_id: str) -> PlanRow | None:
    """One plan by its id."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["find"], plan_id)
    return None if row is None else _plan(row)


async def changed(pool: Pool, plan_ids: Sequence[str]) -> dict[str, ChangedRow]:
    """Plans by their ids; those that are not there are left out."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["changed"], plan_ids)
    return {str(row["plan_id"]): ChangedRow(_plan(row), row["hidden_from"]) for row in rows}


async def neighbours(pool: Pool, search: Rows, limit: int) -> list[NeighbourRow]:
    """Plans in force that may meet what is searched for, earliest first, at most ``limit``."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["neighbours"], search.packed, limit)
    return [_neighbour(row) for row in rows]


class PageFilter(Struct, frozen=True):
    """What a page of plans is narrowed by."""

    viewer: str
    party_id: str | None
    states: tuple[PlanState, ...]
    start_ms: int | None
    end_ms: int | None
    after_start_ms: int
    after_plan_id: str
    limit: int


async def page(pool: Pool, wanted: PageFilter, area: Rows | None) -> list[PlanRow]:
    """Plans that a viewer may see, ordered by start and id; with an area, a superset of those in it."""
    states = [state.value for state in wanted.states]
    values: list[Any] = [
        wanted.viewer, wanted.party_id, states, wanted.start_ms, wanted.end_ms,
        wanted.after_start_ms, wanted.after_plan_id, wanted.limit,
    ]  # fmt: skip
    query = _SQL["page"]
    if area is not None:
        values.append(area.packed)
        query = _SQL["page_in_area"]
    with wrap_errors():
        rows = await pool.fetch(query, *values)
    return [_plan(row) for row in rows]


async def own_page(pool: Pool, wanted: PageFilter) -> list[PlanRow]:
    """A party's own plans that have not ended, ordered by start and id."""
    states = [state.value for state in wanted.states]
    with wrap_errors():
        rows = await pool.fetch(
            _SQL["own_page"],
            wanted.viewer, states, wanted.start_ms, wanted.end_ms,
            wanted.after_start_ms, wanted.after_plan_id, wanted.limit,
        )  # fmt: skip
    return [_plan(row) for row in rows]


async def expire(pool: Pool, now_ms: int, limit: int) -> int:
    """End a batch of plans whose time is over; answers how many."""
    with wrap_errors():
        ended = await pool.fetchval(_SQL["expire"], now_ms, limit)
    return int(ended)


async def forget_keys(pool: Pool, before_ms: int) -> None:
    """Drop idempotency keys older than an instant."""
    with wrap_errors():
        await pool.execute(_SQL["forget_keys"], before_ms)


async def separations(pool: Pool) -> tuple[int, dict[tuple[str, str], Separation]]:
    """The count of changes and all separation rules, keyed by the ordered pair."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["separations"])
    rules = {
        (row["party_a"], row["party_b"]): Separation(row["horizontal_m"], row["vertical_m"], row["time_s"])
        for row in rows
        if row["party_a"] is not None
    }
    return int(rows[0]["epoch"]), rules


class SeparationWrite(Struct, frozen=True):
    """A separation rule to set (or to remove, without a separation) and who does it."""

    pair: tuple[str, str]
    separation: Separation | None
    party_id: str
    account_id: str
    token_sha256: bytes
    now_ms: int
    request: bytes


async def write_separation(pool: Pool, act: SeparationWrite) -> bool:
    """Set or remove one rule; False if there was nothing to remove."""
    kept = act.separation
    numbers = (None, None, None) if kept is None else (kept.horizontal_m, kept.vertical_m, kept.time_s)
    with wrap_errors():
        changed = await pool.fetchval(
            _SQL["write_separation"], *act.pair, *numbers, act.party_id, act.account_id, act.token_sha256,
            act.now_ms, act.request,
        )  # fmt: skip
    return bool(changed)


def _plan(row: Mapping[str, Any]) -> PlanRow:
    return PlanRow(
        plan_id=str(row["plan_id"]),
        version=row["version"],
        ovn=row["ovn"],
        party_id=row["party_id"],
        state=PlanState(row["state"]),
        priority=row["priority"],
        sharing=Sharing(row["sharing"]),
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        changed_ms=row["changed_ms"],
        body=row["body"],
        is_elsewhere=row["is_elsewhere"],
    )


def _near_zone(row: Mapping[str, Any]) -> NearZone:
    return NearZone(
        zone_id=str(row["plan_id"]),
        ovn=row["ovn"],
        party_id=row["party_id"],
        is_elsewhere=row["is_elsewhere"],
        uss_base_url=row["uss_base_url"],
        is_down=row["is_down"],
    )


def _neighbour(row: Mapping[str, Any]) -> NeighbourRow:
    ixs: Sequence[int] = row["volume_ixs"]
    return NeighbourRow(
        standing=Standing(
            plan_id=str(row["plan_id"]),
            ovn=row["ovn"],
            party_id=row["party_id"],
            state=PlanState(row["state"]),
            priority=row["priority"],
        ),
        sharing=Sharing(row["sharing"]),
        volume_ixs=tuple(ixs),
        body=row["body"],
        is_elsewhere=row["is_elsewhere"],
        uss_base_url=row["uss_base_url"],
        is_down=row["is_down"],
    )
