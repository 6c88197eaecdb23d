"""Keys: what a write must prove that it knows, and what it need not."""

import pytest

from tests.astm.house import (
    CR,
    OIR,
    SUB,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    volume,
)

HIDDEN = "Available from USS"


async def change(house, one, body, **more):
    answer = await house.put(OIR, one["id"], body, one["ovn"], **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["operational_intent_reference"]


def missing(answer):
    assert answer.status_code == 409, answer.text
    body = answer.json()
    assert body["message"]
    plans = {one["id"] for one in body["missing_operational_intents"]}
    return plans, {one["id"] for one in body["missing_constraints"]}


async def test_own_intents_count_and_the_entity_itself_does_not(house):
    one = await house.intent()
    refused = await house.put(OIR, new_id(), intent())
    assert missing(refused) == ({one["id"]}, set())
    assert refused.json()["missing_operational_intents"][0]["ovn"] == one["ovn"], "one's own OVN is told"
    changed = await change(house, one, intent(volume(radius=310.0)))
    assert (await house.put(OIR, new_id(), intent(key=[one["ovn"]]))).status_code == 409, (
        "not the current one"
    )
    assert (await house.put(OIR, new_id(), intent(key=[changed["ovn"]]))).status_code == 201


async def test_a_change_needs_a_key_too(house):
    one = await house.intent(who="uss1")
    far = await house.intent(intent(volume(lat=47.5)), who="uss2")
    refused = await house.put(OIR, far["id"], intent(), far["ovn"], who="uss2")
    assert missing(refused) == ({one["id"]}, set())
    assert refused.json()["missing_operational_intents"][0]["ovn"] == HIDDEN
    read = (await house.call("GET", f"{OIR}/{far['id']}", who="uss2")).json()["operational_intent_reference"]
    assert read == far, "untouched"
    await change(house, far, intent(key=[one["ovn"]]), who="uss2")


async def test_only_what_is_missing_is_told(house):
    key, ids = [], []
    for _ in range(4):
        one = await house.intent(intent(key=key), who="uss2")
        key.append(one["ovn"])
        ids.append(one["id"])
    refused = await house.put(OIR, new_id(), intent(key=[key[0], key[2], "x" * 20, "short", key[2]]))
    assert missing(refused) == ({ids[1], ids[3]}, set())
    assert (await house.put(OIR, new_id(), intent(key=key))).status_code == 201


@pytest.mark.parametrize("state", ["Activated", "Nonconforming", "Contingent"])
async def test_every_state_in_force_is_needed(house, state):
    one = await house.intent(who="uss2")
    body = intent(state=state, **new_subscription())
    now = await change(house, one, body, who="uss2")
    assert missing(await house.put(OIR, new_id(), intent())) == ({one["id"]}, set())
    assert (await house.put(OIR, new_id(), intent(key=[now["ovn"]]))).status_code == 201


@pytest.mark.parametrize("state", ["Nonconforming", "Contingent"])
async def test_what_is_off_nominal_is_never_refused_for_its_key(house, state):
    one = await house.intent(intent(volume(lat=47.5)), who="uss2")
    await house.intent(who="uss1")
    await house.made(CR, constraint(), who="uss9")
    body = intent(state=state, **new_subscription(notify_for_constraints=True))
    await change(house, one, body, who="uss2")


async def test_activation_needs_a_key(house):
    one = await house.intent(who="uss2")
    other = await house.intent(intent(key=[one["ovn"]]), who="uss1")
    body = intent(state="Activated", **new_subscription())
    assert missing(await house.put(OIR, one["id"], body, one["ovn"], who="uss2")) == ({other["id"]}, set())
    await change(house, one, body | {"key": [other["ovn"]]}, who="uss2")


async def test_constraints_are_needed_by_who_is_told_of_them(house):
    zone = (await house.made(CR, constraint(), who="uss9"))["constraint_reference"]
    assert (await house.put(OIR, new_id(), intent(volume(lower=300.0, upper=400.0)))).status_code == 201
    deaf, aware = new_subscription(), new_subscription(notify_for_constraints=True)
    one = await house.intent(intent(**deaf))
    refused = await house.put(OIR, one["id"], intent(**aware), one["ovn"])
    assert missing(refused) == (set(), {zone["id"]})
    assert refused.json()["missing_constraints"][0]["ovn"] == HIDDEN
    one = await change(house, one, intent(key=[zone["ovn"]], **aware))
    kept = intent(subscription_id=one["subscription_id"])
    assert missing(await house.put(OIR, one["id"], kept, one["ovn"])) == (set(), {zone["id"]})
    await change(house, one, kept | {"key": [zone["ovn"]]})


@pytest.mark.parametrize("tells_zones", [True, False])
async def test_an_explicit_subscription_says_too_whether_constraints_are_needed(house, tells_zones):
    zone = (await house.made(CR, constraint(), who="uss9"))["constraint_reference"]
    sub = (await house.made(SUB, subscription(notify_for_constraints=tells_zones)))["subscription"]
    answer = await house.put(OIR, new_id(), intent(subscription_id=sub["id"]))
    if tells_zones:
        assert missing(answer) == (set(), {zone["id"]})
    else:
        assert answer.status_code == 201


async def test_a_constraint_without_heights_is_met_at_every_height(house):
    zone = (await house.made(CR, constraint(volume(lower=None, upper=None)), who="uss9"))[
        "constraint_reference"
    ]
    high = intent(volume(lower=20_000, upper=20_100), **new_subscription(notify_for_constraints=True))
    assert missing(await house.put(OIR, new_id(), high)) == (set(), {zone["id"]})
    gone = await house.call("DELETE", f"{CR}/{zone['id']}/{zone['ovn']}", who="uss9")
    assert gone.status_code == 200
    assert (await house.put(OIR, new_id(), high)).status_code == 201


async def test_a_large_key_is_read(house):
    one = await house.intent()
    key = [f"{'x' * 60}{i:08d}" for i in range(20_000)]
    assert (await house.put(OIR, new_id(), intent(key=key))).status_code == 409
    assert (await house.put(OIR, new_id(), intent(key=[*key, one["ovn"]]))).status_code == 201


async def test_what_is_gone_is_not_needed(house):
    one = await house.intent()
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")).status_code == 200
    assert (await house.put(OIR, new_id(), intent())).status_code == 201
