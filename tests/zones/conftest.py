"""Zones and plans on a real database: services wired as the application wires them."""

import secrets
import uuid

import msgspec
import pytest_asyncio

from detente.geo.model import Circle, Datum, LatLon
from detente.plans.questions import Questions
from detente.plans.service import PlansService
from detente.plans.writing import WritesHere
from detente.zones.model import (
    ZoneBody,
    ZonePublication,
    ZoneQuery,
    ZoneRestriction,
    ZoneText,
    ZoneView,
    ZoneVolume,
)
from detente.zones.near import ZonesNear
from detente.zones.service import ZoneRequest, ZonesService
from tests.plans.conftest import World, principal

CAA = principal("caa", {"zones.read", "zones.write"})
MILITARY = principal("military", {"zones.read", "zones.write", "plans.read", "plans.write"})


class ZoneWorld(World):
    """One exchange's rooms of plans and zones; ``details`` asks managers elsewhere."""

    def __init__(self, pool, details=None, terrain=None):
        super().__init__(pool, terrain=terrain)
        clock = lambda: self.now_ms  # noqa: E731 - one line, handed to three
        new_ovn = lambda: secrets.token_urlsafe(24)  # noqa: E731 - as above
        self.near = ZonesNear(pool, terrain, details)
        self.zones = ZonesService(pool, now_ms=clock, new_ovn=new_ovn, terrain=terrain)
        shared = {
            "neighbourhood": self.neighbourhood,
            "separations": self.separations,
            "directory": self.limits,
            "now_ms": clock,
            "zones": self.near,
        }
        self.service = PlansService(pool, refusals=self.refusals, writer=WritesHere(pool, new_ovn), **shared)
        self.questions = Questions(pool, **shared)

    async def publish(self, body, who=CAA, zone_id=None, *, version=None, key=None, source=""):
        zone_id = zone_id or str(uuid.uuid4())
        asked = ZonePublication(body, source)
        made = ZoneRequest(msgspec.json.encode(asked), f"PUT zone {zone_id}", version, key)
        outcome = await self.zones.publish(who, zone_id, asked, made)
        return msgspec.json.decode(outcome.body, type=ZoneView)

    async def withdraw(self, zone, who=CAA, *, key=None):
        made = ZoneRequest(b"", f"DELETE zone {zone.zone_id}", zone.version, key)
        return await self.zones.withdraw(who, zone.zone_id, made)

    async def all(self, **narrowed):
        return (await self.zones.query(ZoneQuery(**narrowed))).zones


def ring(  # noqa: PLR0917 - a volume in one line
    lat=47.0, lon=8.0, radius_m=500.0, lower_m=0.0, upper_m=1_000.0, datum=Datum.WGS84, **more
):
    more = {"lower_datum": datum, "upper_datum": datum, **more}
    return ZoneVolume(Circle(LatLon(lat, lon), radius_m), lower_m, upper_m, **more)


def zone(*volumes, identifier="P1", restriction=ZoneRestriction.PROHIBITED, **more):
    return ZoneBody(identifier=identifier, restriction=restriction, volumes=volumes or (ring(),), **more)


def text(words):
    return (ZoneText(words),)


@pytest_asyncio.fixture
async def world(pg_pool):
    return ZoneWorld(pg_pool)
