"""Invariant 4 for the interfaces of a test harness: there only where they are turned on, and for whom."""

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from detente.app import Exchange
from detente.parties.model import Role
from detente.settings import Settings
from tests.astm.planner import plan, text, volume
from tests.invariants.fleet import URL, make_exchange
from tests.invariants.test_access import BY_PASSKEY, COOKIE, MAY, OPEN, SIGN_IN, party_of, routes_of

PLANNERS, ADMINISTRATOR = {Role.PLANNER, Role.DUTY_OFFICER}, {Role.ADMINISTRATOR}
FLIGHTS = "/flight_planning/v1"
HARNESS = {
    ("GET", f"{FLIGHTS}/status"): ADMINISTRATOR,
    ("POST", f"{FLIGHTS}/clear_area_requests"): ADMINISTRATOR,
    ("PUT", f"{FLIGHTS}/flight_plans/{{flight_plan_id}}"): PLANNERS,
    ("DELETE", f"{FLIGHTS}/flight_plans/{{flight_plan_id}}"): PLANNERS | ADMINISTRATOR,
    ("GET", f"{FLIGHTS}/user_notifications"): PLANNERS,
}
AREA = volume(start=datetime.now(UTC) + timedelta(hours=1))
BEFORE = text(datetime(2020, 1, 1, tzinfo=UTC))
MAP = "/geospatial_map/v1"
HARNESS |= {("GET", f"{MAP}/status"): ADMINISTRATOR, ("POST", f"{MAP}/map/queries"): PLANNERS}
PATH = {"flight_plan_id": "00000000-0000-4000-8000-00000000000a"}


def body_of(route):
    return {
        ("POST", f"{MAP}/map/queries"): {"checks": []},
        ("POST", f"{FLIGHTS}/clear_area_requests"): {"request_id": "r", "extent": AREA},
        ("PUT", f"{FLIGHTS}/flight_plans/{{flight_plan_id}}"): {
            "flight_plan": plan(AREA),
            "execution_style": "IfAllowed",
            "request_id": str(uuid.uuid4()),
        },
    }.get(route)


async def send(house, route, **more):
    method, path = route
    query = f"?after={BEFORE}" if path.endswith("/user_notifications") else ""
    return await house.call(method, path.format(**PATH) + query, body=body_of(route), **more)


async def test_turned_on_there_is_this_and_nothing_else_more(driven):
    routes = await routes_of(driven)
    assert set(routes) == set(MAY) | OPEN | COOKIE | BY_PASSKEY | {SIGN_IN} | set(HARNESS)
    for route in HARNESS:
        assert {kind for one in routes[route]["security"] for kind in one} == {"bearer"}, route


async def test_turned_off_there_is_nothing(house):
    assert not set(HARNESS) & set(await routes_of(house))
    for route in HARNESS:
        for role in (Role.PLANNER, Role.ADMINISTRATOR):
            assert (await send(house, route, who=(party_of(role), role))).status_code == 404, route
    assert house.count("SELECT count(*) FROM party WHERE party_id = 'uss1'") == 0


async def test_every_role_may_what_its_table_says_and_nothing_else(driven):
    for route, may in HARNESS.items():
        for role in sorted(set(Role) - may):
            before = driven.count()
            answer = await send(driven, route, who=(party_of(role), role))
            assert answer.status_code == 403, (route, role)
            assert answer.json()["message"]
            assert driven.count() == before, (route, role)
    for route, may in HARNESS.items():
        for role in sorted(may):
            answer = await send(driven, route, who=(party_of(role), role))
            assert answer.status_code in {200, 404}, (route, role, answer.text)


@pytest.mark.parametrize("route", sorted(HARNESS), ids=" ".join)
async def test_without_a_token_nobody_gets_anywhere(driven, route):
    before = driven.count()
    for token in (None, "x", "a.b.c"):
        answer = await send(driven, route, token=token)
        assert answer.status_code == 401
        assert answer.json()["message"]
    assert driven.count() == before


async def test_the_harness_acts_for_the_party_of_the_server_and_its_user_is_told(driven):
    ours = ("alpha", Role.PLANNER)
    flights = f"{FLIGHTS}/flight_plans"
    for usage, uas in (("Planned", "Nominal"), ("InUse", "OffNominal")):
        flight, body = str(uuid.uuid4()), body_of(("PUT", f"{flights}/{{flight_plan_id}}"))
        body["flight_plan"] = plan(AREA, usage=usage, uas=uas, priority=100)
        answer = await driven.call("PUT", f"{flights}/{flight}", body=body, who=ours)
        assert answer.json()["planning_result"] == "Completed", answer.text
    assert driven.count("SELECT count(*) FROM plan WHERE party_id = 'uss1'") == 2
    for _ in range(300):
        answer = await driven.call("GET", f"{FLIGHTS}/user_notifications?after={BEFORE}", who=ours)
        if len(answer.json()["user_notifications"]) == 2:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(answer.text)


async def test_a_party_whose_name_cannot_be_registered_keeps_the_server_from_starting(pg_dsn):
    await asyncio.to_thread(make_exchange, pg_dsn, [])
    app = Exchange(Settings(database=pg_dsn, public_url=URL, test_interfaces=True, party="USS One"))
    inbox, outbox = asyncio.Queue(), asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    said = await outbox.get()
    assert said["type"] == "lifespan.startup.failed"
    assert "party id must be" in said["message"]
    with contextlib.suppress(asyncio.CancelledError):
        life.cancel()
        await life
