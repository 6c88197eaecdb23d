"""A route may be open to several scopes, and may tell its refusals as plain JSON with a message."""

import httpx
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from detente.errors import Refused, StaleVersion, Unavailable
from detente.web import Limits, RefusalForm, Reply, Route, make_app
from detente.web.openapi import openapi_document
from detente.web.problems import error_classes
from tests.web import tiny
from tests.web.conftest import bearer

FORM = RefusalForm.ERROR_RESPONSE
THING = "/astm/v1/things/{thing_id}"
VERSION = f"{THING}/{{version}}"
JSON = {"content-type": "application/json"}


class Thing(msgspec.Struct):
    size: int


async def put_thing(request):
    return Reply(200, request.decoded(Thing))


async def refuse(request):
    kinds = {kind.slug: kind for kind in error_classes()}
    more = {"missing_things": [Thing(3)], "message": "not this", "status": 999, "type": "not this"}
    raise kinds[request.path["slug"]]("refused as asked", **more)


async def fail(_):
    raise ZeroDivisionError("a secret")


def routes():
    statuses = {StaleVersion.slug: 409}
    return [
        Route(
            "PUT", THING, "plans.write", put_thing, "Put.", "astm", body=Thing, answers={200: Thing},
            errors=(StaleVersion, Refused), max_body_bytes=100, or_scopes=("metrics.read",), refusals=FORM,
            statuses=statuses,
        ),
        Route("PUT", VERSION, "plans.write", put_thing, "Put.", "astm", body=Thing, refusals=FORM),
        Route("DELETE", VERSION, "plans.write", tiny.remove, "Remove.", "astm", refusals=FORM),
        Route(
            "GET", "/astm/v1/refuse/{slug}", None, refuse, "Refuse.", "astm", refusals=FORM,
            statuses=statuses,
        ),
        Route("GET", "/astm/v1/fail", None, fail, "Fail.", "astm", refusals=FORM),
        Route("GET", "/v1/plain/{name}", "plans.read", tiny.remove, "Ours.", "ours"),
    ]  # fmt: skip


def client(limits=None, **headers):
    app = make_app(
        routes(),
        authenticator=tiny.TokenTable(),
        now_ms=lambda: 0,
        readiness=tiny.readiness,
        limits=limits or Limits(),
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://edge", headers={**bearer("writer"), **headers}
    )


@pytest.fixture
async def edge():
    async with client() as one:
        yield one


def refused(answer, status, slug):
    """A refusal in the form of the field's standard."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["message"] == told["detail"]
    assert told["message"]
    assert (told["type"], told["status"]) == (f"/problems/{slug}", status)
    assert told["instance"] == answer.headers["x-request-id"]
    return told


async def put(edge, content=b'{"size": 1}', path="/astm/v1/things/1", **headers):
    return await edge.put(path, content=content, headers={**JSON, **headers})


@pytest.mark.parametrize(
    ("token", "status"), [("writer", 200), ("counter", 200), ("reader", 403), ("nobody", 401)]
)
async def test_any_one_of_the_scopes_admits(edge, token, status):
    assert (await put(edge, **bearer(token))).status_code == status


async def test_a_missing_scope_names_all_that_would_do(edge):
    answer = await put(edge, **bearer("reader"))
    told = refused(answer, 403, "not-allowed")
    assert told["scope"] == "plans.write metrics.read"
    assert "plans.write or metrics.read" in told["message"]
    challenge = 'Bearer realm="detente", error="insufficient_scope", scope="plans.write metrics.read"'
    assert answer.headers["www-authenticate"] == challenge


async def test_what_the_gate_refuses_is_told_in_the_form_of_the_route(edge):
    without = await put(edge, authorization="Basic x")
    refused(without, 401, "not-authenticated")
    assert without.headers["www-authenticate"].startswith("Bearer")
    assert refused(await put(edge, b"{}"), 400, "bad-input")["field"] == "size"
    assert refused(await put(edge, b"x" * 101), 413, "too-large")["limit"] == 100
    refused(await put(edge, **{"content-type": "text/plain"}), 415, "unsupported-media-type")
    refused(await put(edge, path="/astm/v1/things/1?x=1"), 400, "bad-input")
    repeated = [*JSON.items(), *JSON.items()]
    refused(await edge.put("/astm/v1/things/1", content=b"{}", headers=repeated), 400, "bad-input")


async def test_the_rate_is_told_in_the_form_of_the_route():
    async with client(Limits(rate_per_s=0.001, rate_burst=1)) as edge:
        await put(edge)
        answer = await put(edge)
        refused(answer, 429, "too-many")
        assert int(answer.headers["retry-after"]) >= 1


async def test_what_nobody_expected_is_told_in_the_form_of_the_route(edge):
    assert "secret" not in refused(await edge.get("/astm/v1/fail"), 500, "error")["message"]


@pytest.mark.parametrize("kind", list(error_classes()), ids=lambda kind: kind.slug)
async def test_a_handlers_refusal_keeps_its_members_and_has_the_status_of_the_route(edge, kind):
    answer = await edge.get(f"/astm/v1/refuse/{kind.slug}")
    told = refused(answer, 409 if kind is StaleVersion else kind.status_hint, kind.slug)
    assert told["missing_things"] == [{"size": 3}]
    assert told["message"] == "refused as asked"
    if issubclass(kind, Unavailable):
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("PUT", "/astm/v1/things/", "thing_id"),
        ("PUT", "/astm/v1/things/1/", "version"),
        ("DELETE", "/astm/v1/things/1/", "version"),
        ("PUT", "/astm/v1/things//1", "thing_id"),
    ],
)
async def test_an_empty_part_of_the_path_is_bad_input(edge, method, path, field):
    answer = await edge.request(method, path, **({"json": {"size": 1}} if method == "PUT" else {}))
    assert refused(answer, 400, "bad-input")["field"] == field


async def test_an_empty_part_of_the_path_is_told_to_nobody_without_a_token(edge):
    refused(await edge.delete("/astm/v1/things/1/", headers={"authorization": ""}), 401, "not-authenticated")


async def test_our_own_routes_and_paths_that_are_none_stay_as_they_are(edge):
    for path, status in (("/v1/plain/", 404), ("/astm/v1/none", 404), ("/v1/plain/x?y=1", 400)):
        answer = await edge.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "message" not in answer.json()
    answer = await edge.patch("/astm/v1/things/1")
    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT, OPTIONS")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await edge.options("/astm/v1/things/1")).status_code == 204


async def test_head_has_the_form_and_no_body(edge):
    answer = await edge.head(f"/astm/v1/refuse/{Refused.slug}")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/json")
    assert answer.content == b""


def test_the_document_shows_the_scopes_and_the_form():
    document = openapi_document(routes())
    OpenAPIV31SpecValidator(document).validate()
    operation = document["paths"][THING]["put"]
    assert operation["security"] == [{"bearer": ["plans.write"]}, {"bearer": ["metrics.read"]}]
    assert "`plans.write` or `metrics.read`" in operation["description"]
    assert {"401", "403", "409", "413", "415", "429"} <= set(operation["responses"])
    assert not {"404", "412"} & set(operation["responses"])
    content = operation["responses"]["409"]["content"]
    assert set(content) == {"application/json"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Refusal"}
    example = content["application/json"]["examples"]["stale-version"]["value"]
    assert example["message"] == example["detail"]
    assert example["status"] == 409
    ours = document["paths"]["/v1/plain/{name}"]["get"]["responses"]
    assert set(ours["403"]["content"]) == {"application/problem+json"}


@pytest.mark.parametrize("wrong", [{"or_scopes": ("plans.read",)}, {"statuses": {"stale-version": 409}}])
def test_a_route_that_would_not_do_what_it_says_is_refused(wrong):
    route = Route("GET", "/x", None, tiny.remove, "x", "x", **wrong)
    with pytest.raises(ValueError, match="GET /x"):
        make_app([route], authenticator=None, now_ms=None, readiness=None)


async def test_a_stream_goes_on_with_any_one_of_the_scopes():
    answers = {"counter": True, "reader": False}
    for token, goes_on in answers.items():
        route = routes()[0]
        made = make_app([route], authenticator=tiny.TokenTable(), now_ms=None, readiness=tiny.readiness)
        gate, _ = made._router.find("/astm/v1/things/1")[0].methods["PUT"]
        assert await gate.still_admits(bearer(token)) is goes_on
