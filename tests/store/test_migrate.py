"""Migrations: in order, whole or not at all, once, and the same schema by every road."""

import asyncio

import asyncpg
import psycopg
import pytest

from detente.errors import StoreRefused
from detente.store import Migration, find_migrations, migrate
from detente.store.migrate import checked, order_of

CATALOGUE = """
SELECT 'column' AS kind, c.relname || '.' || a.attname AS name,
       concat_ws(' ', c.relkind, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
                 array_to_string(c.reloptions, ',')) AS definition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE n.nspname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(o.oid)
  FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace WHERE n.nspname = 'public'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'public' AND p.prokind IN ('f', 'p')
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid)
  FROM pg_trigger t WHERE NOT tgisinternal
UNION ALL
SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'type', t.typname, concat_ws(' ', t.typtype, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                                                       FROM pg_enum e WHERE e.enumtypid = t.oid))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname = 'public' AND t.typtype IN ('d', 'e')
UNION ALL
SELECT 'migration', name, sha256 FROM schema_migration
"""


def catalogue(dsn):
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(CATALOGUE).fetchall()
    assert rows
    return set(rows)


def numbered(number, sql, phase="pre"):
    return Migration(f"0.1.0_{number:02}_{phase}_made_up.sql", sql)


FIRST = numbered(1, "CREATE TABLE a (x int)")
SECOND_ALONE = numbered(2, "CREATE TABLE b (z int)")
SECOND = numbered(2, "ALTER TABLE a ADD y int; CREATE TABLE b (z int)")


async def test_all_at_once_equals_one_at_a_time(empty_dsn, second_empty_dsn):
    migrations = find_migrations()
    assert await migrate(empty_dsn) == len(migrations) > 0
    for count in range(1, len(migrations) + 1):
        assert await migrate(second_empty_dsn, migrations[:count]) == 1
    assert catalogue(empty_dsn) == catalogue(second_empty_dsn)


async def test_the_comparison_of_catalogues_bites(empty_dsn):
    await migrate(empty_dsn)
    before = catalogue(empty_dsn)
    for change in (
        "ALTER TABLE statement ALTER COLUMN party_id DROP NOT NULL",
        "CREATE INDEX extra ON statement (party_id)",
        "DROP TRIGGER statement_immutable ON statement",
        "ALTER TABLE statement ADD CONSTRAINT odd CHECK (at_ms > 5)",
        "ALTER TABLE statement_queue SET (fillfactor = 50)",
    ):
        with psycopg.connect(empty_dsn) as connection:
            connection.execute(change)
        after = catalogue(empty_dsn)
        assert after != before, change
        before = after


async def test_a_second_run_applies_nothing(pg_dsn):
    assert await migrate(pg_dsn) == 0


async def test_many_starters_at_once_apply_each_once(empty_dsn):
    counts = await asyncio.gather(*(migrate(empty_dsn) for _ in range(8)))
    assert sum(counts) == len(find_migrations())


async def test_a_newer_schema_is_refused_by_name(pg_dsn):
    newer = Migration("9.0.0_01_pre_from_the_future.sql", "CREATE TABLE future (a int)")
    assert await migrate(pg_dsn, [*find_migrations(), newer]) == 1
    with pytest.raises(StoreRefused, match=r"9\.0\.0_01_pre_from_the_future\.sql.*newer"):
        await migrate(pg_dsn)


async def test_a_changed_migration_is_refused_by_name(empty_dsn):
    await migrate(empty_dsn, [FIRST, SECOND])
    changed = Migration(FIRST.name, FIRST.sql + " ")
    with pytest.raises(StoreRefused, match=rf"{FIRST.name} has changed") as refusal:
        await migrate(empty_dsn, [changed, SECOND])
    assert refusal.value.members == {"expected": FIRST.sha256, "actual": changed.sha256}


async def test_a_changed_migration_is_found_behind_a_missing_one(empty_dsn):
    await migrate(empty_dsn, [SECOND_ALONE])
    with pytest.raises(StoreRefused, match="has changed"):
        await migrate(empty_dsn, [FIRST, Migration(SECOND_ALONE.name, "SELECT 1")])
    assert not any("column" in row[0] and row[1].startswith("a.") for row in catalogue(empty_dsn))


async def test_a_failing_migration_leaves_nothing_of_itself_and_what_came_before(empty_dsn):
    broken = numbered(2, "CREATE TABLE half (x int); SELECT no_such_function()")
    with pytest.raises(StoreRefused, match=rf"{broken.name} failed.*no_such_function"):
        await migrate(empty_dsn, [FIRST, broken])
    names = {row[1] for row in catalogue(empty_dsn)}
    assert FIRST.name in names
    assert broken.name not in names
    assert not any(name.startswith("half") for name in names)
    assert await migrate(empty_dsn, [FIRST, SECOND]) == 1


@pytest.mark.parametrize("statement", ["COMMIT;", "begin;", "  ROLLBACK ;", "START TRANSACTION;", "END;"])
def test_a_migration_that_controls_transactions_is_refused(statement):
    with pytest.raises(StoreRefused, match="controls transactions"):
        checked(numbered(1, f"CREATE TABLE a (x int);\n{statement}\nSELECT 1"))


def test_begin_and_end_within_a_function_are_no_transaction_control():
    checked(numbered(1, "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n RETURN 1;\nEND $$;"))


def test_the_order_is_by_version_number_and_phase():
    ordered = [
        "0.1.0_01_pre_a.sql",
        "0.1.0_02_pre_z.sql",
        "0.1.0_02_post_a.sql",
        "0.1.0_10_pre_a.sql",
        "0.2.0_01_pre_a.sql",
        "0.10.0_01_pre_a.sql",
        "1.0.0_01_pre_a.sql",
    ]
    assert sorted(sorted(ordered), key=order_of) == ordered


@pytest.mark.parametrize(
    "name", ["1.sql", "0.1.0_pre_a.sql", "0.1.0_01_mid_a.sql", "0.1.0_01_pre_A.sql", "a_01_pre_b.sql"]
)
def test_a_malformed_name_is_refused(name):
    with pytest.raises(StoreRefused, match="no migration name"):
        order_of(name)


async def test_a_role_that_may_not_create_is_refused_with_the_cure(pg_server, empty_dsn):
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS weak")
        admin.execute("CREATE ROLE weak LOGIN PASSWORD 'weak'")
    word = empty_dsn.split("//")[1].split("@")[0]
    with pytest.raises(StoreRefused, match="may not create tables"):
        await migrate(empty_dsn.replace(word, "weak:weak"))


async def test_a_wrong_password_and_a_missing_database_are_refused(pg_dsn):
    word = pg_dsn.split(":")[2].split("@")[0]
    with pytest.raises(StoreRefused, match="does not let this role in"):
        await migrate(pg_dsn.replace(word, "wrong"))
    name = pg_dsn.rsplit("/", 1)[1].split("?")[0]
    with pytest.raises(StoreRefused, match="no such database"):
        await migrate(pg_dsn.replace(name, "no_such_database"))


async def test_what_was_applied_is_recorded_with_its_hash(pg_dsn):
    connection = await asyncpg.connect(pg_dsn)
    rows = dict(await connection.fetch("SELECT name, sha256 FROM schema_migration"))
    await connection.close()
    assert rows == {migration.name: migration.sha256 for migration in find_migrations()}
