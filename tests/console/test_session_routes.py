"""The console's sessions over HTTP's shapes, through the whole application, on the test's own clock."""

import asyncio
import contextlib

import httpx
import jwt
import pytest
import structlog

from detente.app import now_ms
from detente.console.sessions import ConsoleSessions
from detente.parties.model import Act, Role
from detente.parties.rules import granted_scopes
from detente.settings import Settings
from detente.store import open_pool
from tests.invariants.fleet import AUDIENCE, URL, make_exchange
from tests.test_app import running

HEADER = {"x-detente-console": "1"}
PEOPLE = [("alpha", Role.PLANNER, 0), ("alpha", Role.OBSERVER, 0), ("bravo", Role.PLANNER, 0)]
ANNA, ALBERT, BERTA = (one[:2] for one in PEOPLE)
SESSION, TOKEN, SESSIONS = "/console/session", "/console/session/token", "/console/sessions"


class Desk:
    """The application, its clock, and links for its people."""

    def __init__(self, http, pool, accounts):
        self.http = http
        self.pool = pool
        self.accounts = accounts
        self.ahead_ms = 0

    def now_ms(self):
        return now_ms() + self.ahead_ms

    async def code(self, who, good_s=900):
        act = Act("exchange", "local", None, self.now_ms(), b"{}")
        return (await ConsoleSessions(self.pool).make_link(self.accounts[who][0], act, good_s=good_s)).code

    async def sign_in(self, who):
        """A cookie header of a new session."""
        answer = await self.http.post(SESSION, json={"link": await self.code(who)}, headers=HEADER)
        self.http.cookies.clear()
        assert answer.status_code == 201, answer.text
        return {"cookie": answer.headers["set-cookie"].split(";")[0], **HEADER}

    async def count(self):
        return await self.pool.fetchval("SELECT count(*) FROM statement")


@contextlib.asynccontextmanager
async def opened(dsn, **settings):
    accounts = await asyncio.to_thread(make_exchange, dsn, PEOPLE)
    pool = await open_pool(dsn, max_size=2)
    desk = Desk(None, pool, accounts)
    async with running(Settings(**{"database": dsn, "public_url": URL, **settings}), desk.now_ms) as http:
        desk.http = http
        yield desk
    await pool.close()


@pytest.fixture
async def desk(pg_dsn):
    async with opened(pg_dsn) as one:
        yield one


async def test_signing_in_sets_the_cookie_and_says_who_it_is(desk):
    code = await desk.code(ANNA)
    answer = await desk.http.post(SESSION, json={"link": code}, headers=HEADER)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    (cookie,) = answer.headers.get_list("set-cookie")
    value, *attributes = cookie.split("; ")
    assert attributes == ["Path=/console", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    assert len(value.removeprefix("detente_session=")) == 43
    view = answer.json()
    assert view.pop("expires")
    assert view == {
        "party_id": "alpha",
        "party_name": "alpha",
        "account_id": desk.accounts[ANNA][0],
        "account_name": "planner",
        "role": "planner",
        "scopes": sorted(granted_scopes(Role.PLANNER, None)),
        "languages": ["en"],
        "exchange_name": "under test",
    }
    # The client keeps the cookie as a browser does, and sends it back by itself.
    again = await desk.http.get(SESSION, headers=HEADER)
    assert again.json() == answer.json()
    for secret in (code, value.partition("=")[2]):
        assert secret not in answer.text
        assert secret not in again.text


async def test_behind_https_the_cookie_is_secure(pg_dsn):
    async with opened(pg_dsn, public_url="https://exchange.test", audience=(AUDIENCE,)) as desk:
        body = {"link": await desk.code(ANNA)}
        answer = await desk.http.post(SESSION, json=body, headers=HEADER)
        cookie = answer.headers["set-cookie"]
        assert cookie.endswith("; HttpOnly; SameSite=Strict; Secure")
        left = await desk.http.delete(SESSION, headers={"cookie": cookie.split(";")[0], **HEADER})
        assert left.headers["set-cookie"].endswith("; Max-Age=0; HttpOnly; SameSite=Strict; Secure")


async def test_a_session_buys_a_token_of_ten_minutes_that_is_like_any_other(desk):
    session = await desk.sign_in(ANNA)
    answer = await desk.http.post(TOKEN, headers=session)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    granted = answer.json()
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 600)
    client_id, secret = desk.accounts[ANNA]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    usual = (await desk.http.post("/v1/token", data=form)).json()
    mine, theirs = (
        jwt.decode(token["access_token"], options={"verify_signature": False}) for token in (granted, usual)
    )
    assert mine["exp"] - mine["iat"] == 600
    assert theirs["exp"] - theirs["iat"] == 3_600
    changing = {"iat", "nbf", "exp", "jti"}
    assert {k: v for k, v in mine.items() if k not in changing} == {
        k: v for k, v in theirs.items() if k not in changing
    }
    assert granted["scope"] == usual["scope"]
    bearer = {"authorization": f"Bearer {granted['access_token']}"}
    who = (await desk.http.get("/v1/whoami", headers=bearer)).json()
    assert (who["account_id"], who["role"]) == (client_id, "planner")
    desk.ahead_ms = 631_000
    assert (await desk.http.get("/v1/whoami", headers=bearer)).status_code == 401


async def test_the_cookie_speaks_for_nobody_outside_the_console(desk):
    session = await desk.sign_in(ANNA)
    for path in ("/v1/whoami", "/v1/parties", "/metrics"):
        answer = await desk.http.get(path, headers=session)
        assert answer.status_code == 401, path
    answer = await desk.http.post("/v1/plans/query", json={}, headers=session)
    assert answer.status_code == 401


ROUTES = [
    ("POST", SESSION),
    ("GET", SESSION),
    ("HEAD", SESSION),
    ("DELETE", SESSION),
    ("POST", TOKEN),
    ("GET", SESSIONS),
    ("DELETE", f"{SESSIONS}/00000000-0000-4000-8000-00000000000c"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_the_header_nothing_happens(desk, method, path):
    session = await desk.sign_in(ANNA)
    code = await desk.code(BERTA)
    body = {"link": code} if (method, path) == ("POST", SESSION) else None
    before = await desk.count()
    for value in (None, "", "0", "true"):
        sent = {"cookie": session["cookie"]} | ({} if value is None else {"x-detente-console": value})
        answer = await desk.http.request(method, path, json=body, headers=sent)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        if method != "HEAD":
            assert answer.json()["type"] == "/problems/not-allowed"
            assert answer.json()["header"] == "X-Detente-Console"
    assert await desk.count() == before
    assert (await desk.http.get(SESSION, headers=session)).status_code == 200
    assert (await desk.http.post(SESSION, json={"link": code}, headers=HEADER)).status_code == 201


@pytest.mark.parametrize(("method", "path"), ROUTES[1:])
async def test_without_the_cookie_of_an_open_session_nothing_happens(desk, method, path):
    session = await desk.sign_in(ANNA)
    gone = await desk.sign_in(ANNA)
    assert (await desk.http.delete(SESSION, headers=gone)).status_code == 204
    value = session["cookie"].partition("=")[2]
    bad = [None, "", "x=y", f"other={value}", "detente_session=", f"detente_session={value[:-1]}"]
    bad += [gone["cookie"], f"detente_session={'A' * 43}", f'detente_session="{value}"']
    bad += [f"{session['cookie']}; {session['cookie']}", f"detente_session={value}%00"]
    before = await desk.count()
    answers = set()
    for cookie in bad:
        sent = HEADER | ({} if cookie is None else {"cookie": cookie})
        answer = await desk.http.request(method, path, headers=sent)
        assert answer.status_code == 401, cookie
        assert "set-cookie" not in answer.headers
        if method != "HEAD":
            answers.add(str({k: v for k, v in answer.json().items() if k != "instance"}))
    assert len(answers) == (method != "HEAD")
    assert await desk.count() == before
    long = HEADER | {"cookie": f"{session['cookie']}; x={'y' * 8_192}"}
    refused = await desk.http.request(method, path, headers=long)
    assert refused.status_code == 400
    assert value not in refused.text
    # A bearer token is not a cookie.
    token = (await desk.http.post(TOKEN, headers=session)).json()["access_token"]
    bearer = HEADER | {"authorization": f"Bearer {token}"}
    assert (await desk.http.request(method, path, headers=bearer)).status_code == 401


async def test_a_link_is_read_from_json_only_and_a_bad_one_is_not_repeated(desk):
    code = await desk.code(ANNA)
    before = await desk.count()
    form = await desk.http.post(SESSION, data={"link": code}, headers=HEADER)
    assert form.status_code == 415
    text = {"content-type": "text/plain", **HEADER}
    assert (await desk.http.post(SESSION, content=b'{"link":""}', headers=text)).status_code == 415
    for body, status in (
        ({"link": code, "more": 1}, 400),
        ({}, 400),
        ({"link": [code]}, 400),
        ({"link": code * 5}, 400),
        ({"link": code * 50}, 413),
        ({"link": f" {code}"}, 401),
        ({"link": ""}, 401),
    ):
        answer = await desk.http.post(SESSION, json=body, headers=HEADER)
        assert answer.status_code == status, answer.text
        assert code not in answer.text
    assert await desk.count() == before
    assert (await desk.http.post(SESSION, json={"link": code}, headers=HEADER)).status_code == 201


async def test_unknown_used_and_expired_links_get_the_same_answer(desk):
    used, expired = await desk.code(ANNA), await desk.code(ANNA, good_s=1)
    await desk.http.post(SESSION, json={"link": used}, headers=HEADER)
    desk.ahead_ms = 5_000
    answers = []
    for code in (used, expired, "A" * 43, "no code"):
        answer = await desk.http.post(SESSION, json={"link": code}, headers=HEADER)
        assert "set-cookie" not in answer.headers
        alike = {k: v for k, v in answer.json().items() if k != "instance"}
        heads = {k: v for k, v in answer.headers.items() if k != "x-request-id"}
        answers.append((answer.status_code, alike, heads))
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)


async def test_sixteen_browsers_with_one_link_get_one_session(desk):
    code = await desk.code(ANNA)
    before = await desk.count()
    posts = [desk.http.post(SESSION, json={"link": code}, headers=HEADER) for _ in range(16)]
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 15
    assert await desk.count() == before + 1


async def test_signing_out_clears_the_cookie_and_ends_the_session_everywhere(desk):
    session = await desk.sign_in(ANNA)
    answer = await desk.http.delete(SESSION, headers=session)
    assert (answer.status_code, answer.content) == (204, b"")
    expected = "detente_session=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict"
    assert answer.headers["set-cookie"] == expected
    for method, path in ROUTES[1:]:
        assert (await desk.http.request(method, path, headers=session)).status_code == 401


async def test_a_party_lists_and_ends_its_own_sessions(desk):
    anna, albert, berta = [await desk.sign_in(who) for who in (ANNA, ALBERT, BERTA)]
    listed = (await desk.http.get(SESSIONS, headers=anna)).json()["sessions"]
    assert [(one["account_name"], one["is_this"]) for one in listed] == [
        ("planner", True),
        ("observer", False),
    ]
    assert set(listed[0]) == {
        "session_id", "account_id", "account_name", "role", "made", "seen", "expires", "is_this",
    }  # fmt: skip
    (theirs,) = (await desk.http.get(SESSIONS, headers=berta)).json()["sessions"]
    foreign = await desk.http.delete(f"{SESSIONS}/{theirs['session_id']}", headers=anna)
    none = await desk.http.delete(f"{SESSIONS}/00000000-0000-4000-8000-00000000000c", headers=anna)
    assert foreign.status_code == none.status_code == 404
    assert foreign.json() | {"instance": ""} == none.json() | {"instance": ""}
    other = await desk.http.delete(f"{SESSIONS}/{listed[1]['session_id']}", headers=anna)
    assert (other.status_code, "set-cookie" in other.headers) == (204, False)
    assert (await desk.http.get(SESSION, headers=albert)).status_code == 401
    own = await desk.http.delete(f"{SESSIONS}/{listed[0]['session_id']}", headers=anna)
    assert (own.status_code, "Max-Age=0" in own.headers["set-cookie"]) == (204, True)
    assert (await desk.http.get(SESSION, headers=anna)).status_code == 401
    assert (await desk.http.get(SESSION, headers=berta)).status_code == 200


async def test_a_stopped_account_and_the_clock_end_a_session_and_a_role_follows(desk):
    anna, albert = await desk.sign_in(ANNA), await desk.sign_in(ALBERT)
    client_id, secret = desk.accounts["exchange", Role.ADMINISTRATOR]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = (await desk.http.post("/v1/token", data=form)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    path = f"/v1/accounts/{desk.accounts[ANNA][0]}"
    await desk.http.put(path, json={"role": "observer"}, headers=bearer)
    assert "plans.write" not in (await desk.http.post(TOKEN, headers=anna)).json()["scope"]
    assert (await desk.http.get(SESSION, headers=anna)).json()["role"] == "observer"
    await desk.http.put(path, json={"is_disabled": True}, headers=bearer)
    assert (await desk.http.post(TOKEN, headers=anna)).status_code == 401
    desk.ahead_ms = 3_600_000
    assert (await desk.http.post(TOKEN, headers=albert)).status_code == 401


async def test_no_secret_is_logged(desk):
    code = await desk.code(ANNA)
    with structlog.testing.capture_logs() as logged:
        answer = await desk.http.post(SESSION, json={"link": code}, headers=HEADER)
        session = {"cookie": answer.headers["set-cookie"].split(";")[0], **HEADER}
        granted = await desk.http.post(TOKEN, headers=session)
        await desk.http.post(SESSION, json={"link": code}, headers=HEADER)
        await desk.http.delete(SESSION, headers=session)
    text = str(logged)
    assert "/console/session" in text
    for secret in (code, session["cookie"].partition("=")[2], granted.json()["access_token"]):
        assert secret not in text


async def test_a_session_counts_at_every_server_of_the_exchange(desk, pg_dsn):
    session = await desk.sign_in(ANNA)
    async with running(Settings(database=pg_dsn, public_url=URL)) as other:
        assert (await other.get(SESSION, headers=session)).status_code == 200
        assert (await other.delete(SESSION, headers=session)).status_code == 204
        assert (await desk.http.get(SESSION, headers=session)).status_code == 401


def test_the_client_here_keeps_cookies_as_a_browser_does():
    """Otherwise the path and attributes above would be tried by nobody."""
    cookies = httpx.Cookies()
    answer = httpx.Response(
        201,
        headers={"set-cookie": "detente_session=v; Path=/console; Max-Age=9"},
        request=httpx.Request("POST", f"{URL}{SESSION}"),
    )
    cookies.extract_cookies(answer)
    for path, sent in (
        ("/console/session", True),
        ("/console", True),
        ("/v1/whoami", False),
        ("/consoles", False),
    ):
        request = httpx.Request("GET", f"{URL}{path}")
        cookies.set_cookie_header(request)
        assert ("cookie" in request.headers) is sent, path
