"""What one viewer is told of a batch of changes: pure, from statements and plans to events.

Rule 1: an event is the plan as it stands now, if the viewer may see it now; older versions are never shown.
Rule 2: a plan that the viewer could see before and no longer can is gone, once; then there is silence.
Rule 3: of what a viewer never could see, nothing is told, not even that something happened.
Rule 4: a separation is told to whoever may read separations.
Rule 5: a zone is told as it stands to whoever may read zones; one that was withdrawn is gone.
Rule 6: a refusal is told as ``GET /v1/refusals/{refusal_id}`` answers it now, to whoever may know of it: when
    it is remembered or tried again, and when its plan is declared, changed, activated or ended so that it
    counts.
Rule 7: who may know of a refusal but not of its plan is told of that plan's acts once, when the first settles
    the refusal, since more acts could be counted; and of another plan that was in the way, nothing.
Rule 8: a refusal is gone, for a viewer who may not know of it now, at each change before which the viewer
    could have asked for it. So whoever is told that could have known of it, though it may never have been
    told of it (the two changes were settled together); who could not is told nothing.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from detente.geo.model import Separation
from detente.plans.model import Gone, PlanBody, SeparationChange
from detente.plans.refusal_events import NO_REFUSALS, NOTED, RefusalBatch, refusals_told
from detente.plans.rules import EVERYONE, SeparationRules, may_see_plan
from detente.plans.store import ChangedRow
from detente.plans.views import encode, view
from detente.record import Change, Position
from detente.zones.model import ZoneGone

SEPARATION_TYPES = frozenset({"separation.set", "separation.removed"})
PLAN_TYPES = frozenset(
    {
        "plan.declared",
        "plan.changed",
        "plan.activated",
        "plan.nonconforming",
        "plan.contingent",
        "plan.ended",
        "plan.expired",
        "plan.told",
    }
)
"""The acts that change a plan, one by one: an act that leaves it as it is must not be told to others."""
ZONE_TYPES = frozenset({"zone.published", "zone.changed", "zone.withdrawn", "zone.expired"})
TOLD_TYPES = PLAN_TYPES | SEPARATION_TYPES | ZONE_TYPES | {NOTED}


class Viewer(Struct, frozen=True):
    """Who listens; listeners who are equal in this are told the same."""

    party_id: str
    sees_separations: bool
    sees_zones: bool = True


class Batch(Struct, frozen=True):
    """Changes in order, and what they are about as it stands now."""

    changes: tuple[Change, ...]
    plans: Mapping[str, ChangedRow]
    bodies: Mapping[str, PlanBody]
    """The plans' bodies, decoded once for all viewers."""
    separations: SeparationRules
    refusals: RefusalBatch = NO_REFUSALS
    zones: Mapping[str, bytes] = {}
    """The zones that stand, as they are shown."""


class Event(Struct, frozen=True):
    """One thing to tell, and the position of the statement that it comes from."""

    position: Position
    name: str
    data: bytes
    """JSON."""


def events_for(viewer: Viewer, batch: Batch) -> Iterator[Event]:
    """What a viewer is told.

    Args:
        viewer: who listens.
        batch: settled changes.

    Returns:
        Events in the order of the changes, each plan, separation and refusal at most once: at the last change
        that gives it, so that whoever was told a part of the batch before is told the rest.
    """
    last = {_name(change): change.position for change in batch.changes if _may_end(change, batch)}
    refusals = refusals_told(viewer.party_id, batch.changes, batch.refusals)
    for change in batch.changes:
        yield from _of_change(viewer, change, batch, last)
        for name, data in refusals.get(change.position, ()):
            yield Event(change.position, name, data)


def _name(change: Change) -> str:
    """What tells subjects of a batch apart: a zone may have a plan's id."""
    return f"zone {change.subject}" if change.type in ZONE_TYPES else change.subject


def _of_change(viewer: Viewer, change: Change, batch: Batch, last: Mapping[str, Position]) -> Iterator[Event]:
    """The plan, the zone or the separation that a change gives the viewer."""
    if change.type in ZONE_TYPES:
        if viewer.sees_zones and last[_name(change)] == change.position:
            shown = batch.zones.get(change.subject)
            name, data = ("zone", shown) if shown else ("zone_gone", encode(ZoneGone(change.subject)))
            yield Event(change.position, name, data)
        return
    if change.type in SEPARATION_TYPES:
        if viewer.sees_separations and last[change.subject] == change.position:
            yield Event(change.position, "separation", encode(_separation(change, batch.separations)))
        return
    row = batch.plans.get(change.subject)
    if row is None or change.note is not None:
        return
    plan = row.plan
    if may_see_plan(viewer.party_id, plan.party_id, plan.sharing):
        if not change.is_overtaken:
            body = batch.bodies[plan.plan_id]
            yield Event(change.position, "plan", encode(view(viewer.party_id, plan, body)))
    elif last.get(plan.plan_id) == change.position:
        yield Event(change.position, "gone", encode(Gone(plan.plan_id)))


def _may_end(change: Change, batch: Batch) -> bool:
    """Whether a change of a separation or a zone, or of a plan that may have to be taken away."""
    if change.type in ZONE_TYPES:
        return True
    row = batch.plans.get(change.subject)
    return change.type in SEPARATION_TYPES or (row is not None and was_seen(change.version, row.hidden_from))


def was_seen(version: int | None, hidden_from: int | None) -> bool:
    """Whether others saw a plan, hidden now, just before or at a version that they have not been told of.

    Args:
        version: the version that a statement made.
        hidden_from: the version that hid the plan; None if it was never seen.
    """
    return version is not None and hidden_from is not None and version <= hidden_from


def _separation(change: Change, rules: SeparationRules) -> SeparationChange:
    first, _, second = change.subject.partition("/")
    kept: Separation | None = rules.get((first, second))
    if first == EVERYONE:
        return SeparationChange(second, None, kept)
    return SeparationChange(first, second, kept)
