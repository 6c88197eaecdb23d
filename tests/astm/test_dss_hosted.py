"""Plans that are hosted here and references of plans kept elsewhere, in one airspace."""

import pytest

from detente.errors import ConflictingPlan, NotAllowed
from detente.plans.model import PlanState, Sharing, StateBody
from tests.astm.house import OIR, OWN_URL, SUB, intent, new_id, new_subscription, subscription, volume
from tests.plans.conftest import World, body, circle, principal

ALPHA = principal("alpha")
HERE = {"lat": 47.0, "lon": 8.0, "radius_m": 300.0}
"""As ``volume()`` of the discovery service is."""


@pytest.fixture
def world(pg_pool):
    return World(pg_pool)


async def found(house, who, area=None):
    answer = await house.call("POST", f"{OIR}/query", {"area_of_interest": area or volume()}, who=who)
    return answer.json()["operational_intent_references"]


async def test_a_hosted_plan_is_a_reference_at_the_exchanges_own_address(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    (one,) = await found(house, "uss1")
    assert (one["id"], one["manager"], one["uss_base_url"]) == (plan["plan_id"], "alpha", OWN_URL)
    assert (one["state"], one["version"], one["ovn"]) == ("Accepted", 1, "Available from USS")
    read = await house.call("GET", f"{OIR}/{plan['plan_id']}", who="alpha")
    assert read.json()["operational_intent_reference"]["ovn"] == plan["ovn"]
    shown = await house.made(SUB, subscription())
    assert [each["id"] for each in shown["operational_intent_references"]] == [plan["plan_id"]]


async def test_its_ovn_is_needed_in_a_key_and_changes_with_it(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    refused = await house.put(OIR, new_id(), intent())
    assert [one["id"] for one in refused.json()["missing_operational_intents"]] == [plan["plan_id"]]
    assert (await house.put(OIR, new_id(), intent(key=[plan["ovn"]]))).status_code == 201
    state = StateBody(PlanState.NONCONFORMING)
    now = await world.enter(ALPHA, plan["plan_id"], state, 1)
    answer = await house.put(OIR, new_id(), intent(volume(lower=200, upper=300), key=[plan["ovn"]]))
    assert answer.status_code == 409
    assert now["ovn"] != plan["ovn"]
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 2)
    assert plan["plan_id"] not in {one["id"] for one in await found(house, "uss1")}


async def test_a_plan_that_shares_conflicts_only_is_met_only_where_it_really_is(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE), sharing=Sharing.CONFLICTS))
    assert await found(house, "uss1") == []
    assert [one["id"] for one in await found(house, "alpha")] == [plan["plan_id"]]
    beside = volume(lat=47.0036, radius=50.0)
    touching_no_piece = await house.put(OIR, new_id(), intent(beside))
    assert touching_no_piece.status_code == 201, "in the same cell and not in the way"
    key = [touching_no_piece.json()["operational_intent_reference"]["ovn"]]
    at_its_end = await house.put(OIR, new_id(), intent(volume(lower=200.0, upper=300.0), key=key))
    assert at_its_end.status_code == 201, "touching is no overlap"
    refused = await house.put(OIR, new_id(), intent(volume(lat=47.001, radius=50.0)))
    named = {one["id"]: one for one in refused.json()["missing_operational_intents"]}
    assert named[plan["plan_id"]]["ovn"] == "Available from USS"
    shown = await house.pool.fetch("SELECT plan_id::text, party_id FROM plan_shown_to")
    assert [tuple(row) for row in shown] == [(plan["plan_id"], "uss1")]


async def test_an_open_plan_in_the_same_cell_is_needed_wherever_it_is(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    refused = await house.put(OIR, new_id(), intent(volume(lat=47.0036, radius=50.0)))
    assert [one["id"] for one in refused.json()["missing_operational_intents"]] == [plan["plan_id"]]


async def test_the_standards_verbs_do_not_change_a_hosted_plan(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    for who, reason in (("alpha", "kept here"), ("uss1", "another party")):
        for method, sent in (("PUT", intent()), ("DELETE", None)):
            refused = await house.call(method, f"{OIR}/{plan['plan_id']}/{plan['ovn']}", sent, who=who)
            assert refused.status_code == 403
            assert reason in refused.json()["message"]
        assert (await house.put(OIR, plan["plan_id"], intent(), who=who)).status_code == 409
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 1)
    assert (await house.put(OIR, plan["plan_id"], intent())).status_code == 409, "its id is not given back"


async def test_the_exchanges_verbs_do_not_change_a_plan_that_is_kept_elsewhere(house, world):
    one = await house.intent(who="alpha")
    for state in (PlanState.ACTIVATED, PlanState.ENDED, PlanState.NONCONFORMING):
        with pytest.raises(NotAllowed, match="managed at its own server"):
            await world.enter(ALPHA, one["id"], StateBody(state), 1)
    with pytest.raises(NotAllowed, match="managed at its own server"):
        await world.declare(ALPHA, body(circle(**HERE)), one["id"], expected_version=1)
    read = await house.call("GET", f"{OIR}/{one['id']}", who="alpha")
    assert read.json()["operational_intent_reference"] == one


async def test_a_reference_is_in_the_way_of_a_native_plan(house, world):
    one = await house.intent()
    with pytest.raises(ConflictingPlan) as refusal:
        await world.declare(ALPHA, body(circle(**HERE)))
    (conflict,) = refusal.value.members["conflicts"]
    assert (conflict.plan_id, conflict.party_id) == (one["id"], "uss1")
    await world.declare(ALPHA, body(circle(lat=47.0036, radius_m=50.0)))


async def test_a_hosted_plan_is_its_own_subscription(house, world):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    made = await house.made(OIR, intent(key=[plan["ovn"]]))
    assert made["subscribers"] == [
        {
            "uss_base_url": OWN_URL,
            "subscriptions": [{"subscription_id": plan["plan_id"], "notification_index": 1}],
        }
    ]
    kept = (await house.call("GET", f"{SUB}/{plan['plan_id']}", who="alpha")).json()["subscription"]
    assert kept["dependent_operational_intents"] == [plan["plan_id"]]
    for method, sent in (("PUT", subscription()), ("DELETE", None)):
        refused = await house.call(method, f"{SUB}/{plan['plan_id']}/{kept['version']}", sent, who="alpha")
        assert refused.status_code == 400
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 1)
    assert (await house.call("GET", f"{SUB}/{plan['plan_id']}", who="alpha")).status_code == 404
    assert await house.pool.fetchval("SELECT count(*) FROM subscription") == 0


@pytest.mark.parametrize("who", ["alpha", "uss1"])
async def test_nobody_takes_the_id_of_a_hosted_plan_for_a_subscription(house, world, who):
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    assert (await house.put(SUB, plan["plan_id"], subscription(volume(lat=40)), who=who)).status_code == 409


async def test_a_subscription_of_the_id_of_a_later_plan_hears_nothing_of_it(house, world):
    taken = new_id()
    await house.made(SUB, subscription(volume(lat=40)), taken, who="uss3")
    plan = await world.declare(ALPHA, body(circle(**HERE)), taken)
    made = await house.made(OIR, intent(key=[plan["ovn"]]))
    assert made["subscribers"] == []
    kept = (await house.call("GET", f"{SUB}/{taken}", who="uss3")).json()["subscription"]
    assert (kept["notification_index"], kept["dependent_operational_intents"]) == (0, [])


async def test_writes_of_hosted_plans_queue_a_notice_for_each_subscriber_elsewhere(house, world):
    one = await house.intent(intent(volume(lower=210.0, upper=300.0), **new_subscription()))
    sub = (await house.made(SUB, subscription(), who="uss2"))["subscription"]
    await house.made(SUB, subscription(volume(lat=47.4)), who="uss2")
    plan = await world.declare(ALPHA, body(circle(**HERE)))
    moved = body(circle(**HERE | {"lat": 47.3}))
    await world.declare(ALPHA, moved, plan["plan_id"], expected_version=1)
    await world.declare(ALPHA, moved, plan["plan_id"], expected_version=2)
    rows = await house.pool.fetch("SELECT convert_from(subscriptions, 'UTF8') AS told FROM notice "
                                  "ORDER BY notice_id")  # fmt: skip
    assert len(rows) == 2, "it was there, then it left; what follows is elsewhere"
    assert [sub["id"] in row["told"] for row in rows] == [True, True]
    assert not any(one["subscription_id"] in row["told"] for row in rows)
    kept = (await house.call("GET", f"{SUB}/{sub['id']}", who="uss2")).json()["subscription"]
    assert kept["notification_index"] == 2
