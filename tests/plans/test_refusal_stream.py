"""The stream against the questions, by random acts: all that changed is told, and nothing else."""

import asyncio
import contextlib
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import ConflictingPlan
from detente.plans import refusal_store
from detente.plans.listening import EventLimits
from detente.plans.model import PlanState, QueryBody, Sharing, StateBody
from detente.plans.refusal_model import RefusalQuery
from detente.plans.refusal_store import Bounds
from tests.plans.conftest import ALPHA, BRAVO, World, body, circle, principal
from tests.plans.hearing import Ear

pytestmark = pytest.mark.pg
PARTIES = (ALPHA, BRAVO, principal("charlie"), principal("delta"))


async def knows(world, who):
    """All that a viewer can ask for: its refusals and plans, by id."""
    refusals = (await world.refusals.query(who, RefusalQuery(limit=200))).refusals
    plans = (await world.questions.query(who, QueryBody(states=tuple(PlanState), limit=1_000))).plans
    return {one.refusal_id: one for one in refusals}, {one.plan_id: one for one in plans}


ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"),
            st.integers(0, 2),
            st.integers(0, 1),
            st.booleans(),
            st.sampled_from(list(Sharing)),
        ),
        st.tuples(st.just("state"), st.integers(0, 2), st.integers(0, 1), st.booleans(), st.none()),
        st.tuples(st.just("forget"), st.just(0), st.just(0), st.just(0), st.none()),
    ),
    min_size=4,
    max_size=14,
)


class Play:
    """Acts of three parties on two plans each, at one place where they conflict and at others."""

    def __init__(self, world):
        self.world = world
        self.world.refusals._bounds = Bounds(of_a_plan=2)
        self.ids = {(party, n): str(uuid.uuid4()) for party in range(3) for n in range(2)}

    async def act(self, act):
        kind, party, n, flag, sharing = act
        self.world.now_ms += 1_000
        who, plan_id = PARTIES[party], self.ids[party, n]
        row = await self.world.pool.fetchrow("SELECT version, state FROM plan WHERE plan_id = $1", plan_id)
        if kind == "forget":
            await refusal_store.forget(self.world.pool, 2**60, 1)
        elif row is not None and row["state"] == "ended":
            return
        elif kind == "state":
            if row is not None:
                state = PlanState.ACTIVATED if flag and row["state"] == "accepted" else PlanState.ENDED
                await self._try(self.world.enter(who, plan_id, StateBody(state), row["version"]))
        else:
            place = circle() if flag else circle(lat=50.0 + party * 2 + n)
            version = None if row is None else row["version"]
            await self._try(
                self.world.declare(who, body(place, sharing=sharing), plan_id, expected_version=version)
            )

    async def _try(self, act):
        with contextlib.suppress(ConflictingPlan):
            await act


def apply(known, events):
    refusals, plans = dict(known[0]), dict(known[1])
    for event in events:
        if event.name == "refusal":
            refusals[event.data.refusal_id] = event.data
        elif event.name == "refusal_gone":
            refusals.pop(event.data.refusal_id, None)
        elif event.name == "plan":
            plans[event.data.plan_id] = event.data
        else:
            plans.pop(event.data.plan_id, None)
    return refusals, plans


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS, st.integers(1, 4))
async def test_the_stream_and_the_questions_agree_and_silence_means_that_nothing_changed(pg_pool, acts, page):
    await pg_pool.execute("TRUNCATE plan, plan_cell, plan_refusal, plan_refusal_way, feed_note")
    world = World(pg_pool)
    play = Play(world)
    limits = EventLimits(page=page)
    ears = [await Ear(world, who).open(limits) for who in PARTIES]
    start = ears[0].since
    known = [await knows(world, who) for who in PARTIES]
    at_first, ever = list(known), [set() for _ in PARTIES]
    for act in acts:
        await play.act(act)
        for n, ear in enumerate(ears):
            before, now = known[n], await knows(world, ear.who)
            events = await ear.events()
            assert apply(before, events) == now, "all that changed is told"
            if before == now:
                assert events == [], "of what does not change for a viewer, nothing is told"
            for event in events:
                if event.name == "refusal_gone":
                    assert event.data.refusal_id in before[0], "gone is only what could be known just before"
            known[n] = now
            ever[n] |= set(now[0]) | set(now[1])
    # Who comes back later than all of it is told what is left of it, and never of what it never could know.
    for n, ear in enumerate(ears):
        events = await ear.events(start)
        assert apply(at_first[n], events) == known[n]
        for event in events:
            one = event.data
            assert getattr(one, "refusal_id", None) or one.plan_id in ever[n]
            if event.name.startswith("refusal"):
                assert one.refusal_id in ever[n]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=3, max_size=3))
async def test_nothing_is_missed_while_parties_act_at_once(pg_pool, many):
    await pg_pool.execute("TRUNCATE plan, plan_cell, plan_refusal, plan_refusal_way, feed_note")
    world = World(pg_pool)
    play = Play(world)
    ears = [await Ear(world, who).open(EventLimits(page=3)) for who in PARTIES]
    known = [await knows(world, who) for who in PARTIES]

    async def run(party, acts):
        for kind, _, n, flag, sharing in acts:
            await play.act((kind, party, n, flag, sharing))

    async def listen(n, is_done):
        while True:
            was_done = is_done.is_set()
            known[n] = apply(known[n], await ears[n].events())
            if was_done:
                return
            await asyncio.sleep(0.01)

    is_done = asyncio.Event()
    listening = [asyncio.create_task(listen(n, is_done)) for n in range(len(PARTIES))]
    await asyncio.gather(*(run(party, acts) for party, acts in enumerate(many)))
    is_done.set()
    await asyncio.gather(*listening)
    for n, who in enumerate(PARTIES):
        assert known[n] == await knows(world, who)
