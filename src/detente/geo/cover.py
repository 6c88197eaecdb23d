"""Coverings: the level 10 cells and level 13 bit masks that a ground shape touches. Never too few.

Cells are tested against the exact core in its own frame, so a cell is named only when the shape comes within
centimetres of it (metres for shapes of hundreds of kilometres).
"""

import math
from collections.abc import Iterable
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from detente.errors import TooLarge
from detente.geo.cells import (
    CHILD_BIT,
    CHILD_LEVEL,
    PARENT_LEVEL,
    Ints,
    cap_ranges,
    corners_m,
    parent_id,
    parent_ids,
)
from detente.geo.core import Core, Kind
from detente.geo.ellipsoid import MIN_RADIUS_M, Floats
from detente.geo.limits import MAX_PARENTS
from detente.geo.solid import Solid

_FEW = 128
_BOX = 4_096
"""Up to so many level 13 cells are tested one and all; larger boxes are refined level by level."""
_SCALAR = 48
_HANDFUL = 9
_EDGE_RADIANS = 1.704
"""S2's largest cell edge at level 0; it halves with each level."""
_RADIUS_M = 6_400_000.0
_R2 = MIN_RADIUS_M * MIN_RADIUS_M
_STEP = CHILD_LEVEL - PARENT_LEVEL
_SIDE = 1 << _STEP
_ALL = ~np.uint64(0)
_BITS: list[list[list[int]]] = CHILD_BIT.view(np.int64).tolist()
_SURELY = 0.99
_HALF_WIDTH_M = 0.94 / 2 * MIN_RADIUS_M * 0.99
"""Least distance from a cell's middle to its sides at level 0, by S2's least width; it halves by level."""

Bools = NDArray[np.bool_]
Polygons = NDArray[np.object_]


class _Cells(NamedTuple):
    """Cells of one face and level: columns and rows, shape (n,)."""

    face: int
    level: int
    i: Ints
    j: Ints


class _Box(NamedTuple):
    """All cells of some columns and rows of one face and level."""

    face: int
    level: int
    columns: range
    rows: range


def cover(solid: Solid, grow_m: float = 0.0, *, most: int = MAX_PARENTS) -> list[tuple[int, int]]:
    """Name the S2 cells that a shape touches.

    Args:
        solid: the prepared volume.
        grow_m: metres by which the shape is grown first.
        most: how many parents it may touch.

    Returns:
        (parent, mask) in order of parent: a level 10 cell id and the bits of its level 13 descendants in
        Hilbert order, both signed 64 bit. Every point of the grown shape lies in a masked descendant.

    Raises:
        TooLarge: if more than ``most`` parents are touched.
    """
    core = solid.core
    found: dict[int, int] = {}
    for face, *spans in cap_ranges(*_cap(solid, grow_m)):
        ranges = _ranges(spans, CHILD_LEVEL)
        if _count(ranges) <= _HANDFUL:
            # Of so few, nearly all are touched: naming all is quicker than asking.
            _add_each(found, face, [(i, j) for i in ranges[0] for j in ranges[1]])
            continue
        if _count(ranges) <= _BOX:
            level = CHILD_LEVEL if _count(ranges) <= _FEW else CHILD_LEVEL - 1
            _add_box(found, core, grow_m, _Box(face, level, *_ranges(spans, level)))
            continue
        _refine(found, _target(core, grow_m), face, spans, most)
    return sorted(found.items())


def cover_touched(solid: Solid) -> list[tuple[int, int]]:
    """Name exactly the level 13 cells that a shape touches, to centimetres: slower than :func:`cover`.

    A shape that holds another one names all of the other's cells, which :func:`cover` does not promise: it
    may name a neighbour that is not touched.

    Args:
        solid: the prepared volume.

    Returns:
        (parent, mask) as :func:`cover` gives them.

    Raises:
        TooLarge: if more than ``MAX_PARENTS`` parents are touched.
    """
    target = _target(solid.core, 0.0)
    found: dict[int, int] = {}
    for face, *spans in cap_ranges(*_cap(solid, 0.0)):
        ranges = _ranges(spans, CHILD_LEVEL)
        if _count(ranges) <= _BOX:
            cells = _all_cells(face, CHILD_LEVEL, ranges)
            hit, _ = _touched(target, cells)
            _add_each(found, face, zip(cells.i[hit].tolist(), cells.j[hit].tolist(), strict=True))
        else:
            _refine(found, target, face, spans, MAX_PARENTS)
    return sorted(found.items())


def _cap(solid: Solid, grow_m: float) -> tuple[tuple[float, float, float], float]:
    """The cap that holds a grown shape: its centre as a unit vector, its radius in radians."""
    angle = (solid.reach_m + grow_m) / MIN_RADIUS_M + 1e-9
    lat, lon = math.radians(solid.center.lat_deg), math.radians(solid.center.lon_deg)
    return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)), angle


def _ranges(spans: list[float], level: int) -> tuple[range, range]:
    """Columns and rows of a level that the spans (s_lo, s_hi, t_lo, t_hi) reach."""
    size = 1 << level
    s_lo, s_hi, t_lo, t_hi = (x * size for x in spans)
    return (
        range(max(0, math.floor(s_lo - 1e-6)), min(size, math.floor(s_hi + 1e-6) + 1)),
        range(max(0, math.floor(t_lo - 1e-6)), min(size, math.floor(t_hi + 1e-6) + 1)),
    )


def _count(ranges: tuple[range, range]) -> int:
    return len(ranges[0]) * len(ranges[1])


def _all_cells(face: int, level: int, ranges: tuple[range, range]) -> _Cells:
    i, j = (grid.ravel() for grid in np.meshgrid(*(np.array(r) for r in ranges), indexing="ij"))
    return _Cells(face, level, i, j)


class _Target(NamedTuple):
    """What cells are tested against: a flat geometry, touched when a cell comes within ``reach_m``."""

    core: Core
    flat: Any
    reach_m: float
    rho_m: float

    def touched_by(self, corners: Floats, level: int) -> tuple[Bools, Polygons]:
        """Say which cells touch, given their flat corners, shape (..., 4, 2); and return them as drawn."""
        slack = _slack_m(self.rho_m, level)
        if self.reach_m:
            quads = _drawn(corners)
            return np.asarray(shapely.dwithin(self.flat, quads, self.reach_m + slack)), quads
        # To draw each side farther out is ten times as fast as to ask for a distance.
        middle = corners.mean(axis=-2, keepdims=True)
        grown = slack * (1 << level) / _HALF_WIDTH_M
        quads = _drawn(corners + (corners - middle) * grown)
        return np.asarray(shapely.intersects(self.flat, quads)), quads


def _slack_m(rho_m: float, level: int) -> float:
    """Sides of cells are drawn straight: in the frame and on the ellipsoid they bend by less than this."""
    edge = _EDGE_RADIANS * _RADIUS_M / (1 << level)
    return 0.01 + edge * edge * (0.1 * (rho_m + 2 * edge) / _R2 + 3e-10)


def _reach_m(core: Core, grow_m: float, rho_m: float) -> float:
    """In the frame, distances square to its radius are drawn too long, by up to this much."""
    return (core.radius_m + grow_m) * (1 + rho_m * rho_m / (5.5 * _R2))


def _target(core: Core, grow_m: float) -> _Target:
    # Asked for distances, not drawn with a buffer: GEOS draws that too small where the core bends by little.
    rho = core.extent_m + core.radius_m + grow_m
    return _Target(core, core.flat, _reach_m(core, grow_m, rho), rho)


def _drawn(corners: Floats) -> Polygons:
    rings = np.concatenate((corners, corners[..., :1, :]), axis=-2)
    return np.asarray(shapely.polygons(rings))


def _touched(target: _Target, cells: _Cells) -> tuple[Bools, Polygons]:
    """Say which cells the grown shape touches, and return their flat outlines."""
    ring_i = cells.i[:, None] + np.array([0, 1, 1, 0])
    ring_j = cells.j[:, None] + np.array([0, 0, 1, 1])
    points = corners_m(cells.face, ring_i, ring_j, cells.level).reshape(-1, 3)
    return target.touched_by(target.core.frame.flatten(points).reshape(-1, 4, 2), cells.level)


def _add_box(found: dict[int, int], core: Core, grow_m: float, box: _Box) -> None:
    """Test the middles of all cells of a box against the shape grown by the cell's own radius.

    A tenth of the work of testing their outlines; it names cells up to half a cell of ``level`` too far out.
    """
    face, level, columns, rows = box
    grid_i = np.arange(columns.start, columns.stop + 1)[:, None]
    grid_j = np.arange(rows.start, rows.stop + 1)[None, :]
    points = corners_m(face, grid_i, grid_j, level).reshape(-1, 3)
    flat = core.frame.flatten(points)
    corner = (flat[:, 0] + 1j * flat[:, 1]).reshape(len(columns) + 1, len(rows) + 1)
    corners = (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:])
    middle = sum(corners) / 4
    rho = core.extent_m + core.radius_m + grow_m
    radius = np.maximum.reduce([np.abs(each - middle) for each in corners]) + _slack_m(rho, level)
    within = radius + _reach_m(core, grow_m, rho)
    if core.kind is Kind.POINT:
        touched = np.abs(middle) <= within
    else:
        touched = shapely.dwithin(core.flat, shapely.points(middle.real, middle.imag), within)
    at_i, at_j = touched.nonzero()
    cells = _Cells(face, level, at_i + columns.start, at_j + rows.start)
    if level < CHILD_LEVEL:
        cells = _split(cells, ..., CHILD_LEVEL - level)
    if len(cells.i) <= _SCALAR:
        _add_each(found, face, zip(cells.i.tolist(), cells.j.tolist(), strict=True))
    else:
        _add_cells(found, cells)


def _add_each(found: dict[int, int], face: int, cells: Iterable[tuple[int, int]]) -> None:
    """Gather a few level 13 cells of a face under their parents."""
    for i, j in cells:
        parent, turn = parent_id(face, i >> _STEP, j >> _STEP)
        found[parent] = found.get(parent, 0) | _BITS[turn][i & (_SIDE - 1)][j & (_SIDE - 1)]


def _add_cells(found: dict[int, int], cells: _Cells) -> None:
    """Gather many level 13 cells of a face under their parents."""
    face, _, i, j = cells
    key = ((i >> _STEP) << CHILD_LEVEL) | (j >> _STEP)
    order = key.argsort(kind="stable")
    first = np.concatenate(([0], np.diff(key[order]).nonzero()[0] + 1))
    i, j = i[order], j[order]
    parents = (np.full(len(first), face), i[first] >> _STEP, j[first] >> _STEP)
    ids, turns = parent_ids(*parents)
    turn = np.repeat(turns, np.diff(np.append(first, len(i))))
    masks = np.bitwise_or.reduceat(CHILD_BIT[turn, i & (_SIDE - 1), j & (_SIDE - 1)], first)
    for parent, mask in zip(ids.tolist(), masks.view(np.int64).tolist(), strict=True):
        found[parent] = found.get(parent, 0) | mask


def _add_many(found: dict[int, int], target: _Target, cells: _Cells, most: int) -> None:
    """Refine level by level to the parents, then test the children of those that are not inside."""
    touched, quads = _touched(target, cells)
    while cells.level < PARENT_LEVEL:
        cells = _split(cells, touched, 1)
        touched, quads = _touched(target, cells)
        if int(touched.sum()) > most:
            raise _too_many(int(touched.sum()), most)
    cells = _Cells(cells.face, cells.level, cells.i[touched], cells.j[touched])
    rim = ~_inside(target, quads[touched])
    ids, turns = parent_ids(np.full(len(cells.i), cells.face), cells.i, cells.j)
    masks = np.full(len(cells.i), _ALL)
    if rim.any():
        children = _split(cells, rim, _STEP)
        hit, _ = _touched(target, children)
        turn = np.repeat(turns[rim], _SIDE * _SIDE)
        bits = CHILD_BIT[turn, children.i & (_SIDE - 1), children.j & (_SIDE - 1)]
        bits = np.where(hit, bits, np.uint64(0)).reshape(-1, _SIDE * _SIDE)
        masks[rim] = np.bitwise_or.reduce(bits, axis=1)
    for parent, mask in zip(ids.tolist(), masks.view(np.int64).tolist(), strict=True):
        if mask:
            found[parent] = mask  # noqa: PERF403 - the caller's dictionary, which other faces fill too


def _refine(found: dict[int, int], target: _Target, face: int, spans: list[float], most: int) -> None:
    """Find the touched cells of a large part of a face, coarse ones first."""
    level = PARENT_LEVEL + 1
    ranges = _ranges(spans, level)
    while _count(ranges) > _FEW or level > PARENT_LEVEL:
        level -= 1
        ranges = _ranges(spans, level)
    _add_many(found, target, _all_cells(face, level, ranges), most)
    if len(found) > most:
        raise _too_many(len(found), most)


def _inside(target: _Target, quads: Polygons) -> Bools:
    """Say which cells certainly lie inside the shape, so that their children need no test."""
    if not target.reach_m:
        return np.asarray(shapely.contains_properly(target.flat, quads))
    ends = shapely.get_coordinates(quads).reshape(-1, 5, 2)[:, :4]
    middle = ends.mean(axis=1)
    radius = np.hypot(*(ends - middle[:, None]).transpose(2, 0, 1)).max(axis=1)
    points = shapely.points(middle)
    within = target.reach_m * _SURELY - radius
    return np.asarray((within > 0) & shapely.dwithin(target.flat, points, np.maximum(within, 0.0)))


def _split(cells: _Cells, chosen: Bools | EllipsisType, levels: int) -> _Cells:
    """Split the chosen cells; a cell's children stay together."""
    side = np.arange(1 << levels)
    di, dj = np.repeat(side, len(side)), np.tile(side, len(side))
    i = (cells.i[chosen][:, None] * len(side) + di).ravel()
    j = (cells.j[chosen][:, None] * len(side) + dj).ravel()
    return _Cells(cells.face, cells.level + levels, i, j)


def _too_many(count: int, most: int) -> TooLarge:
    return TooLarge(
        f"the shape touches {count} or more level {PARENT_LEVEL} cells; the limit is {most}",
        limit=most,
        actual=count,
        expected=f"a shape that touches at most {most} level {PARENT_LEVEL} cells (about 85 km2 each)",
    )
