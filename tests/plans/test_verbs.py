"""Each verb on a real database: what it allows, what it refuses, and the one statement that it leaves."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest

from detente.errors import (
    AlreadyExists,
    BadInput,
    ConflictingPlan,
    ForbiddenTransition,
    KeyReused,
    NotAllowed,
    NotFound,
    StaleVersion,
    VersionRequired,
)
from detente.plans.model import OwnPlans, PlanState, Sharing, StateBody
from detente.store import open_pool
from tests.plans.conftest import ALPHA, BRAVO, DUTY, T0, World, body, circle, principal

ALPHA_DUTY, BRAVO_DUTY = principal("alpha", DUTY), principal("bravo", DUTY)
ACTIVATED, NONCONFORMING, CONTINGENT, ENDED = (StateBody(state) for state in list(PlanState)[1:])


async def statements(world):
    return await world.pool.fetch("SELECT * FROM statement ORDER BY statement_id")


async def change(world, who, plan, new_body, version=None, **more):
    return await world.declare(
        who, new_body, plan["plan_id"], expected_version=version or plan["version"], **more
    )


async def go(world, who, plan, *states):
    """Enter states one after the other; gives the plan as it then stands."""
    for state in states:
        plan = await world.enter(who, plan["plan_id"], state, plan["version"])
    return plan


async def test_a_change_names_the_version_it_saw(world):
    plan = await world.declare(ALPHA, body())
    changed = await change(world, ALPHA, plan, body(circle(lower_m=150.0), title="higher"))
    assert (changed["version"], changed["title"]) == (2, "higher")
    assert changed["ovn"] != plan["ovn"]
    with pytest.raises(StaleVersion) as stale:
        await change(world, ALPHA, plan, body(title="too late"))
    assert (stale.value.members["expected"], stale.value.members["actual"]) == (2, 1)
    with pytest.raises(VersionRequired):
        await world.declare(ALPHA, body(title="no version"), plan["plan_id"])
    with pytest.raises(StaleVersion):
        await change(world, ALPHA, plan, body(title="from the future"), version=7)
    assert len(await statements(world)) == 2


async def test_a_state_names_the_version_it_saw(world):
    plan = await world.declare(ALPHA, body())
    with pytest.raises(VersionRequired):
        await world.enter(ALPHA, plan["plan_id"], ACTIVATED, None)
    with pytest.raises(StaleVersion):
        await world.enter(ALPHA, plan["plan_id"], ACTIVATED, 5)
    with pytest.raises(NotFound):
        await world.enter(ALPHA, str(uuid.uuid4()), ACTIVATED, 1)
    assert len(await statements(world)) == 1


async def test_the_same_request_repeated_answers_the_same_and_is_done_once(world):
    plan_id = str(uuid.uuid4())
    first = await world.declare(ALPHA, body(), plan_id)
    assert await world.declare(ALPHA, body(), plan_id) == first
    changed = await change(world, ALPHA, first, body(title="new"))
    assert await change(world, ALPHA, first, body(title="new")) == changed
    active = await world.enter(ALPHA, plan_id, ACTIVATED, 2)
    assert await world.enter(ALPHA, plan_id, ACTIVATED, 2) == active
    ended = await world.enter(ALPHA, plan_id, ENDED, 3)
    assert await world.enter(ALPHA, plan_id, ENDED, 3) == ended
    assert [s["type"] for s in await statements(world)] == [
        "plan.declared",
        "plan.changed",
        "plan.activated",
        "plan.ended",
    ]


async def test_one_request_sent_many_times_at_once_is_done_once_and_always_answered(pg_dsn):
    pools = [await open_pool(pg_dsn) for _ in range(2)]
    try:
        worlds = [World(pool) for pool in pools] * 4
        plan_id = str(uuid.uuid4())
        answers = await asyncio.gather(*(w.declare(ALPHA, body(), plan_id) for w in worlds))
        assert all(answer == answers[0] for answer in answers)
        keyed = [
            w.declare(ALPHA, body(circle(lat=48.0)), answers[0]["plan_id"][:-4] + "0000", key="k")
            for w in worlds
        ]
        answers = await asyncio.gather(*keyed)
        assert all(answer == answers[0] for answer in answers)
        assert len(await statements(worlds[0])) == 2
    finally:
        for pool in pools:
            pool.terminate()


async def test_a_key_answers_the_same_for_ever_after_and_serves_no_other_request(world):
    plan_id = str(uuid.uuid4())
    first = await world.declare(ALPHA, body(), plan_id, key="one")
    active = await world.enter(ALPHA, plan_id, ACTIVATED, 1, key="two")
    await go(world, ALPHA, active, ENDED)
    assert await world.declare(ALPHA, body(), plan_id, key="one") == first
    assert await world.enter(ALPHA, plan_id, ACTIVATED, 1, key="two") == active
    with pytest.raises(KeyReused):
        await world.declare(ALPHA, body(title="other"), plan_id, key="one")
    with pytest.raises(KeyReused):
        await world.declare(ALPHA, body(), str(uuid.uuid4()), key="one")
    # Keys belong to an account; another's key of the same name is another key.
    other = await world.declare(BRAVO, body(circle(lat=48.0)), key="one")
    assert other["party_id"] == "bravo"
    assert len(await statements(world)) == 4


async def test_a_refusal_uses_up_no_key(world):
    first = await world.declare(ALPHA, body())
    plan_id = str(uuid.uuid4())
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, body(), plan_id, key="k")
    await go(world, ALPHA, first, ENDED)
    assert (await world.declare(BRAVO, body(), plan_id, key="k"))["version"] == 1


async def test_another_party_cannot_change_end_or_take_a_plan(world):
    plan = await world.declare(ALPHA, body())
    hidden = await world.declare(ALPHA, body(circle(lat=48.0), sharing=Sharing.CONFLICTS))
    with pytest.raises(NotAllowed):
        await change(world, BRAVO, plan, body(title="mine now"))
    with pytest.raises(NotAllowed):
        await world.enter(BRAVO, plan["plan_id"], ENDED, 1)
    with pytest.raises(AlreadyExists):
        await world.declare(BRAVO, body(circle(lat=49.0)), plan["plan_id"])
    with pytest.raises(NotFound):
        await change(world, BRAVO, hidden, body())
    with pytest.raises(NotFound):
        await world.enter(BRAVO, hidden["plan_id"], ENDED, 1)
    assert len(await statements(world)) == 2
    assert (await world.questions.find(ALPHA, plan["plan_id"])).version == 1


async def test_a_priority_over_the_partys_limit_is_refused(world):
    world.limits.by_party["alpha"] = 3
    assert (await world.declare(ALPHA, body(priority=3)))["priority"] == 3
    with pytest.raises(NotAllowed) as refused:
        await world.declare(ALPHA, body(circle(lat=48.0), priority=4))
    assert refused.value.members["field"] == "priority"
    with pytest.raises(NotAllowed):
        await world.declare(BRAVO, body(circle(lat=48.0), priority=1))


async def test_a_lowered_limit_forbids_activation_but_never_a_report_or_an_end(world):
    world.limits.by_party["alpha"] = 3
    plan = await world.declare(ALPHA, body(priority=3))
    other = await world.declare(ALPHA, body(circle(lat=48.0), priority=3))
    world.limits.by_party["alpha"] = 0
    with pytest.raises(NotAllowed):
        await go(world, ALPHA, plan, ACTIVATED)
    assert (await go(world, ALPHA, plan, NONCONFORMING, CONTINGENT, ENDED))["state"] == "ended"
    assert (await go(world, ALPHA, other, ENDED))["state"] == "ended"


async def test_a_plan_of_higher_priority_outranks_and_then_stands_in_the_way(world):
    world.limits.by_party["bravo"] = 1
    low = await world.declare(ALPHA, body())
    high = await world.declare(BRAVO, body(priority=1))
    assert high["state"] == "accepted"
    # The one below cannot be activated any more, nor changed within the other's place.
    with pytest.raises(ConflictingPlan) as refused:
        await go(world, ALPHA, low, ACTIVATED)
    assert refused.value.members["conflicts"][0].party_id == "bravo"
    with pytest.raises(ConflictingPlan):
        await change(world, ALPHA, low, body(title="still there"))
    (beside,) = await world.questions.conflicts_of(ALPHA, low["plan_id"])
    assert beside.party_id == "bravo"
    moved = await change(world, ALPHA, low, body(circle(lower_m=300.0, upper_m=400.0)))
    assert (await go(world, ALPHA, moved, ACTIVATED))["state"] == "activated"


async def test_an_off_nominal_plan_blocks_whatever_its_priority(world):
    world.limits.by_party["bravo"] = 100
    await go(world, ALPHA, await world.declare(ALPHA, body()), NONCONFORMING)
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, body(priority=100))


async def test_standing_knowingly_beside_a_plan_takes_its_ovn_and_a_scope(world):
    first = await world.declare(ALPHA, body(sharing=Sharing.FULL))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO_DUTY, body())
    ovn = refused.value.members["conflicts"][0].ovn
    assert ovn == first["ovn"]
    with pytest.raises(NotAllowed) as unscoped:
        await world.declare(BRAVO, body(knows=(ovn,)))
    assert unscoped.value.members["field"] == "knows"
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO_DUTY, body(knows=("not-the-ovn-of-anything",)))
    second = await world.declare(BRAVO_DUTY, body(knows=(ovn,), sharing=Sharing.FULL))
    # What is in the way now must be named by the first as well before it flies.
    with pytest.raises(ConflictingPlan):
        await go(world, ALPHA_DUTY, first, ACTIVATED)
    with pytest.raises(NotAllowed):
        await go(world, ALPHA, first, StateBody(PlanState.ACTIVATED, knows=(second["ovn"],)))
    active = await go(world, ALPHA_DUTY, first, StateBody(PlanState.ACTIVATED, knows=(second["ovn"],)))
    # The OVN that was named is no longer the plan's; it has to be seen anew.
    with pytest.raises(ConflictingPlan):
        await change(world, BRAVO_DUTY, second, body(knows=(ovn,)))
    assert (await change(world, BRAVO_DUTY, second, body(knows=(active["ovn"],))))["version"] == 2


async def test_an_ovn_is_told_only_where_the_owner_shares_all(world):
    await world.declare(ALPHA, body(sharing=Sharing.VOLUMES))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(BRAVO_DUTY, body())
    (conflict,) = refused.value.members["conflicts"]
    assert conflict.ovn is None
    assert conflict.plan_id is not None


async def test_own_plans_are_checked_or_ignored_by_choice(world):
    await world.declare(ALPHA, body())
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(ALPHA, body())
    assert refused.value.members["conflicts"][0].party_id == "alpha"
    assert (await world.declare(ALPHA, body(own_plans=OwnPlans.IGNORE)))["version"] == 1
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, body(own_plans=OwnPlans.IGNORE))


@pytest.mark.parametrize("report", [NONCONFORMING, CONTINGENT])
async def test_a_report_is_never_refused_even_in_conflict(world, report):
    world.limits.by_party["bravo"] = 1
    low = await world.declare(ALPHA, body())
    await world.declare(BRAVO, body(priority=1))
    off = await go(world, ALPHA, low, report)
    assert off["state"] == report.state.value
    if report is NONCONFORMING:
        # Where it really is may be told, whoever is there; but it does not become conforming again there.
        wider = await change(world, ALPHA, off, body(circle(radius_m=2_000.0)))
        assert (wider["state"], wider["version"]) == ("nonconforming", 3)
        with pytest.raises(ConflictingPlan):
            await go(world, ALPHA, wider, ACTIVATED)
        with pytest.raises(ConflictingPlan):
            await world.declare(principal("charlie"), body(circle(lat=47.02)))


async def test_a_contingent_plan_can_only_end(world):
    plan = await go(world, ALPHA, await world.declare(ALPHA, body()), ACTIVATED, CONTINGENT)
    for state in (ACTIVATED, NONCONFORMING, CONTINGENT):
        with pytest.raises(ForbiddenTransition):
            await go(world, ALPHA, plan, state)
    with pytest.raises(ForbiddenTransition):
        await change(world, ALPHA, plan, body())
    ended = await go(world, ALPHA, plan, ENDED)
    with pytest.raises(ForbiddenTransition):
        await change(world, ALPHA, ended, body())
    with pytest.raises(ForbiddenTransition):
        await go(world, ALPHA, ended, ACTIVATED)


async def test_an_ended_plan_leaves_the_index_and_frees_its_place(world):
    plan = await world.declare(ALPHA, body(circle(), circle(lat=47.5)))
    rows = await world.pool.fetchval("SELECT count(*) FROM plan_cell")
    assert rows >= 2
    await go(world, ALPHA, plan, ENDED)
    assert await world.pool.fetchval("SELECT count(*) FROM plan_cell") == 0
    assert await world.pool.fetchval("SELECT count(*) FROM plan_cell_ended") == rows
    assert (await world.declare(BRAVO, body()))["state"] == "accepted"


async def test_a_change_frees_the_place_that_it_leaves(world):
    plan = await world.declare(ALPHA, body())
    await change(world, ALPHA, plan, body(circle(lat=47.5)))
    assert (await world.declare(BRAVO, body()))["state"] == "accepted"
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, body(circle(lat=47.5)))


async def test_every_verb_leaves_one_statement_with_the_bytes_as_received(world):
    plan_id = str(uuid.uuid4())
    declared, changed = body(title="a"), body(title="b")
    await world.declare(ALPHA, declared, plan_id)
    await world.declare(ALPHA, changed, plan_id, expected_version=1)
    states = [
        ACTIVATED,
        StateBody(PlanState.NONCONFORMING, reason="wind"),
        ACTIVATED,
        CONTINGENT,
        ENDED,
    ]
    for number, state in enumerate(states, start=2):
        await world.enter(ALPHA, plan_id, state, number)
    found = await statements(world)
    contents = [msgspec.json.encode(value) for value in (declared, changed, *states)]
    assert [s["content"] for s in found] == contents
    assert [s["content_sha256"] for s in found] == [hashlib.sha256(c).digest() for c in contents]
    assert [s["subject_version"] for s in found] == list(range(1, 8))
    assert {(s["subject"], s["party_id"], s["account_id"]) for s in found} == {(plan_id, "alpha", "alpha-1")}
    assert {s["at_ms"] for s in found} == {world.now_ms}
    waiting = await world.pool.fetch("SELECT statement_id FROM statement_queue ORDER BY statement_id")
    assert [w["statement_id"] for w in waiting] == [s["statement_id"] for s in found]
    history = await world.questions.history(ALPHA, plan_id)
    assert [h.state.value for h in history] == [
        "accepted", "accepted", "activated", "nonconforming", "activated", "contingent", "ended",
    ]  # fmt: skip
    assert [h.content_sha256 for h in history] == [hashlib.sha256(c).hexdigest() for c in contents]


async def test_only_the_owner_reads_the_history(world):
    plan = await world.declare(ALPHA, body())
    with pytest.raises(NotAllowed):
        await world.questions.history(BRAVO, plan["plan_id"])
    with pytest.raises(NotAllowed):
        await world.questions.conflicts_of(BRAVO, plan["plan_id"])


def day(days, **more):
    return circle(start=T0 + timedelta(days=days), **more)


@pytest.mark.parametrize(
    ("volume", "field"),
    [
        (circle(minutes=0), "volumes[0].end"),
        (circle(minutes=-5), "volumes[0].end"),
        (circle(minutes=31 * 1440 + 1), "volumes[0].end"),
        (day(401), "volumes[0].end"),
        (circle(start=datetime(9999, 12, 31, 23, 0, tzinfo=UTC), minutes=59), "volumes[0].end"),
        (circle(start=T0 - timedelta(days=1)), "volumes"),
        (circle(lower_m=float("nan")), "volumes[0].lower_m"),
        (circle(upper_m=float("inf")), "volumes[0].upper_m"),
        (circle(lower_m=200.0, upper_m=100.0), "volumes[0].upper_m"),
        (circle(radius_m=float("nan")), "volumes[0].shape.radius_m"),
        (circle(radius_m=-1.0), "volumes[0].shape.radius_m"),
        (circle(lat=float("inf")), "volumes[0].shape.center.lat_deg"),
        (circle(lat=91.0), "volumes[0].shape.center.lat_deg"),
    ],
)
async def test_a_volume_that_cannot_be_used_is_refused_by_its_field(world, volume, field):
    with pytest.raises(BadInput) as refused:
        await world.declare(ALPHA, body(volume))
    assert refused.value.members["field"] == field
    assert await statements(world) == []


async def test_limits_are_reached_before_they_refuse(world):
    month = await world.declare(ALPHA, body(circle(minutes=31 * 1440)))
    assert month["version"] == 1
    far = datetime.fromtimestamp(world.now_ms / 1000, UTC) + timedelta(days=400) - timedelta(minutes=30)
    assert (await world.declare(ALPHA, body(circle(start=far))))["version"] == 1
    many = [circle(lat=10 + i / 100, radius_m=100.0) for i in range(256)]
    assert (await world.declare(ALPHA, body(*many)))["version"] == 1


async def test_statements_are_never_changed_deleted_or_emptied(world):
    await world.declare(ALPHA, body())
    for act in (
        "UPDATE statement SET party_id = 'bravo'",
        "DELETE FROM statement",
        "TRUNCATE statement CASCADE",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.pool.execute(act)
    assert len(await statements(world)) == 1


async def test_a_neighbour_that_moves_while_it_is_examined_is_examined_again(world, monkeypatch):
    # Beside the place that bravo wants: the index finds it, and it is harmless there.
    beside = await world.declare(ALPHA, body(circle(lat=47.0072, lon=8.0105)))
    examine, examined = world.neighbourhood.examine, []

    async def examine_and_be_late(subject, rows, *more, **named):
        found = await examine(subject, rows, *more, **named)
        examined.append([row.standing.plan_id for row in rows])
        if len(examined) == 1:
            await change(world, ALPHA, beside, body())
        return found

    monkeypatch.setattr(world.neighbourhood, "examine", examine_and_be_late)
    with pytest.raises(ConflictingPlan):
        await world.declare(BRAVO, body())
    assert examined[0] == examined[-1] == [beside["plan_id"]]
