"""Keys that change rarely and live elsewhere: fetched, refreshed behind the scenes, kept through failures.

Rule 1: keys older than ``refresh_s`` are fetched again in the background; older than twice that, first.
Rule 2: a name that is not known is looked up at the origin, at most once in ``retry_s``.
Rule 3: a failed fetch changes nothing, until the keys are older than ``keep_s``.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Struct

from detente.errors import DetenteError, Unavailable
from detente.parties.tokens import Header, VerifyingKey, keys_for

_log = structlog.get_logger(__name__)


class KeyCacheTimes(Struct, frozen=True):
    """The settings of one key cache."""

    refresh_s: int = 300
    retry_s: int = 10
    keep_s: int = 86_400
    """Longer than an issuer's bad day, shorter than what would let a withdrawn key live on."""


class KeyCache:
    """One issuer's verifying keys. Safe for many coroutines of one loop; nothing in it must survive."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[tuple[VerifyingKey, ...]]],
        times: KeyCacheTimes,
        clock_ms: Callable[[], int],
    ) -> None:
        self._fetch = fetch
        self._times = times
        self._clock_ms = clock_ms
        self._keys: tuple[VerifyingKey, ...] = ()
        self._fetched_ms: int | None = None
        self._tried_ms: int | None = None
        self._fetching: asyncio.Task[None] | None = None
        self.failures = 0
        """Fetches that failed since the start; for the metrics."""

    async def keys(self) -> tuple[VerifyingKey, ...]:
        """All keys, as fresh as rule 1 asks.

        Returns:
            The keys.

        Raises:
            Unavailable: if they were never fetched, or too long ago (rule 3).
        """
        age_s = self._age_s()
        if age_s is None or age_s > 2 * self._times.refresh_s:
            await self._refresh()
        elif age_s > self._times.refresh_s:
            self._begin()
        age_s = self._age_s()
        if age_s is None or age_s > self._times.keep_s:
            raise Unavailable(
                "The issuer's keys cannot be fetched; try again later",
                retry_after_s=self._times.retry_s,
            )
        return self._keys

    async def find(self, header: Header) -> tuple[VerifyingKey, ...]:
        """The keys that may have signed a token.

        Args:
            header: the token's header.

        Returns:
            Candidates; empty if the origin has none either (rule 2).

        Raises:
            Unavailable: as ``keys``.
        """
        found = keys_for(header, await self.keys(), self._clock_ms())
        if not found:
            await self._refresh()
            found = keys_for(header, self._keys, self._clock_ms())
        return found

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _age_s(self) -> float | None:
        """Seconds since the last success; a clock that went back counts as that far forward."""
        return None if self._fetched_ms is None else abs(self._clock_ms() - self._fetched_ms) / 1_000

    async def _refresh(self) -> None:
        """Fetch, or wait for whoever fetches already, unless the last try was a moment ago."""
        task = self._begin()
        if task is not None:
            await asyncio.shield(task)  # one caller's hanging up must not end the fetch for the others

    def _begin(self) -> asyncio.Task[None] | None:
        """Start a fetch unless one runs; None if the last try was less than ``retry_s`` ago."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        now_ms = self._clock_ms()
        if self._tried_ms is not None and abs(now_ms - self._tried_ms) < self._times.retry_s * 1_000:
            return None
        self._tried_ms = now_ms
        self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> None:
        started_ms = self._clock_ms()
        try:
            keys = await self._fetch()
        except DetenteError as error:
            self.failures += 1
            _log.warning("keys_not_fetched", detail=error.detail, failures=self.failures)
            return
        self._keys, self._fetched_ms = keys, started_ms
