"""Plans whose time is over end by themselves and leave the hot index; many servers may do it at once.

Nothing is lost when the process dies: what is due is found again in the database.
"""

import asyncio
from collections.abc import Callable

import structlog

from detente.errors import StoreUnavailable
from detente.plans import refusal_store, store
from detente.plans.refusals import KEPT_MS
from detente.record import forget_notes
from detente.store import Pool

OFF_NOMINAL_GRACE_MS = 86_400_000
"""An off-nominal plan, and a reference of another manager, stays in force for a day after its time, or until
its owner ends it; the SQL function ``plan_due_ms`` names the same number."""
KEYS_KEPT_MS = 86_400_000
"""How long an idempotency key is remembered."""
NOTES_KEPT_S = 7_200.0
"""Longer than any cursor of the feed is good for."""
_BATCH = 500
_PAUSE_S = 2.0

_log = structlog.get_logger()


async def expire_due(pool: Pool, now_ms: int) -> int:
    """End everything that is due now, batch by batch, and forget what is old.

    Returns:
        How many plans were ended.
    """
    ended = 0
    while True:
        batch = await store.expire(pool, now_ms, _BATCH)
        ended += batch
        if batch < _BATCH:
            break
    await store.forget_keys(pool, now_ms - KEYS_KEPT_MS)
    while await refusal_store.forget(pool, now_ms - KEPT_MS, _BATCH) == _BATCH:
        pass
    while await forget_notes(pool, NOTES_KEPT_S, _BATCH) == _BATCH:
        pass
    return ended


async def keep_expiring(pool: Pool, now_ms: Callable[[], int]) -> None:
    """Run until cancelled; a database that does not answer is tried again."""
    while True:
        try:
            ended = await expire_due(pool, now_ms())
            if ended:
                _log.info("plans_expired", count=ended)
        except StoreUnavailable as error:
            _log.warning("expiry_waits", why=error.detail)
        await asyncio.sleep(_PAUSE_S)
