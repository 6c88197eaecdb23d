"""Refusals that are remembered: written beside the deciding transaction, read as each viewer may know them.

A refusal changes no state, so it is no act and has no statement; what is kept here decides nothing.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from detente.errors import BadInput, DetenteError, NotFound
from detente.plans import refusal_store, store
from detente.plans.conflicts import describe
from detente.plans.cursor import read_cursor, write_cursor
from detente.plans.ids import read_uuid
from detente.plans.model import PlanBody, Sharing
from detente.plans.neighbourhood import Examined, aside
from detente.plans.refusal_model import (
    Blocking,
    RefusalPage,
    RefusalQuery,
    RefusalView,
    Refused,
    RefusedAct,
    RefusedBody,
)
from detente.plans.refusal_rules import (
    PlanNow,
    Step,
    Steps,
    conflicts_for,
    narrower,
    positions_of,
    settle,
    settlement_for,
)
from detente.plans.refusal_store import Bounds
from detente.plans.rules import may_see_plan, may_see_texts
from detente.plans.views import decode_body
from detente.plans.volumes import from_ms, to_ms
from detente.record import latest_of
from detente.store import Pool
from detente.web.model import Principal

KEPT_MS = 7 * 86_400_000
"""How long after the refused plan's end a refusal is remembered."""
WRITE_S = 2.0
"""How long the answer to a refused request waits for the memory of it."""
MAX_READ = 1_000
"""The most refusals that one page looks through."""
MAX_POINTS = 500_000
"""Positions of volumes and outlines beyond which a page ends."""
_BATCH = 50

_log = structlog.get_logger()


class Attempt(Struct, frozen=True):
    """A request that was refused."""

    who: Principal
    plan_id: str
    act: RefusedAct
    seen_version: int | None
    request_sha256: bytes
    body: PlanBody
    found: Examined


class _Now(Struct, frozen=True):
    """What stands now of the plans that some refusals speak of."""

    plans: dict[str, store.PlanRow]
    steps: dict[str, Steps]
    shared: dict[str, Sharing]


class Refusals:
    """Writes refusals, and answers questions about them.

    Args:
        pool: database connections.
        now_ms: the clock, ms since 1970-01-01 UTC.
        bounds: how much is remembered.
    """

    def __init__(self, pool: Pool, now_ms: Callable[[], int], bounds: Bounds | None = None) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._bounds = bounds or Bounds()

    async def remember(self, attempt: Attempt) -> None:
        """Remember a refusal, committed and synced when this returns; if that fails, only the log knows.

        The caller has been decided against already, and is told so whether or not it is remembered.
        """
        try:
            async with asyncio.timeout(WRITE_S):
                await refusal_store.write(self._pool, _write_of(attempt, self._now_ms()), self._bounds)
        except (DetenteError, TimeoutError) as error:
            _log.warning("refusal_not_remembered", why=getattr(error, "detail", f"not within {WRITE_S} s"))

    async def find(self, who: Principal, refusal_id: str) -> RefusalView:
        """One refusal as the caller may know it.

        Raises:
            NotFound: there is none, or none that the caller may know of; the answer is the same.
        """
        refused = await refusal_store.find(self._pool, who.party_id, refusal_id)
        shown = (
            None if refused is None else await self._view(who.party_id, refused, await self._now([refused]))
        )
        if shown is None:
            raise NotFound(f"there is no refusal {refusal_id} that you may see", refusal_id=refusal_id)
        return shown

    async def query(self, who: Principal, body: RefusalQuery) -> RefusalPage:
        """One page of the refusals that the caller may know of, ordered by instant and id.

        Raises:
            BadInput: a time, an id or a cursor that cannot be used.
        """
        wanted = _filter(who, body)
        after = read_cursor(body.cursor)
        found: list[RefusalView] = []
        read = points = 0
        while True:
            batch = await refusal_store.page(self._pool, wanted, after)
            now = await self._now(batch)
            for refused in batch:
                shown = await self._view(who.party_id, refused, now)
                after = (refused.at_ms, refused.refusal_id)
                if shown is not None and _is_wanted(shown, body, wanted.plan_id):
                    found.append(shown)
                    points += _points_of(refused)
                if len(found) == body.limit or points > MAX_POINTS:
                    return RefusalPage(refusals=tuple(found), next=write_cursor(*after))
            read += len(batch)
            if len(batch) < wanted.limit:
                return RefusalPage(refusals=tuple(found), next=None)
            if read >= MAX_READ:
                return RefusalPage(refusals=tuple(found), next=write_cursor(*after))

    async def _now(self, batch: Sequence[Refused]) -> _Now:
        ids = sorted({refused.plan_id for refused in batch})
        # Acts before plans: a plan that is read later is never older than the acts on it.
        made = await latest_of(self._pool, ids, ("plan.declared", "plan.changed"))
        activated = await latest_of(self._pool, ids, ("plan.activated",))
        ended = await latest_of(self._pool, ids, ("plan.ended", "plan.expired"))
        plans = await store.changed(self._pool, ids)
        in_the_way = sorted({one.plan_id for refused in batch for one in refused.blocking})
        return _Now(
            plans={one: row.plan for one, row in plans.items()},
            steps={
                one: Steps(_step(made.get(one)), _step(activated.get(one)), _step(ended.get(one)))
                for one in ids
            },
            shared=await refusal_store.sharing_now(self._pool, in_the_way),
        )

    async def _view(self, viewer: str, refused: Refused, now: _Now) -> RefusalView | None:
        """A refusal as a viewer may know it; None if not at all."""
        row = now.plans.get(refused.plan_id)
        if row is not None and row.party_id != refused.party_id:
            row = None  # another party chose the same id since: nothing of this refusal is about that plan
        sharing = narrower(refused.sharing, None if row is None else row.sharing)
        is_mine = viewer == refused.party_id
        conflicts = conflicts_for(viewer, refused, sharing, now.shared)
        if not conflicts and not is_mine:
            return None
        stands = None
        if row is not None:
            volumes = decode_body(row.body).volumes
            stands = PlanNow(row.state, volumes, now.steps[refused.plan_id])
        settlement = await aside(_points_of(refused), settle, refused, stands)
        sees_plan = may_see_plan(viewer, refused.party_id, sharing)
        return RefusalView(
            refusal_id=refused.refusal_id,
            party_id=refused.party_id,
            plan_id=refused.plan_id if sees_plan else None,
            act=refused.act if sees_plan else None,
            at=from_ms(refused.at_ms),
            last_at=from_ms(refused.last_ms),
            conflicts=conflicts,
            is_complete=refused.is_complete if is_mine else None,
            attempts=refused.attempts if is_mine else None,
            volumes=refused.body.volumes if sees_plan else None,
            title=refused.body.title if may_see_texts(viewer, refused.party_id, sharing) else None,
            settlement=settlement_for(viewer, refused.party_id, sharing, settlement),
            is_mine=is_mine,
        )


def _write_of(attempt: Attempt, now_ms: int) -> refusal_store.RefusalWrite:
    # Told as to its owner: what others may know of it is decided when they ask.
    blocking = [
        Blocking(
            describe(met.pieces, met.neighbour, met.separation, met.neighbour.standing.party_id),
            met.neighbour.sharing,
        )
        for met in attempt.found.blocking
    ]
    return refusal_store.RefusalWrite(
        party_id=attempt.who.party_id,
        account_id=attempt.who.account_id,
        plan_id=attempt.plan_id,
        act=attempt.act,
        seen_version=attempt.seen_version,
        now_ms=now_ms,
        request_sha256=attempt.request_sha256,
        sharing=attempt.body.sharing,
        end_ms=max(to_ms(volume.end) for volume in attempt.body.volumes),
        conflict_start_ms=min(to_ms(one.conflict.start) for one in blocking),
        conflict_end_ms=max(to_ms(one.conflict.end) for one in blocking),
        way_parties=sorted({one.conflict.party_id for one in blocking}),
        shared_plan_ids=sorted(one.plan_id for one in blocking if one.sharing is not Sharing.CONFLICTS),
        is_complete=attempt.found.is_complete,
        body=RefusedBody(attempt.body.volumes, attempt.body.title),
        blocking=blocking,
    )


def _step(latest: tuple[int | None, int] | None) -> Step | None:
    return None if latest is None or latest[0] is None else Step(latest[0], latest[1])


def _points_of(refused: Refused) -> int:
    own = sum(len(positions_of(volume.shape)) for volume in refused.body.volumes)
    return own + sum(len(ring) for one in refused.blocking for ring in one.conflict.outline)


def _filter(who: Principal, body: RefusalQuery) -> refusal_store.RefusalFilter:
    if body.start is not None and body.end is not None and body.end <= body.start:
        raise BadInput(
            "the time asked about ends before it starts",
            field="end",
            expected=f"later than start ({body.start.isoformat()})",
            actual=body.end.isoformat(),
        )
    return refusal_store.RefusalFilter(
        viewer=who.party_id,
        start_ms=None if body.start is None else to_ms(body.start),
        end_ms=None if body.end is None else to_ms(body.end),
        party_id=body.party_id,
        plan_id=None if body.plan_id is None else read_uuid(body.plan_id, "plan_id"),
        limit=_BATCH,
    )


def _is_wanted(shown: RefusalView, body: RefusalQuery, plan_id: str | None) -> bool:
    """Whether a refusal is asked for, by what its viewer may know and nothing else."""
    if plan_id is not None and shown.plan_id != plan_id:
        return False
    if body.settled is not None and shown.settlement.is_settled is not body.settled:
        return False
    return (body.start is None and body.end is None) or any(
        (body.start is None or one.end > body.start) and (body.end is None or one.start < body.end)
        for one in shown.conflicts
    )
