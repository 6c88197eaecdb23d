"""KML and KMZ become the same plans, or are refused by the same names; hostile documents are bounded."""

import io
import zipfile

import pytest

from detente.formats.faults import FaultyFile
from detente.formats.plans import read_plans
from detente.formats.read import Source, read_files, read_source
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon

RING = "8,47,100 8.01,47,100 8.01,47.01,200 8,47,100"
POLYGON = (
    f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></outerBoundaryIs>"
)
HOLE = f"<innerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></innerBoundaryIs>"
DATA = {
    "id": "K1",
    "party": "red",
    "start": "2026-07-01T10:00:00Z",
    "end": "2026-07-01T11:00:00Z",
    "lower_m": "0",
    "upper_m": "120",
}


def placemark(geometry, inner="", **data):
    values = {**DATA, **data}
    fields = "".join(
        f'<Data name="{name}"><value>{value}</value></Data>'
        for name, value in values.items()
        if value is not None
    )
    return f"<Placemark>{inner}<ExtendedData>{fields}</ExtendedData>{geometry}</Placemark>"


def document(*placemarks):
    return f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(placemarks)}</Document></kml>'


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        path = tmp_path / "plans.kml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_plans(path)

    return from_text


def faults_of(read, text):
    with pytest.raises(FaultyFile) as refused:
        read(text)
    return [(fault.feature, fault.field) for fault in refused.value.faults]


def test_the_three_shapes(read):
    polygon, point, line = read(
        document(
            placemark(POLYGON + "</Polygon>"),
            placemark(
                "<Point><coordinates>8,47</coordinates></Point>", id="K2", radius_m="25.5", datum="AMSL"
            ),
            placemark("<LineString><coordinates>8,47 9,47</coordinates></LineString>", id="K3", width_m="30"),
        )
    )
    assert polygon.body.volumes[0].shape == Polygon((LatLon(47, 8), LatLon(47, 8.01), LatLon(47.01, 8.01)))
    assert (polygon.id, polygon.party, polygon.body.volumes[0].upper_m) == ("K1", "red", 120.0)
    assert point.body.volumes[0].shape == Circle(LatLon(47, 8), 25.5)
    assert point.body.volumes[0].datum is Datum.AMSL
    assert line.body.volumes[0].shape == Corridor((LatLon(47, 8), LatLon(47, 9)), 30.0)


def test_schema_data_time_span_and_own_id(read):
    fields = "".join(
        f'<SimpleData name="{name}">{value}</SimpleData>'
        for name, value in DATA.items()
        if name not in {"id", "start", "end"}
    )
    text = f"""<Placemark id="own"><TimeSpan><begin>{DATA["start"]}</begin><end>{DATA["end"]}</end></TimeSpan>
      <ExtendedData><SchemaData>{fields}</SchemaData></ExtendedData>
      <MultiGeometry>{POLYGON}</Polygon>{POLYGON}</Polygon></MultiGeometry></Placemark>"""
    (plan,) = read(document(text))
    assert plan.id == "own"
    assert len(plan.body.volumes) == 2
    assert plan.body.volumes[0].end.hour == 11


def test_absolute_altitudes_are_above_mean_sea_level(read):
    geometry = POLYGON + "<altitudeMode>absolute</altitudeMode></Polygon>"
    (plan,) = read(document(placemark(geometry, lower_m=None, upper_m=None)))
    volume = plan.body.volumes[0]
    assert (volume.lower_m, volume.upper_m, volume.datum) == (100.0, 200.0, Datum.AMSL)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (placemark(POLYGON + "</Polygon>", lower_m=None, upper_m=None), (1, "lower_m")),
        (
            placemark(
                POLYGON + "<altitudeMode>relativeToGround</altitudeMode></Polygon>",
                lower_m=None,
                upper_m=None,
            ),
            (1, "lower_m"),
        ),
        (
            placemark(
                POLYGON + "<altitudeMode>absolute</altitudeMode></Polygon>",
                lower_m=None,
                upper_m=None,
                datum="STD",
            ),
            (1, "lower_m"),
        ),
        (placemark(POLYGON + "</Polygon>", upper_m=None), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="high"), (1, "upper_m")),
        (placemark("<Point><coordinates>8,47</coordinates></Point>"), (1, "radius_m")),
        (
            placemark("<Point><coordinates>8;47</coordinates></Point>", radius_m="5"),
            (1, "geometry.coordinates"),
        ),
        (
            placemark(f"{POLYGON}{HOLE}</Polygon>"),
            (1, "geometry.coordinates"),
        ),
        (placemark(POLYGON + "</Polygon>", upper_m="1_0"), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="\u0661"), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="1e999"), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="NaN"), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="INF"), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="9" * 30), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", upper_m="9" * 5_000), (1, "upper_m")),
        (placemark(POLYGON + "</Polygon>", end="2026-07-01T14:00:00+0200"), (1, "end")),
        (
            placemark("<Point><coordinates>1_0,47</coordinates></Point>", radius_m="5"),
            (1, "geometry.coordinates[0]"),
        ),
        (placemark("<Model/>"), (1, "geometry.type")),
        (placemark(""), (1, "geometry")),
        (placemark(POLYGON + "</Polygon>", party=None), (1, "party")),
        ("", (None, "Placemark")),
        ("<Placemark>", (None, "XML")),
        ("<Folder>" * 70 + "</Folder>" * 70, (None, "nesting")),
    ],
)
def test_faults(read, text, fault):
    assert faults_of(read, document(text)) == [fault]


@pytest.mark.parametrize(("text", "value"), [("+20", 20), ("1e2", 100), ("020.", 20), (".5", 0.5)])
def test_numbers_as_xml_schema_writes_them(read, text, value):
    (plan,) = read(document(placemark(POLYGON + "</Polygon>", upper_m=text)))
    assert plan.body.volumes[0].upper_m == value


def test_entities_are_refused(read):
    bomb = '<!DOCTYPE k [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + document(placemark("&b;"))
    assert faults_of(read, bomb) == [(None, "XML")]


def test_a_large_document_is_refused():
    text = document(placemark(POLYGON + "</Polygon>") * 9).encode()
    assert len(read_within(text, len(text)).plan_ids) == 1
    with pytest.raises(FaultyFile, match="size"):
        read_within(text, len(text) - 1)


def read_within(content, max_bytes):
    file = io.BufferedReader(io.BytesIO(content))
    return read_source(Source("plans.kml", file, max_kml_bytes=max_bytes)).table


def archive(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in entries:
            packed.writestr(name, text)
    return path


def test_kmz(tmp_path):
    good = document(placemark(POLYGON + "</Polygon>"))
    path = archive(tmp_path / "a.kmz", ("doc.kml", good), ("images/x.png", "x"))
    assert read_files([path]).table.plan_ids == ["K1"]
    for entries in [(), (("a.kml", good), ("b.kml", good)), (("x.txt", good),)]:
        with pytest.raises(FaultyFile, match=r"KMZ|zip"):
            read_files([archive(tmp_path / "b.kmz", ("readme", "x"), *entries)])
    whole = path.read_bytes()
    (tmp_path / "cut.kmz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FaultyFile, match="zip archive"):
        read_files([tmp_path / "cut.kmz"])
    bomb = archive(tmp_path / "bomb.kmz", ("doc.kml", good + " " * 10_000_000))
    with pytest.raises(FaultyFile, match="size"):
        read_within(bomb.read_bytes(), 10_000)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_kmz_with_any_one_byte_wrong_is_read_or_refused(tmp_path, method):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w", method) as packed:
        packed.writestr("doc.kml", document(placemark(POLYGON + "</Polygon>")))
    whole = path.read_bytes()
    refused = 0
    for place in range(4, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read_files([path])
        except FaultyFile as faulty:
            refused += {fault.field for fault in faulty.faults} == {"KMZ"}
    assert refused > len(whole) // 2
