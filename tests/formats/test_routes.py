"""A file that is sent: completed by its sender's defaults, read by the readers of files, bounded."""

import base64
import io
import json
import zipfile

import httpx
import msgspec
import pytest

from detente.formats.routes import MAX_FILE_BYTES, MAX_PLANS, MAX_TOLD_FAULTS, MAX_UNPACKED_BYTES, routes
from detente.plans.model import PlanBody
from detente.web import make_app
from tests.web.tiny import TokenTable

DEFAULTS = {
    "start": "2026-07-01T10:00:00Z",
    "end": "2026-07-01T11:00:00Z",
    "lower_m": 100,
    "upper_m": 300,
    "datum": "AMSL",
    "radius_m": 500,
    "width_m": 80,
}
RING = [[8, 47], [8.01, 47], [8.01, 47.01], [8, 47]]
KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>Bridge</name>{inner}'
    "<Point><coordinates>8,47{altitude}</coordinates>{mode}</Point></Placemark></kml>"
)
EXTENDED = (
    "<ExtendedData><Data name='lower_m'><value>5</value></Data>"
    "<Data name='upper_m'><value>9</value></Data></ExtendedData>"
)
NO_PLANS = [
    b"",
    b"   ",
    b"[",
    b"{}",
    b'{"type": "Feature"}',
    b"<kml/>",
    b"PK\x03\x04",
    b"\xff\xfe",
    b"<!DOCTYPE a>",
]


def feature(geometry=None, /, **properties):
    geometry = geometry or {"type": "Point", "coordinates": [8, 47]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


@pytest.fixture
async def send():
    async def ready():
        return {}

    app = make_app(routes(), authenticator=TokenTable(), now_ms=lambda: 0, readiness=ready)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://edge", headers={"authorization": "Bearer reader"}
    ) as client:

        async def post(content, defaults=DEFAULTS, **more):
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            body = {"content": base64.b64encode(raw).decode(), "defaults": defaults, **more}
            return await client.post("/v1/files/read", json=body)

        yield post


def plans_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["plans"]


async def test_a_bare_shape_is_completed(send):
    shapes = [
        {"type": "Point", "coordinates": [8, 47]},
        {"type": "LineString", "coordinates": [[8, 47], [8.1, 47]]},
        {"type": "Polygon", "coordinates": [RING]},
    ]
    collection = {"type": "FeatureCollection", "features": [feature(shape) for shape in shapes]}
    plans = plans_of(await send(collection))
    assert [(plan["id"], plan["party"], plan["title"]) for plan in plans] == [
        ("#1", "alpha", ""),
        ("#2", "alpha", ""),
        ("#3", "alpha", ""),
    ]
    volumes = [plan["volumes"][0] for plan in plans]
    assert [volume["shape"]["kind"] for volume in volumes] == ["circle", "corridor", "polygon"]
    assert (volumes[0]["shape"]["radius_m"], volumes[1]["shape"]["width_m"]) == (500, 80)
    for volume in volumes:
        assert (volume["lower_m"], volume["upper_m"], volume["datum"]) == (100, 300, "AMSL")
        assert (volume["start"], volume["end"]) == (DEFAULTS["start"], DEFAULTS["end"])


async def test_what_the_file_says_goes_first(send):
    said = feature(
        id="survey",
        party="bravo",
        title="Survey",
        start="2026-07-02T10:00:00Z",
        end="2026-07-02T11:00:00Z",
        lower_m=0,
        upper_m=50,
        radius_m=10,
    )
    (plan,) = plans_of(await send(said))
    assert (plan["id"], plan["party"], plan["title"]) == ("survey", "bravo", "Survey")
    (volume,) = plan["volumes"]
    assert volume["start"] == "2026-07-02T10:00:00Z"
    # The datum of the defaults belongs to the heights of the defaults, not to those of the file.
    assert (volume["lower_m"], volume["upper_m"], volume["datum"]) == (0, 50, "WGS84")
    assert volume["shape"]["radius_m"] == 10


async def test_a_null_is_not_a_value_and_half_a_height_is_a_fault(send):
    (plan,) = plans_of(await send({**feature(start=None, lower_m=None), "properties": {"start": None}}))
    assert plan["volumes"][0]["start"] == DEFAULTS["start"]
    answer = await send(feature(lower_m=10))
    assert (answer.status_code, answer.json()["field"]) == (400, "upper_m")


@pytest.mark.parametrize(
    ("altitude", "mode", "inner", "heights"),
    [
        ("", "", "", (100, 300, "AMSL")),
        (",900", "<altitudeMode>relativeToGround</altitudeMode>", "", (100, 300, "AMSL")),
        (
            "",
            "",
            EXTENDED,
            (5, 9, "WGS84"),
        ),
    ],
)
async def test_kml_is_completed_too(send, altitude, mode, inner, heights):
    text = KML.format(altitude=altitude, mode=mode, inner=inner)
    (plan,) = plans_of(await send(text.encode()))
    assert plan["title"] == "Bridge"
    (volume,) = plan["volumes"]
    assert (volume["lower_m"], volume["upper_m"], volume["datum"]) == heights


async def test_a_kmz_is_unpacked_and_a_bomb_is_not(send):
    text = KML.format(altitude="", mode="", inner="")
    for spaces, status in ((0, 200), (MAX_UNPACKED_BYTES, 400)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("doc.kml", text + " " * spaces)
        answer = await send(packed.getvalue())
        assert answer.status_code == status, answer.text
    assert answer.json()["field"] == "size"


async def test_without_defaults_a_feature_may_lack_nothing_but_its_party(send):
    answer = await send(feature(), {})
    assert answer.status_code == 400
    named = {fault["field"] for fault in answer.json()["faults"]}
    assert named == {"start", "end", "lower_m", "upper_m", "radius_m"}


@pytest.mark.parametrize("content", NO_PLANS)
async def test_what_is_no_file_of_plans_is_refused_by_name(send, content):
    answer = await send(content, name="notes.txt")
    problem = answer.json()
    assert answer.status_code == 400, answer.text
    assert problem["detail"].startswith("notes.txt: ")
    assert problem["field"]


async def test_faults_are_listed_but_not_without_end(send):
    bad = {"type": "FeatureCollection", "features": [feature(title=7)] * (MAX_TOLD_FAULTS + 50)}
    problem = (await send(bad)).json()
    assert len(problem["faults"]) == MAX_TOLD_FAULTS
    assert {fault["field"] for fault in problem["faults"]} == {"title"}


async def test_limits(send):
    many = {"type": "FeatureCollection", "features": [feature()] * (MAX_PLANS + 1)}
    answer = await send(many)
    assert (answer.status_code, answer.json()["limit"]) == (413, MAX_PLANS)
    one = {"type": "FeatureCollection", "features": [feature(id="one")] * 257}
    answer = await send(one)
    assert (answer.status_code, answer.json()["limit"]) == (413, 256)
    answer = await send(b" " * (MAX_FILE_BYTES + 1))
    assert (answer.status_code, answer.json()["field"]) == (413, "content")


async def test_a_file_without_features_holds_no_plans(send):
    assert plans_of(await send({"type": "FeatureCollection", "features": []})) == []


async def test_what_is_read_can_be_declared(send):
    (plan,) = plans_of(await send(feature(title="Survey")))
    body = msgspec.convert({"volumes": plan["volumes"], "title": plan["title"]}, PlanBody)
    assert body.title == "Survey"
