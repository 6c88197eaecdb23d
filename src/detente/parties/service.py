"""The verbs of access. Each that changes something is one transaction with its statement in it.

No secret and no private key ever enters a statement, an error or a log line.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from typing import Final

import asyncpg

from detente.errors import AlreadyExists, NotFound, Refused, StaleVersion, StoreRefused
from detente.parties import store
from detente.parties.model import (
    EXCHANGE_PARTY,
    Account,
    AccountBody,
    AccountChange,
    AccountId,
    AccountSecret,
    Act,
    KeyView,
    Party,
    PartyBody,
    PartyId,
    Role,
)
from detente.parties.rules import check_party_id, check_role, check_suspension, is_account_id
from detente.parties.signing import AccessSettings, SigningKeys, make_key
from detente.parties.store import Connection, Digest, Standing
from detente.store import wrap_errors

_SECRET_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NOBODY: Final = Digest(salt=bytes(_SALT_BYTES), sha256=bytes(32))
"""Compared with when there is no such account, so that the answer takes as long; it fits no secret."""


class PartiesService:
    """Parties, accounts and signing keys, over one database.

    Safe for many coroutines of one loop; any number of processes may run it over the same database.

    Args:
        pool: the database.
        settings: what tokens say.
        clock_ms: the present, in ms since 1970.
        new_id: makes account ids.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        settings: AccessSettings,
        *,
        clock_ms: Callable[[], int],
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._pool = pool
        self.settings = settings
        self._new_id = new_id
        self.signing = SigningKeys(pool, settings, clock_ms)

    @wrap_errors()
    async def begin(self, name: str, administrator: str, act: Act) -> AccountSecret:
        """Initialise the exchange: its name, its own party, its first administrator, its signing key.

        Args:
            name: the exchange's name.
            administrator: the first administrator's name.
            act: who does it.

        Returns:
            The administrator's account and secret.

        Raises:
            Refused: if it is initialised already; nothing is changed.
        """
        key = await make_key()
        account_body = AccountBody(name=administrator, role=Role.ADMINISTRATOR)
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.begin_exchange(connection, name, act):
                raise Refused(
                    "This exchange is initialised already; use `detente party key` for new accounts"
                )
            await store.add_party(connection, EXCHANGE_PARTY, PartyBody(name=name), act)
            answer = await self._add_account(connection, EXCHANGE_PARTY, account_body, act)
            await self.signing.add(connection, key, act, at_once=False)
        return answer

    @wrap_errors()
    async def name(self) -> str:
        """The exchange's name.

        Raises:
            StoreRefused: if it is not initialised.
        """
        found = await store.exchange_name(self._pool)
        if found is None:
            raise StoreRefused("This exchange is not initialised; run `detente init` first")
        return found

    @wrap_errors()
    async def exchange_id(self) -> str:
        """The exchange's identity, a UUID: the same at all its servers, with or without a name."""
        return await store.exchange_id(self._pool)

    @wrap_errors()
    async def add_party(self, party_id: str, body: PartyBody, act: Act) -> Party:
        """Add a party.

        Raises:
            BadInput: if the id is malformed.
            AlreadyExists: if the id is taken.
        """
        checked = check_party_id(party_id)
        check_suspension(checked, is_suspended=body.is_suspended)
        added = await store.add_party(self._pool, checked, body, act)
        if added is None:
            raise AlreadyExists(f"There is a party {party_id!r} already", party_id=party_id)
        return added

    @wrap_errors()
    async def change_party(self, party_id: str, version: int, body: PartyBody, act: Act) -> Party:
        """Change everything about a party but its id.

        Raises:
            NotFound: if there is none.
            StaleVersion: if it is no longer at ``version``.
            Refused: if it would suspend the exchange's own party.
        """
        checked = check_party_id(party_id)
        check_suspension(checked, is_suspended=body.is_suspended)
        changed = await store.change_party(self._pool, checked, version, body, act)
        if changed is None:
            actual = await self.find_party(party_id)
            raise StaleVersion(
                f"The party {party_id!r} is at version {actual.version} by now",
                expected=version,
                actual=actual.version,
            )
        return changed

    @wrap_errors()
    async def suspend_party(self, party_id: str, act: Act, *, is_suspended: bool = True) -> Party:
        """Suspend a party, whatever its version, or lift that; harmless if it is so already.

        All its tokens stop working within a minute; its plans stay in force.

        Raises:
            NotFound: if there is none.
            Refused: if it is the exchange's own party.
        """
        checked = check_party_id(party_id)
        check_suspension(checked, is_suspended=is_suspended)
        changed = await store.suspend_party(self._pool, checked, act, is_suspended=is_suspended)
        return changed if changed is not None else await self.find_party(party_id)

    @wrap_errors()
    async def find_party(self, party_id: str) -> Party:
        """Read one party.

        Raises:
            NotFound: if there is none.
        """
        found = await store.find_party(self._pool, check_party_id(party_id))
        if found is None:
            raise NotFound(f"There is no party {party_id!r}", party_id=party_id)
        return found

    @wrap_errors()
    async def is_suspended(self, party_id: str) -> bool:
        """Say whether a party may not act now; one that is not registered here may.

        Args:
            party_id: as a trusted authority names it, which need not have the form of our own ids.
        """
        found = await store.find_party(self._pool, party_id)
        return found is not None and found.is_suspended

    @wrap_errors()
    async def list_parties(self) -> tuple[Party, ...]:
        """Read all parties, in order of id."""
        return await store.list_parties(self._pool)

    @wrap_errors()
    async def add_account(self, party_id: str, body: AccountBody, act: Act) -> AccountSecret:
        """Add an account to a party, and make its secret unless a foreign issuer signs it in.

        Returns:
            The account, and the secret: this is the only time that it exists outside the caller.

        Raises:
            NotFound: if there is no such party.
            BadInput: for an administrator outside the exchange's own party.
            AlreadyExists: if the party has an account of that name, or the external subject is taken.
        """
        party = await self.find_party(party_id)
        async with self._pool.acquire() as connection:
            return await self._add_account(connection, party.party_id, body, act)

    @wrap_errors()
    async def change_account(self, account_id: str, change: AccountChange, act: Act) -> Account:
        """Change an account's role, disable it or enable it again; tokens follow within a minute.

        Raises:
            NotFound: if there is none.
            BadInput: for an administrator outside the exchange's own party.
            Refused: if nobody would be left to administer the exchange.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # First the party, so that two administrators who disable each other wait in one line.
            await store.lock_party(connection, EXCHANGE_PARTY)
            found = is_account_id(account_id)
            account = await store.lock_account(connection, account_id) if found else None
            if account is None:
                raise NotFound("There is no such account", account_id=account_id[:100])
            role = account.role if change.role is None else change.role
            is_disabled = account.is_disabled if change.is_disabled is None else change.is_disabled
            check_role(account.party_id, role)
            # Whom a foreign issuer signs in may not be able to come: the issuer may be gone, or never was.
            signs_in_here = account.external_subject is None
            was_active = signs_in_here and account.role is Role.ADMINISTRATOR and not account.is_disabled
            stays_active = role is Role.ADMINISTRATOR and not is_disabled
            if was_active and not stays_active and await store.count_administrators(connection) == 1:
                raise Refused("This is the last administrator who signs in here; make another one first")
            return await store.change_account(
                connection, account.account_id, role, act, is_disabled=is_disabled
            )

    @wrap_errors()
    async def new_secret(self, account_id: str, act: Act) -> AccountSecret:
        """Replace an account's secret; the old one stops at once, tokens got with it when they expire.

        Raises:
            NotFound: if there is no such account.
            Refused: if a foreign issuer signs it in.
        """
        secret, digest = _make_secret()
        connection = self._pool
        if not is_account_id(account_id):
            raise NotFound("There is no such account", account_id=account_id[:100])
        account = await store.change_secret(connection, AccountId(account_id), digest, act)
        if account is None:
            if await store.find_account(connection, account_id) is None:
                raise NotFound("There is no such account", account_id=account_id[:100])
            raise Refused("This account signs in at another issuer and has no secret here")
        return AccountSecret(account, secret)

    @wrap_errors()
    async def list_accounts(self, party_id: str) -> tuple[Account, ...]:
        """Read a party's accounts, in order of name.

        Raises:
            NotFound: if there is no such party.
        """
        party = await self.find_party(party_id)
        return await store.list_accounts(self._pool, party.party_id)

    @wrap_errors()
    async def rotate_signing_key(self, act: Act, *, at_once: bool = False) -> tuple[KeyView, ...]:
        """Publish a new signing key, which signs once everybody can know it.

        Args:
            act: who does it.
            at_once: after a leak: all older keys and every token end now.

        Returns:
            All keys that still verify, oldest first.

        Raises:
            Refused: if a new key is published already and does not sign yet.
            StoreRefused: if the exchange is not initialised.
        """
        return await self.signing.rotate(act, at_once=at_once)

    async def check_secret(self, account_id: str, secret: str) -> Standing | None:
        """Check an account's secret, in the same time whether or not there is such an account.

        Returns:
            The account's standing; None if the secret is wrong, or nobody may use it now.
        """
        with wrap_errors():
            found = await store.find_credentials(self._pool, account_id)
        digest = _NOBODY if found is None or found.digest is None else found.digest
        is_right = hmac.compare_digest(_digest(digest.salt, secret), digest.sha256)
        if found is None or not is_right:
            return None
        standing = found.standing
        return None if standing.is_disabled or standing.is_suspended else standing

    @wrap_errors()
    async def find_standing(self, issuer: str, subject: str) -> Standing | None:
        """Read whether the account that a token names may act, and as what; None if there is none."""
        connection = self._pool
        if issuer == self.settings.issuer:
            return await store.find_standing(connection, subject)
        return await store.find_external_standing(connection, issuer, subject)

    async def _add_account(
        self, connection: Connection, party_id: PartyId, body: AccountBody, act: Act
    ) -> AccountSecret:
        check_role(party_id, body.role)
        secret, digest = (None, None) if body.external_subject is not None else _make_secret()
        account_id = AccountId(self._new_id())
        account = await store.add_account(connection, account_id, party_id, body, act, digest=digest)
        if account is None:
            raise AlreadyExists(
                f"The party {party_id!r} has an account {body.name!r} already, or the subject is taken",
                name=body.name,
            )
        return AccountSecret(account, secret)


def _make_secret() -> tuple[str, Digest]:
    """Make 256 random bits and what is kept of them."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    salt = secrets.token_bytes(_SALT_BYTES)
    return secret, Digest(salt, _digest(salt, secret))


def _digest(salt: bytes, secret: str) -> bytes:
    """Digest a secret. One SHA-256 is enough for 256 random bits; it would not be for a password."""
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()
