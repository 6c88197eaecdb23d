"""Passkeys over HTTP's shapes, through the whole application: header, cookie, limits, logs."""

import asyncio

import pytest
import structlog

from detente.settings import Settings
from tests.console.authenticator import Authenticator, spelled
from tests.console.test_session_routes import ALBERT, ANNA, BERTA, HEADER, SESSION, opened
from tests.test_app import running

PUBLIC = "http://localhost:8440"
CHALLENGE, SIGN_IN = "/console/session/passkey/challenge", "/console/session/passkey"
PASSKEYS = "/console/passkeys"
NONE = "00000000-0000-4000-8000-00000000000c"
NAMED = {"name": "key"}
ROUTES = [
    ("POST", CHALLENGE, None),
    ("POST", SIGN_IN, {}),
    ("POST", f"{PASSKEYS}/challenge", None),
    ("POST", PASSKEYS, {}),
    ("GET", PASSKEYS, None),
    ("PUT", f"{PASSKEYS}/{NONE}", NAMED),
    ("DELETE", f"{PASSKEYS}/{NONE}", None),
]


@pytest.fixture
async def desk(pg_dsn):
    async with opened(pg_dsn, public_url=PUBLIC) as one:
        yield one


async def add(desk, session, key, **bent):
    options = (await desk.http.post(f"{PASSKEYS}/challenge", headers=session)).json()
    return await desk.http.post(PASSKEYS, json=key.make(options, **bent), headers=session)


async def answer_of(desk, key, **bent):
    return key.answer((await desk.http.post(CHALLENGE, headers=HEADER)).json(), **bent)


def alike(answer):
    heads = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, {k: v for k, v in answer.json().items() if k != "instance"}, heads


async def test_from_a_link_to_a_passkey_and_in_with_it_alone(desk):
    key, session = Authenticator(), await desk.sign_in(ANNA)
    added = await add(desk, session, key, name="a phone")
    assert added.status_code == 201
    view = added.json()
    assert view.pop("made")
    assert view == {
        "passkey_id": view["passkey_id"],
        "account_id": desk.accounts[ANNA][0],
        "account_name": "planner",
        "name": "a phone",
        "used": None,
        "suspected": None,
        "is_mine": True,
        "may_remove": True,
    }
    assert (await desk.http.delete(SESSION, headers=session)).status_code == 204
    answer = await desk.http.post(SIGN_IN, json=await answer_of(desk, key), headers=HEADER)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    value, *attributes = answer.headers["set-cookie"].split("; ")
    assert attributes == ["Path=/console", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    again = {"cookie": value, **HEADER}
    desk.http.cookies.clear()
    assert (await desk.http.get(SESSION, headers=again)).json() == answer.json()
    assert (await desk.http.post(f"{SESSION}/token", headers=again)).status_code == 200
    one = f"{PASSKEYS}/{view['passkey_id']}"
    assert (await desk.http.put(one, json=NAMED, headers=again)).json()["name"] == "key"
    (listed,) = (await desk.http.get(PASSKEYS, headers=again)).json()["passkeys"]
    assert listed["used"]
    assert (await desk.http.delete(one, headers=again)).status_code == 204
    assert (await desk.http.get(PASSKEYS, headers=again)).json() == {"passkeys": []}
    assert (await desk.http.get(SESSION, headers=again)).status_code == 200


async def test_a_party_sees_its_passkeys_and_no_others(desk):
    anna, albert, berta = [await desk.sign_in(who) for who in (ANNA, ALBERT, BERTA)]
    await add(desk, anna, Authenticator())
    (theirs,) = (await desk.http.get(PASSKEYS, headers=albert)).json()["passkeys"]
    assert (theirs["account_name"], theirs["is_mine"], theirs["may_remove"]) == ("planner", False, False)
    assert (await desk.http.get(PASSKEYS, headers=berta)).json() == {"passkeys": []}
    for session in (albert, berta):
        for method, body in (("DELETE", None), ("PUT", NAMED)):
            one = f"{PASSKEYS}/{theirs['passkey_id']}"
            foreign = await desk.http.request(method, one, json=body, headers=session)
            none = await desk.http.request(method, f"{PASSKEYS}/{NONE}", json=body, headers=session)
            assert foreign.status_code == 404
            assert foreign.json() | {"instance": ""} == none.json() | {"instance": ""}


async def test_what_a_stranger_is_asked_tells_nothing_of_who_is_there(desk):
    empty = (await desk.http.post(CHALLENGE, headers=HEADER)).json()
    await add(desk, await desk.sign_in(ANNA), Authenticator())
    some = (await desk.http.post(CHALLENGE, headers=HEADER)).json()
    assert empty.pop("challenge") != some.pop("challenge")
    assert empty == some == {"rp_id": "localhost", "origin": PUBLIC, "timeout_ms": 300_000}


async def test_unknown_credentials_bad_answers_and_late_ones_are_answered_alike(desk):
    key, stranger = Authenticator(), Authenticator(user_handle=bytes(16))
    await add(desk, await desk.sign_in(ANNA), key)
    late = await answer_of(desk, key)
    desk.ahead_ms = 300_000
    bad = [
        late,
        await answer_of(desk, stranger),
        await answer_of(desk, key, origin="http://127.0.0.1:8440"),
        {**await answer_of(desk, key), "signature": spelled(b"x")},
    ]
    answers = [alike(await desk.http.post(SIGN_IN, json=body, headers=HEADER)) for body in bad]
    assert answers[0][0] == 401
    assert "set-cookie" not in answers[0][2]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_without_the_header_nothing_happens(desk, method, path, body):
    session = await desk.sign_in(ANNA)
    if path == SIGN_IN:
        await add(desk, session, key := Authenticator())
        body = await answer_of(desk, key)
    if (method, path) == ("POST", PASSKEYS):
        options = (await desk.http.post(f"{PASSKEYS}/challenge", headers=session)).json()
        body = Authenticator().make(options)
    before = await desk.count()
    for value in (None, "", "0", "true"):
        sent = {"cookie": session["cookie"]} | ({} if value is None else {"x-detente-console": value})
        answer = await desk.http.request(method, path, json=body, headers=sent)
        assert answer.status_code == 403
        assert answer.json()["header"] == "X-Detente-Console"
        assert "set-cookie" not in answer.headers
    assert await desk.count() == before
    # With it, it is another answer.
    assert (await desk.http.request(method, path, json=body, headers=session)).status_code != 403


@pytest.mark.parametrize(("method", "path", "body"), ROUTES[2:])
async def test_without_the_cookie_of_an_open_session_nothing_happens(desk, method, path, body):
    gone = await desk.sign_in(ANNA)
    if (method, path) == ("POST", PASSKEYS):
        options = (await desk.http.post(f"{PASSKEYS}/challenge", headers=gone)).json()
        body = Authenticator().make(options)
    assert (await desk.http.delete(SESSION, headers=gone)).status_code == 204
    before = await desk.count()
    for cookie in (None, "", "detente_session=", gone["cookie"], f"detente_session={'A' * 43}"):
        sent = HEADER | ({} if cookie is None else {"cookie": cookie})
        answer = await desk.http.request(method, path, json=body, headers=sent)
        assert answer.status_code == 401, cookie
    assert await desk.count() == before


async def test_what_is_too_large_or_of_another_shape_is_refused_by_name(desk):
    session, key = await desk.sign_in(ANNA), Authenticator()
    options = (await desk.http.post(f"{PASSKEYS}/challenge", headers=session)).json()
    made, answer = key.make(options), await answer_of(desk, key)
    before = await desk.count()
    for path, body, status in (
        (SIGN_IN, {**answer, "credential_id": "A" * 1_365}, 400),
        (SIGN_IN, {**answer, "client_data_json": "A" * 2_732}, 400),
        (SIGN_IN, {**answer, "authenticator_data": "A" * 1_367}, 400),
        (SIGN_IN, {**answer, "signature": "A" * 684}, 400),
        (SIGN_IN, {**answer, "user_handle": "A" * 87}, 400),
        (SIGN_IN, {**answer, "more": 1}, 400),
        (SIGN_IN, {**answer, "signature": "A" * 9_000}, 413),
        (PASSKEYS, {**made, "name": ""}, 400),
        (PASSKEYS, {**made, "name": "n" * 201}, 400),
        (PASSKEYS, {**made, "name": "a\nb"}, 400),
        (PASSKEYS, {**made, "attestation_object": "A" * 10_924}, 400),
        (PASSKEYS, {**made, "attestation_object": "A" * 17_000}, 413),
        (PASSKEYS, {**made, "account_id": desk.accounts[BERTA][0]}, 400),
    ):
        refused = await desk.http.post(path, json=body, headers=session)
        assert refused.status_code == status, (path, refused.text)
    form = await desk.http.post(SIGN_IN, data=answer, headers=HEADER)
    assert form.status_code == 415
    assert await desk.count() == before
    assert (await desk.http.post(PASSKEYS, json=made, headers=session)).status_code == 201


async def test_an_old_session_adds_none_and_says_what_to_do(desk):
    session = await desk.sign_in(ANNA)
    desk.ahead_ms = 3_500_000
    assert (await desk.http.get(SESSION, headers=session)).status_code == 200
    desk.ahead_ms = 3_700_000
    refused = await desk.http.post(f"{PASSKEYS}/challenge", headers=session)
    assert (refused.status_code, refused.json()["reason"]) == (403, "sign-in-too-old")


async def test_a_challenge_of_one_server_is_good_once_at_all_of_them(desk, pg_dsn):
    key = Authenticator()
    await add(desk, await desk.sign_in(ANNA), key)
    body = await answer_of(desk, key)
    async with running(Settings(database=pg_dsn, public_url=PUBLIC)) as other:
        posts = [one.post(SIGN_IN, json=body, headers=HEADER) for one in (desk.http, other) * 4]
        answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 7


async def test_at_a_name_without_passkeys_it_says_so(pg_dsn):
    async with opened(pg_dsn) as desk:
        session = await desk.sign_in(ANNA)
        for path in (CHALLENGE, f"{PASSKEYS}/challenge"):
            refused = await desk.http.post(path, headers=session)
            assert refused.status_code == 409
            assert refused.json()["reason"] == "no-secure-name"
            assert refused.json()["public_url"] == "http://exchange.test"
        assert (await desk.http.get(PASSKEYS, headers=session)).json() == {"passkeys": []}


async def test_the_log_says_why_and_holds_no_secret(desk):
    key = Authenticator()
    await add(desk, await desk.sign_in(ANNA), key)
    with structlog.testing.capture_logs() as logged:
        evil = "http://evil\x1b[2J.example"
        await desk.http.post(SIGN_IN, json=await answer_of(desk, key, origin=evil), headers=HEADER)
        good = await answer_of(desk, key)
        answer = await desk.http.post(SIGN_IN, json=good, headers=HEADER)
    (told,) = [line for line in logged if line["event"] == "passkey_refused"]
    assert "origin" in told["why"]
    assert "\x1b" not in told["why"]
    for secret in (answer.headers["set-cookie"].partition(";")[0].partition("=")[2], good["signature"]):
        assert secret not in str(logged)
