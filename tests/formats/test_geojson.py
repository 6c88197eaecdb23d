"""Files of plans are read whole or refused with every fault named."""

import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.formats import json_spans
from detente.formats.faults import FaultyFile
from detente.formats.features import explain
from detente.formats.plans import plans_to_geojson, read_plans
from detente.formats.read import read_files
from detente.geo.limits import MAX_INSTANT_MS
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon
from detente.geo.solid import prepare

SQUARE = [[8.0, 47.0], [8.01, 47.0], [8.01, 47.01], [8.0, 47.01], [8.0, 47.0]]


def feature(number=1, geometry=None, **properties):
    members = {
        "id": f"P{number}",
        "party": "red",
        "start": "2026-07-01T10:00:00Z",
        "end": "2026-07-01T11:00:00Z",
        "lower_m": 0,
        "upper_m": 120.5,
        **properties,
    }
    members = {name: value for name, value in members.items() if value is not ...}
    return {
        "type": "Feature",
        "properties": members,
        "geometry": geometry or {"type": "Polygon", "coordinates": [SQUARE]},
    }


def point(lon=8.0, lat=47.0):
    return {"type": "Point", "coordinates": [lon, lat]}


def collection(*features, **members):
    return {"type": "FeatureCollection", **members, "features": list(features)}


def write(path, content):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(data)
    return path


@pytest.fixture
def read(tmp_path):
    return lambda content: read_files([write(tmp_path / "plans.geojson", content)]).table


def faults_of(read, content):
    with pytest.raises(FaultyFile) as refused:
        read(content)
    return [(fault.feature, fault.id, fault.field) for fault in refused.value.faults]


def test_the_three_shapes_and_their_columns(tmp_path):
    line = {"type": "LineString", "coordinates": [[8.0, 47.0, 500.0], [8.1, 47.1, 600.0]]}
    path = write(
        tmp_path / "a.json",
        collection(
            feature(1),
            feature(2, point(), radius_m=300, datum="AMSL"),
            feature(3, line, width_m=50.0, datum="STD", start="2026-07-01T12:00:00.250+02:00"),
        ),
    )
    one, two, three = read_plans(path)
    assert one.body.volumes[0].shape == Polygon(tuple(LatLon(lat, lon) for lon, lat in SQUARE[:-1]))
    assert (one.id, one.party, one.body.volumes[0].upper_m) == ("P1", "red", 120.5)
    assert two.body.volumes[0].shape == Circle(LatLon(47.0, 8.0), 300.0)
    assert two.body.volumes[0].datum is Datum.AMSL
    assert three.body.volumes[0].shape == Corridor((LatLon(47.0, 8.0), LatLon(47.1, 8.1)), 50.0)
    assert three.body.volumes[0].start.isoformat() == "2026-07-01T10:00:00.250000+00:00"


def test_features_of_one_id_and_multi_geometries_are_one_plan(read):
    several = {
        "type": "GeometryCollection",
        "geometries": [
            {"type": "MultiPoint", "coordinates": [[8, 47], [9, 47]]},
            {"type": "MultiLineString", "coordinates": [[[8, 47], [9, 47]]]},
            {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        ],
    }
    table = read(collection(feature(7, several, radius_m=5, width_m=5), feature(7), feature(8)))
    assert table.plan_ids == ["P7", "P8"]
    assert table.columns.plan.tolist() == [0, 0, 0, 0, 0, 1]
    assert table.feature.tolist() == [1, 1, 1, 1, 2, 3]


@pytest.mark.parametrize(
    "content",
    [
        feature(1),
        collection(feature(1)),
        b"\xef\xbb\xbf" + json.dumps(collection(feature(1))).encode(),
        json.dumps(collection(feature(1)), indent=2).encode(),
        {
            "features": [feature(1)],
            "name": "x]}",
            "crs": {"a": [1, {"b": '\\"]'}]},
            "type": "FeatureCollection",
        },
        b"\x1e" + json.dumps(feature(1)).encode() + b"\n",
        feature(1, extra={"deep": [1, 2, {"x": '}"{'}]}, more="\u00e9\\"),
    ],
    ids=["feature", "collection", "bom", "indented", "foreign members", "rs", "extra properties"],
)
def test_forms_of_one_plan(read, content):
    assert read(content).plan_ids == ["P1"]


@pytest.mark.parametrize("mark", [b"", b"\x1e"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
def test_sequences(read, mark, end):
    texts = [feature(1), collection(feature(2), feature(3)), feature(4)]
    content = b"".join(mark + json.dumps(text, indent=1 if mark else None).encode() + end for text in texts)
    table = read(content)
    assert table.plan_ids == ["P1", "P2", "P3", "P4"]
    assert table.feature.tolist() == [1, 2, 3, 4]


def test_the_features_own_id_and_integers(read):
    own = {**feature(1, id=...), "id": 17}
    assert read(collection(own)).plan_ids == ["17"]
    assert faults_of(read, collection(feature(1, id=...))) == [(1, None, "id")]


def zigzag(leg_m, turns):
    """A path of that many legs there and back, somewhat longer than the product."""
    east = leg_m / 111_320
    return {
        "type": "LineString",
        "coordinates": [[(turn % 2) * east, 1e-5 * turn] for turn in range(turns + 1)],
    }


BAD = {
    "no party": (feature(party=...), "party"),
    "empty party": (feature(party=""), "party"),
    "no start": (feature(start=...), "start"),
    "no zone": (feature(start="2026-07-01T10:00:00"), "start"),
    "no time": (feature(end="2026-07-01"), "end"),
    "leap second": (feature(end="2026-07-01T10:59:60Z"), "end"),
    "a number for a time": (feature(start=17), "start"),
    "reversed": (feature(start="2026-07-01T12:00:00Z"), "end"),
    "no duration": (feature(end="2026-07-01T10:00:00Z"), "end"),
    "rounded past the year 9999": (feature(end="9999-12-31T23:59:59.9999Z"), "end"),
    "past the year 9999 in UTC": (feature(end="9999-12-31T23:59:59-14:00"), "end"),
    "an offset without a colon": (feature(end="2026-07-01T14:00:00+0200"), "end"),
    "a fraction, then an offset without a colon": (feature(start="2026-07-01T08:00:00.25-0100"), "start"),
    "no number": (feature(lower_m=math.nan), "lower_m"),
    "an endless number": (feature(upper_m=math.inf), "upper_m"),
    "an endless number elsewhere": (feature(more=[1, {"x": -math.inf}]), "more[1].x"),
    "an endless longitude": (feature(1, point(math.inf), radius_m=3), "geometry.coordinates[0]"),
    "text for a height": (feature(lower_m="0"), "lower_m"),
    "true for a height": (feature(lower_m=True), "lower_m"),
    "no height": (feature(upper_m=0), "upper_m"),
    "too high": (feature(upper_m=100_001), "upper_m"),
    "datum": (feature(datum="AGL"), "datum"),
    "datum null": (feature(datum=None), "datum"),
    "no radius": (feature(1, point()), "radius_m"),
    "negative radius": (feature(1, point(), radius_m=-1), "radius_m"),
    "no width": (feature(1, {"type": "LineString", "coordinates": [[8, 47], [9, 47]]}), "width_m"),
    "short line": (
        feature(1, {"type": "LineString", "coordinates": [[8, 47]]}, width_m=3),
        "geometry.coordinates",
    ),
    "longitude": (feature(1, point(180.5), radius_m=3), "geometry.coordinates[0]"),
    "latitude": (feature(1, point(8, 90.5), radius_m=3), "geometry.coordinates[1]"),
    "one number": (feature(1, {"type": "Point", "coordinates": [8]}, radius_m=3), "geometry.coordinates"),
    "hole": (feature(1, {"type": "Polygon", "coordinates": [SQUARE, SQUARE]}), "geometry.coordinates"),
    "open ring": (
        feature(1, {"type": "Polygon", "coordinates": [[*SQUARE[:-1], [8, 48]]]}),
        "geometry.coordinates[0]",
    ),
    "short ring": (feature(1, {"type": "Polygon", "coordinates": [SQUARE[:3]]}), "geometry.coordinates[0]"),
    "unknown geometry": (feature(1, {"type": "Curve", "coordinates": []}), "geometry.type"),
    "empty multi": (feature(1, {"type": "MultiPolygon", "coordinates": []}), "geometry.coordinates"),
    "empty collection": (feature(1, {"type": "GeometryCollection", "geometries": []}), "geometry.geometries"),
    "self-crossing": (
        feature(1, {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}),
        "geometry",
    ),
    "long line": (feature(1, zigzag(250_000.0, 220), width_m=100), "geometry"),
    "long line of many short legs": (feature(1, zigzag(6_000.0, 9_000), width_m=100), "geometry"),
    "not a feature": ({"type": "Thing"}, "type"),
    "null geometry": ({**feature(), "geometry": None}, "geometry"),
    "null properties": ({**feature(), "properties": None}, "properties"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_fault_is_named_and_the_rest_is_read_on(read, name):
    bad, field = BAD[name]
    found = faults_of(read, collection(feature(5), bad, feature(6), feature(7, lower_m="x")))
    assert (found[0][0], found[0][2]) == (2, field)
    assert found[-1] == (4, "P7", "lower_m")


def test_all_faults_of_one_feature(read):
    bad = feature(1, point(), party=7, start="now", upper_m=-5)
    assert [field for _, _, field in faults_of(read, collection(bad))] == [
        "party",
        "start",
        "upper_m",
        "radius_m",
    ]


def test_the_last_instant_and_the_longest_line(read):
    longest = feature(2, zigzag(6_000.0, 8_300), width_m=100)
    table = read(collection(feature(1, end="9999-12-31T23:59:59.9994Z"), longest))
    assert table.columns.end_ms[0] == MAX_INSTANT_MS
    assert all(prepare(table.columns.volume_at(index)) for index in (0, 1))


def test_one_id_of_two_parties(read, tmp_path):
    assert faults_of(read, collection(feature(1), feature(2), feature(1, party="blue"))) == [
        (3, "P1", "party")
    ]
    paths = [write(tmp_path / name, feature(1, party=name)) for name in ("red", "blue")]
    with pytest.raises(FaultyFile, match="red"):
        read_files(paths)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "file"),
        (b"  \n", "file"),
        (b"{}", "type"),
        (b"[1]", "JSON"),
        (b'{"type":"FeatureCollection","crs":NaN,"features":[]}', "crs"),
        (b'{"type":"FeatureCollection","a":{"b":[yes]},"features":[]}', "a"),
        (b'{"type":"Wrong","features":[' + json.dumps(feature()).encode() + b"]}", "type"),
        (json.dumps(collection(feature())).encode()[:-1], "JSON"),
        (json.dumps(collection(feature())).encode()[:-5], "features"),
        (json.dumps(collection(feature())).encode() + b"garbage", "JSON"),
        (b'{"type":"FeatureCollection","features":[1]}', "features"),
        (b'{"type":"FeatureCollection","features":[{} {}]}', "JSON"),
        (b'{"type":"Feature","properties":' + b"[" * 100 + b"]" * 100 + b"}", "nesting"),
        (json.dumps(feature()).encode().replace(b"red", b"\xff"), "encoding"),
        (json.dumps(feature()).encode("utf-16"), "encoding"),
        (json.dumps(feature()).encode().replace(b"120.5", b"+1"), "JSON"),
    ],
)
def test_files_that_are_no_geojson(read, content, field):
    assert field in [found for _, _, found in faults_of(read, content)]


@pytest.mark.parametrize("text", [b"NaN", b"-Infinity", b"1e999", b"-1e999"])
def test_a_number_without_an_end_is_named_once(read, text):
    content = json.dumps(collection(feature(3))).encode().replace(b"120.5", text)
    assert faults_of(read, content) == [(1, "P3", "upper_m")]


@pytest.mark.parametrize("text", ["10:00:00+0200", "2026-07-01T10:00:00+0200", "x-0001"])
def test_an_offset_without_a_colon_may_stand_elsewhere(read, text):
    assert read(collection(feature(1, title=text), feature(2))).plan_ids == ["P1", "P2"]


@pytest.mark.parametrize("content", [collection(), collection(name="none")])
def test_a_collection_without_features_holds_no_plans(read, content):
    assert len(read(content)) == 0
    assert len(read(f"{json.dumps(content)}\n{json.dumps(content)}".encode())) == 0


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.geojson", tmp_path):
        with pytest.raises(FaultyFile, match="a file that can be read"):
            read_files([path])


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(st.text(alphabet='ab"\\{}[],: \n\u00e9\x1e', max_size=12), min_size=1, max_size=8),
    piece=st.integers(1, 400),
    as_sequence=st.booleans(),
)
def test_pieces_of_any_length_give_the_same_features(tmp_path_factory, texts, piece, as_sequence):
    features = [feature(number, text=text, **{text: text}) for number, text in enumerate(texts)]
    if as_sequence:
        content = "\n".join(json.dumps(one, ensure_ascii=False) for one in features)
    else:
        content = json.dumps(collection(*features, note=texts[0]), ensure_ascii=False)
    path = write(tmp_path_factory.mktemp("p") / "f", content.encode())
    before, json_spans.CHUNK_BYTES = json_spans.CHUNK_BYTES, piece
    try:
        table = read_files([path]).table
    finally:
        json_spans.CHUNK_BYTES = before
    assert table.plan_ids == [f"P{number}" for number in range(len(texts))]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_PATHS = [
    ("properties", name)
    for name in ("id", "party", "start", "end", "lower_m", "upper_m", "datum", "radius_m")
]
_PATHS += [
    ("geometry", "type"),
    ("geometry", "coordinates"),
    ("properties",),
    ("geometry",),
    ("type",),
    ("id",),
]


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(_PATHS), value=_JSON, base=st.sampled_from(["ring", "point"]))
def test_the_fast_and_the_slow_reader_agree(tmp_path_factory, path, value, base):
    one = feature(1) if base == "ring" else feature(1, point(), radius_m=10.0)
    target = one
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    file = write(tmp_path_factory.mktemp("p") / "f", collection(one))
    slow = explain(json.dumps(one).encode(), str(file), 1)
    faults = []
    try:
        read_files([file])
    except FaultyFile as refused:
        faults = refused.faults
    assert all(fault.field != "feature" for fault in faults), f"{path} {value!r} refused without a reason"
    # A shape without an inside is found later, in columns, and only where all else is well.
    is_shape = not slow and {fault.field for fault in faults} == {"geometry"}
    assert is_shape or faults == slow


def test_views_are_written_as_they_are_read(tmp_path):
    from datetime import UTC, datetime  # noqa: PLC0415 - used here only

    from detente.plans.model import PlanState, PlanView, Sharing  # noqa: PLC0415 - used here only

    path = write(
        tmp_path / "a.json",
        collection(feature(1), feature(2, point(), radius_m=300, datum="AMSL")),
    )
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    plans = read_plans(path)
    views = [
        PlanView(
            plan_id=plan.id,
            party_id=plan.party,
            state=PlanState.ACCEPTED,
            version=1,
            priority=0,
            sharing=Sharing.FULL,
            start=moment,
            end=moment,
            volumes=plan.body.volumes,
            title="t",
            remarks=None,
            ovn=None,
            changed=moment,
            is_mine=False,
        )
        for plan in plans
    ]
    assert read_plans(write(tmp_path / "b.json", plans_to_geojson(views))) == [
        msgspec.structs.replace(plan, body=msgspec.structs.replace(plan.body, title="t")) for plan in plans
    ]
    assert math.isclose(plans[0].body.volumes[0].upper_m, 120.5)
