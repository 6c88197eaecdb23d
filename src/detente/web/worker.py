"""What runs inside each worker process: logging, the application from its factory, and an eye on the parent.

The settings travel in environment variables, because workers are started afresh and share no memory.
"""

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import structlog

from detente.errors import DetenteError
from detente.web.log import LogStyle, configure_logging
from detente.web.metrics import MULTIPROCESS_DIR
from detente.web.shared import note_failure
from detente.web.stopping import STOPPING, Stopping, listen_for_signals

FACTORY = "DETENTE_WEB_FACTORY"
LOG_STYLE = "DETENTE_LOG"
LOG_LEVEL = "DETENTE_LOG_LEVEL"
SUPERVISOR = "DETENTE_WEB_SUPERVISOR"
"""Process id of whoever starts the workers."""
STOP_S = "DETENTE_WEB_STOP_S"
_LOOK_EVERY_S = 1.0

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
_log = structlog.get_logger("detente.web")


def create() -> Application:
    """Make the application of one worker; the server calls it in the worker's process.

    Returns:
        What the factory named in ``DETENTE_WEB_FACTORY`` (``module:function``) makes, watched as it starts.
    """
    if sys.platform != "win32":
        # A closed terminal tells every process of its session; the supervisor stops the workers in order.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop_with(int(os.environ[SUPERVISOR]), patience_s=float(os.environ[STOP_S]))
    style = cast("LogStyle", os.environ.get(LOG_STYLE, "json"))
    configure_logging(style, os.environ.get(LOG_LEVEL, "info"))
    try:
        return _Watched(told_of_stops(load_factory(os.environ[FACTORY])()))
    except Exception as failed:
        _give_up(failed)
        raise SystemExit(1) from failed


class _Watched:
    """An application whose failure to start ends the server, instead of leaving one that answers nothing.

    Args:
        application: what is served; once it has started, nothing is added to it.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Awaitable[None]:  # noqa: ANN401 - ASGI's own shapes
        """Serve one connection, or the lifespan, as ASGI 3 says."""
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        return self._application(scope, receive, send)

    async def _live(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own shapes
        has_started = False

        async def tell(message: dict[str, Any]) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "lifespan.startup.complete"
            if message["type"] == "lifespan.startup.failed":
                _give_up(message.pop("message", "it does not say why"))
            await send(message)

        try:
            await self._application(scope, receive, tell)
        except Exception as failed:
            if has_started:
                raise
            # A server takes an exception here for an application without a lifespan and goes on without it.
            _give_up(failed)
            await send({"type": "lifespan.startup.failed"})


def _give_up(failed: Exception | str) -> None:
    """Say why this worker cannot start, and have the server end: another attempt would fail like this one."""
    is_known = isinstance(failed, str | DetenteError)
    why = failed.detail if isinstance(failed, DetenteError) else str(failed)
    if not is_known:
        why = f"{type(failed).__name__}: {why}"
    _log.error("cannot_start", why=why, exc_info=None if is_known else failed)
    note_failure(Path(os.environ[MULTIPROCESS_DIR]), why)
    supervisor = int(os.environ[SUPERVISOR])
    if os.getppid() == supervisor:
        os.kill(supervisor, signal.SIGTERM)


def told_of_stops(application: Application) -> Application:
    """Let an application know of a stop when the signal comes, not when its last stream has ended.

    Args:
        application: finds a ``Stopping`` in the scope of its lifespan.
    """

    async def told(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own shapes
        if scope["type"] == "lifespan":
            # The server has set its own handlers by now, and the first of these calls them.
            stopping = Stopping()
            listen_for_signals(stopping, asyncio.get_running_loop())
            scope = {**scope, STOPPING: stopping}
        await application(scope, receive, send)

    return told


def load_factory(target: str) -> Callable[[], Application]:
    """Import the function that ``module:function`` names.

    Raises:
        ValueError: if the text is not of that form, or names nothing.
    """
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name, None) if module and name else None
    if found is None or not callable(found):
        raise ValueError(f"{target!r} does not name a function as module:function")
    return cast("Callable[[], Application]", found)


def stop_with(parent: int, *, patience_s: float) -> None:
    """End this process, gracefully, soon after the one that started it is gone.

    A supervisor that is killed outright cannot tell its workers; without this they would keep the address.
    Whoever starts a worker names the supervisor: a worker that asked for its parent only now could already
    have lost it while it was importing.

    Args:
        parent: process id of the supervisor.
        patience_s: how long the requests in flight may take before they are cut off.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience_s)
        os._exit(1)

    threading.Thread(target=look, name="stop-with-parent", daemon=True).start()
