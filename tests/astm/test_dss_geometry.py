"""Where and when the discovery service finds things: poles, antimeridian, windings, ends, endless windows."""

import copy
from datetime import UTC, datetime, timedelta

import pytest

from tests.astm.house import (
    CR,
    OIR,
    SUB,
    T0,
    altitude,
    constraint,
    intent,
    new_id,
    new_subscription,
    subscription,
    time,
    volume,
)

MINUTE = timedelta(minutes=1)


def ring(*points, **more):
    made = volume(**more)
    del made["volume"]["outline_circle"]
    made["volume"]["outline_polygon"] = {"vertices": [{"lat": lat, "lng": lng} for lat, lng in points]}
    return made


async def found(house, area, kind=OIR, **more):
    answer = await house.call("POST", f"{kind}/query", {"area_of_interest": area}, **more)
    assert answer.status_code == 200, answer.text
    name = "subscriptions" if kind == SUB else kind
    return {one["id"] for one in answer.json()[name]}


async def meets(house, kept, asked):
    """Whether an intent is found by a query, in both directions, and its OVN is needed there."""
    answers = set()
    for mine, theirs in ((kept, asked), (asked, kept)):
        one = await house.intent(intent(mine))
        answers.add(one["id"] in await found(house, theirs))
        refused = await house.put(OIR, new_id(), intent(theirs))
        answers.add(refused.status_code == 409)
        if refused.status_code == 201:
            other = refused.json()["operational_intent_reference"]
            await house.call("DELETE", f"{OIR}/{other['id']}/{other['ovn']}")
        await house.call("DELETE", f"{OIR}/{one['id']}/{one['ovn']}")
    assert len(answers) == 1, "query and key agree"
    return answers.pop()


@pytest.mark.parametrize("sign", [1, -1])
async def test_poles(house, sign):
    pole, near = volume(lat=sign * 90, lng=0, radius=200), volume(lat=sign * 89.999, lng=0, radius=200)
    opposite = volume(lat=sign * 89.999, lng=180, radius=300)
    assert await meets(house, pole, opposite)
    assert await meets(house, near, opposite)
    assert await meets(house, near, volume(lat=sign * 89.999, lng=-90, radius=200))
    assert not await meets(house, near, volume(lat=sign * 89.0, lng=0, radius=200))
    cap = ring(*[(sign * 89.99, lng) for lng in (-180, -60, 60)])
    assert await meets(house, cap, pole)


async def test_antimeridian(house):
    over = ring((10, 179.99), (10, -179.99), (10.02, -179.99), (10.02, 179.99))
    for lng in (180, -180, 179.995, -179.995):
        assert await meets(house, over, volume(lat=10.01, lng=lng, radius=10))
    assert not await meets(house, over, volume(lat=10.01, lng=0, radius=10_000))
    assert await meets(house, volume(lat=-56, lng=180, radius=500), volume(lat=-56, lng=-180, radius=500))


async def test_either_winding_is_the_smaller_side(house):
    points = [(47.0, 8.0), (47.0, 8.02), (47.02, 8.02), (47.02, 8.0)]
    inside, outside = volume(lat=47.01, lng=8.01, radius=50), volume(lat=-47, lng=8, radius=50)
    for one in (points, points[::-1], [*points, points[0]]):
        assert await meets(house, ring(*one), inside)
        assert not await meets(house, ring(*one), outside)


async def test_neighbours_of_a_cell_meet_and_those_far_away_do_not(house):
    assert await meets(house, volume(radius=20), volume(lat=47.0004, radius=20))
    assert not await meets(house, volume(radius=20), volume(lat=47.05, radius=20))


async def test_heights_and_times_meet_at_their_ends(house):
    here = volume()
    assert await meets(house, here, volume(lower=200.0, upper=300.0))
    assert not await meets(house, here, volume(lower=200.02, upper=300.0))
    assert await meets(house, here, volume(start=T0 + 30 * MINUTE))
    assert not await meets(house, here, volume(start=T0 + 30 * MINUTE + timedelta(milliseconds=2)))
    assert await meets(house, volume(lower=150.0, upper=150.0), here)
    assert await meets(house, volume(minutes=0), here)


async def test_volumes_that_are_apart_do_not_meet_by_their_hull(house):
    kept = intent(volume(), volume(lat=47.3, start=T0 + 60 * MINUTE, lower=500, upper=600))
    await house.intent(kept)
    assert await found(house, volume(lat=47.3)) == set()
    assert await found(house, volume(lat=47.3, start=T0 + 60 * MINUTE)) == set()
    assert len(await found(house, volume(lat=47.3, start=T0 + 60 * MINUTE, lower=550, upper=560))) == 1
    assert await found(house, volume(lat=47.15, lower=None, upper=None, start=None)) == set()


async def test_long_ago_and_far_ahead(house):
    """What began years ago and goes on is found by every window that it meets, however long either is."""
    long = volume(start=datetime(1969, 12, 31, 16, tzinfo=UTC), end=T0 + timedelta(days=3_000))
    one = await house.intent(intent(long, **new_subscription()))
    assert one["time_start"]["value"].startswith("1969-12-31T16:00:00")
    for window in (
        volume(),
        volume(start=datetime(1980, 1, 1, tzinfo=UTC)),
        volume(start=T0 + timedelta(days=2_999)),
        volume(start=datetime(1900, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC)),
        volume(start=None),
    ):
        assert await found(house, window) == {one["id"]}
    assert await found(house, volume(start=datetime(1960, 1, 1, tzinfo=UTC))) == set()
    assert await found(house, volume(start=T0 + timedelta(days=3_001))) == set()
    assert (await house.put(OIR, new_id(), intent())).status_code == 409
    month = intent(volume(lat=48, minutes=45 * 24 * 60))
    assert (await house.put(OIR, new_id(), month)).status_code == 201
    assert len(await found(house, volume(lat=48, start=T0 + timedelta(days=44)))) == 1


async def test_the_union_must_not_be_over_but_a_part_may_be(house):
    past = volume(start=T0 - timedelta(days=3), lat=47.2)
    assert (await house.put(OIR, new_id(), intent(past))).status_code == 400
    one = await house.intent(intent(past, volume()))
    assert await found(house, past) == {one["id"]}
    house.now = T0 + timedelta(days=2)
    assert await found(house, volume()) == {one["id"]}, "ended but not deleted"
    late = await house.put(OIR, one["id"], intent(past, volume()), one["ovn"])
    assert late.status_code == 400


@pytest.mark.parametrize(("kind", "make"), [(OIR, intent), (CR, constraint), (SUB, subscription)])
async def test_queries_without_heights_or_times_have_no_end(house, kind, make):
    made = await house.made(kind, make(volume()), one := new_id())
    assert made
    for change in (
        {"lower": None}, {"upper": None}, {"lower": None, "upper": None}, {"start": None},
        {"lower": None, "upper": None, "start": None},
    ):  # fmt: skip
        assert await found(house, volume(**change), kind) == {one}, change
    after, before = volume(), volume()
    del after["time_end"], before["time_start"]
    assert await found(house, after, kind) == {one}
    assert await found(house, before, kind) == {one}
    after["time_start"], before["time_end"] = time(T0 + 31 * MINUTE), time(T0 - MINUTE)
    assert await found(house, after, kind) == set()
    assert await found(house, before, kind) == set()
    below, above = volume(lower=None, upper=99.0), volume(lower=201.0, upper=None)
    assert await found(house, below, kind) == set()
    assert await found(house, above, kind) == set()


async def test_as_large_as_an_area_may_be(house):
    wide, wider = volume(radius=28_000), volume(radius=28_500)
    for kind, make in ((OIR, intent), (CR, constraint), (SUB, subscription)):
        await house.made(kind, make(wide))
        assert (await house.put(kind, new_id(), make(wider))).status_code == 400
        assert len(await found(house, wide, kind)) == 1
        body = {"area_of_interest": wider}
        assert (await house.call("POST", f"{kind}/query", body)).status_code == 400
    two = intent(volume(lat=30, radius=28_000), volume(lat=31, radius=28_000))
    assert (await house.put(OIR, new_id(), two)).status_code == 201, "each by itself"


async def test_a_change_moves_what_is_found(house):
    one = await house.intent()
    there = volume(lat=47.4, start=T0 + timedelta(days=2), lower=900, upper=950)
    moved = await house.put(OIR, one["id"], intent(there), one["ovn"])
    assert moved.status_code == 200
    assert await found(house, volume()) == set()
    assert await found(house, there) == {one["id"]}
    read = moved.json()["operational_intent_reference"]
    assert read["time_start"]["value"] == there["time_start"]["value"]
    assert read["time_end"]["value"] == there["time_end"]["value"]


async def test_times_of_any_zone_are_told_in_utc(house):
    asked = copy.deepcopy(volume())
    asked["time_start"]["value"] = "2026-12-01T14:00:00+02:00"
    one = await house.intent(intent(asked))
    assert one["time_start"]["value"] == "2026-12-01T12:00:00Z"
    asked["volume"]["altitude_lower"] = altitude(-7.8)
    assert await found(house, asked) == {one["id"]}
