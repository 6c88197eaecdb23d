"""Notices in the database: with their write or not at all, in order, held by one worker at a time."""

import asyncio
import json

import asyncpg
import pytest

from detente.discovery import notices
from detente.discovery.notices import Notice, NoticeKind
from detente.store import open_pool

from .queueing import NOW_MS, URL, left, queue, subject


async def taken(pool, now_ms=NOW_MS, limit=100, **more):
    return await notices.take(pool, now_ms, limit, **more)


async def ids(pool, now_ms=NOW_MS, limit=100, **more):
    return [one.notice_id for one in await taken(pool, now_ms, limit, **more)]


async def test_a_notice_says_what_was_queued(pg_pool):
    made = await queue(pg_pool, 7, kind="zone", subscriptions=b'[{"subscription_id":"x"}]')
    assert await taken(pg_pool) == [
        Notice(
            made,
            "alpha",
            NoticeKind.ZONE,
            subject(7),
            URL,
            b'[{"subscription_id":"x"}]',
            made_ms=NOW_MS,
            attempts=1,
        )
    ]


async def test_a_write_that_is_rolled_back_leaves_no_notice(pg_pool):
    async with pg_pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await queue(connection)
        await transaction.rollback()
    assert await left(pg_pool) == []
    async with pg_pool.acquire() as connection, connection.transaction():
        await queue(connection)
        assert await ids(pg_pool) == []  # nothing is told before it is so
    assert len(await ids(pg_pool)) == 1


@pytest.mark.parametrize("bad", [{"kind": "track"}, {"url": None}, {"subscriptions": None}, {"now_ms": None}])
async def test_what_is_no_notice_fails_the_write(pg_pool, bad):
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await queue(pg_pool, **bad)


async def test_a_taken_notice_is_held_for_the_time_of_the_lease(pg_pool):
    made = await queue(pg_pool)
    assert await ids(pg_pool) == [made]
    assert await ids(pg_pool, NOW_MS + 29_999) == []
    again = await taken(pg_pool, NOW_MS + 30_000)
    assert [(one.notice_id, one.attempts) for one in again] == [(made, 2)]


async def test_a_notice_that_is_not_due_is_not_taken(pg_pool):
    made = await queue(pg_pool, now_ms=NOW_MS + 1)
    assert await ids(pg_pool) == []
    assert await ids(pg_pool, NOW_MS + 1) == [made]


async def test_one_line_goes_in_order_and_lines_do_not_wait_for_each_other(pg_pool):
    first, second, third = [await queue(pg_pool) for _ in range(3)]
    elsewhere = await queue(pg_pool, url="https://other.test")
    another = await queue(pg_pool, 2)
    held = {one.notice_id: one for one in await taken(pg_pool)}
    assert set(held) == {first, elsewhere, another}
    assert await ids(pg_pool) == []
    assert await notices.delivered(pg_pool, held[first])
    [following] = await taken(pg_pool)
    assert following.notice_id == second
    assert await notices.failed(pg_pool, following, NOW_MS + 1_000)
    assert await ids(pg_pool) == []
    await queue(pg_pool, now_ms=NOW_MS + 5)
    assert await ids(pg_pool, NOW_MS + 999) == []
    [following] = await taken(pg_pool, NOW_MS + 1_000)
    assert (following.notice_id, following.attempts) == (second, 2)
    assert await notices.give_up(pg_pool, following, NOW_MS, "refused")
    assert await ids(pg_pool) == [third]


async def test_what_waits_behind_a_failure_is_due_as_soon_as_it_is_delivered(pg_pool):
    first, second = [await queue(pg_pool) for _ in range(2)]
    [one] = await taken(pg_pool)
    await notices.failed(pg_pool, one, NOW_MS + 60_000)
    due = await pg_pool.fetch("SELECT due_ms FROM notice ORDER BY notice_id")
    assert [row["due_ms"] for row in due] == [NOW_MS + 60_000] * 2  # so that nobody looks at it in between
    [one] = await taken(pg_pool, NOW_MS + 60_000)
    assert one.notice_id == first
    await notices.delivered(pg_pool, one)
    assert await ids(pg_pool, NOW_MS + 60_000) == [second]


async def test_what_another_worker_is_just_taking_is_passed_over(pg_pool):
    first, other = await queue(pg_pool, 1), await queue(pg_pool, 2)
    async with pg_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM notice WHERE notice_id = $1 FOR UPDATE", first)
        assert await ids(pg_pool) == [other]  # who waited would meet the limit for locks


async def test_who_lost_the_lease_can_end_nothing(pg_pool):
    await queue(pg_pool)
    second = await queue(pg_pool)
    [slow] = await taken(pg_pool)
    [now] = await taken(pg_pool, NOW_MS + 30_000)
    assert not await notices.delivered(pg_pool, slow)
    assert not await notices.failed(pg_pool, slow, NOW_MS)
    assert not await notices.give_up(pg_pool, slow, NOW_MS, "late")
    assert await notices.undelivered(pg_pool, 10) == []
    assert await ids(pg_pool, NOW_MS + 30_000) == []
    assert await notices.delivered(pg_pool, now)
    assert not await notices.delivered(pg_pool, now)
    assert await left(pg_pool) == [second]


async def test_a_notice_given_up_is_kept_for_a_while_with_its_reason(pg_pool):
    for about in range(3):
        await queue(pg_pool, about)
    for number, one in enumerate(await taken(pg_pool)):
        assert await notices.give_up(pg_pool, one, NOW_MS + number, f"reason {number}")
    kept = await notices.undelivered(pg_pool, 2)
    assert [(one.reason, one.given_up_ms, one.notice.subject_id) for one in kept] == [
        ("reason 2", NOW_MS + 2, subject(2)),
        ("reason 1", NOW_MS + 1, subject(1)),
    ]
    assert await notices.forget_undelivered(pg_pool, NOW_MS + 2, 1) == 1
    assert await notices.forget_undelivered(pg_pool, NOW_MS + 2, 10) == 1
    assert [one.reason for one in await notices.undelivered(pg_pool, 10)] == ["reason 2"]


async def test_no_url_takes_every_place(pg_pool):
    for about in range(10):
        await queue(pg_pool, about)
    other = await queue(pg_pool, 1, url="https://other.test", now_ms=NOW_MS + 1)
    first = await taken(pg_pool, NOW_MS + 1, 8)
    assert sorted(one.uss_base_url for one in first) == ["https://other.test"] + [URL] * 4
    assert other in [one.notice_id for one in first]
    assert len(await ids(pg_pool, limit=3)) == 3
    assert await ids(pg_pool, but_not=[URL]) == []
    assert len(await ids(pg_pool)) == 3


async def test_many_workers_never_hold_the_same_notice_and_keep_each_line_in_order(pg_pool, pg_dsn):
    pools = [pg_pool] + [await open_pool(pg_dsn, max_size=4) for _ in range(2)]
    for turn in range(12):
        for about in range(8):
            await queue(pg_pool, about, url=f"https://uss{about % 3}.test", now_ms=NOW_MS + turn)
    held, ended = set(), []

    async def work(pool):
        while await pool.fetchval("SELECT count(*) FROM notice"):
            for one in await taken(pool, NOW_MS + 1_000, 3):
                assert one.notice_id not in held
                assert (one.subject_id, one.uss_base_url) not in {
                    (b.subject_id, b.uss_base_url) for b in live
                }
                held.add(one.notice_id)
                live.append(one)
                await asyncio.sleep(0)
                live.remove(one)
                ended.append(one)
                assert await notices.delivered(pool, one)

    live = []
    await asyncio.gather(*(work(pool) for pool in pools for _ in range(3)))
    assert len(ended) == 96
    for about in range(8):
        line = [one.notice_id for one in ended if one.subject_id == subject(about)]
        assert line == sorted(line)
    assert {one.attempts for one in ended} == {1}
    for pool in pools[1:]:
        await pool.close()


async def test_taking_looks_at_what_is_due_and_not_at_the_whole_table(pg_pool):
    await pg_pool.execute(
        "INSERT INTO notice (party_id, kind, subject_id, uss_base_url, subscriptions, made_ms, due_ms)"
        " SELECT 'alpha', 'plan', gen_random_uuid(), 'https://uss.test', '[]', $1::bigint, $1::bigint + i"
        " FROM generate_series(1, 20000) i",
        NOW_MS,
    )
    await pg_pool.execute("ANALYZE notice")
    [plan] = await pg_pool.fetch(
        "EXPLAIN (ANALYZE, FORMAT JSON) " + notices._SQL["take"], NOW_MS + 50, 16, 30_000, [], 4, None
    )
    [root] = json.loads(plan[0])
    reads = [node for node in nodes(root["Plan"]) if node.get("Relation Name") == "notice"]
    assert {node.get("Index Name") for node in reads} >= {"notice_due", "notice_in_line"}
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in reads) <= 50


async def test_a_long_line_is_not_compared_with_itself(pg_pool):
    await pg_pool.execute(
        "INSERT INTO notice (party_id, kind, subject_id, uss_base_url, subscriptions, made_ms, due_ms)"
        " SELECT 'alpha', 'plan', $2, 'https://uss.test', '[]', $1::bigint, $1::bigint"
        " FROM generate_series(1, 20000) i",
        NOW_MS,
        subject(1),
    )
    await pg_pool.execute("ANALYZE notice")
    assert len(await ids(pg_pool)) == 1  # each with each, the statement would be ended for taking too long


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)
