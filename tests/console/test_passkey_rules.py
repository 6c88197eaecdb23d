"""Where passkeys work, what a counter may do, what is read of what a stranger sends; without a server."""

import subprocess
import sys

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.console import passkey_proof
from detente.console.passkey_challenges import SIGN_IN, Challenges, adding
from detente.console.passkey_model import RelyingParty, SignInBody
from detente.console.passkey_proof import challenge_in, check_assertion, check_attestation
from detente.console.passkey_rules import (
    CHALLENGE_S,
    assertion_of,
    check_may_add,
    counter_holds,
    may_remove_all,
    octets_of,
    relying_party,
    text_of,
)
from detente.console.session_model import SessionRow
from detente.errors import NotAllowed
from tests.console.authenticator import Authenticator, cose_of

NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize(
    ("url", "rp_id", "origin"),
    [
        ("https://exchange.example", "exchange.example", "https://exchange.example"),
        ("https://Exchange.Example:443/", "exchange.example", "https://exchange.example"),
        ("https://exchange.example:8440/below", "exchange.example", "https://exchange.example:8440"),
        ("https://détente.example", "xn--dtente-bva.example", "https://xn--dtente-bva.example"),
        ("http://localhost:8440", "localhost", "http://localhost:8440"),
        ("http://localhost", "localhost", "http://localhost"),
        ("http://valley.localhost:80", "valley.localhost", "http://valley.localhost"),
        ("http://127.0.0.1:8440", "localhost", "http://localhost:8440"),
        ("http://[::1]:8440", "localhost", "http://localhost:8440"),
    ],
)
def test_passkeys_are_for_one_name_and_one_page(url, rp_id, origin):
    assert relying_party(url) == RelyingParty(rp_id, origin)


@pytest.mark.parametrize(
    "url",
    [
        "http://exchange.example",
        "http://notlocalhost:8440",
        "http://192.0.2.1:8440",
        "https://192.0.2.1",
        "https://127.0.0.1:8440",
        "https://[2001:db8::1]",
        "http://0.0.0.0:8440",
        f"https://{'a' * 64}.example",
    ],
)
def test_where_browsers_allow_none_there_are_none(url):
    assert relying_party(url) is None


@pytest.mark.parametrize(
    ("known", "shown", "holds"),
    [(0, 0, True), (0, 1, True), (7, 8, True), (7, 7, False), (7, 6, False), (7, 0, False)],
)
def test_a_counter_goes_up_or_stays_at_zero(known, shown, holds):
    assert counter_holds(known, shown) is holds


@given(st.binary(max_size=80))
def test_octets_have_one_spelling(octets):
    text = text_of(octets)
    assert octets_of(text, 80) == octets
    for other in (f"{text}=", f"{text}\n", f" {text}", f"{text}A" if len(text) % 4 == 0 else f"{text}+"):
        assert octets_of(other, 100) is None


def test_octets_are_held_to_their_length_and_alphabet():
    assert octets_of("AAAA", 3) == bytes(3)
    assert octets_of("AAAA", 2) is None
    for bad in ("A", "AB", "A+AA", "A/AA", "é", "\ud800", "AA=="):
        assert octets_of(bad, 100) is None, bad


def session(made_ms, role="planner"):
    return SessionRow("s", made_ms, made_ms, made_ms + 1, "a", "a", role, "p", "p", ("en",), "e")


def test_only_a_session_of_the_last_hour_adds_a_passkey():
    check_may_add(session(NOW_MS - 3_600_000), NOW_MS)
    with pytest.raises(NotAllowed) as refused:
        check_may_add(session(NOW_MS - 3_600_001), NOW_MS)
    assert refused.value.members["reason"] == "sign-in-too-old"


def test_administrators_alone_remove_what_is_not_theirs():
    roles = ("planner", "duty_officer", "authority", "observer", "administrator")
    assert [role for role in roles if may_remove_all(role)] == ["administrator"]


def test_a_challenge_is_for_one_purpose_one_exchange_and_five_minutes():
    ours = Challenges(b"k" * 32)
    sealed = ours.seal(SIGN_IN, NOW_MS)
    last_ms = NOW_MS + CHALLENGE_S * 1_000 - 1
    opened = Challenges(b"k" * 32).open(sealed, SIGN_IN, last_ms)
    assert opened.expires_ms == last_ms + 1
    assert ours.open(sealed, SIGN_IN, last_ms + 1) is None
    assert ours.open(sealed, adding("s"), NOW_MS) is None
    assert Challenges(b"j" * 32).open(sealed, SIGN_IN, NOW_MS) is None
    assert ours.open(ours.seal(adding("s"), NOW_MS), adding("t"), NOW_MS) is None
    assert ours.seal(SIGN_IN, NOW_MS) != sealed


@given(st.integers(0, 55), st.integers(1, 255))
def test_no_bent_challenge_is_ours(place, change):
    ours = Challenges(b"k" * 32)
    sealed = bytearray(ours.seal(SIGN_IN, NOW_MS))
    sealed[place] ^= change
    assert ours.open(bytes(sealed), SIGN_IN, NOW_MS) is None


@given(st.binary(max_size=70))
def test_no_other_octets_are_a_challenge(octets):
    assert Challenges(b"k" * 32).open(octets, SIGN_IN, NOW_MS) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"challenge":1}',
        b'{"challenge":"A"}',
        b'{"challenge":"AAAA","crossOrigin":true}',
        b'{"challenge":"AAAA","crossOrigin":1}',
        b'{"challenge":"\xff\xff"}',
        b"[" * 2_000,
        b'{"challenge":"AAAA"} ,',
    ],
)
def test_client_data_without_a_challenge_of_a_top_page_is_none(data):
    assert challenge_in(b'{"challenge":"AAAA","more":[1]}') == bytes(3)
    assert challenge_in(data) is None


def test_an_exchange_whose_people_have_no_passkeys_does_not_load_the_library():
    said = "import sys, detente.app; print([name for name in sys.modules if name.startswith('webauthn')])"
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_credential_that_is_not_known_is_not_proved_even_with_the_key_that_stands_in_for_its_own(
    monkeypatch,
):
    party = RelyingParty("e.example", "https://e.example")
    key = Authenticator(user_handle=bytes(16))
    monkeypatch.setattr(passkey_proof, "_UNKNOWN_KEY", cbor2.dumps(cose_of(key.key)))
    body = key.answer({"challenge": text_of(bytes(56)), "origin": party.origin, "rp_id": party.rp_id})
    assertion = assertion_of(SignInBody(**body))
    known = cbor2.dumps(cose_of(key.key))
    assert check_assertion(assertion, bytes(56), party, known) == 1
    assert check_assertion(assertion, bytes(56), party, None) is None


def test_attestations_that_nobody_asked_for_do_not_reach_their_parsers(monkeypatch):
    reached = []
    monkeypatch.setattr("webauthn.verify_registration_response", lambda **more: reached.append(more))
    party = RelyingParty("e.example", "https://e.example")
    options = {
        "challenge": text_of(bytes(56)),
        "origin": party.origin,
        "rp_id": party.rp_id,
        "user_id": "AAAA",
    }
    for fmt in ("tpm", "fido-u2f", "android-safetynet", "apple", "none", "packed"):
        body = Authenticator().make(options, fmt=fmt)
        octets = [octets_of(body[name], 9_000) for name in ("client_data_json", "attestation_object")]
        assert check_attestation(*octets, bytes(56), party) is None
    assert len(reached) == 2
