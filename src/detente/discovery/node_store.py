"""What a node keeps of its dealings with its exchange: one function a query or transaction; holds no rule."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from detente.geo.index import Rows
from detente.plans.model import PlanState, Sharing
from detente.plans.writing import Connection, Write, write_within
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.discovery", "node_queries.sql")
_encode = msgspec.json.Encoder().encode
_write = msgspec.json.Decoder(Write)


class KeptReference(Struct, frozen=True):
    """How the exchange has a plan of ours."""

    plan_id: str
    ovn: str
    version: int
    subscription_id: str | None


class Pending(Struct, frozen=True):
    """What the exchange was, or is about to be, asked."""

    plan_id: str
    ovn: str
    """That was asked for; of an end: that the plan has here afterwards."""
    named_ovn: str | None
    """That the request changes or ends; None: it makes a reference."""
    is_end: bool
    sent: bytes
    """The body of the request."""
    write: Write
    """What is written here once the exchange has it."""
    made_ms: int


class Subscriber(Struct, frozen=True):
    """Whom the exchange named, to be told of a change."""

    uss_base_url: str
    subscriptions: bytes
    """As JSON, as it goes out."""


class Untold(Struct, frozen=True):
    """A plan of ours that stands otherwise here than at the exchange."""

    kept: KeptReference
    here_ovn: str
    state: PlanState
    """Ended, if there is no such plan here."""
    body: bytes


class Mirrored(Struct, frozen=True):
    """Another party's plan as it is to be kept here."""

    plan_id: str
    party_id: str
    version: int
    ovn: str
    state: PlanState
    priority: int
    sharing: Sharing | None
    """None: as it is kept already; else volumes."""
    start_ms: int
    end_ms: int
    body: bytes
    uss_base_url: str
    told: bytes
    """What was told of it, as JSON: the statement's content."""
    cells: Rows


class Seen(Struct, frozen=True):
    """Another party's plan as it is kept here: enough to know whether it is the newest."""

    plan_id: str
    version: int
    ovn: str
    party_id: str


class OwnStanding(Struct, frozen=True):
    """How a plan of ours stands."""

    here_ovn: str | None
    """None: no such plan is in force here."""
    kept_ovn: str | None
    """That the exchange has, as far as is known; None: it has none."""
    is_under_way: bool
    """Whether the exchange is being asked for another one."""


async def pend(pool: Pool, pending: Pending, version: int | None) -> bool:
    """Note what is about to be asked; False if something is under way for the plan, or it has moved on."""
    values = (
        pending.plan_id, pending.ovn, pending.named_ovn, pending.is_end, pending.sent, _encode(pending.write),
        pending.made_ms, version,
    )  # fmt: skip
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["pend"], *values))


async def pending_of(pool: Pool, plan_id: str) -> Pending | None:
    """What is under way for one plan."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["pending_of"], plan_id)
    return None if row is None else _pending(row)


async def pending_before(pool: Pool, before_ms: int, limit: int) -> list[Pending]:
    """What has been under way since before an instant, oldest first."""
    with wrap_errors():
        return [_pending(row) for row in await pool.fetch(_SQL["pending_before"], before_ms, limit)]


async def forget_pending(pool: Pool, pending: Pending) -> None:
    """What was asked for did not come to be."""
    with wrap_errors():
        await pool.execute(_SQL["forget_pending"], pending.plan_id, pending.ovn)


async def finish(
    pool: Pool, pending: Pending, kept: KeptReference | None, told: Sequence[Subscriber], now_ms: int
) -> str:
    """Write what the exchange has agreed to, in one transaction with its notices; it is under way no more.

    Args:
        pool: database connections.
        pending: what was asked.
        kept: how the exchange has the plan now; None: no more.
        told: whom it named.
        now_ms: the present.

    Returns:
        The status of the write; ``finished`` if somebody else has done it already.
    """
    with wrap_errors():
        async with pool.acquire() as connection, connection.transaction():
            gone = await connection.fetchval(_SQL["forget_pending"], pending.plan_id, pending.ovn)
            if gone is None:
                return "finished"
            answer = await write_within(connection, pending.write)
            await connection.execute(_SQL["keep_reference"], *_kept_values(pending.plan_id, kept))
            await _queue(connection, pending.write.party_id, pending.plan_id, told, now_ms)
    return answer.status


async def reference_of(pool: Pool, plan_id: str) -> KeptReference | None:
    """How the exchange has a plan, as far as is known here."""
    with wrap_errors():
        row = await pool.fetchrow(_SQL["reference_of"], plan_id)
    return None if row is None else _kept(row)


async def untold(pool: Pool, limit: int, plan_id: str | None = None) -> list[Untold]:
    """Plans that stand otherwise here than at the exchange: all, or one; longest first."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["untold"], plan_id, limit)
    return [Untold(_kept(row), row["here_ovn"], PlanState(row["state"]), row["body"]) for row in rows]


class Told(Struct, frozen=True):
    """How the exchange has a plan after it was told of it, and whom it named; None: no more."""

    kept: KeptReference | None
    subscribers: Sequence[Subscriber] = ()


async def told(pool: Pool, party_id: str, plan: Untold, now: Told, now_ms: int) -> None:
    """The exchange has been told of a party's plan as it stands here; in one transaction with its notices."""
    plan_id = plan.kept.plan_id
    with wrap_errors():
        async with pool.acquire() as connection, connection.transaction():
            if now.kept is not None:
                await connection.execute(_SQL["adopt_ovn"], plan_id, plan.here_ovn, now.kept.ovn)
            await connection.execute(_SQL["keep_reference"], *_kept_values(plan_id, now.kept))
            await _queue(connection, party_id, plan_id, now.subscribers, now_ms)


async def keep_reference(pool: Pool, plan_id: str, kept: KeptReference | None) -> None:
    """Write down how the exchange has a plan; None: no more."""
    with wrap_errors():
        await pool.execute(_SQL["keep_reference"], *_kept_values(plan_id, kept))


async def mirror(pool: Pool, one: Mirrored, now_ms: int) -> bool:
    """Keep another party's plan as it was told; True if it was news."""
    with wrap_errors():
        kept = await pool.fetchval(
            _SQL["mirror"], one.plan_id, one.party_id, one.version, one.ovn, one.state.value, one.priority,
            None if one.sharing is None else one.sharing.value, one.start_ms, one.end_ms, one.body,
            one.uss_base_url, one.told, one.cells.packed, now_ms,
        )  # fmt: skip
    return bool(kept)


async def mirror_end(pool: Pool, plan_id: str, content: bytes, now_ms: int) -> bool:
    """Another party's plan is no more; False if it was not kept as in force."""
    with wrap_errors():
        return bool(await pool.fetchval(_SQL["mirror_end"], plan_id, content, now_ms))


async def mirrored(pool: Pool, area: Rows, plan_ids: Sequence[str]) -> dict[str, Seen]:
    """Other parties' plans in force that are kept here: those in an area, and those with these ids."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["mirrored"], area.packed, plan_ids)
    found = [Seen(str(row["plan_id"]), row["version"], row["ovn"], row["party_id"]) for row in rows]
    return {one.plan_id: one for one in found}


async def own_standings(pool: Pool, plan_ids: Sequence[str]) -> dict[str, OwnStanding]:
    """How plans of ours stand, by their ids."""
    with wrap_errors():
        rows = await pool.fetch(_SQL["own_standings"], plan_ids)
    return {
        str(row["plan_id"]): OwnStanding(row["here_ovn"], row["kept_ovn"], row["is_under_way"])
        for row in rows
    }


async def keep_availability(pool: Pool, party_id: str, availability: str, now_ms: int) -> None:
    """What the exchange tells of a party."""
    with wrap_errors():
        await pool.execute(_SQL["availability"], party_id, availability, now_ms)


async def _queue(
    connection: Connection,
    party_id: str,
    plan_id: str,
    subscribers: Sequence[Subscriber],
    now_ms: int,
) -> None:
    for one in subscribers:
        await connection.execute(
            _SQL["queue_notice"], party_id, plan_id, one.uss_base_url, one.subscriptions, now_ms
        )


def _kept_values(plan_id: str, kept: KeptReference | None) -> tuple[str, str | None, int | None, str | None]:
    if kept is None:
        return plan_id, None, None, None
    return plan_id, kept.ovn, kept.version, kept.subscription_id


def _kept(row: Mapping[str, Any]) -> KeptReference:
    subscription_id = row["subscription_id"]
    return KeptReference(
        plan_id=str(row["plan_id"]),
        ovn=row["ovn"],
        version=row["version"],
        subscription_id=None if subscription_id is None else str(subscription_id),
    )


def _pending(row: Mapping[str, Any]) -> Pending:
    return Pending(
        plan_id=str(row["plan_id"]),
        ovn=row["ovn"],
        named_ovn=row["named_ovn"],
        is_end=row["is_end"],
        sent=row["sent"],
        write=_write.decode(row["write"]),
        made_ms=row["made_ms"],
    )
