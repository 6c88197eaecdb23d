"""Pools give up rather than hang, renew themselves, and their errors leave as ours."""

import asyncio

import asyncpg
import psycopg
import pytest

from detente.errors import NotFound, StoreRefused, StoreUnavailable
from detente.store import is_ready, open_pool, wrap_errors
from detente.store.pool import translate_error


async def test_a_pool_answers_and_is_no_superuser(pg_pool):
    assert await pg_pool.fetchval("SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user")
    latency_ms = await is_ready(pg_pool)
    assert latency_ms is not None
    assert 0 < latency_ms < 1000


@pytest.mark.parametrize("turn", [1, 2])
async def test_every_test_has_its_own_database(pg_pool, turn):
    await pg_pool.execute("CREATE TABLE only_here (a int)")
    assert turn in {1, 2}


async def test_a_slow_statement_is_ended(pg_dsn):
    pool = await open_pool(pg_dsn, statement_timeout_ms=50)
    with pytest.raises(StoreUnavailable, match="took too long"), wrap_errors():
        await pool.execute("SELECT pg_sleep(5)")
    assert await pool.fetchval("SELECT 1") == 1
    pool.terminate()


async def test_a_wait_for_a_lock_is_ended(pg_dsn):
    pool = await open_pool(pg_dsn, lock_timeout_ms=50)
    await pool.execute("CREATE TABLE locked (a int)")
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("LOCK TABLE locked")
        with pytest.raises(StoreUnavailable, match="lock was not free"), wrap_errors():
            await pool.fetch("SELECT * FROM locked")
    pool.terminate()


async def test_an_idle_transaction_is_ended_and_its_lock_freed(pg_dsn):
    pool = await open_pool(pg_dsn, idle_in_transaction_timeout_ms=50)
    async with pool.acquire() as idle:
        transaction = idle.transaction()
        await transaction.start()
        await asyncio.sleep(0.5)
        with pytest.raises(StoreUnavailable), wrap_errors():
            await idle.execute("SELECT 1")
    pool.terminate()


async def test_sessions_ended_by_the_server_are_replaced(pg_server, pg_dsn):
    pool = await open_pool(pg_dsn, min_size=3, application_name="to be ended")
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'"
        ).fetchall()
    assert len(ended) == 3
    outcomes = []
    for _ in range(10):
        try:
            with wrap_errors():
                outcomes.append(await pool.fetchval("SELECT 1"))
        except StoreUnavailable:
            outcomes.append(None)
    assert outcomes[-1] == 1
    assert outcomes.count(None) <= 3
    pool.terminate()


async def test_a_server_that_is_not_there_and_a_database_that_is_not_there(pg_dsn):
    with pytest.raises(StoreUnavailable, match="no server is listening"):
        await open_pool("postgresql://a:b@127.0.0.1:1/x")
    name = pg_dsn.rsplit("/", 1)[1].split("?")[0]
    with pytest.raises(StoreRefused, match="no such database"):
        await open_pool(pg_dsn.replace(f"/{name}", "/no_such"))


async def test_a_mistake_in_a_query_is_not_called_unavailable(pg_pool):
    with pytest.raises(asyncpg.UndefinedTableError), wrap_errors():
        await pg_pool.fetch("SELECT * FROM no_such_table")
    with pytest.raises(asyncpg.InterfaceError), wrap_errors():
        await pg_pool.fetch("SELECT $1::int", 1, 2)


async def test_the_boundary_as_a_decorator():
    @wrap_errors()
    async def lose():
        raise ConnectionResetError(104, "Connection reset by peer")

    @wrap_errors()
    def run_out_of_time():
        raise TimeoutError

    @wrap_errors()
    async def give(value):
        return value

    with pytest.raises(StoreUnavailable, match="reset by peer") as lost:
        await lose()
    assert isinstance(lost.value.__cause__, ConnectionResetError)
    with pytest.raises(StoreUnavailable, match="no reply in time"):
        run_out_of_time()
    assert await give(5) == 5


def test_our_own_errors_and_cancellation_pass():
    for error in (NotFound("none"), asyncio.CancelledError(), KeyError("x"), None):
        assert translate_error(error) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.DiskFullError("could not extend file base/1/2"), "its disk is full"),
        (asyncpg.TooManyConnectionsError("x"), "too many connections"),
        (asyncpg.DeadlockDetectedError("x"), "blocked each other"),
        (asyncpg.SerializationError("x"), "collided"),
        (asyncpg.ReadOnlySQLTransactionError("x"), "takes no writes"),
        (asyncpg.AdminShutdownError("x"), "is stopping"),
        (asyncpg.ConnectionDoesNotExistError("x"), "connection was lost"),
        (asyncpg.InternalClientError("cannot switch to state 15"), "connection was lost"),
        (asyncpg.ConnectionDoesNotExistError("PANIC: No space left on device"), "its disk is full"),
    ],
)
def test_what_can_be_waited_out_is_unavailable_and_says_why(error, said):
    ours = translate_error(error)
    assert isinstance(ours, StoreUnavailable)
    assert said in ours.detail
    assert "base/1/2" not in ours.detail
