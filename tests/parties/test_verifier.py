"""Tokens from issue to refusal on a real PostgreSQL: every wrong kind made by hand."""

import asyncio
import hashlib
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from detente.errors import BadInput, NotAuthenticated, Refused, Unavailable
from detente.parties.external import ExternalIssuer
from detente.parties.issuer import asked_scopes, client_of
from detente.parties.model import AccountBody, AccountChange, PartyBody, Role, TokenForm
from detente.parties.rules import granted_scopes
from detente.parties.signing import make_key
from detente.parties.tokens import make_private_key, private_from_der, public_jwk, sign_token
from detente.parties.verifier import Verifier, VerifierSettings

from .conftest import AUDIENCE, ISSUER, Exchange


@pytest.fixture
async def planner(exchange):
    await exchange.service.add_party("alpha", PartyBody(name="Alpha"), exchange.act())
    return await exchange.service.add_account("alpha", AccountBody("p", Role.PLANNER), exchange.act())


@pytest.fixture
async def own_key(exchange):
    row = await exchange.service.signing.signing_row(exchange.clock())
    return row.span.kid, private_from_der(row.private_pkcs8)


def claims_for(exchange, account, **changes):
    now_s = exchange.clock() // 1_000
    members = {
        "iss": ISSUER,
        "sub": account.account_id,
        "party": account.party_id,
        "aud": AUDIENCE,
        "scope": "plans.read plans.write",
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + 3_600,
        "jti": str(uuid.uuid4()),
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


async def reason_of(exchange, token):
    with pytest.raises(NotAuthenticated) as caught:
        await exchange.verifier.authenticate(token)
    assert exchange.verifier.cached() == 0
    return caught.value.members["reason"]


async def test_a_token_speaks_for_its_account(exchange, planner):
    token = await exchange.token_of(planner)
    who = await exchange.verifier.authenticate(token)
    assert (who.party_id, who.account_id, who.role) == ("alpha", planner.account.account_id, "planner")
    assert who.scopes == granted_scopes(Role.PLANNER, None)
    assert {"plans.write", "utm.strategic_coordination"} < who.scopes
    assert who.token_sha256 == hashlib.sha256(token.encode()).digest()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == {"iss", "sub", "client_id", "party", "scope", "aud", "iat", "nbf", "exp", "jti"}
    assert claims["exp"] - claims["iat"] == 3_600
    assert (
        claims["jti"]
        != jwt.decode(await exchange.token_of(planner), options={"verify_signature": False})["jti"]
    )


async def test_a_token_made_by_hand_as_it_should_be_works(exchange, planner, own_key):
    """Without this, every refusal below could have another reason than the one it names."""
    kid, key = own_key
    token = sign_token(key, kid, claims_for(exchange, planner.account))
    assert (await exchange.verifier.authenticate(token)).scopes == {"plans.read", "plans.write"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.test"}, "wrong-issuer"),
        ({"iss": None}, "missing-claim"),
        ({"aud": "another.test"}, "wrong-audience"),
        ({"aud": None}, "missing-claim"),
        ({"sub": None}, "missing-claim"),
        ({"exp": None}, "missing-claim"),
        ({"iat": None}, "missing-claim"),
        ({"exp": 1_790_000_000 - 30}, "expired"),
        ({"nbf": 1_790_000_000 + 31}, "not-yet-valid"),
        ({"iat": 1_790_000_000 + 31}, "not-yet-valid"),
        ({"exp": 10**29}, "bad-claim"),
        ({"exp": "1890000000"}, "malformed"),
        ({"sub": "00000000-0000-0000-0000-000000000000"}, "unknown-account"),
        ({"sub": "a\x00b"}, "missing-claim"),
        ({"party": "exchange"}, "unknown-account"),
        ({"party": None}, "unknown-account"),
    ],
)
async def test_each_wrong_claim_is_refused(exchange, planner, own_key, changes, reason):
    kid, key = own_key
    token = sign_token(key, kid, claims_for(exchange, planner.account, **changes))
    assert await reason_of(exchange, token) == reason


async def test_wrong_keys_and_algorithms_are_refused(exchange, planner, own_key):
    kid, key = own_key
    claims = claims_for(exchange, planner.account)
    other = make_private_key()
    es256 = ec.generate_private_key(ec.SECP256R1())
    for token, reason in (
        (sign_token(other, kid, claims), "bad-signature"),
        (sign_token(other, public_jwk(other.public_key())["kid"], claims), "unknown-key"),
        (jwt.encode(claims, key, "RS256"), "unknown-key"),
        (jwt.encode(claims, key, "RS512", headers={"kid": kid}), "unknown-key"),
        (jwt.encode(claims, es256, "ES256", headers={"kid": kid}), "unknown-key"),
        (jwt.encode(claims, None, "none", headers={"kid": kid}), "malformed"),
        (jwt.encode(claims, None, "none", headers={"kid": kid}) + "AA", "algorithm"),
        (jwt.encode(claims, "x" * 32, "HS256", headers={"kid": kid}), "algorithm"),
        (jwt.encode(claims, key, "PS256", headers={"kid": kid}), "algorithm"),
        ("x" * 8_193, "malformed"),
        ("\ud800", "malformed"),
        ("é.é.é", "malformed"),
    ):
        assert await reason_of(exchange, token) == reason, token[:60]


async def test_scopes_beyond_the_role_are_not_believed(exchange, planner, own_key):
    kid, key = own_key
    claims = claims_for(exchange, planner.account, scope="plans.write parties.write keys.write")
    assert (await exchange.verifier.authenticate(sign_token(key, kid, claims))).scopes == {"plans.write"}


@pytest.mark.parametrize("stop", ["account", "party"])
async def test_who_is_stopped_is_out_within_a_minute(exchange, planner, stop):
    token = await exchange.token_of(planner)
    await exchange.verifier.authenticate(token)
    if stop == "account":
        change = AccountChange(is_disabled=True)
        await exchange.service.change_account(planner.account.account_id, change, exchange.act())
    else:
        await exchange.service.suspend_party("alpha", exchange.act())
    exchange.clock.pass_s(59)
    await exchange.verifier.authenticate(token)  # documented: up to a minute
    exchange.clock.pass_s(1)
    with pytest.raises(NotAuthenticated) as caught:
        await exchange.verifier.authenticate(token)
    assert caught.value.members["reason"] == "disabled"
    with pytest.raises(NotAuthenticated):
        await exchange.token_of(planner)


async def test_a_changed_role_counts_within_a_minute(exchange, planner):
    token = await exchange.token_of(planner)
    await exchange.verifier.authenticate(token)
    change = AccountChange(role=Role.OBSERVER)
    await exchange.service.change_account(planner.account.account_id, change, exchange.act())
    exchange.clock.pass_s(60)
    assert "plans.write" not in (await exchange.verifier.authenticate(token)).scopes


async def test_a_cached_token_ends_when_it_expires(exchange, planner, own_key):
    kid, key = own_key
    now_s = exchange.clock() // 1_000
    token = sign_token(key, kid, claims_for(exchange, planner.account, exp=now_s + 10))
    await exchange.verifier.authenticate(token)
    exchange.clock.pass_s(10 + 29)
    await exchange.verifier.authenticate(token)  # within the leeway
    exchange.clock.pass_s(1)
    with pytest.raises(NotAuthenticated):
        await exchange.verifier.authenticate(token)


async def test_the_cache_asks_nobody_and_is_bounded(exchange, planner, own_key):
    kid, key = own_key
    verifier = Verifier(exchange.service, clock_ms=exchange.clock, settings=VerifierSettings(cache_tokens=3))
    tokens = [sign_token(key, kid, claims_for(exchange, planner.account)) for _ in range(5)]
    for token in tokens:
        await verifier.authenticate(token)
    assert verifier.cached() == 3
    await exchange.pool.close()
    for token in tokens[2:]:
        await verifier.authenticate(token)
    with pytest.raises(Unavailable):
        await verifier.authenticate(tokens[0])


async def test_a_token_of_our_own_holds_the_standards_scopes_when_they_are_asked_for(exchange, planner):
    asked = "utm.strategic_coordination interuss.pool_status.read utm.constraint_management"
    who = await exchange.verifier.authenticate(await exchange.token_of(planner, scope=asked))
    assert who.scopes == {"utm.strategic_coordination", "interuss.pool_status.read"}
    assert who.party_id == "alpha"


async def test_the_token_answer_follows_the_grant(exchange, planner):
    account, secret = planner.account.account_id, planner.secret
    answer = await exchange.issuer.issue_token(
        TokenForm("client_credentials", account, secret, "plans.read parties.write"), None, exchange.clock()
    )
    assert (answer.token_type, answer.expires_in, answer.scope) == ("Bearer", 3_600, "plans.read")
    other = await exchange.token_of(planner, audience="other.exchange.test")
    await exchange.verifier.authenticate(other)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_secret": None}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_secret": "\ud800"}, "invalid_client"),
        ({"client_secret": "x" * 16_000}, "invalid_client"),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, "invalid_client"),
        ({"client_id": "a\x00b"}, "invalid_client"),
        ({"scope": "parties.write"}, "invalid_scope"),
        ({"scope": "x" * 3_000}, "invalid_scope"),
        ({"audience": "evil.test"}, "invalid_target"),
    ],
)
async def test_token_refusals_have_their_standard_names(exchange, planner, changes, error):
    members = {
        "grant_type": "client_credentials",
        "client_id": planner.account.account_id,
        "client_secret": planner.secret,
    }
    with pytest.raises((BadInput, NotAuthenticated)) as caught:
        await exchange.issuer.issue_token(TokenForm(**{**members, **changes}), None, exchange.clock())
    assert caught.value.members["error"] == error


async def test_unknown_account_and_wrong_secret_get_one_answer(exchange, planner):
    said = []
    for account in (planner.account.account_id, str(uuid.uuid4()), "no-such-form"):
        form = TokenForm("client_credentials", account, "wrong")
        with pytest.raises(NotAuthenticated) as caught:
            await exchange.issuer.issue_token(form, None, exchange.clock())
        said.append((caught.value.detail, caught.value.members))
    assert said[0] == said[1] == said[2]


def test_both_ways_of_saying_who_asks():
    form = TokenForm("client_credentials")
    header = "Basic YSUyQmI6YyUzQWQ="  # a%2Bb : c%3Ad
    assert (client_of(form, header).client_id, client_of(form, header).client_secret) == ("a+b", "c:d")
    with pytest.raises(BadInput):
        client_of(TokenForm(client_secret="s"), header)
    for bad in ("Bearer x", "Basic", "Basic !", "Basic /w==", "Basic YWJj", ""):
        with pytest.raises(NotAuthenticated):
            client_of(form, bad)
    assert asked_scopes(None) is None
    assert asked_scopes("  ") is None
    assert asked_scopes("a  b a") == {"a", "b"}


async def test_rotation_from_first_publication_to_retirement(exchange, planner, clock):
    """Two servers on one database; at no instant is a good token refused or a key unknown."""
    other = Exchange(exchange.pool, clock)
    old_token = await exchange.token_of(planner)
    first = jwt.get_unverified_header(old_token)["kid"]
    for server in (exchange, other):
        await server.verifier.authenticate(old_token)

    keys = await exchange.service.rotate_signing_key(exchange.act())
    second = keys[-1].kid
    assert [key.kid for key in keys] == [first, second]

    # Until the overlap ends the old key signs, and every server publishes both within its refresh.
    clock.pass_s(61)
    for server in (exchange, other):
        assert {key["kid"] for key in (await server.service.signing.jwks())["keys"]} == {first, second}
        assert jwt.get_unverified_header(await server.token_of(planner))["kid"] == first
    clock.pass_s(600 - 61 - 0.001)
    last_old = await other.token_of(planner)
    assert jwt.get_unverified_header(last_old)["kid"] == first

    # Then the new one signs, everywhere at once, and what the old one signed goes on working.
    clock.pass_s(0.001)
    new_token = await exchange.token_of(planner)
    assert jwt.get_unverified_header(new_token)["kid"] == second
    for server in (exchange, other):
        await server.verifier.authenticate(new_token)
        await server.verifier.authenticate(last_old)

    # An hour later the last old token has expired; then its key is gone, from the set as well.
    clock.pass_s(3_600 - 1)
    await other.verifier.authenticate(last_old)
    clock.pass_s(31)
    for server in (exchange, other):
        with pytest.raises(NotAuthenticated):
            await server.verifier.authenticate(last_old)
        assert [key["kid"] for key in (await server.service.signing.jwks())["keys"]] == [second]
        await server.verifier.authenticate(await server.token_of(planner))

    # The next rotation removes the private half of the first.
    await exchange.service.rotate_signing_key(exchange.act())
    assert first not in {row[0] for row in await exchange.pool.fetch("SELECT kid FROM signing_key")}


async def test_a_remembered_token_ends_with_its_key(exchange, planner, own_key, clock):
    """One that claims ten hours, as a thief of the key would make it."""
    kid, key = own_key
    clock.pass_s(1)
    await exchange.service.rotate_signing_key(exchange.act())
    clock.pass_s(600 + 3_600 + 30 - 10)
    now_s = clock() // 1_000
    token = sign_token(key, kid, claims_for(exchange, planner.account, exp=now_s + 36_000))
    await exchange.verifier.authenticate(token)
    clock.pass_s(10)
    with pytest.raises(NotAuthenticated) as caught:
        await exchange.verifier.authenticate(token)
    assert caught.value.members["reason"] == "unknown-key"


async def test_a_server_that_missed_the_publication_learns_the_key_from_the_token(exchange, planner, clock):
    sleeper = Exchange(exchange.pool, clock)
    await sleeper.verifier.authenticate(await exchange.token_of(planner))
    clock.pass_s(29)  # its copy of the keys counts as fresh
    await exchange.service.rotate_signing_key(exchange.act(), at_once=True)
    await sleeper.verifier.authenticate(await exchange.token_of(planner))


async def test_rotation_at_once_ends_every_token_within_a_minute(exchange, planner, clock):
    other = Exchange(exchange.pool, clock)
    stolen = await exchange.token_of(planner)
    for server in (exchange, other):
        await server.verifier.authenticate(stolen)
    clock.pass_s(1)
    await exchange.service.rotate_signing_key(exchange.act(), at_once=True)
    clock.pass_s(60)
    for server in (exchange, other):
        with pytest.raises(NotAuthenticated) as caught:
            await server.verifier.authenticate(stolen)
        assert caught.value.members["reason"] == "unknown-key"
        await server.verifier.authenticate(await server.token_of(planner))


async def test_of_two_services_that_rotate_at_once_one_is_refused(exchange, planner, clock):
    other = Exchange(exchange.pool, clock)
    clock.pass_s(1)
    answers = await asyncio.gather(
        *(server.service.rotate_signing_key(server.act()) for server in (exchange, other, exchange, other)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Refused"] * 3 + ["tuple"], answers
    assert await exchange.pool.fetchval("SELECT count(*) FROM signing_key WHERE retires_ms IS NULL") == 1
    assert await exchange.pool.fetchval("SELECT count(*) FROM statement WHERE type = 'key.rotated'") == 2
    await other.verifier.authenticate(await exchange.token_of(planner))


async def test_a_rotation_waits_for_one_that_is_not_committed_yet(exchange, clock):
    """The two at their worst moment: the second decides while the first has written and not committed."""
    clock.pass_s(1)
    keys = [await make_key(), await make_key()]
    signing = exchange.service.signing
    async with exchange.pool.acquire() as first, exchange.pool.acquire() as second:
        transaction = first.transaction()
        await transaction.start()
        await signing.add(first, keys[0], exchange.act(), at_once=False)

        async def add_second():
            async with second.transaction():
                await signing.add(second, keys[1], exchange.act(), at_once=False)

        waiting = asyncio.create_task(add_second())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await transaction.commit()
        with pytest.raises(Refused):
            await waiting


async def test_own_issuer_cannot_be_taken_by_a_foreign_one(exchange):
    foreign = ExternalIssuer(issuer=ISSUER, audience=AUDIENCE, jwks_url="https://evil.test/jwks")
    with pytest.raises(BadInput):
        Verifier(exchange.service, clock_ms=exchange.clock, external=[foreign])
