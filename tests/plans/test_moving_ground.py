"""What happens when a plan moves on between reading and writing, and when a request comes again late."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from detente.errors import BadInput, ConflictingPlan, ForbiddenTransition, KeyReused, NotAllowed, StaleVersion
from detente.plans import store
from detente.plans.model import PlanState, StateBody
from tests.plans.conftest import ALPHA, BRAVO, T0, body, circle


def in_between(monkeypatch, act):
    """Do ``act`` once, after a plan was read and before anything is decided on what was read."""
    read = store.find
    left = [act]

    async def find(pool, plan_id):
        row = await read(pool, plan_id)
        if left:
            await left.pop()()
        return row

    monkeypatch.setattr(store, "find", find)


async def test_a_plan_that_ended_meanwhile_is_not_activated(world, monkeypatch):
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    in_between(monkeypatch, lambda: world.enter(ALPHA, plan_id, StateBody(PlanState.ENDED), 1))
    with pytest.raises(ForbiddenTransition):
        await world.enter(ALPHA, plan_id, StateBody(PlanState.ACTIVATED), 2)
    assert (await world.questions.find(ALPHA, plan_id)).state is PlanState.ENDED
    assert (await world.declare(BRAVO, body()))["version"] == 1


async def test_a_plan_that_moved_meanwhile_is_activated_where_it_is_now(world, monkeypatch):
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    moved = body(circle(lat=48.0))
    in_between(monkeypatch, lambda: world.declare(ALPHA, moved, plan_id, expected_version=1))
    active = await world.enter(ALPHA, plan_id, StateBody(PlanState.ACTIVATED), 2)
    assert (active["state"], active["version"]) == ("activated", 3)
    assert active["volumes"][0]["shape"]["center"]["lat_deg"] == 48.0
    assert (await world.declare(BRAVO, body()))["version"] == 1
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, moved)


async def test_a_plan_that_became_contingent_meanwhile_is_not_changed(world, monkeypatch):
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    in_between(monkeypatch, lambda: world.enter(ALPHA, plan_id, StateBody(PlanState.CONTINGENT), 1))
    with pytest.raises(ForbiddenTransition):
        await world.declare(ALPHA, body(circle(lat=48.0)), plan_id, expected_version=2)
    assert (await world.questions.find(ALPHA, plan_id)).state is PlanState.CONTINGENT


async def test_a_version_that_never_came_is_stale(world):
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    with pytest.raises(StaleVersion):
        await world.enter(ALPHA, plan_id, StateBody(PlanState.ACTIVATED), 2)


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_retry_gets_its_answer_though_the_plan_is_over(world, key):
    plan_id = str(uuid.uuid4())
    first = await world.declare(ALPHA, body(), plan_id, key=key)
    world.now_ms = int((T0 + timedelta(minutes=31)).timestamp() * 1000)
    assert await world.declare(ALPHA, body(), plan_id, key=key) == first
    with pytest.raises(BadInput):
        await world.declare(ALPHA, body(), str(uuid.uuid4()))


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_retry_gets_its_answer_though_the_party_may_claim_less_now(world, key):
    world.limits.by_party["alpha"] = 50
    plan_id = str(uuid.uuid4())
    first = await world.declare(ALPHA, body(priority=50), plan_id, key=key)
    world.limits.by_party["alpha"] = 0
    assert await world.declare(ALPHA, body(priority=50), plan_id, key=key) == first
    with pytest.raises(NotAllowed):
        await world.declare(ALPHA, body(circle(lat=48.0), priority=50))


async def test_a_key_stands_for_one_request_even_if_the_other_is_refused_for_itself(world):
    await world.declare(ALPHA, body(), key="k")
    past = datetime(2026, 11, 30, tzinfo=UTC)
    with pytest.raises(KeyReused):
        await world.declare(ALPHA, body(circle(start=past)), key="k")


async def test_two_requests_with_one_key_and_one_new_plan_are_told_apart(world):
    for number in range(20):
        plan_id, key = str(uuid.uuid4()), f"k{number}"
        low = number * 100.0
        asked = [body(circle(lower_m=low, upper_m=low + height)) for height in (40.0, 60.0)]
        answers = await asyncio.gather(
            *(world.declare(ALPHA, one, plan_id, key=key) for one in asked), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["KeyReused", "dict"]
