"""ED-269 as it is published: what is read in another shape, what is assumed, and what misses its zone."""

import json

import pytest

from detente.formats.zone_files import ZoneFormat, read_zones
from detente.geo.model import Circle, Datum, LatLon, Polygon
from detente.zones.model import (
    AuthorityPurpose,
    DailyPeriod,
    DaylightEvent,
    Weekday,
    ZoneAuthority,
    ZoneKind,
    ZonePeriod,
    ZoneReason,
    ZoneRestriction,
    ZoneText,
)
from tests.formats.zone_data import content_of

RING = [[8, 47], [8.1, 47], [8.1, 47.1], [8, 47]]
HOLE = [[8.05, 47.01], [8.06, 47.01], [8.06, 47.02], [8.05, 47.01]]
PROJECTION = {"type": "Polygon", "coordinates": [RING]}


def volume(**members):
    plain = {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": PROJECTION,
    }
    return {name: value for name, value in (plain | members).items() if value != "absent"}


def read(geometry=None, **members):
    plain = {
        "identifier": "Z-1",
        "country": "LUX",
        "name": "One",
        "type": "COMMON",
        "restriction": "PROHIBITED",
        "reason": ["NATURE"],
        "applicability": [{"permanent": "YES"}],
        "geometry": [volume()] if geometry is None else geometry,
    }
    found = {name: value for name, value in (plain | members).items() if value != "absent"}
    return read_zones("x", json.dumps({"features": [found]}).encode())


def one(geometry=None, **members):
    found = read(geometry, **members)
    assert found.format is ZoneFormat.ED269
    assert found.misses == ()
    return found.zones[0]


def missed(geometry=None, **members):
    found = read(geometry, **members)
    assert found.zones == ()
    return found.misses[0]


def test_a_zone_that_keeps_to_the_standard_needs_no_note():
    entry = one()
    (part,) = entry.zone.volumes
    assert entry.notes == ()
    assert part.shape == Polygon((LatLon(47, 8), LatLon(47, 8.1), LatLon(47.1, 8.1)))
    assert (part.lower_m, part.lower_datum, part.upper_m, part.upper_datum) == (0, Datum.AGL, 120, Datum.AGL)
    assert (entry.zone.identifier, entry.zone.country, entry.zone.reasons) == (
        "Z-1",
        "LUX",
        (ZoneReason.NATURE,),
    )
    assert entry.zone.schedule == ()


def test_luxembourgs_temporary_zone():
    found = read_zones("lu", content_of("ed269-lu.json"))
    zone = found.zones[1].zone
    assert zone.schedule == (ZonePeriod(1_785_564_000_000, 1_785_607_200_000),)
    assert (zone.volumes[0].start_ms, zone.volumes[0].end_ms) == (1_785_564_000_000, 1_785_607_200_000)
    assert zone.volumes[0].upper_datum is Datum.AMSL


def test_finlands_zone_without_limits_is_read_from_the_ground_without_ceiling():
    entry = read_zones("fi", content_of("ed269-fi.json")).zones[1]
    (part,) = entry.zone.volumes
    assert (part.lower_m, part.lower_datum, part.upper_m) == (0, Datum.AGL, None)
    assert len(entry.notes) == 2


def test_switzerlands_99999_is_no_ceiling():
    zones = [entry.zone for entry in read_zones("ch", content_of("ed269-ch.json")).zones]
    assert [part.upper_m for zone in zones for part in zone.volumes] == [None, None, 120, 1500, 1500]


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("PROHIBITED", ZoneRestriction.PROHIBITED),
        ("REQ_AUTHORISATION", ZoneRestriction.CONSENT),
        ("REQ_AUTHORIZATION", ZoneRestriction.CONSENT),
        ("CONDITIONAL", ZoneRestriction.CAUTION),
        ("NO_RESTRICTION", ZoneRestriction.NONE),
        ("no restriction", ZoneRestriction.NONE),
    ],
)
def test_rules(word, rule):
    assert one(restriction=word).zone.restriction is rule


@pytest.mark.parametrize("word", ["absent", None, "", "MAYBE"])
def test_a_rule_that_is_not_known_is_prohibited_and_noted(word):
    entry = one(restriction=word)
    assert entry.zone.restriction is ZoneRestriction.PROHIBITED
    assert "taken as prohibited" in entry.notes[0]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"uomDimensions": "FT", "upperLimit": 400}, (0, Datum.AGL, 121.92, Datum.AGL)),
        ({"uomDimensions": "ft", "upperLimit": 400}, (0, Datum.AGL, 121.92, Datum.AGL)),
        ({"uomDimensions": None}, (0, Datum.AGL, 120, Datum.AGL)),
        ({"lowerLimit": "10.5"}, (10.5, Datum.AGL, 120, Datum.AGL)),
        ({"lowerLimit": ""}, (0, Datum.AGL, 120, Datum.AGL)),
        ({"upperLimit": "absent"}, (0, Datum.AGL, None, Datum.AGL)),
        ({"upperLimit": 99999}, (0, Datum.AGL, None, Datum.AGL)),
        ({"upperLimit": 99999, "uomDimensions": "FT"}, (0, Datum.AGL, None, Datum.AGL)),
        ({"lowerVerticalReference": "absent", "lowerLimit": 50}, (0, Datum.AGL, 120, Datum.AGL)),
        ({"upperVerticalReference": "absent"}, (0, Datum.AGL, 120, Datum.AGL)),
        ({"upperVerticalReference": "W84"}, (0, Datum.AGL, 120, Datum.WGS84)),
        ({"upperVerticalReference": "msl"}, (0, Datum.AGL, 120, Datum.AMSL)),
    ],
)
def test_heights(members, expected):
    (part,) = one([volume(**members)]).zone.volumes
    assert (part.lower_m, part.lower_datum, part.upper_m, part.upper_datum) == expected


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"upperLimit": 0}, "upperLimit"),
        ({"lowerLimit": 120}, "upperLimit"),
        ({"lowerLimit": 500}, "upperLimit"),
        ({"upperLimit": "high"}, "upperLimit"),
        ({"upperLimit": [120]}, "upperLimit"),
        ({"upperLimit": True}, "upperLimit"),
        ({"lowerLimit": -9000}, "upperLimit"),
        ({"uomDimensions": "FL"}, "uomDimensions"),
        ({"upperVerticalReference": "QFE"}, "upperVerticalReference"),
        ({"horizontalProjection": "absent"}, "horizontalProjection"),
    ],
)
def test_heights_that_cannot_be_read_miss_the_zone(members, field):
    miss = missed([volume(**members)])
    assert miss.identifier == "Z-1"
    assert field in miss.reason


def shape(**projection):
    return [volume(horizontalProjection=projection)]


@pytest.mark.parametrize("center", [[8, 47], ["8", "47.0"], {"type": "Point", "coordinates": [8, 47]}])
def test_circles(center):
    assert one(shape(type="Circle", center=center, radius=500)).zone.volumes[0].shape == Circle(
        LatLon(47, 8), 500
    )


def test_a_radius_beside_heights_in_feet_is_metres_and_noted():
    circle = {"type": "Circle", "center": [8, 47], "radius": 500}
    entry = one([volume(uomDimensions="FT", horizontalProjection=circle)])
    assert entry.zone.volumes[0].shape.radius_m == 500
    assert "the larger" in entry.notes[0]


@pytest.mark.parametrize(
    ("coordinates", "notes"),
    [
        ([RING[::-1]], 0),
        ([RING[:-1]], 1),
        (RING, 1),
        ([RING, HOLE], 1),
        ([[*RING[:2], RING[1], *RING[2:]]], 0),
        ([[[8, 47, 500], [8.1, 47, 500], [8.1, 47.1, 500], [8, 47, 500]]], 0),
    ],
    ids=["clockwise", "open", "one bracket less", "a hole", "a vertex twice", "altitudes"],
)
def test_rings(coordinates, notes):
    entry = one(shape(type="Polygon", coordinates=coordinates))
    assert {(v.lat_deg, v.lon_deg) for v in entry.zone.volumes[0].shape.vertices} == {
        (47, 8),
        (47, 8.1),
        (47.1, 8.1),
    }
    assert len(entry.notes) == notes


def test_an_exemption_with_a_hole_is_missed_because_it_would_grow():
    miss = missed(shape(type="Polygon", coordinates=[RING, HOLE]), restriction="NO_RESTRICTION")
    assert "holes" in miss.reason


@pytest.mark.parametrize(
    ("projection", "word"),
    [
        ({"type": "Polygon", "coordinates": [[[8, 47], [8.1, 47], [8, 47]]]}, "3 different"),
        ({"type": "Polygon", "coordinates": []}, "rings"),
        ({"type": "Polygon", "coordinates": [[[8, 97], *RING]]}, "latitude"),
        ({"type": "Polygon", "coordinates": [[["a", "b"], *RING]]}, "a number"),
        ({"type": "Polygon", "coordinates": [[8, *RING]]}, "a number"),
        ({"type": "Polygon", "coordinates": [[[8, 47], [8, 47.1], [8, 47.2], [8, 47]]]}, "thick"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [60, 0], [60, 60], [0, 0]]]}, "centre"),
        ({"type": "Polygon", "coordinates": [[[8, 47]] * 10_002]}, "coordinates[0]: expected at most 10,000"),
        ({"type": "Circle", "center": [8, 47]}, "radius"),
        ({"type": "Circle", "center": [8, 47], "radius": -5}, "radius"),
        ({"type": "Circle", "radius": 5}, "longitude"),
        ({"type": "Circle", "center": [8, 47], "radius": 5e6}, "at most"),
        ({"type": "Star"}, "Polygon"),
        ({"type": "LineString", "coordinates": RING}, "width"),
    ],
)
def test_shapes_that_cannot_be_read_miss_the_zone(projection, word):
    assert word in missed(shape(**projection)).reason


@pytest.mark.parametrize("geometry", ["absent", [], "x", 5, [5], [None]])
def test_a_zone_without_geometry_is_missed(geometry):
    assert "geometry" in missed(geometry).reason if geometry != "absent" else missed("absent")


def test_several_volumes():
    circle = {"type": "Circle", "center": [8, 47], "radius": 500}
    assert len(one([volume(), volume(horizontalProjection=circle)]).zone.volumes) == 2
    assert "at most 200" in missed([volume()] * 201).reason


@pytest.mark.parametrize(
    ("period", "expected", "notes"),
    [
        ({"permanent": "YES", "startDateTime": "2026-01-01T00:00:00Z"}, (), 0),
        ({"permanent": True}, (), 0),
        ({"startDateTime": "2026-08-01T06:00:00+02:00"}, (ZonePeriod(1_785_556_800_000),), 0),
        ({"startDateTime": "2026-08-01T06:00:00.000Z"}, (ZonePeriod(1_785_564_000_000),), 0),
        ({"startDateTime": "20260801T0600Z"}, (ZonePeriod(1_785_564_000_000),), 0),
        ({"startDateTime": "2026-08-01 06:00:00"}, (ZonePeriod(1_785_564_000_000),), 1),
        ({"startDateTime": "2026-08-01"}, (ZonePeriod(1_785_542_400_000),), 1),
        ({"endDateTime": "2026-08-01T24:00:00Z"}, (ZonePeriod(None, 1_785_628_800_000),), 0),
        ({"startDateTime": "1 August", "endDateTime": None}, (), 1),
        ({"startDateTime": 1785564000000}, (), 2),
    ],
)
def test_periods(period, expected, notes):
    entry = one(applicability=[period])
    assert entry.zone.schedule == expected
    assert len(entry.notes) == notes
    assert one(applicability=period).zone.schedule == expected


def test_a_period_that_ends_before_it_begins_misses_the_zone():
    period = {"startDateTime": "2026-08-01T00:00:00Z", "endDateTime": "2026-07-01T00:00:00Z"}
    assert "after the start" in missed(applicability=[period]).reason


def test_hours_of_days():
    hours = [
        {"day": ["MON", "Tuesday"], "startTime": "08:00:00.00Z", "endTime": "24:00Z"},
        {"day": "ANY", "startEvent": "SR", "endTime": "1700+0200"},
    ]
    (period,) = one(applicability=[{"permanent": "NO", "schedule": hours}]).zone.schedule
    assert period.daily == (
        DailyPeriod((Weekday.MON, Weekday.TUE), start_time="08:00:00Z", end_time="23:59:59Z"),
        DailyPeriod((Weekday.ANY,), start_event=DaylightEvent.SR, end_time="17:00:00+02:00"),
    )
    assert one(applicability=[{"dailyPeriods": hours}]).zone.schedule == (period,)


@pytest.mark.parametrize("damage", [{"day": ["HOLIDAY"]}, {"startTime": "25:00Z"}, {"endEvent": "NOON"}])
def test_hours_that_cannot_be_read_make_the_zone_apply_all_day(damage):
    good = {"day": ["MON"], "startTime": "08:00Z", "endTime": "09:00Z"}
    bounds = {"startDateTime": "2026-08-01T06:00:00Z"}
    entry = one(applicability=[{**bounds, "schedule": [good, good | damage]}])
    assert entry.zone.schedule == (ZonePeriod(1_785_564_000_000),)
    assert "all day" in entry.notes[0]


def test_whom_to_ask():
    said = [
        {"name": "Office", "email": "a@zones.example", "purpose": "AUTHORISATION", "intervalBefore": "P30D"},
        {"name": [{"text": "Amt", "lang": "de"}], "phone": 123, "purpose": None, "intervalBefore": "soon"},
        {"purpose": "INFORMATION"},
    ]
    entry = one(zoneAuthority=said)
    assert entry.zone.authorities == (
        ZoneAuthority(
            AuthorityPurpose.AUTHORIZATION,
            (ZoneText("Office"),),
            email="a@zones.example",
            interval_before="P30D",
        ),
        ZoneAuthority(AuthorityPurpose.INFORMATION, (ZoneText("Amt", "de"),), phone="123"),
    )
    assert len(entry.notes) == 4


def test_members_of_other_kinds():
    entry = one(
        type="CUSTOMISED",
        country="LU",
        reason=["nature", "Because", "NATURE"],
        region="7",
        regulationExemption="YES",
        restrictionConditions=["PERMITTED/A=B", "NIL"],
        message="a\tb" + "x" * 5000,
        name={"text": "Eins", "lang": "de-CH"},
        uSpaceClass=5,
    )
    zone = entry.zone
    assert (zone.kind, zone.country, zone.region, zone.regulation_exemption) == (
        ZoneKind.COMMON,
        None,
        7,
        True,
    )
    assert zone.reasons == (ZoneReason.NATURE, ZoneReason.OTHER)
    assert (zone.conditions, zone.name) == (("PERMITTED/A=B",), (ZoneText("Eins", "de-CH"),))
    assert (len(zone.message[0].text), zone.message[0].text[:3]) == (4000, "a b")
    assert zone.u_space_class == "5"
    assert len(entry.notes) == 5


def test_a_zone_without_identifier_gets_one_and_a_note():
    assert one(identifier="absent").zone.identifier == "zone 1"
    assert "no identifier" in one(identifier=None).notes[0]
