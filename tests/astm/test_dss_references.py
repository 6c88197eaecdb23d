"""References of operational intents at the discovery service; the numbers are those of docs/astm-f3548.md."""

from datetime import timedelta

from tests.astm.house import (
    CMSA,
    CP,
    NULL_SUBSCRIPTION,
    OIR,
    OWN_URL,
    SC,
    SUB,
    T0,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    volume,
)


async def test_a_reference_lives(house):
    entity = new_id()
    made = await house.made(OIR, intent(), entity)
    one = made["operational_intent_reference"]
    assert (one["id"], one["manager"], one["version"], one["state"]) == (entity, "uss1", 1, "Accepted")
    assert one["subscription_id"] == NULL_SUBSCRIPTION
    assert made["subscribers"] == []
    again = await house.put(OIR, entity, intent())
    assert again.status_code == 409
    stale = await house.put(OIR, entity, intent(), "x" * 20)
    assert stale.status_code == 409
    changed = await house.put(OIR, entity, intent(state="Activated", **new_subscription()), one["ovn"])
    assert changed.status_code == 200, changed.text
    two = changed.json()["operational_intent_reference"]
    assert two["version"] == 2
    assert two["ovn"] != one["ovn"]
    read = (await house.call("GET", f"{OIR}/{entity}", who="uss2")).json()["operational_intent_reference"]
    assert read["ovn"] == "Available from USS"
    assert (await house.call("DELETE", f"{OIR}/{entity}/{two['ovn']}", who="uss2")).status_code == 403
    assert (await house.call("DELETE", f"{OIR}/{entity}/{one['ovn']}")).status_code == 409
    gone = await house.call("DELETE", f"{OIR}/{entity}/{two['ovn']}")
    assert gone.status_code == 200
    assert len(gone.json()["subscribers"]) == 1
    assert (await house.call("GET", f"{OIR}/{entity}")).status_code == 404
    assert (await house.call("DELETE", f"{OIR}/{entity}/{two['ovn']}")).status_code == 404
    assert (await house.intent(entity_id=entity, who="uss3"))["version"] == 1


async def test_the_key_names_everything_near_and_only_what_is_missing_is_told(house):
    first = await house.intent(who="uss1")
    second = await house.intent(intent(key=[first["ovn"]]), who="uss2")
    refused = await house.put(OIR, new_id(), intent(key=[first["ovn"]]), who="uss3")
    assert refused.status_code == 409
    missing = refused.json()["missing_operational_intents"]
    assert [one["id"] for one in missing] == [second["id"]]
    assert missing[0]["ovn"] == "Available from USS"
    assert (await house.put(OIR, new_id(), intent(key=[first["ovn"], second["ovn"]]), who="uss3")).is_success
    apart = intent(volume(lat=47.2))
    assert (await house.put(OIR, new_id(), apart, who="uss3")).is_success


async def test_an_implicit_subscription_goes_with_its_plan(house):
    entity = new_id()
    one = await house.made(OIR, intent(**new_subscription()), entity)
    sub = one["operational_intent_reference"]["subscription_id"]
    assert one["subscribers"] == [
        {
            "uss_base_url": "https://uss1.example/utm",
            "subscriptions": [{"subscription_id": sub, "notification_index": 1}],
        }
    ]
    read = (await house.call("GET", f"{SUB}/{sub}")).json()["subscription"]
    assert read["implicit_subscription"]
    assert read["dependent_operational_intents"] == [entity]
    assert (await house.call("DELETE", f"{SUB}/{sub}/{read['version']}")).status_code == 400
    ovn = one["operational_intent_reference"]["ovn"]
    assert (await house.call("DELETE", f"{OIR}/{entity}/{ovn}")).is_success
    assert (await house.call("GET", f"{SUB}/{sub}")).status_code == 404


async def test_constraints_belong_to_the_key_of_who_processes_them(house):
    zone = (await house.made("constraint_references", constraint(), who="uss9"))["constraint_reference"]
    assert (await house.put(OIR, new_id(), intent(**new_subscription()))).is_success
    aware = intent(volume(lat=47.0005), **new_subscription(notify_for_constraints=True))
    near = [one["ovn"] for one in [await _own(house)]]
    refused = await house.put(OIR, new_id(), aware | {"key": near})
    assert refused.status_code == 409
    assert [one["id"] for one in refused.json()["missing_constraints"]] == [zone["id"]]
    assert (await house.put(OIR, new_id(), aware | {"key": [*near, zone["ovn"]]})).is_success


async def _own(house):
    found = await house.call("POST", f"{OIR}/query", {"area_of_interest": volume()})
    return found.json()["operational_intent_references"][0]


async def test_states_need_their_scopes(house):
    one = await house.intent(intent(**new_subscription()))
    off = intent(state="Nonconforming", **new_subscription())
    assert (await house.put(OIR, one["id"], off, one["ovn"], scopes=[SC, CP])).status_code == 403
    assert (await house.put(OIR, one["id"], off, one["ovn"], scopes=[CMSA])).status_code == 200
    assert (
        await house.put(OIR, new_id(), intent(state="Activated", **new_subscription()))
    ).status_code == 400


async def test_an_explicit_subscription_must_reach_over_the_plan(house):
    sub = (await house.made(SUB, subscription(volume(radius=1000.0, start=T0, minutes=60))))["subscription"]
    named = {"subscription_id": sub["id"]}
    one = await house.intent(intent(**named))
    assert one["subscription_id"] == sub["id"]
    late = intent(volume(start=T0 + timedelta(hours=2)), **named)
    assert (await house.put(OIR, new_id(), late)).status_code == 400
    aside = intent(volume(lat=47.1), **named)
    assert (await house.put(OIR, new_id(), aside)).status_code == 400
    assert (await house.put(OIR, new_id(), intent(volume(lat=48.0), **named), who="uss2")).status_code == 403
    unknown = intent(volume(lat=48.0), subscription_id=new_id())
    assert (await house.put(OIR, new_id(), unknown)).status_code == 400
    both = intent(volume(lat=48.0), **named, **new_subscription())
    assert (await house.put(OIR, new_id(), both)).status_code == 400
    assert OWN_URL not in str(one)
