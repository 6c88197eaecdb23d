"""Waiting for a database that is starting or recovering."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from detente.errors import StoreUnavailable

_Result = TypeVar("_Result")
_PAUSE_S = 0.5
_log = structlog.get_logger("detente.store")


async def when_available(act: Callable[[], Awaitable[_Result]], *, patience_s: float = 60.0) -> _Result:
    """Do something with the database, again and again while it does not answer.

    A server that starts while its database recovers from a crash must not give up at once.

    Args:
        act: what to do; it is repeated as a whole.
        patience_s: how long to try.

    Raises:
        StoreUnavailable: if the database does not answer in that time.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return await act()
        except StoreUnavailable as down:
            if time.monotonic() > until:
                raise
            _log.warning("database_waited_for", why=down.detail)
        await asyncio.sleep(_PAUSE_S)
