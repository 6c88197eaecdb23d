"""Looks for ways out of a conflict: gathers what is near, solves each kind, offers the smallest."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from detente.errors import TooLarge
from detente.geo import Solid, cover, moved
from detente.geo.frame import Frame
from detente.geo.index import Rows, add_rows, no_rows, reach_of
from detente.geo.limits import MAX_ALTITUDE_M
from detente.geo.model import LatLon, Separation, Volume
from detente.plans import store
from detente.plans.closures import Closures
from detente.plans.model import NoWayOut, PlanVolume, WayOut, WayOutKind, WaysOut, WaysOutLimits
from detente.plans.neighbourhood import Neighbourhood, Subject
from detente.plans.rules import NO_SEPARATION, SeparationRules, blocks, separation_between, widest_separation
from detente.plans.sideways import smallest_sideways
from detente.plans.volumes import latest_end_ms, to_plan_volume
from detente.plans.ways_out import (
    MAX_WORK,
    Checks,
    Found,
    Obstacle,
    forbidden_heights,
    forbidden_times,
    in_place_pairs,
    smallest_shift,
    work_of,
)
from detente.store import Pool

MAX_OBSTACLES = 2_000
"""The most plans, and the most zones, that are examined for a way out."""
_LOWEST_M = 0.0
"""No way out leads below this in the plan's own datum; the ground is not known."""
_HEIGHT_STEP_M = 0.01


class _Problem(Struct, frozen=True):
    """One search: the plan and everything in its way within the limits."""

    solids: tuple[Solid, ...]
    obstacles: list[Obstacle]
    limits: WaysOutLimits
    now_ms: int
    work: int
    """What one exact check costs."""

    def checks(self) -> Checks:
        """The exact checks that one kind of shift may make."""
        return Checks(self.obstacles, self.work)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        return tuple(solid.volume for solid in self.solids)

    @property
    def origin(self) -> LatLon:
        return self.solids[len(self.solids) // 2].center


class WaysOutSearch:
    """Finds ways out of a refusal.

    Args:
        pool: database connections.
        neighbourhood: exact examination.
        closures: zones that close the air.
        now_ms: the clock; no way out starts in the past.
    """

    def __init__(
        self, pool: Pool, neighbourhood: Neighbourhood, closures: Closures, now_ms: Callable[[], int]
    ) -> None:
        self._pool = pool
        self._neighbourhood = neighbourhood
        self._closures = closures
        self._now_ms = now_ms

    async def search(
        self,
        subject: Subject,
        volumes: Sequence[PlanVolume],
        rules: SeparationRules,
        knows: frozenset[str],
        limits: WaysOutLimits,
    ) -> WaysOut:
        """The smallest shift of each kind, smallest part of its limit first; and why a kind has none.

        Args:
            subject: the refused plan.
            volumes: its volumes, as declared or as they stand.
            rules: how far parties keep apart.
            knows: OVNs that are accepted knowingly, so are no obstacle.
            limits: how far a shift may go.
        """
        solids = subject.solids or self._neighbourhood.prepare(volumes)
        search, impossible = _search_rows(solids, widest_separation(rules, subject.standing.party_id), limits)
        found = await store.neighbours(self._pool, search, MAX_OBSTACLES + 1)
        rows = await self._neighbourhood.complete(found, is_strict=False)
        closed = await self._closures.obstacles(subject, search, knows, MAX_OBSTACLES)
        if len(rows) > MAX_OBSTACLES or closed is None:
            why = f"more than {MAX_OBSTACLES} plans or zones lie within the limits; ask with smaller limits"
            return WaysOut((), tuple(NoWayOut(kind, why) for kind in WayOutKind), limits)

        def among() -> WaysOut:
            obstacles = [
                Obstacle(solid, separation_between(rules, subject.standing.party_id, row.standing.party_id))
                for row in rows
                if blocks(subject.standing, row.standing, knows=knows, own_plans=subject.own_plans)
                for solid in self._neighbourhood.neighbour(row).solids
            ]
            obstacles += [Obstacle(solid, NO_SEPARATION) for solid in closed]
            prepare = self._neighbourhood.prepare
            return solve(solids, obstacles, limits, self._now_ms(), prepare, impossible=impossible)

        return await asyncio.to_thread(among)


def _search_rows(
    solids: Sequence[Solid], separation: Separation, limits: WaysOutLimits
) -> tuple[Rows, dict[WayOutKind, str]]:
    """Where to look for obstacles, and the kinds of shift that reach too far to look."""
    base = reach_of(separation)
    far = base.sideways_m + limits.sideways_m
    impossible: dict[WayOutKind, str] = {}
    try:
        wide = [cover(solid, far) for solid in solids]
    except TooLarge as too_large:
        impossible[WayOutKind.SIDEWAYS] = f"it reaches too far: {too_large.detail}"
        far, wide = base.sideways_m, []
    near = wide if far == base.sideways_m and wide else [cover(solid, base.sideways_m) for solid in solids]
    in_time = replace(base, time_ms=base.time_ms + math.ceil(limits.time_s * 1000))
    in_height = replace(base, height_m=base.height_m + limits.height_m)
    rows = no_rows()
    for i, solid in enumerate(solids):
        add_rows(rows, solid, i, in_time, near[i])
        add_rows(rows, solid, i, in_height, near[i])
        if wide:
            add_rows(rows, solid, i, replace(base, sideways_m=far), wide[i])
    return rows, impossible


def solve(
    solids: tuple[Solid, ...],
    obstacles: list[Obstacle],
    limits: WaysOutLimits,
    now_ms: int,
    prepare: Callable[[Sequence[PlanVolume]], tuple[Solid, ...]],
    *,
    impossible: Mapping[WayOutKind, str] = {},
) -> WaysOut:
    """Solve every kind among known obstacles; pure.

    Args:
        solids: the plan's prepared volumes.
        obstacles: every volume within the limits that blocks.
        limits: how far a shift may go.
        now_ms: no way out starts before this, unless the plan already does.
        prepare: prepares moved volumes.
        impossible: kinds that are not to be tried, and why.
    """
    problem = _Problem(solids, obstacles, limits, now_ms, work_of(solids, obstacles))
    if problem.work > MAX_WORK:
        why = "too much lies within the limits; ask with smaller limits or a simpler plan"
        return WaysOut((), tuple(NoWayOut(kind, why) for kind in WayOutKind), limits)
    offers: list[tuple[float, WayOut]] = []
    none: list[NoWayOut] = []
    for kind, limit, solver in (
        (WayOutKind.TIME, limits.time_s, _in_time),
        (WayOutKind.HEIGHT, limits.height_m, _in_height),
        (WayOutKind.SIDEWAYS, limits.sideways_m, _sideways),
    ):
        if kind in impossible:
            found: WayOut | str = impossible[kind]
        else:
            found = solver(problem, prepare) if limit > 0 else "its limit is zero"
        if isinstance(found, str):
            none.append(NoWayOut(kind, found))
        else:
            offers.append((_size(found) / limit, found))
    offers.sort(key=lambda offer: offer[0])
    return WaysOut(tuple(offer for _, offer in offers), tuple(none), limits)


def _size(way: WayOut) -> float:
    return abs(way.shift_s) + abs(way.shift_up_m) + math.hypot(way.shift_east_m, way.shift_north_m)


def _offer(
    problem: _Problem,
    kind: WayOutKind,
    *,
    ms: int = 0,
    up_m: float = 0.0,
    east_m: float = 0.0,
    north_m: float = 0.0,
) -> WayOut:
    volumes = tuple(
        moved(volume, shift_ms=ms, up_m=up_m, east_m=east_m, north_m=north_m, origin=problem.origin)
        for volume in problem.volumes
    )
    return WayOut(
        kind=kind,
        shift_s=ms / 1000,
        shift_up_m=up_m,
        shift_east_m=east_m,
        shift_north_m=north_m,
        volumes=tuple(to_plan_volume(volume) for volume in volumes),
    )


_Prepare = Callable[[Sequence[PlanVolume]], tuple[Solid, ...]]


def _in_time(problem: _Problem, prepare: _Prepare) -> WayOut | str:  # noqa: ARG001 - one shape for all solvers
    reach_ms = problem.limits.time_s * 1000
    start_ms = min(volume.start_ms for volume in problem.volumes)
    end_ms = max(volume.end_ms for volume in problem.volumes)
    latest_ms = float(latest_end_ms(problem.now_ms) - end_ms)
    limits = (
        max(-reach_ms, min(0.0, float(problem.now_ms - start_ms))),
        min(reach_ms, max(0.0, latest_ms)),
    )

    def move(shift: float) -> list[Solid]:
        ms = _whole_ms(shift)
        return [replace(solid, volume=moved(solid.volume, shift_ms=ms)) for solid in problem.solids]

    found = smallest_shift(
        forbidden_times(problem.solids, problem.obstacles), limits, move, problem.checks(), 1.0
    )
    if found.shift is None:
        return found.why
    return _offer(problem, WayOutKind.TIME, ms=_whole_ms(found.shift))


def _whole_ms(shift: float) -> int:
    return math.ceil(shift) if shift >= 0 else math.floor(shift)


def _in_height(problem: _Problem, prepare: _Prepare) -> WayOut | str:
    lowest = min(volume.lower_m for volume in problem.volumes)
    highest = max(volume.upper_m for volume in problem.volumes)
    limits = (
        max(-problem.limits.height_m, min(0.0, _LOWEST_M - lowest)),
        min(problem.limits.height_m, max(0.0, MAX_ALTITUDE_M - highest)),
    )

    def move(shift: float) -> tuple[Solid, ...]:
        return prepare(_offer(problem, WayOutKind.HEIGHT, up_m=shift).volumes)

    found: Found = smallest_shift(
        forbidden_heights(problem.solids, problem.obstacles), limits, move, problem.checks(), _HEIGHT_STEP_M
    )
    if found.shift is None:
        return found.why
    return _offer(problem, WayOutKind.HEIGHT, up_m=found.shift)


def _sideways(problem: _Problem, prepare: _Prepare) -> WayOut | str:
    def move(east_m: float, north_m: float) -> tuple[Solid, ...]:
        return prepare(_offer(problem, WayOutKind.SIDEWAYS, east_m=east_m, north_m=north_m).volumes)

    frame = Frame.at(problem.origin.lat_deg, problem.origin.lon_deg)
    pairs = in_place_pairs(problem.solids, problem.obstacles)
    found = smallest_sideways(pairs, problem.limits.sideways_m, frame, move, problem.checks())
    if found.why:
        return found.why
    return _offer(problem, WayOutKind.SIDEWAYS, east_m=found.east_m, north_m=found.north_m)
