"""The decisions of the console's sessions, on plain values: what a cookie says, what is asked of a request.

Rule 1: what has not exactly the form of a code of ours is none; it never reaches the database.
Rule 2: two session cookies in one request are none: nobody can say which of them the browser was given.
Rule 3: a request that a cookie speaks for also carries a header that no form and no foreign page can send.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

from detente.console.session_model import OpenSession, SessionRow, SessionView
from detente.errors import BadInput, NotAllowed, NotAuthenticated
from detente.parties.model import Role
from detente.parties.rules import granted_scopes

COOKIE: Final = "detente_session"
HEADER: Final = "X-Detente-Console"
SESSION_S: Final = 12 * 3_600
"""A watch and its handover: nobody stays signed in for longer, however busy."""
IDLE_S: Final = 3_600
TOUCH_S: Final = 60
"""How exactly it is known when a session was used: one write a minute at most."""
TOKEN_S: Final = 600
LINK_S: Final = 15 * 60
MAX_LINK_S: Final = 24 * 3_600
FORGET_S: Final = 24 * 3_600
"""How long the row of an ended session or link is kept; what the record says of it stays."""
MAX_COOKIE_CHARS: Final = 8_192
MAX_LISTED: Final = 1_000

_CODE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SESSION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def digest_of(code: str) -> bytes | None:
    """Give what is kept of a code.

    Args:
        code: as it came in.

    Returns:
        Its SHA-256; None if it has not the form of 256 bits in base64url.
    """
    return hashlib.sha256(code.encode("ascii")).digest() if _CODE.fullmatch(code) else None


def is_session_id(text: str) -> bool:
    """Say whether a text has the form of a session's id; what has not must not reach the database."""
    return _SESSION_ID.fullmatch(text) is not None


def session_cookie(header: str | None) -> str:
    """Find the session's value in the ``Cookie`` header.

    Args:
        header: as received, None if absent.

    Returns:
        The value of the one cookie of that name.

    Raises:
        BadInput: if the header is longer than MAX_COOKIE_CHARS.
        NotAuthenticated: if there is none, or more than one.

    Source: RFC 6265, section 4.2.1.
    """
    if header is not None and len(header) > MAX_COOKIE_CHARS:
        raise BadInput(
            f"the Cookie header is longer than {MAX_COOKIE_CHARS} characters",
            field="cookie",
            expected=f"at most {MAX_COOKIE_CHARS} characters",
            actual=f"{len(header)} characters",
        )
    pairs = (pair.strip(" ").partition("=") for pair in (header or "").split(";"))
    found = [value for name, _, value in pairs if name == COOKIE]
    if len(found) != 1:
        raise no_session()
    return found[0]


def check_header(value: str | None) -> None:
    """Check the header that every request about a session carries (rule 3).

    Args:
        value: as received, None if absent.

    Raises:
        NotAllowed: if it is not ``1``.
    """
    if value != "1":
        raise NotAllowed(f"send the header {HEADER}: 1", header=HEADER, expected="1")


def no_session() -> NotAuthenticated:
    """One answer for no cookie, a malformed, unknown, ended or expired one, and a stopped account."""
    return NotAuthenticated("this needs a session that is open: sign in", reason="no-session")


def no_link() -> NotAuthenticated:
    """One answer for an unknown, a used and an expired link, and for a stopped account."""
    return NotAuthenticated(
        "this link opens no session: it was used, has expired or never was; ask for another one",
        reason="no-link",
    )


def needs_touch(seen_ms: int, now_ms: int) -> bool:
    """Say whether a use of the session is to be written down.

    Args:
        seen_ms: the last use that was.
        now_ms: the present.
    """
    return now_ms - seen_ms >= TOUCH_S * 1_000


def cookie_header(value: str, *, is_secure: bool) -> str:
    """Compose ``Set-Cookie`` for a new session.

    Args:
        value: the cookie's value.
        is_secure: whether browsers reach the exchange by https; only then they send the cookie nowhere else.

    Returns:
        The header's value, for the life of a session.

    Source: RFC 6265, section 4.1; SameSite as in RFC 6265bis, section 4.1.2.7.
    """
    return _cookie(value, SESSION_S, is_secure=is_secure)


def forget_header(*, is_secure: bool) -> str:
    """Compose ``Set-Cookie`` that makes a browser forget its session; see ``cookie_header``."""
    return _cookie("", 0, is_secure=is_secure)


def link_url(url: str, code: str) -> str:
    """Compose a link that signs in.

    Args:
        url: where browsers reach the exchange.
        code: the link's code; in the fragment, which no server or proxy is sent.
    """
    return f"{url.rstrip('/')}/console#link={code}"


def as_seen(session: SessionRow) -> SessionView:
    """Show a session to the person who holds it."""
    return SessionView(
        party_id=session.party_id,
        party_name=session.party_name,
        account_id=session.account_id,
        account_name=session.account_name,
        role=session.role,
        scopes=tuple(sorted(granted_scopes(Role(session.role), None))),
        languages=session.languages,
        expires=instant(session.expires_ms),
        exchange_name=session.exchange_name,
    )


def as_listed(session: SessionRow, asking_id: str) -> OpenSession:
    """Show a session to somebody of its party.

    Args:
        session: the session.
        asking_id: the session that asks.
    """
    return OpenSession(
        session_id=session.session_id,
        account_id=session.account_id,
        account_name=session.account_name,
        role=session.role,
        made=instant(session.made_ms),
        seen=instant(session.seen_ms),
        expires=instant(session.expires_ms),
        is_this=session.session_id == asking_id,
    )


def instant(ms: int) -> datetime:
    """Convert milliseconds since 1970 to an aware UTC time."""
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _cookie(value: str, max_age_s: int, *, is_secure: bool) -> str:
    attributes = f"Path=/console; Max-Age={max_age_s}; HttpOnly; SameSite=Strict"
    return f"{COOKIE}={value}; {attributes}" + ("; Secure" if is_secure else "")
