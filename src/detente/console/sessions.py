"""The verbs of the console's sessions. No code and no cookie ever enters a statement, an error or a log line.

A session ends by signing out, by somebody of its party, by the clock, and with the account that holds it.
Only the first two are acts of their own, with the statement ``session.ended``: the end by the clock stands
in ``session.opened``, and a stopped account or party has a statement already.
"""

import secrets
import uuid
from collections.abc import Callable
from typing import Final

from detente.console import session_store as store
from detente.console.session_model import Link, NewSession, SessionRow
from detente.console.session_rules import (
    FORGET_S,
    IDLE_S,
    MAX_LINK_S,
    MAX_LISTED,
    SESSION_S,
    digest_of,
    instant,
    is_session_id,
    needs_touch,
    no_link,
    no_session,
)
from detente.console.session_store import Instants
from detente.errors import BadInput, NotFound, StoreRefused
from detente.parties.model import Act
from detente.parties.rules import is_account_id
from detente.store import Pool, wrap_errors

_CODE_BYTES: Final = 32


def random_code() -> str:
    """Make a code of 256 random bits in base64url, as links and cookies are."""
    return secrets.token_urlsafe(_CODE_BYTES)


def random_id() -> str:
    """Make the id of a link, a session or a passkey."""
    return str(uuid.uuid4())


def fresh_code(new_code: Callable[[], str]) -> tuple[str, bytes]:
    """Make a code, and the digest by which the database knows it."""
    code = new_code()
    digest = digest_of(code)
    if digest is None:
        raise StoreRefused("a code was made that is none")
    return code, digest


class ConsoleSessions:
    """Links and sessions over one database. Nothing is kept in memory: an end counts with the next request.

    Safe for many coroutines of one loop; any number of processes may run it over the same database.

    Args:
        pool: the database.
        new_code: makes codes of 256 random bits in base64url.
        new_id: makes ids of links and sessions.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        new_code: Callable[[], str] = random_code,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._pool = pool
        self._new_code = new_code
        self._new_id = new_id

    @wrap_errors()
    async def make_link(self, account_id: str, act: Act, *, good_s: int) -> Link:
        """Make a link that signs an account in, once; states ``link.made``.

        Args:
            account_id: whom it signs in.
            act: who makes it, and when.
            good_s: how long it may be used, in s.

        Returns:
            The link: this is the only time that its code exists outside the caller.

        Raises:
            BadInput: if it would be good for longer than a day.
            NotFound: if there is no such account, or it or its party may not act now.
        """
        if not 0 < good_s <= MAX_LINK_S:
            raise BadInput(
                "A link is good for a day at most",
                field="good_s",
                expected=f"1 to {MAX_LINK_S} s",
                actual=good_s,
            )
        code, digest = fresh_code(self._new_code)
        link_id, expires_ms = self._new_id(), act.at_ms + good_s * 1_000
        async with self._pool.acquire() as connection, connection.transaction():
            await store.forget_ended(connection, act.at_ms - FORGET_S * 1_000)
            is_made = is_account_id(account_id) and await store.make_link(
                connection, account_id, act, link_id=link_id, code_sha256=digest, expires_ms=expires_ms
            )
            if not is_made:
                raise NotFound("There is no such account that may act now", account_id=account_id[:100])
        return Link(link_id, account_id, code, instant(expires_ms))

    @wrap_errors()
    async def redeem_link(self, code: str, now_ms: int) -> NewSession:
        """Sign in with a link; it is used up by this, and states ``session.opened``.

        Of any number of requests with one link, at any number of servers, one gets a session.

        Raises:
            NotAuthenticated: one and the same for whatever is wrong.
        """
        digest = digest_of(code)
        if digest is None:
            raise no_link()
        cookie, cookie_sha256 = fresh_code(self._new_code)
        session = await store.redeem_link(
            self._pool,
            digest,
            self._new_id(),
            cookie_sha256,
            now_ms=now_ms,
            expires_ms=now_ms + SESSION_S * 1_000,
        )
        if session is None:
            raise no_link()
        return NewSession(session, cookie)

    @wrap_errors()
    async def find(self, cookie: str, now_ms: int) -> SessionRow:
        """Read the session that a cookie stands for, and count this as a use of it.

        Raises:
            NotAuthenticated: one and the same for whatever is wrong.
        """
        digest = digest_of(cookie)
        session = None if digest is None else await store.find_session(self._pool, digest, _at(now_ms))
        if session is None:
            raise no_session()
        if needs_touch(session.seen_ms, now_ms):
            await store.touch_session(self._pool, session.session_id, now_ms)
        return session

    @wrap_errors()
    async def end(self, session_id: str, by: SessionRow, now_ms: int) -> None:
        """End a session of one's own party, one's own included; states ``session.ended``.

        Args:
            session_id: which.
            by: the session that asks.
            now_ms: the present.

        Raises:
            NotFound: if the party has no such open session, whosever it may be.
        """
        is_ended = is_session_id(session_id) and await store.end_session(
            self._pool, session_id, by, _at(now_ms)
        )
        if not is_ended:
            raise NotFound("your party has no such open session")

    @wrap_errors()
    async def list_of(self, party_id: str, now_ms: int) -> tuple[SessionRow, ...]:
        """Read a party's open sessions, oldest first, at most MAX_LISTED."""
        return await store.list_sessions(self._pool, party_id, _at(now_ms), MAX_LISTED)


def _at(now_ms: int) -> Instants:
    return Instants(now_ms, now_ms - IDLE_S * 1_000)
