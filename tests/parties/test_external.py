"""Foreign issuers: keys by PEM file and by a JWKS that a real HTTP server gives, or fails to."""

import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detente.errors import BadInput, NotAuthenticated, Unavailable
from detente.parties.external import ExternalIssuer, ScopeHandling, fetch_jwks, key_fetcher
from detente.parties.keycache import KeyCache, KeyCacheTimes
from detente.parties.model import AccountBody, AccountKind, ExternalSubject, PartyBody, Role
from detente.parties.rules import granted_scopes
from detente.parties.tokens import Header, make_private_key

from .conftest import Exchange

IDP = "https://idp.test/realm"
RSA = make_private_key()
EC = ec.generate_private_key(ec.SECP256R1())


def jwk(private, kid):
    kind = jwt.algorithms.ECAlgorithm if private is EC else jwt.algorithms.RSAAlgorithm
    return {**json.loads(kind.to_jwk(private.public_key())), "kid": kid, "use": "sig"}


class KeyServer:
    """What the server answers next, and how often it was asked."""

    def __init__(self):
        self.status = 200
        self.body = b""
        self.asked = 0
        self.location = None
        self.gate = threading.Event()
        self.gate.set()

    def serve(self, *keys):
        self.body = json.dumps({"keys": list(keys)}).encode()


@contextmanager
def http_server(answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answers.asked += 1
            answers.gate.wait(10)
            self.send_response(answers.status)
            if answers.location:
                self.send_header("location", answers.location)
            self.send_header("content-length", str(len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
    finally:
        answers.gate.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def key_server():
    answers = KeyServer()
    answers.serve(jwk(RSA, "one"))
    with http_server(answers) as url:
        answers.url = url
        yield answers


def token(clock, private=RSA, kid="one", algorithm="RS256", **changes):
    now_s = clock() // 1_000
    claims = {
        "iss": IDP,
        "sub": "anna",
        "aud": "exchange",
        "iat": now_s,
        "exp": now_s + 7_200,
        "scope": "plans.read",
    }
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(claims, private, algorithm, headers={"kid": kid} if kid else None)


async def server_with(exchange, external, subject="anna", role=Role.PLANNER):
    await exchange.service.add_party("alpha", PartyBody(name="Alpha"), exchange.act())
    body = AccountBody("anna", role, AccountKind.PERSON, ExternalSubject(external.issuer, subject))
    await exchange.service.add_account("alpha", body, exchange.act())
    return Exchange(exchange.pool, exchange.clock, [external]).verifier


async def refusal(verifier, text):
    with pytest.raises(NotAuthenticated) as caught:
        await verifier.authenticate(text)
    return caught.value.members["reason"]


async def test_a_foreign_token_speaks_for_the_mapped_account(exchange, key_server, clock):
    verifier = await server_with(exchange, ExternalIssuer(IDP, "exchange", jwks_url=key_server.url))
    who = await verifier.authenticate(token(clock, scope="plans.read keys.write"))
    assert (who.party_id, who.role, who.scopes) == ("alpha", "planner", {"plans.read"})
    assert (await verifier.authenticate(token(clock, scope=None, scp=["plans.write"]))).scopes == {
        "plans.write"
    }
    assert (await verifier.authenticate(token(clock, scope=None))).scopes == frozenset()
    for changes, reason in (
        ({"sub": "bert"}, "unknown-account"),
        ({"aud": "exchange.test"}, "wrong-audience"),
        ({"iss": IDP + "/"}, "wrong-issuer"),
        ({"iss": "https://exchange.test"}, "unknown-key"),
        ({"private": make_private_key()}, "bad-signature"),
        ({"kid": None}, "unknown-key"),
        ({"private": EC, "algorithm": "ES256"}, "unknown-key"),
    ):
        assert await refusal(verifier, token(clock, **changes)) == reason, changes


async def test_an_es256_issuer_and_another_subject_claim_and_scopes_by_role(exchange, key_server, clock):
    key_server.serve(jwk(EC, "ec"))
    external = ExternalIssuer(
        IDP, "exchange", key_server.url, subject_claim="email", scope_handling=ScopeHandling.ROLE
    )
    verifier = await server_with(exchange, external, subject="anna@alpha.test", role=Role.OBSERVER)
    good = token(clock, EC, "ec", "ES256", email="anna@alpha.test")
    assert (await verifier.authenticate(good)).scopes == granted_scopes(Role.OBSERVER, None)
    assert await refusal(verifier, token(clock, EC, "ec", "ES256")) == "missing-claim"
    assert (
        await refusal(verifier, token(clock, EC, "ec", "ES256", email=["anna@alpha.test"])) == "missing-claim"
    )


async def test_a_pem_file(exchange, clock, tmp_path):
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        RSA.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    verifier = await server_with(exchange, ExternalIssuer(IDP, "exchange", pem_file=pem))
    for kid in (None, "whatever"):
        await verifier.authenticate(token(clock, kid=kid))
    assert await refusal(verifier, token(clock, make_private_key())) == "bad-signature"


async def test_an_issuers_new_key_is_learnt_from_its_first_token_but_not_asked_for_at_will(
    exchange, key_server, clock
):
    verifier = await server_with(exchange, ExternalIssuer(IDP, "exchange", jwks_url=key_server.url))
    await verifier.authenticate(token(clock))
    key_server.serve(jwk(RSA, "one"), jwk(EC, "two"))
    clock.pass_s(10)
    await verifier.authenticate(token(clock, EC, "two", "ES256"))
    assert key_server.asked == 2
    for number in range(50):
        assert await refusal(verifier, token(clock, kid=f"unknown-{number}")) == "unknown-key"
    assert key_server.asked == 2
    clock.pass_s(10)
    await refusal(verifier, token(clock, kid="unknown"))
    assert key_server.asked == 3


async def test_a_withdrawn_key_ends_with_the_refresh(exchange, key_server, clock):
    verifier = await server_with(exchange, ExternalIssuer(IDP, "exchange", jwks_url=key_server.url))
    stolen = token(clock)
    await verifier.authenticate(stolen)
    key_server.serve(jwk(EC, "two"))
    clock.pass_s(601)
    assert await refusal(verifier, stolen) == "unknown-key"


async def test_old_keys_survive_a_failing_issuer_for_a_day(exchange, key_server, clock):
    verifier = await server_with(exchange, ExternalIssuer(IDP, "exchange", jwks_url=key_server.url))
    await verifier.authenticate(token(clock))
    for status, body in (
        (500, b"{}"),
        (200, b"<html>"),
        (200, b'{"keys":[]}'),
        (200, b"x" * 300_000),
        (302, b""),
    ):
        key_server.status, key_server.body = status, body
        asked = key_server.asked
        clock.pass_s(601)
        await verifier.authenticate(token(clock))
        assert key_server.asked == asked + 1, status
    clock.pass_s(86_400)
    with pytest.raises(Unavailable):
        await verifier.authenticate(token(clock))
    key_server.status = 200
    key_server.serve(jwk(RSA, "one"))
    clock.pass_s(10)
    await verifier.authenticate(token(clock))


async def test_an_issuer_that_never_answered_is_unavailable_not_a_refusal(exchange, clock):
    external = ExternalIssuer(IDP, "exchange", jwks_url="http://127.0.0.1:9/jwks")
    verifier = await server_with(exchange, external)
    with pytest.raises(Unavailable):
        await verifier.authenticate(token(clock))


async def test_redirects_are_not_followed(key_server):
    elsewhere = KeyServer()
    elsewhere.serve(jwk(EC, "evil"))
    with http_server(elsewhere) as url:
        key_server.status, key_server.location = 302, url
        with pytest.raises(Unavailable):
            await fetch_jwks(key_server.url)
    assert elsewhere.asked == 0


async def test_a_key_set_that_is_too_large_is_not_read_though_it_is_one(key_server):
    key_server.body += b" " * 262_144
    with pytest.raises(BadInput):
        await fetch_jwks(key_server.url)


async def test_the_refresh_happens_behind_the_scenes_and_once(key_server, clock):
    cache = KeyCache(lambda: fetch_jwks(key_server.url), KeyCacheTimes(), clock)
    found = await asyncio.gather(*(cache.keys() for _ in range(20)))
    assert key_server.asked == 1
    assert all([key.kid for key in keys] == ["one"] for keys in found)
    key_server.serve(jwk(EC, "two"))
    clock.pass_s(301)
    key_server.gate.clear()  # the issuer takes its time: nobody waits for it
    assert [key.kid for key in await asyncio.wait_for(cache.keys(), 1)] == ["one"]
    key_server.gate.set()
    for _ in range(200):
        if [key.kid for key in await cache.keys()] == ["two"]:
            break
        await asyncio.sleep(0.01)
    assert [key.kid for key in await cache.keys()] == ["two"]
    assert key_server.asked == 2
    await cache.close()


async def test_one_caller_who_gives_up_does_not_end_the_fetch_of_the_others(key_server, clock):
    cache = KeyCache(lambda: fetch_jwks(key_server.url), KeyCacheTimes(), clock)
    key_server.gate.clear()
    first, second = asyncio.create_task(cache.keys()), asyncio.create_task(cache.keys())
    await asyncio.sleep(0.05)
    first.cancel()
    key_server.gate.set()
    assert [key.kid for key in await second] == ["one"]
    assert key_server.asked == 1


async def test_a_clock_that_goes_back_does_not_keep_old_keys_forever(key_server, clock):
    cache = KeyCache(lambda: fetch_jwks(key_server.url), KeyCacheTimes(), clock)
    await cache.keys()
    key_server.serve(jwk(EC, "two"))
    clock.pass_s(-100_000)
    assert [key.kid for key in await cache.keys()] == ["two"]
    assert await cache.find(Header("ES256", "one")) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"jwks_url": "https://idp.test/jwks", "pem_file": "x"},
        {"jwks_url": "http://idp.test/jwks"},
        {"jwks_url": "http://127.0.0.1.evil.test/jwks"},
        {"jwks_url": "file:///etc/passwd"},
        {"jwks_url": ""},
    ],
)
def test_configurations_that_cannot_be_trusted_are_refused_at_the_start(changes):
    with pytest.raises(BadInput):
        key_fetcher(ExternalIssuer(IDP, "exchange", **changes))


def test_a_missing_pem_file_is_met_at_the_start(tmp_path):
    with pytest.raises(BadInput):
        key_fetcher(ExternalIssuer(IDP, "exchange", pem_file=tmp_path / "none.pem"))
