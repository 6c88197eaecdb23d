"""Measuring near pairs, thousands at once, in flat frames; what is too close to call is handed back.

Each pair is measured in a frame (`detente.geo.frame`) at the centre of one of the two, no point of either
core being farther than ``rho`` from it. In such a frame a flat distance is at most ``rho**3 / (3 R**2)``
longer than the geodesic one, and a geodesic edge is bent by at most as much; two edges and the distance
between them make ``rho**3 / R**2``. The frame itself is off by less than a hundredth of that. With R the
smallest radius of curvature anywhere and a tenth added, a pair whose gap is wider than the sum is decided.

Source: the metric and the geodesic equation in normal coordinates, constant curvature K <= 1 / R**2:
    lengths shrink by at most K rho**2 / 6, and |x''| <= (2/3) K rho |x'|**2.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from detente.geo.ellipsoid import MIN_RADIUS_M, arc_m, axes_at, in_space, normals
from detente.geo.frame import flatten_each
from detente.geo.limits import TOUCH_M
from detente.geo.sweep_balls import Balls
from detente.geo.sweep_columns import Bytes, Floats, Kind, Longs, VolumeColumns, spread

APART, CONFLICT, UNDECIDED = np.uint8(0), np.uint8(1), np.uint8(2)
MAX_FRAME_M = 400_000.0
"""Pairs that reach farther from one of their centres are not measured in a frame."""
_ROUNDING_M = 2e-5
_ARC_ERROR = 1e-6
_FRAME_ERROR = 1.1 / MIN_RADIUS_M**2
_TYPES = {
    Kind.LINE: shapely.GeometryType.LINESTRING,
    Kind.POLYGON: shapely.GeometryType.POLYGON,
}


@dataclass(frozen=True, slots=True)
class Frames:
    """One flat frame a row: origins in space, shape (k, 3), and east, north, up, shape (k, 3, 3)."""

    origin_m: Floats
    axes: Floats


def frames_at(origin_m: Floats) -> Frames:
    """Put frames at points on the ellipsoid.

    Args:
        origin_m: Earth-centred metres, shape (k, 3).

    Returns:
        The frames.
    """
    return Frames(origin_m=origin_m, axes=axes_at(origin_m))


def _flat_vertices(columns: VolumeColumns, index: Longs, frames: Frames, more: int) -> tuple[Floats, Longs]:
    """Flatten the vertices of volumes, the first ``more`` of each again at its end; and where each begins."""
    counts = columns.first[index + 1] - columns.first[index]
    group, place = spread(counts + more)
    vertex = columns.first[index][group] + place % counts[group]
    space = in_space(normals(columns.lat_deg[vertex], columns.lon_deg[vertex]))
    flat = flatten_each(space, frames.origin_m[group], frames.axes[group])
    return flat, np.concatenate(([0], np.cumsum(counts + more)))


def flat_cores(columns: VolumeColumns, index: Longs, frames: Frames) -> np.ndarray:
    """Build the cores of volumes, each in its own frame.

    Args:
        columns: all volumes.
        index: which of them, shape (k,).
        frames: k frames.

    Returns:
        k Shapely geometries in metres: points, line strings, polygons.
    """
    cores = np.empty(len(index), object)
    kinds = columns.kind[index]
    for kind in Kind:
        rows = np.flatnonzero(kinds == kind)
        if len(rows) == 0:
            continue
        some = Frames(frames.origin_m[rows], frames.axes[rows])
        flat, first = _flat_vertices(columns, index[rows], some, 1 if kind == Kind.POLYGON else 0)
        if kind == Kind.POINT:
            cores[rows] = shapely.points(flat)
            continue
        offsets = (first,) if kind == Kind.LINE else (first, np.arange(len(rows) + 1))
        cores[rows] = shapely.from_ragged_array(_TYPES[kind], flat, offsets)
    return cores


@dataclass(frozen=True, slots=True)
class FlatPairs:
    """Pairs laid flat.

    Attributes:
        origin: the volume at whose centre the pair's frame lies, shape (k,).
        other: the other volume, shape (k,).
        origin_core: Shapely geometries of the one, shape (k,).
        other_core: Shapely geometries of the other, shape (k,).
        frames: k frames.
        error_m: how wrong a flat distance can be, shape (k,).
    """

    origin: Longs
    other: Longs
    origin_core: np.ndarray
    other_core: np.ndarray
    frames: Frames
    error_m: Floats


def frame_reach_m(balls: Balls, origin: Longs, other: Longs) -> Floats:
    """Say how far from the one's centre the cores of a pair reach.

    Args:
        balls: a ball around every volume.
        origin: volume numbers, shape (k,).
        other: volume numbers, shape (k,).

    Returns:
        Metres along the ellipsoid, shape (k,).
    """
    away_m = arc_m(balls.center[origin], balls.center[other])
    reach_m: Floats = np.maximum(balls.core_m[origin], away_m * (1.0 + _ARC_ERROR) + balls.core_m[other])
    return reach_m


def lay_flat(columns: VolumeColumns, balls: Balls, origin: Longs, other: Longs) -> FlatPairs:
    """Lay pairs flat, each in a frame at the centre of its first.

    Args:
        columns: all volumes.
        balls: a ball around each.
        origin: volume numbers, shape (k,).
        other: volume numbers, shape (k,).

    Returns:
        The pairs, in the order given.
    """
    own, place = np.unique(origin, return_inverse=True)
    own_frames = frames_at(balls.center[own])
    frames = Frames(own_frames.origin_m[place], own_frames.axes[place])
    return FlatPairs(
        origin=origin,
        other=other,
        origin_core=flat_cores(columns, own, own_frames)[place],
        other_core=flat_cores(columns, other, frames),
        frames=frames,
        error_m=_FRAME_ERROR * frame_reach_m(balls, origin, other) ** 3 + _ROUNDING_M,
    )


def _overlap_areas(pairs: FlatPairs, verdict: Bytes, rows: Longs) -> None:
    """Decide polygons by the area that they share: thicker than a touch and the error, or thinner than both.

    Moving the outlines by the error takes at most a strip of that width off the shared area, along all of
    its rim; what is larger than the strip keeps an inside. And where a circle as wide as a touch fits, one
    smaller by the error fits here.
    """
    try:
        shared = shapely.intersection(pairs.origin_core[rows], pairs.other_core[rows])
    except shapely.errors.GEOSException:
        # An outline that meets itself within a millimetre in this frame; the exact test repairs it.
        return
    error_m = pairs.error_m[rows]
    area_m2 = shapely.area(shared)
    thick_m = error_m + TOUCH_M
    corners = shapely.get_num_coordinates(shared) + 1
    strip_m2 = 2.0 * thick_m * shapely.length(shared) + 4.0 * corners * thick_m**2
    verdict[rows[area_m2 > strip_m2]] = CONFLICT
    circle_m = np.maximum(TOUCH_M - 2.0 * error_m, 0.0)
    verdict[rows[area_m2 < 0.75 * circle_m**2]] = APART


def _measure_flat(columns: VolumeColumns, balls: Balls, one: Longs, other: Longs, reach_m: Floats) -> Bytes:
    swap = balls.core_m[one] < balls.core_m[other]
    pairs = lay_flat(columns, balls, np.where(swap, other, one), np.where(swap, one, other))
    verdict = np.full(len(one), UNDECIDED, np.uint8)
    apart_m = shapely.distance(pairs.origin_core, pairs.other_core)
    verdict[apart_m >= reach_m + pairs.error_m] = APART
    verdict[apart_m <= reach_m - TOUCH_M - pairs.error_m] = CONFLICT
    both = (columns.kind[one] == Kind.POLYGON) & (columns.kind[other] == Kind.POLYGON)
    _overlap_areas(pairs, verdict, np.flatnonzero((verdict == UNDECIDED) & both & (apart_m == 0.0)))
    return verdict


def measure(columns: VolumeColumns, balls: Balls, one: Longs, other: Longs, horizontal_m: float) -> Bytes:
    """Decide which pairs come closer on the ground than the separation, where that is beyond doubt.

    Args:
        columns: all volumes.
        balls: a ball around each.
        one: volume numbers, shape (k,).
        other: volume numbers, shape (k,).
        horizontal_m: the separation; 0 asks for a shared inside.

    Returns:
        `APART`, `CONFLICT` or `UNDECIDED` for each, shape (k,).
    """
    verdict = np.full(len(one), UNDECIDED, np.uint8)
    reach_m = columns.reach_m[one] + columns.reach_m[other] + horizontal_m
    round_ones = (columns.kind[one] == Kind.POINT) & (columns.kind[other] == Kind.POINT)
    rows = np.flatnonzero(round_ones)
    apart_m = arc_m(balls.center[one[rows]], balls.center[other[rows]])
    error_m = _ROUNDING_M + np.where(apart_m < MAX_FRAME_M / 4.0, 0.0, _ARC_ERROR * apart_m)
    verdict[rows[apart_m >= reach_m[rows] + error_m]] = APART
    verdict[rows[apart_m <= reach_m[rows] - TOUCH_M - error_m]] = CONFLICT
    rest = np.flatnonzero(~round_ones)
    far_m = np.maximum(
        frame_reach_m(balls, one[rest], other[rest]), frame_reach_m(balls, other[rest], one[rest])
    )
    rows = rest[far_m < MAX_FRAME_M]
    verdict[rows] = _measure_flat(columns, balls, one[rows], other[rows], reach_m[rows])
    return verdict
