"""One reader of the feed for all the streams of a process, and what each of them has still to take.

The reader asks the database only while somebody listens: one query each time, and a few more for what has
changed (``gathering.py``), however many listen. What a listener does not take is bounded; over the bound it
is sent away, and comes back with its cursor.
"""

import asyncio
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import structlog
from msgspec import Struct

from detente.errors import StoreUnavailable, TooMany
from detente.plans.events import TOLD_TYPES, Batch, Event, Viewer, events_for
from detente.plans.gathering import gather
from detente.plans.model import Beat
from detente.plans.views import encode
from detente.plans.volumes import from_ms
from detente.record import Cursors, Page, Position, changes_after, horizon
from detente.store import Pool
from detente.web.stream import sse

_RETRY_S = 1.0
_log = structlog.get_logger()


class EventLimits(Struct, frozen=True):
    """How streams of events run; listed in docs/limits.md."""

    poll_s: float = 0.25
    """Between two looks at the feed, while anybody listens."""
    beat_s: float = 10.0
    """Between two signs of life of a stream."""
    lasts_s: float = 600.0
    """How long a stream lasts; who wants more comes back."""
    waiting_bytes: int = 4 * 1_048_576
    """Of events that wait for one reader to take them."""
    streams_per_party: int = 256
    """Open at once in one process."""
    page: int = 200
    """Changes that are read at once."""


class Frame(Struct, frozen=True):
    """An event as it goes out."""

    position: Position
    data: bytes


class Listener:
    """One stream's end of the fan-out.

    Args:
        viewer: who listens.
        since: what has been told already.
        waiting_bytes: how much may wait.
        until_s: when it ends, on the monotonic clock.
        beat_s: when its first beat is due.
    """

    def __init__(
        self, viewer: Viewer, since: Position, *, waiting_bytes: int, until_s: float, beat_s: float
    ) -> None:
        self.viewer = viewer
        self.since = since
        self.until_s = until_s
        self.beat_at_s = beat_s
        self.is_over = False
        self._may_wait = waiting_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    def offer(self, data: bytes) -> None:
        """Put something there to be taken; ends the stream if too much is waiting already."""
        if self.is_over:
            return
        if self._waiting and self._bytes + len(data) > self._may_wait:
            _log.info("slow_listener", waiting_bytes=self._bytes)
            self._waiting.clear()
            self.end()
            return
        self._waiting.append(data)
        self._bytes += len(data)
        self._wake.set()

    def offer_frames(self, frames: Sequence[Frame], joined: bytes) -> None:
        """The frames of a batch, of which those told already are left out; ``joined`` is all of them."""
        if frames and frames[-1].position > self.since:
            if frames[0].position <= self.since:
                joined = b"".join(frame.data for frame in frames if frame.position > self.since)
            self.offer(joined)

    def end(self) -> None:
        """End the stream once what waits has been taken."""
        self.is_over = True
        self._wake.set()

    async def take(self) -> bytes | None:
        """Everything that waits, as soon as there is something; None when the stream is over."""
        await self._wake.wait()
        if not self._waiting:
            return None
        taken = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if not self.is_over:
            self._wake.clear()
        return taken


class EventReader:
    """Follows the feed for all listeners of this process.

    Args:
        pool: database connections.
        cursors: seals positions.
        now_ms: the clock, ms since 1970-01-01 UTC.
        limits: how streams run.
    """

    def __init__(self, pool: Pool, cursors: Cursors, now_ms: Callable[[], int], limits: EventLimits) -> None:
        self._pool = pool
        self._cursors = cursors
        self._now_ms = now_ms
        self._limits = limits
        self._listeners: set[Listener] = set()
        self._joining = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._position = Position(0, 0)
        self._is_waiting = False

    async def join(self, viewer: Viewer, until_s: float, since: Position | None = None) -> Listener:
        """Begin to listen; everything after the listener's ``since`` will be offered to it.

        Who stands further back than this reader takes it back to there; the others are not told again. So
        every listener hears from one reader in one order, and never of an older state after a newer one.

        Args:
            viewer: who listens.
            until_s: when the stream ends, on the monotonic clock.
            since: what the listener knows already, a moment ago everything; None: begin where the reader is.

        Raises:
            TooMany: if the party listens too often already.
            StoreUnavailable: if nobody listened before and the database does not answer.
        """
        async with self._joining:
            if self._task is None:
                self._position = await horizon(self._pool) if since is None else since
            self._require_room(viewer.party_id)
            if since is not None:
                self._position = min(self._position, since)
            listener = Listener(
                viewer,
                self._position if since is None else since,
                waiting_bytes=self._limits.waiting_bytes,
                until_s=until_s,
                beat_s=monotonic() + self._limits.beat_s,
            )
            self._listeners.add(listener)
            if self._task is None:
                self._task = asyncio.create_task(self._run())
            return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more; the reader stops with its last listener."""
        self._listeners.discard(listener)

    async def stop(self) -> None:
        """End all streams and the reading."""
        for listener in self._listeners:
            listener.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def read(self, viewer: Viewer, after: Position) -> tuple[Page, bytes]:
        """A page of what happened after a position, for one viewer alone."""
        page, batch = await self._read_on(after)
        frames = self._frames(viewer, batch, {})
        return page, b"".join(frame.data for frame in frames)

    def _require_room(self, party_id: str) -> None:
        most = self._limits.streams_per_party
        if sum(listener.viewer.party_id == party_id for listener in self._listeners) >= most:
            raise TooMany(f"your party has {most} streams open here; close one", limit=most)

    async def _run(self) -> None:
        try:
            while self._listeners:
                pause_s = await self._turn()
                await asyncio.sleep(pause_s)
        except Exception as unexpected:  # noqa: BLE001 - the outermost loop: logged; who comes back starts it anew
            trace = "".join(traceback.format_exception(unexpected))
            _log.error("events_stopped", traceback=trace)
        finally:
            # Nothing is awaited between the last look at the listeners and this: nobody can join in between.
            self._task = None
            for listener in self._listeners:
                listener.end()

    async def _turn(self) -> float:
        """Read on once and tell everybody; how long to wait before the next time."""
        now_s = monotonic()
        for listener in self._listeners:
            if listener.until_s <= now_s:
                listener.end()
        start = self._position
        try:
            page, batch = await self._read_on(start)
        except StoreUnavailable as error:
            if not self._is_waiting:
                _log.warning("events_wait", why=error.detail)
            self._is_waiting = True
            return _RETRY_S
        self._is_waiting = False
        self._tell(start, page.reached, batch)
        was_taken_back = self._position < start
        if not was_taken_back:
            self._position = page.reached
        if page.is_full or was_taken_back:
            return 0.0
        self._beat()
        return self._limits.poll_s

    async def _read_on(self, after: Position) -> tuple[Page, Batch]:
        page = await changes_after(self._pool, after, TOLD_TYPES, self._limits.page)
        return await gather(self._pool, page)

    def _tell(self, start: Position, reached: Position, batch: Batch) -> None:
        """Offer what happened between two places to everybody; each kind of viewer's events are made once."""
        made: dict[Viewer, tuple[list[Frame], bytes]] = {}
        cursors: dict[Position, str] = {}
        for listener in self._listeners:
            if listener.since < start:
                continue  # it joined meanwhile, and what is before this comes first
            if batch.changes:
                told = made.get(listener.viewer)
                if told is None:
                    frames = self._frames(listener.viewer, batch, cursors)
                    told = made[listener.viewer] = (frames, b"".join(frame.data for frame in frames))
                listener.offer_frames(*told)
            listener.since = max(listener.since, reached)

    def _frames(self, viewer: Viewer, batch: Batch, cursors: dict[Position, str]) -> list[Frame]:
        """The events as they go out; of several with one place, only the last bears its cursor.

        Whoever has that has all of them; whoever loses the line before comes back for all of them.
        """
        events = list(events_for(viewer, batch))
        return [
            Frame(event.position, sse(event.name, event.data))
            if any(following.position == event.position for following in events[number : number + 1])
            else self._frame(event, cursors)
            for number, event in enumerate(events, 1)
        ]

    def _frame(self, event: Event, cursors: dict[Position, str]) -> Frame:
        cursor = cursors.get(event.position)
        if cursor is None:
            cursor = cursors[event.position] = self._cursors.write(event.position, self._now_ms())
        return Frame(event.position, sse(event.name, event.data, cursor))

    def _beat(self) -> None:
        """Tell whoever it is time for that everything settled so far was told."""
        now_s = monotonic()
        beat = sse("beat", encode(Beat(from_ms(self._now_ms()))))
        for listener in self._listeners:
            if listener.beat_at_s <= now_s:
                listener.beat_at_s = now_s + self._limits.beat_s
                listener.offer(beat)
