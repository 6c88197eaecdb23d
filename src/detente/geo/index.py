"""Rows of the neighbour index: coarse S2 cell, bit mask of its children, duration class (decision 0002).

The index finds candidates and may find too many, never too few; ``conflicts.py`` decides exactly.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from detente.geo import Solid, bounds_e7, cover, cover_touched
from detente.geo.limits import MAX_INSTANT_MS
from detente.geo.model import Datum, Separation

SPANS_MS = (1_800_000, 10_800_000, 86_400_000, 31 * 86_400_000, 600_000_000_000_000)
"""Longest duration of each class, ms; the SQL view ``plan_spans`` lists the same numbers."""

_DATUM_CODE = {Datum.WGS84: 0, Datum.AMSL: 1, Datum.STD: 2, Datum.AGL: 3}
_ANY_DATUM = -1
"""Equals no stored datum, so heights are compared above the ellipsoid."""
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1
_EVERYWHERE = (-900_000_000, 900_000_000, -1_800_000_000, 1_800_000_000)


class Rows(Struct, frozen=True):
    """Index rows for one call, packed: ``WIDTH`` numbers a row, in the order that ``plan_rows`` reads."""

    packed: list[int]

    @property
    def locks(self) -> list[int]:
        """The distinct parents, ascending: the order in which every writer locks."""
        return sorted(set(self.packed[::WIDTH]))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.packed) // WIDTH


WIDTH = 15
"""Numbers in one row."""


class Reach(Struct, frozen=True):
    """How far beyond each volume a search looks."""

    sideways_m: float = 0.0
    height_m: float = 0.0
    time_ms: int = 0


def no_rows() -> Rows:
    """Rows of nothing, to be filled."""
    return Rows([])


def reach_of(separation: Separation) -> Reach:
    """The reach that a separation asks for."""
    return Reach(separation.horizontal_m, separation.vertical_m, math.ceil(separation.time_s * 1000))


def add_rows(
    rows: Rows, solid: Solid, volume_ix: int, reach: Reach, cells: Sequence[tuple[int, int]] | None = None
) -> None:
    """Append the rows of one volume, grown by ``reach``; ``cells`` is its covering, if it is known already.

    Raises:
        TooLarge: if it covers more cells than the limit.
    """
    volume = solid.volume
    start_ms, end_ms = volume.start_ms - reach.time_ms, volume.end_ms + reach.time_ms
    own_lower = math.floor((volume.lower_m - reach.height_m) * 100)
    own_upper = math.ceil((volume.upper_m + reach.height_m) * 100)
    lower = math.floor((solid.band_m[0] - reach.height_m) * 100)
    upper = math.ceil((solid.band_m[1] + reach.height_m) * 100)
    # Heights above grounds that are apart say nothing about each other: the ellipsoid does.
    is_apart = volume.datum is Datum.AGL and reach.sideways_m > 0
    datum = _ANY_DATUM if is_apart else _DATUM_CODE[volume.datum]
    heights = (datum, own_lower, own_upper, lower, upper)
    box = bounds_e7(solid, reach.sideways_m)
    span = span_of(volume.end_ms - volume.start_ms)
    for parent, mask in cover(solid, reach.sideways_m) if cells is None else cells:
        rows.packed.extend((parent, span, end_ms, start_ms, mask, *heights, *box, volume_ix))


def rows_of(solids: Sequence[Solid], reach: Reach) -> Rows:
    """The rows of all volumes of a plan, each grown by ``reach``."""
    rows = no_rows()
    for i, solid in enumerate(solids):
        add_rows(rows, solid, i, reach)
    return rows


def touched_rows_of(solids: Sequence[Solid]) -> Rows:
    """The rows of all volumes with just the cells that they touch: a part's lie among the whole's."""
    rows = no_rows()
    for i, solid in enumerate(solids):
        add_rows(rows, solid, i, Reach(), cover_touched(solid))
    return rows


class Band(Struct, frozen=True):
    """The heights and times of a search; None: without an end."""

    lower_m: float | None
    upper_m: float | None
    start_ms: int | None
    end_ms: int | None


def band_rows(cells: Sequence[tuple[int, int]], band: Band) -> Rows:
    """The rows of a ground area whose heights and times may be without an end.

    Args:
        cells: the area's covering.
        band: its heights above the ellipsoid and its times.
    """
    rows = no_rows()
    start_ms = -MAX_INSTANT_MS if band.start_ms is None else band.start_ms
    end_ms = MAX_INSTANT_MS if band.end_ms is None else band.end_ms
    lower = _LOWEST if band.lower_m is None else math.floor(band.lower_m * 100)
    upper = _HIGHEST if band.upper_m is None else math.ceil(band.upper_m * 100)
    span = span_of(end_ms - start_ms)
    for parent, mask in cells:
        rows.packed.extend(
            (parent, span, end_ms, start_ms, mask, _ANY_DATUM, lower, upper, lower, upper, *_EVERYWHERE, 0)
        )
    return rows


def span_of(duration_ms: int) -> int:
    """The duration class: the first whose longest duration is not exceeded."""
    for span, longest_ms in enumerate(SPANS_MS):
        if duration_ms <= longest_ms:
            return span
    return len(SPANS_MS) - 1
