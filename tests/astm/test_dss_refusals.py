"""Bad requests to the discovery service: refused with 400 in the standard's form, and nothing is written."""

import copy
import json
from datetime import timedelta

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

GONE = object()


def put(path, value):
    """A change of one member of a volume, by its path."""

    def change(made):
        *steps, last = path.split(".")
        at = made
        for step in steps:
            at = at[step]
        if value is GONE:
            del at[last]
        else:
            at[last] = value

    return change


def ring(*points):
    return {"vertices": [{"lat": lat, "lng": lng} for lat, lng in points]}


def as_polygon(*points):
    def change(made):
        del made["volume"]["outline_circle"]
        made["volume"]["outline_polygon"] = ring(*points)

    return change


def huge_ring():
    return as_polygon((46.0, 7.0), (46.0, 9.0), (48.0, 9.0), (48.0, 7.0))


CIRCLE = "volume.outline_circle"
ANYWHERE = {
    "no volume": put("volume", GONE),
    "volume null": put("volume", None),
    "volume empty": put("volume", {}),
    "no outline": put(CIRCLE, GONE),
    "both outlines": put("volume.outline_polygon", ring((47, 8), (47, 8.01), (47.01, 8))),
    "no centre": put(f"{CIRCLE}.center", GONE),
    "no radius": put(f"{CIRCLE}.radius", GONE),
    "radius in feet": put(f"{CIRCLE}.radius.units", "FT"),
    "radius without units": put(f"{CIRCLE}.radius.units", GONE),
    "radius 0": put(f"{CIRCLE}.radius.value", 0),
    "radius below 0": put(f"{CIRCLE}.radius.value", -5),
    "radius a text": put(f"{CIRCLE}.radius.value", "300"),
    "radius huge": put(f"{CIRCLE}.radius.value", 30_000),
    "radius infinite": put(f"{CIRCLE}.radius.value", 1e300),
    "lat 90.1": put(f"{CIRCLE}.center.lat", 90.1),
    "lat -91": put(f"{CIRCLE}.center.lat", -91),
    "lng 181": put(f"{CIRCLE}.center.lng", 181),
    "lng gone": put(f"{CIRCLE}.center.lng", GONE),
    "altitude in feet": put("volume.altitude_lower.units", "FT"),
    "altitude above ground": put("volume.altitude_upper.reference", "SFC"),
    "altitude without reference": put("volume.altitude_upper.reference", GONE),
    "altitude upside down": put("volume.altitude_lower.value", 300.0),
    "altitude a list": put("volume.altitude_lower", [100]),
    "altitude beyond": put("volume.altitude_upper.value", 100_001),
    "time format": put("time_start.format", "ISO"),
    "time without format": put("time_end.format", GONE),
    "time without zone": put("time_end.value", "2026-12-01T13:00:00"),
    "time not a time": put("time_start.value", "something-invalid"),
    "time a number": put("time_start.value", 1_800_000_000),
    "time without value": put("time_start.value", GONE),
    "times reversed": put("time_start", time(T0 + timedelta(hours=9))),
    "ring of two": as_polygon((47, 8), (47.01, 8)),
    "ring empty": as_polygon(),
    "ring of one place": as_polygon((47, 8), (47, 8), (47, 8)),
    "ring on a line": as_polygon((47, 8), (47.01, 8), (47.02, 8)),
    "ring crossing itself": as_polygon((47, 8), (47.01, 8.01), (47.01, 8), (47, 8.01)),
    "ring with a vertex twice": as_polygon((47, 8), (47, 8.01), (47, 8.01), (47.01, 8)),
    "ring beyond": as_polygon((89, 8), (90.5, 8.01), (89, 9)),
    "ring huge": huge_ring(),
}
BOUNDED = {
    "no lower": put("volume.altitude_lower", GONE),
    "no upper": put("volume.altitude_upper", GONE),
    "lower null": put("volume.altitude_lower", None),
}
TIMED = {
    "no start": put("time_start", GONE),
    "no end": put("time_end", GONE),
    "end null": put("time_end", None),
}
OVER = {
    "over": lambda made: made.update(
        time_start=time(T0 - timedelta(days=2)), time_end=time(T0 - timedelta(days=1))
    )
}
KINDS = {OIR: intent, CR: constraint, SUB: subscription}


def spoilt(kind, change):
    body = copy.deepcopy(KINDS[kind]())
    change(body["extents"] if kind == SUB else body["extents"][0])
    return body


def cases(*tables):
    return {name: change for table in tables for name, change in table.items()}


async def nothing_was_written(house):
    assert await house.pool.fetchval("SELECT count(*) FROM plan") == 0
    assert await house.pool.fetchval("SELECT count(*) FROM zone") == 0
    assert await house.pool.fetchval("SELECT count(*) FROM subscription") == 0


@pytest.mark.parametrize(
    ("kind", "tables"),
    [(OIR, (ANYWHERE, BOUNDED, TIMED, OVER)), (CR, (ANYWHERE, TIMED, OVER)), (SUB, (ANYWHERE, OVER))],
)
async def test_a_volume_that_cannot_be_is_not_written(house, kind, tables):
    for name, change in cases(*tables).items():
        refused = await house.put(kind, new_id(), spoilt(kind, change))
        assert refused.status_code == 400, (name, refused.text)
        assert refused.json()["message"], name
    await nothing_was_written(house)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_area_that_cannot_be_is_not_searched(house, kind):
    for name, change in ANYWHERE.items():
        area = copy.deepcopy(volume())
        change(area)
        refused = await house.call("POST", f"{kind}/query", {"area_of_interest": area})
        assert refused.status_code == 400, (name, refused.text)
    for body in (
        {},
        {"area_of_interest": None},
        {"area_of_interest": {}},
        [],
        b"",
        b"{",
        b"null",
        b"\xff\xfe{}",
    ):
        refused = await house.call("POST", f"{kind}/query", body)
        assert refused.status_code == 400, (body, refused.text)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_without_a_member_is_refused(house, kind):
    whole = KINDS[kind]()
    needed = [name for name in ("extents", "uss_base_url", "state") if name in whole]
    for name in needed:
        for body in ({k: v for k, v in whole.items() if k != name}, whole | {name: None}, whole | {name: 7}):
            refused = await house.put(kind, new_id(), body)
            assert refused.status_code == 400, (name, refused.text)
    for body in (b"", b"{", b"[]", b"7", b'{"extents": NaN}', b'\xff{"extents": []}', b"[" * 5_000):
        refused = await house.put(kind, new_id(), body)
        assert refused.status_code == 400, (body, refused.text)
    await nothing_was_written(house)


@pytest.mark.parametrize("kind", [OIR, CR])
async def test_extents_are_a_list_that_is_not_empty(house, kind):
    for extents in ([], {}, [None], volume()):
        refused = await house.put(kind, new_id(), KINDS[kind]() | {"extents": extents})
        assert refused.status_code == 400, extents
    too_many = KINDS[kind](*[volume() for _ in range(257)])
    assert (await house.put(kind, new_id(), too_many)).status_code == 413
    await nothing_was_written(house)


@pytest.mark.parametrize("kind", KINDS)
async def test_ids_are_uuids_of_version_4_with_or_without_dashes(house, kind):
    good = new_id()
    wrong = [
        "not_uuid_format", "1", good[:-1], good + "0", f"{{{good}}}", f"urn:uuid:{good}",
        good.replace("-", "_"),
        "00000000-0000-1000-8000-000000000000", "00000000-0000-7000-8000-000000000000",
        "00000000-0000-4000-0000-000000000000", "00000000-0000-0000-0000-000000000000", "%20", "%00", "é",
    ]  # fmt: skip
    for bad in wrong:
        assert (await house.put(kind, bad, KINDS[kind]())).status_code == 400, bad
        assert (await house.call("GET", f"{kind}/{bad}")).status_code == 400, bad
        assert (await house.put(kind, bad, KINDS[kind](), "x" * 20)).status_code == 400, bad
        assert (await house.call("DELETE", f"{kind}/{bad}/{'x' * 20}")).status_code == 400, bad
    await nothing_was_written(house)
    await house.made(kind, KINDS[kind](), good.replace("-", "").upper())
    for spelt in (good, good.upper(), good.replace("-", "")):
        read = await house.call("GET", f"{kind}/{spelt}")
        assert good in read.text, spelt


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_version_in_the_path_is_refused(house, kind):
    made = await house.made(kind, KINDS[kind](), one := new_id())
    for method, body in (("PUT", KINDS[kind]()), ("DELETE", None)):
        for path in (f"{kind}/{one}/", f"{kind}/{new_id()}/"):
            refused = await house.call(method, path, body, valid=False)
            assert refused.status_code == 400, (method, refused.text)
            assert refused.json()["message"]
    assert made
    assert (await house.call("GET", f"{kind}/{one}")).is_success


@pytest.mark.parametrize("kind", KINDS)
async def test_addresses_of_peers_are_absolute_and_secure(house, kind):
    bad = ["", "uss1.example", "/utm", "http://uss1.example/utm", "ftp://uss1.example", "https://",
           "https://me:secret@uss1.example", "https://uss1.example/?a=b", "https://uss1.example/#a",
           "https://uss1.example:99999", "https://uss 1.example", "https://uss1.example\n",
           "x" * 2_001]  # fmt: skip
    for url in bad:
        refused = await house.put(kind, new_id(), KINDS[kind]() | {"uss_base_url": url})
        assert refused.status_code == 400, url
    inner = intent(**new_subscription("http://uss1.example/utm"))
    assert (await house.put(OIR, new_id(), inner)).status_code == 400
    await nothing_was_written(house)


@pytest.mark.parametrize("kind", KINDS)
async def test_unknown_members_are_ignored(house, kind):
    body = json.loads(json.dumps(KINDS[kind]() | {"old_version": 0, "flight_type": "VLOS", "x": {"y": [1]}}))
    extents = body["extents"] if kind == SUB else body["extents"][0]
    extents["more"] = 1
    extents["volume"]["more"] = altitude(3)
    assert await house.made(kind, body)


async def test_states_and_keys_that_the_standard_does_not_know(house):
    for state in ("Ended", "accepted", "", None, 3, "Closed"):
        assert (await house.put(OIR, new_id(), intent(state=state))).status_code == 400, state
    for key in ("x", [3], {"a": 1}, ["x" * 129]):
        assert (await house.put(OIR, new_id(), intent() | {"key": key})).status_code == 400, key
    for state in ("Activated", "Nonconforming", "Contingent"):
        refused = await house.put(OIR, new_id(), intent(state=state, **new_subscription()))
        assert refused.status_code == 400, "made as accepted only"
    await nothing_was_written(house)
    assert (await house.put(OIR, new_id(), intent() | {"key": None})).status_code == 201


async def test_what_is_not_there(house):
    for kind, make in KINDS.items():
        assert (await house.call("GET", f"{kind}/{new_id()}")).status_code == 404
        assert (await house.call("DELETE", f"{kind}/{new_id()}/{'x' * 20}")).status_code == 404
        assert (await house.put(kind, new_id(), make(), "x" * 20)).status_code == 409
    await nothing_was_written(house)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_query_without_a_body_and_a_deletion_with_one(house, kind):
    nothing = await house.call("POST", f"{kind}/query")
    assert (nothing.status_code, bool(nothing.json()["message"])) == (400, True)
    made = await house.made(kind, KINDS[kind](), one := new_id())
    version = made["subscription"]["version"] if kind == SUB else next(
        part["ovn"] for part in made.values() if "ovn" in part
    )  # fmt: skip
    gone = await house.call("DELETE", f"{kind}/{one}/{version}", KINDS[kind]())
    assert gone.status_code == 200, gone.text


async def test_a_body_that_is_too_long(house):
    for kind in (OIR, CR):
        long = KINDS[kind]() | {"more": "x" * (4 * 1_048_576)}
        assert (await house.put(kind, new_id(), long)).status_code == 413
    await nothing_was_written(house)
