"""Word that the server is about to stop, as soon as the signal comes.

The ASGI lifespan tells of a stop only after the last request is answered; a stream would hold that up for as
long as it lasts.
"""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

STOPPING = "detente.stopping"
"""The member of the lifespan's scope under which a worker hands its ``Stopping`` to the application."""


class Stopping:
    """Calls whoever wants to know, once. Not safe for threads: used in the event loop's own."""

    def __init__(self) -> None:
        self.is_set = False
        self._told: set[Callable[[], object]] = set()

    def tell(self, act: Callable[[], object]) -> None:
        """Call ``act`` when the server stops; now, if it is stopping already."""
        if self.is_set:
            act()
        else:
            self._told.add(act)

    def forget(self, act: Callable[[], object]) -> None:
        """Call ``act`` no more."""
        self._told.discard(act)

    def set(self) -> None:
        """Tell everybody."""
        self.is_set = True
        told, self._told = self._told, set()
        for act in told:
            act()


def listen_for_signals(stopping: Stopping, loop: asyncio.AbstractEventLoop) -> None:
    """Set ``stopping`` at SIGTERM and SIGINT, beside whatever the server does then.

    Args:
        stopping: what is set.
        loop: the event loop; the server's own handlers are in place already.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        former = signal.getsignal(number)

        def handle(signum: int, frame: FrameType | None, former: object = former) -> None:
            loop.call_soon_threadsafe(stopping.set)
            if callable(former):
                former(signum, frame)

        signal.signal(number, handle)
