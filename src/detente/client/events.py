"""Server-sent events as they come in, byte by byte, and what each of them says.

Source: HTML Living Standard, section 9.2, as far as this exchange uses it: ``id``, ``event`` and ``data``.
"""

from collections.abc import Callable, Iterator, Mapping

import httpx
import msgspec
from msgspec import Struct

from detente.client.call import Call, nothing, reader
from detente.errors import DetenteError
from detente.plans.model import Beat, Gone, Hello, PlanView, SeparationChange
from detente.plans.refusal_model import RefusalGone, RefusalView
from detente.zones.model import ZoneGone, ZoneView

STREAM_TYPE = "text/event-stream"
Told = PlanView | Gone | ZoneView | ZoneGone | RefusalView | RefusalGone | SeparationChange | Hello | Beat
_READERS: Mapping[str, Callable[[bytes], Told]] = {
    "hello": reader(Hello),
    "plan": reader(PlanView),
    "gone": reader(Gone),
    "zone": reader(ZoneView),
    "zone_gone": reader(ZoneGone),
    "refusal": reader(RefusalView),
    "refusal_gone": reader(RefusalGone),
    "separation": reader(SeparationChange),
    "beat": reader(Beat),
}


class StreamEvent(Struct, frozen=True):
    """One event: its type, what it says, and the cursor to come back with.

    A beat has none, nor has an event that is followed by another of the same act: keep the last one.
    """

    name: str
    data: Told
    cursor: str | None


def follow(after: str | None) -> Call[None]:
    """Ask for the stream of changes; ``events`` of the client reads it.

    Args:
        after: the cursor of the last event that was seen; None: from now on.
    """
    return Call("GET", "/v1/events", nothing, query={} if after is None else {"after": after})


def is_stream(response: httpx.Response) -> bool:
    """Whether an answer is a stream of events rather than a problem document."""
    media_type: str = response.headers.get("content-type", "")
    return media_type.partition(";")[0].strip() == STREAM_TYPE


class EventParser:
    """Puts events together from the chunks of one stream; an event cut off by its end is dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[StreamEvent]:
        """Take a chunk.

        Args:
            chunk: as it came.

        Yields:
            The events that are whole now; types that a newer server knows and this client does not are
            passed over.

        Raises:
            DetenteError: if an event cannot be read.
        """
        *whole, self._rest = (self._rest + chunk).split(b"\n\n")
        for text in whole:
            event = _event_of(text)
            if event is not None:
                yield event


def _event_of(text: bytes) -> StreamEvent | None:
    fields = dict(line.split(b": ", 1) for line in text.split(b"\n") if b": " in line)
    name = fields.get(b"event", b"").decode()
    read = _READERS.get(name)
    if read is None:
        return None
    try:
        data = read(fields.get(b"data", b""))
    except msgspec.MsgspecError as unreadable:
        raise DetenteError(f"an event of type {name} cannot be read: {unreadable}") from unreadable
    cursor = fields.get(b"id")
    return StreamEvent(name, data, None if cursor is None else cursor.decode())
