"""A stream of events from its first word to its last: hello, what was missed, what happens.

A viewer is told what it may see and nothing else; the rules are in ``events.py``.
"""

from collections.abc import AsyncGenerator, Callable
from time import monotonic

from detente.plans.events import Viewer
from detente.plans.listening import EventLimits, EventReader, Listener
from detente.plans.model import Hello
from detente.plans.views import encode
from detente.plans.volumes import from_ms
from detente.record import Cursors, Position, feed_secret, horizon
from detente.record.cursor import foreign
from detente.store import Pool
from detente.web.model import Principal
from detente.web.stream import sse

AFTER = "after"


class EventStreams:
    """The streams of one process.

    Args:
        pool: database connections.
        now_ms: the clock, ms since 1970-01-01 UTC.
        separations_scope: who holds it is told of separations.
        zones_scope: who holds it is told of zones.
        limits: how streams run.
    """

    def __init__(
        self,
        pool: Pool,
        now_ms: Callable[[], int],
        *,
        separations_scope: str,
        zones_scope: str = "zones.read",
        limits: EventLimits | None = None,
    ) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._separations_scope = separations_scope
        self._zones_scope = zones_scope
        self._limits = limits or EventLimits()
        self._opened: tuple[Cursors, EventReader] | None = None

    async def stream(self, who: Principal, after: str | None) -> AsyncGenerator[bytes, None]:
        """What changes of what the caller may see, as server-sent events.

        Args:
            who: the caller.
            after: the cursor of the last event that the caller has seen; None: from now on.

        Yields:
            One or more whole events. Ends after ten minutes, or when the reader is too slow.

        Raises:
            BadInput: before the first event, if the cursor is too old or not ours.
            TooMany, StoreUnavailable: before the first event.
        """
        until_s = monotonic() + self._limits.lasts_s
        cursors, reader = await self._open()
        viewer = Viewer(who.party_id, self._separations_scope in who.scopes, self._zones_scope in who.scopes)
        listener: Listener | None = None
        try:
            if after is None:
                listener = await reader.join(viewer, until_s)
                since = listener.since
            else:
                since = await self._resume(cursors, after)
            # A fresh cursor of the old place: it is good for an hour from now, though nothing may happen.
            hello = Hello(cursors.write(since, self._now_ms()), from_ms(self._now_ms()))
            yield sse("hello", encode(hello), hello.cursor)
            if listener is None:
                is_behind = True
                while is_behind:
                    page, told = await reader.read(viewer, since)
                    since, is_behind = page.reached, page.is_full
                    if told:
                        yield told
                listener = await reader.join(viewer, until_s, since)
            while (told_now := await listener.take()) is not None:
                yield told_now
        finally:
            if listener is not None:
                reader.leave(listener)

    async def stop(self) -> None:
        """End all streams."""
        if self._opened is not None:
            await self._opened[1].stop()

    async def _open(self) -> tuple[Cursors, EventReader]:
        if self._opened is None:
            cursors = Cursors(await feed_secret(self._pool))
            if self._opened is None:  # another stream may have been quicker
                self._opened = cursors, EventReader(self._pool, cursors, self._now_ms, self._limits)
        return self._opened

    async def _resume(self, cursors: Cursors, after: str) -> Position:
        """The place of a cursor; one beyond everything is of a database that is no longer there."""
        since = cursors.read(after, self._now_ms(), field=AFTER)
        if since > await horizon(self._pool):
            raise foreign(after, AFTER)
        return since
