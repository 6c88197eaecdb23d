"""The client's side of a stream: events out of bytes, and going on where the last stream ended."""

import httpx
import pytest

from detente.client import AsyncClient
from detente.client.events import EventParser
from detente.errors import BadInput, DetenteError
from detente.plans.model import Gone
from tests.client.test_client import QUICK, client_of, problem

HELLO = b'id: c0\nevent: hello\ndata: {"cursor":"c0","now":"2026-11-24T12:00:00Z"}\n\n'
BEAT = b'event: beat\ndata: {"now":"2026-11-24T12:00:00Z"}\n\n'
GONE = b'id: c1\nevent: gone\ndata: {"plan_id":"p"}\n\n'
NEWER = b'id: c9\nevent: thunder\ndata: {"loud":true}\n\n'


def streamed(*chunks):
    return httpx.Response(
        200, content=iter(chunks), headers={"content-type": "text/event-stream; charset=utf-8"}
    )


def test_events_are_put_together_from_any_chunks():
    whole = HELLO + NEWER + GONE + BEAT
    for size in (1, 3, 50, 1_000):
        parser = EventParser()
        events = [e for at in range(0, len(whole), size) for e in parser.feed(whole[at : at + size])]
        assert [(event.name, event.cursor) for event in events] == [
            ("hello", "c0"),
            ("gone", "c1"),
            ("beat", None),
        ]
        assert events[1].data == Gone("p")
    assert list(EventParser().feed(GONE[:-1])) == []
    with pytest.raises(DetenteError, match="cannot be read"):
        list(EventParser().feed(b"event: gone\ndata: {}\n\n"))


def test_events_go_on_where_the_last_stream_ended():
    asked = []

    def handler(request):
        asked.append(request.url.params.get("after"))
        if len(asked) == 2:
            raise httpx.ConnectError("no")
        if len(asked) == 4:
            return problem("bad-input", 400, field="after")
        return streamed(HELLO, GONE[:10], GONE[10:], BEAT[:5])

    events = client_of(handler, token="t").events("c")
    assert [next(events).name for _ in range(4)] == ["hello", "gone", "hello", "gone"]
    with pytest.raises(BadInput) as refusal:
        next(events)
    assert refusal.value.members["field"] == "after"
    assert asked == ["c", "c1", "c1", "c1"]


async def test_events_in_asyncio_go_on_when_the_line_breaks():
    asked = []

    async def broken():
        yield HELLO + GONE
        raise httpx.ReadError("cut")

    def handler(request):
        asked.append(request.url.params.get("after"))
        return httpx.Response(200, content=broken(), headers={"content-type": "text/event-stream"})

    transport = httpx.MockTransport(handler)
    async with AsyncClient("http://exchange", token="t", retries=QUICK, transport=transport) as client:
        stream = client.events()
        assert [(await anext(stream)).name for _ in range(3)] == ["hello", "gone", "hello"]
        await stream.aclose()
    assert asked == [None, "c1"]
