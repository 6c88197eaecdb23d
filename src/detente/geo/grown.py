"""Flat cores grown by a distance, and the largest circle in a flat area: GEOS's answers, made safe.

What is grown here is drawn around the true shape, never inside it: at most 0.13 % of the distance outside,
0.33 % where a core has many points.
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

QUADRANT = 16
"""Segments of a quarter circle."""
_OUTSIDE = 1 / math.cos(math.pi / (4 * QUADRANT))
"""Grows a polygon of that many segments so that it encloses the circle."""
_ENOUGH = 1 - 1e-9
_MANY = 32
_COARSE = 0.001
"""Of lines with many points, those that bend by less than this share of the distance are left out."""
_SLENDER = 16.0
_FINE = 1.01
_CORNERS = 16

Shapes = NDArray[np.object_]
Floats = NDArray[np.float64]


def grown(cores: Shapes, by_m: Floats) -> Shapes:
    """Grow flat points, lines and polygons.

    GEOS leaves out points of what it buffers where it bends by less than a hundredth of the distance, of many
    such bends a whole curve, and so draws too little. Where that happened each edge is grown by itself.

    Args:
        cores: Shapely geometries in metres, shape (n,); polygons have no holes.
        by_m: metres, shape (n,); 0 leaves a core as it is.

    Returns:
        Shapely geometries, shape (n,).
    """
    out = cores.copy()
    rows = np.flatnonzero(by_m > 0.0)
    out[rows] = shapely.buffer(cores[rows], by_m[rows] * _OUTSIDE, quad_segs=QUADRANT)
    rows = rows[_is_short(out[rows], cores[rows], by_m[rows])]
    if len(rows):
        left_out_m = np.where(shapely.get_num_coordinates(cores[rows]) > _MANY, by_m[rows] * _COARSE, 0.0)
        simple = shapely.simplify(cores[rows], left_out_m)
        reach_m = (by_m[rows] + left_out_m) * _OUTSIDE
        out[rows] = shapely.union(shapely.buffer(_edges(simple), reach_m, quad_segs=QUADRANT), cores[rows])
    return out


def _is_short(far: Shapes, cores: Shapes, by_m: Floats) -> NDArray[np.bool_]:
    """Whether what was drawn comes nearer to its core than asked for."""
    return np.asarray(shapely.distance(shapely.boundary(far), cores) < by_m * _ENOUGH)


def _edges(cores: Shapes) -> Shapes:
    """Each core as the collection of its edges, which have nothing to leave out."""
    points, owner = shapely.get_coordinates(cores, return_index=True)
    same = owner[1:] == owner[:-1]
    edges = np.asarray(shapely.linestrings(np.stack((points[:-1], points[1:]), axis=1)[same]))
    return np.asarray(shapely.multilinestrings(edges, indices=owner[:-1][same]))


def largest_circles(areas: Shapes) -> tuple[Floats, Floats]:
    """Find the largest circle in each flat area.

    GEOS searches well where an area is about as long as wide; a slender one is shrunk until nothing is left,
    with so many corners that none of GEOS's rules for small rings ends it early.

    Args:
        areas: Shapely polygons in metres, shape (n,), each with an inside.

    Returns:
        Centres, shape (n, 2), and radii in metres, never too large and at most 1 % too small, shape (n,).
    """
    size, edge = shapely.area(areas), shapely.length(areas)
    center, radius_m = np.empty((len(areas), 2)), np.empty(len(areas))
    slender = edge * edge > _SLENDER * 4 * np.pi * size
    fat = np.flatnonzero(~slender)
    if len(fat):
        lines = shapely.maximum_inscribed_circle(areas[fat], size[fat] / edge[fat] / 50)
        center[fat] = shapely.get_coordinates(lines)[::2]
        radius_m[fat] = shapely.length(lines)
    rows = np.flatnonzero(slender)
    if len(rows):
        center[rows], radius_m[rows] = _shrunk(areas[rows], size[rows], edge[rows])
    return center, radius_m


def _shrunk(areas: Shapes, size: Floats, edge: Floats) -> tuple[Floats, Floats]:
    # A circle is the thickest shape of its area; no area is more than its perimeter times that radius.
    low, high = size / edge, np.sqrt(size / np.pi)
    tidy = shapely.simplify(areas, low / 100.0)
    areas = np.where(shapely.is_empty(tidy), areas, tidy)
    areas = shapely.segmentize(areas, shapely.length(areas) / _CORNERS)
    inner = shapely.buffer(areas, -low * (2 - _FINE))
    rows = np.flatnonzero(high > low * _FINE)
    while len(rows):
        middle = np.sqrt(low[rows] * high[rows])
        left = shapely.buffer(areas[rows], -middle, quad_segs=4)
        gone = shapely.is_empty(left)
        high[rows[gone]] = middle[gone]
        low[rows[~gone]], inner[rows[~gone]] = middle[~gone], left[~gone]
        rows = rows[high[rows] > low[rows] * _FINE]
    inside = shapely.point_on_surface(np.where(shapely.is_empty(inner), areas, inner))
    return shapely.get_coordinates(inside), low
