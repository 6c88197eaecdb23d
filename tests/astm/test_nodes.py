"""Two parties keep their plans on servers of their own, a third is hosted at the exchange: one sky.

Real processes on three addresses, three databases, an authority whose tokens all believe.
"""

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
