"""The verbs on a real database."""

import pytest

from detente.errors import ConflictingPlan
from detente.plans.model import OwnPlans, PlanState, Sharing, StateBody
from tests.plans.conftest import ALPHA, BRAVO, body, circle


async def test_a_free_plan_is_accepted_and_read_back(world):
    view = await world.declare(ALPHA, body(title="survey"))
    assert (view["state"], view["version"], view["is_mine"]) == ("accepted", 1, True)
    found = await world.questions.find(ALPHA, view["plan_id"])
    assert found.title == "survey"


async def test_an_overlapping_plan_is_refused_with_who_where_when_and_how_deep(world):
    await world.declare(ALPHA, body())
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO, body(circle(lon=8.01)), ways_out=True)
    (conflict,) = refused.value.members["conflicts"]
    assert conflict.party_id == "alpha"
    assert conflict.horizontal_depth_m == pytest.approx(1000 - 761.2, abs=2)
    assert conflict.vertical_depth_m == pytest.approx(100)
    assert conflict.time_depth_s == pytest.approx(1800)
    ways = refused.value.members["ways_out"]
    assert {w.kind.value for w in ways.offers} == {"time", "height", "sideways"}
    by_kind = {way.kind.value: way for way in ways.offers}
    assert by_kind["time"].shift_s == 1800
    assert by_kind["height"].shift_up_m == pytest.approx(100)
    assert by_kind["sideways"].shift_east_m == pytest.approx(conflict.horizontal_depth_m, abs=0.5)


async def test_only_the_owner_sees_whether_own_plans_are_checked(world):
    made = await world.declare(ALPHA, body(own_plans=OwnPlans.IGNORE, sharing=Sharing.FULL))
    assert made["own_plans"] == "ignore"
    assert (await world.questions.find(ALPHA, made["plan_id"])).own_plans is OwnPlans.IGNORE
    assert (await world.questions.find(BRAVO, made["plan_id"])).own_plans is None
    ended = await world.enter(ALPHA, made["plan_id"], StateBody(PlanState.ENDED), 1)
    assert ended["own_plans"] == "ignore"
