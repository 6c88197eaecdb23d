"""What the search for neighbours reads of a busy cell, and what a declaration locks in a new one."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from detente.errors import ConflictingPlan
from detente.geo.index import Reach, rows_of
from detente.plans.volumes import prepare_all
from tests.plans.conftest import ALPHA, T0, body, circle, principal

CROWD = 20_000
READ = (
    "SELECT coalesce(sum(idx_tup_fetch + seq_tup_read), 0) FROM pg_stat_xact_user_tables WHERE relname = $1"
)

# Copies of one row of the index, a quarter of an hour apart: before and after what is asked about.
FILL = """
INSERT INTO {table}
SELECT c.parent, c.span, c.end_ms + n * 900000::bigint, c.start_ms + n * 900000::bigint, c.mask, c.datum,
       c.own_lower, c.own_upper, c.lower, c.upper, c.lat_lo, c.lat_hi, c.lon_lo, c.lon_hi,
       gen_random_uuid(), c.volume_ix
FROM (SELECT * FROM plan_cell WHERE plan_id = $1) c, generate_series(-{crowd} / 2, {crowd} / 2) AS n
WHERE n <> 0
"""


@pytest.mark.pg
@pytest.mark.parametrize(
    ("table", "function"),
    [("plan_cell", "plan_neighbours"), ("plan_cell_ended", "plan_neighbours_ended")],
)
async def test_a_search_reads_what_lies_near_in_time_however_busy_the_cell(world, table, function):
    made = await world.declare(ALPHA, body(circle()))
    search = rows_of(prepare_all([circle(start=T0 + timedelta(days=1))]), Reach()).packed
    async with world.pool.acquire() as connection, connection.transaction():
        # Planned while the table is nearly empty, as on the first day of an exchange.
        assert len(await connection.fetch(f"SELECT * FROM {function}($1)", search)) == 0
        await connection.execute(FILL.format(table=table, crowd=CROWD), uuid.UUID(made["plan_id"]))
        before = await connection.fetchval(READ, table)
        found = await connection.fetch(f"SELECT * FROM {function}($1)", search)
        after = await connection.fetchval(READ, table)
    assert len(found) == 3
    assert after - before < 200


@pytest.mark.pg
async def test_the_first_declarations_of_a_new_area_have_one_winner(world):
    who = [principal(f"party-{k}") for k in range(24)]
    answers = await asyncio.gather(
        *(world.declare(one, body(circle(lat=-33.0, lon=151.0))) for one in who), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, ConflictingPlan)]
    assert len(refused) == len(who) - 1
    assert sum(isinstance(answer, dict) for answer in answers) == 1


@pytest.mark.pg
async def test_rows_to_lock_that_are_missing_are_made_again(world):
    await world.declare(ALPHA, body(circle()))
    parents = await world.pool.fetch("DELETE FROM plan_cell_lock RETURNING parent")
    await world.declare(ALPHA, body(circle(lower_m=900.0, upper_m=950.0)))
    assert sorted(await world.pool.fetch("SELECT parent FROM plan_cell_lock")) == sorted(parents)
