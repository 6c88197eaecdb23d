"""What plans meet, for the program itself: OVNs whatever is shared, own plans as the plan says."""

import pytest

from detente.plans.met import MetPlans
from detente.plans.model import OwnPlans, PlanState, Sharing, StateBody
from detente.plans.rules import Standing
from tests.plans.conftest import ALPHA, BRAVO, body, circle

pytestmark = pytest.mark.pg


@pytest.fixture
def met(world):
    world.limits.by_party = {"alpha": 100, "bravo": 100}
    return MetPlans(world.pool, world.neighbourhood, world.separations)


async def test_a_plan_meets_what_shares_a_piece_with_it_whatever_is_shown(world, met):
    mine = await world.declare(ALPHA, body())
    theirs = await world.declare(BRAVO, body(priority=9, sharing=Sharing.CONFLICTS))
    await world.declare(BRAVO, body(circle(lat=47.02)))  # near, but apart
    row = await world.pool.fetchrow("SELECT ovn FROM plan WHERE plan_id = $1", theirs["plan_id"])
    found = await met.of_plan(mine["plan_id"])
    assert [one.standing.plan_id for one in found.met] == [theirs["plan_id"]]
    assert found.ovns() == {row["ovn"]}
    assert found.met[0].sharing is Sharing.CONFLICTS


async def test_own_plans_count_only_where_the_plan_is_checked_against_them(world, met):
    first = await world.declare(ALPHA, body())
    second = await world.declare(ALPHA, body(own_plans=OwnPlans.IGNORE))
    assert (await met.of_plan(second["plan_id"])).met == ()
    assert [one.standing.plan_id for one in (await met.of_plan(first["plan_id"])).met] == [second["plan_id"]]


async def test_what_is_not_in_force_meets_nothing(world, met):
    plan = await world.declare(ALPHA, body())
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 1)
    assert await met.of_plan(plan["plan_id"]) is None
    assert await met.near(plan["plan_id"], "alpha") == ()
    assert await met.of_plan("00000000-0000-4000-8000-00000000000a") is None


async def test_a_body_meets_what_it_would_and_not_the_plan_that_it_is(world, met):
    mine = await world.declare(ALPHA, body())
    theirs = await world.declare(BRAVO, body(circle(lat=48.0)))
    moved = body(circle(lat=48.0))
    standing = Standing(mine["plan_id"], "", "alpha", PlanState.ACCEPTED, 0)
    found = await met.of_body(standing, moved, is_strict=True)
    assert [one.standing.plan_id for one in found.met] == [theirs["plan_id"]]
    assert (await met.of_body(standing, body(), is_strict=True)).met == ()


async def test_near_are_the_plans_of_one_party_and_never_the_plan_itself(world, met):
    mine = await world.declare(ALPHA, body())
    theirs = await world.declare(BRAVO, body(priority=9))
    assert await met.near(theirs["plan_id"], "alpha") == (mine["plan_id"],)
    assert await met.near(theirs["plan_id"], "bravo") == ()
    assert await met.near(mine["plan_id"], "alpha") == ()
