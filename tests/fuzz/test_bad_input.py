"""The bad inputs that the issue names: a problem that names the field, and nothing changed."""

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

pytestmark = [pytest.mark.pg, pytest.mark.slow]
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
GOOD = {
    "volumes": [
        {
            "shape": {"kind": "circle", "center": {"lat_deg": 47.0, "lon_deg": 8.0}, "radius_m": 500.0},
            "lower_m": 100.0,
            "upper_m": 200.0,
            "start": START.isoformat(),
            "end": (START + timedelta(minutes=30)).isoformat(),
        }
    ]
}
VOLUME = ("volumes", 0)


def with_(value, *path):
    """The good body with one member changed, as bytes."""
    body = copy.deepcopy(GOOD)
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(body).encode()


def without(*path):
    body = copy.deepcopy(GOOD)
    at = body
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return json.dumps(body).encode()


def polygon(corners):
    return {
        "kind": "polygon",
        "vertices": [{"lat_deg": 47 + i / 1e6, "lon_deg": 8 + (i * i) / 1e10} for i in range(corners)],
    }


GOOD_BYTES = json.dumps(GOOD).encode()
BAD = {
    "a number as text": (with_("100", *VOLUME, "lower_m"), 400, "volumes[0].lower_m"),
    "a text as number": (with_(7, "title"), 400, "title"),
    "a list as object": (with_([], *VOLUME, "shape"), 400, "volumes[0].shape"),
    "a boolean as number": (with_(True, "priority"), 400, "priority"),
    "null as number": (with_(None, *VOLUME, "upper_m"), 400, "volumes[0].upper_m"),
    "null as body": (b"null", 400, ""),
    "a list as body": (b"[]", 400, ""),
    "no volumes": (with_([], "volumes"), 400, "volumes"),
    "257 volumes": (with_(GOOD["volumes"] * 257, "volumes"), 400, "volumes"),
    "NaN": (with_(float("nan"), *VOLUME, "lower_m"), 400, ""),
    "infinity": (with_(float("inf"), *VOLUME, "lower_m"), 400, ""),
    "minus infinity": (with_(float("-inf"), *VOLUME, "shape", "radius_m"), 400, ""),
    "a number beyond floats": (
        GOOD_BYTES.replace(b"500.0", b"1e999"), 400, "volumes[0].shape.radius_m",
    ),
    "a priority beyond 64 bits": (with_(10**30, "priority"), 400, "priority"),
    "10,001 vertices": (with_(polygon(10_001), *VOLUME, "shape"), 413, "volumes[0].shape.vertices"),
    "5 MB": (with_("x" * 5_000_000, "remarks"), 413, ""),
    "deep nesting": (b'{"volumes":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, None),
    "deep nesting in what is unknown": (
        GOOD_BYTES[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, None,
    ),
    "broken UTF-8": (with_("TITLE", "title").replace(b"TITLE", b"\xff\xfe"), 400, ""),
    "half a surrogate": (with_("TITLE", "title").replace(b"TITLE", b"\\ud800"), 400, None),
    "NUL": (with_("TITLE", "title").replace(b"TITLE", b"\\u0000"), 400, None),
    "times reversed": (
        with_((START - timedelta(hours=1)).isoformat(), *VOLUME, "end"), 400, "volumes[0].end",
    ),
    "year 9999": (with_("9999-12-31T23:59:59Z", *VOLUME, "end"), 400, "volumes[0].end"),
    "year 9999 throughout": (
        GOOD_BYTES.replace(b"%d-" % START.year, b"9999-"), 400, "volumes[0].end",
    ),
    "year 10000": (with_("10000-01-01T00:00:00Z", *VOLUME, "end"), 400, "volumes[0].end"),
    "year 1": (with_("0001-01-01T00:00:00+14:00", *VOLUME, "start"), 400, "volumes[0].end"),
    "a time without a zone": (with_("2027-01-01T00:00:00", *VOLUME, "start"), 400, "volumes[0].start"),
    "a time that is none": (with_("2027-02-30T00:00:00Z", *VOLUME, "start"), 400, "volumes[0].start"),
    "an unknown member": (with_("Igor", "pilot"), 400, "pilot"),
    "an unknown member within": (with_(1, *VOLUME, "shape", "target"), 400, "volumes[0].shape.target"),
    "a member twice": (GOOD_BYTES[:-1] + b',"title":"a","title":"b"}', 400, "title"),
    "a missing member": (without(*VOLUME, "upper_m"), 400, "volumes[0].upper_m"),
    "an unknown kind": (with_("hexagon", *VOLUME, "shape", "kind"), 400, "volumes[0].shape.kind"),
    "an unknown datum": (with_("QNH", *VOLUME, "datum"), 400, "volumes[0].datum"),
    "above unknown ground": (with_("AGL", *VOLUME, "datum"), 400, "volumes[0].datum"),
    "a latitude beyond the pole": (
        with_(90.5, *VOLUME, "shape", "center", "lat_deg"), 400, "volumes[0].shape.center.lat_deg",
    ),
    "heights reversed": (with_(50.0, *VOLUME, "upper_m"), 400, "volumes[0].upper_m"),
    "a long title": (with_("x" * 201, "title"), 400, "title"),
    "a priority over the limit": (with_(51, "priority"), 403, "priority"),
    "nothing": (b"", 400, ""),
    "half": (GOOD_BYTES[:100], 400, ""),
    "something else": (b"%PDF-1.7", 400, ""),
}  # fmt: skip


def put(served, content, **headers):
    plan_id = uuid.uuid4()
    return httpx.put(
        f"{served.url}/v1/plans/{plan_id}",
        content=content,
        headers={
            **served.headers("/plans"),
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        timeout=60,
    )


def written(served):
    with psycopg.connect(served.dsn) as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM statement), (SELECT count(*) FROM plan)"
        ).fetchone()


def check_problem(answer, status, field):
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(problem)
    assert len(answer.content) < 2_000
    if field is not None:
        assert problem.get("field") == field, problem


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_field_and_changes_nothing(served, name):
    content, status, field = BAD[name]
    before = written(served)
    check_problem(put(served, content), status, field)
    assert written(served) == before


def test_the_good_body_is_good(served):
    before = written(served)
    assert put(served, GOOD_BYTES).status_code == 201
    assert written(served) == (before[0] + 1, before[1] + 1)


HEADERS = {
    "text": ({"content_type": "text/plain"}, 415, "content-type"),
    "latin 1": ({"content_type": "application/json; charset=latin-1"}, 415, "content-type"),
    "compressed": ({"content_encoding": "gzip"}, 415, "content-encoding"),
    "no version": ({"if_match": "*"}, 400, "If-Match"),
    "a weak version": ({"if_match": 'W/"1"'}, 400, "If-Match"),
    "version 0": ({"if_match": '"0"'}, 400, "If-Match"),
    "a version beyond 31 bits": ({"if_match": '"2147483648"'}, 400, "If-Match"),
    "a version that nothing can follow": ({"if_match": '"2147483647"'}, 400, "If-Match"),
    "an empty key": ({"idempotency_key": ""}, 400, "Idempotency-Key"),
    "a long key": ({"idempotency_key": "k" * 256}, 400, "Idempotency-Key"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_bad_headers_are_refused_by_name(served, name):
    headers, status, field = HEADERS[name]
    before = written(served)
    check_problem(put(served, GOOD_BYTES, **headers), status, field)
    assert written(served) == before


@pytest.mark.parametrize("plan_id", ["x", "0", "00000000000000000000000000000000", "{%7d", "%00", "a" * 300])
def test_an_id_that_is_no_uuid_is_refused(served, plan_id):
    for path in (f"/v1/plans/{plan_id}", f"/v1/plans/{plan_id}/history"):
        answer = httpx.get(f"{served.url}{path}", headers=served.headers(path), timeout=60)
        check_problem(answer, 400, "plan_id")
