"""What a page of changes is about, read once for all who listen, in a few queries."""

from collections.abc import Sequence

from msgspec.structs import replace

from detente.plans import refusal_store, store
from detente.plans.events import SEPARATION_TYPES, ZONE_TYPES, Batch
from detente.plans.model import Sharing
from detente.plans.refusal_events import (
    ACTIVATION,
    END_TYPES,
    NO_REFUSALS,
    NOTED,
    SETTLING_TYPES,
    VOLUME_TYPES,
    RefusalBatch,
    Telling,
)
from detente.plans.refusal_model import RefusedAct
from detente.plans.refusal_now import RefusalNow, as_they_stand
from detente.plans.rules import SeparationRules
from detente.plans.views import decode_body
from detente.record import Beyond, Change, Page, first_beyond
from detente.store import Pool
from detente.zones.showing import shown_zones

MAX_REFUSAL_BYTES = 4 * 1_048_576
"""Of stored refusals that are read at once; a page that is about more is cut short."""


async def gather(pool: Pool, page: Page) -> tuple[Page, Batch]:
    """Read what the changes are about.

    Args:
        pool: database connections.
        page: the changes.

    Returns:
        The page, or the first of it where all would be too much, and what it is about.
    """
    page, refusals = await _refusals(pool, page)
    plan_ids = {change.subject for change in page.changes if _is_of_a_plan(change)}
    plans = await store.changed(pool, sorted(plan_ids)) if plan_ids else {}
    rules: SeparationRules = {}
    if any(change.type in SEPARATION_TYPES for change in page.changes):
        _, rules = await store.separations(pool)
    bodies = {plan_id: decode_body(row.plan.body) for plan_id, row in plans.items()}
    zone_ids = {change.subject for change in page.changes if change.type in ZONE_TYPES}
    zones = await shown_zones(pool, sorted(zone_ids)) if zone_ids else {}
    return page, Batch(page.changes, plans, bodies, rules, refusals, zones)


def _is_of_a_plan(change: Change) -> bool:
    return change.note is None and change.type not in SEPARATION_TYPES | ZONE_TYPES


async def _refusals(pool: Pool, page: Page) -> tuple[Page, RefusalBatch]:
    while True:
        noted = {change.subject for change in page.changes if change.type == NOTED}
        plan_ids = {change.subject for change in page.changes if change.type in SETTLING_TYPES}
        if not noted and not plan_ids:
            return page, NO_REFUSALS
        found, is_whole = await refusal_store.concerned(
            pool, sorted(noted), sorted(plan_ids), MAX_REFUSAL_BYTES
        )
        # One change alone is told in any case: it is about one refusal, or about the newest of one plan.
        if is_whole or len(page.changes) == 1:
            break
        first = page.changes[: len(page.changes) // 2]
        page = replace(page, changes=first, reached=first[-1].position, is_full=True)
    now = await as_they_stand(pool, found)
    settled_by = await _settled_by(pool, now)
    tellings = {one.refused.refusal_id: Telling(one, by) for one, by in zip(now, settled_by, strict=True)}
    tellings |= {refusal_id: Telling(None, None) for refusal_id in noted - tellings.keys()}
    of_plan: dict[str, list[RefusalNow]] = {}
    for one in now:
        of_plan.setdefault(one.refused.plan_id, []).append(one)
    touched = {change.position: _touched(change, of_plan) for change in page.changes}
    return page, RefusalBatch(tellings, touched)


def _touched(change: Change, of_plan: dict[str, list[RefusalNow]]) -> tuple[str, ...]:
    """The refusals that a change is about; an act on a plan, those which that version may have settled."""
    if change.type == NOTED:
        return (change.subject,)
    if change.type not in SETTLING_TYPES or change.version is None:
        return ()
    return tuple(
        one.refused.refusal_id
        for one in of_plan.get(change.subject, ())
        if one.plan is not None
        and change.version > (one.refused.seen_version or 0)
        and change.type in _settling(one.refused.act)
    )


def _settling(act: RefusedAct) -> tuple[str, ...]:
    """The acts that settle a refusal: to activate a plan settles only that it could not be activated."""
    return (*VOLUME_TYPES, *((ACTIVATION,) if act is RefusedAct.ACTIVATED else ()), *END_TYPES)


async def _settled_by(pool: Pool, refusals: Sequence[RefusalNow]) -> list[int | None]:
    """By which version each was settled first; looked for where some may know only that much."""
    hidden = [one for one in refusals if one.plan is not None and one.sharing is Sharing.CONFLICTS]
    if not hidden:
        return [None] * len(refusals)
    asked = [
        Beyond(one.refused.plan_id, one.refused.seen_version or 0, _settling(one.refused.act))
        for one in hidden
    ]
    first = {
        one.refused.refusal_id: version
        for one, version in zip(hidden, await first_beyond(pool, asked), strict=True)
    }
    return [first.get(one.refused.refusal_id) for one in refusals]
