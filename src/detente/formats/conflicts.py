"""Conflicts of whole files: pairs of plans, what they share, and how that is written as JSON and GeoJSON."""

from collections.abc import Iterator
from typing import IO

import msgspec
import numpy as np
import shapely
from msgspec import Raw, Struct

from detente.formats.table import PlanTable
from detente.geo.limits import MAX_INSTANT_MS
from detente.geo.model import Datum, Separation
from detente.geo.sweep import Sweep, VolumePairs
from detente.geo.sweep_columns import DATUMS, Bools, Longs
from detente.geo.sweep_pieces import Pieces, pieces_of
from detente.geo.sweep_threads import in_threads
from detente.plans.model import Rule

_CHUNK_PAIRS = 4_000
_ENCODER = msgspec.json.Encoder()


class FoundConflict(Struct, frozen=True):
    """One pair of plans in each other's way; of several shared pieces, the whole of it."""

    a: str
    b: str
    a_party: str
    b_party: str
    rule: Rule
    start: str
    end: str
    lower_m: float
    upper_m: float
    datum: Datum
    horizontal_depth_m: float
    vertical_depth_m: float
    time_depth_s: float
    pieces: int
    geometry: Raw


class Conflicts:
    """All conflicts of one check. Iterating works them out anew, a few thousand at a time."""

    def __init__(self, table: PlanTable, sweep: Sweep, pairs: VolumePairs) -> None:
        """Group pairs of volumes by their plans.

        Args:
            table: the plans.
            sweep: their volumes and the separation.
            pairs: the pairs of volumes that conflict.
        """
        self._table = table
        self._sweep = sweep
        self._bare = sweep.without_separation() if sweep.separation != Separation() else None
        one, other = pairs.one.astype(np.int64), pairs.other.astype(np.int64)
        rank = _text_ranks(table, np.union1d(sweep.columns.plan[one], sweep.columns.plan[other]))
        ranks = [rank[sweep.columns.plan[index]] for index in (one, other)]
        swap = ranks[0] > ranks[1]
        self._one, self._other = np.where(swap, other, one), np.where(swap, one, other)
        low, high = np.minimum(*ranks), np.maximum(*ranks)
        order = np.lexsort((self._other, self._one, high, low))
        self._one, self._other, low, high = self._one[order], self._other[order], low[order], high[order]
        new = np.ones(len(order), np.bool_)
        new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        self._first = np.append(np.flatnonzero(new), len(order))

    def __len__(self) -> int:
        """The number of pairs of plans."""
        return len(self._first) - 1

    def __iter__(self) -> Iterator[FoundConflict]:
        """Yield the conflicts, ordered by the plans' ids."""
        return self.some(len(self))

    def some(self, count: int) -> Iterator[FoundConflict]:
        """Yield the first conflicts only.

        Args:
            count: how many at most.

        Yields:
            Conflicts, ordered by the plans' ids.
        """
        for found in in_threads(self._described, self._chunks(min(count, len(self)))):
            yield from found

    def _chunks(self, count: int) -> Iterator[tuple[int, int]]:
        low = 0
        while low < count:
            limit = self._first[low] + _CHUNK_PAIRS
            high = max(low + 1, int(np.searchsorted(self._first, limit, side="right")) - 1)
            yield low, min(high, count)
            low = high

    def _described(self, chunk: tuple[int, int]) -> list[FoundConflict]:
        first = self._first[chunk[0] : chunk[1] + 1]
        one, other = self._one[first[0] : first[-1]], self._other[first[0] : first[-1]]
        pieces = self._one_datum(one, other, pieces_of(self._sweep, one, other), first - first[0])
        overlapping = self._overlapping(one, other)
        return list(self._joined(one, other, pieces, first - first[0], overlapping))

    def _one_datum(self, one: Longs, other: Longs, pieces: Pieces, first: Longs) -> Pieces:
        """Measure pairs whose pieces have different datums above the ellipsoid, to unite them."""
        group = np.repeat(np.arange(len(first) - 1), np.diff(first))
        lowest, highest = (cut.reduceat(pieces.datum, first[:-1]) for cut in (np.minimum, np.maximum))
        rows = np.flatnonzero((lowest != highest)[group])
        if len(rows):
            low_m, high_m = self._sweep.bands_above_ellipsoid_m(one[rows], other[rows])
            pieces.lower_m[rows], pieces.upper_m[rows], pieces.datum[rows] = low_m, high_m, 0
        return pieces

    def _overlapping(self, one: Longs, other: Longs) -> Bools:
        """Say which pairs overlap even with no separation between them."""
        if self._bare is None:
            return np.ones(len(one), np.bool_)
        columns = self._sweep.columns
        start_ms = np.maximum(columns.start_ms[one], columns.start_ms[other])
        meets: Bools = start_ms < np.minimum(columns.end_ms[one], columns.end_ms[other])
        rows = np.flatnonzero(meets)
        meets[rows] = self._bare.decide(one[rows], other[rows])
        return meets

    def _joined(
        self, one: Longs, other: Longs, pieces: Pieces, first: Longs, overlapping: Bools
    ) -> Iterator[FoundConflict]:
        begin = first[:-1]
        start_ms, end_ms = (
            np.minimum.reduceat(pieces.start_ms, begin),
            np.maximum.reduceat(pieces.end_ms, begin),
        )
        lower_m, upper_m = (
            np.minimum.reduceat(pieces.lower_m, begin),
            np.maximum.reduceat(pieces.upper_m, begin),
        )
        height_m = np.maximum.reduceat(pieces.upper_m - pieces.lower_m, begin)
        lasting_ms = np.maximum.reduceat(pieces.end_ms - pieces.start_ms, begin)
        depth_m = np.maximum.reduceat(pieces.horizontal_depth_m, begin)
        bare = np.logical_or.reduceat(overlapping, begin)
        texts = shapely.to_geojson(_united(pieces.ground, first))
        starts, ends = _instants(start_ms), _instants(end_ms)
        plan, table = self._sweep.columns.plan, self._table
        for row, at in enumerate(begin.tolist()):
            a, b = int(plan[one[at]]), int(plan[other[at]])
            yield FoundConflict(
                a=table.plan_ids[a],
                b=table.plan_ids[b],
                a_party=table.parties[table.plan_party[a]],
                b_party=table.parties[table.plan_party[b]],
                rule=Rule.OVERLAP if bare[row] else Rule.SEPARATION,
                start=starts[row],
                end=ends[row],
                lower_m=round(float(lower_m[row]), 4),
                upper_m=round(float(upper_m[row]), 4),
                datum=DATUMS[pieces.datum[at]],
                horizontal_depth_m=round(float(depth_m[row]), 4),
                vertical_depth_m=round(float(height_m[row]), 4),
                time_depth_s=int(lasting_ms[row]) / 1000,
                pieces=int(first[row + 1]) - at,
                geometry=Raw(texts[row].encode()),
            )


def _text_ranks(table: PlanTable, plans: Longs) -> Longs:
    """Rank plans by their ids as text; 0 for those that do not matter."""
    rank = np.zeros(len(table.plan_ids), np.int64)
    rank[sorted(plans.tolist(), key=table.plan_ids.__getitem__)] = np.arange(len(plans))
    return rank


def _united(ground: np.ndarray, first: Longs) -> np.ndarray:
    """Unite the pieces of each pair of plans."""
    united = ground[first[:-1]].copy()
    for row in np.flatnonzero(np.diff(first) > 1).tolist():
        whole = shapely.union_all(ground[first[row] : first[row + 1]])
        parts = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
        united[row] = shapely.orient_polygons(shapely.multipolygons(parts))
    return united


def _instants(moments_ms: Longs) -> list[str]:
    """Write instants as RFC 3339; a separation can reach past the year 9999, where there is no such text."""
    moments = np.clip(moments_ms, -MAX_INSTANT_MS, MAX_INSTANT_MS).astype("datetime64[ms]")
    return [text.removesuffix(".000") + "Z" for text in np.datetime_as_string(moments, unit="ms").tolist()]


def write_json(conflicts: Conflicts, table: PlanTable, separation: Separation, out: IO[bytes]) -> None:
    """Write one object: all conflicts and what was compared.

    Args:
        conflicts: the conflicts.
        table: the plans.
        separation: between any two of them.
        out: where to; written piece by piece.
    """
    out.write(b'{"conflicts":[')
    for number, conflict in enumerate(conflicts):
        out.write((b",\n" if number else b"\n") + _ENCODER.encode(conflict))
    out.write(b'\n],"plans":%d,"volumes":%d,"separation":' % (len(table), len(table.columns)))
    out.write(_ENCODER.encode(separation) + b"}\n")


def write_geojson(conflicts: Conflicts, out: IO[bytes]) -> None:
    """Write a feature collection with one feature a conflict.

    Args:
        conflicts: the conflicts.
        out: where to; written piece by piece.
    """
    out.write(b'{"type":"FeatureCollection","features":[')
    for number, conflict in enumerate(conflicts):
        properties = {
            name: getattr(conflict, name) for name in conflict.__struct_fields__ if name != "geometry"
        }
        feature = {"type": "Feature", "properties": properties, "geometry": conflict.geometry}
        out.write((b",\n" if number else b"\n") + _ENCODER.encode(feature))
    out.write(b"\n]}\n")
