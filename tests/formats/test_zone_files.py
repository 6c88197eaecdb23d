"""Whole files of zones: none of their zones is lost, whatever they are and however they are damaged."""

import gzip
import io
import json
import re
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.errors import BadInput, TooLarge
from detente.formats.zone_files import ZoneFormat, read_zones
from detente.formats.zone_reading import MAX_FILE_BYTES, MAX_ZONES
from detente.zones.model import ZoneRestriction
from tests.formats.zone_data import ROOT, content_of, plain_of

OPENAIR = b"AC R\nAN One\nAL GND\nAH FL95\nV X=47:00:00 N 008:00:00 E\nDC 5\n"
RING = [[8, 47], [8.1, 47], [8.1, 47.1], [8, 47]]
ED269 = {
    "identifier": "LU-P-1",
    "country": "LUX",
    "type": "COMMON",
    "restriction": "PROHIBITED",
    "geometry": [
        {
            "uomDimensions": "M",
            "lowerLimit": 0,
            "lowerVerticalReference": "AGL",
            "upperLimit": 120,
            "upperVerticalReference": "AGL",
            "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
        }
    ],
}
GEOJSON = {
    "type": "Feature",
    "properties": {"id": "g1", "restriction": "prohibited", "lower_m": 0, "upper_m": 90, "datum": "AMSL"},
    "geometry": {"type": "Polygon", "coordinates": [RING]},
}
KML = (
    b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>A</name>'
    b"<Polygon><outerBoundaryIs><LinearRing><coordinates>8,47 8.1,47 8.1,47.1 8,47</coordinates>"
    b"</LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
)


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def counted_in(name, content):
    """Count the zones of a file by other means than reading it."""
    if name.startswith("openair"):
        return len(re.findall(rb"(?m)^AC\b", content))
    return len(json.loads(content.decode("utf-8-sig"))["features"])


REAL = {
    "ed269-lu.json": (ZoneFormat.ED269, 0),
    "ed269-fi.json": (ZoneFormat.ED269, 0),
    "ed269-ch.json": (ZoneFormat.ED269, 0),
    "ed318-ie.json": (ZoneFormat.ED318, 0),
    "faa-uasfm.json": (ZoneFormat.GEOJSON, 0),
    "dronezoner-dk.json": (ZoneFormat.GEOJSON, 6),
    "openair-de.txt": (ZoneFormat.OPENAIR, 2),
    "openair-ch.txt": (ZoneFormat.OPENAIR, 19),
    "openair-fr.txt.gz": (ZoneFormat.OPENAIR, 3),
}


@pytest.mark.parametrize("name", REAL)
def test_every_zone_of_a_published_file_is_read_or_missed_by_line(name):
    read = read_zones(name, content_of(name))
    content = plain_of(name)
    format_, misses = REAL[name]
    assert read.format is format_
    assert len(read.zones) + len(read.misses) == counted_in(name, content)
    assert len(read.misses) == misses
    lines = [*(entry.line for entry in read.zones), *(entry.line for entry in read.misses)]
    assert len(set(lines)) == len(lines)
    begins = rb"AC\b" if format_ is ZoneFormat.OPENAIR else rb"\s*\{"
    text = content.splitlines()
    assert all(re.match(begins, text[line - 1]) for line in lines)
    identifiers = [entry.zone.identifier for entry in read.zones]
    assert len(set(identifiers)) == len(identifiers)
    assert all(miss.reason for miss in read.misses)


def test_what_it_is_is_seen_from_how_it_begins():
    assert read_zones("x.kml", OPENAIR).format is ZoneFormat.OPENAIR
    assert read_zones("x.txt", collection(ED269)).format is ZoneFormat.ED269
    assert read_zones("x", collection(GEOJSON)).format is ZoneFormat.GEOJSON
    assert read_zones("x", json.dumps(GEOJSON).encode()).format is ZoneFormat.GEOJSON
    assert read_zones("x", json.dumps([ED269]).encode()).format is ZoneFormat.ED269
    assert read_zones("x", json.dumps({"UASZoneList": [ED269]}).encode()).format is ZoneFormat.ED269
    assert read_zones("x.json", KML).format is ZoneFormat.KML


@pytest.mark.parametrize("content", [OPENAIR, collection(ED269), KML])
def test_marks_and_packing_change_nothing_but_are_told(content):
    plain = read_zones("x", content)
    assert read_zones("x", b"\xef\xbb\xbf" + content).zones == plain.zones
    packed = read_zones("x", gzip.compress(content))
    assert (packed.zones, packed.notes) == (plain.zones, ("unpacked from gzip",))


def test_kmz_is_unpacked():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("doc.kml", KML)
    assert len(read_zones("x", archive.getvalue()).zones) == 1


def test_openair_that_is_not_utf8_is_read_as_western_and_told():
    read = read_zones("x", OPENAIR.replace(b"One", b"M\xfcnchen \x96 S\xfcd"))
    assert read.zones[0].zone.name[0].text == "München \N{EN DASH} Süd"
    assert "not UTF-8" in read.notes[0]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "content"),
        (b" \n\n", "content"),
        (b"\xef\xbb\xbf", "content"),
        (b"hello", "content"),
        (b"*only comments\n", "content"),
        (b"\x00\x01\x02AC R\nAC R", "content"),
        ("AC R\n".encode("utf-16"), "encoding"),
        (b"<html></html>", "content"),
        (b"<AIXMBasicMessage/>", "content"),
        (b"<kml><Document></Document></kml>", "content"),
        (b"<kml><Placemark>", "XML"),
        (b'<!DOCTYPE kml [<!ENTITY a "b">]><kml/>', "XML"),
        (KML.decode().encode("utf-16"), "encoding"),
        (b"{}", "features"),
        (b"[]", "content"),
        (b'{"features": []}', "content"),
        (b'{"features": [], "features": []}', "features"),
        (b'{"features": [1]}', "features"),
        (b'{"features": [{}', "features"),
        (collection(ED269) + b"x", "JSON"),
        (b'{"features": ' + b"[" * 100_000, "features"),
        (b'{"features": [' + b'{"a":' * 100_000, "nesting"),
        (gzip.compress(OPENAIR)[:-9], "gzip"),
        (gzip.compress(gzip.compress(OPENAIR)), "content"),
        (b"PK\x03\x04", "KMZ"),
    ],
)
def test_what_is_no_file_of_zones_is_refused_by_name(content, field):
    with pytest.raises(BadInput) as refused:
        read_zones("x", content)
    assert refused.value.members["field"] == field
    assert refused.value.members["expected"]
    assert refused.value.members["actual"]


MANY = MAX_ZONES + 1


@pytest.mark.parametrize(
    "content",
    [
        b" " * (MAX_FILE_BYTES + 1),
        gzip.compress(b" " * (MAX_FILE_BYTES + 1), 1),
        b'{"features": [' + b",".join([b"{}"] * 1_000_000) + b"]}",
        b"AC R\n" * 1_000_000,
        b"<kml>" + b"<Placemark/>" * MANY + b"</kml>",
    ],
    ids=["bytes", "packed bytes", "a million features", "a million lines", "placemarks"],
)
def test_what_is_too_large_is_refused_by_its_limit(content):
    with pytest.raises(TooLarge) as refused:
        read_zones("x", content)
    assert refused.value.members["limit"] in {MAX_FILE_BYTES, MAX_ZONES}


@pytest.mark.parametrize("blank", [b" ", b"\n", b"*", b"*\n", b"\x00", b"A", b"[", b"{", b"<", b"8,47 "])
def test_a_large_file_of_nothing_is_refused(blank):
    with pytest.raises(BadInput):
        read_zones("x", blank * (MAX_FILE_BYTES // len(blank)))


def test_a_zone_with_too_much_text_is_missed_alone():
    large = {**ED269, "message": "x" * (9 << 20)}
    read = read_zones("x", collection(large, ED269))
    assert (len(read.zones), [miss.line for miss in read.misses]) == (1, [1])
    assert "8 MiB" in read.misses[0].reason


def test_a_zone_that_cannot_be_read_is_missed_alone_with_its_line():
    bad = '{"identifier": "B", "restriction": 5}'
    good = json.dumps({**ED269, "identifier": "C"})
    text = f'{{"features": [\n{json.dumps(ED269)},\n{bad},\n{good}]}}'
    read = read_zones("x", text.encode())
    assert [(entry.line, entry.zone.identifier) for entry in read.zones] == [(2, "LU-P-1"), (4, "C")]
    assert [(miss.line, miss.identifier) for miss in read.misses] == [(3, "B")]


def test_zones_of_one_identifier_are_told_apart():
    taken = {**ED269, "identifier": "LU-P-1~2"}
    read = read_zones("x", collection(ED269, ED269, taken, {**ED269, "country": "FRA"}, ED269))
    found = [(entry.zone.country, entry.zone.identifier) for entry in read.zones]
    assert found == [
        ("LUX", "LU-P-1"),
        ("LUX", "LU-P-1~3"),
        ("LUX", "LU-P-1~2"),
        ("FRA", "LU-P-1"),
        ("LUX", "LU-P-1~4"),
    ]
    assert "line 1" in read.zones[1].notes[-1]


def test_what_the_file_says_of_itself_is_kept_as_a_note():
    text = {"metadata": {"validTo": "2026-01-01T00:00:00Z"}, "features": [ED269]}
    assert read_zones("x", json.dumps(text).encode()).notes == (
        'the file says validTo: "2026-01-01T00:00:00Z"',
    )


def test_a_zone_without_a_rule_is_prohibited():
    unruled = {key: value for key, value in ED269.items() if key != "restriction"}
    (entry,) = read_zones("x", collection({**unruled, "applicability": []})).zones
    assert entry.zone.restriction is ZoneRestriction.PROHIBITED
    assert "restriction is nothing; taken as prohibited" in entry.notes


SEEDS = [OPENAIR, collection(ED269), collection(GEOJSON), KML, gzip.compress(OPENAIR)]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


def read_or_refused(content):
    try:
        read = read_zones("x", content)
    except BadInput:
        return
    assert read.zones or read.misses


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_do_more_than_be_refused(content):
    for begin in (b"", b"{", b"<", b"AC R\n", b"\x1f\x8b", b"PK\x03\x04", b'{"features":[{'):
        read_or_refused(begin + content)


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=400, deadline=None)
def test_no_damage_does_more_than_be_refused(seed, data):
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=4))
        if not content:
            break
    read_or_refused(bytes(content))


def places_in(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places_in(inner, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


EXAMPLES = ROOT / "tests" / "standards" / "ed318" / "examples"
FULL = json.loads((EXAMPLES / "Example_GeoZone_2_Layers.json").read_text())


@given(st.sampled_from([ED269, GEOJSON, FULL["features"][0]]), st.data(), JSON_VALUES)
@example(ED269, None, None)
@settings(max_examples=600, deadline=None)
def test_no_value_anywhere_does_more_than_miss_its_zone(feature, data, value):
    path = data.draw(st.sampled_from(list(places_in(feature)))) if data else ()
    text = json.dumps({"features": [changed(feature, path, value), ED269]}, allow_nan=True)
    read_or_refused(text.encode("utf-8", "surrogatepass"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["AC", "AN", "AL", "AH", "V", "DP", "DA", "DB", "DC", "DY", "AA", "AY", "TO"]),
            st.one_of(
                st.text(max_size=20),
                st.sampled_from(
                    [
                        "X=47:00:00 N 008:00:00 E",
                        "D=-",
                        "W=5",
                        "47:00:00 N 008:00:00 E",
                        "47:30:00 N 008:00:00 E",
                        "89:59:00 S 180:00:00 W",
                        "5,0,90",
                        "500,90,0",
                        "0,0,0",
                        "47:00:00 N 008:30:00 E,47:30:00 N 008:00:00 E",
                        "5",
                        "nan",
                        "inf",
                        "1e9",
                        "GND",
                        "FL95",
                        "NONE/2026-01-01T00:00Z",
                    ]
                ),
            ),
        ),
        max_size=12,
    )
)
@settings(max_examples=600, deadline=None)
def test_no_lines_do_more_than_miss_their_zone(lines):
    joined = "\n".join(["AC R", *(f"{tag} {value}" for tag, value in lines)]).replace("\0", "")
    content = joined.encode("utf-8", "surrogatepass")
    read = read_zones("x", content)
    text = re.split(r"\r\n?|\n", content.decode("utf-8", "replace"))
    begun = sum(
        line.strip(" \t\ufeff\x1a\x00").replace("\t", " ").split(" ")[0].upper() == "AC" for line in text
    )
    assert len(read.zones) + len(read.misses) == begun
