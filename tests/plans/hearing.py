"""How tests hear what a viewer is told: the feed read when asked, as a stream that comes back reads it."""

import asyncio

from detente.client.events import EventParser
from detente.plans.events import Viewer
from detente.plans.listening import EventLimits, EventReader
from detente.record import Cursors, feed_secret, horizon


async def settle(pool):
    """Wait until all that was written is settled: others of this cluster may have transactions open."""
    everything = await pool.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())")
    while (await horizon(pool)).xact < everything:  # noqa: ASYNC110 - it ends in the database
        await asyncio.sleep(0.005)


class Ear:
    """One viewer's end of the feed, read when asked, as a stream that comes back reads it."""

    def __init__(self, world, who):
        self.world, self.who = world, who
        self.said = b""

    async def open(self, limits=None):
        cursors = Cursors(await feed_secret(self.world.pool))
        self.reader = EventReader(
            self.world.pool, cursors, lambda: self.world.now_ms, limits or EventLimits()
        )
        self.since = await horizon(self.world.pool)
        return self

    async def events(self, since=None):
        """Everything since a place, by default since the last time."""
        await settle(self.world.pool)
        found, place = [], since or self.since
        is_behind = True
        while is_behind:
            page, said = await self.reader.read(Viewer(self.who.party_id, sees_separations=False), place)
            found += EventParser().feed(said)
            self.said += said
            place, is_behind = page.reached, page.is_full
        self.since = max(place, self.since)
        return found

    async def refusals(self, since=None):
        return [event for event in await self.events(since) if event.name.startswith("refusal")]


async def ears_of(world, *parties):
    return [await Ear(world, who).open() for who in parties]


async def names(ear):
    return [event.name for event in await ear.refusals()]
