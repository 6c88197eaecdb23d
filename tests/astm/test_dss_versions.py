"""Versions and OVNs: chosen, hidden, changed by every write; and entities that come back after they ended."""

import asyncio
import uuid

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

HIDDEN = "Available from USS"
NAMES = ("operational_intent_reference", "constraint_reference")


def suffix(at, version=7, rand=1):
    """A UUID of a version, whose first 48 bits are milliseconds."""
    ms = int(at.timestamp() * 1000)
    return str(uuid.UUID(int=(ms << 80) | (version << 76) | (0b10 << 62) | rand))


@pytest.mark.parametrize(("kind", "make"), [(OIR, intent), (CR, constraint)])
async def test_every_write_changes_the_ovn_and_counts_the_version(house, kind, make):
    name = "operational_intent_reference" if kind == OIR else "constraint_reference"
    one, seen = (await house.made(kind, make()))[name], set()
    for version in range(1, 6):
        assert one["version"] == version
        assert 16 <= len(one["ovn"]) <= 128
        seen.add(one["ovn"])
        read = (await house.call("GET", f"{kind}/{one['id']}")).json()[name]
        assert read == one
        stale = [ovn for ovn in seen if ovn != one["ovn"]]
        for ovn in (*stale, "x" * 20, one["ovn"][:-1], one["ovn"].swapcase(), "%00", "1"):
            refused = await house.put(kind, one["id"], make(), ovn)
            assert refused.status_code in {400, 409}, ovn
            gone = await house.call("DELETE", f"{kind}/{one['id']}/{ovn}")
            assert gone.status_code in {400, 409}, ovn
        answer = await house.put(kind, one["id"], make(), one["ovn"])
        assert answer.status_code == 200
        one = answer.json()[name]
    assert len(seen) == 5


@pytest.mark.parametrize(("kind", "make"), [(OIR, intent), (CR, constraint)])
async def test_an_ovn_is_told_to_its_manager_only(house, kind, make):
    name = "operational_intent_reference" if kind == OIR else "constraint_reference"
    one = (await house.made(kind, make()))[name]
    body = {"area_of_interest": volume()}
    told = subscription(notify_for_constraints=True)
    for who, ovn in (("uss1", one["ovn"]), ("uss2", HIDDEN)):
        answers = [
            (await house.call("GET", f"{kind}/{one['id']}", who=who)).json()[name],
            (await house.call("POST", f"{kind}/query", body, who=who)).json()[f"{name}s"][0],
            (await house.made(SUB, told, who=who))[f"{name}s"][0],
        ]
        assert answers == [one | {"ovn": ovn}] * 3
    for method, sent in (("PUT", make()), ("DELETE", None)):
        refused = await house.call(method, f"{kind}/{one['id']}/{one['ovn']}", sent, who="uss2")
        assert (refused.status_code, one["ovn"] in refused.json()["message"]) == (403, False)
        wrong = await house.call(method, f"{kind}/{one['id']}/{'x' * 20}", sent, who="uss2")
        assert wrong.status_code == 403, "whether it is right is told to its manager only"


async def test_an_id_that_is_taken(house):
    for kind, make in ((OIR, intent), (CR, constraint), (SUB, subscription)):
        await house.made(kind, make(), one := new_id())
        for who in ("uss1", "uss2"):
            assert (await house.put(kind, one, make(), who=who)).status_code == 409


async def test_a_chosen_ovn(house):
    entity, wish = new_id(), suffix(house.now)
    body = intent(requested_ovn_suffix=wish)
    first = await house.made(OIR, body, entity)
    assert first["operational_intent_reference"]["ovn"] == f"{entity}_{wish}"
    again = await house.put(OIR, entity, body)
    assert (again.status_code, again.json()) == (201, first), "the same words, the same answer"
    other = await house.put(OIR, entity, intent(volume(radius=310.0), requested_ovn_suffix=wish))
    assert other.status_code == 409
    assert (await house.put(OIR, entity, body, who="uss2")).status_code == 409
    change = intent(requested_ovn_suffix=suffix(house.now, rand=2))
    ovn = first["operational_intent_reference"]["ovn"]
    for _ in range(2):
        second = await house.put(OIR, entity, change, ovn)
        assert second.status_code == 200, second.text
        assert second.json()["operational_intent_reference"]["version"] == 2
        assert second.json()["operational_intent_reference"]["ovn"].endswith(change["requested_ovn_suffix"])
    assert (await house.put(OIR, entity, body)).status_code == 409, "it has moved on"


async def test_a_write_that_is_repeated_names_who_is_to_be_told_and_counts_nobody_twice(house):
    sub = (await house.made(SUB, subscription(), who="uss2"))["subscription"]
    entity, body = new_id(), intent(requested_ovn_suffix=suffix(house.now), **new_subscription())
    first = await house.made(OIR, body, entity)
    assert len(first["subscribers"]) == 1, "two subscriptions at one address"
    assert {one["notification_index"] for one in first["subscribers"][0]["subscriptions"]} == {1}
    again = await house.made(OIR, body, entity)

    def by_id(answer):
        return sorted(map(str, answer["subscribers"][0]["subscriptions"]))

    assert by_id(again) == by_id(first)
    read = (await house.call("GET", f"{SUB}/{sub['id']}", who="uss2")).json()["subscription"]
    assert read["notification_index"] == 1


async def test_ovns_that_may_not_be_chosen(house):
    late, early = house.now.timestamp() - 301, house.now.timestamp() + 301
    stamp = type(house.now).fromtimestamp
    wrong = [
        "", "x", suffix(house.now, version=4), str(uuid.uuid4()), suffix(stamp(late, house.now.tzinfo)),
        suffix(stamp(early, house.now.tzinfo)), suffix(house.now).replace("-", ""), suffix(T0), "../../x",
        f" {suffix(house.now)}", f"{{{suffix(house.now)}}}", 7, ["x"], suffix(house.now)[:-1],
    ]  # fmt: skip
    for wish in wrong:
        refused = await house.put(OIR, new_id(), intent(requested_ovn_suffix=wish))
        assert refused.status_code == 400, wish
    edge = suffix(stamp(late + 2, house.now.tzinfo))
    assert (await house.put(OIR, new_id(), intent(requested_ovn_suffix=edge))).status_code == 201
    plain = intent(volume(lat=48), requested_ovn_suffix=None)
    assert (await house.put(OIR, new_id(), plain)).status_code == 201


async def test_an_intent_that_comes_back_is_a_new_one(house):
    entity = new_id()
    for who in ("uss1", "uss1", "uss2", "uss3"):
        one = await house.intent(intent(**new_subscription()), entity_id=entity, who=who)
        assert (one["version"], one["manager"]) == (1, who)
        told = (await house.call("GET", f"{SUB}/{one['subscription_id']}", who=who)).json()["subscription"]
        assert told["notification_index"] == 1
        assert (await house.put(OIR, entity, intent(), who="uss4")).status_code == 409
        gone = await house.call("DELETE", f"{OIR}/{entity}/{one['ovn']}", who=who)
        assert gone.json()["operational_intent_reference"] == one
        assert len(gone.json()["subscribers"]) == 1, "a deletion is told too"
        again = await house.call("DELETE", f"{OIR}/{entity}/{one['ovn']}", who=who)
        assert again.status_code == 404
        changed = await house.put(OIR, entity, intent(), one["ovn"], who=who)
        assert changed.status_code in {400, 404, 409}
        found = await house.call("POST", f"{OIR}/query", {"area_of_interest": volume()}, who=who)
        assert found.json()["operational_intent_references"] == []


async def test_states_may_follow_each_other_as_the_standard_says(house):
    allowed = {
        "Accepted": {"Accepted", "Activated", "Nonconforming", "Contingent"},
        "Activated": {"Accepted", "Activated", "Nonconforming", "Contingent"},
        "Nonconforming": {"Activated", "Nonconforming", "Contingent"},
        "Contingent": {"Contingent"},
    }
    for state, nexts in allowed.items():
        for asked in allowed:
            one = await house.intent(intent(**new_subscription()))
            answer = await house.put(OIR, one["id"], intent(state=state, **new_subscription()), one["ovn"])
            now = answer.json()["operational_intent_reference"]
            last = await house.put(OIR, one["id"], intent(state=asked, **new_subscription()), now["ovn"])
            assert last.status_code == (200 if asked in nexts else 400), (state, asked)
            now = last.json()["operational_intent_reference"] if asked in nexts else now
            assert (await house.call("DELETE", f"{OIR}/{one['id']}/{now['ovn']}")).status_code == 200


async def test_one_write_sent_many_times_at_once_is_one_write(house):
    for _ in range(5):
        entity, body = new_id(), intent(volume(lat=46.0), requested_ovn_suffix=suffix(house.now))
        answers = await asyncio.gather(*(house.put(OIR, entity, body) for _ in range(8)))
        assert {answer.status_code for answer in answers} == {201}
        references = [answer.json()["operational_intent_reference"] for answer in answers]
        assert references == [references[0]] * 8
        gone = await house.call("DELETE", f"{OIR}/{entity}/{references[0]['ovn']}")
        assert gone.status_code == 200


async def test_of_many_who_make_or_change_one_thing_at_once_one_does(house):
    for kind, make in ((OIR, intent), (CR, constraint), (SUB, subscription)):
        one = new_id()
        made = await asyncio.gather(*(house.put(kind, one, make(), who=f"uss{i}") for i in range(8)))
        right = [answer for answer in made if answer.is_success]
        assert len(right) == 1
        assert {answer.status_code for answer in made if not answer.is_success} == {409}
        who = f"uss{made.index(right[0])}"
        body = next(part for name, part in right[0].json().items() if name in {*NAMES, "subscription"})
        version = body["version"] if kind == SUB else body["ovn"]
        changed = await asyncio.gather(*(house.put(kind, one, make(), version, who=who) for _ in range(8)))
        assert sorted(answer.status_code for answer in changed) == [200] + [409] * 7
