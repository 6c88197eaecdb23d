"""Remembered refusals as they stand now, and as one viewer may know them: the same wherever they are told."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from detente.plans import refusal_store, store
from detente.plans.model import Sharing
from detente.plans.neighbourhood import aside
from detente.plans.refusal_model import RefusalView, Refused, Settlement
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
from detente.plans.rules import may_see_plan, may_see_texts
from detente.plans.views import decode_body
from detente.plans.volumes import from_ms
from detente.record import latest_of
from detente.store import Pool


class RefusalNow(Struct, frozen=True):
    """A refusal with what has become of the plans that it speaks of."""

    refused: Refused
    plan: store.PlanRow | None
    """The refused party's own plan of that id, in force or ended; None if there is none."""
    sharing: Sharing
    """Of the refused plan: then and now."""
    shared_ways: Mapping[str, Sharing]
    """What the owners of the plans in the way share now, by plan id."""
    settlement: Settlement

    def view(self, viewer: str) -> RefusalView | None:
        """The refusal as a viewer may know it; None if not at all."""
        refused, sharing = self.refused, self.sharing
        is_mine = viewer == refused.party_id
        conflicts = conflicts_for(viewer, refused, sharing, self.shared_ways)
        if not conflicts and not is_mine:
            return None
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
            settlement=settlement_for(viewer, refused.party_id, sharing, self.settlement),
            is_mine=is_mine,
        )


async def as_they_stand(pool: Pool, batch: Sequence[Refused]) -> list[RefusalNow]:
    """Read what has become of the plans that some refusals speak of; a few queries, however many refusals.

    Args:
        pool: database connections.
        batch: the refusals.

    Returns:
        One for each, in the same order.
    """
    if not batch:
        return []
    ids = sorted({refused.plan_id for refused in batch})
    # Acts before plans: a plan that is read later is never older than the acts on it.
    made = await latest_of(pool, ids, ("plan.declared", "plan.changed"))
    activated = await latest_of(pool, ids, ("plan.activated",))
    ended = await latest_of(pool, ids, ("plan.ended", "plan.expired"))
    plans = await store.changed(pool, ids)
    in_the_way = sorted({one.plan_id for refused in batch for one in refused.blocking})
    shared = await refusal_store.sharing_now(pool, in_the_way)
    found = []
    for refused in batch:
        kept = plans.get(refused.plan_id)
        # Another party may have chosen the same id since: nothing of this refusal is about that plan.
        row = kept.plan if kept is not None and kept.plan.party_id == refused.party_id else None
        one = refused.plan_id
        steps = Steps(_step(made.get(one)), _step(activated.get(one)), _step(ended.get(one)))
        stands = None if row is None else PlanNow(row.state, decode_body(row.body).volumes, steps)
        settlement = await aside(points_of(refused), settle, refused, stands)
        sharing = narrower(refused.sharing, None if row is None else row.sharing)
        found.append(RefusalNow(refused, row, sharing, shared, settlement))
    return found


def points_of(refused: Refused) -> int:
    """How many positions its volumes and outlines have."""
    own = sum(len(positions_of(volume.shape)) for volume in refused.body.volumes)
    return own + sum(len(ring) for one in refused.blocking for ring in one.conflict.outline)


def _step(latest: tuple[int | None, int] | None) -> Step | None:
    return None if latest is None or latest[0] is None else Step(latest[0], latest[1])
