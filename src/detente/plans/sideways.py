"""The smallest shift over the ground that leaves a plan free of conflict.

A neighbour forbids the shifts that carry one core nearer to the other than the radii and the separation
allow: the difference of the two cores (a Minkowski sum), grown by that distance. The nearest point outside
all of them is taken, and the moved plan is checked again exactly. Cores are cut into convex pieces; one
that has too many is replaced by its hull, which can only make the shift larger, never wrong.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray

from detente.geo import Solid
from detente.geo.core import Kind
from detente.geo.frame import Frame
from detente.plans.ways_out import Obstacle, in_place_pairs, is_free, push_out

_MAX_PIECES = 12
_MAX_PAIRS = 20_000
_MAX_TRIES = 24
_QUARTER = 32
"""Segments of a quarter circle in a forbidden region's outline."""
_OUTSIDE = 1 / math.cos(math.pi / (4 * _QUARTER))
"""Grows a polygon of that many segments so that it encloses the circle."""
_STEP_M = 0.01
_ROOM_M = (0.0, 0.05, 0.5, 5.0)
"""Where two regions all but touch, the nearest point is free by less than the frame is exact."""

Points = NDArray[np.float64]


class SidewaysFound(Struct, frozen=True):
    """A shift in metres east and north, or why there is none."""

    east_m: float
    north_m: float
    why: str = ""


def smallest_sideways(
    mine: Sequence[Solid],
    obstacles: Sequence[Obstacle],
    limit_m: float,
    frame: Frame,
    move: Callable[[float, float], Sequence[Solid]],
) -> SidewaysFound:
    """The smallest shift over the ground, re-checked exactly.

    Args:
        mine: the plan's volumes.
        obstacles: everything that the plan could meet within the limit.
        limit_m: longest shift.
        frame: a flat frame at the plan.
        move: the plan after a shift in metres east and north.
    """
    pairs = in_place_pairs(mine, obstacles)
    if len(pairs) > _MAX_PAIRS:
        return SidewaysFound(0.0, 0.0, f"more than {_MAX_PAIRS} pairs of volumes would have to be kept apart")
    pieces = {id(solid): _pieces(solid, frame) for pair in pairs for solid in (pair[0], pair[1].solid)}
    forbidden = shapely.union_all(
        [region for solid, obstacle in pairs for region in _forbidden(pieces, solid, obstacle)]
    )
    # The regions enclose their circles; starting just inside, the exact check finds the true rim.
    slack_m = 5 * _STEP_M + (_OUTSIDE**3 - 1) * max((_kept_apart(*pair) for pair in pairs), default=0.0)
    best: tuple[float, float, float] | None = None
    for east, north in _nearest_outside(forbidden, limit_m):
        length = math.hypot(east, north)
        direction = (east / length, north / length)

        def ok(metres: float, way: tuple[float, float] = direction) -> bool:
            return metres <= limit_m and is_free(move(way[0] * metres, way[1] * metres), obstacles)

        found = push_out(max(length - slack_m, 0.0), 1.0, ok, _STEP_M)
        if (found is None or found > length) and ok(length):
            found = length  # in a notch hardly more than this point is free: the steps went over it
        if found is not None and (best is None or found < best[0]):
            best = (found, *direction)
        if best is not None and best[0] <= length:
            break
    if best is None:
        return SidewaysFound(0.0, 0.0, "everything within the limits is taken")
    return SidewaysFound(best[1] * best[0], best[2] * best[0])


def _pieces(solid: Solid, frame: Frame) -> list[Points]:
    """The corners of the convex pieces of a core, in one frame for all."""
    flat = frame.flatten(solid.core.points_m)
    if solid.core.kind is Kind.POINT:
        return [flat]
    if solid.core.kind is Kind.LINE:
        chunk = max(1, math.ceil((len(flat) - 1) / _MAX_PIECES))
        return [flat[i : i + chunk + 1] for i in range(0, len(flat) - 1, chunk)]
    area = shapely.polygons(flat)
    hull = shapely.convex_hull(area)
    if shapely.area(area) > shapely.area(hull) * (1 - 1e-9):
        return [shapely.get_coordinates(hull)]
    parts = shapely.get_parts(shapely.constrained_delaunay_triangles(area))
    if len(parts) > _MAX_PIECES:
        return [shapely.get_coordinates(hull)]
    return [shapely.get_coordinates(part) for part in parts]


def _kept_apart(mine: Solid, obstacle: Obstacle) -> float:
    return mine.radius_m + obstacle.solid.radius_m + obstacle.separation.horizontal_m


def _forbidden(pieces: dict[int, list[Points]], mine: Solid, obstacle: Obstacle) -> list[shapely.Geometry]:
    keep_m = _kept_apart(mine, obstacle)
    regions: list[shapely.Geometry] = []
    for a in pieces[id(mine)]:
        for b in pieces[id(obstacle.solid)]:
            differences = (b[:, None, :] - a[None, :, :]).reshape(-1, 2)
            hull = shapely.convex_hull(shapely.multipoints(differences))
            grown = shapely.buffer(hull, keep_m * _OUTSIDE, quad_segs=_QUARTER) if keep_m else hull
            regions.append(cast("shapely.Geometry", grown))
    return regions


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
