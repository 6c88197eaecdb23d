"""The join: which pairs of volumes come near enough in place, time and height to be worth measuring.

Every volume lies in one cube of an Earth-centred grid whose cubes are as wide as the volume with its
separation; what it can touch lies in the 27 cubes around. Volumes of different sizes are on different
levels, and a level's grid holds everything smaller too. Within two cubes the pairs are found by a sweep:
sorted by start, the volumes that begin while one lasts are one run. Where a sweep over heights would
meet fewer pairs than one over times, it is used instead. Nothing is missed; too much is filtered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from detente.geo.sweep_balls import Balls
from detente.geo.sweep_columns import Bools, Floats, Ints, Longs, spread

CHUNK_PAIRS = 1 << 18
"""Candidate pairs looked at together: a few arrays of this length stay in the processor's cache."""
_SMALLEST_CUBE_M = 16.0
_LARGEST_LEVEL = 23
_BIAS = 1 << 20
_SHIFTS = (0, 21, 42)
_FEW = 0.25
_CROWD = 64
_SAMPLE = 16
_SLACK_M = 1e-3
_SINGLE_PRECISION_M = 2.0

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spans:
    """Open intervals on one axis, the separation already added to their ends: shape (n,) each."""

    low: Floats | Longs
    high: Floats | Longs


@dataclass(frozen=True, slots=True)
class Field:
    """All that the join looks at, one row a volume.

    Attributes:
        center: ball centres in metres, shape (n, 3).
        width_m: ball radius and half the horizontal separation, shape (n,).
        times: milliseconds.
        heights: metres on one scale, widened where volumes have different datums.
        plan: plan numbers, shape (n,).
        party: party numbers, shape (n,).
        own: whether pairs of one party are wanted.
    """

    center: Floats
    width_m: Floats
    times: Spans
    heights: Spans
    plan: Ints
    party: Ints
    own: bool


def field_of(
    balls: Balls, *, times: Spans, heights: Spans, plan: Ints, party: Ints, own: bool, horizontal_m: float
) -> Field:
    """Prepare the join.

    Args:
        balls: a ball around each volume.
        times: in milliseconds.
        heights: in metres.
        plan: plan numbers.
        party: party numbers.
        own: whether pairs of one party are wanted.
        horizontal_m: the separation on the ground.

    Returns:
        The field, for `near_pairs`.
    """
    width_m = balls.radius_m + (horizontal_m / 2.0 + _SLACK_M)
    return Field(
        center=balls.center,
        width_m=width_m,
        times=times,
        heights=heights,
        plan=plan,
        party=party,
        own=own,
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """The volumes' order on the swept axis: rank of each start, number of starts before each end."""

    rank: Longs
    until: Longs


def _axis_of(spans: Spans) -> _Axis:
    order = np.argsort(spans.low, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    until = np.searchsorted(spans.low[order], spans.high, side="left").astype(np.int64)
    return _Axis(rank=rank, until=until)


def _levels(width_m: Floats) -> Longs:
    cubes = np.maximum(2.0 * width_m / _SMALLEST_CUBE_M, 1.0)
    level = np.minimum(np.ceil(np.log2(cubes) + 1e-9), _LARGEST_LEVEL).astype(np.int64)
    counts = np.bincount(level, minlength=_LARGEST_LEVEL + 1)
    # Every level costs one pass over all that is smaller: levels with few volumes join the next one up.
    target, waiting = np.arange(_LARGEST_LEVEL + 1), 0
    top = int(level.max())
    for here in range(top + 1):
        waiting += int(counts[here])
        if here < top and waiting < _FEW * len(level):
            target[target == here] = here + 1
        else:
            waiting = 0
    merged: Longs = target[level]
    return merged


def _codes(center: Floats, cube_m: float) -> Longs:
    cubes = np.floor(center / cube_m).astype(np.int64) + _BIAS
    codes: Longs = cubes[:, 0] | (cubes[:, 1] << _SHIFTS[1]) | (cubes[:, 2] << _SHIFTS[2])
    return codes


_NEIGHBOURS = [
    x + (y << _SHIFTS[1]) + (z << _SHIFTS[2]) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)
]


@dataclass(frozen=True, slots=True)
class _Side:
    """Volumes of one grid in order of (cube, rank): ``key`` is that order, ``item`` who they are."""

    item: Longs
    cubes: Longs
    cube: Longs
    key: Longs


def _side_of(items: Longs, center: Floats, cube_m: float, axis: _Axis) -> _Side:
    cubes, cube = np.unique(_codes(center[items], cube_m), return_inverse=True)
    stride = len(axis.rank) + 1
    key = cube.astype(np.int64) * stride + axis.rank[items]
    order = np.argsort(key)
    return _Side(item=items[order], cubes=cubes, cube=cube[order].astype(np.int64), key=key[order])


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of partners: ``asker`` meets all of ``target.item[begin : begin + count]``."""

    asker: Longs
    begin: Longs
    count: Longs
    target: _Side


def _runs_between(asking: _Side, target: _Side, axis: _Axis) -> Iterator[_Runs]:
    stride = len(axis.rank) + 1
    last = len(target.cubes) - 1
    for step in _NEIGHBOURS:
        codes = asking.cubes + step
        place = np.minimum(np.searchsorted(target.cubes, codes), last)
        exists = target.cubes[place] == codes
        rows = np.flatnonzero(exists[asking.cube])
        if len(rows) == 0:
            continue
        asker = asking.item[rows]
        base = place[asking.cube[rows]] * stride
        begin = np.searchsorted(target.key, base + axis.rank[asker] + 1)
        count = np.searchsorted(target.key, base + axis.until[asker]) - begin
        some = count > 0
        yield _Runs(asker[some], begin[some], count[some], target)


def _sides(field: Field, level: Longs, here: int, axis: _Axis) -> list[tuple[_Side, _Side]]:
    """Who asks whom on one level: its own volumes each other, and they and all smaller ones both ways."""
    cube_m = _SMALLEST_CUBE_M * 2.0**here
    exact = _side_of(np.flatnonzero(level == here), field.center, cube_m, axis)
    smaller = np.flatnonzero(level < here)
    if len(smaller) == 0:
        return [(exact, exact)]
    other = _side_of(smaller, field.center, cube_m, axis)
    return [(exact, exact), (exact, other), (other, exact)]


def _sampled(side: _Side) -> _Side:
    return _Side(side.item[::_SAMPLE], side.cubes, side.cube[::_SAMPLE], side.key[::_SAMPLE])


def _crowd(sides: list[tuple[_Side, _Side]], axis: _Axis) -> int:
    """Estimate from every `_SAMPLE`-th asker how many pairs the sweep will meet."""
    runs = (run for one, other in sides for run in _runs_between(_sampled(one), other, axis))
    return _SAMPLE * sum(int(run.count.sum()) for run in runs)


def _swept(field: Field, level: Longs, here: int, by_time: _Axis) -> Iterator[tuple[_Runs, Spans]]:
    """Sweep over times; where that meets a crowd, estimate what heights would meet and take the fewer.

    Yields the runs and the spans of the axis that was not swept.
    """
    axis, sides, rest = by_time, _sides(field, level, here, by_time), field.heights
    crowd = _crowd(sides, axis)
    if crowd > _CROWD * len(level):
        by_height = _axis_of(field.heights)
        other_sides = _sides(field, level, here, by_height)
        if _crowd(other_sides, by_height) < crowd:
            axis, sides, rest = by_height, other_sides, field.times
    for one, other in sides:
        for runs in _runs_between(one, other, axis):
            yield runs, rest


def _overlap(spans: Spans, one: Longs, other: Longs) -> Bools:
    both: Bools = (spans.low[one] < spans.high[other]) & (spans.low[other] < spans.high[one])
    return both


def _close(places: tuple[Singles, ...], one: Longs, other: Longs) -> Bools:
    x, y, z, width = places
    reach_m = width[one] + width[other]
    gap = x[one] - x[other]
    square = gap * gap
    gap = y[one] - y[other]
    square += gap * gap
    gap = z[one] - z[other]
    square += gap * gap
    close: Bools = square < reach_m * reach_m
    return close


def _wanted(field: Field, one: Longs, other: Longs) -> Bools:
    wanted: Bools = field.plan[one] != field.plan[other]
    if not field.own:
        wanted &= field.party[one] != field.party[other]
    return wanted


def _cut(count: Longs) -> Iterator[tuple[int, int]]:
    """Cut runs into stretches of about `CHUNK_PAIRS` pairs; a longer run is a stretch by itself."""
    total = np.cumsum(count)
    marks = np.arange(CHUNK_PAIRS, (int(total[-1]) if len(total) else 0) + CHUNK_PAIRS, CHUNK_PAIRS)
    edges = np.unique(np.minimum(np.searchsorted(total, marks, side="left") + 1, len(count)))
    yield from pairwise([0, *edges.tolist()])


def _by_place(field: Field, level: Longs, axis: _Axis) -> Longs:
    """An order in which neighbours in place and time lie near each other in memory."""
    usual = int(np.bincount(level).argmax())
    return np.lexsort((axis.rank, _codes(field.center, _SMALLEST_CUBE_M * 2.0**usual)))


def _ordered(field: Field, order: Longs) -> Field:
    return Field(
        center=field.center[order],
        width_m=field.width_m[order],
        times=Spans(field.times.low[order], field.times.high[order]),
        heights=Spans(field.heights.low[order], field.heights.high[order]),
        plan=field.plan[order],
        party=field.party[order],
        own=field.own,
    )


def near_pairs(field: Field) -> Iterator[tuple[Longs, Longs]]:
    """Find every pair whose balls, times and heights meet; each pair once.

    Args:
        field: the volumes.

    Yields:
        Two arrays of volume numbers of the same length, in chunks of bounded length.
    """
    if len(field.plan) == 0:
        return
    level = _levels(field.width_m)
    order = _by_place(field, level, _axis_of(field.times))
    field, level = _ordered(field, order), level[order]
    # Single precision is half a metre off at the Earth's radius; the widths make up for it.
    places = tuple(np.ascontiguousarray(field.center[:, axis], np.float32) for axis in range(3))
    places += ((field.width_m + _SINGLE_PRECISION_M).astype(np.float32),)
    by_time = _axis_of(field.times)
    for here in np.unique(level).tolist():
        for runs, rest in _swept(field, level, here, by_time):
            for low, high in _cut(runs.count):
                group, place = spread(runs.count[low:high])
                one = runs.asker[low:high][group]
                other = runs.target.item[runs.begin[low:high][group] + place]
                for test in (partial(_overlap, rest), partial(_close, places), partial(_wanted, field)):
                    keep = np.flatnonzero(test(one, other))
                    one, other = one[keep], other[keep]
                yield order[one], order[other]
