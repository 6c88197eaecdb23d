"""Zones published and changed while plans are declared, on many connections: none is passed over.

Whoever writes in a cell holds its lock until the statement is in, so statements about one cell are numbered
in the order of the commits.
"""

import asyncio
import random
import uuid

import msgspec
import pytest

from detente.errors import ClosedZone, StaleVersion
from detente.geo import overlaps
from detente.plans.views import decode_body
from detente.store import open_pool
from detente.zones.model import ZonePublication, ZoneRestriction
from detente.zones.solids import solids_of
from tests.plans.conftest import body, circle, principal
from tests.zones.conftest import ZoneWorld, ring, zone

pytestmark = pytest.mark.pg
ROUNDS = 24
PLANNERS = 6
PUBLISHERS = 3


async def plan_much(world, number, accepted):
    rng = random.Random(number)  # noqa: S311 - a seeded sample
    party = f"planner-{number}"
    for step in range(ROUNDS):
        volume = circle(47.0 + rng.uniform(-0.04, 0.04), 8.0, 200.0, 100.0 * number, 100.0 * number + 90)
        plan_id = str(uuid.uuid4())
        try:
            await world.declare(principal(party), body(volume, own_plans="ignore"), plan_id)
        except ClosedZone:
            continue
        accepted.append(plan_id)
        if step % 3 == 0:
            await asyncio.sleep(0)


async def publish_much(world, number):
    rng = random.Random(100 + number)  # noqa: S311 - a seeded sample
    who = principal(f"caa-{number}")
    for step in range(ROUNDS):
        spot = ring(47.0 + rng.uniform(-0.04, 0.04), radius_m=300.0)
        made = await world.publish(zone(spot, identifier=f"Z{step}"), who)
        if step % 4 == 1:
            milder = zone(spot, identifier=f"Z{step}", restriction=ZoneRestriction.CAUTION)
            await world.publish(milder, who, made.zone_id, version=1)
        if step % 4 == 2:
            await world.withdraw(made, who)


async def unjustified(pool, world):
    """Plans that were accepted in a zone that stood as prohibited just then."""
    acts = await pool.fetch(
        "SELECT statement_id, type, subject, subject_version, content FROM statement ORDER BY statement_id"
    )
    plans = {str(row["plan_id"]): decode_body(row["body"]) for row in await pool.fetch("SELECT * FROM plan")}
    closed, wrong, compared = {}, [], 0
    for act in acts:
        if act["type"].startswith("zone."):
            closed.pop(act["subject"], None)
            if act["type"] != "zone.withdrawn":
                shown = published(act["content"])
                if shown.restriction is ZoneRestriction.PROHIBITED:
                    closed[act["subject"]] = solids_of(shown, None)
        elif act["type"] == "plan.declared":
            mine = world.neighbourhood.prepare(plans[act["subject"]].volumes)
            for zone_id, theirs in closed.items():
                compared += 1
                if any(overlaps(a, b) for a in mine for b in theirs):
                    wrong.append((act["subject"], zone_id))
    return wrong, compared


def published(content):
    return msgspec.json.decode(content, type=ZonePublication).zone


async def test_no_plan_is_accepted_into_a_zone_that_stood_before_it(pg_dsn):
    pool = await open_pool(pg_dsn, max_size=PLANNERS + PUBLISHERS)
    # Two worlds: what one process holds in memory is unknown to the other.
    worlds = [ZoneWorld(pool), ZoneWorld(pool)]
    accepted = []
    try:
        await asyncio.gather(
            *(plan_much(worlds[n % 2], n, accepted) for n in range(PLANNERS)),
            *(publish_much(worlds[n % 2], n) for n in range(PUBLISHERS)),
        )
        wrong, compared = await unjustified(pool, worlds[0])
    finally:
        pool.terminate()
    assert wrong == []
    assert len(accepted) > 2 * PLANNERS  # some stand, and some were refused
    assert len(accepted) < PLANNERS * ROUNDS
    assert compared > 50


async def test_of_two_changes_of_one_version_one_stands(pg_dsn):
    pool = await open_pool(pg_dsn, max_size=8)
    world = ZoneWorld(pool)
    try:
        made = await world.publish(zone())
        answers = await asyncio.gather(
            *(world.publish(zone(ring(47 + n)), zone_id=made.zone_id, version=1) for n in range(8)),
            return_exceptions=True,
        )
    finally:
        pool.terminate()
    assert sum(isinstance(one, StaleVersion) for one in answers) == 7
