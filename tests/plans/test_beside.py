"""What own plans stand beside, a page at a time: the same as plan by plan, of own plans only, in bounds."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import BadInput
from detente.plans import beside, store
from detente.plans.model import ConflictsQuery, OwnPlans, PlanState, Sharing, StateBody
from tests.plans.conftest import ALPHA, BRAVO, T0, World, body, circle

pytestmark = pytest.mark.pg


async def all_pages(world, who, **query):
    found, cursor, pages = [], None, 0
    while True:
        page = await world.questions.query_conflicts(who, ConflictsQuery(cursor=cursor, **query))
        found += page.plans
        pages += 1
        cursor = page.next
        if cursor is None:
            return found, pages


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3), st.sampled_from(list(Sharing))),
        max_size=9,
    ),
    st.integers(1, 3),
)
async def test_all_pages_say_what_is_said_plan_by_plan(pg_pool, plans, limit):
    await pg_pool.execute("TRUNCATE plan, plan_cell")
    world = World(pg_pool)
    world.limits.by_party = {"alpha": 100, "bravo": 100}
    made = {ALPHA: [], BRAVO: []}
    for rank, (is_alpha, place, hour, sharing) in enumerate(plans):
        who = ALPHA if is_alpha else BRAVO
        volume = circle(lon=8.0 + place * 0.006, start=T0 + timedelta(minutes=20 * hour))
        # Each outranks those before it, so that all of them stand.
        declared = await world.declare(who, body(volume, priority=rank, sharing=sharing))
        made[who].append((declared["start"], declared["plan_id"]))
    for who, plan_ids in made.items():
        wanted = []
        for _, plan_id in sorted(plan_ids):
            conflicts = await world.questions.conflicts_of(who, plan_id)
            if conflicts:
                wanted.append((plan_id, conflicts))
        found, _ = await all_pages(world, who, limit=limit)
        assert [(one.plan_id, one.conflicts) for one in found] == wanted
        assert all(one.is_complete for one in found)


async def pair(world, lat, start=T0):
    """Two plans of one party at one place."""
    made = []
    for title in "ab":
        plan = body(circle(lat=lat, start=start), title=title, own_plans=OwnPlans.IGNORE)
        made.append(await world.declare(ALPHA, plan))
    return [one["plan_id"] for one in made]


async def test_times_and_states_narrow_and_what_has_ended_is_never_there(world):
    early = await pair(world, 47.0)
    late = await pair(world, 48.0, T0 + timedelta(hours=5))

    async def ids(**query):
        return {one.plan_id for one in (await all_pages(world, ALPHA, **query))[0]}

    assert await ids() == {*early, *late}
    assert await ids(start=T0 + timedelta(hours=1)) == set(late)
    assert await ids(end=T0 + timedelta(hours=1)) == set(early)
    await world.enter(ALPHA, early[0], StateBody(PlanState.CONTINGENT), 1)
    assert await ids(states=(PlanState.CONTINGENT,)) == {early[0]}
    await world.enter(ALPHA, late[0], StateBody(PlanState.ENDED), 1)
    assert await ids(states=tuple(PlanState)) == set(early)
    assert await all_pages(world, BRAVO) == ([], 1)


async def test_wrong_times_and_cursors_are_named(world):
    for wrong, field in (({"start": T0, "end": T0}, "end"), ({"cursor": "!"}, "cursor")):
        with pytest.raises(BadInput) as refused:
            await world.questions.query_conflicts(ALPHA, ConflictsQuery(**wrong))
        assert refused.value.members["field"] == field


async def test_a_page_examines_no_more_than_so_much_and_the_next_goes_on(world, monkeypatch):
    pairs = [await pair(world, 20.0 + n) for n in range(8)]
    asked, neighbours = [], store.neighbours

    async def counted(*args):
        rows = await neighbours(*args)
        asked.append(len(rows))
        return rows

    monkeypatch.setattr(store, "neighbours", counted)
    for name, value, most in (("MAX_PLANS", 3, 3), ("MAX_EXAMINED", 4, 3), ("MAX_TOLD", 2, 3)):
        with monkeypatch.context() as patch:
            patch.setattr(beside, name, value)
            found, cursor = [], None
            while True:
                asked.clear()
                page = await world.questions.query_conflicts(ALPHA, ConflictsQuery(cursor=cursor))
                assert len(asked) <= most, name
                found += [one.plan_id for one in page.plans]
                cursor = page.next
                if cursor is None:
                    break
            assert sorted(found) == sorted(itertools.chain(*pairs)), name


async def test_a_plan_beside_more_than_is_examined_says_so(world, monkeypatch):
    made = [(await world.declare(ALPHA, body(own_plans=OwnPlans.IGNORE)))["plan_id"] for _ in range(5)]
    monkeypatch.setattr(beside, "MAX_EXAMINED", 3)
    found, _ = await all_pages(world, ALPHA)
    assert sorted(one.plan_id for one in found) == sorted(made)
    assert {one.is_complete for one in found} == {False}
    assert {len(one.conflicts) for one in found} <= {2, 3}
