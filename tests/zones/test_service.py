"""Zones published, changed, withdrawn and found, on a real database."""

import asyncio
import json
import uuid

import pytest
from msgspec.structs import replace

from detente.discovery.notices import NoticeKind, take
from detente.errors import (
    AlreadyExists,
    BadInput,
    KeyReused,
    NotAllowed,
    NotFound,
    StaleVersion,
    VersionRequired,
)
from detente.geo import cover
from detente.geo.index import Band, band_rows
from detente.geo.model import Circle, LatLon
from detente.plans.volumes import from_ms
from detente.zones.model import ZoneQuery, ZoneRestriction
from detente.zones.solids import solids_of
from tests.zones.conftest import CAA, MILITARY, ring, zone

pytestmark = pytest.mark.pg
HOUR_MS = 3_600_000


async def test_a_zone_is_found_as_it_was_published(world):
    body = zone(ring(), ring(lat=48.0, start_ms=world.now_ms, end_ms=world.now_ms + HOUR_MS), country="CHE")
    made = await world.publish(body, source="file")
    assert (made.party_id, made.version, made.start, made.end) == ("caa", 1, None, None)
    assert (made.zone, made.source, made.is_elsewhere, made.is_told) == (body, "file", False, True)
    assert await world.zones.find(made.zone_id) == made
    timed = await world.publish(zone(ring(start_ms=world.now_ms, end_ms=world.now_ms + 1), identifier="T"))
    assert (timed.start, timed.end) == (from_ms(world.now_ms), from_ms(world.now_ms + 1))


async def test_a_change_names_the_version_it_saw(world):
    made = await world.publish(zone())
    with pytest.raises(VersionRequired):
        await world.publish(zone(ring(lat=48)), zone_id=made.zone_id)
    changed = await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1)
    assert (changed.version, changed.ovn == made.ovn) == (2, False)
    with pytest.raises(StaleVersion):
        await world.publish(zone(ring(lat=49)), zone_id=made.zone_id, version=1)
    assert (await world.zones.find(made.zone_id)).zone == zone(ring(lat=48))
    assert not await world.all(area=Circle(LatLon(47.0, 8.0), 10.0))
    assert await world.all(area=Circle(LatLon(48.0, 8.0), 10.0))


async def test_the_same_request_again_gets_the_same_answer(world):
    made = await world.publish(zone())
    assert await world.publish(zone(), zone_id=made.zone_id) == made
    changed = await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1)
    assert await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1) == changed
    assert await world.pool.fetchval("SELECT count(*) FROM statement WHERE type ~ '^zone'") == 2


async def test_an_idempotency_key_answers_as_before_and_stands_for_one_request(world):
    made = await world.publish(zone(), key="k")
    await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=1)
    assert await world.publish(zone(), zone_id=made.zone_id, key="k") == made
    with pytest.raises(KeyReused):
        await world.publish(zone(identifier="P2"), key="k")
    stands = await world.zones.find(made.zone_id)
    for _ in range(2):
        assert (await world.withdraw(stands, key="w")).status == 204
    with pytest.raises(NotFound):
        await world.zones.find(made.zone_id)


async def test_a_zone_belongs_to_its_party(world):
    made = await world.publish(zone())
    with pytest.raises(NotAllowed):
        await world.publish(zone(), MILITARY, made.zone_id, version=1)
    with pytest.raises(AlreadyExists):
        await world.publish(zone(), MILITARY, made.zone_id)
    with pytest.raises(NotAllowed):
        await world.withdraw(made, MILITARY)
    assert await world.all() == (made,)


async def test_an_identifier_is_unique_within_country_and_party(world):
    await world.publish(zone(country="CHE"))
    for country, who in (("FRA", CAA), (None, CAA), ("CHE", MILITARY)):
        await world.publish(zone(country=country), who)
    with pytest.raises(AlreadyExists, match="identifier"):
        await world.publish(zone(country="CHE"))


async def test_of_many_who_publish_one_identifier_at_once_one_succeeds(world):
    answers = await asyncio.gather(*(world.publish(zone()) for _ in range(8)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["AlreadyExists"] * 7 + ["ZoneView"]
    assert len(await world.all()) == 1


async def test_what_is_withdrawn_is_gone_and_its_id_and_identifier_are_free(world):
    made = await world.publish(zone())
    with pytest.raises(StaleVersion):
        await world.withdraw(replace(made, version=7))
    await world.withdraw(made)
    with pytest.raises(NotFound):
        await world.withdraw(made)
    assert await world.all(area=Circle(LatLon(47.0, 8.0), 10.0)) == ()
    assert await world.pool.fetchval("SELECT count(*) FROM zone_cell") == 0
    again = await world.publish(zone(), zone_id=made.zone_id)
    assert again.version == 1


async def test_a_zone_that_is_over_or_too_large_is_refused(world):
    with pytest.raises(BadInput, match="over"):
        await world.publish(zone(ring(end_ms=world.now_ms)))
    with pytest.raises(BadInput) as refused:
        await world.publish(zone(ring(radius_m=2_000_000.0)))
    assert refused.value.members["field"] == "zone.volumes[0].shape.radius_m"


async def test_pages_hold_every_zone_once(world):
    made = [await world.publish(zone(ring(lat=40 + n / 10), identifier=f"Z{n}")) for n in range(7)]
    for narrowed in ({}, {"area": Circle(LatLon(40.3, 8.0), 60_000.0)}):
        found, cursor = [], None
        while True:
            page = await world.zones.query(ZoneQuery(limit=2, cursor=cursor, **narrowed))
            found += [one.zone.identifier for one in page.zones]
            cursor = page.next
            if cursor is None:
                break
        assert sorted(found) == sorted(one.zone.identifier for one in made)


async def test_queries_narrow_by_exact_area_time_party_and_source(world):
    now = world.now_ms
    old = await world.publish(zone(ring(start_ms=now, end_ms=now + HOUR_MS), identifier="A"), source="s")
    other = await world.publish(zone(ring(lat=47.01), identifier="B"), MILITARY)
    assert await world.all(party_id="military") == (other,)
    assert await world.all(source="s") == (old,)
    assert await world.all(start=from_ms(now + HOUR_MS)) == (other,)
    # The same cell, and 611 m from the second one's edge.
    assert await world.all(area=Circle(LatLon(47.0, 8.0), 10.0)) == (old,)
    later = {"start": from_ms(now + HOUR_MS), "end": from_ms(now + 2 * HOUR_MS)}
    assert await world.all(area=Circle(LatLon(47.0, 8.0), 10.0), **later) == ()
    with pytest.raises(BadInput):
        await world.all(start=from_ms(5), end=from_ms(5))
    with pytest.raises(BadInput) as refused:
        await world.all(area=Circle(LatLon(95.0, 8.0), 10.0))
    assert refused.value.members["field"] == "area.center.lat_deg"
    with pytest.raises(BadInput):
        await world.all(cursor="x")


async def test_subscribers_elsewhere_are_told_of_every_write_in_its_transaction(world):
    cells = await _subscribe(world, tells_zones=True, url="https://uss.test")
    await _subscribe(world, tells_zones=False, url="https://deaf.test", like=cells)
    await _subscribe(world, tells_zones=True, url=None, like=cells)
    made = await world.publish(zone())
    await world.publish(zone(ring(lat=57)), zone_id=made.zone_id, version=1)
    await world.publish(zone(ring(lat=57), identifier="FAR"))
    await world.withdraw(replace(made, version=2))
    told = []
    for _ in range(5):  # one in a line at a time
        for notice in await take(world.pool, world.now_ms, 10):
            told.append(notice)
            await world.pool.execute("SELECT notice_leave($1, $2)", notice.notice_id, notice.attempts)
    # The first change told where it was; afterwards it is elsewhere.
    assert [(one.kind, one.subject_id, one.party_id) for one in told] == [
        (NoticeKind.ZONE, made.zone_id, "caa")
    ] * 2
    assert {one.uss_base_url for one in told} == {"https://uss.test"}
    assert [json.loads(one.subscriptions)[0]["notification_index"] for one in told] == [1, 2]


async def test_a_refused_write_tells_nobody(world):
    await _subscribe(world, tells_zones=True, url="https://uss.test")
    made = await world.publish(zone())
    with pytest.raises(StaleVersion):
        await world.publish(zone(ring(lat=48)), zone_id=made.zone_id, version=9)
    assert await world.pool.fetchval("SELECT count(*) FROM notice") == 1


async def test_a_zone_keeps_its_rule_where_the_database_looks(world):
    made = await world.publish(zone(restriction=ZoneRestriction.CONSENT))
    assert await world.pool.fetchval("SELECT restriction FROM zone") == "consent"
    await world.publish(zone(), zone_id=made.zone_id, version=1)
    assert await world.pool.fetchval("SELECT restriction FROM zone") == "prohibited"


async def _subscribe(world, *, tells_zones, url, like=None):
    """An explicit subscription around the zones of these tests, straight in the tables."""
    rows = like or band_rows(cover(solids_of(zone(), None)[0]), Band(None, None, 0, world.now_ms + HOUR_MS))
    one = uuid.uuid4()
    await world.pool.execute(
        "INSERT INTO subscription (subscription_id, party_id, version, uss_base_url, tells_plans,"
        " tells_zones, is_implicit, start_ms, end_ms) VALUES ($1, 'uss', 'v', $2, true, $3, false, 0, $4)",
        one, url, tells_zones, world.now_ms + HOUR_MS,
    )  # fmt: skip
    await world.pool.execute(
        "INSERT INTO subscription_cell (parent, span, end_ms, start_ms, mask, lower, upper, subscription_id)"
        " SELECT r.parent, r.span, r.end_ms, r.start_ms, r.mask, r.lower, r.upper, $2 FROM plan_rows($1) r",
        rows.packed, one,
    )  # fmt: skip
    return rows
