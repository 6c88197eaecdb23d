"""What comes in is checked in order and refused by name; what goes out carries its headers."""

import json

import httpx
import pytest
import structlog.testing

from detente.web import Limits
from detente.web.metrics import Metrics
from detente.web.problems import error_classes
from tests.web import tiny
from tests.web.conftest import bearer

PLAN = "/v1/plans/7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a"
JSON = {"content-type": "application/json"}


def problem(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["instance"] == response.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    return document


async def put(edge, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await edge.put(PLAN, content=content, headers={**JSON, **headers})


async def test_a_good_request_passes(edge):
    response = await edge.put(PLAN, params={"ways_out": "false"}, json=tiny.GOOD_PLAN)
    assert response.status_code == 200
    assert response.json() == {
        "plan_id": PLAN.rpartition("/")[2],
        "volumes": 1,
        "ways_out": False,
        "body_bytes": len(response.request.content),
    }
    assert response.headers["etag"] == '"1"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(response.headers["x-request-id"]) == 16


def changed(**members):
    return {**tiny.GOOD_PLAN, **members}


def volume(**members):
    return changed(volumes=[{**tiny.GOOD_PLAN["volumes"][0], **members}])


def center(**members):
    shape = tiny.GOOD_PLAN["volumes"][0]["shape"]
    return volume(shape={**shape, "center": {**shape["center"], **members}})


BAD_BODIES = {
    "wrong type": (volume(lower_m="500"), "volumes[0].lower_m"),
    "deep wrong type": (center(lat_deg=None), "volumes[0].shape.center.lat_deg"),
    "missing": ({"title": "x"}, "volumes"),
    "unknown member": (changed(colour="red"), "colour"),
    "deep unknown member": (center(alt=3), "volumes[0].shape.center.alt"),
    "no volumes": (changed(volumes=[]), "volumes"),
    "too many volumes": (changed(volumes=tiny.GOOD_PLAN["volumes"] * 257), "volumes"),
    "unknown choice": (volume(datum="MOON"), "volumes[0].datum"),
    "unknown shape": (volume(shape={"kind": "cube"}), "volumes[0].shape.kind"),
    "time without zone": (volume(start="2026-06-01T12:00:00"), "volumes[0].start"),
    "no time": (volume(start="tomorrow"), "volumes[0].start"),
    "NaN": (volume(lower_m=float("nan")), ""),
    "infinity": (volume(lower_m=float("inf")), ""),
    "number out of range": (json.dumps(volume()).replace("900.0", "1e999").encode(), "volumes[0].upper_m"),
    "priority out of range": (changed(priority=101), "priority"),
    "broken UTF-8": (b'{"title":"\xff","volumes":[]}', ""),
    "lone surrogate": (b'{"title":"\\ud800","volumes":[]}', ""),
    "empty": (b"", ""),
    "blank": (b"  ", ""),
    "no object": (b"[]", ""),
    "null": (b"null", ""),
    "cut off": (b'{"volumes":[', ""),
    "two documents": (json.dumps(tiny.GOOD_PLAN).encode() * 2, ""),
    "deep nesting": (b"[" * 900_000, ""),
    "deep nesting inside": (b'{"volumes":' + b"[" * 900_000, "volumes[0]"),
    "repeated member": (json.dumps(tiny.GOOD_PLAN)[:-1].encode() + b',"title":"b"}', "title"),
    "repeated deep member": (
        json.dumps(tiny.GOOD_PLAN).replace('"lower_m"', '"lower_m": 1.0, "lower_m"').encode(),
        "lower_m",
    ),
    "repeated by escape": (
        json.dumps(tiny.GOOD_PLAN)[:-1].encode() + b',"t\\u0069tle":"b"}',
        "title",
    ),
    "repeated with an escaped colon to make up": (
        json.dumps(changed(title="a"))[:-1].encode() + b',"title":"\\u003a"}',
        "title",
    ),
    "NUL": (changed(title="a\0b"), ""),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_body_is_refused_by_the_field(edge, name):
    body, field = BAD_BODIES[name]
    document = problem(await put(edge, body), 400, "bad-input")
    assert document["field"] == field
    assert document["expected"]


async def test_ten_thousand_and_one_vertices_decode_and_are_the_verbs_business(edge):
    ring = [{"lat_deg": 1.0, "lon_deg": i / 1000} for i in range(10_001)]
    assert (await put(edge, volume(shape={"kind": "polygon", "vertices": ring}))).status_code == 200


async def test_escapes_that_are_harmless_pass(edge):
    for title in ("a: b", 'quoted "colon": here', "back\\\\u0000slash", "\\u003a", "é:\u2028"):
        assert (await put(edge, changed(title=title))).status_code == 200
    raw = json.dumps(changed(title="x")).replace('"x"', '"caf\\u00e9 \\\\u0000"').encode()
    assert (await put(edge, raw)).status_code == 200


async def test_a_wrong_value_is_told_with_what_was_expected_and_found(edge):
    document = problem(await put(edge, volume(lower_m="500")), 400, "bad-input")
    assert (document["expected"], document["actual"]) == ("float", "str")
    document = problem(await put(edge, changed(priority=101)), 400, "bad-input")
    assert (document["expected"], document["actual"]) == ("int <= 100", "101")
    document = problem(await put(edge, changed(colour=1)), 400, "bad-input")
    assert document["actual"] == "colour"


async def test_too_large_is_refused_before_and_while_reading(edge):
    document = problem(await put(edge, b"x" * 5_000_000), 413, "too-large")
    assert document["limit"] == 1_048_576

    taken = 0

    async def stream():
        nonlocal taken
        for _ in range(5_000):
            taken += 1_000
            yield b"x" * 1_000

    response = await edge.put(PLAN, content=stream(), headers=JSON)
    problem(response, 413, "too-large")
    assert taken < 1_100_000


async def test_the_limit_is_the_routes(edge):
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await edge.post("/v1/form", content=b"grant_type=a", headers=form)).status_code == 200
    problem(await edge.post("/v1/form", content=b"a=" + b"b" * 1_000, headers=form), 413, "too-large")


@pytest.mark.parametrize(
    "sent", [None, "text/plain", "application/xml", "application/json; charset=latin-1", "application/jsonx"]
)
async def test_content_types_are_refused_by_name(edge, sent):
    headers = {} if sent is None else {"content-type": sent}
    body = json.dumps(tiny.GOOD_PLAN).encode()
    document = problem(await edge.put(PLAN, content=body, headers=headers), 415, "unsupported-media-type")
    assert document["expected"] == "application/json"
    assert document["actual"] == (sent or "none")


@pytest.mark.parametrize(
    "sent", ["application/json", "APPLICATION/JSON", 'application/json; charset="utf-8"']
)
async def test_content_types_that_are_read(edge, sent):
    assert (await put(edge, tiny.GOOD_PLAN, **{"content-type": sent})).status_code == 200


async def test_a_compressed_body_is_refused(edge):
    problem(await put(edge, tiny.GOOD_PLAN, **{"content-encoding": "gzip"}), 415, "unsupported-media-type")


async def test_a_body_where_none_is_taken(edge):
    document = problem(await edge.request("DELETE", PLAN, content=b"{}"), 400, "bad-input")
    assert document["expected"] == "no body"
    assert (await edge.delete(PLAN)).status_code == 204


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="detente"'),
        ("", 'Bearer realm="detente", error="invalid_token"'),
        ("Bearer", 'Bearer realm="detente", error="invalid_token"'),
        ("Bearer ", 'Bearer realm="detente", error="invalid_token"'),
        ("Bearer wrong", 'Bearer realm="detente", error="invalid_token"'),
        ("Basic d3JpdGVyOg==", 'Bearer realm="detente", error="invalid_token"'),
        ("Bearer " + "x" * 9_000, 'Bearer realm="detente", error="invalid_token"'),
        (b"Bearer caf\xe9", 'Bearer realm="detente", error="invalid_token"'),
    ],
)
async def test_no_token_no_entry(edge, authorization, challenge):
    del edge.headers["authorization"]
    headers = {} if authorization is None else {"authorization": authorization}
    response = await edge.get("/v1/count", headers=headers)
    problem(response, 401, "not-authenticated")
    assert response.headers["www-authenticate"] == challenge


async def test_the_token_comes_before_the_body(edge):
    del edge.headers["authorization"]
    read = False

    async def stream():
        nonlocal read
        read = True
        yield b"{}"

    problem(await edge.put(PLAN, content=stream(), headers=JSON), 401, "not-authenticated")
    assert not read


async def test_a_missing_scope_is_named(edge):
    response = await edge.put(PLAN, json=tiny.GOOD_PLAN, headers=bearer("reader"))
    assert problem(response, 403, "not-allowed")["scope"] == "plans.write"
    assert 'error="insufficient_scope", scope="plans.write"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limitt=1", "limitt"),
        ("limit=1&limit=1", "limit"),
        ("limit=one", "limit"),
        ("limit=1.0", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=" + "9" * 19, "limit"),
        ("limit=", "limit"),
        ("near_m=nan", "near_m"),
        ("near_m=1e999", "near_m"),
        ("near_m=inf", "near_m"),
        ("ways_out=yes", "ways_out"),
        ("ways_out=True", "ways_out"),
        ("name=%00", "name"),
        ("name=%ff", "query"),
        ("name", "query"),
        ("&".join(f"a{i}=1" for i in range(65)), "query"),
        ("name=" + "a" * 9_000, "query"),
    ],
)
async def test_queries_are_refused_by_the_member(edge, query, field):
    response = await edge.get(f"/v1/count?{query}")
    assert problem(response, 400, "bad-input")["field"] == field


async def test_queries_that_are_read(edge):
    response = await edge.get("/v1/count?limit=-3&near_m=1.5e3&name=caf%C3%A9+x&ways_out=true")
    assert response.status_code == 200
    assert response.json()["limit"] == -3
    assert (await edge.get("/v1/count")).json()["limit"] == 7
    assert problem(await edge.get("/v1/needs"), 400, "bad-input")["field"] == "name"


async def test_repeated_headers_that_have_one_value(edge):
    request = edge.build_request("PUT", PLAN, json=tiny.GOOD_PLAN)
    for name in ("authorization", "content-type", "idempotency-key"):
        headers = [*request.headers.raw, (name.encode(), b"a"), (name.encode(), b"a")]
        again = httpx.Request("PUT", request.url, headers=headers, content=request.content)
        assert problem(await edge.send(again), 400, "bad-input")["field"] == name


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/plans", "/v1/plans/", "/health/", "/v1/plans/a/b", "/%00", "/é"]
)
async def test_unknown_paths(edge, path):
    problem(await edge.get(path), 404, "not-found")


@pytest.mark.parametrize("variable", ["%00", "%ff", "a" * 300])
async def test_path_variables_are_bounded(edge, variable):
    assert problem(await edge.get(f"/v1/plans/{variable}"), 400, "bad-input")["field"] == "plan_id"


@pytest.mark.parametrize("method", ["PATCH", "POST", "FOO", "TRACE"])
async def test_wrong_methods_name_the_right_ones(edge, method):
    response = await edge.request(method, PLAN)
    assert response.status_code in {400, 405}
    if response.status_code == 405:
        problem(response, 405, "method-not-allowed")
        assert {"GET", "PUT", "DELETE"} <= set(response.headers["allow"].split(", "))


async def test_head_is_get_without_a_body(edge):
    got, head = await edge.get("/v1/count"), await edge.head("/v1/count")
    assert head.status_code == 200
    assert head.content == b""
    assert abs(int(head.headers["content-length"]) - len(got.content)) < 8
    assert (await edge.head(PLAN)).status_code == 404


async def test_what_nobody_expected_is_logged_and_not_told():
    metrics = Metrics()
    transport = httpx.ASGITransport(tiny.create(metrics=metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as edge:
        with structlog.testing.capture_logs() as lines:
            response = await edge.get("/v1/boom", headers=bearer("very-secret-token"))
    document = problem(response, 500, "error")
    assert "secret" not in response.text
    [line] = [line for line in lines if line["event"] == "unexpected"]
    assert line["request_id"] == document["instance"]
    assert "ZeroDivisionError" in line["traceback"]
    [end] = [line for line in lines if line["event"] == "request"]
    assert (end["status"], end["route"]) == (500, "/v1/boom")
    assert b'detente_http_problems_total{problem="error"} 1.0' in metrics.render()


async def test_log_lines_hold_no_party_and_no_path_at_info(edge):
    with structlog.testing.capture_logs() as lines:
        await edge.get(PLAN)
    [line] = [line for line in lines if line["log_level"] == "info"]
    assert set(line) == {"event", "method", "route", "status", "duration_ms", "request_id", "log_level"}
    assert line["route"] == "/v1/plans/{plan_id}"
    assert line["duration_ms"] > 0


@pytest.mark.parametrize("kind", list(error_classes()), ids=lambda kind: kind.slug)
async def test_every_refusal_becomes_its_document(edge, kind):
    document = problem(await edge.get(f"/v1/refuse/{kind.slug}"), kind.status_hint, kind.slug)
    assert document["detail"] == "refused as asked"
    assert document["field"] == "here"
    assert "none_of_it" not in document


async def test_retry_after(edge):
    for slug in ("too-many", "unavailable", "store-unavailable"):
        assert int((await edge.get(f"/v1/refuse/{slug}")).headers["retry-after"]) >= 1


async def test_readiness_names_what_is_missing(edge, monkeypatch):
    assert (await edge.get("/ready")).json() == {"status": "ok", "checks": {"database": "ok"}}
    monkeypatch.setenv("TINY_DATABASE", "does not answer")
    document = problem(await edge.get("/ready"), 503, "unavailable")
    assert document["missing"] == {"database": "does not answer"}
    assert (await edge.get("/health")).status_code == 200


async def test_the_rate_of_one_account_is_limited():
    transport = httpx.ASGITransport(tiny.create(Limits(rate_per_s=0.5, rate_burst=3)))
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as edge:
        for _ in range(3):
            assert (await edge.get("/v1/count", headers=bearer("reader"))).status_code == 200
        response = await edge.get("/v1/count", headers=bearer("reader"))
        assert problem(response, 429, "too-many")["retry_after_s"] == 2
        assert response.headers["retry-after"] == "2"
        assert (await edge.get("/v1/count", headers=bearer("writer"))).status_code == 200


async def test_metrics_need_their_scope_and_count_by_template(edge):
    problem(await edge.get("/metrics"), 403, "not-allowed")
    await edge.get(PLAN)
    await edge.get("/no/such/path/at/all")
    response = await edge.get("/metrics", headers=bearer("counter"))
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    assert 'detente_http_requests_total{method="GET",route="/v1/plans/{plan_id}",status="404"} 1.0' in text
    assert 'detente_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in text
    assert 'detente_http_request_seconds_count{method="GET",route="/v1/plans/{plan_id}"} 1.0' in text
    assert "detente_http_in_flight 1.0" in text
    assert "no/such" not in text
    assert PLAN not in text


def test_two_routes_of_one_method_and_path_are_refused():
    routes = tiny.routes()
    with pytest.raises(ValueError, match="two routes"):
        tiny.make_app(
            [*routes, routes[0]], authenticator=tiny.TokenTable(), now_ms=lambda: 0, readiness=tiny.readiness
        )
