"""All conflicts of all volumes with all others, in columns: the exchange's verdicts, thousands at a time.

The join finds the pairs that come near (`sweep_join`), flat frames decide nearly all of them
(`sweep_plane`), and whatever is too close to call there, or compared in heights of different datums and in
doubt, is asked of `detente.geo.overlap.overlaps` itself. So the answers are its answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from detente.geo.limits import STD_MARGIN_M, STD_MARGIN_RATIO, TOUCH_M
from detente.geo.model import Datum, Separation
from detente.geo.overlap import overlaps
from detente.geo.solid import Solid, prepare
from detente.geo.sweep_balls import Balls, balls_of
from detente.geo.sweep_columns import (
    DATUM_CODE,
    Bools,
    Bytes,
    Floats,
    Ints,
    Longs,
    VolumeColumns,
)
from detente.geo.sweep_join import Field, Spans, field_of, near_pairs
from detente.geo.sweep_plane import APART, CONFLICT, UNDECIDED, measure
from detente.geo.sweep_threads import in_threads

_GEOID_LOW_M, _GEOID_HIGH_M = -110.0, 90.0
"""The EGM96 geoid is nowhere lower (Indian Ocean, -107 m) or higher (New Guinea, +86 m)."""
_PREPARED = 16_384
_PIECE_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class VolumePairs:
    """Conflicting pairs of volumes, ordered by their plans' numbers: shape (k,) each."""

    one: Ints
    other: Ints

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.one)


class Sweep:
    """One set of volumes made ready to be compared with itself.

    `decide` may be called by several threads: what it fills in is the same whoever does, and is written after
    it was worked out.
    """

    def __init__(
        self, columns: VolumeColumns, separation: Separation, *, own: bool = True, balls: Balls | None = None
    ) -> None:
        """Prepare the volumes.

        Args:
            columns: n valid volumes (`detente.geo.sweep_shapes` finds the others).
            separation: between any two plans.
            own: whether plans of one party are compared with each other.
            balls: what `balls_of` said of the columns, if it was asked before.
        """
        self.columns = columns
        self.separation = separation
        self.margin_ms = round(separation.time_s * 1000)
        self.balls = balls_of(columns) if balls is None else balls
        self._own = own
        self._band_low_m = np.where(columns.datum == DATUM_CODE[Datum.WGS84], columns.lower_m, np.nan)
        self._band_high_m = np.where(columns.datum == DATUM_CODE[Datum.WGS84], columns.upper_m, np.nan)
        self.solid = lru_cache(_PREPARED)(self._prepared)

    def _prepared(self, index: int) -> Solid:
        return prepare(self.columns.volume_at(index))

    def field(self) -> Field:
        """Describe the volumes to the join.

        Returns:
            The field; its heights are those of the file if all have one datum, else wide enough for any.
        """
        columns = self.columns
        low_m, high_m = columns.lower_m, columns.upper_m
        if len(np.unique(columns.datum)) > 1:
            other = columns.datum != DATUM_CODE[Datum.WGS84]
            pressure = columns.datum == DATUM_CODE[Datum.STD]
            margin_m = np.where(pressure, STD_MARGIN_M, 0.0)
            ratio = np.where(pressure, STD_MARGIN_RATIO, 0.0)
            low_m = low_m - margin_m - ratio * np.abs(low_m) + np.where(other, _GEOID_LOW_M, 0.0)
            high_m = high_m + margin_m + ratio * np.abs(high_m) + np.where(other, _GEOID_HIGH_M, 0.0)
        return field_of(
            self.balls,
            times=Spans(columns.start_ms, columns.end_ms + self.margin_ms),
            heights=Spans(low_m, high_m + self.separation.vertical_m),
            plan=columns.plan,
            party=columns.party,
            own=self._own,
            horizontal_m=self.separation.horizontal_m,
        )

    def bands_m(self, one: Longs, other: Longs) -> tuple[Floats, Floats, Bytes]:
        """Intersect the height bands of pairs, each grown by half the separation.

        Args:
            one: volume numbers, shape (k,).
            other: volume numbers, shape (k,).

        Returns:
            Lower and upper metres and what they are measured from (index into `DATUMS`), shape (k,) each.
        """
        columns = self.columns
        half_m = self.separation.vertical_m / 2
        datum = columns.datum[one].copy()
        lower_m = np.maximum(columns.lower_m[one], columns.lower_m[other])
        upper_m = np.minimum(columns.upper_m[one], columns.upper_m[other])
        mixed = np.flatnonzero(columns.datum[one] != columns.datum[other])
        if len(mixed):
            a, b = one[mixed], other[mixed]
            self._know_bands(np.union1d(a, b))
            lower_m[mixed] = np.maximum(self._band_low_m[a], self._band_low_m[b])
            upper_m[mixed] = np.minimum(self._band_high_m[a], self._band_high_m[b])
            datum[mixed] = DATUM_CODE[Datum.WGS84]
        return lower_m - half_m, upper_m + half_m, datum

    def _know_bands(self, index: Longs) -> None:
        # The lower ends are looked at to see what is known, so they are written last.
        for one in index[np.isnan(self._band_low_m[index])].tolist():
            low_m, self._band_high_m[one] = self.solid(one).band_m
            self._band_low_m[one] = low_m

    def bands_above_ellipsoid_m(self, one: Longs, other: Longs) -> tuple[Floats, Floats]:
        """Intersect height bands above the ellipsoid, whatever the datums; for pieces of different ones.

        Args:
            one: volume numbers, shape (k,).
            other: volume numbers, shape (k,).

        Returns:
            Lower and upper metres, shape (k,) each.
        """
        self._know_bands(np.union1d(one, other))
        half_m = self.separation.vertical_m / 2
        lower_m = np.maximum(self._band_low_m[one], self._band_low_m[other])
        upper_m = np.minimum(self._band_high_m[one], self._band_high_m[other])
        return lower_m - half_m, upper_m + half_m

    def without_separation(self) -> "Sweep":
        """Compare the same volumes by bare overlap.

        Returns:
            A sweep that shares everything but the separation.
        """
        return Sweep(self.columns, Separation(), own=self._own, balls=self.balls)

    def _share_heights(self, one: Longs, other: Longs) -> Bools:
        lower_m, upper_m, _ = self.bands_m(one, other)
        shared: Bools = upper_m - lower_m > TOUCH_M
        return shared

    def decide(self, one: Longs, other: Longs) -> Bools:
        """Decide near pairs whose times are known to meet.

        Args:
            one: volume numbers, shape (k,).
            other: volume numbers, shape (k,).

        Returns:
            True where the two conflict, shape (k,).
        """
        verdict = np.full(len(one), APART)
        rows = np.flatnonzero(self._share_heights(one, other))
        verdict[rows] = measure(
            self.columns, self.balls, one[rows], other[rows], self.separation.horizontal_m
        )
        for row in np.flatnonzero(verdict == UNDECIDED).tolist():
            a, b = self.solid(int(one[row])), self.solid(int(other[row]))
            verdict[row] = CONFLICT if overlaps(a, b, self.separation) else APART
        conflicting: Bools = verdict == CONFLICT
        return conflicting

    def _conflicting(self, near: tuple[Longs, Longs]) -> tuple[Ints, Ints]:
        keep = np.flatnonzero(self.decide(*near))
        return near[0][keep].astype(np.int32), near[1][keep].astype(np.int32)

    def pairs(self, on_progress: Callable[[int], None] | None = None) -> VolumePairs:
        """Find every pair of volumes that conflict; none of one plan.

        Args:
            on_progress: told now and then how many conflicts more have been found.

        Returns:
            Each pair once, ordered by the plans' numbers, the plan with the lower number first.
        """
        ones, others = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
        for one, other in in_threads(self._conflicting, _gathered(near_pairs(self.field()))):
            ones.append(one)
            others.append(other)
            if on_progress:
                on_progress(len(one))
        one, other = np.concatenate(ones), np.concatenate(others)
        plan = self.columns.plan
        swap = plan[one] > plan[other]
        one, other = np.where(swap, other, one), np.where(swap, one, other)
        order = np.lexsort((other, one, plan[other], plan[one]))
        return VolumePairs(one=one[order], other=other[order])


def _gathered(pieces: Iterator[tuple[Longs, Longs]]) -> Iterator[tuple[Longs, Longs]]:
    """Put small pieces together: measuring a piece has a price of its own."""
    waiting: list[tuple[Longs, Longs]] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(len(one) for one, _ in waiting) >= _PIECE_PAIRS:
            yield np.concatenate([one for one, _ in waiting]), np.concatenate([b for _, b in waiting])
            waiting = []
    if waiting:
        yield np.concatenate([one for one, _ in waiting]), np.concatenate([b for _, b in waiting])


def find_all(columns: VolumeColumns, separation: Separation, *, own: bool = True) -> VolumePairs:
    """Find all conflicts of all volumes with all others.

    Args:
        columns: n valid volumes.
        separation: between any two plans.
        own: whether plans of one party are compared with each other.

    Returns:
        The pairs of volumes that conflict.
    """
    return Sweep(columns, separation, own=own).pairs()
