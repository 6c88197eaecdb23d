"""Who is told of a write: old extents and new, each counted up once, one entry an address."""

import asyncio
from datetime import timedelta

import pytest

from tests.astm.house import (
    CR,
    OIR,
    SUB,
    T0,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    volume,
)

HOUR = timedelta(hours=1)
KINDS = [(OIR, intent, "operational_intent_reference"), (CR, constraint, "constraint_reference")]


def told(answer):
    """Notification index by subscription, and the addresses."""
    assert answer.status_code in {200, 201}, answer.text
    groups = answer.json()["subscribers"]
    urls = [group["uss_base_url"] for group in groups]
    assert len(urls) == len(set(urls)), "one entry an address"
    pairs = [(s["subscription_id"], s["notification_index"]) for g in groups for s in g["subscriptions"]]
    assert len(pairs) == len(dict(pairs)), "each subscription once"
    return dict(pairs)


async def subscribe(house, extents=None, *, who="uss2", url="https://uss2.example", plans=True, zones=True):
    body = subscription(
        extents, uss_base_url=url, notify_for_operational_intents=plans, notify_for_constraints=zones
    )
    return (await house.made(SUB, body, who=who))["subscription"]["id"]


async def index_of(house, sub, who="uss2"):
    return (await house.call("GET", f"{SUB}/{sub}", who=who)).json()["subscription"]["notification_index"]


@pytest.mark.parametrize(("kind", "make", "name"), KINDS)
async def test_who_was_met_and_who_is_met_now(house, kind, make, name):
    here, there = volume(), volume(lat=47.3, start=T0 + HOUR, lower=500, upper=600)
    wide = volume(lat=47.15, radius=20_000.0, lower=None, upper=None, start=None)
    old, new, both = [await subscribe(house, each) for each in (here, there, wide)]
    for elsewhere in (
        volume(lat=47.6), volume(start=T0 + 5 * HOUR), volume(lower=700, upper=800),
        volume(lat=47.3, lower=500, upper=600), volume(start=T0 + HOUR),
    ):  # fmt: skip
        await subscribe(house, elsewhere)
    first = await house.put(kind, one := new_id(), make(here))
    assert told(first) == {old: 1, both: 1}
    second = await house.put(kind, one, make(there), first.json()[name]["ovn"])
    assert told(second) == {old: 2, new: 1, both: 2}
    third = await house.put(kind, one, make(there), second.json()[name]["ovn"])
    assert told(third) == {new: 2, both: 3}
    gone = await house.call("DELETE", f"{kind}/{one}/{third.json()[name]['ovn']}")
    assert told(gone) == {new: 3, both: 4}
    assert [await index_of(house, sub) for sub in (old, new, both)] == [2, 3, 4]


@pytest.mark.parametrize(("kind", "make", "name"), KINDS)
async def test_each_hears_of_what_it_asked_for(house, kind, make, name):
    plans, zones = await subscribe(house, zones=False), await subscribe(house, plans=False)
    both = await subscribe(house)
    first = await house.put(kind, one := new_id(), make())
    wanted = {plans if kind == OIR else zones: 1, both: 1}
    assert told(first) == wanted
    ovn = first.json()[name]["ovn"]
    assert told(await house.call("DELETE", f"{kind}/{one}/{ovn}")) == dict.fromkeys(wanted, 2)
    assert await index_of(house, zones if kind == OIR else plans) == 0


async def test_one_entry_an_address_whoever_subscribes(house):
    subs = [await subscribe(house, who=who, url=url) for who, url in (
        ("uss2", "https://a.example"), ("uss3", "https://a.example"), ("uss2", "https://b.example"),
    )]  # fmt: skip
    answer = await house.put(OIR, new_id(), intent())
    groups = {
        g["uss_base_url"]: {s["subscription_id"] for s in g["subscriptions"]}
        for g in answer.json()["subscribers"]
    }
    assert groups == {"https://a.example": set(subs[:2]), "https://b.example": {subs[2]}}


async def test_ones_own_subscriptions_are_told_too(house):
    own = await subscribe(house, who="uss1", url="https://uss1.example/utm")
    answer = await house.put(OIR, new_id(), intent(**new_subscription()))
    implicit = answer.json()["operational_intent_reference"]["subscription_id"]
    assert told(answer) == {own: 1, implicit: 1}


async def test_constraints_are_told_to_implicit_subscriptions_that_ask_for_them(house):
    deaf = await house.intent(intent(**new_subscription()))
    aware = await house.intent(intent(key=[deaf["ovn"]], **new_subscription(notify_for_constraints=True)))
    answer = await house.put(CR, new_id(), constraint(), who="uss9")
    assert told(answer) == {aware["subscription_id"]: 2}, "and of its own intent before"


async def test_a_refused_write_tells_nobody(house):
    sub = await subscribe(house)
    one = await house.intent()
    zone = (await house.made(CR, constraint()))["constraint_reference"]
    before = await index_of(house, sub)
    refusals = [
        await house.put(OIR, new_id(), intent()),
        await house.put(OIR, one["id"], intent(), "x" * 20),
        await house.put(OIR, one["id"], intent(), one["ovn"], who="uss3"),
        await house.put(OIR, one["id"], intent(state="Activated"), one["ovn"]),
        await house.call("DELETE", f"{OIR}/{one['id']}/{'x' * 20}"),
        await house.put(CR, zone["id"], constraint(), "x" * 20),
        await house.put(CR, zone["id"], constraint(), zone["ovn"], who="uss3"),
        await house.call("DELETE", f"{CR}/{zone['id']}/{zone['ovn']}", who="uss3"),
    ]
    assert all(answer.is_client_error for answer in refusals)
    assert await index_of(house, sub) == before


async def test_an_explicit_subscription_is_told_as_far_as_it_reaches_whatever_depends_on_it(house):
    """The intent is higher than the subscription: only the subscription's own extents count."""
    sub = await subscribe(house, volume(lower=0.0, upper=50.0), who="uss1")
    await house.intent(intent(subscription_id=sub))
    above = await house.put(CR, new_id(), constraint(volume(lower=150.0, upper=160.0)), who="uss9")
    assert told(above) == {}
    below = await house.put(CR, new_id(), constraint(volume(lower=20.0, upper=30.0)), who="uss9")
    assert told(below) == {sub: 1}


async def test_a_subscription_that_is_gone_or_over_is_not_told(house):
    await subscribe(house, volume(start=house.now, end=house.now + HOUR))
    gone = await subscribe(house)
    version = (await house.call("GET", f"{SUB}/{gone}", who="uss2")).json()["subscription"]["version"]
    assert (await house.call("DELETE", f"{SUB}/{gone}/{version}", who="uss2")).status_code == 200
    house.now += 2 * HOUR
    answer = await house.put(OIR, new_id(), intent(volume(start=house.now - 3 * HOUR, end=T0 + HOUR)))
    assert told(answer) == {}


async def test_many_at_once_count_each_exactly_once(house):
    """Writes in one place and in several, at once: the indices that were told are 1, 2, 3 ..., each once."""
    sub = await subscribe(house, volume(radius=20_000.0))
    places = [47.0 + 0.02 * (i % 6) for i in range(24)]

    async def live(lat, i):
        key, entity = [], new_id()
        heights = {"lower": 100.0 + i, "upper": 100.5 + i}
        answer = await house.put(OIR, entity, intent(volume(lat=lat, **heights), key=key), who=f"uss{i}")
        indices = [told(answer)[sub]]
        ovn = answer.json()["operational_intent_reference"]["ovn"]
        answer = await house.put(OIR, entity, intent(volume(lat=lat, **heights)), ovn, who=f"uss{i}")
        indices.append(told(answer)[sub])
        ovn = answer.json()["operational_intent_reference"]["ovn"]
        answer = await house.call("DELETE", f"{OIR}/{entity}/{ovn}", who=f"uss{i}")
        return [*indices, told(answer)[sub]]

    lives = await asyncio.gather(*(live(lat, i) for i, lat in enumerate(places)))
    assert sorted(index for one in lives for index in one) == list(range(1, 3 * 24 + 1))
    assert await index_of(house, sub) == 3 * 24
