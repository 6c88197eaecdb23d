"""Statements: written once with the hash of their content, queued, never changed."""

import hashlib

import asyncpg
import pytest

from detente.record.store import statements_of

WRITE = "SELECT queue_statement($1, 'alpha', 'account', $2, 5, $3, $4, $5)"


async def write(pool, subject="s", version=1, content=b"{}", *, kind="plan.declared", token=bytes(32)):
    return await pool.fetchval(WRITE, kind, token, subject, version, content)


async def test_a_statement_holds_its_content_and_waits_for_the_record(pg_pool):
    content = b'{"title": "\xc3\xa9"}'
    number = await write(pg_pool, content=content)
    (found,) = await statements_of(pg_pool, "s")
    assert (found.statement_id, found.content) == (number, content)
    assert found.content_sha256 == hashlib.sha256(content).digest()
    assert await pg_pool.fetchval("SELECT statement_id FROM statement_queue") == number


async def test_statements_are_read_oldest_first_and_by_subject(pg_pool):
    for version in (1, 2, 3):
        await write(pg_pool, version=version)
        await write(pg_pool, subject="other", version=version)
    assert [s.subject_version for s in await statements_of(pg_pool, "s")] == [1, 2, 3]
    assert [s.subject_version for s in await statements_of(pg_pool, "s", limit=2)] == [1, 2]
    assert await statements_of(pg_pool, "nothing") == []


async def test_nothing_of_a_statement_stays_when_its_act_is_rolled_back(pg_pool):
    async with pg_pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await write(connection)
        await transaction.rollback()
    assert await pg_pool.fetchval("SELECT count(*) FROM statement") == 0
    assert await pg_pool.fetchval("SELECT count(*) FROM statement_queue") == 0


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE statement SET party_id = 'bravo'",
        "UPDATE statement SET content = 'x'::bytea",
        "DELETE FROM statement",
        "TRUNCATE statement CASCADE",
        "WITH gone AS (DELETE FROM statement_queue) DELETE FROM statement",
    ],
)
async def test_a_statement_is_never_changed_or_deleted(pg_pool, act):
    await write(pg_pool)
    before = await statements_of(pg_pool, "s")
    with pytest.raises(asyncpg.RestrictViolationError):
        await pg_pool.execute(act)
    assert await statements_of(pg_pool, "s") == before


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Plan.declared"}, {"kind": "plan"}, {"kind": "plan.declared\nx"}, {"token": bytes(31)}],
    ids=str,
)
async def test_a_statement_of_the_wrong_form_is_refused(pg_pool, wrong):
    with pytest.raises(asyncpg.CheckViolationError):
        await write(pg_pool, **wrong)


async def test_a_hash_that_is_not_the_contents_is_refused(pg_pool):
    with pytest.raises(asyncpg.GeneratedAlwaysError):
        await pg_pool.execute(
            "INSERT INTO statement (type, party_id, account_id, at_ms, subject, content_sha256, content)"
            " VALUES ('plan.declared', 'alpha', 'a', 1, 's', sha256('another'), 'content')"
        )
