"""Convex pieces of flat cores, and the sums of pieces: what one plan forbids another over the ground.

A piece may be replaced by a larger one when there are too many: then a shift can only come out larger, and
``Pieces.is_exact`` says so.
"""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray

from detente.geo.core import Kind

Points = NDArray[np.float64]

MAX_CORNERS = 64
"""Corners of a piece, once pieces have to be made simpler."""
_TOLERANCE_M = 0.02
"""Points closer to the straight line between their neighbours are left out; the exact check comes later."""
_COARSER = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0)
_MAX_TRIANGLES = 120
_CONVEX = 1 - 1e-9


class Pieces(Struct, frozen=True):
    """Convex pieces that together cover a core, each as its corners, shape (n, 2), counter-clockwise."""

    corners: list[Points]
    is_exact: bool
    """False if they cover more than the core."""


def pieces_of(kind: Kind, flat: Points, most: int) -> Pieces:
    """Cut a core into convex pieces.

    Args:
        kind: what the core is.
        flat: its points in a flat frame, m, shape (n, 2).
        most: how many pieces at most.
    """
    if kind is Kind.POINT:
        return Pieces([flat], is_exact=True)
    if kind is Kind.LINE:
        return _along(flat, most)
    return _within(shapely.Polygon(flat), most)


def simpler(pieces: Pieces) -> Pieces:
    """The same with at most ``MAX_CORNERS`` corners a piece: larger ones are enclosed."""
    if all(len(piece) <= MAX_CORNERS for piece in pieces.corners):
        return pieces
    return Pieces([_enclosing(piece) for piece in pieces.corners], is_exact=False)


def convex_sum(a: Points, b: Points) -> Points:
    """The Minkowski sum of two convex pieces: their edges in the order of their direction.

    Args:
        a: corners, counter-clockwise, shape (n, 2); one or two for a point or a segment.
        b: likewise, shape (m, 2).

    Returns:
        Corners of the sum, counter-clockwise, shape (k, 2), k at most n + m; one for two points.
    """
    edges = np.concatenate([_edges(a), _edges(b)])
    lowest = _lowest(a) + _lowest(b)
    if not len(edges):
        return lowest[None, :]
    angle = np.arctan2(edges[:, 1], edges[:, 0])
    # From the lowest point on, directions rise from 0 (eastward) all the way round.
    angle[angle < 0] += 2 * math.pi
    order = np.argsort(angle, kind="stable")
    out: Points = lowest + np.concatenate([np.zeros((1, 2)), np.cumsum(edges[order], axis=0)[:-1]])
    return out


def _edges(corners: Points) -> Points:
    if len(corners) == 1:
        return np.empty((0, 2))
    return np.roll(corners, -1, axis=0) - corners


def _lowest(corners: Points) -> Points:
    out: Points = corners[np.lexsort((corners[:, 0], corners[:, 1]))[0]]
    return out


def _hull(points: Points) -> Points:
    """The corners of the convex hull, counter-clockwise, not closed."""
    hull = shapely.convex_hull(shapely.multipoints(points))
    if shapely.get_dimensions(hull) == 2:  # noqa: PLR2004 - an area
        return shapely.get_coordinates(shapely.orient_polygons(hull))[:-1]
    return np.asarray(shapely.get_coordinates(hull))


def _enclosing(corners: Points) -> Points:
    """A polygon of ``MAX_CORNERS`` sides in evenly spread directions that encloses a convex piece."""
    if len(corners) <= MAX_CORNERS:
        return corners
    angle = np.arange(MAX_CORNERS) * (2 * math.pi / MAX_CORNERS)
    normal = np.column_stack((np.cos(angle), np.sin(angle)))
    reach = (normal @ corners.T).max(axis=1)
    after, far = np.roll(normal, -1, axis=0), np.roll(reach, -1)
    det = normal[:, 0] * after[:, 1] - normal[:, 1] * after[:, 0]
    x = (reach * after[:, 1] - far * normal[:, 1]) / det
    y = (normal[:, 0] * far - after[:, 0] * reach) / det
    return np.column_stack((x, y))


def _along(flat: Points, most: int) -> Pieces:
    line = shapely.get_coordinates(shapely.simplify(shapely.linestrings(flat), _TOLERANCE_M))
    chunk = max(1, math.ceil((len(line) - 1) / most))
    chunks = [line[i : i + chunk + 1] for i in range(0, len(line) - 1, chunk)]
    return Pieces([_hull(each) for each in chunks], is_exact=chunk == 1)


def _within(area: shapely.Polygon, most: int) -> Pieces:
    for coarser in _COARSER:
        # Grown first, so that leaving points out never uncovers what was inside.
        tolerance = coarser or _TOLERANCE_M
        simple = shapely.simplify(shapely.buffer(area, coarser, join_style="mitre"), tolerance)
        if _is_convex(simple):
            return Pieces([_hull(shapely.get_coordinates(simple))], is_exact=not coarser)
        triangles = list(shapely.get_parts(shapely.constrained_delaunay_triangles(simple)))
        if len(triangles) > _MAX_TRIANGLES:
            continue
        parts = _joined(triangles)
        if len(parts) <= most:
            corners = [_hull(shapely.get_coordinates(part)) for part in parts]
            return Pieces(corners, is_exact=not coarser)
    return Pieces([_hull(shapely.get_coordinates(area))], is_exact=False)


def _is_convex(area: shapely.Geometry) -> bool:
    return bool(shapely.area(area) > shapely.area(shapely.convex_hull(area)) * _CONVEX)


def _joined(parts: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Join neighbours greedily while what they make together is convex."""
    left = list(parts)
    joined: list[shapely.Geometry] = []
    while left:
        piece = left.pop()
        k = 0
        while k < len(left):
            both = shapely.union(piece, left[k]) if shapely.intersects(piece, left[k]) else None
            if both is not None and shapely.get_num_geometries(both) == 1 and _is_convex(both):
                piece = both
                del left[k]
                k = 0
            else:
                k += 1
        joined.append(piece)
    return joined
