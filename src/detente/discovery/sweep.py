"""What is over at the discovery service goes by itself; many servers may sweep at once."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from detente.discovery import peer_details, store
from detente.discovery.subscriptions import KEPT_MS
from detente.errors import StoreUnavailable
from detente.store import Pool

_BATCH = 500
_PAUSE_S = 60.0
_DAY_MS = 86_400_000

_log = structlog.get_logger(__name__)


async def sweep(pool: Pool, now_ms: int) -> None:
    """Drop what is over: subscriptions, details of what is gone, notes of what was named, zones elsewhere."""
    work: tuple[Callable[[], Awaitable[int]], ...] = (
        lambda: store.forget_subscriptions(pool, now_ms - KEPT_MS, _BATCH),
        lambda: peer_details.forget(pool, now_ms - _DAY_MS, _BATCH),
        lambda: store.forget_shown(pool, now_ms, _BATCH),
        lambda: store.expire_zones(pool, now_ms, _BATCH),
    )
    for forget in work:
        while await forget() == _BATCH:
            pass


async def keep_sweeping(pool: Pool, now_ms: Callable[[], int]) -> None:
    """Run until cancelled; a database that does not answer is tried again."""
    while True:
        try:
            await sweep(pool, now_ms())
        except StoreUnavailable as error:
            _log.warning("sweep_waits", why=error.detail)
        await asyncio.sleep(_PAUSE_S)
