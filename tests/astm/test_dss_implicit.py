"""Implicit subscriptions: they grow, shrink, are shared, replaced, made explicit, and go with the last."""

import asyncio
from datetime import timedelta

import pytest

from tests.astm.house import (
    NULL_SUBSCRIPTION,
    OIR,
    SUB,
    T0,
    intent,
    new_id,
    new_subscription,
    subscription,
    time,
    volume,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def read(house, sub, who="uss1"):
    answer = await house.call("GET", f"{SUB}/{sub}", who=who)
    return answer.json()["subscription"] if answer.status_code == 200 else None


async def change(house, one, body):
    answer = await house.put(OIR, one["id"], body, one["ovn"])
    assert answer.status_code == 200, answer.text
    return answer.json()["operational_intent_reference"]


async def told(house, lat, who="uss2", **more):
    """Which subscriptions a write of another party at a place is told to; the intent is removed again."""
    one = new_id()
    answer = await house.put(OIR, one, intent(volume(lat=lat, **more)), who=who)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    ovn = made["operational_intent_reference"]["ovn"]
    assert (await house.call("DELETE", f"{OIR}/{one}/{ovn}", who=who)).status_code == 200
    return {each["subscription_id"] for group in made["subscribers"] for each in group["subscriptions"]}


NEAR = {"lower": 201.0, "upper": 300.0}
"""Beside the intents here: above them, in the same cells."""


async def test_it_is_as_its_intent(house):
    one = await house.intent(
        intent(**new_subscription("https://uss1.example/more", notify_for_constraints=True))
    )
    sub = await read(house, one["subscription_id"])
    assert sub["implicit_subscription"] is True
    assert (sub["notify_for_operational_intents"], sub["notify_for_constraints"]) == (True, True)
    assert (sub["time_start"], sub["time_end"]) == (time(T0), time(T0 + 30 * MINUTE))
    assert sub["uss_base_url"] == "https://uss1.example/more"
    assert sub["notification_index"] == 1, "it is told of its own intent"
    found = await house.call("POST", f"{SUB}/query", {"area_of_interest": volume()})
    assert found.json()["subscriptions"] == [sub]
    other = await house.call("POST", f"{SUB}/query", {"area_of_interest": volume()}, who="uss2")
    assert other.json()["subscriptions"] == []
    assert (await house.call("GET", f"{SUB}/{sub['id']}", who="uss2")).status_code == 403


async def test_it_grows_and_shrinks_with_its_intent(house):
    one = await house.intent(intent(**new_subscription()))
    sub = one["subscription_id"]
    wide = intent(volume(), volume(lat=47.2, start=T0 + HOUR), subscription_id=sub)
    one = await change(house, one, wide)
    kept = await read(house, sub)
    assert (kept["time_start"], kept["time_end"]) == (time(T0), time(T0 + HOUR + 30 * MINUTE))
    assert await told(house, 47.2, start=T0 + HOUR, **NEAR) == set(), "it is above"
    assert await told(house, 47.0, lower=300.0, upper=400.0) == set()
    one = await change(house, one, intent(volume(upper=250.0), subscription_id=sub))
    kept = await read(house, sub)
    assert (kept["time_start"], kept["time_end"]) == (time(T0), time(T0 + 30 * MINUTE))
    assert await told(house, 47.2, start=T0 + HOUR) == set(), "it has left"
    assert (await read(house, sub))["dependent_operational_intents"] == [one["id"]]


async def test_it_is_shared_by_two_and_goes_with_the_last(house):
    one = await house.intent(intent(**new_subscription()))
    sub = one["subscription_id"]
    two = await house.intent(intent(volume(lat=47.2, start=T0 + HOUR), subscription_id=sub))
    kept = await read(house, sub)
    assert kept["dependent_operational_intents"] == sorted([one["id"], two["id"]])
    assert (kept["time_start"], kept["time_end"]) == (time(T0), time(T0 + HOUR + 30 * MINUTE))
    foreign = intent(volume(lat=47.4), subscription_id=sub)
    assert (await house.put(OIR, new_id(), foreign, who="uss2")).status_code == 403
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")).status_code == 200
    kept = await read(house, sub)
    assert kept["dependent_operational_intents"] == [two["id"]]
    assert (kept["time_start"], kept["time_end"]) == (two["time_start"], two["time_end"])
    gone = await house.call("DELETE", f"{OIR}/{two['id']}/{two['ovn']}")
    assert [each["subscription_id"] for each in gone.json()["subscribers"][0]["subscriptions"]] == [sub]
    assert await read(house, sub) is None


@pytest.mark.parametrize("how", ["implicit", "explicit", "none"])
async def test_it_goes_when_it_is_replaced(house, how):
    one = await house.intent(intent(**new_subscription()))
    old = one["subscription_id"]
    more = {}
    if how == "implicit":
        more = new_subscription()
    elif how == "explicit":
        more = {"subscription_id": (await house.made(SUB, subscription()))["subscription"]["id"]}
    two = await change(house, one, intent(**more))
    assert await read(house, old) is None
    assert two["subscription_id"] != old
    assert (two["subscription_id"] == NULL_SUBSCRIPTION) == (how == "none")
    assert (await house.call("GET", f"{SUB}/{NULL_SUBSCRIPTION}")).status_code == 404


async def test_it_stays_for_the_other_when_one_takes_a_new_one(house):
    one = await house.intent(intent(**new_subscription()))
    sub = one["subscription_id"]
    two = await house.intent(intent(volume(lat=47.2), subscription_id=sub))
    one = await change(house, one, intent(**new_subscription()))
    assert (await read(house, sub))["dependent_operational_intents"] == [two["id"]]
    assert (await read(house, one["subscription_id"]))["dependent_operational_intents"] == [one["id"]]


async def test_it_takes_the_place_of_an_explicit_one(house):
    sub = (await house.made(SUB, subscription()))["subscription"]
    one = await house.intent(intent(subscription_id=sub["id"]))
    two = await house.intent(intent(key=[one["ovn"]], **new_subscription()))
    shared = intent(volume(minutes=50), key=[two["ovn"]], subscription_id=two["subscription_id"])
    one = await change(house, one, shared)
    kept = await read(house, two["subscription_id"])
    assert kept["dependent_operational_intents"] == sorted([one["id"], two["id"]])
    assert kept["time_end"] == time(T0 + 50 * MINUTE)
    assert (await read(house, sub["id"]))["dependent_operational_intents"] == []


async def test_who_changes_it_makes_it_explicit(house):
    one = await house.intent(intent(**new_subscription()))
    sub = await read(house, one["subscription_id"])
    path = f"{SUB}/{sub['id']}/{sub['version']}"
    for less in (
        volume(lat=47.2),
        volume(lower=150.0),
        volume(minutes=20),
        volume(start=T0 + 6 * MINUTE, minutes=24),
    ):
        assert (await house.call("PUT", path, subscription(less))).status_code == 400, less
    assert (await read(house, sub["id"])) == sub
    made = await house.call("PUT", path, subscription(volume(minutes=60), notify_for_constraints=True))
    assert made.status_code == 200, made.text
    now = made.json()["subscription"]
    assert (now["implicit_subscription"], now["dependent_operational_intents"]) == (False, [one["id"]])
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")).status_code == 200
    now = await read(house, sub["id"])
    assert now["dependent_operational_intents"] == []
    assert (await house.call("DELETE", f"{SUB}/{sub['id']}/{now['version']}")).status_code == 200


async def test_it_is_told_of_others_as_far_as_its_intents_reach_and_no_further(house):
    one = await house.intent(intent(**new_subscription()))
    two = await house.intent(
        intent(volume(lat=47.2, start=T0 + HOUR), subscription_id=one["subscription_id"])
    )
    before = (await read(house, one["subscription_id"]))["notification_index"]
    for lat, start, key in ((47.0, T0, one), (47.2, T0 + HOUR, two)):
        made = await house.made(OIR, intent(volume(lat=lat, start=start), key=[key["ovn"]]), who="uss2")
        (group,) = made["subscribers"]
        before += 1
        assert group["subscriptions"] == [
            {"subscription_id": one["subscription_id"], "notification_index": before}
        ]
    assert await told(house, 47.0, start=T0 + HOUR) == set()
    assert await told(house, 47.2) == set()
    assert await told(house, 47.0, **NEAR) == set()


@pytest.mark.parametrize("how", ["ended", "replaced"])
async def test_who_takes_a_subscription_while_its_last_intent_goes_has_it_or_is_refused(house, how):
    """The two lie in different cells, so no lock of a cell keeps them apart."""
    seen = set()
    for _ in range(40):
        one = await house.intent(intent(**new_subscription()))
        sub, entity = one["subscription_id"], new_id()
        leave = house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")
        if how == "replaced":
            leave.close()
            leave = house.put(OIR, one["id"], intent(), one["ovn"])
        take = house.put(OIR, entity, intent(volume(lat=48.0), subscription_id=sub))
        taken, gone = await asyncio.gather(take, leave)
        assert gone.status_code == 200, gone.text
        if how == "replaced":
            ovn = gone.json()["operational_intent_reference"]["ovn"]
            assert (await house.call("DELETE", f"{OIR}/{one['id']}/{ovn}")).status_code == 200
        kept = await read(house, sub)
        seen.add(taken.status_code)
        if taken.status_code == 201:
            assert kept["dependent_operational_intents"] == [entity]
            ovn = taken.json()["operational_intent_reference"]["ovn"]
            assert (await house.call("DELETE", f"{OIR}/{entity}/{ovn}")).status_code == 200
        else:
            assert (taken.status_code, kept) == (400, None)
    assert seen <= {201, 400}
