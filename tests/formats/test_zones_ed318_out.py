"""Zones out as ED-318: valid against the published schemas, and in again as the same zones."""

import json
from itertools import pairwise
from math import cos, radians, sin

import jsonschema
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource
from shapely.geometry import Point
from shapely.geometry import Polygon as Flat

from detente.errors import BadInput, TooLarge
from detente.formats import zones_ed318_out
from detente.formats.zone_files import ZoneFormat, read_zones
from detente.formats.zones_ed318_out import write_ed318
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon
from detente.zones.model import (
    AuthorityPurpose,
    DailyPeriod,
    DaylightEvent,
    Weekday,
    ZoneAuthority,
    ZoneBody,
    ZoneKind,
    ZonePeriod,
    ZoneReason,
    ZoneRestriction,
    ZoneText,
    ZoneVolume,
)
from tests.formats.zone_data import ROOT, content_of

ED318 = ROOT / "tests" / "standards" / "ed318"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in ED318.glob("Schema_*.json")}
REGISTRY = Registry().with_resources(
    (f"https://zones.example/{name}", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
EARTH = Geodesic.WGS84
RING = Polygon((LatLon(47, 8), LatLon(47, 8.1), LatLon(47.1, 8.1)))


def faults_of(document, schema="Schema_GeoZones.json"):
    root = {"$ref": f"https://zones.example/{schema}"}
    # The publisher's "DateTimeType" is no format that a checker knows; those of JSON Schema are checked.
    checker = jsonschema.Draft7Validator.FORMAT_CHECKER
    validator = jsonschema.Draft7Validator(root, registry=REGISTRY, format_checker=checker)
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(document)]


PARTS = {
    "PartialExample_GeoZoneProperties.json": "Schema_GeoZoneProperties.json",
    "PartialExample_TimePeriod.json": "Schema_GeoZoneTimePeriod.json",
    "PartialExample_ZoneAuthority.json": "Schema_GeoZoneAuthority.json",
}
EXAMPLES = sorted(path.name for path in (ED318 / "examples").glob("*.json"))
VALID = [name for name in EXAMPLES if name.startswith("Example")]


def example_of(name):
    return json.loads((ED318 / "examples" / name).read_text())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_schemas_pass_the_publishers_examples_and_refuse_its_invalid_one(name):
    document = example_of(name)
    if name == "PartialExample_featureGeoJSON.json":
        document = {"type": "FeatureCollection", "features": [document]}
    faults = faults_of(document, PARTS.get(name, "Schema_GeoZones.json"))
    assert bool(faults) is name.startswith("Invalid"), faults


def round_trip(zones):
    written = write_ed318(zones)
    assert faults_of(json.loads(written)) == []
    read = read_zones("written", written)
    assert read.format is ZoneFormat.ED318
    assert read.misses == ()
    return [entry.zone for entry in read.zones]


@pytest.mark.parametrize("name", VALID)
def test_the_publishers_examples_come_back_as_they_were(name):
    read = read_zones(name, (ED318 / "examples" / name).read_bytes())
    zones = [entry.zone for entry in read.zones]
    assert len(zones) == len(example_of(name)["features"])
    assert round_trip(zones) == zones


@pytest.mark.parametrize(
    "name",
    [
        "ed269-lu.json",
        "ed269-fi.json",
        "ed269-ch.json",
        "ed318-ie.json",
        "faa-uasfm.json",
        "openair-ch.txt",
        "openair-de.txt",
        "openair-fr.txt.gz",
    ],
)
def test_published_zones_come_back_as_they_were(name):
    zones = [entry.zone for entry in read_zones(name, content_of(name)).zones]
    assert round_trip(zones) == zones


def zone(**members):
    plain = {"identifier": "Z1", "restriction": ZoneRestriction.PROHIBITED, "volumes": (ZoneVolume(RING),)}
    return ZoneBody(**(plain | members))


def feature_of(one):
    return json.loads(write_ed318([one]))["features"][0]


def test_a_simple_zone_needs_no_member_of_ours():
    written = feature_of(
        zone(country="CHE", authorities=(ZoneAuthority(AuthorityPurpose.INFORMATION, phone="1"),))
    )
    assert "detente" not in json.dumps(written)
    assert written["properties"]["zoneAuthority"] == [{"phone": "1", "purpose": "INFORMATION"}]


HARD = {
    "a long identifier": {"identifier": "TMA ZÜRICH 12 (HX)"},
    "no country": {"country": None},
    "several conditions": {"conditions": ("PERMITTED/A=B", "PROHIBITED/C=D")},
    "a reason of ED-269 only": {"reasons": (ZoneReason.FOREIGN_TERRITORY, ZoneReason.OTHER)},
    "all reasons": {"reasons": tuple(ZoneReason)},
    "a class": {"u_space_class": "Y"},
    "a long message": {"message": (ZoneText("word " * 100, "de"), ZoneText("short", "zh-Hant-TW"))},
    "an authority that names nobody": {"authorities": (ZoneAuthority(AuthorityPurpose.NOTIFICATION),)},
    "every restriction": {"restriction": ZoneRestriction.USPACE, "kind": ZoneKind.CUSTOMIZED},
    "a yes": {"regulation_exemption": True, "region": 65535},
    "a flight level": {"volumes": (ZoneVolume(RING, 300.0, 2895.6, Datum.AGL, Datum.STD),)},
    "a floor at a flight level": {"volumes": (ZoneVolume(RING, 2895.6, None, Datum.STD),)},
    "a corridor": {"volumes": (ZoneVolume(Corridor((LatLon(47, 8), LatLon(47.5, 9)), 9260.0), 0.0, 120.5),)},
    "a circle of a centimetre": {"volumes": (ZoneVolume(Circle(LatLon(-89.9, 179.999), 0.01)),) * 2},
    "odd milliseconds": {
        "schedule": (ZonePeriod(1, 1_785_567_600_001), ZonePeriod(-86_400_000, None)),
        "volumes": (ZoneVolume(RING, start_ms=-86_400_000),),
    },
    "hours": {
        "schedule": (
            ZonePeriod(
                daily=(
                    DailyPeriod((Weekday.MON, Weekday.ANY), "08:00:00+02:00", None, None, DaylightEvent.EECT),
                )
            ),
        ),
    },
}


@pytest.mark.parametrize("members", HARD.values(), ids=HARD)
def test_what_the_standard_has_no_room_for_comes_back_too(members):
    one = zone(**members)
    assert round_trip([one]) == [one]


def test_identifiers_of_seven_letters_stand_as_they_are_and_longer_ones_do_not_meet_them():
    long = zone(identifier="TMA ZÜRICH 12")
    made = feature_of(long)["properties"]["identifier"]
    assert len(made) == 7
    assert feature_of(long)["properties"]["identifier"] == made
    both = [long, zone(identifier=made)]
    written = [one["properties"]["identifier"] for one in json.loads(write_ed318(both))["features"]]
    assert written[1] == made
    assert written[0] != made
    assert round_trip(both) == both


def test_other_readers_find_heights_that_hold_the_flight_levels():
    layer = feature_of(zone(**HARD["a flight level"]))["geometry"]["layer"]
    assert (layer["lower"], layer["lowerReference"], layer["upperReference"]) == (300.0, "AGL", "AMSL")
    assert layer["upper"] > 2895.6 * 1.08


CORRIDORS = st.builds(
    lambda start, steps, width_m: Corridor(tuple(walk(start, steps)), width_m),
    st.tuples(st.floats(-70, 70), st.floats(-179, 179)),
    st.lists(st.tuples(st.floats(0, 360), st.floats(100, 150_000)), min_size=1, max_size=4),
    st.floats(10, 20_000),
)


def walk(place, steps):
    lat, lon = place
    yield LatLon(lat, lon)
    for bearing, length_m in steps:
        there = EARTH.Direct(lat, lon, bearing, length_m)
        lat, lon = there["lat2"], there["lon2"]
        yield LatLon(lat, lon)


@given(CORRIDORS)
@settings(max_examples=60, deadline=None)
def test_other_readers_find_a_polygon_that_holds_a_corridor(corridor):
    ring = zones_ed318_out._around(corridor, "corridor").vertices
    first = corridor.path[0]
    # Flat at the first position: widths far away are stretched, which the allowance of each place is for.
    area = Flat([flat(first, place.lat_deg, place.lon_deg) for place in ring])
    for one, other in pairwise(corridor.path):
        line = EARTH.InverseLine(one.lat_deg, one.lon_deg, other.lat_deg, other.lon_deg)
        for share in (0.0, 0.3, 0.5, 1.0):
            place = line.Position(share * line.s13)
            for turn in (-90, 90, 0, 180) if share in {0.0, 1.0} else (-90, 90):
                edge = EARTH.Direct(place["lat2"], place["lon2"], place["azi2"] + turn, corridor.width_m / 2)
                assert area.distance(Point(flat(first, edge["lat2"], edge["lon2"]))) < 0.5


def flat(origin, lat, lon):
    there = EARTH.Inverse(origin.lat_deg, origin.lon_deg, lat, lon)
    bearing = radians(there["azi1"])
    return there["s12"] * sin(bearing), there["s12"] * cos(bearing)


def test_a_second_zone_of_one_identifier_is_refused():
    with pytest.raises(BadInput, match="identifier"):
        write_ed318([zone(), zone()])
    assert len(round_trip([zone(), zone(country="FRA")])) == 2


def test_too_many_zones_are_refused():
    with pytest.raises(TooLarge):
        write_ed318([zone()] * 50_001)


def test_members_of_ours_that_cannot_be_read_are_left_out_with_a_note():
    document = json.loads(write_ed318([zone(**HARD["a corridor"], u_space_class="Y")]))
    feature = document["features"][0]
    feature["geometry"]["detente"]["shape"]["kind"] = "star"
    feature["properties"]["extendedProperties"]["detente"]["identifier"] = 5
    (entry,) = read_zones("x", json.dumps(document).encode()).zones
    assert isinstance(entry.zone.volumes[0].shape, Polygon)
    assert entry.zone.u_space_class is None
    assert len([note for note in entry.notes if "detente left out" in note]) == 2
