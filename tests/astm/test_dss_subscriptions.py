"""Subscriptions at the discovery service: their time, their owner, and the intents that depend on them."""

import copy
from datetime import timedelta

import pytest

from tests.astm.house import (
    NULL_SUBSCRIPTION,
    OIR,
    SUB,
    T0,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    time,
    volume,
)

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def lasting(start=None, end=None, **more):
    """A subscription with times of its own; None: not said."""
    extents = volume(**more)
    del extents["time_start"], extents["time_end"]
    for name, at in (("time_start", start), ("time_end", end)):
        if at is not None:
            extents[name] = time(at)
    return subscription(extents)


async def read(house, sub, who="uss1"):
    answer = await house.call("GET", f"{SUB}/{sub}", who=who)
    assert answer.status_code == 200, answer.text
    return answer.json()["subscription"]


async def found(house, area=None, who="uss1"):
    answer = await house.call("POST", f"{SUB}/query", {"area_of_interest": area or volume()}, who=who)
    return {one["id"] for one in answer.json()["subscriptions"]}


async def test_a_subscription_tells_of_something(house):
    for flags, status in (
        ((None, None), 400),
        ((False, False), 400),
        ((True, None), 200),
        ((None, True), 200),
    ):
        names = ("notify_for_operational_intents", "notify_for_constraints")
        body = subscription() | dict(zip(names, flags, strict=True))
        one = new_id()
        assert (await house.put(SUB, one, body)).status_code == status
        if status == 200:
            kept = await read(house, one)
            assert [kept[name] for name in names] == [bool(flag) for flag in flags]
    one = (await house.made(SUB, subscription()))["subscription"]
    silent = subscription(notify_for_operational_intents=False)
    assert (await house.put(SUB, one["id"], silent, one["version"])).status_code == 400


async def test_times_that_are_not_said(house):
    now, day = house.now, timedelta(days=1)
    for asked, kept in (
        ((None, None), (now, now + day)),
        ((None, T0), (now, T0)),
        ((T0, None), (T0, T0 + day)),
        ((now - 5 * MINUTE, None), (now - 5 * MINUTE, now - 5 * MINUTE + day)),
        ((T0, T0 + day), (T0, T0 + day)),
    ):
        one = (await house.made(SUB, lasting(*asked)))["subscription"]
        assert (one["time_start"], one["time_end"]) == (time(kept[0]), time(kept[1])), asked


async def test_times_that_cannot_be(house):
    now, day = house.now, timedelta(days=1)
    for asked in (
        (now - 5 * MINUTE - SECOND, None), (now - HOUR, T0), (T0, T0 + day + SECOND),
        (None, now + day + SECOND),
        (None, now - SECOND), (T0, T0 - SECOND), (now - 5 * MINUTE, now - MINUTE),
    ):  # fmt: skip
        assert (await house.put(SUB, new_id(), lasting(*asked))).status_code == 400, asked
    one = (await house.made(SUB, lasting(T0, T0 + HOUR)))["subscription"]
    for asked in ((T0, T0 + day + SECOND), (now - HOUR, T0)):
        assert (await house.put(SUB, one["id"], lasting(*asked), one["version"])).status_code == 400, asked
    assert await read(house, one["id"]) == one


async def test_a_change_keeps_the_times_that_it_does_not_name(house):
    one = (await house.made(SUB, lasting(house.now, T0)))["subscription"]
    house.now += HOUR
    answer = await house.put(SUB, one["id"], lasting(lower=50.0), one["version"])
    assert answer.status_code == 200, answer.text
    two = answer.json()["subscription"]
    assert (two["time_start"], two["time_end"]) == (one["time_start"], one["time_end"])
    assert two["version"] != one["version"]
    again = await house.put(SUB, one["id"], lasting(house.now - HOUR, T0 + HOUR), two["version"])
    assert again.status_code == 200, "its start is as long ago as it ever was"
    earlier = lasting(house.now - 2 * HOUR, T0)
    version = again.json()["subscription"]["version"]
    assert (await house.put(SUB, one["id"], earlier, version)).status_code == 400


async def test_a_version_is_of_the_change_and_not_of_what_is_told(house):
    one = (await house.made(SUB, subscription()))["subscription"]
    await house.intent()
    told = await read(house, one["id"])
    assert (told["version"], told["notification_index"]) == (one["version"], 1)
    for version in ("notacorrectversion", one["version"][:-1], "0"):
        assert (await house.put(SUB, one["id"], subscription(), version)).status_code == 409
        assert (await house.call("DELETE", f"{SUB}/{one['id']}/{version}")).status_code == 409
    changed = await house.put(SUB, one["id"], subscription(), one["version"])
    assert changed.json()["subscription"]["notification_index"] == 1, "a change does not set it back"
    last = changed.json()["subscription"]["version"]
    gone = await house.call("DELETE", f"{SUB}/{one['id']}/{last}")
    assert gone.json()["subscription"]["notification_index"] == 1
    assert (await house.call("GET", f"{SUB}/{one['id']}")).status_code == 404
    assert (await house.call("DELETE", f"{SUB}/{one['id']}/{last}")).status_code == 404


async def test_a_subscription_is_its_owners_alone(house):
    one = (await house.made(SUB, subscription()))["subscription"]
    assert (await house.call("GET", f"{SUB}/{one['id']}", who="uss2")).status_code == 403
    for version in (one["version"], "x"):
        for method, body in (("PUT", subscription()), ("DELETE", None)):
            refused = await house.call(method, f"{SUB}/{one['id']}/{version}", body, who="uss2")
            assert refused.status_code == 403
    assert await found(house) == {one["id"]}
    assert await found(house, who="uss2") == set()
    assert await read(house, one["id"]) == one


async def test_what_is_over_is_not_found_and_not_told(house):
    await house.made(SUB, lasting(house.now, house.now + HOUR), one := new_id())
    around = volume(start=None)
    assert await found(house, around) == {one}
    house.now += HOUR + SECOND
    assert await found(house, around) == set()
    began = volume(start=house.now - 2 * HOUR, end=T0)
    assert (await house.made(OIR, intent(began)))["subscribers"] == []


async def test_it_shows_what_it_would_have_told_of(house):
    one, zone = await house.intent(), (await house.made("constraint_references", constraint()))
    await house.intent(intent(volume(lat=47.3)))
    for plans, zones in ((True, False), (False, True), (True, True)):
        body = subscription(notify_for_operational_intents=plans, notify_for_constraints=zones)
        made = await house.made(SUB, body)
        assert ("operational_intent_references" in made, "constraint_references" in made) == (plans, zones)
        if plans:
            assert [each["id"] for each in made["operational_intent_references"]] == [one["id"]]
        if zones:
            named = zone["constraint_reference"]["id"]
            assert [each["id"] for each in made["constraint_references"]] == [named]
    late = await house.made(SUB, lasting(T0 + HOUR, T0 + 2 * HOUR))
    assert late["operational_intent_references"] == []


async def depending(house, **more):
    """An explicit subscription with some room, and an intent that depends on it."""
    body = subscription(volume(radius=2_000.0, lower=50.0, upper=300.0, start=T0 - HOUR, minutes=180))
    sub = (await house.made(SUB, body))["subscription"]
    one = await house.intent(intent(subscription_id=sub["id"], **more))
    assert one["subscription_id"] == sub["id"]
    sub = await read(house, sub["id"])
    assert sub["dependent_operational_intents"] == [one["id"]]
    return body, sub, one


SHRUNK = {
    "area": lambda e: e["volume"]["outline_circle"].update(center={"lat": 47.1, "lng": 8.0}),
    "radius": lambda e: e["volume"]["outline_circle"].update(
        radius={"value": 10.0, "units": "M"}, center={"lat": 47.018, "lng": 8.0}
    ),
    "lower": lambda e: e["volume"]["altitude_lower"].update(value=150.0),
    "upper": lambda e: e["volume"]["altitude_upper"].update(value=150.0),
    "start": lambda e: e.update(time_start=time(T0 + 6 * MINUTE)),
    "end": lambda e: e.update(time_end=time(T0 + 29 * MINUTE)),
}


@pytest.mark.parametrize("how", SHRUNK)
async def test_a_subscription_goes_on_reaching_over_what_depends_on_it(house, how):
    body, sub, _ = await depending(house)
    less = copy.deepcopy(body)
    SHRUNK[how](less["extents"])
    refused = await house.put(SUB, sub["id"], less, sub["version"])
    assert refused.status_code == 400, refused.text
    assert await read(house, sub["id"]) == sub
    deaf = body | {"notify_for_operational_intents": False, "notify_for_constraints": True}
    assert (await house.put(SUB, sub["id"], deaf, sub["version"])).status_code == 400
    assert (await house.call("DELETE", f"{SUB}/{sub['id']}/{sub['version']}")).status_code == 400


async def test_it_may_shrink_as_far_as_what_depends_on_it_and_freely_afterwards(house):
    body, sub, one = await depending(house)
    just = body | {"extents": volume(start=T0 + 5 * MINUTE, minutes=25)}
    kept = await house.put(SUB, sub["id"], just, sub["version"])
    assert kept.status_code == 200, kept.text
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")).status_code == 200
    sub = await read(house, sub["id"])
    assert (sub["dependent_operational_intents"], sub["implicit_subscription"]) == ([], False)
    away = await house.put(SUB, sub["id"], body | {"extents": volume(lat=48)}, sub["version"])
    assert away.status_code == 200
    version = away.json()["subscription"]["version"]
    assert (await house.call("DELETE", f"{SUB}/{sub['id']}/{version}")).status_code == 200


async def test_what_depends_on_it_is_kept_up_to_date(house):
    _, sub, one = await depending(house)
    two = await house.intent(intent(key=[one["ovn"]], subscription_id=sub["id"]))
    both = sorted([one["id"], two["id"]])
    assert (await read(house, sub["id"]))["dependent_operational_intents"] == both
    left = await house.put(OIR, one["id"], intent(key=[two["ovn"]]), one["ovn"])
    assert left.json()["operational_intent_reference"]["subscription_id"] == NULL_SUBSCRIPTION
    assert (await read(house, sub["id"]))["dependent_operational_intents"] == [two["id"]]
    own = intent(key=[left.json()["operational_intent_reference"]["ovn"]], **new_subscription())
    assert (await house.put(OIR, two["id"], own, two["ovn"])).status_code == 200
    assert (await read(house, sub["id"]))["dependent_operational_intents"] == []


async def test_a_change_of_an_intent_needs_a_subscription_that_reaches_as_far(house):
    _, sub, one = await depending(house)
    for more in (
        volume(lat=47.1), volume(minutes=121), volume(start=T0 - HOUR - 6 * MINUTE, minutes=120),
    ):  # fmt: skip
        refused = await house.put(OIR, one["id"], intent(more, subscription_id=sub["id"]), one["ovn"])
        assert refused.status_code == 400, more
    short = (await house.made(SUB, subscription(volume(minutes=28))))["subscription"]
    refused = await house.put(OIR, one["id"], intent(subscription_id=short["id"]), one["ovn"])
    assert refused.status_code == 400
    foreign = (await house.made(SUB, subscription(), who="uss2"))["subscription"]
    refused = await house.put(OIR, one["id"], intent(subscription_id=foreign["id"]), one["ovn"])
    assert refused.status_code == 403
    deaf = subscription(notify_for_operational_intents=False, notify_for_constraints=True)
    deaf = (await house.made(SUB, deaf))["subscription"]
    refused = await house.put(OIR, one["id"], intent(subscription_id=deaf["id"]), one["ovn"])
    assert refused.status_code == 400
    for nonsense in ("", "x", new_id(), new_id().replace("-", "")):
        refused = await house.put(OIR, one["id"], intent(subscription_id=nonsense), one["ovn"])
        assert refused.status_code == 400, nonsense
    for state in ("Activated", "Nonconforming", "Contingent"):
        for none in ({}, {"subscription_id": None}, {"subscription_id": NULL_SUBSCRIPTION}):
            refused = await house.put(OIR, one["id"], intent(state=state, **none), one["ovn"])
            assert refused.status_code == 400, (state, none)
    assert (await house.call("GET", f"{OIR}/{one['id']}")).json()["operational_intent_reference"] == one


async def test_a_flight_that_has_begun_needs_a_subscription_from_now_on_only(house):
    sub = (await house.made(SUB, lasting(None, T0)))["subscription"]
    began = volume(start=house.now - 3 * HOUR, end=T0)
    assert (await house.put(OIR, new_id(), intent(began, subscription_id=sub["id"]))).status_code == 201
