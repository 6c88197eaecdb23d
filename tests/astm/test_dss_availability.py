"""Availability of USSs, what a USS that is down may not do, and reports."""

import pytest

from tests.astm.house import (
    AA,
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
from tests.astm.test_dss_scopes import REPORT


async def read(house, uss):
    return (await house.call("GET", f"uss_availability/{uss}")).json()


async def set_to(house, uss, availability, *, status=200):
    body = {"old_version": (await read(house, uss))["version"], "availability": availability}
    answer = await house.call("PUT", f"uss_availability/{uss}", body, scopes=[AA], who="arbiter")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_uss_that_nobody_spoke_of_is_unknown(house):
    for uss in ("uss1", "never-heard-of", "a.b_c-d", "USS%20One"):
        now = await read(house, uss)
        assert (now["version"], now["status"]["availability"]) == ("", "Unknown")
        assert now["status"]["uss"] == uss.replace("%20", " ")


async def test_availability_is_set_in_letters_of_either_case(house):
    versions = {""}
    for asked, kept in (("normal", "Normal"), ("DOWN", "Down"), ("Unknown", "Unknown"), ("dOwN", "Down")):
        now = await set_to(house, "uss1", asked)
        assert now["status"] == {"uss": "uss1", "availability": kept}
        assert now == await read(house, "uss1")
        assert now["version"] not in versions
        versions.add(now["version"])
    assert (await read(house, "uss2"))["version"] == ""


async def test_the_version_before_must_be_named(house):
    """The standard has no answer for it; 409 is what InterUSS' service gives."""
    path = "uss_availability/uss1"
    for old in ("x", "00000000-0000-4000-8000-000000000000"):
        refused = await house.call("PUT", path, {"old_version": old, "availability": "Down"}, valid=False)
        assert refused.status_code == 409, old
    assert (await read(house, "uss1"))["version"] == ""
    one = await set_to(house, "uss1", "Down")
    for old in ("", "x", one["version"].swapcase()):
        refused = await house.call("PUT", path, {"old_version": old, "availability": "Normal"}, valid=False)
        assert refused.status_code == 409, old
    assert await read(house, "uss1") == one


async def test_the_first_version_need_not_be_named(house):
    for status in (200, 409):
        answer = await house.call("PUT", "uss_availability/uss1", {"availability": "down"}, valid=False)
        assert answer.status_code == status


async def test_what_is_no_availability(house):
    for body in (
        {"old_version": "", "availability": "Up"}, {"old_version": "", "availability": ""},
        {"old_version": ""},
        {"availability": "pUrPlE"}, {"old_version": 3, "availability": "Down"}, {}, [], b"", b"{",
        {"old_version": "", "availability": None}, {"old_version": "", "availability": 1},
    ):  # fmt: skip
        assert (await house.call("PUT", "uss_availability/uss1", body)).status_code == 400, body
    assert (await read(house, "uss1"))["version"] == ""


async def test_it_is_told_in_every_reference(house):
    one = await house.intent()
    zone = (await house.made(CR, constraint()))["constraint_reference"]
    assert (one["uss_availability"], zone["uss_availability"]) == ("Unknown", "Unknown")
    body = {"area_of_interest": volume()}
    for state in ("Normal", "Down"):
        await set_to(house, "uss1", state)
        answers = [
            (await house.call("GET", f"{OIR}/{one['id']}", who="uss2")).json()[
                "operational_intent_reference"
            ],
            (await house.call("POST", f"{OIR}/query", body)).json()["operational_intent_references"][0],
            (await house.call("GET", f"{CR}/{zone['id']}", who="uss2")).json()["constraint_reference"],
            (await house.call("POST", f"{CR}/query", body)).json()["constraint_references"][0],
        ]
        if state == "Normal":
            refused = await house.put(OIR, new_id(), intent(), who="uss2")
            answers.append(refused.json()["missing_operational_intents"][0])
            changed = await house.put(CR, zone["id"], constraint(), zone["ovn"])
            zone = changed.json()["constraint_reference"]
            answers.append(zone)
        assert [each["uss_availability"] for each in answers] == [state] * len(answers)


async def test_a_uss_that_is_down_plans_nothing(house):
    one = await house.intent(intent(**new_subscription()))
    await set_to(house, "uss1", "Down")
    path = f"{OIR}/{one['id']}/{one['ovn']}"
    make = await house.put(OIR, new_id(), intent(volume(lat=48)))
    modify = await house.put(OIR, one["id"], intent(volume(radius=310.0)), one["ovn"])
    activate = await house.put(OIR, one["id"], intent(state="Activated", **new_subscription()), one["ovn"])
    end = await house.call("DELETE", path)
    for refused in (make, modify, activate, end):
        assert refused.status_code == 412
        assert refused.json()["message"]
    assert (await house.call("GET", f"{OIR}/{one['id']}")).json()["operational_intent_reference"][
        "ovn"
    ] == one["ovn"]
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{'x' * 20}")).status_code == 409
    assert (await house.call("DELETE", path, who="uss2")).status_code == 403
    off = await house.put(OIR, one["id"], intent(state="Contingent", **new_subscription()), one["ovn"])
    assert off.status_code == 200, "what is off-nominal is reported whoever is down"
    assert (await house.put(OIR, new_id(), intent(volume(lat=48)), who="uss2")).status_code == 201
    await set_to(house, "uss1", "Normal")
    ovn = off.json()["operational_intent_reference"]["ovn"]
    assert (await house.call("DELETE", f"{OIR}/{one['id']}/{ovn}")).status_code == 200


async def test_a_uss_that_is_down_may_still_subscribe_and_read(house):
    await set_to(house, "uss1", "Down")
    assert (await house.put(SUB, new_id(), subscription())).status_code == 200
    body = {"area_of_interest": volume()}
    assert (await house.call("POST", f"{OIR}/query", body)).status_code == 200


@pytest.mark.parametrize("state", ["Accepted", "Activated", "Nonconforming", "Contingent"])
async def test_only_accepted_intents_of_a_uss_that_is_down_need_not_be_known(house, state):
    one = await house.intent(intent(**new_subscription()))
    await house.put(OIR, one["id"], intent(state=state, **new_subscription()), one["ovn"])
    await set_to(house, "uss1", "Down")
    answer = await house.put(OIR, new_id(), intent(), who="uss2")
    assert answer.status_code == (201 if state == "Accepted" else 409)
    await set_to(house, "uss1", "Normal")
    again = await house.put(OIR, new_id(), intent(), who="uss3")
    assert one["id"] in {each["id"] for each in again.json()["missing_operational_intents"]}


async def test_a_report_is_kept_and_echoed(house):
    seen = set()
    for sent in (REPORT, REPORT | {"report_id": "mine"}, REPORT | {"unknown": 1}):
        answer = await house.call("POST", "reports", sent)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["exchange"] == REPORT["exchange"]
        assert body["report_id"] not in seen | {"mine", ""}
        seen.add(body["report_id"])
    for bad in ({}, {"exchange": None}, {"exchange": {}}, {"exchange": {"url": "x"}}, [], b"", b"{"):
        refused = await house.call("POST", "reports", bad)
        assert (refused.status_code, bool(refused.json()["message"])) == (400, True), bad
    rows = await house.pool.fetchval("SELECT count(*) FROM statement WHERE type = 'report.made'")
    assert rows == 3
