"""Waiting for a database that is starting or recovering, or that somebody has yet to start."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from detente.errors import StoreUnavailable

_Result = TypeVar("_Result")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_SAY_EVERY_S = 5.0
_log = structlog.get_logger("detente.store")


async def when_available(act: Callable[[], Awaitable[_Result]], *, patience_s: float = math.inf) -> _Result:
    """Do something with the database, again and again while it does not answer.

    A server that starts while its database recovers from a crash must not give up at once.

    Args:
        act: what to do; it is repeated as a whole.
        patience_s: how long to try; without an end if not said, until the process is told to stop.

    Raises:
        StoreUnavailable: if the database does not answer in that time.
    """
    until = time.monotonic() + patience_s
    said_at, pause_s = -math.inf, _FIRST_PAUSE_S
    while True:
        try:
            return await act()
        except StoreUnavailable as down:
            now = time.monotonic()
            if now > until:
                raise
            if now - said_at >= _SAY_EVERY_S:
                said_at = now
                goes_on = "until Ctrl-C" if patience_s == math.inf else f"for {until - now:.0f} s"
                _log.warning("database_waited_for", why=down.detail, tries_on=goes_on)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
