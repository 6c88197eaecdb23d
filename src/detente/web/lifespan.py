"""The application's own beginning and end, in the worker's event loop (ASGI lifespan protocol)."""

import traceback
from collections.abc import Awaitable, Callable, Sequence

from detente.errors import DetenteError
from detente.web.call import Receive, Send

Hook = Callable[[], Awaitable[None]]


class Lifespan:
    """Awaits hooks in order when the server starts and stops.

    Args:
        on_start: before the first request; one that raises keeps the server from starting.
        on_stop: after the last; one that raises does not keep the others from running.
    """

    def __init__(self, on_start: Sequence[Hook], on_stop: Sequence[Hook]) -> None:
        self._on_start = on_start
        self._on_stop = on_stop

    async def run(self, receive: Receive, send: Send) -> None:
        """Answer the server's two events."""
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                if (failed := await _failure_of(self._on_start)) is not None:
                    await send({"type": "lifespan.startup.failed", "message": failed})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                failures = [await _failure_of([hook]) for hook in self._on_stop]
                if any(failures):
                    message = "\n".join(filter(None, failures))
                    await send({"type": "lifespan.shutdown.failed", "message": message})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                return


async def _failure_of(hooks: Sequence[Hook]) -> str | None:
    try:
        for hook in hooks:
            await hook()
    except Exception as failed:  # noqa: BLE001 - the outermost loop of starting and stopping: told to the server
        if isinstance(failed, DetenteError):
            return failed.detail
        return "".join(traceback.format_exception_only(failed)).strip()
    return None
