"""The smallest shift over the ground that leaves a plan free of conflict.

A neighbour forbids the shifts that carry one core nearer to the other than the radii and the separation
allow: the difference of the two cores (a Minkowski sum), grown by that distance. The nearest point outside
all of them is taken, and the moved plan is checked again exactly. Cores are cut into convex pieces
(``convex.py``); where there would be too many, larger ones take their place: a shift can only be larger then.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray

from detente.geo import Solid
from detente.geo.frame import Frame
from detente.plans.convex import Pieces, convex_sum, pieces_of, simpler
from detente.plans.ways_out import Checks, Obstacle, push_out

_MAX_PIECES = 12
_MAX_PAIRS = 2_000
"""Pairs of volumes that would meet if they shared a place."""
_MAX_REGIONS = 2_000
"""Forbidden regions, one for each pair of pieces."""
_MAX_REGION_CORNERS = 200_000
_MAX_TRIES = 24
_QUARTER = 32
"""Segments of a quarter circle in a forbidden region's outline."""
_OUTSIDE = 1 / math.cos(math.pi / (4 * _QUARTER))
"""Grows a polygon of that many segments so that it encloses the circle."""
_STEP_M = 0.01
_ROOM_M = (0.0, 0.05, 0.5, 5.0)
"""Where two regions all but touch, the nearest point is free by less than the frame is exact."""

_Pair = tuple[Solid, Obstacle]


class SidewaysFound(Struct, frozen=True):
    """A shift in metres east and north, or why there is none."""

    east_m: float
    north_m: float
    why: str = ""


def smallest_sideways(
    pairs: Sequence[_Pair],
    limit_m: float,
    frame: Frame,
    move: Callable[[float, float], Sequence[Solid]],
    checks: Checks,
) -> SidewaysFound:
    """The smallest shift over the ground, re-checked exactly.

    Args:
        pairs: the plan's volumes, each with an obstacle that it would meet if it shared its place.
        limit_m: longest shift.
        frame: a flat frame at the plan.
        move: the plan after a shift in metres east and north.
        checks: the exact checks that may be made.
    """
    if len(pairs) > _MAX_PAIRS:
        return SidewaysFound(0.0, 0.0, f"more than {_MAX_PAIRS} pairs of volumes would have to be kept apart")
    forbidden, is_exact = _forbidden(pairs, frame)
    # The regions enclose their circles; starting just inside, the exact check finds the true rim.
    slack_m = 5 * _STEP_M + (_OUTSIDE**3 - 1) * max((_kept_apart(*pair) for pair in pairs), default=0.0)
    best: tuple[float, float, float] | None = None
    for east, north in _nearest_outside(forbidden, limit_m):
        length = math.hypot(east, north)
        direction = (east / length, north / length)

        def ok(metres: float, way: tuple[float, float] = direction) -> bool:
            return metres <= limit_m and checks.passes(lambda: move(way[0] * metres, way[1] * metres))

        found = push_out(max(length - slack_m, 0.0), 1.0, ok, _STEP_M)
        if (found is None or found > length) and ok(length):
            found = length  # in a notch hardly more than this point is free: the steps went over it
        if found is not None and (best is None or found < best[0]):
            best = (found, *direction)
        if best is not None and best[0] <= length:
            break
    if best is None:
        return SidewaysFound(0.0, 0.0, _why(checks, is_exact=is_exact))
    return SidewaysFound(best[1] * best[0], best[2] * best[0])


def _why(checks: Checks, *, is_exact: bool) -> str:
    if checks.left == 0:
        return f"none was found in {checks.most} exact checks; ask with smaller limits or a simpler plan"
    if not is_exact:
        return "none was found; the shapes are too intricate to search every gap between them"
    return "everything within the limits is taken"


def _kept_apart(mine: Solid, obstacle: Obstacle) -> float:
    return mine.radius_m + obstacle.solid.radius_m + obstacle.separation.horizontal_m


def _forbidden(pairs: Sequence[_Pair], frame: Frame) -> tuple[shapely.Geometry, bool]:
    """The union of what all pairs forbid, and whether it is no larger than it must be."""
    most = max(1, min(_MAX_PIECES, math.isqrt(_MAX_REGIONS // max(1, len(pairs)))))
    solids = {id(solid): solid for pair in pairs for solid in (pair[0], pair[1].solid)}
    pieces = {
        key: pieces_of(solid.core.kind, frame.flatten(solid.core.points_m), most)
        for key, solid in solids.items()
    }
    if sum(_corners(pieces[id(a)], pieces[id(b.solid)]) for a, b in pairs) > _MAX_REGION_CORNERS:
        pieces = {key: simpler(each) for key, each in pieces.items()}
    regions = [
        _region(b, a, _kept_apart(mine, obstacle))
        for mine, obstacle in pairs
        for a in pieces[id(mine)].corners
        for b in pieces[id(obstacle.solid)].corners
    ]
    return shapely.union_all(regions), all(each.is_exact for each in pieces.values())


def _corners(a: Pieces, b: Pieces) -> int:
    """How many corners the regions of a pair have together."""
    sizes_a, sizes_b = (sum(len(piece) for piece in pieces.corners) for pieces in (a, b))
    return sizes_a * len(b.corners) + sizes_b * len(a.corners)


def _region(theirs: NDArray[np.float64], mine: NDArray[np.float64], keep_m: float) -> shapely.Geometry:
    """The shifts that bring one of my pieces closer than ``keep_m`` to one of theirs."""
    corners = convex_sum(theirs, -mine)
    hull = shapely.convex_hull(shapely.multipoints(corners))
    grown = shapely.buffer(hull, keep_m * _OUTSIDE, quad_segs=_QUARTER) if keep_m else hull
    return cast("shapely.Geometry", grown)


def _nearest_outside(forbidden: shapely.Geometry, limit_m: float) -> Iterator[tuple[float, float]]:
    """Points on the rim of what is forbidden: the nearest, those with room around them, then its corners."""
    rim = shapely.boundary(forbidden)
    if shapely.is_empty(rim):
        return
    origin = shapely.Point(0.0, 0.0)
    for room_m in _ROOM_M:
        wider = shapely.boundary(shapely.buffer(forbidden, room_m)) if room_m else rim
        x, y = shapely.get_coordinates(shapely.shortest_line(origin, wider))[1]
        if 0 < math.hypot(x, y) <= limit_m:
            yield float(x), float(y)
    corners = shapely.get_coordinates(rim)
    distances = np.hypot(corners[:, 0], corners[:, 1])
    order = np.argsort(distances, kind="stable")
    spaced = order[:: max(1, len(order) // _MAX_TRIES)][:_MAX_TRIES]
    for x, y in corners[spaced]:
        if 0 < math.hypot(x, y) <= limit_m:
            yield float(x), float(y)
