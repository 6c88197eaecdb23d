"""Ways out: each is free, none is larger than need be, none leads into the past; against brute force."""

import asyncio
import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detente.errors import ConflictingPlan
from detente.geo import moved, overlaps
from detente.geo.model import Circle, Datum, LatLon, Polygon, Separation
from detente.plans.model import PlanState, PlanVolume, StateBody, WaysOutLimits
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.volumes import to_ms, to_volume
from detente.plans.ways_out import Obstacle
from detente.plans.ways_out_search import solve
from tests.geo.oracle import at, draw
from tests.plans.conftest import ALPHA, BRAVO, T0, body, circle

PREPARE = Neighbourhood().prepare
LIMITS = WaysOutLimits(time_s=1_800.0, height_m=300.0, sideways_m=3_000.0)
NOW_MS = to_ms(T0) - 600_000
KEPT = Separation(150.0, 20.0, 90.0)
FEW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
PLACES = [(47.0, 8.5), (-33.0, 179.999), (78.0, 15.0)]


def is_free(volumes, obstacles):
    solids = PREPARE(volumes)
    return not any(overlaps(s, o.solid, o.separation) for s in solids for o in obstacles)


def some_volume(rng, place, *, is_round=False):
    start = T0 + timedelta(seconds=int(rng.integers(0, 1_500)))
    lower_m = float(rng.integers(0, 300))
    shape = draw(rng, *place, 900.0, 700.0)
    while is_round and not isinstance(shape, Circle | Polygon):
        shape = draw(rng, *place, 900.0, 700.0)
    return PlanVolume(
        shape=shape,
        lower_m=lower_m,
        upper_m=lower_m + float(rng.integers(20, 120)),
        start=start,
        end=start + timedelta(seconds=int(rng.integers(120, 1_500))),
        datum=[Datum.WGS84, Datum.WGS84, Datum.AMSL][int(rng.integers(3))],
    )


@st.composite
def scenes(draw_, *, is_round=False):
    """The volumes of a plan, and everything in its way."""
    rng = np.random.default_rng(draw_(st.integers(0, 2**32)))
    place = draw_(st.sampled_from(PLACES))
    mine = tuple(some_volume(rng, place, is_round=is_round) for _ in range(draw_(st.integers(1, 2))))
    crowd = [some_volume(rng, place, is_round=is_round) for _ in range(draw_(st.integers(1, 12)))]
    kept = draw_(st.sampled_from([Separation(), KEPT]))
    obstacles = [Obstacle(solid, kept) for solid in PREPARE(crowd)]
    assume(not is_free(mine, obstacles))
    return mine, obstacles


def answer_of(mine, obstacles, limits=LIMITS, now_ms=NOW_MS):
    """The offers by kind, each of them checked for what holds of all; and why a kind has none."""
    found = solve(PREPARE(mine), obstacles, limits, now_ms, PREPARE)
    offers = {offer.kind.value: offer for offer in found.offers}
    none = {one.kind.value: one.why for one in found.none}
    assert set(offers) | set(none) == {"time", "height", "sideways"}
    assert not set(offers) & set(none)
    assert all(none.values())
    for offer in offers.values():
        assert is_free(offer.volumes, obstacles)
        assert abs(offer.shift_s) <= limits.time_s
        assert abs(offer.shift_up_m) <= limits.height_m
        assert math.hypot(offer.shift_east_m, offer.shift_north_m) <= limits.sideways_m
    sizes = [
        abs(o.shift_s) / limits.time_s
        + abs(o.shift_up_m) / limits.height_m
        + math.hypot(o.shift_east_m, o.shift_north_m) / limits.sideways_m
        for o in found.offers
    ]
    assert sizes == sorted(sizes)
    return offers, none


def shifted(mine, **how):
    origin = PREPARE(mine)[len(mine) // 2].center
    volumes = []
    for volume in mine:
        there = moved(to_volume(volume), origin=origin, **how)
        volumes.append(
            PlanVolume(
                there.shape,
                there.lower_m,
                there.upper_m,
                volume.start + timedelta(milliseconds=how.get("shift_ms", 0)),
                volume.end + timedelta(milliseconds=how.get("shift_ms", 0)),
                there.datum,
            )
        )
    return tuple(volumes)


@FEW
@given(scenes())
def test_no_smaller_shift_in_time_is_free(scene):
    mine, obstacles = scene
    offers, _ = answer_of(mine, obstacles)
    earliest_s = max(-LIMITS.time_s, min(0.0, (NOW_MS - min(to_ms(v.start) for v in mine)) / 1_000))
    reach_s = abs(offers["time"].shift_s) if "time" in offers else LIMITS.time_s + 1
    for s in range(int(earliest_s), int(LIMITS.time_s) + 1, 3):
        if abs(s) < reach_s:
            assert not is_free(shifted(mine, shift_ms=s * 1_000), obstacles), s


@FEW
@given(scenes())
def test_no_smaller_shift_in_height_is_free(scene):
    mine, obstacles = scene
    offers, _ = answer_of(mine, obstacles)
    lowest_m = max(-LIMITS.height_m, min(0.0, -min(v.lower_m for v in mine)))
    reach_m = abs(offers["height"].shift_up_m) - 0.02 if "height" in offers else LIMITS.height_m + 1
    for up_m in np.arange(lowest_m, LIMITS.height_m, 0.75):
        if abs(up_m) < reach_m:
            assert not is_free(shifted(mine, up_m=float(up_m)), obstacles), up_m


@FEW
@given(scenes(is_round=True))
def test_no_shift_sideways_is_free_that_is_smaller_by_more_than_a_hundredth_and_a_metre(scene):
    check_sideways(*scene, rings=25, step_deg=6)


@pytest.mark.parametrize(
    ("seed", "place", "size", "crowd", "kept"),
    [
        (80, PLACES[2], 1, 9, Separation()),
        (191, PLACES[2], 2, 12, KEPT),
        (309, PLACES[0], 2, 10, Separation()),
    ],
)
def test_a_notch_in_what_is_taken_is_not_stepped_over(*, seed, place, size, crowd, kept):
    # Found by the test above: there was hardly any room around the nearest free point.
    rng = np.random.default_rng(seed)
    mine = tuple(some_volume(rng, place, is_round=True) for _ in range(size))
    taken = PREPARE([some_volume(rng, place, is_round=True) for _ in range(crowd)])
    check_sideways(mine, [Obstacle(solid, kept) for solid in taken], rings=60, step_deg=3)


def check_sideways(mine, obstacles, *, rings, step_deg):
    """Hold the way out sideways against shifts in all directions."""
    offers, none = answer_of(mine, obstacles)
    if "sideways" in offers:
        found = offers["sideways"]
        reach_m = math.hypot(found.shift_east_m, found.shift_north_m) / 1.01 - 1.0
    else:
        reach_m = LIMITS.sideways_m
        assert none["sideways"]
    for away_m in np.linspace(1.0, reach_m, rings) if reach_m > 1.0 else ():
        for azimuth in np.radians(np.arange(0, 360, step_deg)):
            east_m, north_m = float(away_m * np.sin(azimuth)), float(away_m * np.cos(azimuth))
            volumes = shifted(mine, east_m=east_m, north_m=north_m)
            assert not is_free(volumes, obstacles), (east_m, north_m, reach_m)


def box(lower_m, upper_m, *, radius_m=500.0, start_s=0, end_s=600):
    start = T0 + timedelta(seconds=start_s)
    return PlanVolume(
        Circle(LatLon(47.0, 8.5), radius_m), lower_m, upper_m, start, T0 + timedelta(seconds=end_s)
    )


def in_the_way(*volumes, kept=Separation()):  # noqa: B008 - frozen
    return [Obstacle(solid, kept) for solid in PREPARE(volumes)]


def test_an_earlier_start_is_offered_when_it_is_nearer_and_not_in_the_past():
    mine, crowd = (box(100.0, 200.0),), in_the_way(box(100.0, 200.0, start_s=400, end_s=1_400))
    offers, _ = answer_of(mine, crowd)
    assert offers["time"].shift_s == -200
    offers, _ = answer_of(mine, crowd, now_ms=to_ms(T0) - 199_000)
    assert offers["time"].shift_s == 1_400
    # A plan that has begun may be moved later only.
    offers, _ = answer_of(mine, crowd, now_ms=to_ms(T0) + 60_000)
    assert offers["time"].shift_s == 1_400


def test_a_gap_that_fits_exactly_is_taken_and_one_a_hair_too_small_is_not():
    mine = (box(100.0, 200.0),)
    below, above = box(90.0, 220.0), box(320.0, 2_000.0)
    offers, _ = answer_of(mine, in_the_way(below, above))
    assert offers["height"].shift_up_m == pytest.approx(120.0, abs=0.02)
    offers, none = answer_of(mine, in_the_way(below, box(319.9, 2_000.0)))
    assert "height" not in offers
    assert "too small" in none["height"] or "taken" in none["height"]


def test_a_separation_is_kept_by_the_way_out():
    mine = (box(100.0, 200.0),)
    offers, _ = answer_of(mine, in_the_way(box(100.0, 200.0), kept=KEPT))
    assert offers["time"].shift_s == pytest.approx(690.0, abs=0.01)
    assert offers["height"].shift_up_m == pytest.approx(120.0, abs=0.02)
    found = offers["sideways"]
    assert math.hypot(found.shift_east_m, found.shift_north_m) == pytest.approx(1_150.0, abs=2.0)


def test_nothing_within_the_limits_says_why():
    mine = (box(100.0, 200.0),)
    everywhere = box(0.0, 5_000.0, radius_m=20_000.0, start_s=-4_000, end_s=9_000)
    offers, none = answer_of(mine, in_the_way(everywhere))
    assert offers == {}
    assert none == dict.fromkeys(("time", "height", "sideways"), "everything within the limits is taken")
    tight = WaysOutLimits(time_s=0.0, height_m=50.0, sideways_m=100.0)
    found = solve(PREPARE(mine), in_the_way(box(100.0, 200.0)), tight, NOW_MS, PREPARE)
    assert {one.kind.value: one.why for one in found.none} == {
        "time": "its limit is zero",
        "height": "everything within the limits is taken",
        "sideways": "everything within the limits is taken",
    }


def test_no_way_out_leads_below_the_datum():
    mine = (box(10.0, 60.0),)
    offers, _ = answer_of(mine, in_the_way(box(20.0, 200.0)))
    assert offers["height"].shift_up_m == pytest.approx(190.0, abs=0.02)


@pytest.mark.parametrize("seed", range(4))
async def test_each_offer_of_a_refusal_can_be_declared_as_it_is(world, seed):
    rng = np.random.default_rng(seed)
    for _ in range(25):
        spot = at(47.0, 8.0, rng.uniform(0, 360), 1_500 * math.sqrt(rng.random()))
        lower_m = float(rng.integers(0, 8) * 50)
        volume = circle(
            spot.lat_deg, spot.lon_deg, float(rng.uniform(100, 500)), lower_m, lower_m + 60,
            T0 + timedelta(minutes=int(rng.integers(0, 60))),
        )  # fmt: skip
        try:
            await world.declare(ALPHA, body(volume))
        except ConflictingPlan:
            continue
    tried = 0
    for _ in range(12):
        lower_m = float(rng.integers(0, 8) * 50)
        wanted = body(
            circle(47.0, 8.0, 600.0, lower_m, lower_m + 90, T0 + timedelta(minutes=int(rng.integers(0, 60))))
        )
        (answer,) = await asyncio.gather(world.declare(BRAVO, wanted, ways_out=True), return_exceptions=True)
        if not isinstance(answer, ConflictingPlan):
            await world.enter(BRAVO, answer["plan_id"], StateBody(PlanState.ENDED), 1)
            continue
        for offer in answer.members["ways_out"].offers:
            tried += 1
            plan = await world.declare(BRAVO, body(*offer.volumes))
            await world.enter(BRAVO, plan["plan_id"], StateBody(PlanState.ENDED), 1)
    assert tried > 6
