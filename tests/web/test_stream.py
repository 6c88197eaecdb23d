"""Answers that go on: whoever ends them, and however, nothing is left behind."""

import asyncio
import signal
import socket
import threading
import time

import httpx
import pytest
import structlog

from detente.errors import NotAuthenticated, StoreUnavailable, TooMany
from detente.web import Limits, Principal, Reply, Route, make_app
from detente.web.metrics import Metrics
from detente.web.stopping import STOPPING, Stopping
from detente.web.stream import SSE_TYPE, sse
from tests.web import tiny
from tests.web.asgi_stream import Reader
from tests.web.conftest import bearer

QUICK = Limits(stream_check_s=0.05, stream_send_s=0.1)


class Source:
    """A stream in the test's hand, that knows whether it was closed."""

    def __init__(self, *chunks, fails=None, waits=True, pace_s=0.0):
        self.chunks, self.fails, self.waits, self.pace_s = chunks, fails, waits, pace_s
        self.is_closed = False

    async def __call__(self, request):
        assert request.who().account_id
        return Reply(200, self._go(), media_type=SSE_TYPE)

    async def _go(self):
        try:
            for chunk in self.chunks:
                yield chunk
                await asyncio.sleep(self.pace_s)
            if self.fails:
                raise self.fails
            if self.waits:
                await asyncio.Event().wait()
        finally:
            self.is_closed = True


class Doorkeeper(tiny.TokenTable):
    """Changes its mind about who gets in."""

    answer: Principal | Exception | None = None

    async def authenticate(self, token):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or await super().authenticate(token)


def app_of(source, *, limits=QUICK, door=None, metrics=None):
    route = Route("GET", "/v1/s", "plans.read", source, "Goes on.", "plans", answer_media_type=SSE_TYPE)
    return make_app(
        [route],
        authenticator=door or Doorkeeper(),
        now_ms=lambda: 0,
        readiness=tiny.readiness,
        limits=limits,
        metrics=metrics,
    )


@pytest.fixture(autouse=True)
async def nothing_is_left():
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


async def test_chunks_come_as_they_are_made():
    reader = await Reader(app_of(Source(b"a", b"b")), "/v1/s").until_said(b"ab")
    assert (reader.status, reader.headers["content-type"]) == (200, SSE_TYPE)
    assert "content-length" not in reader.headers
    assert reader.headers["cache-control"] == "no-store"
    assert not reader.is_ended
    await reader.leave()


async def test_a_stream_ends_with_its_source():
    reader = await Reader(app_of(Source(b"a", waits=False)), "/v1/s").end()
    assert (reader.body, reader.is_ended) == (b"a", True)
    assert (await Reader(app_of(Source(waits=False)), "/v1/s").end()).is_ended


async def test_a_reader_who_leaves_closes_the_source():
    source = Source(b"a")
    reader = await Reader(app_of(source), "/v1/s").until_said(b"a")
    await reader.leave()
    assert source.is_closed
    assert not reader.is_ended


async def test_head_gets_no_body_and_closes_the_source():
    source = Source(b"a")
    reader = await Reader(app_of(source), "/v1/s", method="HEAD").end()
    assert (reader.status, reader.body, reader.is_ended) == (200, b"", True)
    assert reader.headers["content-type"] == SSE_TYPE
    assert source.is_closed


@pytest.mark.parametrize(
    "fails", [TooMany("one too many"), ZeroDivisionError()], ids=["refusal", "unexpected"]
)
async def test_what_fails_before_the_first_chunk_is_a_problem(fails):
    reader = await Reader(app_of(Source(fails=fails)), "/v1/s").end()
    assert reader.status == getattr(fails, "status_hint", 500)
    assert reader.headers["content-type"] == "application/problem+json"
    assert reader.is_ended


@pytest.mark.parametrize(
    "fails", [StoreUnavailable("gone"), ZeroDivisionError()], ids=["refusal", "unexpected"]
)
async def test_what_fails_later_ends_the_stream(fails):
    source = Source(b"a", fails=fails)
    reader = await Reader(app_of(source), "/v1/s").end()
    assert (reader.status, reader.body, reader.is_ended) == (200, b"a", True)
    assert source.is_closed


async def test_a_reader_who_takes_nothing_is_cut_off():
    source = Source(*[b"x"] * 1_000, pace_s=0.01)
    reader = await Reader(app_of(source), "/v1/s").until_said(b"x")
    reader.pause()
    began = time.monotonic()
    await reader.end()
    assert time.monotonic() - began < 3
    assert source.is_closed
    assert not reader.is_ended


@pytest.mark.parametrize(
    "answer",
    [NotAuthenticated("expired"), Principal("alpha", "a", "planner", frozenset({"plans.write"}), b"")],
    ids=["token", "scope"],
)
async def test_a_token_that_no_longer_admits_ends_the_stream(answer):
    door, source = Doorkeeper(), Source(b"a")
    reader = await Reader(app_of(source, door=door), "/v1/s").until_said(b"a")
    door.answer = StoreUnavailable("the database is away")
    await asyncio.sleep(0.2)
    assert not reader.task.done()
    door.answer = answer
    await reader.end()
    assert reader.is_ended
    assert source.is_closed


async def test_it_is_counted_and_logged_once_at_its_end():
    metrics = Metrics()
    with structlog.testing.capture_logs() as lines:
        reader = await Reader(app_of(Source(b"a"), metrics=metrics), "/v1/s").until_said(b"a")
        assert b"detente_http_in_flight 1.0" in metrics.render()
        assert [line for line in lines if line["event"] == "request"] == []
        await reader.leave()
    assert b'detente_http_requests_total{method="GET",route="/v1/s",status="200"} 1.0' in metrics.render()
    assert b"detente_http_in_flight 0.0" in metrics.render()
    assert [line["status"] for line in lines if line["event"] == "request"] == [200]


@pytest.mark.parametrize("is_told_early", [True, False], ids=["by-signal", "by-lifespan"])
async def test_a_stop_ends_streams_at_once(is_told_early):
    source, stopping = Source(b"a"), Stopping()
    app = app_of(source)
    inbox, outbox = asyncio.Queue(), asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", STOPPING: stopping}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    await outbox.get()
    reader = await Reader(app, "/v1/s").until_said(b"a")
    if is_told_early:
        stopping.set()
        await reader.end(1)
        assert (await Reader(app, "/v1/s").end(1)).is_ended
    await inbox.put({"type": "lifespan.shutdown"})
    await life
    await reader.end(1)
    assert reader.is_ended
    assert source.is_closed


def test_an_event_as_it_stands_on_the_wire():
    assert sse("plan", b"{}", "c1") == b"id: c1\nevent: plan\ndata: {}\n\n"
    assert sse("beat", b"{}") == b"event: beat\ndata: {}\n\n"


def read_ticks(url, until, seen):
    with httpx.stream("GET", f"{url}/v1/ticks", headers=bearer("reader"), timeout=30) as response:
        for chunk in response.iter_bytes():
            seen.append(chunk)
            if until.is_set():
                return
    seen.append(None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_do_not_hold_up_a_stop(serve_one, number):
    server = serve_one(workers=1).wait()
    seen, never = [[] for _ in range(5)], threading.Event()
    readers = [threading.Thread(target=read_ticks, args=(server.url, never, one)) for one in seen]
    for reader in readers:
        reader.start()
    time.sleep(1.0)
    began = time.monotonic()
    assert server.stop(number) == 0, server.log.read_text()
    assert time.monotonic() - began < 8
    for reader in readers:
        reader.join()
    assert all(len(one) > 1 and one[-1] is None for one in seen), "each stream came to its proper end"


def test_a_real_reader_who_leaves_or_sleeps_is_noticed(serve_one):
    server = serve_one(workers=1).wait()
    request = b"GET /v1/ticks?ms=0&size=100000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\n\r\n"
    sleeping = socket.create_connection(("127.0.0.1", server.port))
    sleeping.sendall(request)
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:
        leaving.sendall(request)
        leaving.recv(1_000)
    left = 3.0
    until = time.monotonic() + 40
    while left > 1.0 and time.monotonic() < until:
        time.sleep(1.0)
        text = httpx.get(f"{server.url}/metrics", headers=bearer("counter")).text
        left = float(text.split("\ndetente_http_in_flight ")[1].split("\n")[0])
    assert left == 1.0, "the two streams are over; what is in flight is the question itself"
    sleeping.close()
