import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import NotAuthenticated
from detente.parties.claims import Claims, check_claims, check_claims_of_authority, is_party_name

NOW_MS = 1_790_000_000_000


def good(**changes):
    seconds = NOW_MS // 1_000
    members = {"iss": "i", "sub": "s", "aud": "me", "exp": seconds + 60, "iat": seconds, "nbf": seconds}
    return Claims(**{**members, **changes})


def check(claims, now_ms=NOW_MS):
    return check_claims(claims, issuer="i", audiences=("me", "also-me"), now_ms=now_ms, leeway_s=30)


def test_good_claims_give_their_expiry():
    assert check(good()) == NOW_MS + 60_000
    assert check(good(aud=("you", "also-me"), nbf=None)) == NOW_MS + 60_000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": None}, "missing-claim"),
        ({"sub": None}, "missing-claim"),
        ({"sub": ""}, "missing-claim"),
        ({"aud": None}, "missing-claim"),
        ({"aud": ()}, "missing-claim"),
        ({"exp": None}, "missing-claim"),
        ({"iat": None}, "missing-claim"),
        ({"iss": "j"}, "wrong-issuer"),
        ({"aud": "you"}, "wrong-audience"),
        ({"aud": "me "}, "wrong-audience"),
        ({"aud": ("you", "them")}, "wrong-audience"),
        ({"exp": NOW_MS / 1_000 - 30}, "expired"),
        ({"nbf": NOW_MS / 1_000 + 30.001}, "not-yet-valid"),
        ({"iat": NOW_MS / 1_000 + 31}, "not-yet-valid"),
        ({"exp": 1e29}, "bad-claim"),
        ({"exp": -1.0}, "bad-claim"),
        ({"nbf": -5.0}, "bad-claim"),
    ],
)
def test_each_claim_is_checked(changes, reason):
    with pytest.raises(NotAuthenticated) as caught:
        check(good(**changes))
    assert caught.value.members["reason"] == reason


def test_the_leeway_is_exact():
    check(good(), now_ms=NOW_MS + 89_999)
    check(good(), now_ms=NOW_MS - 30_000)
    with pytest.raises(NotAuthenticated):
        check(good(), now_ms=NOW_MS + 90_000)
    with pytest.raises(NotAuthenticated):
        check(good(), now_ms=NOW_MS - 30_001)


def test_scopes_come_in_two_forms_and_under_two_names():
    assert good(scope="a  b").scopes() == {"a", "b"}
    assert good(scope=("a", "b")).scopes() == {"a", "b"}
    assert good(scp="a").scopes() == {"a"}
    assert good(scope="", scp="a").scopes() == frozenset()
    assert good().scopes() == frozenset()


def check_authority(claims, now_ms=NOW_MS):
    return check_claims_of_authority(claims, audiences=("me", "also-me"), now_ms=now_ms, leeway_s=30)


def test_an_authoritys_token_needs_no_issuer_and_no_time_of_issue():
    assert check_authority(good(iss=None, iat=None, nbf=None)) == ("s", NOW_MS + 60_000)
    assert check_authority(good(iss="dummy", aud=("you", "me"))) == ("s", NOW_MS + 60_000)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None}, "missing-claim"),
        ({"sub": ""}, "missing-claim"),
        ({"sub": "exchange"}, "bad-claim"),
        ({"sub": " exchange"}, "bad-claim"),
        ({"sub": "uss\u200b1"}, "bad-claim"),
        ({"sub": "a\nb"}, "bad-claim"),
        ({"sub": "a\x00b"}, "bad-claim"),
        ({"sub": "x" * 201}, "bad-claim"),
        ({"aud": None}, "missing-claim"),
        ({"aud": ()}, "missing-claim"),
        ({"aud": "you"}, "wrong-audience"),
        ({"aud": ("you", "them")}, "wrong-audience"),
        ({"exp": None}, "missing-claim"),
        ({"exp": NOW_MS / 1_000 - 30}, "expired"),
        ({"exp": 1e29}, "bad-claim"),
        ({"nbf": NOW_MS / 1_000 + 31}, "not-yet-valid"),
        ({"iat": NOW_MS / 1_000 + 31}, "not-yet-valid"),
    ],
)
def test_each_claim_of_an_authority_is_checked(changes, reason):
    with pytest.raises(NotAuthenticated) as caught:
        check_authority(good(**changes))
    assert caught.value.members["reason"] == reason


@pytest.mark.parametrize("text", ["uss1", "USS 1", "uss_1", "Ü", "x" * 200, "exchange2", "Exchange", "a:b"])
def test_names_that_an_authority_may_give(text):
    assert is_party_name(text)
    assert check_authority(good(sub=text))[0] == text


@given(st.text(max_size=210))
def test_a_name_is_never_the_exchanges_and_holds_nothing_unseen(text):
    if is_party_name(text):
        assert text.strip() == text != "exchange"
        assert 1 <= len(text) <= 200
        assert not any(ord(character) < 32 or ord(character) == 127 for character in text)
        text.encode()
