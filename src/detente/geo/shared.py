"""The piece of ground that two conflicting shapes share: its outline, a place in it, its thickness.

The verdict is not taken here. Outlines are for people and screens: round borders are drawn as 64 sided
polygons around them (``grown.py`` says how far outside).
"""

from typing import Any, NamedTuple

import numpy as np
import shapely

from detente.geo.box import wrapped
from detente.geo.core import Core, Kind
from detente.geo.ground import Estimate, common, estimate, exact_distance_m
from detente.geo.grown import grown, largest_circles
from detente.geo.limits import TOUCH_M
from detente.geo.model import LatLon

_PRECISE_AGAIN = 1.0
_RING = 4


class SharedGround(NamedTuple):
    """What two shapes have in common on the ground."""

    depth_m: float
    place: LatLon
    outline: tuple[tuple[LatLon, ...], ...]


def shared_ground(a: Core, b: Core, separation_m: float) -> SharedGround:
    """Describe the shared piece of two shapes that are known to conflict, each grown by half the separation.

    Args:
        a: one core.
        b: the other.
        separation_m: metres they are to be kept apart.
    """
    limit = a.radius_m + b.radius_m + separation_m
    near = estimate(a, b, limit)
    half = separation_m / 2
    flats = np.array([near.small_flat, near.big_flat], object)
    small, big = grown(flats, np.array([near.small.radius_m + half, near.big.radius_m + half]))
    piece = common(small, big)
    parts = [part for part in shapely.get_parts(piece) if part.geom_type == "Polygon" and not part.is_empty]
    distance = near.distance_m()
    if distance > 0 and limit - distance < _PRECISE_AGAIN + 2 * (near.error_m + near.ratio * limit):
        distance = exact_distance_m(near, limit)
    if distance > 0 and limit > 0:
        depth, spot = _lens(near, distance, limit, half)
    elif Kind.AREA not in (a.kind, b.kind):
        # The cores meet: there the smaller radius fits into both.
        depth, spot = 2 * (min(a.radius_m, b.radius_m) + half), _meeting(near)
    else:
        depth, spot = _widest(parts, near)
    depth = max(depth, TOUCH_M)
    if not parts:
        parts = [
            shapely.box(spot[0] - depth / 2, spot[1] - depth / 2, spot[0] + depth / 2, spot[1] + depth / 2)
        ]
    outline = tuple(_ring(near, part, depth) for part in parts)
    return SharedGround(depth, _positions(near, np.array([spot]))[0], outline)


def _lens(
    near: Estimate, distance_m: float, limit_m: float, half_m: float
) -> tuple[float, tuple[float, float]]:
    """Measure the piece of two shapes whose cores are apart: along the line between the closest points."""
    line = shapely.get_coordinates(shapely.shortest_line(near.small_flat, near.big_flat))
    depth = limit_m - distance_m
    widths = [_width(flat, core, half_m) for flat, core in _sides(near)]
    flat_distance = float(np.hypot(*(line[1] - line[0])))
    # Along this line the piece reaches from the big shape's border to the small one's.
    reach_small = near.small.radius_m + half_m
    low = distance_m - near.big.radius_m - half_m
    high = reach_small
    low, high = max(low, -reach_small), min(high, distance_m + near.big.radius_m + half_m)
    spot = line[0] + (line[1] - line[0]) / max(flat_distance, 1e-12) * ((low + high) / 2)
    return min(depth, *widths), (float(spot[0]), float(spot[1]))


def _sides(near: Estimate) -> tuple[tuple[Any, Core], tuple[Any, Core]]:
    return (near.small_flat, near.small), (near.big_flat, near.big)


def _width(flat: Any, core: Core, half_m: float) -> float:  # noqa: ANN401 - shapely geometry
    """Diameter of the largest circle in a shape grown by half the separation."""
    own = 2 * (core.radius_m + half_m)
    return own + 2 * _inscribed(flat)[1] if core.kind is Kind.AREA else own


def _meeting(near: Estimate) -> tuple[float, float]:
    x, y = shapely.get_coordinates(shapely.shortest_line(near.small_flat, near.big_flat))[0]
    return float(x), float(y)


def _widest(parts: list[Any], near: Estimate) -> tuple[float, tuple[float, float]]:
    """Find the largest circle in the parts: its diameter and centre."""
    best, spot = 0.0, _meeting(near)
    for part in parts:
        center, radius = _inscribed(part)
        if radius > best:
            best, spot = radius, center
    return 2 * best, spot


def _inscribed(area: Any) -> tuple[tuple[float, float], float]:  # noqa: ANN401 - shapely geometry
    """Find the largest circle in a flat area: centre and radius."""
    center, radius_m = largest_circles(np.array([area], object))
    return (float(center[0, 0]), float(center[0, 1])), float(radius_m[0])


def _ring(near: Estimate, part: Any, depth_m: float) -> tuple[LatLon, ...]:  # noqa: ANN401 - shapely geometry
    tidy = shapely.simplify(part, min(0.01, depth_m / 10))
    ring = shapely.get_coordinates(shapely.orient_polygons(tidy).exterior)[:-1]
    if len(ring) < _RING - 1:
        ring = shapely.get_coordinates(shapely.orient_polygons(part).exterior)[:-1]
    return _positions(near, ring)


def _positions(near: Estimate, flat: Any) -> tuple[LatLon, ...]:  # noqa: ANN401 - an array, shape (n, 2)
    lat, lon = near.frame.positions(flat)
    return tuple(LatLon(float(a), wrapped(o)) for a, o in zip(lat, lon, strict=True))
