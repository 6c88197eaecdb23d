"""What one viewer is told of remembered refusals in a batch: pure; its rules are in ``events.py``."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from detente.plans.refusal_model import RefusalGone
from detente.plans.refusal_now import RefusalNow
from detente.plans.rules import may_see_plan
from detente.plans.views import encode
from detente.record import Change, Note, Position

NOTED = "refusal.noted"
"""The notes of the feed that speak of refusals; their subject is the refusal's id."""
VOLUME_TYPES = ("plan.declared", "plan.changed")
ACTIVATION = "plan.activated"
END_TYPES = ("plan.ended", "plan.expired")
SETTLING_TYPES = frozenset({*VOLUME_TYPES, ACTIVATION, *END_TYPES})
"""The acts on a plan that may settle its refusals, or say otherwise how they were settled."""


class Telling(Struct, frozen=True):
    """A refusal that a batch of changes is about."""

    now: RefusalNow | None
    """None if it is no longer remembered."""
    settled_by: int | None
    """The version that settled it, looked for only where the plan is hidden; None if none has."""


class RefusalBatch(Struct, frozen=True):
    """The refusals of a batch."""

    tellings: Mapping[str, Telling]
    """By the refusals' ids."""
    touched: Mapping[Position, Sequence[str]]
    """Which refusals a change is about, by the change's place."""


NO_REFUSALS = RefusalBatch({}, {})


def refusals_told(
    viewer: str, changes: Sequence[Change], batch: RefusalBatch
) -> Mapping[Position, Sequence[tuple[str, bytes]]]:
    """The events of refusals for one viewer: name and JSON, by the place of the change that they come from.

    Each refusal is told at most once: at the last change that may tell the viewer of it.
    """
    last: dict[str, Position] = {}
    views: dict[str, bytes | None] = {}
    for change in changes:
        for refusal_id in batch.touched.get(change.position, ()):
            telling = batch.tellings[refusal_id]
            if refusal_id not in views:
                shown = None if telling.now is None else telling.now.view(viewer)
                views[refusal_id] = None if shown is None else encode(shown)
            is_seen = views[refusal_id] is not None
            if tells(viewer, change, telling) if is_seen else takes_away(viewer, change.note):
                last[refusal_id] = change.position
    told: dict[Position, list[tuple[str, bytes]]] = {}
    for refusal_id, position in last.items():
        seen = views[refusal_id]
        event = ("refusal_gone", encode(RefusalGone(refusal_id))) if seen is None else ("refusal", seen)
        told.setdefault(position, []).append(event)
    return told


def tells(viewer: str, change: Change, telling: Telling) -> bool:
    """Whether a change may tell a viewer of a refusal that it may know of (rules 5 and 6)."""
    now = telling.now
    if now is None:
        return False
    refused = now.refused
    sees_plan = may_see_plan(viewer, refused.party_id, now.sharing)
    if change.note is None:
        if sees_plan:
            return True
        version, settled_by = change.version, telling.settled_by
        return version is not None and settled_by is not None and version <= settled_by
    cause = change.note.cause
    if cause is None or cause == refused.plan_id or sees_plan:
        return True
    return any(one.plan_id == cause and one.conflict.party_id == viewer for one in refused.blocking)


def takes_away(viewer: str, note: Note | None) -> bool:
    """Whether a change takes a refusal away from a viewer who may not know of it now (rule 7)."""
    return note is not None and (note.was_public or viewer in note.left_parties)
