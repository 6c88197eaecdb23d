"""An answer that goes on: chunks are sent as they come, until they end, the reader leaves, the server stops.

Rule 1: nothing piles up here: the next chunk is asked for when the last was taken.
Rule 2: a reader who does not take a chunk in time, or whose token no longer admits, is cut off.
Rule 3: whatever ends the stream, its source is closed before the request counts as answered.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic

from detente.web.call import Receive, Send
from detente.web.limits import Limits
from detente.web.stopping import Stopping

SSE_TYPE = "text/event-stream"
_LAST_WORD_S = 1.0
"""How long the end of a stream that is cut off may take to be sent."""

Chunks = AsyncGenerator[bytes, None]
Admitted = Callable[[], Awaitable[bool]]


def sse(name: str, data: bytes, cursor: str | None = None) -> bytes:
    """One server-sent event.

    Args:
        name: its type.
        data: JSON without line breaks.
        cursor: its id: what a reader who comes back names.

    Source: HTML Living Standard, section 9.2 (server-sent events).
    """
    head = f"event: {name}\n" if cursor is None else f"id: {cursor}\nevent: {name}\n"
    return head.encode() + b"data: " + data + b"\n\n"


class Outflow:
    """A stream whose first chunk is there: from here on it is an answer and no refusal any more.

    Args:
        chunks: the source.
        first: its first chunk.
        admitted: whether the reader's token would still be admitted; asked now and then.
    """

    def __init__(self, chunks: Chunks, first: bytes, admitted: Admitted) -> None:
        self._chunks = chunks
        self._first = first
        self._admitted = admitted
        self._sending_since_s: float | None = None

    @classmethod
    async def open(cls, chunks: Chunks, admitted: Admitted) -> "Outflow":
        """Wait for the first chunk; what the source raises until then is the request's refusal."""
        return cls(chunks, await anext(chunks, b""), admitted)

    async def close(self) -> None:
        """Close the source without sending anything more."""
        await self._chunks.aclose()

    async def pour(self, send: Send, receive: Receive, stopping: Stopping, limits: Limits) -> None:
        """Send the body, after the head, until it ends for one reason or another.

        Args:
            send: ASGI's.
            receive: ASGI's; tells when the reader leaves.
            stopping: tells when the server stops.
            limits: how long a reader may take, and how often the token is looked at.
        """
        pump = asyncio.create_task(self._pump(send))
        leave = asyncio.create_task(_until_left(receive))
        stop = pump.cancel
        stopping.tell(stop)
        is_stuck = False
        try:
            done: set[asyncio.Task[None]] = set()
            while not done and not is_stuck:
                done, _ = await asyncio.wait(
                    {pump, leave}, timeout=limits.stream_check_s, return_when=asyncio.FIRST_COMPLETED
                )
                is_stuck = self._is_stuck(limits.stream_send_s)
                if not done and not is_stuck and not await self._admitted():
                    break
            has_left = leave in done
        finally:
            stopping.forget(stop)
            for task in (pump, leave):
                task.cancel()
            await asyncio.wait({pump, leave})
            await self.close()
        if not is_stuck and not has_left:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_S):
                    await send({"type": "http.response.body", "body": b""})
        if not pump.cancelled() and (error := pump.exception()) is not None:
            raise error

    async def _pump(self, send: Send) -> None:
        chunk = self._first
        self._first = b""
        while True:
            self._sending_since_s = monotonic()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._sending_since_s = None
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                return

    def _is_stuck(self, limit_s: float) -> bool:
        since_s = self._sending_since_s
        return since_s is not None and monotonic() - since_s > limit_s


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
