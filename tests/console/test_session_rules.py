"""What a cookie says and what it is set with, without a server."""

import hashlib
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.console.session_model import Link, LinkBody, NewSession
from detente.console.session_rules import (
    check_header,
    cookie_header,
    digest_of,
    forget_header,
    instant,
    is_session_id,
    link_url,
    needs_touch,
    session_cookie,
)
from detente.errors import BadInput, NotAllowed, NotAuthenticated

GOOD = "A" * 42 + "_"


def digest_in(header):
    """What would be looked up for a request with this header; None: nothing, and the answer is 401."""
    try:
        return digest_of(session_cookie(header))
    except NotAuthenticated:
        return None


@pytest.mark.parametrize(
    "header",
    [
        f"detente_session={GOOD}",
        f"theme=dark; detente_session={GOOD}; other=a,b",
        f"detente_sessions=x; detente_session={GOOD};",
    ],
)
def test_the_one_cookie_of_that_name_is_found(header):
    assert digest_in(header) == hashlib.sha256(GOOD.encode()).digest()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "; ;",
        "detente_session",
        f"Detente_Session={GOOD}",
        f"xdetente_session={GOOD}",
        f"a=b, detente_session={GOOD}",
        f"detente_session={GOOD}; detente_session={'B' * 43}",
        f"detente_session={GOOD}; detente_session={GOOD}",
        f"\tdetente_session={GOOD}",
        f"detente_session ={GOOD}",
    ],
)
def test_none_more_than_one_or_another_one_is_no_session(header):
    assert digest_in(header) is None


def test_a_long_header_is_refused_by_name():
    session_cookie(f"detente_session={GOOD}; x=" + "y" * (8_192 - 63))
    with pytest.raises(BadInput) as refused:
        session_cookie(f"detente_session={GOOD}; x=" + "y" * 8_192)
    assert refused.value.members["field"] == "cookie"
    assert GOOD not in str(refused.value.members)


@given(st.text(max_size=60) | st.text("A-_é0\n =", min_size=42, max_size=44))
def test_only_the_form_of_a_code_is_hashed(text):
    plain = len(text) == 43 and text.isascii() and all(c.isalnum() or c in "-_" for c in text)
    expected = hashlib.sha256(text.encode()).digest() if plain else None
    assert digest_of(text) == expected


def test_a_code_that_is_made_has_the_form():
    assert digest_of(secrets.token_urlsafe(32)) is not None


@pytest.mark.parametrize(("is_secure", "end"), [(False, ""), (True, "; Secure")])
def test_the_cookie_is_for_the_console_alone(is_secure, end):
    attributes = "HttpOnly; SameSite=Strict" + end
    expected = f"detente_session={GOOD}; Path=/console; Max-Age=43200; {attributes}"
    assert cookie_header(GOOD, is_secure=is_secure) == expected
    forgotten = f"detente_session=; Path=/console; Max-Age=0; {attributes}"
    assert forget_header(is_secure=is_secure) == forgotten


@pytest.mark.parametrize("value", [None, "", "0", "true", "1, 1", " 1"])
def test_the_header_is_asked_for_by_name(value):
    check_header("1")
    with pytest.raises(NotAllowed, match="X-Detente-Console: 1"):
        check_header(value)


def test_a_use_is_written_once_a_minute():
    assert [needs_touch(0, ms) for ms in (-5, 0, 59_999, 60_000)] == [False, False, False, True]


def test_the_code_is_in_the_fragment():
    assert link_url("https://e.example/", "C") == "https://e.example/console#link=C"


def test_ids_are_uuids():
    assert is_session_id("0f0d7f6e-5f2a-4a53-8c1e-2f3b7a9d4e10")
    for bad in (
        "",
        "x",
        "0F0D7F6E-5f2a-4a53-8c1e-2f3b7a9d4e10",
        "0f0d7f6e-5f2a-4a53-8c1e-2f3b7a9d4e10\n",
        "\ud800",
    ):
        assert not is_session_id(bad)


def test_no_repr_tells_a_secret():
    for held in (
        LinkBody(GOOD),
        Link("id", "account", GOOD, instant(0)),
        NewSession(_Row(), GOOD),
    ):
        assert GOOD not in repr(held)
        assert GOOD not in f"{held}"


class _Row:
    session_id = "s"
