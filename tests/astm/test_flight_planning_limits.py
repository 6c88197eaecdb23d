"""What a harness asks for that cannot be planned: refused with its reason, and the plan stays as it was."""

import json
import uuid
from datetime import timedelta

import pytest

from tests.astm.planner import DIRECT, DURING, START, new_flight, plan, volume

pytestmark = pytest.mark.pg

COMPLETED, REJECTED = "Completed", "Rejected"


def changed(one, **values):
    return {**one, **values}


def above(reference):
    space = volume()["volume"]
    return volume() | {
        "volume": space | {"altitude_lower": changed(space["altitude_lower"], reference=reference)}
    }


BENT = [
    {"lat": 47.0, "lng": 8.0},
    {"lat": 47.1, "lng": 8.1},
    {"lat": 47.1, "lng": 8.0},
    {"lat": 47.0, "lng": 8.1},
]
WRONG = {
    "too far ahead": ([volume(start=DURING + timedelta(days=30, seconds=1))], {}, REJECTED),
    "over": ([volume(start=START - timedelta(hours=3))], {}, REJECTED),
    "ends before it begins": ([volume(minutes=-5)], {}, REJECTED),
    "upside down": ([volume(lower=300.0)], {}, REJECTED),
    "no shape": ([volume() | {"volume": {}}], {}, REJECTED),
    "no height": (
        [volume() | {"volume": {"outline_circle": volume()["volume"]["outline_circle"]}}],
        {},
        REJECTED,
    ),
    "crossing itself": (
        [
            volume()
            | {"volume": changed(volume()["volume"], outline_circle=None, outline_polygon={"vertices": BENT})}
        ],
        {},
        REJECTED,
    ),
    "too many volumes": ([volume(lat=i / 10) for i in range(257)], {}, REJECTED),
    "priority below all": ([volume()], {"priority": -1}, REJECTED),
    "priority above all": ([volume()], {"priority": 101}, "NotSupported"),
    "above ground": ([above("SFC")], {}, "NotSupported"),
}


@pytest.mark.parametrize("fault", WRONG)
async def test_what_cannot_be_planned_is_refused_with_its_reason(uss1, fault):
    area, more, result = WRONG[fault]
    fresh, planned = new_flight(), new_flight()
    answer = await uss1.put(fresh, "Planned", "Nominal", *area, **more)
    assert (answer["planning_result"], answer["flight_plan_status"]) == (result, "NotPlanned")
    assert len(answer["notes"]) > 10
    assert await uss1.says(fresh, "InUse", "Nominal", *area, style="Hypothetical", **more) == (
        result,
        "NotPlanned",
    )
    await uss1.put(planned, "InUse", "Nominal")
    before = await uss1.row(planned)
    assert await uss1.says(planned, "InUse", "Nominal", *area, **more) == (result, "OkToFly")
    assert (
        await uss1.says(planned, "InUse", "OffNominal", *area, **more) == (result, "OkToFly")
        or fault == "over"
    )
    assert fault == "over" or await uss1.row(planned) == before


async def test_thirty_days_ahead_is_not_too_far(uss1):
    latest = volume(start=DURING + timedelta(days=30))
    assert await uss1.says(new_flight(), "Planned", "Nominal", latest) == (COMPLETED, "Planned")


async def asked(uss1, body, flight=None):
    return await uss1.call("PUT", f"/flight_plans/{flight or new_flight()}", body, valid=False)


GOOD = {"flight_plan": plan(), "execution_style": "IfAllowed", "request_id": "r"}
MALFORMED = {
    "no JSON": b"{",
    "no object": [],
    "no flight plan": {name: value for name, value in GOOD.items() if name != "flight_plan"},
    "no request id": {name: value for name, value in GOOD.items() if name != "request_id"},
    "no such style": GOOD | {"execution_style": "Perhaps"},
    "no such usage": GOOD | {"flight_plan": plan(usage="Parked")},
    "no such state of the aircraft": GOOD | {"flight_plan": plan(uas="Tired")},
    "no such unit": GOOD | {"flight_plan": json.loads(json.dumps(plan()).replace('"M"', '"FT"'))},
    "a latitude beyond the pole": GOOD | {"flight_plan": plan(volume(lat=91.0))},
}


@pytest.mark.parametrize("fault", MALFORMED)
async def test_a_malformed_body_is_a_bad_request_and_nothing_is_kept(uss1, fault):
    answer = await asked(uss1, MALFORMED[fault])
    assert answer.status_code == 400, answer.text
    assert answer.json()["message"]
    assert await uss1.pool.fetchval("SELECT count(*) FROM harness_request") == 0


async def test_an_id_that_is_no_uuid_is_a_bad_request(uss1):
    for flight in ("x", "00000000-0000-1000-8000-000000000000"):
        assert (await asked(uss1, GOOD, flight)).status_code == 400
        answer = await uss1.call("DELETE", f"/flight_plans/{flight}", scopes=(DIRECT,), valid=False)
        assert answer.status_code == 400


async def test_members_that_nobody_knows_are_passed_over(uss1):
    body = GOOD | {"behavior": {"x": 1}, "flight_plan": plan() | {"more": True}}
    assert (await asked(uss1, body)).json()["planning_result"] == COMPLETED


async def test_the_same_request_gets_the_same_answer_whatever_happened_since(uss1):
    flight, request_id = new_flight(), str(uuid.uuid4())
    first = await uss1.send(flight, plan(), request_id=request_id)
    refused_id = str(uuid.uuid4())
    refused = await uss1.send(new_flight(), plan(), request_id=refused_id)
    assert refused.json()["planning_result"] == REJECTED
    await uss1.delete(flight)
    statements = await uss1.pool.fetchval("SELECT count(*) FROM statement")
    again = await uss1.send(flight, plan(), request_id=request_id)
    assert again.content == first.content
    assert await uss1.pool.fetchval("SELECT count(*) FROM statement") == statements


async def test_a_request_id_stands_for_one_request(uss1):
    request_id = "once only " + "l\u00f6ng " * 1_000
    flight = new_flight()
    assert (await uss1.send(flight, plan(), request_id=request_id)).status_code == 200
    for other, body in ((flight, plan(volume(lat=48.0))), (new_flight(), plan())):
        answer = await uss1.send(other, body, request_id=request_id)
        assert answer.status_code == 409
        assert answer.json()["message"]
