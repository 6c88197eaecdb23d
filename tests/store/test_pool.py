from detente.store import is_ready


async def test_a_pool_answers_and_is_no_superuser(pg_pool):
    assert await pg_pool.fetchval("SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user")
    latency_ms = await is_ready(pg_pool)
    assert latency_ms is not None
    assert 0 < latency_ms < 1000


async def test_every_test_has_its_own_database(pg_pool):
    await pg_pool.execute("CREATE TABLE only_here (a int)")


async def test_every_test_has_its_own_database_again(pg_pool):
    await pg_pool.execute("CREATE TABLE only_here (a int)")
