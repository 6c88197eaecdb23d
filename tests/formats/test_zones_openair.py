"""OpenAir, line by line: what is read, what is assumed, and what misses its zone."""

import math

import pytest
from geographiclib.geodesic import Geodesic
from shapely.geometry import Point
from shapely.geometry import Polygon as Flat

from detente.formats.zone_fields import Missed, Notes
from detente.formats.zone_files import read_zones
from detente.formats.zone_heights import parse_limit
from detente.formats.zones_openair import position_in
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon
from detente.zones.model import ZonePeriod, ZoneRestriction, ZoneText

HEAD = "AC R\nAN One\nAL GND\nAH FL95\n"
DIAMOND = "DP 47:10:00 N 008:00:00 E\nDP 47:00:00 N 008:10:00 E\nDP 46:50:00 N 008:00:00 E\n"
X = "V X=47:00:00 N 008:00:00 E\n"


def read(text):
    return read_zones("x", text.encode())


def one(text):
    found = read(text)
    assert found.misses == ()
    return found.zones[0]


def missed(text):
    found = read(text)
    assert found.zones == ()
    return found.misses[0]


@pytest.mark.parametrize(
    ("text", "metres", "datum"),
    [
        ("GND", 0, Datum.AGL),
        ("sfc", 0, Datum.AGL),
        ("0", 0, Datum.AGL),
        ("MSL", 0, Datum.AMSL),
        ("FL95", 2895.6, Datum.STD),
        ("FL 095", 2895.6, Datum.STD),
        ("FL660", 20116.8, Datum.STD),
        ("4500ft MSL", 1371.6, Datum.AMSL),
        ("4500FT AMSL", 1371.6, Datum.AMSL),
        ("4500 MSL", 1371.6, Datum.AMSL),
        ("  4500   ft  ", 1371.6, Datum.AMSL),
        ("1000 AGL", 304.8, Datum.AGL),
        ("500ft GND", 152.4, Datum.AGL),
        ("1000ft SFC", 304.8, Datum.AGL),
        ("1000F ASFC", 304.8, Datum.AGL),
        ("1500m AMSL", 1500, Datum.AMSL),
        ("1500 M AGL", 1500, Datum.AGL),
        ("UNL", None, Datum.AGL),
        ("UNLD", None, Datum.AGL),
        ("UNLIM", None, Datum.AGL),
        ("Unlimited", None, Datum.AGL),
        ("FL999", None, Datum.AGL),
        ("99999ft MSL", None, Datum.AGL),
    ],
)
def test_heights_in_many_spellings(text, metres, datum):
    assert parse_limit(text, "AH", Notes()) == (metres, datum)


def test_a_bare_number_is_feet_above_the_sea_and_noted():
    notes = Notes()
    assert parse_limit("3000", "AL", notes) == (914.4, Datum.AMSL)
    assert len(notes.all()) == 1


@pytest.mark.parametrize(
    "text", ["", "Ask on 122.8", "FL", "FL-5", "-300ft", "1e3ft", "FL95 MSL", "4500ft QNH"]
)
def test_a_height_that_is_none_is_refused(text):
    with pytest.raises(Missed):
        parse_limit(text, "AH", Notes())


@pytest.mark.parametrize(
    "text",
    [
        "39:30:00 N 119:45:00 W",
        "39:30:00N 119:45:00W",
        "39:30.0 N 119:45.0 W",
        "39:30 N 119:45 W",
        "39.5 N 119.75 W",
        "39 30 00 N 119 45 00 W",
        "39:29:60 N, 119:44:60 W",
        " 039:30:00 n  119:45:00.00 w ",
    ],
)
def test_positions_in_many_spellings(text):
    place = position_in(text, "DP")
    assert (place.lat_deg, place.lon_deg) == (pytest.approx(39.5), pytest.approx(-119.75))


@pytest.mark.parametrize(
    "text",
    ["", "39:30:00 N", "91:00:00 N 000:00:00 E", "39:61:00 N 119:00:00 E", "39:30:00 E 119:45:00 N",
     "39:30:00 N 119:45:00 W x", "39:30:00 N 181:00:00 W", "90:00:01 N 000:00:00 E"],
)  # fmt: skip
def test_a_position_that_is_none_is_refused(text):
    with pytest.raises(Missed):
        position_in(text, "DP")


def test_points_are_a_polygon():
    entry = one("* a comment\n\n" + HEAD + DIAMOND.replace("\n", " *moved\n", 1))
    assert (entry.line, entry.notes, entry.zone.identifier) == (3, (), "One")
    (volume,) = entry.zone.volumes
    assert volume.shape.vertices[0] == LatLon(47 + 10 / 60, 8.0)
    assert (volume.lower_m, volume.upper_m, volume.upper_datum) == (0, 2895.6, Datum.STD)
    assert entry.zone.name == (ZoneText("One"),)


def test_a_circle_is_a_circle():
    assert one(HEAD + X + "DC 5").zone.volumes[0].shape == Circle(LatLon(47, 8), 9260.0)


def test_an_airway_is_a_corridor():
    text = HEAD + "V W=10\nDY 47:00:00 N 008:00:00 E\nDY 47:30:00 N 009:00:00 E\n"
    assert one(text).zone.volumes[0].shape == Corridor((LatLon(47, 8), LatLon(47.5, 9)), 18_520.0)


def flat(ring):
    return Flat([(math.cos(math.radians(47)) * place.lon_deg, place.lat_deg) for place in ring])


def holds(ring, bearing, distance_m):
    there = Geodesic.WGS84.Direct(47, 8, bearing, distance_m)
    return flat(ring).contains(Point(math.cos(math.radians(47)) * there["lon2"], there["lat2"]))


@pytest.mark.parametrize(
    ("arcs", "inside", "outside"),
    [
        ("V D=+\nDA 5,270,90\n", 0, 180),
        ("V D=-\nDA 5,90,270\n", 0, 180),
        ("DA 5,90,270\n", 180, 0),
        ("V D=+\nDB 47:00:00 N 007:52:41 E,47:00:00 N 008:07:19 E\n", 0, 180),
        ("V D=-\nDB 47:00:00 N 007:52:41 E,47:00:00 N 008:07:19 E\n", 180, 0),
    ],
)
def test_arcs_go_both_ways(arcs, inside, outside):
    ring = one(HEAD + X + arcs).zone.volumes[0].shape.vertices
    # Half a disc of 5 NM: it holds what is just inside the arc, all along it, and nothing on the other side.
    for turn in (-80, -40, 0, 40, 80):
        assert holds(ring, inside + turn, 9259.9)
        # Ends that are written in whole seconds are up to 22 m off.
        assert not holds(ring, inside + turn, 9261.0 if "DA" in arcs else 9290.0)
        assert not holds(ring, outside + turn, 1000)


def test_a_zone_around_an_arc_is_not_smaller_either():
    # A square with a bite of 2 NM around its south-east corner; the bite goes anticlockwise.
    text = (
        HEAD
        + X
        + "DP 47:00:00 N 007:40:00 E\nDP 47:20:00 N 007:40:00 E\nDP 47:20:00 N 008:00:00 E\n"
        + "V D=-\nDA 2,0,270\n"
    )
    ring = one(text).zone.volumes[0].shape.vertices
    for bearing in (280, 300, 315, 350):
        assert holds(ring, bearing, 3704.1)
        assert not holds(ring, bearing, 3703.0)


def test_each_zone_begins_anew():
    first = HEAD + X + "V D=-\nV W=5\nDC 5\n"
    second = read(first + HEAD.replace("One", "Two") + "DC 5\n")
    assert (len(second.zones), second.misses[0].line) == (1, 9)
    assert "centre" in second.misses[0].reason
    third = read(first + HEAD.replace("One", "Two") + X + "DA 5,270,90\n")
    assert holds(third.zones[1].zone.volumes[0].shape.vertices, 0, 5000)
    assert (
        "width"
        in read(first + HEAD + "DY 47:00:00 N 008:00:00 E\nDY 47:30:00 N 009:00:00 E").misses[0].reason
    )


@pytest.mark.parametrize(
    ("tail", "word"),
    [
        ("DC 5", "centre"),
        (X + "DC -1", "nautical"),
        (X + "DC nan", "nautical"),
        (X + "DC 600", "nautical"),
        (X + "DA 5,0", "bearings"),
        (X + "DA 5,0,north", "bearings"),
        (X + "DB 47:00:00 N 008:00:00 E", "comma"),
        (X + "DB 47:00:00 N 008:00:00 E,47:05:00 N 008:00:00 E", "equally far"),
        ("V D=?\n" + DIAMOND, "+ or -"),
        ("DX 5\n" + DIAMOND, "DP, DA"),
        (DIAMOND + "DP nowhere", "position"),
        (DIAMOND + "AN Two\n" + DIAMOND, "AC line missing"),
        (DIAMOND + "AL GND\n", "AC line missing"),
        ("AN " + "x" * 3000, "characters"),
        ("", "points"),
        ("DP 47:00:00 N 008:00:00 E\nDP 47:10:00 N 008:00:00 E", "at least 3"),
        (
            "DP 47:00:00 N 008:00:00 E\nDP 47:10:00 N 008:10:00 E\nDP 47:10:00 N 008:00:00 E\n" * 4000,
            "at most",
        ),
        (X + "DA 5,0,90\n" * 2000, "at most"),
        ("AA 2026-02-01T00:00Z/2026-01-01T00:00Z\n" + DIAMOND, "after the start"),
    ],
)
def test_what_cannot_be_read_misses_its_zone_alone(tail, word):
    miss = missed(HEAD + tail) if "AN x" not in tail else missed(HEAD.replace("AN One\n", "") + tail)
    assert miss.line == 1
    assert word in miss.reason
    good = read(
        HEAD.replace("One", "Good") + DIAMOND + HEAD + tail + "\n" + HEAD.replace("One", "Two") + DIAMOND
    )
    assert [entry.zone.identifier for entry in good.zones] == ["Good", "Two"]


def test_a_miss_names_the_line_of_its_fault():
    assert missed(HEAD + DIAMOND + "DP nowhere").reason.startswith("line 8, DP: expected a position")


def test_absent_limits_are_on_the_safe_side():
    entry = one("AC R\nAN One\n" + DIAMOND)
    volume = entry.zone.volumes[0]
    assert (volume.lower_m, volume.lower_datum, volume.upper_m) == (0, Datum.AGL, None)
    assert len([note for note in entry.notes if "is absent" in note]) == 2


@pytest.mark.parametrize(
    ("ac", "ay", "rule"),
    [
        ("P", "", ZoneRestriction.PROHIBITED),
        ("R", "", ZoneRestriction.CONSENT),
        ("CTR", "", ZoneRestriction.CONSENT),
        ("D", "", ZoneRestriction.CONSENT),
        ("Q", "", ZoneRestriction.CAUTION),
        ("TMZ", "", ZoneRestriction.CAUTION),
        ("E", "", ZoneRestriction.CAUTION),
        ("G", "", ZoneRestriction.NONE),
        ("UNC", "R", ZoneRestriction.CONSENT),
        ("UNC", "P", ZoneRestriction.PROHIBITED),
        ("UNC", "NONE", ZoneRestriction.CAUTION),
        ("G", "RMZ", ZoneRestriction.CAUTION),
        ("SOMETHING", "", ZoneRestriction.PROHIBITED),
    ],
)
def test_classes_and_types_mean_rules(ac, ay, rule):
    entry = one(f"AC {ac}\nAY {ay}\nAN One\nAL GND\nAH FL95\n" + DIAMOND)
    assert entry.zone.restriction is rule
    assert any("not known" in note for note in entry.notes) is (ac == "SOMETHING")


def test_the_second_versions_lines_are_kept():
    text = HEAD.replace("AC R", "AC D") + "AI id-7\nAY TMZ\nAF 124.400\nAG TOURS TWR\nAX 7000\n" + DIAMOND
    entry = one(text + "AT 47:00:00 N 008:00:00 E\nSP 0,1,0,0,255\nSB 1,2,3\nZZ 5\n")
    assert entry.zone.identifier == "id-7"
    assert entry.zone.message[0].text == "Airspace class D, TMZ, TOURS TWR 124.400 MHz, transponder 7000"
    assert entry.notes == ('line 16: ZZ is not known and left out: "5"',)


def test_activations_are_the_schedule():
    text = HEAD + "AA 2026-02-01T00:01:00Z/2026-03-01T23:59Z\nAA NONE/2025-01-01T00:00Z\n" + DIAMOND
    zone = one(text).zone
    assert zone.schedule[0] == ZonePeriod(1_769_904_060_000, 1_772_409_540_000)
    assert zone.schedule[1].start_ms is None
    assert (zone.volumes[0].start_ms, zone.volumes[0].end_ms) == (None, 1_772_409_540_000)


@pytest.mark.parametrize("said", ["NONE", "by NOTAM", "2026-02-01T00:01Z/soon"])
def test_activations_without_times_are_always_in_force_and_noted(said):
    entry = one(HEAD + f"AA {said}\nAA 2026-02-01T00:01:00Z/2026-03-01T23:59Z\n" + DIAMOND)
    assert entry.zone.schedule == ()
    assert "always in force" in entry.notes[0]


def test_lines_outside_a_zone_are_told():
    found = read("XX 5\n" + HEAD + DIAMOND + "TO Lake\n" + DIAMOND + HEAD + DIAMOND)
    assert len(found.zones) == 2
    assert [note[:7] for note in found.notes] == ["line 1 ", "line 9:", "line 10", "line 11", "line 12"]


def test_several_shapes_are_several_volumes():
    entry = one(HEAD + X + "DC 1\n" + DIAMOND)
    assert [type(volume.shape) for volume in entry.zone.volumes] == [Circle, Polygon]
    assert "2 shapes" in entry.notes[-1]


def test_old_line_ends_and_tabs():
    text = (HEAD + DIAMOND).replace("\n", "\r").replace("AC ", "AC\t")
    assert one(text).zone.name[0].text == "One"
