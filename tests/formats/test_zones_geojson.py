"""Zones of ED-318 in the wild, plain GeoJSON, facility maps and KML."""

import json

import pytest

from detente.errors import BadInput
from detente.formats.zone_files import ZoneFormat, read_zones
from detente.geo.model import Circle, Corridor, Datum, LatLon
from detente.zones.model import ZoneKind, ZonePeriod, ZoneReason, ZoneRestriction, ZoneText
from tests.formats.zone_data import ROOT, content_of

RING = [[8, 47], [8.1, 47], [8.1, 47.1], [8, 47]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
MANY = {"type": "MultiPolygon", "coordinates": [[RING]] * 150}
EXAMPLES = ROOT / "tests" / "standards" / "ed318" / "examples"


def read(geometry=POLYGON, **properties):
    plain = {"id": "g1", "restriction": "consent", "lower_m": 100, "upper_m": 900, "datum": "AMSL"}
    found = {name: value for name, value in (plain | properties).items() if value != "absent"}
    feature = {"type": "Feature", "properties": found, "geometry": geometry}
    return read_zones("x", json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())


def one(geometry=POLYGON, **properties):
    found = read(geometry, **properties)
    assert found.misses == ()
    return found.zones[0]


def heights(entry):
    part = entry.zone.volumes[0]
    return part.lower_m, part.lower_datum, part.upper_m, part.upper_datum


def test_our_own_properties():
    entry = one(
        name="One",
        country="CHE",
        reason="NATURE",
        message="Mind the birds",
        start="2026-08-01T06:00:00Z",
        end="2026-08-02T06:00:00Z",
    )
    zone = entry.zone
    assert entry.notes == ()
    assert (zone.identifier, zone.restriction, zone.country) == ("g1", ZoneRestriction.CONSENT, "CHE")
    assert (zone.name, zone.message) == ((ZoneText("One"),), (ZoneText("Mind the birds"),))
    assert zone.reasons == (ZoneReason.NATURE,)
    assert zone.schedule == (ZonePeriod(1_785_564_000_000, 1_785_650_400_000),)
    assert heights(entry) == (100, Datum.AMSL, 900, Datum.AMSL)


@pytest.mark.parametrize(
    ("properties", "expected", "notes"),
    [
        ({"lower_datum": "AGL", "lower_m": 0}, (0, Datum.AGL, 900, Datum.AMSL), 0),
        ({"datum": "absent"}, (100, Datum.WGS84, 900, Datum.WGS84), 1),
        ({"datum": "STD"}, (100, Datum.STD, 900, Datum.STD), 0),
        ({"lower_m": "absent", "upper_m": "absent"}, (0, Datum.AGL, None, Datum.AGL), 2),
        ({"lower_m": "absent"}, (0, Datum.AGL, 900, Datum.AMSL), 1),
    ],
)
def test_heights(properties, expected, notes):
    entry = one(**properties)
    assert heights(entry) == expected
    assert len(entry.notes) == notes


def test_shapes_of_every_kind():
    point = {"type": "Point", "coordinates": [8, 47]}
    line = {"type": "LineString", "coordinates": [[8, 47], [9, 47]]}
    assert one(point, radius_m=50).zone.volumes[0].shape == Circle(LatLon(47, 8), 50)
    assert one(line, width_m=50).zone.volumes[0].shape == Corridor((LatLon(47, 8), LatLon(47, 9)), 50)
    several = {"type": "MultiPoint", "coordinates": [[8, 47], [9, 47]]}
    lines = {"type": "MultiLineString", "coordinates": [line["coordinates"]] * 2}
    both = {"type": "GeometryCollection", "geometries": [several, lines, POLYGON]}
    assert len(one(both, radius_m=50, width_m=60).zone.volumes) == 5
    assert len(one({"type": "MultiPolygon", "coordinates": [[RING]] * 3}).zone.volumes) == 3


@pytest.mark.parametrize(
    ("geometry", "word"),
    [
        (None, "geometry"),
        ({"type": "Point", "coordinates": [8, 47]}, "radius"),
        ({"type": "LineString", "coordinates": RING}, "width"),
        ({"type": "MultiPoint", "coordinates": []}, "1 to 200"),
        ({"type": "MultiPolygon", "coordinates": [[RING]] * 201}, "1 to 200"),
        ({"type": "GeometryCollection", "geometries": []}, "1 to 200"),
        ({"type": "GeometryCollection", "geometries": [MANY] * 2}, "at most 200"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be_read_miss_the_zone(geometry, word):
    found = read(geometry)
    assert found.zones == ()
    assert word in found.misses[0].reason


def test_collections_may_not_be_nested_for_ever():
    geometry = POLYGON
    for _ in range(6):
        geometry = {"type": "GeometryCollection", "geometries": [geometry]}
    assert "collections" in read(geometry).misses[0].reason


def test_a_feature_that_is_none_is_missed():
    found = read_zones("x", b'{"features": [{"type": "Fixture", "id": "f"}]}')
    assert (found.misses[0].identifier, "Feature" in found.misses[0].reason) == ("f", True)


def test_facility_map_cells_need_consent_up_to_any_height():
    found = read_zones("faa", content_of("faa-uasfm.json"))
    entry = found.zones[1]
    assert found.format is ZoneFormat.GEOJSON
    assert (entry.zone.identifier, entry.zone.restriction) == ("2", ZoneRestriction.CONSENT)
    assert heights(entry) == (0, Datum.AGL, None, Datum.AGL)
    assert "200 ft above ground" in entry.zone.message[0].text
    assert entry.zone.name == (ZoneText("KLGA LaGuardia Airport", "en"),)
    assert any("CEILING" in note for note in entry.notes)


def test_ed318_in_the_standards_own_shape():
    entry = read_zones("x", (EXAMPLES / "Example_GeoZone_2_Layers.json").read_bytes()).zones[0]
    zone = entry.zone
    assert entry.notes == ()
    assert [(part.lower_m, part.upper_m) for part in zone.volumes] == [(50, 150), (0, 50)]
    assert zone.other_reason[1] == ZoneText("Baleines Volantes 2-ème partie", "fr-BE")
    assert (len(zone.schedule[0].daily), zone.volumes[0].end_ms) == (2, 1_577_807_999_000)
    circle = read_zones("x", (EXAMPLES / "Example_GeoZone_Circle.json").read_bytes()).zones[0].zone
    assert circle.volumes[0].shape == Circle(LatLon(50.122901, 2.636866), 3500)


def test_ed318_as_ireland_publishes_it():
    found = read_zones("ie", content_of("ed318-ie.json"))
    first, second, third, fourth = (entry.zone for entry in found.zones)
    assert first.volumes[0].upper_m == 762
    assert "a hole is closed" in found.zones[0].notes[0]
    assert first.authorities[0].name == (ZoneText("AirNav Ireland"),)
    assert len(second.schedule) == 2
    assert (third.kind, third.conditions) == (ZoneKind.CUSTOMIZED, ("PERMITTED/MAX HEIGHT=YES",))
    assert (fourth.restriction, fourth.volumes[0].upper_m) == (ZoneRestriction.NONE, None)


def placemark(inner):
    return f"<Placemark>{inner}</Placemark>"


def area(text="8,47,100 8.1,47,100 8.1,47.1,200 8,47,100", more=""):
    ring = f"<LinearRing><coordinates>{text}</coordinates></LinearRing>"
    return f"<Polygon>{more}<outerBoundaryIs>{ring}</outerBoundaryIs></Polygon>"


def kml(*inner):
    text = (
        '<?xml version="1.0"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n{}\n</Document></kml>'
    )
    return read_zones("x", text.format("\n".join(inner)).encode())


def test_kml_with_data():
    data = "".join(
        f'<Data name="{name}"><value>{value}</value></Data>'
        for name, value in {"identifier": "K1", "restriction": "prohibited", "lower_m": "0", "upper_m": "90",
                            "datum": "AGL"}.items()
    )  # fmt: skip
    span = "<TimeSpan><begin>2026-08-01</begin></TimeSpan>"
    text = f"<name>One</name><description>Two</description>{span}<ExtendedData>{data}</ExtendedData>{area()}"
    (entry,) = kml(placemark(text)).zones
    assert (entry.line, entry.zone.identifier, entry.zone.name) == (3, "K1", (ZoneText("One"),))
    assert (entry.zone.message, entry.zone.schedule) == ((ZoneText("Two"),), (ZonePeriod(1_785_542_400_000),))
    assert heights(entry) == (0, Datum.AGL, 90, Datum.AGL)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", (0, Datum.AGL, None, Datum.AGL)),
        ("<altitudeMode>clampToGround</altitudeMode>", (0, Datum.AGL, None, Datum.AGL)),
        ("<altitudeMode>absolute</altitudeMode>", (100, Datum.AMSL, 200, Datum.AMSL)),
        ("<altitudeMode>relativeToGround</altitudeMode>", (100, Datum.AGL, 200, Datum.AGL)),
        ("<extrude>1</extrude><altitudeMode>absolute</altitudeMode>", (0, Datum.AGL, 200, Datum.AMSL)),
    ],
)
def test_kml_heights_in_altitudes(more, expected):
    (entry,) = kml(placemark(area(more=more))).zones
    assert heights(entry) == expected
    assert entry.zone.restriction is ZoneRestriction.PROHIBITED
    assert any("taken as prohibited" in note for note in entry.notes)


def test_kml_lines_and_misses():
    comment = "<!-- <Placemark> -->\n<description><![CDATA[<Placemark>]]></description>"
    point = placemark("<name>P</name><Point><coordinates>8,47</coordinates></Point>")
    nothing = placemark("<name>N</name>")
    found = kml(comment, placemark(area()), point, nothing, placemark(area() + area()))
    assert [entry.line for entry in found.zones] == [5]
    assert [(miss.line, miss.identifier) for miss in found.misses] == [(6, "P"), (7, "N"), (8, None)]


def test_kml_that_nests_too_deep_is_refused():
    with pytest.raises(BadInput, match="levels"):
        kml("<Folder>" * 100)
