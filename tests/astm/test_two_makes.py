"""A party that is hosted here and a supplier of another make plan, conflict, settle, go off-nominal and end.

Real processes, real HTTP, an authority whose tokens both believe; the supplier keeps its own details.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from detente.parties.model import Role
from tests.astm.peer_server import until
from tests.astm.schemas import check_response
from tests.astm.supplier import Authority, Supplier, somewhere
from tests.invariants.fleet import Server, make_exchange, token_of

START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


class Desk:
    """The hosted party's planner, at the server that speaks for it."""

    def __init__(self, server, account):
        self.url = server.url
        self.http = httpx.AsyncClient(base_url=server.url, timeout=30)
        self.http.headers["authorization"] = f"Bearer {token_of(server.url, account)}"

    async def declare(self, plan_id=None, version=None, **volume):
        headers = {} if version is None else {"if-match": f'"{version}"'}
        body = {"volumes": [ours(**volume)], "priority": volume.pop("priority", 0)}
        path = f"/v1/plans/{plan_id or uuid.uuid4()}?ways_out=false"
        return await self.http.put(path, json=body, headers=headers)

    async def enter(self, plan, state):
        headers = {"if-match": f'"{plan["version"]}"'}
        answer = await self.http.put(
            f"/v1/plans/{plan['plan_id']}/state", json={"state": state}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


def ours(lat=47.0, lon=8.0, radius_m=300.0, **_):
    return {
        "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": lon}, "radius_m": radius_m},
        "lower_m": 100.0,
        "upper_m": 200.0,
        "start": START.isoformat(),
        "end": (START + timedelta(hours=1)).isoformat(),
    }


@pytest_asyncio.fixture
async def world(pg_dsn, tmp_path):
    """An exchange, a server that speaks for the hosted party alpha, a supplier, and an authority."""
    authority = Authority(tmp_path)
    await authority.server.start()
    accounts = await asyncio.to_thread(make_exchange, pg_dsn, [("alpha", Role.PLANNER, 50)])
    shared = {"trust_key": str(authority.file), "audience": "127.0.0.1", "allow_http_peers": "true"}
    exchange = Server(pg_dsn, **shared)
    own = Server(
        pg_dsn,
        **shared,
        party="alpha",
        token_url=f"{authority.server.url}/token",
    )
    own._environment["DETENTE_PUBLIC_URL"] = own.url
    for server in (exchange, own):
        server.start()
    supplier = Supplier("uss2", exchange.url, authority)
    await supplier.start()
    try:
        for server in (exchange, own):
            await asyncio.to_thread(server.await_ready)
        desk = await asyncio.to_thread(Desk, own, accounts["alpha", Role.PLANNER])
        yield desk, supplier, authority
    finally:
        for server in (exchange, own):
            await asyncio.to_thread(server.stop)
        await supplier.stop()
        await authority.server.stop()


async def test_two_makes_share_a_sky(world):
    desk, supplier, authority = world

    # The supplier is there first. Alpha asks it for the details, once, and is told what is in the way.
    theirs, ovn, made = await supplier.plan(somewhere(START))
    assert made.status_code == 201
    refused = await desk.declare()
    assert refused.status_code == 409, refused.text
    [conflict] = refused.json()["conflicts"]
    assert (conflict["party_id"], conflict["plan_id"]) == ("uss2", theirs)
    await desk.declare()
    assert supplier.asked_for(theirs) == 1
    assert set(authority.asked_by) == {"alpha"}

    # It makes room: its extents stay, its details do not. The same cell, and no conflict any more.
    north = somewhere(START, lat=47.006)
    _, ovn, moved = await supplier.plan(
        somewhere(START, radius=1000.0), entity=theirs, ovn=ovn, details=[north]
    )
    assert moved.status_code == 200
    declared = await desk.declare()
    assert declared.status_code == 201, declared.text
    plan = declared.json()

    # It is subscribed, so it is told, with the OVN that the exchange knows, by alpha and nobody else.
    await until(lambda: supplier.told)
    sender, message = supplier.told[-1]
    assert sender == "alpha"
    told = message["operational_intent"]
    assert (told["reference"]["id"], told["reference"]["manager"]) == (plan["plan_id"], "alpha")
    assert told["reference"]["uss_base_url"] == desk.url
    # 1 was its own last write, which made the subscription.
    assert [one["notification_index"] for one in message["subscriptions"]] == [2]

    # Whoever asks the manager is told the same.
    path = f"/uss/v1/operational_intents/{plan['plan_id']}"
    asked = await supplier.call("GET", path, url=desk.url)
    assert asked.json()["operational_intent"] == told

    # Its next write must know of alpha's plan; with that OVN it does.
    wide = somewhere(START, radius=1000.0)
    _, none, unknowing = await supplier.plan(wide, entity=theirs, ovn=ovn, details=[north])
    assert (none, unknowing.status_code) == (None, 409)
    assert [one["id"] for one in unknowing.json()["missing_operational_intents"]] == [plan["plan_id"]]
    key = [told["reference"]["ovn"]]
    _, ovn, knowing = await supplier.plan(
        somewhere(START, radius=1000.0), entity=theirs, ovn=ovn, key=key, details=[north], state="Activated"
    )
    assert knowing.status_code == 200, knowing.text

    # Off-nominal: told at once, never refused; telemetry says that there is none.
    plan = await desk.enter(await desk.enter(plan, "activated"), "nonconforming")
    await until(lambda: supplier.told[-1][1]["operational_intent"]["reference"]["state"] == "Nonconforming")
    off = supplier.told[-1][1]["operational_intent"]
    assert off["details"]["off_nominal_volumes"]
    asked = await supplier.call("GET", f"{path}/telemetry", url=desk.url)
    assert asked.status_code == 412

    # And ended: told without details; nobody is told of a plan that is gone any more.
    plan = await desk.enter(plan, "ended")
    await until(lambda: "operational_intent" not in supplier.told[-1][1])
    indices = [one["subscriptions"][0]["notification_index"] for _, one in supplier.told]
    assert indices == sorted(indices)
    assert (await supplier.call("GET", path, url=desk.url)).status_code == 404


async def test_a_manager_that_does_not_answer_stops_planning_until_it_is_found_down(world):
    desk, supplier, _ = world
    theirs, ovn, _ = await supplier.plan(somewhere(START))
    supplier.is_silent = True
    refused = await desk.declare(lat=47.0)
    assert refused.status_code == 503, refused.text
    assert refused.json()["type"] == "/problems/peer-unavailable"
    assert refused.json()["plan_id"] == theirs
    found = await supplier.call(
        "POST",
        "/dss/v1/operational_intent_references/query",
        {"area_of_interest": somewhere(START)},
    )
    assert [one["id"] for one in found.json()["operational_intent_references"]] == [theirs]

    # Far away nobody needs to be asked.
    assert (await desk.declare(lat=48.0)).status_code == 201

    # Found down by arbitration, what it has only accepted counts for nothing, and it may write nothing.
    path = "/dss/v1/uss_availability/uss2"
    await supplier.call("PUT", path, {"old_version": "", "availability": "Down"})
    assert (await desk.declare(lat=47.0)).status_code == 201
    _, _, kept_out = await supplier.plan(somewhere(START), entity=theirs, ovn=ovn)
    assert kept_out.status_code == 412


async def test_what_is_told_wrongly_is_no_answer(world):
    desk, supplier, _ = world
    theirs, _, _ = await supplier.plan(somewhere(START))
    kept = supplier.details[theirs]
    for wrong in (
        {**kept, "reference": {**kept["reference"], "ovn": "another-version-than-that"}},
        {**kept, "details": {**kept["details"], "off_nominal_volumes": [somewhere(START)]}},
        {**kept, "details": {**kept["details"], "volumes": []}},
        {**kept, "reference": {**kept["reference"], "id": str(uuid.uuid4())}},
        {"reference": kept["reference"]},
    ):
        supplier.details[theirs] = wrong
        assert (await desk.declare()).status_code == 503
    supplier.details[theirs] = kept
    assert (await desk.declare()).status_code == 409


@pytest.mark.parametrize("is_hidden", [False, True])
async def test_what_is_shared_in_conflict_only_is_told_to_whom_it_concerns(world, is_hidden):
    desk, supplier, _ = world
    sharing = "conflicts" if is_hidden else "volumes"
    body = {"volumes": [ours()], "sharing": sharing}
    plan_id = str(uuid.uuid4())
    assert (await desk.http.put(f"/v1/plans/{plan_id}", json=body)).status_code == 201
    near = {"area_of_interest": somewhere(START)}
    found = (await supplier.call("POST", "/dss/v1/operational_intent_references/query", near)).json()
    assert bool(found["operational_intent_references"]) is not is_hidden
    path = f"/uss/v1/operational_intents/{plan_id}"
    asked = await supplier.call("GET", path, url=desk.url)
    assert asked.status_code == (404 if is_hidden else 200)

    # In the same cell but apart: only a plan that others may find is in the way.
    _, _, apart = await supplier.plan(somewhere(START, lat=47.0035, radius=50.0))
    assert apart.status_code == (201 if is_hidden else 409)
    _, _, over = await supplier.plan(somewhere(START, lat=47.0))
    assert over.status_code == 409
    missing = [one["id"] for one in over.json()["missing_operational_intents"]]
    assert plan_id in missing
    asked = await supplier.call("GET", path, url=desk.url)
    assert asked.status_code == 200
    check_response("GET", path, 200, asked.content)
