"""Notices for tests: queued as a write queues them."""

import uuid

NOW_MS = 1_790_000_000_000
URL = "https://uss.test"


def subject(number):
    return str(uuid.UUID(int=number))


async def queue(
    connection, about=1, url=URL, *, kind="plan", now_ms=NOW_MS, subscriptions=b"[]", party="alpha"
):
    """Queue one; its id."""
    return await connection.fetchval(
        "SELECT notice_queue($1, $2, $3, $4, $5, $6)",
        party, kind, subject(about), url, subscriptions, now_ms,
    )  # fmt: skip


async def left(pool):
    return [row["notice_id"] for row in await pool.fetch("SELECT notice_id FROM notice ORDER BY notice_id")]
