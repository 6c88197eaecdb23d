"""What conflicting pairs share, thousands at once: the same pieces as `detente.geo.overlap.find_overlap`.

The frames and the steps are those of `detente.geo.shared`; pairs whose frame may be off by more than a few
millimetres are asked of `find_overlap` itself.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from detente.geo.grown import grown, largest_circles
from detente.geo.limits import TOUCH_M
from detente.geo.overlap import find_overlap
from detente.geo.sweep import Sweep
from detente.geo.sweep_columns import Bytes, Floats, Ints, Kind, Longs
from detente.geo.sweep_degrees import degrees_of, rings_in_degrees
from detente.geo.sweep_plane import FlatPairs, lay_flat

_PRECISE_M = 0.004
_THIN_M = 0.01
_AREA = 3
_MAX_WIDTH_M = 20_000.0


@dataclass(frozen=True, slots=True)
class Pieces:
    """The shared pieces of k pairs of volumes: see `detente.geo.model.Overlap` for each column.

    Attributes:
        start_ms: shape (k,), as all that follow.
        end_ms: milliseconds.
        lower_m: metres above ``datum``.
        upper_m: metres above ``datum``.
        datum: index into `detente.geo.sweep_columns.DATUMS`.
        horizontal_depth_m: thickness on the ground.
        ground: Shapely polygons in degrees (longitude, latitude), cut at the antimeridian.
    """

    start_ms: Longs
    end_ms: Longs
    lower_m: Floats
    upper_m: Floats
    datum: Bytes
    horizontal_depth_m: Floats
    ground: np.ndarray


def pieces_of(sweep: Sweep, one: Ints | Longs, other: Ints | Longs) -> Pieces:
    """Describe what pairs share that are known to conflict.

    Args:
        sweep: the volumes and the separation.
        one: volume numbers, shape (k,).
        other: volume numbers, shape (k,).

    Returns:
        One piece for each pair.
    """
    columns, margin_ms = sweep.columns, sweep.margin_ms
    one, other = one.astype(np.int64), other.astype(np.int64)
    lower_m, upper_m, datum = sweep.bands_m(one, other)
    ground = np.empty(len(one), object)
    depth_m = np.empty(len(one))
    width_m = sweep.balls.radius_m[one] + sweep.balls.radius_m[other] + sweep.separation.horizontal_m
    near = width_m < _MAX_WIDTH_M
    left = _flat_pieces(sweep, one, other, rows=np.flatnonzero(near), ground=ground, depth_m=depth_m)
    for row in [*np.flatnonzero(~near).tolist(), *left.tolist()]:
        ground[row], depth_m[row] = _asked(sweep, int(one[row]), int(other[row]))
    return Pieces(
        start_ms=np.maximum(columns.start_ms[one], columns.start_ms[other]) - margin_ms // 2,
        end_ms=np.minimum(columns.end_ms[one], columns.end_ms[other]) + (margin_ms - margin_ms // 2),
        lower_m=lower_m,
        upper_m=upper_m,
        datum=datum,
        horizontal_depth_m=depth_m,
        ground=ground,
    )


def _asked(sweep: Sweep, one: int, other: int) -> tuple[Any, float]:
    overlap = find_overlap(sweep.solid(one), sweep.solid(other), sweep.separation)
    assert overlap is not None, "the pair was found to conflict by the same test"  # noqa: S101 - an invariant
    return degrees_of(overlap.outline), overlap.horizontal_depth_m


def _flat_pieces(
    sweep: Sweep, one: Longs, other: Longs, *, rows: Longs, ground: np.ndarray, depth_m: Floats
) -> Longs:
    """Fill in the pieces of those rows whose frame is good enough; give back the others."""
    small, big = _small_first(sweep, one[rows], other[rows])
    pairs = lay_flat(sweep.columns, sweep.balls, small, big)
    good = np.flatnonzero(pairs.error_m <= _PRECISE_M)
    shared = np.full(len(rows), None, object)
    half_m = sweep.separation.horizontal_m / 2.0
    reach_small, reach_big = (sweep.columns.reach_m[index] + half_m for index in (small, big))
    try:
        shared[good] = shapely.intersection(
            grown(pairs.origin_core[good], reach_small[good]),
            grown(pairs.other_core[good], reach_big[good]),
        )
    except shapely.errors.GEOSException:
        return rows
    polygons, owner = shapely.get_parts(shared[good], return_index=True)
    keep = (shapely.get_type_id(polygons) == _AREA) & ~shapely.is_empty(polygons)
    polygons, owner = polygons[keep], good[owner[keep]]
    depth = _depths(sweep, pairs, (reach_small, reach_big), polygons, owner)
    # No area, or one as thin as the rounding: the pairwise function has its ways with slivers.
    has_area = np.zeros(len(rows), np.bool_)
    has_area[owner] = True
    done = np.zeros(len(rows), np.bool_)
    done[good] = has_area[good] & (depth[good] > _THIN_M)
    keep = done[owner]
    polygons, owner = polygons[keep], owner[keep]
    tidy = shapely.simplify(polygons, np.minimum(_THIN_M, depth[owner] / 10.0))
    ground[rows[done]] = rings_in_degrees(tidy, owner, pairs.frames)[done]
    depth_m[rows[done]] = depth[done]
    return rows[~done]


def _small_first(sweep: Sweep, one: Longs, other: Longs) -> tuple[Longs, Longs]:
    core_m, kind = sweep.balls.core_m, sweep.columns.kind
    longer = core_m[one] > core_m[other]
    swap = longer | ((core_m[one] == core_m[other]) & (kind[one] > kind[other]))
    return np.where(swap, other, one), np.where(swap, one, other)


def _depths(
    sweep: Sweep, pairs: FlatPairs, reaches: tuple[Floats, Floats], polygons: np.ndarray, owner: Longs
) -> Floats:
    """Measure the thickness of each pair's piece: between the cores, or by the largest circle inside."""
    apart_m = shapely.distance(pairs.origin_core, pairs.other_core)
    limit_m = reaches[0] + reaches[1]
    depth_m = np.zeros(len(apart_m))
    lens = (apart_m > 0.0) & (limit_m > 0.0)
    depth_m[lens] = (limit_m - apart_m)[lens]
    for index, cores, reach_m in (
        (pairs.origin, pairs.origin_core, reaches[0]),
        (pairs.other, pairs.other_core, reaches[1]),
    ):
        is_area = sweep.columns.kind[index] == Kind.POLYGON
        own_m = 2.0 * reach_m
        at_least_m = np.where(is_area, own_m + 2.0 * _mean_width_m(cores), own_m)
        rows = np.flatnonzero(lens & is_area & (depth_m > at_least_m))
        at_least_m[rows] = own_m[rows] + _widths_m(cores[rows])
        narrow = lens & (depth_m > at_least_m)
        depth_m[narrow] = at_least_m[narrow]
    # Two lines that meet: there the smaller reach fits into both.
    kinds = sweep.columns.kind
    no_area = (kinds[pairs.origin] != Kind.POLYGON) & (kinds[pairs.other] != Kind.POLYGON) & ~lens
    depth_m[no_area] = 2.0 * np.minimum(*reaches)[no_area]
    inner = np.flatnonzero(~(lens | no_area)[owner])
    np.maximum.at(depth_m, owner[inner], _widths_m(polygons[inner]))
    return np.maximum(depth_m, TOUCH_M)


def _mean_width_m(areas: np.ndarray) -> Floats:
    """Area over perimeter: a circle of at least this radius fits inside."""
    width_m: Floats = shapely.area(areas) / np.maximum(shapely.length(areas), 1e-12)
    return width_m


def _widths_m(areas: np.ndarray) -> Floats:
    """Diameters of the largest circles inside."""
    width_m: Floats = 2.0 * largest_circles(areas)[1]
    return width_m
