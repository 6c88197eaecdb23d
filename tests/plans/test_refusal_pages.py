"""Which remembered refusals a page holds, and for whom: the database's choice against the rule."""

import uuid
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import BadInput
from detente.plans import refusal_store
from detente.plans.model import Sharing
from detente.plans.refusal_model import RefusalQuery
from detente.plans.refusal_now import as_they_stand
from tests.plans.conftest import ALPHA, BRAVO, T0, World, body, circle, principal
from tests.plans.refusing import known, refuse, the_one

CHARLIE = principal("charlie")


async def fill(world, n):
    """Refusals at one place, a minute of flight apart from each other."""
    await world.declare(ALPHA, body(circle(minutes=600)))
    made = []
    for k in range(n):
        world.now_ms += 1_000 * (k % 3)
        start = T0 + timedelta(minutes=k)
        made.append((await refuse(world, BRAVO, body(circle(start=start, minutes=1))))[0])
    return made


async def test_pages_hold_every_refusal_once_in_order(world, monkeypatch):
    monkeypatch.setattr("detente.plans.refusals._BATCH", 4)
    made = await fill(world, 23)
    await world.declare(BRAVO, body(circle(lat=49.0)), made[3])
    for query, wanted in (({}, 23), ({"settled": False}, 22), ({"settled": True}, 1), ({"party_id": "x"}, 0)):
        for limit in (1, 5, 50):
            read, cursor = [], None
            while True:
                page = await world.refusals.query(BRAVO, RefusalQuery(limit=limit, cursor=cursor, **query))
                assert len(page.refusals) <= limit
                read += page.refusals
                cursor = page.next
                if cursor is None:
                    break
            assert len(read) == len({one.refusal_id for one in read}) == wanted
            assert [(one.at, one.refusal_id) for one in read] == sorted((o.at, o.refusal_id) for o in read)


async def test_a_page_ends_where_it_has_read_or_said_enough(world, monkeypatch):
    monkeypatch.setattr("detente.plans.refusals._BATCH", 4)
    monkeypatch.setattr("detente.plans.refusals.MAX_READ", 8)
    made = await fill(world, 10)
    await world.declare(BRAVO, body(circle(lat=49.0)), made[9])
    page = await world.refusals.query(BRAVO, RefusalQuery(settled=True))
    if page.refusals == ():
        page = await world.refusals.query(BRAVO, RefusalQuery(settled=True, cursor=page.next))
    assert [one.plan_id for one in page.refusals] == [made[9]]
    monkeypatch.setattr("detente.plans.refusals.MAX_POINTS", 1)
    page = await world.refusals.query(BRAVO, RefusalQuery())
    assert (len(page.refusals), page.next is None) == (1, False)


async def test_times_and_ids_narrow(world):
    made = await fill(world, 6)
    between = {"start": T0 + timedelta(minutes=2), "end": T0 + timedelta(minutes=4)}
    assert {one.plan_id for one in await known(world, ALPHA, **between)} == set(made[2:4])
    assert (await the_one(world, ALPHA, plan_id=made[4].upper())).plan_id == made[4]
    assert len(await known(world, ALPHA, party_id="bravo", end=T0 + timedelta(minutes=1))) == 1
    for wrong, field in (
        ({"plan_id": "x"}, "plan_id"),
        ({"cursor": "!"}, "cursor"),
        ({"start": T0, "end": T0}, "end"),
    ):
        with pytest.raises(BadInput) as refused:
            await known(world, ALPHA, **wrong)
        assert refused.value.members["field"] == field


async def test_a_hidden_plans_own_times_cannot_be_felt_out(world):
    """What is searched are the times of the conflicts that the asker knows, not those of the refused plan."""
    await world.declare(ALPHA, body(circle(minutes=10)))
    long = (circle(minutes=10), circle(lat=48.0, start=T0 + timedelta(hours=3)))
    await refuse(world, BRAVO, body(*long, sharing=Sharing.CONFLICTS))
    assert len(await known(world, ALPHA, start=T0, end=T0 + timedelta(hours=9))) == 1
    assert await known(world, ALPHA, start=T0 + timedelta(minutes=10)) == ()


SHARINGS = st.sampled_from(list(Sharing))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(SHARINGS, SHARINGS, SHARINGS, SHARINGS | st.none()))
async def test_the_database_and_the_rule_show_a_refusal_to_the_same_viewers(pg_pool, shared):
    first, then, mine, later = shared
    await pg_pool.execute("TRUNCATE plan, plan_cell, plan_refusal")
    world = World(pg_pool)
    blocking = await world.declare(ALPHA, body(sharing=first))
    plan_id, _ = await refuse(world, BRAVO, body(sharing=mine))
    await world.declare(ALPHA, body(sharing=then), blocking["plan_id"], expected_version=1)
    if later is not None:
        await world.declare(BRAVO, body(circle(lat=48.0), sharing=later), plan_id)
    (kept,) = await refusal_store.page(
        pg_pool, refusal_store.RefusalFilter("bravo", None, None, None, None, 10), (-1, str(uuid.UUID(int=0)))
    )
    (now,) = await as_they_stand(pg_pool, [kept])
    for who in (ALPHA, BRAVO, CHARLIE):
        by_rule = now.view(who.party_id)
        by_database = await refusal_store.find(pg_pool, who.party_id, kept.refusal_id)
        assert (by_rule is None) is (by_database is None)


@pytest.mark.parametrize("plan_id", ["", "x", "0" * 36])
def test_a_plan_that_is_no_uuid_is_refused_before_the_database_meets_it(plan_id):
    with pytest.raises(msgspec.ValidationError, match="plan_id"):
        msgspec.convert({"plan_id": plan_id}, RefusalQuery)
