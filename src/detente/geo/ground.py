"""Do two ground shapes come nearer than allowed? Estimate in one flat frame, settle what is close exactly.

The frame stands at the centre of the smaller shape. Its errors are bounded (``frame.py``); only when the
estimate lies within them of the threshold is the verdict taken from frames at the closest points themselves.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely

from detente.geo.core import Core, Kind
from detente.geo.ellipsoid import (
    ARC_LIMIT_M,
    E2,
    MIN_RADIUS_M,
    Floats,
    arc_between_m,
    axes_at,
    drop,
    geodesic_m,
)
from detente.geo.frame import Frame, flatten_each
from detente.geo.limits import EDGE_STEP_M, TOUCH_M

_R2 = MIN_RADIUS_M * MIN_RADIUS_M
_WINDOW_M = 1.25 * EDGE_STEP_M
_ROUNDS = 4
_MAX_PAIRS = 100_000
_PRECISE_M = TOUCH_M / 3


class Estimate(NamedTuple):
    """Two cores side by side in one flat frame, and how wrong distances in it can be."""

    small: Core
    big: Core
    frame: Frame
    small_flat: Any
    big_flat: Any
    ratio: float
    """A flat distance is at most ``1 + ratio`` times the true one, plus ``error_m`` ..."""
    error_m: float
    """... and at least the true one minus ``error_m``."""

    def distance_m(self) -> float:
        """Distance of the cores in the frame."""
        return float(shapely.distance(self.small_flat, self.big_flat))


def estimate(a: Core, b: Core, within_m: float) -> Estimate:
    """Project the larger core into the smaller one's frame and measure there.

    Args:
        a: one core.
        b: the other.
        within_m: distances up to here must keep the stated error.
    """
    small, big = (a, b) if (a.extent_m, a.kind.value) <= (b.extent_m, b.kind.value) else (b, a)
    big_flat = geometry(big.kind, small.frame.flatten(big.points_m))
    rho = small.extent_m + within_m
    step = EDGE_STEP_M if small.kind is not Kind.POINT or big.kind is not Kind.POINT else 0.0
    error = E2 * rho**3 / (5 * _R2) + 0.18 * (rho + step) * step * step / _R2 + 1e-7
    ratio = (rho + step) ** 2 / (5.5 * _R2)
    return Estimate(small, big, small.frame, small.flat, big_flat, ratio, error)


def geometry(kind: Kind, flat: Floats) -> Any:  # noqa: ANN401 - shapely geometry
    """Make the shapely geometry of a core's flat points."""
    if kind is Kind.POINT:
        return shapely.Point(flat[0])
    return shapely.linestrings(flat) if kind is Kind.LINE else shapely.polygons(flat)


def come_within(a: Core, b: Core, separation_m: float) -> bool:
    """Decide whether two shapes, kept ``separation_m`` apart, share more than a touch on the ground.

    True when the distance of the cores is less than both radii and the separation together, by more than
    ``TOUCH_M``; for two polygons without separation when their common piece holds a circle of that diameter.
    """
    limit = a.radius_m + b.radius_m + separation_m
    if a.kind is Kind.POINT and b.kind is Kind.POINT:
        return _between_points_m(a, b) < limit - TOUCH_M
    near = estimate(a, b, limit)
    if not shapely.dwithin(near.small_flat, near.big_flat, limit * (1 + near.ratio) + near.error_m):
        return False
    surely = limit - TOUCH_M - near.error_m
    if surely > 0 and shapely.dwithin(near.small_flat, near.big_flat, surely):
        return True
    if a.kind is Kind.AREA and b.kind is Kind.AREA and _areas_share(near):
        return True
    return limit > TOUCH_M and exact_distance_m(near, limit) < limit - TOUCH_M


def common(a: Any, b: Any) -> Any:  # noqa: ANN401 - shapely geometries
    """Intersect two flat geometries, repairing those that projection made touch themselves."""
    try:
        return shapely.intersection(a, b)
    except shapely.errors.GEOSException:
        return shapely.intersection(shapely.make_valid(a), shapely.make_valid(b), grid_size=1e-6)


def is_thick(piece: Any, thickness_m: float) -> bool:  # noqa: ANN401 - shapely geometry
    """Say whether a circle of that diameter fits into a flat geometry."""
    parts = shapely.get_parts(piece)
    parts = parts[shapely.get_dimensions(parts) == 2]  # noqa: PLR2004 - areas
    if not len(parts):
        return False
    if bool((2 * shapely.area(parts) > thickness_m * shapely.length(parts)).any()):
        return True
    return not bool(shapely.is_empty(shapely.buffer(parts, -thickness_m / 2, quad_segs=8)).all())


def _areas_share(near: Estimate) -> bool:
    """Decide whether two polygons share a piece thicker than a touch."""
    piece = common(near.small_flat, near.big_flat)
    if near.error_m < _PRECISE_M:
        return is_thick(piece, TOUCH_M)
    if is_thick(piece, 2 * near.error_m + TOUCH_M):
        return True
    return any(_share_in_window(near, center) for center in _windows(near))


def _windows(near: Estimate) -> Floats:
    """Choose points in space such that each doubtful sliver lies within a window around one of them.

    A largest circle in a sliver touches an edge of one polygon in or close to the other polygon.
    """
    found = []
    for core, other in ((near.small, near.big_flat), (near.big, near.small_flat)):
        starts, ends = _edges(core)
        shapely.prepare(other)
        close = shapely.dwithin(other, _lines(near.frame, starts, ends), 2 * near.error_m + TOUCH_M)
        found.append((starts[close] + ends[close]) / 2)
    middles = np.concatenate(found)
    if not len(middles):
        return middles
    _, first = np.unique(np.round(near.frame.flatten(middles) / EDGE_STEP_M), axis=0, return_index=True)
    return drop(middles[first])


def _share_in_window(near: Estimate, center_m: Floats) -> bool:
    up = axes_at(center_m)[2]
    frame = Frame(up)
    half = 2 * _WINDOW_M + 2 * near.error_m
    window = shapely.box(-half, -half, half, half)
    pieces = [
        common(window, shapely.polygons(frame.flatten(core.points_m))) for core in (near.small, near.big)
    ]
    return is_thick(common(*pieces), TOUCH_M)


def _edges(core: Core) -> tuple[Floats, Floats]:
    if core.kind is Kind.POINT:
        return core.points_m, core.points_m
    if core.kind is Kind.LINE:
        return core.points_m[:-1], core.points_m[1:]
    return core.points_m, np.roll(core.points_m, -1, axis=0)


def _lines(frame: Frame, starts: Floats, ends: Floats) -> Any:  # noqa: ANN401 - an array of shapely lines
    if starts is ends:
        # A line without length is near nothing, as GEOS sees it.
        return shapely.points(frame.flatten(starts))
    return shapely.linestrings(np.stack((frame.flatten(starts), frame.flatten(ends)), axis=1))


def exact_distance_m(near: Estimate, limit_m: float) -> float:
    """Measure the distance of two cores, 0 if they meet: to 0.01 mm up to 100 km, 0.2 mm at 1,000 km."""
    pairs = _closest_edges(near, limit_m)
    best = _edge_distance_m(near, *pairs)
    if best > 0 and near.distance_m() <= near.error_m and _is_inside(near):
        return 0.0
    return best


def _closest_edges(near: Estimate, limit_m: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Pick the pairs of edges that can hold the closest points."""
    s0, s1 = _edges(near.small)
    b0, b1 = _edges(near.big)
    reach = max(near.distance_m(), near.error_m) * (1 + near.ratio) + 2 * near.error_m
    reach = max(reach, min(limit_m, 2 * near.error_m))
    small, big = _lines(near.frame, s0, s1), _lines(near.frame, b0, b1)
    i, j = shapely.STRtree(big).query(small, predicate="dwithin", distance=reach)
    if len(i) > _MAX_PAIRS:
        # Only tens of thousands of vertices within the error of each other come here; the nearest win.
        keep = np.argpartition(shapely.distance(small[i], big[j]), _MAX_PAIRS)[:_MAX_PAIRS]
        i, j = i[keep], j[keep]
    return s0[i], s1[i], b0[j], b1[j]


def _edge_distance_m(near: Estimate, s0: Floats, s1: Floats, b0: Floats, b1: Floats) -> float:
    """Find the smallest geodesic distance of edge pairs by moving frames to the closest points."""
    if not len(s0):
        return near.distance_m()
    origin = s0
    for _ in range(_ROUNDS):
        axes = axes_at(origin)
        flat = [flatten_each(point, origin, axes) for point in (s0, s1, b0, b1)]
        s, t, gap = closest_on_segments(*flat)
        origin = drop(s0 + (s1 - s0) * s[:, None])
    if bool((gap <= 0).any()):
        return 0.0
    return float(geodesic_m(origin, drop(b0 + (b1 - b0) * t[:, None])).min())


def closest_on_segments(p0: Floats, p1: Floats, q0: Floats, q1: Floats) -> tuple[Floats, Floats, Floats]:
    """Find the closest points of flat segments pairwise, all of shape (n, 2).

    Returns:
        Shares along the first and the second segment (0..1) and distances (0 where they cross), shape (n,).
    """
    u, v, w = p1 - p0, q1 - q0, q0 - p0
    cross = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    parallel = np.abs(cross) < 1e-12  # noqa: PLR2004 - square metres: no crossing to be found
    safe = np.where(parallel, 1.0, cross)
    s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / safe
    t = (w[:, 0] * u[:, 1] - w[:, 1] * u[:, 0]) / safe
    crossing = ~parallel & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
    choices = [
        (np.zeros(len(u)), _share(p0, q0, v)),
        (np.ones(len(u)), _share(p1, q0, v)),
        (_share(q0, p0, u), np.zeros(len(u))),
        (_share(q1, p0, u), np.ones(len(u))),
    ]
    all_s = np.array([c[0] for c in choices])
    all_t = np.array([c[1] for c in choices])
    gaps = np.linalg.norm(p0 + u * all_s[..., None] - q0 - v * all_t[..., None], axis=-1)
    best = gaps.argmin(axis=0)
    row = np.arange(len(u))
    return (
        np.where(crossing, s, all_s[best, row]),
        np.where(crossing, t, all_t[best, row]),
        np.where(crossing, 0.0, gaps[best, row]),
    )


def _share(point: Floats, start: Floats, along: Floats) -> Floats:
    """Foot of a point on a segment, as a share of its length clipped to 0..1."""
    length2 = np.maximum((along * along).sum(axis=1), 1e-300)
    out: Floats = np.clip(((point - start) * along).sum(axis=1) / length2, 0.0, 1.0)
    return out


def _is_inside(near: Estimate) -> bool:
    """Say whether one core lies inside the other, judged in a frame at one of its own vertices."""
    for inner, outer in ((near.small, near.big), (near.big, near.small)):
        if outer.kind is Kind.AREA:
            frame = Frame(axes_at(inner.points_m[0])[2])
            if shapely.contains_xy(shapely.polygons(frame.flatten(outer.points_m)), 0.0, 0.0):
                return True
    return False


def _between_points_m(a: Core, b: Core) -> float:
    distance = arc_between_m(a.origin_m, b.origin_m)
    return distance if distance < ARC_LIMIT_M else float(geodesic_m(a.points_m, b.points_m)[0])
