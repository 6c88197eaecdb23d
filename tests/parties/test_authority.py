"""An authority's tokens name parties by their subject; every wrong kind is made by hand and refused."""

import base64
import hashlib
import hmac
import json
import warnings
from pathlib import Path

import jwt
import pytest
import structlog.testing
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detente.errors import BadInput, NotAuthenticated
from detente.parties.authority import read_authority, tell_of_weak_keys
from detente.parties.external import ExternalIssuer
from detente.parties.model import AccountBody, PartyBody, Role
from detente.parties.tokens import make_private_key, private_from_der
from detente.parties.verifier import Verifier

from .conftest import AUDIENCE, ISSUER

AUTHORITY = make_private_key()
FOREIGN = make_private_key()
STRATEGIC = "utm.strategic_coordination"


def pem_of(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def write(folder, name, key):
    path = folder / name
    path.write_bytes(pem_of(key))
    return str(path)


class House:
    """An exchange that trusts an authority, beside its own issuer and a foreign one."""

    def __init__(self, exchange, folder):
        self.exchange = exchange
        self.clock = exchange.clock
        foreign = ExternalIssuer(
            "https://foreign.test", AUDIENCE, pem_file=Path(write(folder, "foreign.pem", FOREIGN))
        )
        self.verifier = Verifier(
            exchange.service,
            clock_ms=exchange.clock,
            external=[foreign],
            authority=read_authority([write(folder, "authority.pem", AUTHORITY)]),
        )

    def claims(self, **changes):
        now_s = self.clock() // 1_000
        members = {"iss": "dummy", "sub": "uss1", "aud": AUDIENCE, "scope": STRATEGIC, "exp": now_s + 3_600}
        return {name: value for name, value in {**members, **changes}.items() if value is not None}

    def token(self, key=AUTHORITY, algorithm="RS256", headers=None, **changes):
        return jwt.encode(self.claims(**changes), key, algorithm, headers=headers)

    async def reason_of(self, token):
        with pytest.raises(NotAuthenticated) as caught:
            await self.verifier.authenticate(token)
        assert self.verifier.cached() == 0
        return caught.value.members["reason"]


@pytest.fixture
async def house(exchange, tmp_path):
    one = House(exchange, tmp_path)
    yield one
    await one.verifier.close()


async def test_a_token_of_the_authority_speaks_for_its_subject(house):
    token = house.token(scope=f"{STRATEGIC} utm.constraint_processing", nbf=house.clock() // 1_000, jti="x")
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT"}
    who = await house.verifier.authenticate(token)
    assert (who.party_id, who.account_id, who.role) == ("uss1", "authority:uss1", "uss")
    assert who.scopes == {STRATEGIC, "utm.constraint_processing"}
    assert who.token_sha256 == hashlib.sha256(token.encode()).digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": ""},
        {"iss": "https://anything.test"},
        {"aud": ["elsewhere", AUDIENCE]},
        {"aud": "other.exchange.test"},
        {"sub": "USS One_2"},
        {"headers": {"kid": "any"}},
    ],
    ids=str,
)
async def test_what_an_authority_may_leave_out_or_choose(house, changes):
    who = await house.verifier.authenticate(house.token(**changes))
    assert who.party_id == changes.get("sub", "uss1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "elsewhere"}, "wrong-audience"),
        ({"aud": None}, "missing-claim"),
        ({"exp": None}, "missing-claim"),
        ({"exp": 1_790_000_000 - 30}, "expired"),
        ({"nbf": 1_790_000_000 + 31}, "not-yet-valid"),
        ({"sub": None}, "missing-claim"),
        ({"sub": ""}, "missing-claim"),
        ({"sub": "exchange"}, "bad-claim"),
        ({"sub": "x" * 201}, "bad-claim"),
        ({"sub": "a\x00b"}, "bad-claim"),
        ({"sub": "a\r\nb"}, "bad-claim"),
        ({"key": FOREIGN}, "bad-signature"),
    ],
)
async def test_each_wrong_claim_and_another_key_are_refused(house, changes, reason):
    assert await house.reason_of(house.token(**changes)) == reason


async def test_unsigned_tokens_and_words_for_keys_are_refused(house):
    claims = house.claims()
    head, payload, signature = house.token().split(".")
    unsigned = jwt.encode(claims, None, "none")
    for token, reason in (
        (unsigned, "malformed"),
        (unsigned + "AA", "algorithm"),
        (jwt.encode(claims, "x" * 64, "HS256"), "algorithm"),
        (forged_hs256(claims), "algorithm"),
        (f"{head}.{payload}.", "malformed"),
        (f"{head}.{payload}.{'A' * len(signature)}", "bad-signature"),
        (jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256"), "unknown-key"),
        (jwt.encode(claims, AUTHORITY, "PS256"), "algorithm"),
    ):
        assert await house.reason_of(token) == reason, token[:80]


def forged_hs256(claims):
    """Signed with the text of the public key as if it were a shared secret."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signed = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return b".".join((signed, part(hmac.digest(pem_of(AUTHORITY), signed, "sha256")))).decode()


async def test_an_issuer_known_by_name_is_verified_with_its_own_keys_only(house):
    """Whoever holds the authority's key must not speak as another issuer, nor another as the authority."""
    exchange = house.exchange
    row = await exchange.service.signing.signing_row(exchange.clock())
    own = private_from_der(row.private_pkcs8)
    kid = {"kid": row.span.kid}
    administrator = exchange.administrator.account
    as_administrator = {
        "sub": administrator.account_id,
        "party": "exchange",
        "scope": "parties.write keys.write",
        "iat": exchange.clock() // 1_000,
    }
    for token, reason in (
        (house.token(iss=ISSUER, headers=kid, **as_administrator), "bad-signature"),
        (house.token(iss=ISSUER, **as_administrator), "unknown-key"),
        (house.token(iss="https://foreign.test"), "bad-signature"),
        (house.token(key=own, headers=kid), "bad-signature"),
        (house.token(key=own, headers=kid, iss=None), "bad-signature"),
        (house.token(key=FOREIGN, iss=ISSUER, headers=kid, **as_administrator), "bad-signature"),
    ):
        assert await house.reason_of(token) == reason, jwt.decode(token, options={"verify_signature": False})
    # The same claims by the right key are believed: so it is the key that was refused.
    good = house.token(key=own, iss=ISSUER, headers=kid, **as_administrator)
    assert (await house.verifier.authenticate(good)).scopes == {"parties.write", "keys.write"}


async def test_our_own_scopes_are_not_the_authoritys_to_give(house):
    asked = "plans.read plans.write parties.write keys.write metrics.read rid.display_provider interuss.x.y"
    who = await house.verifier.authenticate(house.token(scope=f"{asked} {STRATEGIC}"))
    assert who.scopes == {STRATEGIC, "rid.display_provider", "interuss.x.y"}
    for nothing in ({"scope": "plans.read"}, {"scope": None}, {"scope": ""}):
        assert (await house.verifier.authenticate(house.token(**nothing))).scopes == frozenset()


async def test_a_registered_party_of_that_name_is_the_same_and_stops_when_it_is_suspended(house):
    service, act = house.exchange.service, house.exchange.act
    await service.add_party("uss1", PartyBody(name="One"), act())
    added = await service.add_account("uss1", AccountBody("p", Role.PLANNER), act())
    native = await house.verifier.authenticate(await house.exchange.token_of(added))
    token = house.token()
    who = await house.verifier.authenticate(token)
    assert who.party_id == native.party_id
    await service.suspend_party("uss1", act())
    house.clock.pass_s(59)
    await house.verifier.authenticate(token)  # documented: up to a minute
    house.clock.pass_s(1)
    with pytest.raises(NotAuthenticated) as caught:
        await house.verifier.authenticate(token)
    assert caught.value.members["reason"] == "disabled"
    await service.suspend_party("uss1", act(), is_suspended=False)
    await house.verifier.authenticate(token)


async def test_a_verified_token_is_remembered_until_it_expires(house):
    token = house.token(exp=house.clock() // 1_000 + 10)
    await house.verifier.authenticate(token)
    assert house.verifier.cached() == 1
    await house.exchange.pool.close()
    await house.verifier.authenticate(token)
    house.clock.pass_s(41)
    with pytest.raises(NotAuthenticated):
        await house.verifier.authenticate(token)


async def test_without_an_authority_such_a_token_is_from_nobody(exchange, house):
    with pytest.raises(NotAuthenticated) as caught:
        await exchange.verifier.authenticate(house.token())
    assert caught.value.members["reason"] == "wrong-issuer"


async def test_any_of_several_keys_will_do(exchange, clock, tmp_path):
    curve = ec.generate_private_key(ec.SECP256R1())
    paths = [write(tmp_path, f"{at}.pem", key) for at, key in enumerate((FOREIGN, AUTHORITY, curve))]
    verifier = Verifier(exchange.service, clock_ms=clock, authority=read_authority(paths))
    claims = {"sub": "uss2", "aud": AUDIENCE, "exp": clock() // 1_000 + 60}
    for key, algorithm in ((FOREIGN, "RS256"), (AUTHORITY, "RS512"), (curve, "ES256")):
        assert (await verifier.authenticate(jwt.encode(claims, key, algorithm))).party_id == "uss2"


def test_a_file_that_is_no_key_is_refused_by_name(tmp_path):
    private = tmp_path / "private.pem"
    private.write_bytes(
        AUTHORITY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (tmp_path / "empty.pem").touch()
    other_curve = write(tmp_path, "p384.pem", ec.generate_private_key(ec.SECP384R1()))
    for path in (
        str(private),
        str(tmp_path / "empty.pem"),
        str(tmp_path / "none.pem"),
        other_curve,
        str(tmp_path),
    ):
        with pytest.raises(BadInput) as refusal:
            read_authority([path])
        assert refusal.value.members["field"] == "trust_key"
        assert path in refusal.value.detail


async def test_a_short_key_is_taken_with_a_warning(exchange, clock, tmp_path):
    """Test environments have such keys; the operator who names one is told what it is worth."""
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505 - that is the point
    keys = read_authority([write(tmp_path, "short.pem", short)])
    verifier = Verifier(exchange.service, clock_ms=clock, authority=keys)
    claims = {"sub": "uss1", "aud": AUDIENCE, "exp": clock() // 1_000 + 60}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, of both
        token = jwt.encode(claims, short, "RS256")
        assert (await verifier.authenticate(token)).party_id == "uss1"
    with structlog.testing.capture_logs() as said:
        tell_of_weak_keys(keys)
        tell_of_weak_keys(read_authority([write(tmp_path, "long.pem", AUTHORITY)]))
    assert [(line["event"], line["bits"]) for line in said] == [("weak_trust_key", 1_024)]
