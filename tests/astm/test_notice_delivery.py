"""Delivering notices to real servers from a real database: down, slow, refusing, killed, several at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from detente.astm.notice_delivery import DeliverySettings, keep_delivering, pause_after
from detente.astm.peer_breaker import BreakerSettings
from detente.astm.peer_client import PeerClient
from detente.astm.peer_connection import PeerTimeouts
from detente.discovery import notices
from detente.errors import StoreUnavailable
from tests.discovery.queueing import left, queue

from .peer_server import START_MS, Tokens, running, until

QUICK = DeliverySettings(look_every_s=0.02)


async def body_of(notice):
    return json.dumps([notice.notice_id, notice.kind.value]).encode()


@asynccontextmanager
async def delivering(pool, clock, make_body=body_of, *, settings=QUICK, client=None, wake=None):
    """A worker at work."""
    client = client or PeerClient(
        Tokens(),
        clock_ms=clock,
        allows_http=True,
        timeouts=PeerTimeouts(call_s=2),
        breaker=BreakerSettings(failures=1_000),
    )
    task = asyncio.create_task(
        keep_delivering(pool, lambda _: client, make_body, clock, wake=wake, settings=settings)
    )
    try:
        yield task
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def until_left(pool, expected):
    for _ in range(1_000):
        if await left(pool) == expected:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"left: {await left(pool)}")


def told(peer):
    return [json.loads(asked.body)[0] for asked in peer.asked]


async def test_a_notice_is_told_once_where_its_kind_belongs(pg_pool, clock):
    async with running((204,)) as peer:
        plan = await queue(pg_pool, 1, peer.url)
        zone = await queue(pg_pool, 2, peer.url, kind="zone")
        with capture_logs() as logs:
            async with delivering(pg_pool, clock):
                await until_left(pg_pool, [])
                await asyncio.sleep(0.1)
    assert sorted((a.target, json.loads(a.body)[1]) for a in peer.asked) == [
        ("/uss/v1/constraints", "zone"),
        ("/uss/v1/operational_intents", "plan"),
    ]
    said = sorted(one["notice_id"] for one in logs if one["event"] == "notice_delivered")
    assert said == [plan, zone]


async def test_a_peer_that_is_down_is_told_everything_once_and_in_order_when_it_is_back(pg_pool, clock):
    async with running((204,)) as peer:
        await peer.stop()
        lines = {about: [await queue(pg_pool, about, peer.url) for _ in range(4)] for about in (1, 2, 3)}
        with capture_logs() as logs:
            async with delivering(pg_pool, clock):
                await until(lambda: sum(one["event"] == "notice_failed" for one in logs) == 3)
                await asyncio.sleep(0.1)
                assert sum(one["event"] == "notice_failed" for one in logs) == 3  # the first of each line
                await peer.start(peer.port)
                clock.pass_s(1)
                await until_left(pg_pool, [])
    for line in lines.values():
        assert [one for one in told(peer) if one in line] == line
    assert len(peer.asked) == 12


async def test_a_peer_that_is_down_keeps_nobody_else_waiting(pg_pool, clock):
    gate = asyncio.Event()

    async def silent(_asked):
        await gate.wait()

    async with running(silent) as dead, running((204,)) as alive:
        for about in range(60):
            await queue(pg_pool, about, dead.url)
        client = PeerClient(Tokens(), clock_ms=clock, allows_http=True, timeouts=PeerTimeouts(call_s=0.5))
        async with delivering(pg_pool, clock, client=client):
            await until(lambda: len(dead.asked) >= 4)
            for about in range(20):
                await queue(pg_pool, about, alive.url)
            await until(lambda: len(alive.asked) == 20)
            assert len(dead.asked) <= 7
            await until(lambda: client.is_left_alone(dead.url))
            await asyncio.sleep(0.3)
            tried = await pg_pool.fetchval("SELECT count(*) FROM notice WHERE attempts > 0")
            assert tried <= 14  # the others are not even taken
        gate.set()


async def test_a_failure_is_tried_again_after_longer_and_longer_pauses_and_given_up_after_an_hour(
    pg_pool, clock
):
    assert [pause_after(n, DeliverySettings()) for n in (1, 2, 3, 6, 7, 8, 500)] == [
        1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
    ]  # fmt: skip
    async with running((500, b"")) as peer:
        made = await queue(pg_pool, 1, peer.url)
        async with delivering(pg_pool, clock):
            for number, pause_s in enumerate((1, 2, 4)):
                await until(lambda number=number: len(peer.asked) == number + 1)
                await due_at(pg_pool, clock() + pause_s * 1_000)
                clock.pass_s(pause_s - 0.001)
                await asyncio.sleep(0.1)
                assert len(peer.asked) == number + 1
                clock.pass_s(0.001)
            await until(lambda: len(peer.asked) == 4)
            await due_at(pg_pool, clock() + 8_000)
            clock.now_ms = START_MS + 3_599_999
            await until(lambda: len(peer.asked) == 5)
            await due_at(pg_pool, clock() + 16_000)
            clock.pass_s(16)
            await until_left(pg_pool, [])
    [kept] = await notices.undelivered(pg_pool, 10)
    assert (kept.notice.notice_id, kept.notice.attempts, kept.given_up_ms) == (made, 6, clock())
    assert kept.reason == f"{peer.url} answered 500"


async def due_at(pool, due_ms):
    """Wait until what came of an attempt is written down."""
    for _ in range(1_000):
        rows = await pool.fetch("SELECT due_ms, lease_until_ms FROM notice")
        if [(row["due_ms"], row["lease_until_ms"]) for row in rows] == [(due_ms, None)]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"due: {rows}, not {due_ms}")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 415, 422])
async def test_a_definite_refusal_is_given_up_and_kept_and_the_next_one_goes(pg_pool, clock, status):
    async with running(lambda asked: (status if asked.body == b"[1]" else 204,)) as peer:
        refused = await queue(pg_pool, 1, peer.url, subscriptions=b"[1]")
        await queue(pg_pool, 1, peer.url, subscriptions=b"[2]")

        async def body(notice):
            return notice.subscriptions

        with capture_logs() as logs:
            async with delivering(pg_pool, clock, body):
                await until_left(pg_pool, [])
    assert [asked.body for asked in peer.asked] == [b"[1]", b"[2]"]
    [kept] = await notices.undelivered(pg_pool, 10)
    assert (kept.notice.notice_id, kept.reason) == (refused, f"the peer answered {status}")
    assert [one["notice_id"] for one in logs if one["event"] == "notice_given_up"] == [refused]


async def test_a_url_that_cannot_be_used_is_given_up(pg_pool, clock):
    await queue(pg_pool, 1, "https://user@uss.test")
    async with delivering(pg_pool, clock):
        await until_left(pg_pool, [])
    assert len(await notices.undelivered(pg_pool, 10)) == 1


@pytest.mark.parametrize("status", [200, 204, 409])
async def test_what_counts_as_received(pg_pool, clock, status):
    async with running((status,)) as peer:
        await queue(pg_pool, 1, peer.url)
        async with delivering(pg_pool, clock):
            await until_left(pg_pool, [])
    assert len(peer.asked) == 1
    assert await notices.undelivered(pg_pool, 10) == []


@pytest.mark.parametrize("status", [401, 408, 429, 302, 503])
async def test_what_is_tried_again(pg_pool, clock, status):
    async with running((status,)) as peer:
        made = await queue(pg_pool, 1, peer.url)
        async with delivering(pg_pool, clock):
            await due_at(pg_pool, clock() + 1_000)
        assert await left(pg_pool) == [made]


async def test_nothing_to_tell_any_more_and_a_body_that_breaks(pg_pool, clock):
    async def body(notice):
        if notice.subscriptions == b"[0]":
            return None
        if notice.subscriptions == b"[1]":
            raise ZeroDivisionError
        if notice.subscriptions == b"[2]" and notice.attempts == 1:
            raise StoreUnavailable("away")
        return b"{}"

    async with running((204,)) as peer:
        made = [await queue(pg_pool, n, peer.url, subscriptions=b"[%d]" % n) for n in range(4)]
        with capture_logs() as logs:
            async with delivering(pg_pool, clock, body):
                await until_left(pg_pool, made[1:3])
                await until(lambda: sum(one["event"] == "notice_failed" for one in logs) == 2)
                clock.pass_s(1)
                await until_left(pg_pool, made[1:2])
                clock.pass_s(3_600)
                await until_left(pg_pool, [])
    assert len(peer.asked) == 2
    [kept] = await notices.undelivered(pg_pool, 10)
    assert (kept.notice.notice_id, kept.reason) == (made[1], "it broke here (ZeroDivisionError)")


async def test_an_attempt_that_takes_too_long_ends_before_its_lease(pg_pool, clock):
    async def body(_notice):
        await asyncio.Event().wait()

    assert DeliverySettings().attempt_s * 1_000 <= notices.LEASE_MS / 2
    await queue(pg_pool)
    settings = DeliverySettings(look_every_s=0.02, attempt_s=0.1)
    async with delivering(pg_pool, clock, body, settings=settings):
        await due_at(pg_pool, clock() + 1_000)


async def test_who_has_written_wakes_the_worker(pg_pool, clock):
    wake = asyncio.Event()
    settings = DeliverySettings(look_every_s=3_600)
    async with running((204,)) as peer, delivering(pg_pool, clock, settings=settings, wake=wake):
        await asyncio.sleep(0.2)
        for _ in range(3):
            await queue(pg_pool, 1, peer.url)
        wake.set()
        await until_left(pg_pool, [])  # the whole line: each delivery wakes for the next


async def test_several_workers_send_each_notice_once_and_never_two_of_a_line_at_once(pg_pool, clock):
    live, most = [], 0

    async def answer(asked):
        nonlocal most
        about = asked.body
        assert about not in live
        live.append(about)
        most = max(most, len(live))
        await asyncio.sleep(0.01)
        live.remove(about)
        return (204,)

    async def body(notice):
        return notice.subject_id.encode()

    async with running(answer) as peer:
        for _ in range(6):
            for about in range(10):
                await queue(pg_pool, about, peer.url)
        async with delivering(pg_pool, clock, body), delivering(pg_pool, clock, body):
            await until_left(pg_pool, [])
    assert len(peer.asked) == 60
    assert most > 1


KILLED = textwrap.dedent(
    """
    import asyncio, os, signal, sys
    from detente.astm import notice_delivery
    from detente.astm.peer_client import PeerClient
    from detente.store import open_pool
    from tests.astm.peer_server import Tokens

    async def main():
        pool, now_ms = await open_pool(sys.argv[1]), int(sys.argv[2])
        async def die(*_words):
            os.kill(os.getpid(), signal.SIGKILL)
        notice_delivery.notices.delivered = die
        async def body(notice):
            return str([notice.notice_id, notice.attempts]).encode()
        client = PeerClient(Tokens(), clock_ms=lambda: now_ms, allows_http=True)
        await notice_delivery.keep_delivering(pool, lambda _: client, body, lambda: now_ms)

    asyncio.run(main())
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is missing")
async def test_a_worker_killed_before_it_could_say_so_makes_the_notice_go_again(pg_pool, pg_dsn, clock):
    async with running((204,)) as peer:
        made = await queue(pg_pool, 1, peer.url)
        following = await queue(pg_pool, 1, peer.url)
        died = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, pg_dsn, str(clock()), env=os.environ, stderr=subprocess.PIPE
        )
        _, said = await died.communicate()
        assert died.returncode == -signal.SIGKILL, said.decode()
        assert told(peer) == [made]
        async with delivering(pg_pool, clock):
            clock.pass_s(29)
            await asyncio.sleep(0.2)
            assert told(peer) == [made]  # the dead one's lease
            clock.pass_s(1)
            await until_left(pg_pool, [])
    assert told(peer) == [made, made, following]


async def test_a_database_that_is_away_is_waited_for(pg_pool, clock, monkeypatch):
    take, away = notices.take, [True]

    async def failing(*words, **more):
        if away[0]:
            raise StoreUnavailable("away")
        return await take(*words, **more)

    monkeypatch.setattr(notices, "take", failing)
    async with running((204,)) as peer:
        await queue(pg_pool, 1, peer.url)
        with capture_logs() as logs:
            async with delivering(pg_pool, clock):
                await until(lambda: any(one["event"] == "notices_wait" for one in logs))
                away[0] = False
                await until_left(pg_pool, [])


async def test_what_was_given_up_a_month_ago_is_forgotten(pg_pool, clock):
    for about, days in ((1, 31), (2, 29)):
        await queue(pg_pool, about, now_ms=START_MS)
        [one] = await notices.take(pg_pool, START_MS, 1)
        await notices.give_up(pg_pool, one, START_MS - days * 86_400_000, f"{days} days")
    async with delivering(pg_pool, clock):
        for _ in range(1_000):
            kept = [one.reason for one in await notices.undelivered(pg_pool, 10)]
            if kept == ["29 days"]:
                break
            await asyncio.sleep(0.01)
    assert kept == ["29 days"]
