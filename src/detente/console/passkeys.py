"""The verbs of passkeys: adding, signing in, renaming, removing; each act with its statement, or not at all.

A challenge is written down as used in the transaction of what it was used for, so of any number of answers to
it, at any number of servers, one counts.
"""

from collections.abc import Callable

from detente.console import passkey_store as store
from detente.console.passkey_challenges import SIGN_IN, Challenge, Challenges, adding
from detente.console.passkey_model import (
    MAX_ATTESTATION,
    MAX_CLIENT_DATA,
    AddBody,
    AddOptions,
    PasskeyRow,
    RelyingParty,
    SignInBody,
    SignInOptions,
)
from detente.console.passkey_proof import challenge_in, check_assertion, check_attestation
from detente.console.passkey_rules import (
    ALGORITHMS,
    CHALLENGE_S,
    MAX_LISTED,
    MAX_PASSKEYS,
    assertion_of,
    bad_passkey,
    check_may_add,
    counter_holds,
    may_remove_all,
    no_passkey,
    no_place,
    octets_of,
    relying_party,
    text_of,
    user_handle_of,
)
from detente.console.session_model import NewSession, SessionRow
from detente.console.session_rules import FORGET_S, SESSION_S, is_session_id, no_session
from detente.console.sessions import fresh_code, random_code, random_id
from detente.errors import NotFound, TooMany
from detente.parties.model import Act
from detente.store import Pool, wrap_errors


class Passkeys:
    """Passkeys over one database. Safe for many coroutines; any number of processes may run it.

    Args:
        pool: the database.
        url: where browsers reach the exchange; decides whether passkeys work, and for which name.
        new_code: makes cookies of 256 random bits in base64url.
        new_id: makes ids of passkeys and sessions.
    """

    def __init__(
        self,
        pool: Pool,
        url: str,
        *,
        new_code: Callable[[], str] = random_code,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._pool = pool
        self._url = url
        self._party = relying_party(url)
        self._new_code = new_code
        self._new_id = new_id
        self._challenges: Challenges | None = None

    @wrap_errors()
    async def sign_in_options(self, now_ms: int) -> SignInOptions:
        """Say what to ask an authenticator to sign in; nothing is kept of it.

        Raises:
            Refused: if there are no passkeys at the exchange's public URL.
        """
        party = self._place()
        challenge = (await self._sealed()).seal(SIGN_IN, now_ms)
        return SignInOptions(text_of(challenge), party.rp_id, party.origin, timeout_ms=CHALLENGE_S * 1_000)

    @wrap_errors()
    async def sign_in(self, body: SignInBody, now_ms: int) -> NewSession:
        """Sign in with a passkey: states ``session.opened``, or of a suspected copy ``passkey.suspected``.

        Raises:
            NotAuthenticated: one and the same for whatever is wrong.
            Refused: if there are no passkeys at the exchange's public URL.
        """
        party = self._place()
        assertion = assertion_of(body)
        signed = None if assertion is None else challenge_in(assertion.client_data_json)
        challenge = None if signed is None else (await self._sealed()).open(signed, SIGN_IN, now_ms)
        if assertion is None or signed is None or challenge is None:
            raise no_passkey()
        known = await store.find_credential(self._pool, assertion.credential_id)
        if known is not None and user_handle_of(known.account_id) != assertion.user_handle:
            known = None
        count = check_assertion(assertion, signed, party, None if known is None else known.public_key)
        if known is None or count is None:
            raise no_passkey()
        opened = await self._open(known.passkey_id, count, challenge, now_ms)
        if opened is None:
            raise no_passkey()
        return opened

    async def _open(
        self, passkey_id: str, count: int, challenge: Challenge, now_ms: int
    ) -> NewSession | None:
        """Open a session for whoever has proved a passkey, unless its counter or its account forbids it."""
        cookie, digest = fresh_code(self._new_code)
        async with self._pool.acquire() as connection, connection.transaction():
            await store.forget_challenges(connection, now_ms - FORGET_S * 1_000)
            known_count = await store.hold_passkey(connection, passkey_id)
            if known_count is None or not await store.use_challenge(
                connection, challenge.nonce, challenge.expires_ms
            ):
                return None
            if not counter_holds(known_count, count):
                await store.suspect(connection, passkey_id, count, now_ms)
                return None
            session = await store.open_session(
                connection,
                passkey_id,
                count,
                self._new_id(),
                digest,
                now_ms=now_ms,
                expires_ms=now_ms + SESSION_S * 1_000,
            )
        return NewSession(session, cookie)

    @wrap_errors()
    async def add_options(self, session: SessionRow, now_ms: int) -> AddOptions:
        """Say what to ask an authenticator to make a passkey for the session's account.

        Raises:
            NotAllowed: if the session is older than an hour.
            Refused: if there are no passkeys at the exchange's public URL.
        """
        party = self._place()
        check_may_add(session, now_ms)
        mine = await store.list_passkeys(self._pool, session.party_id, session.account_id, MAX_PASSKEYS)
        challenge = (await self._sealed()).seal(adding(session.session_id), now_ms)
        return AddOptions(
            challenge=text_of(challenge),
            rp_id=party.rp_id,
            rp_name=session.exchange_name,
            origin=party.origin,
            user_id=text_of(user_handle_of(session.account_id)),
            user_name=f"{session.account_name} ({session.party_id})",
            algorithms=ALGORITHMS,
            exclude=tuple(text_of(one.credential_id) for one in mine),
            timeout_ms=CHALLENGE_S * 1_000,
        )

    @wrap_errors()
    async def add(self, session: SessionRow, body: AddBody, now_ms: int) -> PasskeyRow:
        """Add a passkey to the session's account; states ``passkey.added``.

        Raises:
            BadInput: one and the same for whatever is wrong with it.
            NotAllowed: if the session is older than an hour.
            NotAuthenticated: if the session or its account was stopped meanwhile.
            Refused: if there are no passkeys at the exchange's public URL.
            TooMany: if the account has MAX_PASSKEYS.
        """
        party = self._place()
        check_may_add(session, now_ms)
        client_data = octets_of(body.client_data_json, MAX_CLIENT_DATA)
        attestation = octets_of(body.attestation_object, MAX_ATTESTATION)
        signed = None if client_data is None else challenge_in(client_data)
        purpose = adding(session.session_id)
        challenge = None if signed is None else (await self._sealed()).open(signed, purpose, now_ms)
        if client_data is None or attestation is None or signed is None or challenge is None:
            raise bad_passkey()
        made = check_attestation(client_data, attestation, signed, party)
        if made is None:
            raise bad_passkey()
        async with self._pool.acquire() as connection, connection.transaction():
            size = await store.hold_adding(connection, session, now_ms)
            if size is None:
                raise no_session()
            if size >= MAX_PASSKEYS:
                raise TooMany("the account has as many passkeys as it may; remove one", limit=MAX_PASSKEYS)
            if not await store.use_challenge(connection, challenge.nonce, challenge.expires_ms):
                raise bad_passkey()
            added = await store.add_passkey(
                connection, self._new_id(), made, name=body.name, session=session, now_ms=now_ms
            )
            if added is None:
                raise bad_passkey()
        return added

    @wrap_errors()
    async def list_of(self, party_id: str) -> tuple[PasskeyRow, ...]:
        """Read a party's passkeys, by account and age, at most MAX_LISTED."""
        return await store.list_passkeys(self._pool, party_id, None, MAX_LISTED)

    @wrap_errors()
    async def rename(self, passkey_id: str, name: str, session: SessionRow, now_ms: int) -> PasskeyRow:
        """Rename a passkey of one's own; states ``passkey.renamed``.

        Raises:
            NotFound: if the account has no such one, whosever it may be.
        """
        renamed = (
            await store.rename_passkey(self._pool, passkey_id, session.account_id, name, now_ms)
            if is_session_id(passkey_id)
            else None
        )
        if renamed is None:
            raise NotFound("you have no such passkey")
        return renamed

    async def remove(self, passkey_id: str, by: SessionRow, now_ms: int) -> int:
        """Remove one's own passkey, or as an administrator one of the party; states ``passkey.removed``.

        The sessions that it opened end with it (``session.ended``), but for the one that asks.

        Returns:
            How many sessions ended.

        Raises:
            NotFound: if there is no such one that the session may remove, whosever it may be.
        """
        act = Act(by.party_id, by.account_id, None, now_ms, b"")
        owner = None if may_remove_all(by.role) else by.account_id
        return await self._remove(passkey_id, by.party_id, owner, act, by.session_id)

    async def remove_as_host(self, passkey_id: str, party_id: str, act: Act) -> int:
        """Remove any passkey of a party, as whoever can open the database; else as ``remove``."""
        return await self._remove(passkey_id, party_id, None, act, None)

    @wrap_errors()
    async def _remove(
        self, passkey_id: str, party_id: str, owner: str | None, act: Act, by_session_id: str | None
    ) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            is_removed = is_session_id(passkey_id) and await store.remove_passkey(
                connection, passkey_id, party_id, owner, act=act, by_session_id=by_session_id
            )
            if not is_removed:
                raise NotFound("there is no such passkey that you may remove")
            return await store.end_sessions(connection, passkey_id, act, by_session_id)

    def _place(self) -> RelyingParty:
        """For whom passkeys are made here; refuses where there are none."""
        if self._party is None:
            raise no_place(self._url)
        return self._party

    async def _sealed(self) -> Challenges:
        """The challenges of this exchange; their key never changes, so it is read once."""
        if self._challenges is None:
            self._challenges = Challenges(await store.challenge_key(self._pool))
        return self._challenges
