"""The feed misses nothing, in whatever order transactions commit; its cursors tell nothing."""

import asyncio
import base64
import random

import pytest

from detente.errors import BadInput
from detente.record import Cursors, Position, changes_after, feed_secret, horizon
from detente.record.cursor import KEPT_MS
from tests.record.test_statements import write

TYPES = ["plan.declared", "plan.changed"]
NOW_MS = 1_800_000_000_000


async def read(pool, after, limit=100, types=TYPES):
    page = await changes_after(pool, after, types, limit)
    return [change.subject for change in page.changes], page


async def begin(pool):
    connection = await pool.acquire()
    transaction = connection.transaction()
    await transaction.start()
    return connection, transaction


async def test_an_earlier_id_that_commits_later_is_not_missed(pg_pool):
    start = await horizon(pg_pool)
    slow, of_slow = await begin(pg_pool)
    first = await write(slow, "slow")
    second = await write(pg_pool, "quick")
    assert first < second

    # A reader who goes by ids sees the second, goes past the first, and never comes back to it.
    by_id = [r[0] for r in await pg_pool.fetch("SELECT statement_id FROM statement WHERE statement_id > 0")]
    assert by_id == [second]
    subjects, page = await read(pg_pool, start)
    assert subjects == [], "the second waits until the first is settled"
    await of_slow.commit()
    missed = await pg_pool.fetch("SELECT statement_id FROM statement WHERE statement_id > $1", second)
    assert missed == [], "what the naive cursor finds after that: nothing, so the first is lost"
    assert await pg_pool.fetchval("SELECT count(*) FROM statement WHERE statement_id < $1", second) == 1

    subjects, _ = await read(pg_pool, page.reached)
    assert subjects == ["slow", "quick"]
    await pg_pool.release(slow)


async def test_what_is_rolled_back_is_no_gap(pg_pool):
    start = await horizon(pg_pool)
    lost, of_lost = await begin(pg_pool)
    await write(lost, "lost")
    await write(pg_pool, "kept")
    await of_lost.rollback()
    assert (await read(pg_pool, start))[0] == ["kept"]
    await pg_pool.release(lost)


async def test_pages_join_without_a_gap_and_without_repeating(pg_pool):
    after = await horizon(pg_pool)
    for number in range(10):
        await write(pg_pool, f"s{number}", kind="separation.set" if number % 3 == 0 else "plan.declared")
    seen, fulls = [], []
    while True:
        subjects, page = await read(pg_pool, after, limit=2)
        seen += subjects
        fulls.append(page.is_full)
        after = page.reached
        if not page.is_full:
            break
    assert seen == [f"s{number}" for number in range(10) if number % 3]
    assert fulls == [True, True, True, False]
    assert (await read(pg_pool, after))[0] == []


async def test_a_version_that_was_overtaken_says_so(pg_pool):
    after = await horizon(pg_pool)
    for version in (1, 2):
        await write(pg_pool, "s", version, kind="plan.changed")
        await write(pg_pool, "s", version + 7, kind="account.changed")
    _, page = await read(pg_pool, after)
    assert [(change.version, change.is_overtaken) for change in page.changes] == [(1, True), (2, False)]


async def test_nothing_is_missed_or_repeated_while_many_write(pg_pool):
    after = start = await horizon(pg_pool)
    made, rng, is_done = [], random.Random(3), asyncio.Event()  # noqa: S311 - spreads writers

    async def writer(name):
        for number in range(40):
            async with pg_pool.acquire() as connection, connection.transaction():
                subject = f"{name}-{number}"
                await write(connection, subject)
                await asyncio.sleep(rng.random() * 0.01)
                made.append(subject)

    async def reader(after):
        seen = []
        while True:
            was_done = is_done.is_set()
            subjects, page = await read(pg_pool, after, limit=5)
            seen += subjects
            after = page.reached
            if was_done and not page.is_full:
                return seen

    reading = asyncio.create_task(reader(after))
    await asyncio.gather(*(writer(name) for name in "abcdef"))
    is_done.set()
    seen = await reading
    assert len(seen) == len(set(seen)) == 240
    assert set(seen) == set(made)
    assert seen == (await read(pg_pool, start, limit=1_000))[0], "every reader sees one order"


async def test_a_look_at_the_feed_reads_no_more_than_it_gives(pg_pool):
    for number in range(50):
        await write(pg_pool, f"s{number}")
    plan = await pg_pool.fetch(
        "EXPLAIN SELECT 1 FROM statement WHERE (xact, statement_id) > ($1, $2) AND xact < $3 "
        "ORDER BY xact, statement_id LIMIT 5",
        1, 0, 10**9,
    )  # fmt: skip
    assert any("statement_feed" in row[0] for row in plan)
    assert not any("Sort" in row[0] for row in plan)


async def test_all_servers_of_an_exchange_share_the_secret(pg_pool):
    secret = await feed_secret(pg_pool)
    assert len(secret) == 32
    assert secret == await feed_secret(pg_pool)


CURSORS = Cursors(bytes(range(32)))


@pytest.mark.parametrize("position", [Position(0, 0), Position(7, 1), Position(2**63, 2**62)])
def test_a_cursor_comes_back_as_it_went(position):
    cursor = CURSORS.write(position, NOW_MS)
    assert CURSORS.read(cursor, NOW_MS + KEPT_MS, field="after") == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_two_cursors_of_one_place_have_nothing_in_common():
    made = {CURSORS.write(Position(7, 1), NOW_MS) for _ in range(50)}
    assert len(made) == 50
    assert len({len(cursor) for cursor in made} | {len(CURSORS.write(Position(2**60, 2**60), 0))}) == 1
    for number in range(0, 68, 4):
        assert len({cursor[number : number + 4] for cursor in made}) > 40


def damaged():
    good = CURSORS.write(Position(7, 1), NOW_MS)
    raw = bytearray(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
    for at in (0, 12, 20, len(raw) - 1):
        bent = bytes(raw[:at]) + bytes([raw[at] ^ 1]) + bytes(raw[at + 1 :])
        yield base64.urlsafe_b64encode(bent).decode()
    yield from ("", "x", "é", "0", "A" * 70, "A" * 5_000, good + "=", good + "A", good[:-4], good[:10])
    yield Cursors(bytes(32)).write(Position(7, 1), NOW_MS)


def test_a_cursor_that_is_not_ours_is_refused_by_its_field():
    for cursor in damaged():
        with pytest.raises(BadInput) as refusal:
            CURSORS.read(cursor, NOW_MS, field="after")
        assert refusal.value.members["field"] == "after", cursor
        assert "gave" in refusal.value.detail


def test_an_old_cursor_is_refused():
    cursor = CURSORS.write(Position(7, 1), NOW_MS)
    with pytest.raises(BadInput, match="too old") as refusal:
        CURSORS.read(cursor, NOW_MS + KEPT_MS + 1, field="after")
    assert refusal.value.members["field"] == "after"
