"""Whatever comes in, the edge answers, and never with 500."""

import json

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import BadInput
from detente.web.decode import json_decoder, read_query
from detente.web.model import QueryField
from tests.web import tiny

APP = tiny.create()
PLAN = "/v1/plans/7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a"
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["volumes", "shape", "kind", "center", "lat_deg", "title", "knows", "start", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
header_text = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f"), max_size=40
)
names = st.sampled_from(
    ["authorization", "content-type", "if-match", "content-encoding", "accept", "x-y", "host"]
)


async def call(method, target, content=b"", headers=()):
    transport = httpx.ASGITransport(APP)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as edge:
        request = httpx.Request(method, f"http://edge{target}", headers=list(headers), content=content)
        return await edge.send(request)


def check(response):
    assert response.status_code < 500, response.text
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["instance"] == response.headers["x-request-id"]


def good_headers():
    return [(b"authorization", b"Bearer writer"), (b"content-type", b"application/json")]


@SETTINGS
@given(json_values)
async def test_json_of_any_shape(value):
    body = json.dumps(value).encode()
    check(await call("PUT", PLAN, body, good_headers()))
    check(await call("POST", "/v1/any", body, good_headers()))


@SETTINGS
@given(st.data())
async def test_a_good_body_with_bytes_flipped(data):
    body = bytearray(json.dumps(tiny.GOOD_PLAN).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(await call("PUT", PLAN, bytes(body), good_headers()))


@SETTINGS
@given(st.binary(max_size=300), st.lists(st.tuples(names, header_text), max_size=5))
async def test_bytes_and_headers_of_any_kind(body, headers):
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    check(await call("PUT", PLAN, body, [*good_headers(), *sent]))
    check(await call("PUT", PLAN, body, sent))
    check(await call("POST", "/v1/form", body, [(b"content-type", b"application/x-www-form-urlencoded")]))


@SETTINGS
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="#"), max_size=60))
async def test_targets_of_any_kind(text):
    for target in (f"/v1/count?{text}", f"/v1/plans/{text}", f"/{text}"):
        try:
            httpx.URL(f"http://edge{target}")
        except httpx.InvalidURL:
            continue
        for method in ("GET", "HEAD", "PUT"):
            check(await call(method, target, b"", good_headers()))


def refusal_of(body):
    try:
        json_decoder(object)(body)
    except BadInput as refusal:
        return refusal.detail
    return ""


@given(json_values)
def test_no_member_twice_is_never_refused_for_it(value):
    text = json.dumps(value, allow_nan=False) if not _has_nan(value) else "null"
    assert "twice" not in refusal_of(text.encode())


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=10), min_size=1, max_size=4),
    st.text(max_size=10),
    st.booleans(),
    st.sampled_from(["", " ", "\n\t"]),
    st.data(),
)
def test_a_member_twice_is_always_refused(members, value, is_ascii, space, data):
    name = data.draw(st.sampled_from(sorted(members)))
    encode = lambda text: json.dumps(text, ensure_ascii=is_ascii)  # noqa: E731 - one expression, used thrice below
    pairs = [f"{encode(key)}{space}:{encode(text)}" for key, text in [*members.items(), (name, value)]]
    body = ("{" + ",".join(pairs) + "}").encode("utf-8", "surrogatepass")
    assert refusal_of(body)


@given(st.binary(max_size=60))
def test_queries_are_read_or_refused(raw):
    fields = {
        name: QueryField(name, kind, "") for name, kind in (("a", int), ("b", float), ("c", bool), ("d", str))
    }
    try:
        members = read_query(raw, fields, 1_000)
    except BadInput:
        return
    for name, value in members.items():
        assert fields[name].kind(value) is not None


def _has_nan(value):
    if isinstance(value, float):
        return value != value or value in {float("inf"), float("-inf")}  # noqa: PLR0124 - NaN differs from itself
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    return isinstance(value, list) and any(map(_has_nan, value))
