"""Two parties keep their plans on servers of their own, a third is hosted at the exchange: one sky.

Real processes on three addresses, three databases, an authority whose tokens all believe.
"""

import asyncio
import uuid

import httpx
import pytest
import pytest_asyncio

from tests.astm.flotilla import AIR, HOST, SEA, area, flotilla
from tests.astm.peer_server import until


@pytest_asyncio.fixture
async def sky(pg_server, pg_template, tmp_path):
    async with flotilla(pg_server, pg_template, tmp_path) as made:
        yield made


async def test_a_day_of_two_nodes_and_a_hosted_party(sky):
    air, sea, harbour = sky.air, sky.sea, sky.harbour

    # Air rescue is first. The exchange has the reference; the details stay on its own server.
    rescue = await air.declared(area(), title="winch training")
    reference = sky.reference(rescue)
    assert (reference["manager"], reference["state"]) == (AIR, "Accepted")
    assert reference["uss_base_url"] == sky.nodes[AIR].url
    assert sky.exchange.sql("SELECT is_elsewhere, priority FROM plan") == [(True, 0)]

    # Sea watch wants the same air. Its own server says who is in the way, and where there is room.
    refused = await sea.declare(area(), ways_out=True)
    assert refused.status_code == 409, refused.text
    [conflict] = refused.json()["conflicts"]
    assert (conflict["party_id"], conflict["plan_id"]) == (AIR, rescue["plan_id"])
    offers = refused.json()["ways_out"]["offers"]
    assert offers

    # So is the harbour, which is hosted; it asks air rescue's server for the details.
    assert (await harbour.declare(area())).status_code == 409

    # The loser moves by the first offer, and stands beside.
    patrol = await sea.declared(*offers[0]["volumes"])
    assert sky.reference(patrol)["manager"] == SEA

    # Air rescue's people see the patrol that came after theirs: it is near enough to be told of.
    await until(lambda: sky.nodes[AIR].sql("SELECT 1 FROM plan WHERE plan_id = %s", patrol["plan_id"]), 15)
    seen = (await air.see(patrol)).json()
    assert (seen["party_id"], seen["state"], seen["is_mine"]) == (SEA, "accepted", False)
    assert seen["volumes"] == patrol["volumes"]

    # Somebody more urgent may stand over both; both are told, and their lists of conflicts say so.
    urgent = await harbour.declared(area(radius_m=3_000.0, upper_m=900.0), priority=40)
    await until(lambda: sky.nodes[AIR].sql("SELECT 1 FROM plan WHERE plan_id = %s", urgent["plan_id"]), 15)
    assert [one["party_id"] for one in await air.conflicts(rescue)] == [HOST]
    assert (await harbour.enter(urgent, "ended"))["state"] == "ended"
    await until(
        lambda: (
            sky.nodes[AIR].sql("SELECT state FROM plan WHERE plan_id = %s", urgent["plan_id"]) == [("ended",)]
        ),
        15,
    )
    assert await air.conflicts(rescue) == []

    # Both fly.
    rescue = await air.enter(rescue, "activated")
    patrol = await sea.enter(patrol, "activated")
    assert sky.reference(rescue)["state"] == "Activated"

    # Air rescue leaves its volume. Sea watch is told at once; of positions there are none to be had.
    rescue = await air.enter(rescue, "nonconforming")
    await until(
        lambda: (
            sky.nodes[SEA].sql("SELECT state FROM plan WHERE plan_id = %s", rescue["plan_id"])
            == [("nonconforming",)]
        ),
        15,
    )
    await until(lambda: sky.reference(rescue)["state"] == "Nonconforming")
    path = f"/uss/v1/operational_intents/{rescue['plan_id']}"
    assert sky.ask(sky.nodes[AIR], "GET", f"{path}/telemetry", SEA).status_code == 412
    told = sky.ask(sky.nodes[AIR], "GET", path, SEA).json()["operational_intent"]
    assert told["reference"] == sky.reference(rescue, AIR)
    assert told["details"]["off_nominal_volumes"]

    # It comes back, and lands. Its reference is gone, and sea watch's people see that.
    rescue = await air.enter(rescue, "activated")
    rescue = await air.enter(rescue, "ended")
    assert sky.reference(rescue) is None
    await until(
        lambda: (
            sky.nodes[SEA].sql("SELECT state FROM plan WHERE plan_id = %s", rescue["plan_id"]) == [("ended",)]
        ),
        15,
    )
    assert await sea.declared(area())


async def test_of_two_who_want_the_same_air_at_once_one_has_it(sky):
    desks = (sky.air, sky.sea, sky.harbour)
    for number in range(4):
        place = area(lat=46.0 + number / 10)
        answers = await asyncio.gather(*(desk.declare(place) for desk in desks))
        assert sorted(one.status_code for one in answers) == [201, 409, 409], [one.text for one in answers]
    place = area(lat=46.7)
    answers = await asyncio.gather(*(sky.air.declare(place) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409], [one.text for one in answers]


async def test_who_dies_after_the_exchange_has_it_has_it_too(sky):
    await sky.sea.declared(area(lower_m=200.0, upper_m=300.0))
    node, line = sky.nodes[AIR], sky.lines[AIR]
    plan_id = str(uuid.uuid4())

    async def killed_by_the_answer(forward):
        await forward()
        node.kill()

    line.at_put(killed_by_the_answer)
    with pytest.raises(httpx.TransportError):
        await sky.air.declare(plan_id=plan_id)
    assert node.sql("SELECT count(*) FROM plan WHERE NOT is_elsewhere") == [(0,)]
    assert sky.reference({"plan_id": plan_id})["manager"] == AIR

    node.sql("UPDATE node_pending SET made_ms = made_ms - 60000")
    await asyncio.to_thread(node.start().await_ready)
    await until(
        lambda: node.sql("SELECT version, state FROM plan WHERE plan_id = %s", plan_id) == [(1, "accepted")]
    )
    assert node.sql("SELECT count(*) FROM node_pending") == [(0,)]
    assert sky.reference({"plan_id": plan_id})["version"] == 1
    # Whom the lost answer named is told all the same, and whoever asked is answered when they ask again.
    await until(lambda: sky.nodes[SEA].sql("SELECT 1 FROM plan WHERE plan_id = %s", plan_id))
    assert (await sky.air.declare(plan_id=plan_id)).status_code == 201


async def test_what_is_found_too_late_to_ask_who_was_named_is_told_anew(sky):
    await sky.sea.declared(area(lower_m=200.0, upper_m=300.0))
    node, line = sky.nodes[AIR], sky.lines[AIR]
    plan_id = str(uuid.uuid4())

    async def killed_by_the_answer(forward):
        await forward()
        node.kill()

    line.at_put(killed_by_the_answer)
    with pytest.raises(httpx.TransportError):
        await sky.air.declare(plan_id=plan_id)
    # As after five minutes, the exchange does not know the words again.
    node.sql("UPDATE node_pending SET made_ms = made_ms - 60000, sent = sent || ' '")
    await asyncio.to_thread(node.start().await_ready)
    await until(lambda: sky.reference({"plan_id": plan_id})["version"] == 2)
    await until(lambda: sky.nodes[SEA].sql("SELECT version FROM plan WHERE plan_id = %s", plan_id) == [(2,)])
    ovn = sky.reference({"plan_id": plan_id}, AIR)["ovn"]
    assert node.sql("SELECT ovn FROM plan WHERE plan_id = %s", plan_id) == [(ovn,)]
    assert sky.nodes[SEA].sql("SELECT ovn FROM plan WHERE plan_id = %s", plan_id) == [(ovn,)]


async def test_who_dies_before_the_exchange_has_it_has_nothing(sky):
    node, line = sky.nodes[AIR], sky.lines[AIR]
    plan_id = str(uuid.uuid4())

    async def killed_by_the_question(_forward):
        node.kill()

    line.at_put(killed_by_the_question)
    with pytest.raises(httpx.TransportError):
        await sky.air.declare(plan_id=plan_id, key="one and only")
    node.sql("UPDATE node_pending SET made_ms = made_ms - 60000")
    await asyncio.to_thread(node.start().await_ready)
    await until(lambda: node.sql("SELECT count(*) FROM node_pending") == [(0,)])
    assert sky.reference({"plan_id": plan_id}) is None
    assert node.sql("SELECT count(*) FROM plan") == [(0,)]
    assert (await sky.air.declare(plan_id=plan_id, key="one and only")).status_code == 201


async def test_an_answer_that_is_lost_on_the_way_has_one_outcome(sky):
    plan_id = str(uuid.uuid4())

    async def lost(forward):
        await forward()

    sky.lines[AIR].at_put(lost)
    told = await sky.air.declare(plan_id=plan_id, key="k")
    assert (told.status_code, told.json()["type"]) == (503, "/problems/peer-unavailable")
    again = await sky.air.declare(plan_id=plan_id, key="k")
    assert again.status_code == 201, again.text
    plan = again.json()
    assert sky.reference(plan)["version"] == plan["version"] == 1

    sky.lines[AIR].at_put(lost)
    assert (await sky.air.try_enter(plan, "activated")).status_code == 503
    again = await sky.air.try_enter(plan, "activated")
    assert (again.status_code, again.json()["version"]) == (200, 2), again.text
    assert sky.reference(plan)["version"] == 2


async def test_while_the_exchange_is_away_nothing_is_half_done_and_reports_are_kept(sky):
    plan = await sky.air.enter(await sky.air.declared(), "activated")
    other = await sky.air.declared(area(lat=48.0))
    node, line = sky.nodes[AIR], sky.lines[AIR]
    line.cut()
    for refused in (
        await sky.air.declare(area(lat=46.0)),
        await sky.air.declare(area(lat=46.0), plan=other),
        await sky.air.try_enter(other, "activated"),
        await sky.air.try_enter(other, "ended"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/peer-unavailable")
        assert refused.json()["peer"] == line.peer.url
    assert (await sky.air.see(other)).json() == other
    assert node.sql("SELECT count(*) FROM plan") == [(2,)]

    # What is reported of a craft in the air is so, whoever hears of it.
    plan = await sky.air.enter(plan, "nonconforming")
    assert sky.reference(plan)["state"] == "Activated"
    # Nothing but a report goes through before the exchange has heard it.
    assert (await sky.air.try_enter(plan, "activated")).status_code == 503

    line.mend()
    await until(lambda: sky.reference(plan)["state"] == "Nonconforming", 40)
    assert sky.reference(plan, AIR)["ovn"] == (await sky.air.see(plan)).json()["ovn"]
    await sky.air.enter(plan, "activated")
    await sky.air.enter(other, "ended")
    assert sky.reference(other) is None


async def test_a_plan_that_is_over_is_withdrawn_at_the_exchange(sky):
    plan = await sky.air.declared()
    assert sky.reference(plan) is not None
    sky.nodes[AIR].sql("UPDATE plan SET end_ms = 1000 WHERE plan_id = %s", plan["plan_id"])
    await until(lambda: sky.reference(plan) is None)
    assert (await sky.air.see(plan)).json()["state"] == "ended"
    await until(lambda: sky.nodes[AIR].sql("SELECT count(*) FROM node_reference") == [(0,)])


async def test_what_a_hosted_party_hides_is_in_the_way_and_stays_hidden(sky):
    hidden = await sky.harbour.declared(area(), sharing="conflicts")
    refused = await sky.air.declare(area())
    assert refused.status_code == 409, refused.text
    [conflict] = refused.json()["conflicts"]
    assert (conflict["party_id"], conflict["plan_id"]) == (HOST, None)
    assert (await sky.air.see(hidden)).status_code == 404
    # It goes, and nobody has to say so.
    await sky.harbour.enter(hidden, "ended")
    assert (await sky.air.declare(area())).status_code == 201


async def test_a_node_that_is_silent_stops_others_near_it_until_it_is_found_down(sky):
    plan = await sky.air.declared()
    sky.nodes[AIR].kill()
    refused = await sky.sea.declare()
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/peer-unavailable")
    assert refused.json()["peer"] == sky.nodes[AIR].url
    down = {"old_version": "", "availability": "Down"}
    assert sky.ask(sky.exchange, "PUT", f"/dss/v1/uss_availability/{AIR}", HOST, down).status_code == 200
    assert (await sky.sea.declare()).status_code == 201
    assert sky.reference(plan)["uss_availability"] == "Down"


async def test_a_node_is_no_exchange(sky):
    node = sky.nodes[AIR]
    for method, path in (
        ("POST", "/dss/v1/operational_intent_references/query"),
        ("GET", f"/dss/v1/operational_intent_references/{uuid.uuid4()}"),
        ("PUT", "/v1/separations/a/b"),
    ):
        assert sky.ask(node, method, path, SEA, {}).status_code in {404, 405}
    assert (await sky.air.declare(plan_id=str(uuid.uuid1()))).status_code == 400
