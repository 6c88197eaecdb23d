"""The decisions about remembered refusals: what settled one, and who may know what of it. Pure.

Rule 1: what settled a refusal is read off the plan of that id as it stands now, never off a claim.
Rule 2: the declaring party knows all of its own; of what was in the way, what a conflict shows it.
Rule 3: a party whose plan was in the way knows who and the shared piece; of the rest what is shared.
Rule 4: anybody else knows of a conflict only where both plans are shared.
Rule 5: shared is what was shared then and still is: the narrower of both.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from detente.geo import moved, prepare, to_plane
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Shape, Volume
from detente.plans.model import Conflict, PlanState, PlanVolume, Sharing
from detente.plans.refusal_model import Blocking, Refused, RefusedAct, Settlement, SettlementKind
from detente.plans.rules import may_see_plan, may_see_texts
from detente.plans.volumes import from_ms, to_volume

SAME_HEIGHT_M = 1e-6
"""Heights that differ by less are the same: what adding and taking away a shift leaves behind."""
LEAST_HEIGHT_M = 0.001
SAME_PLACE_M = 0.1
"""How far a point may lie from where a shift carries it: what rounding to 6 decimals of a degree does."""
_STEPS = 4
Floats = NDArray[np.float64]
_NARROW = {Sharing.CONFLICTS: 0, Sharing.VOLUMES: 1, Sharing.FULL: 2}


class Step(Struct, frozen=True):
    """One act on a plan: the version that it made, and when."""

    version: int
    at_ms: int


class Steps(Struct, frozen=True):
    """The latest acts on a plan, by what they did; None where there was none."""

    volumes: Step | None = None
    """Declared or changed."""
    activated: Step | None = None
    ended: Step | None = None


class PlanNow(Struct, frozen=True):
    """The refused party's plan of that id as it stands now."""

    state: PlanState
    volumes: tuple[PlanVolume, ...]
    steps: Steps


def settle(refused: Refused, now: PlanNow | None) -> Settlement:
    """Say what settled a refusal (rule 1).

    Args:
        refused: what was refused.
        now: the plan of that id and party as it stands, in force or ended; None if there is none.

    Returns:
        The settlement as the declaring party may know it. A plan that was settled and has ended since keeps
        what settled it.
    """
    if now is None:
        return _OPEN
    seen = refused.seen_version or 0
    made = _after(seen, now.steps.volumes)
    if made is not None:
        return replace(
            compare(refused.body.volumes, now.volumes), version=made.version, at=from_ms(made.at_ms)
        )
    activated = _after(seen, now.steps.activated)
    if activated is not None and refused.act is RefusedAct.ACTIVATED:
        return _settled(SettlementKind.AS_DECLARED, activated)
    ended = _after(seen, now.steps.ended)
    if ended is not None and now.state is PlanState.ENDED:
        return _settled(SettlementKind.ENDED, ended)
    return _OPEN


_OPEN = Settlement(is_settled=False, kind=SettlementKind.NONE)


def _after(seen: int, step: Step | None) -> Step | None:
    return step if step is not None and step.version > seen else None


def _settled(kind: SettlementKind, step: Step) -> Settlement:
    return Settlement(is_settled=True, kind=kind, version=step.version, at=from_ms(step.at_ms))


def compare(refused: Sequence[PlanVolume], stands: Sequence[PlanVolume]) -> Settlement:
    """Say how volumes that stand differ from those that were refused, volume for volume in their order."""
    before = [to_volume(volume) for volume in refused]
    after = [to_volume(volume) for volume in stands]
    if before == after:
        return Settlement(is_settled=True, kind=SettlementKind.AS_DECLARED)
    if len(before) == len(after):
        pairs = list(zip(before, after, strict=True))
        shift_ms = _in_time(pairs)
        if shift_ms is not None:
            return Settlement(is_settled=True, kind=SettlementKind.TIME, shift_s=shift_ms / 1000)
        up_m = _in_height(pairs)
        if up_m is not None:
            return Settlement(is_settled=True, kind=SettlementKind.HEIGHT, shift_up_m=up_m)
        shift_m = _sideways(pairs)
        if shift_m is not None:
            return Settlement(
                is_settled=True,
                kind=SettlementKind.SIDEWAYS,
                shift_east_m=shift_m[0],
                shift_north_m=shift_m[1],
            )
    return Settlement(is_settled=True, kind=SettlementKind.CHANGED)


_Pairs = list[tuple[Volume, Volume]]


def _in_time(pairs: _Pairs) -> int | None:
    """The one shift in ms of all volumes, if that is all that differs."""
    shift_ms = pairs[0][1].start_ms - pairs[0][0].start_ms
    if all(moved(before, shift_ms=shift_ms) == after for before, after in pairs):
        return shift_ms
    return None


def _in_height(pairs: _Pairs) -> float | None:
    """The one shift in metres of all volumes, if that is all that differs."""
    shifts = [
        shift
        for before, after in pairs
        for shift in (after.lower_m - before.lower_m, after.upper_m - before.upper_m)
    ]
    same = all(
        replace(before, lower_m=0.0, upper_m=0.0) == replace(after, lower_m=0.0, upper_m=0.0)
        for before, after in pairs
    )
    if same and max(shifts) - min(shifts) <= SAME_HEIGHT_M and abs(shifts[0]) >= LEAST_HEIGHT_M:
        return round(shifts[0], 3)
    return None


def _sideways(pairs: _Pairs) -> tuple[float, float] | None:
    """The one shift over the ground in metres east and north, to 0.1 m, if that is all that differs."""
    if not all(_alike(before, after) for before, after in pairs):
        return None
    # The way out is measured where it was made: at the centre of the plan's middle volume.
    before, after = pairs[len(pairs) // 2]
    origin = prepare(replace(before, datum=Datum.WGS84)).center
    east_m, north_m = _carried(positions_of(before.shape)[0], positions_of(after.shape)[0], origin)
    shift_m = (round(east_m, 1) + 0.0, round(north_m, 1) + 0.0)
    if shift_m == (0.0, 0.0):
        return None
    for one, other in pairs:
        there = moved(one, east_m=east_m, north_m=north_m, origin=origin).shape
        if _farthest_m(positions_of(there), positions_of(other.shape)) > SAME_PLACE_M:
            return None
    return shift_m


def _alike(before: Volume, after: Volume) -> bool:
    """Whether two volumes differ at most in the places of their points."""
    return _placeless(before) == _placeless(after)


_NOWHERE = LatLon(0.0, 0.0)


def _placeless(volume: Volume) -> tuple[Volume, int]:
    nowhere: Shape = Circle(_NOWHERE, 0.0)
    if isinstance(volume.shape, Circle):
        nowhere = replace(volume.shape, center=_NOWHERE)
    elif isinstance(volume.shape, Corridor):
        nowhere = replace(volume.shape, path=())
    else:
        nowhere = Polygon(())
    return replace(volume, shape=nowhere), len(positions_of(volume.shape))


def positions_of(shape: Shape) -> tuple[LatLon, ...]:
    """The positions that place a shape on the ground, in their order."""
    if isinstance(shape, Circle):
        return (shape.center,)
    return shape.vertices if isinstance(shape, Polygon) else shape.path


def _carried(before: LatLon, after: LatLon, origin: LatLon) -> tuple[float, float]:
    """The shift at ``origin`` that carries one position to another: guessed, then corrected by the miss."""
    goal = _flat(after, origin)
    shift = goal - _flat(before, origin)
    point = Volume(Circle(before, 1.0), 0.0, 1.0, 0, 1)
    for _ in range(_STEPS):
        there = positions_of(moved(point, east_m=shift[0], north_m=shift[1], origin=origin).shape)[0]
        shift = shift + goal - _flat(there, origin)
    return float(shift[0]), float(shift[1])


def _flat(at: LatLon, origin: LatLon) -> Floats:
    flat: Floats = _plane([at], origin)[0]
    return flat


def _plane(positions: Sequence[LatLon], origin: LatLon) -> Floats:
    degrees = np.array([(at.lat_deg, at.lon_deg) for at in positions], dtype=np.float64)
    return to_plane(degrees[:, 0], degrees[:, 1], np.array(origin.lat_deg), np.array(origin.lon_deg))


def _farthest_m(there: Sequence[LatLon], stands: Sequence[LatLon]) -> float:
    origin = there[0]
    apart = _plane(there, origin) - _plane(stands, origin)
    return float(np.hypot(apart[:, 0], apart[:, 1]).max())


def narrower(then: Sharing, now: Sharing | None) -> Sharing:
    """What may be shown of a plan whose sharing has changed (rule 5); ``now`` None: it does not stand."""
    return then if now is None or _NARROW[then] <= _NARROW[now] else now


def conflict_for(viewer: str, declarer: str, sharing: Sharing, blocking: Blocking) -> Conflict | None:
    """One conflict of a refusal as a viewer may know it, None if not at all (rules 2 to 4).

    Args:
        viewer: the party that reads.
        declarer: the party that was refused.
        sharing: of the refused plan.
        blocking: the plan in the way, with its sharing.

    Returns:
        To the declaring party what the 409 told it; to the owner of the plan in the way that plan's own
        members, too.
    """
    conflict = blocking.conflict
    owner = conflict.party_id
    sees_way = may_see_plan(viewer, owner, blocking.sharing)
    if viewer not in {declarer, owner} and not (sees_way and may_see_plan(viewer, declarer, sharing)):
        return None
    return replace(
        conflict,
        plan_id=conflict.plan_id if sees_way else None,
        state=conflict.state if sees_way else None,
        priority=conflict.priority if sees_way else None,
        ovn=conflict.ovn if may_see_texts(viewer, owner, blocking.sharing) else None,
    )


def conflicts_for(
    viewer: str, refused: Refused, sharing: Sharing, shared_now: Mapping[str, Sharing]
) -> tuple[Conflict, ...]:
    """All conflicts of a refusal that a viewer may know, first instant first.

    Args:
        viewer: the party that reads.
        refused: what is kept.
        sharing: of the refused plan, then and now.
        shared_now: what the owners of the plans in the way share now, by plan id.
    """
    known = [
        conflict
        for one in refused.blocking
        if (
            conflict := conflict_for(
                viewer,
                refused.party_id,
                sharing,
                replace(one, sharing=narrower(one.sharing, shared_now.get(one.plan_id))),
            )
        )
        is not None
    ]
    return tuple(sorted(known, key=lambda c: (c.start, c.party_id, c.plan_id or "")))


def settlement_for(viewer: str, declarer: str, sharing: Sharing, settlement: Settlement) -> Settlement:
    """What a viewer may know of what settled a refusal: how, only where it may see the plan."""
    if may_see_plan(viewer, declarer, sharing):
        return settlement
    return Settlement(is_settled=settlement.is_settled)
