"""Coverings: the level 10 cells and level 13 bit masks that a ground shape touches. Never too few.

Cells are tested against the exact core in its own frame, so a cell is named only when the shape comes within
centimetres of it (metres for shapes of hundreds of kilometres).
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from detente.errors import TooLarge
from detente.geo.cells import CHILD_BIT, CHILD_LEVEL, PARENT_LEVEL, Ints, cap_ranges, corners, parent_ids
from detente.geo.core import Core, Kind
from detente.geo.ellipsoid import MIN_RADIUS_M, in_space
from detente.geo.limits import MAX_PARENTS
from detente.geo.solid import Solid

_FEW = 128
_EDGE_RADIANS = 1.704
"""S2's largest cell edge at level 0; it halves with each level."""
_RADIUS_M = 6_400_000.0
_R2 = MIN_RADIUS_M * MIN_RADIUS_M
_STEP = CHILD_LEVEL - PARENT_LEVEL
_SIDE = 1 << _STEP
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))


def cover(solid: Solid, grow_m: float = 0.0) -> list[tuple[int, int]]:
    """Name the S2 cells that a shape touches.

    Args:
        solid: the prepared volume.
        grow_m: metres by which the shape is grown first.

    Returns:
        (parent, mask) in order of parent: a level 10 cell id and the bits of its level 13 descendants in Hilbert
        order, both signed 64 bit. Every point of the grown shape lies in a masked descendant.

    Raises:
        TooLarge: if more than ``MAX_PARENTS`` parents are touched.
    """
    core = solid.core
    angle = (solid.reach_m + grow_m) / MIN_RADIUS_M + 1e-9
    lat, lon = math.radians(core.center.lat_deg), math.radians(core.center.lon_deg)
    normal = (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    found: dict[int, int] = {}
    for face, s_lo, s_hi, t_lo, t_hi in cap_ranges(normal, angle):
        level = CHILD_LEVEL
        i0, i1, j0, j1 = _ranges(s_lo, s_hi, t_lo, t_hi, level)
        if (i1 - i0) * (j1 - j0) > _FEW:
            level = PARENT_LEVEL
            while (i1 - i0) * (j1 - j0) > _FEW:
                level -= 1 if (i1 - i0) * (j1 - j0) < 1 << 20 else 3
                i0, i1, j0, j1 = _ranges(s_lo, s_hi, t_lo, t_hi, min(level, PARENT_LEVEL))
            level = min(level, PARENT_LEVEL)
            i0, i1, j0, j1 = _ranges(s_lo, s_hi, t_lo, t_hi, level)
        i, j = (grid.ravel() for grid in np.meshgrid(np.arange(i0, i1), np.arange(j0, j1), indexing="ij"))
        if level == CHILD_LEVEL:
            _add_few(found, core, grow_m, face, i, j)
        else:
            _add_many(found, core, grow_m, face, i, j, level)
        if len(found) > MAX_PARENTS:
            raise _too_many(len(found))
    return sorted(found.items())


def _ranges(s_lo: float, s_hi: float, t_lo: float, t_hi: float, level: int) -> tuple[int, int, int, int]:
    size = 1 << level
    return (
        max(0, math.floor(s_lo * size - 1e-6)),
        min(size, math.floor(s_hi * size + 1e-6) + 1),
        max(0, math.floor(t_lo * size - 1e-6)),
        min(size, math.floor(t_hi * size + 1e-6) + 1),
    )


def _touched(
    core: Core, grow_m: float, face: int, i: Ints, j: Ints, level: int
) -> tuple[NDArray[np.bool_], object]:
    """Say which cells the grown shape touches, and return their flat outlines."""
    edge = _EDGE_RADIANS * _RADIUS_M / (1 << level)
    rho = core.extent_m + core.radius_m + grow_m + 2 * edge
    # Sides are drawn straight: in the frame and on the ellipsoid they bend by less than this.
    slack = 0.01 + edge * edge * (0.1 * rho / _R2 + 3e-10)
    within = (core.radius_m + grow_m) * (1 + rho * rho / (5.5 * _R2)) + slack
    ring_i = np.stack([i + di for di, _ in _CORNERS], axis=1)
    ring_j = np.stack([j + dj for _, dj in _CORNERS], axis=1)
    points = in_space(corners(face, ring_i, ring_j, level)).reshape(-1, 3)
    quads = shapely.polygons(core.frame.flatten(points).reshape(-1, 4, 2))
    return shapely.dwithin(core.flat, quads, within), quads


def _add_few(found: dict[int, int], core: Core, grow_m: float, face: int, i: Ints, j: Ints) -> None:
    touched, _ = _touched(core, grow_m, face, i, j, CHILD_LEVEL)
    i, j = i[touched], j[touched]
    ids, turns = parent_ids(np.full(len(i), face), i >> _STEP, j >> _STEP)
    bits = CHILD_BIT[turns, i & (_SIDE - 1), j & (_SIDE - 1)].view(np.int64)
    for parent, bit in zip(ids.tolist(), bits.tolist(), strict=True):
        found[parent] = found.get(parent, 0) | bit


def _add_many(
    found: dict[int, int], core: Core, grow_m: float, face: int, i: Ints, j: Ints, level: int
) -> None:
    """Refine level by level to the parents, then test the children of those that are not inside."""
    touched, quads = _touched(core, grow_m, face, i, j, level)
    while level < PARENT_LEVEL:
        i, j = _children(i[touched], j[touched], 2)
        level += 1
        touched, quads = _touched(core, grow_m, face, i, j, level)
        if int(touched.sum()) > MAX_PARENTS:
            raise _too_many(int(touched.sum()))
    i, j = i[touched], j[touched]
    inside = np.zeros(len(i), dtype=bool)
    if core.kind is Kind.AREA:
        inside = shapely.contains_properly(core.flat, np.asarray(quads)[touched])
    ids, turns = parent_ids(np.full(len(i), face), i, j)
    masks = np.full(len(i), ~np.uint64(0))
    if not inside.all():
        child_i, child_j = _children(i[~inside], j[~inside], _SIDE)
        hit, _ = _touched(core, grow_m, face, child_i, child_j, CHILD_LEVEL)
        bits = CHILD_BIT[
            np.repeat(turns[~inside], _SIDE * _SIDE), child_i & (_SIDE - 1), child_j & (_SIDE - 1)
        ]
        masks[~inside] = np.bitwise_or.reduce(
            np.where(hit, bits, np.uint64(0)).reshape(-1, _SIDE * _SIDE), axis=1
        )
    for parent, mask in zip(ids.tolist(), masks.view(np.int64).tolist(), strict=True):
        if mask:
            found[parent] = found.get(parent, 0) | mask


def _children(i: Ints, j: Ints, side: int) -> tuple[Ints, Ints]:
    """Split each cell into side x side: arrays side * side times as long, a cell's children together."""
    di, dj = (grid.ravel() for grid in np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))
    return (i[:, None] * side + di).ravel(), (j[:, None] * side + dj).ravel()


def _too_many(count: int) -> TooLarge:
    return TooLarge(
        f"the shape touches {count} or more level {PARENT_LEVEL} cells; the limit is {MAX_PARENTS}",
        limit=MAX_PARENTS,
        actual=count,
        expected=f"a shape that touches at most {MAX_PARENTS} level {PARENT_LEVEL} cells (about 85 km2 each)",
    )
