"""Zones on the stream: told as they stand, gone once, and nothing to whoever may not read zones."""

import pytest

from detente.client.events import EventParser
from detente.plans.events import Viewer
from detente.plans.listening import EventLimits, EventReader
from detente.record import Cursors, feed_secret, horizon
from detente.zones import showing
from tests.plans.conftest import ALPHA, body
from tests.plans.hearing import settle
from tests.zones.conftest import ring, zone

pytestmark = pytest.mark.pg
EVERYBODY = Viewer("alpha", sees_separations=False, sees_zones=True)
NARROW = Viewer("alpha", sees_separations=False, sees_zones=False)


@pytest.fixture
async def hear(world):
    reader = EventReader(
        world.pool, Cursors(await feed_secret(world.pool)), lambda: world.now_ms, EventLimits()
    )
    place = await horizon(world.pool)

    async def heard(viewer=EVERYBODY, since=None):
        nonlocal place
        await settle(world.pool)
        page, said = await reader.read(viewer, since or place)
        place = page.reached
        return list(EventParser().feed(said))

    heard.begin = place
    return heard


async def test_each_write_is_told_as_the_zone_stands(world, hear):
    made = await world.publish(zone())
    [event] = await hear()
    assert (event.name, event.data) == ("zone", made)
    changed = await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1)
    assert [one.data for one in await hear()] == [changed]
    await world.withdraw(changed)
    assert [(one.name, one.data.zone_id) for one in await hear()] == [("zone_gone", made.zone_id)]


async def test_of_many_changes_only_the_last_is_told(world, hear):
    made = await world.publish(zone())
    changed = await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1)
    other = await world.publish(zone(identifier="O"))
    await world.withdraw(other)
    again = await world.publish(zone(identifier="O"), zone_id=other.zone_id)
    assert [one.data for one in await hear()] == [changed, again]


async def test_whoever_may_not_read_zones_is_told_nothing(world, hear):
    made = await world.publish(zone())
    await world.withdraw(made)
    assert await hear(NARROW) == []
    assert [one.name for one in await hear(since=hear.begin)] == ["zone_gone"]


async def test_a_zone_with_a_plans_id_hides_nothing_of_the_plan(world, hear):
    plan = await world.declare(ALPHA, body())
    made = await world.publish(zone(ring(lat=48)), zone_id=plan["plan_id"])
    await world.publish(zone(ring(lat=49)), zone_id=plan["plan_id"], version=made.version)
    told = await hear()
    assert [one.name for one in told] == ["plan", "zone"]
    assert told[0].data.plan_id == told[1].data.zone_id == plan["plan_id"]


async def test_a_zone_that_is_too_large_for_an_event_is_told_without_its_volumes(world, hear, monkeypatch):
    monkeypatch.setattr(showing, "MAX_EVENT_BYTES", 10)
    made = await world.publish(zone())
    [event] = await hear()
    assert (event.data.zone_id, event.data.version, event.data.zone) == (made.zone_id, 1, None)
    assert (await world.zones.find(made.zone_id)).zone == zone()


async def test_a_reference_that_the_exchange_ends_is_gone(world, hear):
    made = await world.publish(zone(ring(end_ms=world.now_ms + 1)))
    await hear()
    await world.pool.execute("UPDATE zone SET is_elsewhere = true")
    assert await world.pool.fetchval("SELECT zone_expire($1, 10)", world.now_ms + 2 * 86_400_000) == 1
    assert [(one.name, one.data.zone_id) for one in await hear()] == [("zone_gone", made.zone_id)]
