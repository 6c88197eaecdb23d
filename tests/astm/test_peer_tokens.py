"""Tokens from an authority: both forms of asking, remembering, renewing, failing."""

import asyncio
import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from detente.astm.peer_tokens import ClientSecret, PeerTokens
from detente.errors import BadInput, Unavailable

from .peer_server import running

SCOPE = "utm.strategic_coordination"


def jwt_of(**claims):
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


class Authority:
    """Gives numbered tokens that are good for an hour, in the forms it offers."""

    def __init__(self, clock, forms=("GET",)):
        self.clock = clock
        self.forms = forms
        self.refuses_with = 405
        self.answer = None
        self.given = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, asked):
        await self.gate.wait()
        if asked.method not in self.forms:
            return (self.refuses_with, b"")
        if self.answer is not None:
            return self.answer
        self.given += 1
        return 200, {"access_token": jwt_of(exp=self.clock() // 1_000 + 3_600, n=self.given)}


def asking(peer, clock, **more):
    return PeerTokens(peer.url + "/token", "uss1", clock, allows_http=True, **more)


async def why(awaitable):
    with pytest.raises(Unavailable) as caught:
        await awaitable
    assert caught.value.members["authority"] in caught.value.detail
    return caught.value.members["why"]


async def test_the_form_by_get(clock):
    async with running(Authority(clock)) as peer:
        await asking(peer, clock, client=ClientSecret("me", "s3cret")).get("uss.test", SCOPE)
        await asking(peer, clock, issuer="dummy").get("uss.test", SCOPE)
    assert parse_qs(urlsplit(peer.asked[0].target).query) == {
        "grant_type": ["client_credentials"],
        "scope": [SCOPE],
        "intended_audience": ["uss.test"],
        "issuer": ["127.0.0.1"],
        "sub": ["uss1"],
    }
    assert "authorization" not in peer.asked[0].headers
    assert "s3cret" not in str(peer.asked)
    assert parse_qs(urlsplit(peer.asked[1].target).query)["issuer"] == ["dummy"]


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_the_form_by_post_is_found_and_remembered(clock, status):
    authority = Authority(clock, forms=("POST",))
    authority.refuses_with = status
    async with running(authority) as peer:
        tokens = asking(peer, clock, client=ClientSecret("me", "s3cret"))
        await tokens.get("uss.test", SCOPE)
        await tokens.get("other.test", SCOPE)
    assert [asked.method for asked in peer.asked] == ["GET", "POST", "POST"]
    posted = peer.asked[1]
    assert parse_qs(posted.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": [SCOPE],
        "intended_audience": ["uss.test"],
        "audience": ["uss.test"],
        "issuer": ["127.0.0.1"],
        "sub": ["uss1"],
    }
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    assert posted.headers["authorization"] == "Basic " + base64.b64encode(b"me:s3cret").decode()


async def test_an_authority_that_changes_its_form_is_followed(clock):
    authority = Authority(clock, forms=("POST",))
    async with running(authority) as peer:
        tokens = asking(peer, clock)
        await tokens.get("a.test", SCOPE)
        authority.forms = ("GET",)
        await tokens.get("b.test", SCOPE)
        authority.forms = ()
        assert await why(tokens.get("c.test", SCOPE)) == "it answered 405"
    assert "authorization" not in peer.asked[1].headers


async def test_a_refusal_is_no_other_form(clock):
    authority = Authority(clock, forms=("GET", "POST"))
    authority.answer = (403, b"")
    async with running(authority) as peer:
        assert await why(asking(peer, clock).get("a.test", SCOPE)) == "it answered 403"
    assert [asked.method for asked in peer.asked] == ["GET"]


async def test_a_token_is_remembered_until_shortly_before_its_end(clock):
    async with running(Authority(clock)) as peer:
        tokens = asking(peer, clock)
        first = await tokens.get("a.test", SCOPE)
        clock.pass_s(3_569)
        assert await tokens.get("a.test", SCOPE) == first
        assert len(peer.asked) == 1
        clock.pass_s(1)
        assert await tokens.get("a.test", SCOPE) != first
        assert await tokens.get("a.test", "another") != await tokens.get("b.test", SCOPE)
    assert len(peer.asked) == 4


@pytest.mark.parametrize(
    ("answer", "kept_s"),
    [
        ({"access_token": "opaque", "expires_in": 100}, 70),
        ({"access_token": "opaque", "expires_in": "100"}, 70),
        ({"access_token": "opaque", "expires_in": 20}, 10),
        ({"access_token": "opaque"}, 30),
        ({"access_token": "opaque", "expires_in": "soon"}, 30),
        ({"access_token": "opaque", "expires_in": 1e300}, 30),
        ({"access_token": "opaque", "expires_in": 100_000}, 3_570),
        ({"access_token": "a.!!!.b"}, 30),
        ({"access_token": jwt_of(exp="x")}, 30),
        ({"access_token": jwt_of()}, 30),
        ({"access_token": jwt_of(exp=10**14)}, 30),
        ({"access_token": jwt_of(exp=1_790_000_000 + 200), "expires_in": 100}, 70),
        ({"access_token": jwt_of(exp=1_790_000_000 + 200), "expires_in": 1_000}, 170),
        ({"access_token": jwt_of(exp=1_790_000_000 - 5)}, 0),
    ],
)
async def test_how_long_a_token_is_good_for(clock, answer, kept_s):
    async with running((200, answer)) as peer:
        tokens = asking(peer, clock)
        await tokens.get("a.test", SCOPE)
        clock.pass_s(kept_s - 0.001)
        if kept_s:
            await tokens.get("a.test", SCOPE)
            assert len(peer.asked) == 1
        clock.pass_s(0.001)
        await tokens.get("a.test", SCOPE)
    assert len(peer.asked) == 2


async def test_one_request_at_a_time_and_one_who_hangs_up_does_not_end_it(clock):
    authority = Authority(clock)
    authority.gate.clear()
    async with running(authority) as peer:
        tokens = asking(peer, clock)
        waiting = [asyncio.create_task(tokens.get("a.test", SCOPE)) for _ in range(20)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        authority.gate.set()
        given = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(given[0], asyncio.CancelledError)
    assert len(set(given[1:])) == len(peer.asked) == 1


async def test_an_old_token_is_used_to_its_end_while_the_authority_fails(clock):
    authority = Authority(clock)
    async with running(authority) as peer:
        tokens = asking(peer, clock)
        first = await tokens.get("a.test", SCOPE)
        authority.answer = (500, b"")
        clock.pass_s(3_599)
        assert await tokens.get("a.test", SCOPE) == first
        clock.pass_s(2)
        assert await why(tokens.get("a.test", SCOPE)) == "it answered 500"
        authority.answer = None
        clock.pass_s(1)
        assert await tokens.get("a.test", SCOPE) != first
    assert len(peer.asked) == 4


async def test_a_failing_authority_is_asked_once_a_second(clock):
    authority = Authority(clock)
    authority.answer = (500, b"")
    async with running(authority) as peer:
        tokens = asking(peer, clock)
        for _ in range(10):
            assert await why(tokens.get("a.test", SCOPE)) == "it answered 500"
        assert len(peer.asked) == 1
        clock.pass_s(1)
        await why(tokens.get("a.test", SCOPE))
    assert len(peer.asked) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"access_token":""}',
        b'{"access_token":7}',
        b'{"access_token":"a\\r\\nx: y"}',
        '{"access_token":"é"}'.encode(),
        b'{"access_token":"\xff"}',
    ],
)
async def test_what_is_no_token(clock, body):
    async with running((200, body)) as peer:
        assert await why(asking(peer, clock).get("a.test", SCOPE)) == "it answered what is no token"


async def test_silent_huge_gone_and_leading_elsewhere(clock):
    gate = asyncio.Event()

    async def silent(_asked):
        await gate.wait()

    async with running(silent) as peer:
        tokens = asking(peer, clock, timeout_s=0.3)
        assert await why(tokens.get("a.test", SCOPE)) == "it does not answer within 0.3 s"
        gate.set()
    assert "cannot be reached" in await why(tokens.get("b.test", SCOPE))
    async with running((200, b" " * 70_000 + b'{"access_token":"a"}')) as peer:
        assert await why(asking(peer, clock).get("a.test", SCOPE)) == "it answers too much"
    async with running((200, {"access_token": "a"})) as elsewhere:
        async with running((302, b"", (f"location: {elsewhere.url}",))) as peer:
            assert await why(asking(peer, clock).get("a.test", SCOPE)) == "it answered 302"
        assert elsewhere.connections == 0


async def test_a_token_that_a_peer_does_not_take_is_changed_unless_it_is_new(clock):
    async with running(Authority(clock)) as peer:
        tokens = asking(peer, clock)
        first = await tokens.get("a.test", SCOPE)
        tokens.forget("a.test", SCOPE, first)
        assert await tokens.get("a.test", SCOPE) == first
        clock.pass_s(10)
        tokens.forget("a.test", SCOPE, "another")
        assert await tokens.get("a.test", SCOPE) == first
        tokens.forget("a.test", SCOPE, first)
        tokens.forget("a.test", SCOPE, first)
        assert await tokens.get("a.test", SCOPE) != first
    assert len(peer.asked) == 2


async def test_a_clock_that_goes_back_makes_a_token_unknown(clock):
    async with running(Authority(clock)) as peer:
        tokens = asking(peer, clock)
        await tokens.get("a.test", SCOPE)
        clock.pass_s(-100_000)
        await tokens.get("a.test", SCOPE)
    assert len(peer.asked) == 2


async def test_only_so_many_tokens_are_remembered(clock):
    async with running(Authority(clock)) as peer:
        tokens = asking(peer, clock, most=2)
        for host in ("a.test", "b.test", "a.test", "c.test", "a.test"):
            await tokens.get(host, SCOPE)
        assert len(peer.asked) == 3
        await tokens.get("b.test", SCOPE)
    assert len(peer.asked) == 4


@pytest.mark.parametrize(
    "url", ["http://auth.test/token", "auth.test", "", "https://", "https://me:s3cret@auth.test/token"]
)
def test_an_authority_that_cannot_be_trusted(clock, url):
    with pytest.raises(BadInput) as caught:
        PeerTokens(url, "uss1", clock)
    assert "s3cret" not in str(caught.value.members)


async def test_no_secret_shows(clock):
    assert "s3cret" not in repr(ClientSecret("me", "s3cret"))
    tokens = PeerTokens("http://127.0.0.1:9/token?key=s3cret", "uss1", clock, allows_http=True)
    with pytest.raises(Unavailable) as caught:
        await tokens.get("a.test", SCOPE)
    assert "s3cret" not in f"{caught.value.detail} {caught.value.members}"
