"""The exchange's own signing keys: in the database, shared by all its servers, replaced without downtime."""

import asyncio
from collections.abc import Callable

import asyncpg
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from detente.errors import StoreRefused
from detente.parties import store
from detente.parties.keycache import KeyCache, KeyCacheTimes
from detente.parties.model import Act, KeyView
from detente.parties.rules import KeySpan, KeyTimes, is_verifying, plan_rotation, signing_key
from detente.parties.store import Connection, KeyRow, instant
from detente.parties.tokens import (
    VerifyingKey,
    make_private_key,
    private_from_der,
    private_to_der,
    public_jwk,
)
from detente.store import wrap_errors

_NO_KEY = "This exchange has no signing key; run `detente init` first"


class AccessSettings(Struct, frozen=True):
    """What an exchange says about its tokens. All its server processes need the same."""

    issuer: str
    """The ``iss`` of its tokens: the URL at which clients reach it."""
    audiences: tuple[str, ...]
    """The names it goes by; the first is put into tokens unless another is asked for."""
    key_times: KeyTimes = KeyTimes()
    key_cache: KeyCacheTimes = KeyCacheTimes(refresh_s=30, retry_s=1)
    """For the keys in the database. Twice ``refresh_s`` must be less than the rotation's overlap."""


class SigningKeys:
    """The keys that sign tokens, and a cache of their public halves.

    Any number of processes may run this over one database: the exchange's row puts rotations in a line.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        settings: AccessSettings,
        clock_ms: Callable[[], int],
    ) -> None:
        self._pool = pool
        self._settings = settings
        self._clock_ms = clock_ms
        self.cache = KeyCache(self._fetch, settings.key_cache, clock_ms)

    async def rotate(self, act: Act, *, at_once: bool) -> tuple[KeyView, ...]:
        """Publish a new key in a transaction of its own; see ``PartiesService.rotate_signing_key``."""
        key = await make_key()
        async with self._pool.acquire() as connection, connection.transaction():
            await self.add(connection, key, act, at_once=at_once)
            rows = await store.list_keys(connection)
        return tuple(_view(row.span) for row in rows if is_verifying(row.span, act.at_ms))

    async def add(self, connection: Connection, key: KeyRow, act: Act, *, at_once: bool) -> None:
        """Add a key within the caller's transaction; of two at the same moment one is refused.

        Raises:
            Refused: if a new key is published already and does not sign yet.
            StoreRefused: if the exchange is not initialised.
        """
        if not await store.lock_exchange(connection):
            raise StoreRefused(_NO_KEY)
        spans = [row.span for row in await store.list_keys(connection)]
        rotation = plan_rotation(spans, act.at_ms, self._settings.key_times, at_once=at_once)
        await store.forget_retired_keys(connection, act.at_ms)
        await store.retire_keys(connection, rotation.retires_ms, at_once=rotation.at_once)
        span = KeySpan(key.span.kid, act.at_ms, rotation.signs_from_ms, None)
        await store.add_key(connection, KeyRow(span, key.private_pkcs8), act)

    @wrap_errors()
    async def signing_row(self, now_ms: int) -> KeyRow:
        """Read the key that signs now; from the database each time, since tokens are asked for rarely.

        Raises:
            StoreRefused: if there is none.
        """
        rows = await store.list_keys(self._pool)
        chosen = signing_key([row.span for row in rows], now_ms)
        if chosen is None:
            raise StoreRefused(_NO_KEY)
        return next(row for row in rows if row.span.kid == chosen.kid)

    async def jwks(self) -> dict[str, object]:
        """The published key set: every key that verifies, those that do not sign yet included.

        Source: RFC 7517, section 5.
        """
        now_ms = self._clock_ms()
        return {
            "keys": [
                public_jwk(found.key)
                for found in await self.cache.keys()
                if isinstance(found.key, RSAPublicKey)
                and (found.retires_ms is None or now_ms < found.retires_ms)
            ]
        }

    @wrap_errors()
    async def _fetch(self) -> tuple[VerifyingKey, ...]:
        rows = await store.list_keys(self._pool)
        if not rows:
            raise StoreRefused(_NO_KEY)
        return tuple(
            VerifyingKey(
                kid=row.span.kid,
                algorithms=frozenset({"RS256"}),
                key=private_from_der(row.private_pkcs8).public_key(),
                retires_ms=row.span.retires_ms,
            )
            for row in rows
        )


async def make_key() -> KeyRow:
    """Make a key, in a thread since it takes tenths of a second; its times are set when it is added."""
    private = await asyncio.to_thread(make_private_key)
    kid = public_jwk(private.public_key())["kid"]
    return KeyRow(KeySpan(kid, 0, 0, None), private_to_der(private))


def _view(span: KeySpan) -> KeyView:
    return KeyView(
        kid=span.kid,
        created=instant(span.created_ms),
        signs_from=instant(span.signs_from_ms),
        retires=None if span.retires_ms is None else instant(span.retires_ms),
    )
