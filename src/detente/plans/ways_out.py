"""The smallest shift along one axis, time or height, that leaves a plan free of conflict.

What every neighbour forbids is gathered as open intervals, the nearest point that nothing forbids is
taken, and the moved plan is checked again exactly. ``sideways.py`` does the same over the ground.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from detente.errors import BadInput
from detente.geo import Solid, overlaps
from detente.geo.model import Separation

Span = tuple[float, float]
"""An open interval of forbidden shifts."""

_MAX_NUDGES = 24
MAX_WORK = 1_500_000
"""Outline points that all exact checks of one kind of shift may compare, give or take ``_FEWEST``."""
_FEWEST, _MOST = 48, 2_000
_PAIR = 16
"""What looking at a pair costs before its points count."""


class Obstacle(Struct, frozen=True):
    """One volume of a plan or a closed zone in the way, and the separation to keep from it."""

    solid: Solid
    separation: Separation


class Found(Struct, frozen=True):
    """A shift that is free of conflict, or why there is none."""

    shift: float | None
    why: str = ""


def work_of(mine: Sequence[Solid], obstacles: Sequence[Obstacle]) -> int:
    """What one check of a moved plan costs: the outline points of all pairs, and something for each pair."""
    ours = sum(len(solid.core.points_m) + _PAIR for solid in mine)
    return ours * len(obstacles) + len(mine) * sum(len(o.solid.core.points_m) for o in obstacles)


class Checks:
    """The exact checks that one search may make, so that no plan keeps a server busy for long.

    Args:
        obstacles: everything that the moved plan could meet within the limits.
        work: what one check costs, as ``work_of`` counts.
    """

    def __init__(self, obstacles: Sequence[Obstacle], work: int) -> None:
        self._obstacles = obstacles
        self.most = min(_MOST, max(_FEWEST, MAX_WORK // max(1, work)))
        self.left = self.most

    def passes(self, move: Callable[[], Sequence[Solid]]) -> bool:
        """Whether the moved plan is free; False without a look once all checks are spent.

        A plan that cannot be moved there (beyond the highest altitude, say) is not free.
        """
        if self.left == 0:
            return False
        self.left -= 1
        try:
            return is_free(move(), self._obstacles)
        except BadInput:
            return False


def is_free(moved: Iterable[Solid], obstacles: Sequence[Obstacle]) -> bool:
    """Whether no moved volume conflicts with any obstacle."""
    return not any(
        overlaps(solid, obstacle.solid, obstacle.separation) for solid in moved for obstacle in obstacles
    )


def in_time_of(solid: Solid, mine: Solid) -> Solid:
    """The same place and heights, at the instants of another volume."""
    volume = replace(solid.volume, start_ms=mine.volume.start_ms, end_ms=mine.volume.end_ms)
    return replace(solid, volume=volume)


def in_height_of(solid: Solid, mine: Solid) -> Solid:
    """The same place and instants, at the heights of another volume."""
    theirs = mine.volume
    volume = replace(solid.volume, lower_m=theirs.lower_m, upper_m=theirs.upper_m, datum=theirs.datum)
    return replace(solid, volume=volume, band_m=mine.band_m, lower_m=mine.lower_m, upper_m=mine.upper_m)


def in_place_of(solid: Solid, mine: Solid) -> Solid:
    """The same instants and heights, at the place of another volume."""
    return replace(solid, core=mine.core, reach_m=mine.reach_m)


def forbidden_times(mine: Sequence[Solid], obstacles: Sequence[Obstacle]) -> list[Span]:
    """The shifts in ms that obstacles forbid: of each pair that would meet if it shared an instant."""
    return [
        _times(solid, obstacle)
        for solid in mine
        for obstacle in obstacles
        if overlaps(solid, in_time_of(obstacle.solid, solid), obstacle.separation)
    ]


def _times(mine: Solid, obstacle: Obstacle) -> Span:
    keep_ms = obstacle.separation.time_s * 1000
    other = obstacle.solid
    return (other.start_ms - keep_ms - mine.end_ms, other.end_ms + keep_ms - mine.start_ms)


def forbidden_heights(mine: Sequence[Solid], obstacles: Sequence[Obstacle]) -> list[Span]:
    """The shifts in m that obstacles forbid: of each pair that would meet if it shared a height."""
    return [
        _heights(solid, obstacle)
        for solid in mine
        for obstacle in obstacles
        if overlaps(solid, in_height_of(obstacle.solid, solid), obstacle.separation)
    ]


def _heights(mine: Solid, obstacle: Obstacle) -> Span:
    keep_m = obstacle.separation.vertical_m
    a, b = mine.volume, obstacle.solid.volume
    if a.datum is b.datum:
        return (b.lower_m - keep_m - a.upper_m, b.upper_m + keep_m - a.lower_m)
    own, other = mine.band_m, obstacle.solid.band_m
    return (other[0] - keep_m - own[1], other[1] + keep_m - own[0])


def in_place_pairs(mine: Sequence[Solid], obstacles: Sequence[Obstacle]) -> list[tuple[Solid, Obstacle]]:
    """The pairs that would meet if they shared a place: they share instants and heights."""
    return [
        (solid, obstacle)
        for solid in mine
        for obstacle in obstacles
        if overlaps(solid, in_place_of(obstacle.solid, solid), obstacle.separation)
    ]


def free_points(forbidden: Sequence[Span], limits: Span) -> list[float]:
    """The ends of what is forbidden that are themselves allowed, nearest to zero first.

    Args:
        forbidden: open intervals; an end is allowed unless it lies inside another interval.
        limits: least and greatest shift.

    Returns:
        Candidates within the limits; of two equally far the positive one (later, higher) first.
    """
    merged: list[list[float]] = []
    for start, end in sorted(forbidden):
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    ends = {point for span in merged for point in span}
    low, high = limits
    return sorted((point for point in ends if low <= point <= high), key=lambda p: (abs(p), -p))


def smallest_shift(
    forbidden: Sequence[Span],
    limits: Span,
    move: Callable[[float], Sequence[Solid]],
    checks: Checks,
    step: float,
) -> Found:
    """The smallest shift along one axis whose moved plan is free, re-checked exactly.

    Args:
        forbidden: what the obstacles forbid, as open intervals.
        limits: least and greatest shift.
        move: the plan after a shift.
        checks: the exact checks that may be made.
        step: the precision; first step away from zero where the exact check still finds an overlap.

    Returns:
        The shift, or why there is none.
    """
    best: float | None = None
    points = free_points(forbidden, limits)
    for point in points:
        if best is not None and abs(point) >= abs(best):
            break

        def ok(shift: float) -> bool:
            return limits[0] <= shift <= limits[1] and checks.passes(lambda: move(shift))

        shift = push_out(point, 1.0 if point >= 0 else -1.0, ok, step)
        if shift is not None and (best is None or abs(shift) < abs(best)):
            best = shift
    if best is not None:
        return Found(best)
    if checks.left == 0:
        why = f"none was found in {checks.most} exact checks; ask with smaller limits or a simpler plan"
    elif points:
        why = "every gap within the limits is too small"
    else:
        why = "everything within the limits is taken"
    return Found(None, why)


def push_out(start: float, away: float, ok: Callable[[float], bool], step: float) -> float | None:
    """The first value from ``start`` on, in one direction, that passes; to a precision of ``step``.

    Args:
        start: where to begin.
        away: 1.0 or -1.0.
        ok: the exact check.
        step: the precision and the first step; steps double until one passes, then the gap is halved.

    Returns:
        A value that passed, or None.
    """
    if ok(start):
        return start
    bad, size = start, step
    for _ in range(_MAX_NUDGES):
        good = bad + away * size
        if ok(good):
            break
        bad, size = good, size * 2
    else:
        return None
    while abs(good - bad) > step:
        middle = (good + bad) / 2
        if ok(middle):
            good = middle
        else:
            bad = middle
    return good
