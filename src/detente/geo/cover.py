"""Coverings: the level 10 cells and level 13 bit masks that a ground shape touches. Never too few.

Cells are tested against the exact core in its own frame, so a cell is named only when the shape comes within
centimetres of it (metres for shapes of hundreds of kilometres).
"""

import math
from typing import NamedTuple

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
_EDGE_RADIANS = 1.704
"""S2's largest cell edge at level 0; it halves with each level."""
_RADIUS_M = 6_400_000.0
_R2 = MIN_RADIUS_M * MIN_RADIUS_M
_STEP = CHILD_LEVEL - PARENT_LEVEL
_SIDE = 1 << _STEP
_ALL = ~np.uint64(0)
_BITS: list[list[list[int]]] = CHILD_BIT.view(np.int64).tolist()
_SURELY = 0.99

Bools = NDArray[np.bool_]
Polygons = NDArray[np.object_]


class _Cells(NamedTuple):
    """Cells of one face and level: columns and rows, shape (n,)."""

    face: int
    level: int
    i: Ints
    j: Ints


def cover(solid: Solid, grow_m: float = 0.0) -> list[tuple[int, int]]:
    """Name the S2 cells that a shape touches.

    Args:
        solid: the prepared volume.
        grow_m: metres by which the shape is grown first.

    Returns:
        (parent, mask) in order of parent: a level 10 cell id and the bits of its level 13 descendants in
        Hilbert order, both signed 64 bit. Every point of the grown shape lies in a masked descendant.

    Raises:
        TooLarge: if more than ``MAX_PARENTS`` parents are touched.
    """
    core = solid.core
    angle = (solid.reach_m + grow_m) / MIN_RADIUS_M + 1e-9
    lat, lon = math.radians(core.center.lat_deg), math.radians(core.center.lon_deg)
    normal = (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    found: dict[int, int] = {}
    for face, *spans in cap_ranges(normal, angle):
        level = CHILD_LEVEL
        ranges = _ranges(spans, level)
        if _count(ranges) <= _FEW:
            _add_few(found, core, grow_m, face, ranges)
            continue
        level = PARENT_LEVEL + 1
        while _count(ranges) > _FEW or level > PARENT_LEVEL:
            level -= 1
            ranges = _ranges(spans, level)
        _add_many(found, core, grow_m, _all_cells(face, level, ranges))
        if len(found) > MAX_PARENTS:
            raise _too_many(len(found))
    return sorted(found.items())


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


def _reach_m(core: Core, grow_m: float, level: int) -> float:
    """Flat distance within which a cell drawn with straight sides may be touched."""
    edge = _EDGE_RADIANS * _RADIUS_M / (1 << level)
    rho = core.extent_m + core.radius_m + grow_m + 2 * edge
    # Sides are drawn straight: in the frame and on the ellipsoid they bend by less than this.
    slack = 0.01 + edge * edge * (0.1 * rho / _R2 + 3e-10)
    return (core.radius_m + grow_m) * (1 + rho * rho / (5.5 * _R2)) + slack


def _touched(core: Core, grow_m: float, cells: _Cells) -> tuple[Bools, Polygons]:
    """Say which cells the grown shape touches, and return their flat outlines."""
    ring_i = cells.i[:, None] + np.array([0, 1, 1, 0])
    ring_j = cells.j[:, None] + np.array([0, 0, 1, 1])
    points = corners_m(cells.face, ring_i, ring_j, cells.level).reshape(-1, 3)
    quads: Polygons = np.asarray(shapely.polygons(core.frame.flatten(points).reshape(-1, 4, 2)))
    within = _reach_m(core, grow_m, cells.level)
    return np.asarray(shapely.dwithin(core.flat, quads, within)), quads


def _add_few(
    found: dict[int, int], core: Core, grow_m: float, face: int, ranges: tuple[range, range]
) -> None:
    """Test all level 13 cells of a small box; their corners are shared."""
    columns, rows = ranges
    grid_i = np.arange(columns.start, columns.stop + 1)[:, None]
    grid_j = np.arange(rows.start, rows.stop + 1)[None, :]
    points = corners_m(face, grid_i, grid_j, CHILD_LEVEL).reshape(-1, 3)
    flat = core.frame.flatten(points).reshape(len(columns) + 1, len(rows) + 1, 2)
    within = _reach_m(core, grow_m, CHILD_LEVEL)
    touched = _touches(core, flat, within)
    for at_i, at_j in zip(*(index.tolist() for index in touched.nonzero()), strict=True):
        i, j = columns.start + at_i, rows.start + at_j
        parent, turn = parent_id(face, i >> _STEP, j >> _STEP)
        found[parent] = found.get(parent, 0) | _BITS[turn][i & (_SIDE - 1)][j & (_SIDE - 1)]


def _touches(core: Core, flat: Floats, within_m: float) -> Bools:
    """Say which cells of a grid of corners, shape (m, n, 2), the core comes within a distance of."""
    quads = np.empty((flat.shape[0] - 1, flat.shape[1] - 1, 5, 2))
    quads[:, :, 0] = quads[:, :, 4] = flat[:-1, :-1]
    quads[:, :, 1], quads[:, :, 2], quads[:, :, 3] = flat[1:, :-1], flat[1:, 1:], flat[:-1, 1:]
    return np.asarray(shapely.dwithin(core.flat, shapely.polygons(quads), within_m))


def _add_many(found: dict[int, int], core: Core, grow_m: float, cells: _Cells) -> None:
    """Refine level by level to the parents, then test the children of those that are not inside."""
    touched, quads = _touched(core, grow_m, cells)
    while cells.level < PARENT_LEVEL:
        cells = _split(cells, touched, 1)
        touched, quads = _touched(core, grow_m, cells)
        if int(touched.sum()) > MAX_PARENTS:
            raise _too_many(int(touched.sum()))
    cells = _Cells(cells.face, cells.level, cells.i[touched], cells.j[touched])
    rim = ~_inside(core, quads[touched])
    ids, turns = parent_ids(np.full(len(cells.i), cells.face), cells.i, cells.j)
    masks = np.full(len(cells.i), _ALL)
    if rim.any():
        children = _split(cells, rim, _STEP)
        hit, _ = _touched(core, grow_m, children)
        turn = np.repeat(turns[rim], _SIDE * _SIDE)
        bits = CHILD_BIT[turn, children.i & (_SIDE - 1), children.j & (_SIDE - 1)]
        bits = np.where(hit, bits, np.uint64(0)).reshape(-1, _SIDE * _SIDE)
        masks[rim] = np.bitwise_or.reduce(bits, axis=1)
    for parent, mask in zip(ids.tolist(), masks.view(np.int64).tolist(), strict=True):
        if mask:
            found[parent] = mask  # noqa: PERF403 - the caller's dictionary, which other faces fill too


def _inside(core: Core, quads: Polygons) -> Bools:
    """Say which cells certainly lie inside the shape, so that their children need no test."""
    if core.kind is Kind.AREA:
        return np.asarray(shapely.contains_properly(core.flat, quads))
    if core.kind is Kind.POINT:
        ends = shapely.get_coordinates(quads).reshape(-1, 5, 2)
        return np.asarray((np.hypot(ends[..., 0], ends[..., 1]) < core.radius_m * _SURELY).all(axis=1))
    return np.zeros(len(quads), dtype=bool)


def _split(cells: _Cells, chosen: Bools, levels: int) -> _Cells:
    """Split the chosen cells; a cell's children stay together."""
    side = np.arange(1 << levels)
    di, dj = np.repeat(side, len(side)), np.tile(side, len(side))
    i = (cells.i[chosen][:, None] * len(side) + di).ravel()
    j = (cells.j[chosen][:, None] * len(side) + dj).ravel()
    return _Cells(cells.face, cells.level + levels, i, j)


def _too_many(count: int) -> TooLarge:
    return TooLarge(
        f"the shape touches {count} or more level {PARENT_LEVEL} cells; the limit is {MAX_PARENTS}",
        limit=MAX_PARENTS,
        actual=count,
        expected=f"a shape that touches at most {MAX_PARENTS} level {PARENT_LEVEL} cells (about 85 km2 each)",
    )
