"""Bounds of plans in time, of questions, and of what a search for ways out may cost."""

import math
import tracemalloc
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import BadInput, ConflictingPlan, NotAllowed
from detente.geo.core import Kind
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Separation
from detente.plans.convex import MAX_CORNERS, convex_sum, pieces_of, simpler
from detente.plans.model import CheckBody, PlanVolume, QueryBody, Sharing, WaysOutLimits
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.volumes import to_ms
from detente.plans.ways_out import Obstacle
from detente.plans.ways_out_search import solve
from tests.plans.conftest import ALPHA, BRAVO, T0, body, circle

PREPARE = Neighbourhood().prepare
NOW_MS = to_ms(T0) - 600_000
YEAR_1 = datetime(1, 1, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("volumes", "field"),
    [
        ((circle(), circle(start=T0 + timedelta(days=31))), "volumes"),
        ((circle(start=YEAR_1), circle()), "volumes[0].start"),
        ((circle(), circle(start=T0 - timedelta(days=41))), "volumes[1].start"),
    ],
)
async def test_a_plan_as_a_whole_lasts_no_longer_than_a_month_and_began_lately(world, volumes, field):
    for ask in (
        lambda: world.declare(ALPHA, body(*volumes)),
        lambda: world.questions.check(ALPHA, CheckBody(volumes)),
    ):
        with pytest.raises(BadInput) as refused:
            await ask()
        assert refused.value.members["field"] == field
    assert await world.pool.fetchval("SELECT count(*) FROM statement") == 0


async def test_a_question_leaves_out_the_callers_own_plan_only(world):
    hidden = await world.declare(ALPHA, body(sharing=Sharing.CONFLICTS))
    own = await world.declare(BRAVO, body(circle(lat=48.0)))
    for plan_id in (hidden["plan_id"], own["plan_id"], None):
        asked = CheckBody(body().volumes, ignore_plan_id=plan_id)
        assert len((await world.questions.check(BRAVO, asked)).conflicts) == 1
    asked = CheckBody(body(circle(lat=48.0)).volumes, ignore_plan_id=own["plan_id"])
    assert (await world.questions.check(BRAVO, asked)).conflicts == ()


@pytest.mark.parametrize(
    "text", ["", "x y z", "5f0c1b1e-6d0a-4b0a-9c55-0d8f6f2a7c1", "5f0c1b1e6d0a4b0a9c550d8f6f2a7c11"]
)
def test_the_plan_that_a_question_leaves_out_is_a_uuid(text):
    with pytest.raises(msgspec.ValidationError, match="ignore_plan_id"):
        msgspec.convert(
            {"volumes": [msgspec.to_builtins(circle())], "ignore_plan_id": text}, CheckBody, strict=False
        )


async def test_a_question_claims_no_higher_priority_than_a_plan_may(world):
    world.limits.by_party.update(alpha=50, bravo=10)
    await world.declare(ALPHA, body(priority=37, sharing=Sharing.CONFLICTS))
    assert len((await world.questions.check(BRAVO, CheckBody(body().volumes, priority=10))).conflicts) == 1
    for priority in (11, 37, 38, 100):
        with pytest.raises(NotAllowed) as refused:
            await world.questions.check(BRAVO, CheckBody(body().volumes, priority=priority))
        assert refused.value.members["expected"] == "at most 10"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"lower_m": 200.0, "upper_m": 100.0}, "upper_m"),
        ({"area": Circle(LatLon(91.0, 8.0), 100.0)}, "area.center.lat_deg"),
        ({"area": Circle(LatLon(47.0, 8.0), 0.0)}, "area.radius_m"),
        ({"lower_m": 0.0, "upper_m": 100.0, "datum": Datum.AGL}, "datum"),
    ],
)
async def test_a_query_that_cannot_be_asked_names_its_own_members(world, members, field):
    with pytest.raises(BadInput) as refused:
        await world.questions.query(ALPHA, QueryBody(**{"area": Circle(LatLon(47.0, 8.0), 100.0), **members}))
    assert refused.value.members["field"] == field
    assert "asked-about" not in str(refused.value.detail) + str(refused.value.members)


@pytest.mark.parametrize("area", [None, Circle(LatLon(47.0, 8.0), 1_000.0)])
async def test_a_query_by_time_is_the_same_with_an_area_and_without(world, area):
    plan = await world.declare(ALPHA, body())
    end = datetime(1960, 1, 1, tzinfo=UTC)
    assert (await world.questions.query(ALPHA, QueryBody(area=area, end=end))).plans == ()
    found = await world.questions.query(ALPHA, QueryBody(area=area, start=YEAR_1))
    assert [one.plan_id for one in found.plans] == [plan["plan_id"]]
    instant = T0 + timedelta(microseconds=200)
    with pytest.raises(BadInput) as refused:
        await world.questions.query(
            ALPHA, QueryBody(area=area, start=instant, end=instant + timedelta(microseconds=1))
        )
    assert refused.value.members["field"] == "end"


async def test_a_refusal_is_told_as_one_though_no_way_out_can_be_looked_for(world):
    await world.declare(ALPHA, body(circle(lower_m=99_400.0, upper_m=99_900.0)))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO, body(circle(lower_m=99_500.0, upper_m=99_950.0)), ways_out=True)
    by_height = [offer for offer in refused.value.members["ways_out"].offers if offer.kind == "height"]
    assert [offer.shift_up_m for offer in by_height] == [] or by_height[0].volumes[0].upper_m <= 100_000.0
    await world.declare(ALPHA, body(circle(lat=0.0, lon=0.0, radius_m=100.0)))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO, body(circle(lat=0.0, lon=0.0, radius_m=300_000.0)), ways_out=True)
    none = {one.kind: one.why for one in refused.value.members["ways_out"].none}
    assert "reaches too far" in none["sideways"]
    assert {offer.kind for offer in refused.value.members["ways_out"].offers} == {"time", "height"}


async def test_an_offer_near_the_horizon_can_be_declared(world):
    last = datetime.fromtimestamp(world.now_ms / 1000, UTC) + timedelta(days=400) - timedelta(seconds=60)
    late = circle(start=last - timedelta(minutes=30))
    await world.declare(ALPHA, body(late))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO, body(late), ways_out=True)
    for offer in refused.value.members["ways_out"].offers:
        plan = await world.declare(BRAVO, body(*offer.volumes))
        assert plan["version"] == 1
        break
    assert all(
        to_ms(v.end) <= world.now_ms + 400 * 86_400_000
        for o in refused.value.members["ways_out"].offers
        for v in o.volumes
    )


def volume(shape, minutes=30):
    return PlanVolume(shape, 100.0, 200.0, T0, T0 + timedelta(minutes=minutes))


def flat(points, lat=47.0, lon=8.5):
    """Metres east and north of a place as positions."""
    scale = 111_200 * math.cos(math.radians(lat))
    return tuple(LatLon(lat + y / 111_200, lon + x / scale) for x, y in points)


def obstacles(*volumes):
    return [Obstacle(solid, Separation()) for solid in PREPARE(volumes)]


SIDEWAYS = WaysOutLimits(time_s=0.0, height_m=0.0, sideways_m=10_000.0)


@pytest.mark.parametrize("size", [1.0, 4.0])
def test_the_way_out_of_a_bay_leads_into_the_bay(size):
    bay = shapely.Point(0, 0).buffer(4_000 * size, quad_segs=16) - shapely.box(-1_500, -1_500, 99_000, 1_500)
    shore = obstacles(volume(Polygon(flat(shapely.get_coordinates(bay)[:-1]))))
    found = solve(PREPARE([volume(Circle(flat([(-1_300, 0)])[0], 500.0))]), shore, SIDEWAYS, NOW_MS, PREPARE)
    (offer,) = found.offers
    assert math.hypot(offer.shift_east_m, offer.shift_north_m) == pytest.approx(300.0, abs=3.0)


def test_outlines_of_ten_thousand_points_are_moved_apart_in_little_memory():
    angle = np.arange(10_000) * 2 * np.pi / 10_000
    round_ = np.column_stack((np.cos(angle), np.sin(angle))) * 3_000
    mine, other = (volume(Polygon(flat(round_ + shift))) for shift in ((0, 0), (0, 1_100)))
    solids, way = PREPARE([mine]), obstacles(other)
    tracemalloc.start()
    try:
        found = solve(solids, way, WaysOutLimits(), NOW_MS, PREPARE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {offer.kind for offer in found.offers} == {"time", "height", "sideways"}
    assert peak < 200_000_000


def test_a_search_that_would_take_too_long_says_so():
    rng = np.random.default_rng(1)

    def winding():
        path = np.cumsum(rng.normal(size=(20, 2)) * 300, axis=0) + rng.normal(size=2) * 1_500
        return volume(Corridor(flat(path), 200.0))

    found = solve(
        PREPARE([winding() for _ in range(256)]),
        obstacles(*(winding() for _ in range(256))),
        WaysOutLimits(),
        NOW_MS,
        PREPARE,
    )
    assert found.offers == ()
    assert {one.why for one in found.none} == {
        "too much lies within the limits; ask with smaller limits or a simpler plan"
    }


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_a_convex_sum_is_the_hull_of_all_sums(seed):
    rng = np.random.default_rng(seed)
    a, b = (
        pieces_of(Kind.AREA, _blob(rng), 1).corners[0] if rng.random() < 0.8 else rng.normal(size=(1, 2))
        for _ in range(2)
    )
    made = convex_sum(a, b)
    hull = shapely.convex_hull(shapely.multipoints((a[:, None] + b[None]).reshape(-1, 2)))
    assert shapely.hausdorff_distance(hull, shapely.convex_hull(shapely.multipoints(made))) < 1e-6
    assert len(made) <= max(1, len(a) + len(b))


@given(st.integers(0, 2**32), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_pieces_cover_their_core_and_no_more_unless_they_say_so(seed, most):
    rng = np.random.default_rng(seed)
    core = _star(rng)
    pieces = pieces_of(Kind.AREA, core, most)
    made = shapely.union_all([shapely.Polygon(piece) for piece in pieces.corners])
    area = shapely.Polygon(core)
    assert len(pieces.corners) <= max(1, most)
    assert shapely.area(area - made.buffer(0.05)) == pytest.approx(0.0, abs=1e-6)
    if pieces.is_exact:
        assert shapely.area(made - area.buffer(0.05)) == pytest.approx(0.0, abs=1e-6)
    enclosing = simpler(pieces)
    assert all(len(piece) <= MAX_CORNERS for piece in enclosing.corners)
    assert (
        shapely.area(area - shapely.union_all([shapely.Polygon(p) for p in enclosing.corners]).buffer(0.05))
        < 1e-6
    )


def _blob(rng):
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 200))))
    return np.column_stack((np.cos(angle), np.sin(angle))) * rng.uniform(10, 5_000)


def _star(rng):
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 200))))
    radius = rng.uniform(0.4, 1.0, len(angle)) * rng.uniform(100, 5_000)
    return np.column_stack((np.cos(angle), np.sin(angle))) * radius[:, None]
