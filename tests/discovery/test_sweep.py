"""What is over goes by itself, and nothing that is still of use."""

from datetime import timedelta

import pytest_asyncio

from detente.discovery import sweep as sweeping
from detente.discovery.sweep import sweep
from tests.astm.house import CR, OIR, SUB, T0, House, constraint, intent, new_id, subscription, volume


@pytest_asyncio.fixture
async def house(pg_pool):
    made = House(pg_pool)
    yield made
    await made.http.aclose()


def ms(at):
    return int(at.timestamp() * 1000)


async def counted(pool, table):
    return await pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_a_subscription_that_is_over_is_kept_for_a_day_and_with_its_plan(house, monkeypatch):
    monkeypatch.setattr(sweeping, "_BATCH", 2)
    for _ in range(5):
        await house.made(SUB, subscription())
    used = (await house.made(SUB, subscription()))["subscription"]["id"]
    await house.made(OIR, intent(subscription_id=used))
    end = T0 + timedelta(minutes=30)
    await sweep(house.pool, ms(end + timedelta(hours=24)))
    assert await counted(house.pool, "subscription") == 6
    await sweep(house.pool, ms(end + timedelta(hours=24, seconds=1)))
    assert await house.pool.fetch("SELECT subscription_id::text AS id FROM subscription") == [(used,)]
    assert await counted(house.pool, "(SELECT DISTINCT subscription_id FROM subscription_cell) c") == 1


async def test_a_zone_elsewhere_goes_a_day_after_its_time_with_its_statement(house):
    zone_id = new_id()
    await house.made(CR, constraint(volume(minutes=30)), zone_id)
    end = T0 + timedelta(minutes=30)
    await sweep(house.pool, ms(end + timedelta(hours=23)))
    assert (await house.call("GET", f"{CR}/{zone_id}")).status_code == 200
    await sweep(house.pool, ms(end + timedelta(hours=25)))
    assert (await house.call("GET", f"{CR}/{zone_id}")).status_code == 404
    assert await counted(house.pool, "zone_cell") == 0
    types = await house.pool.fetch(
        "SELECT type FROM statement WHERE subject = $1 ORDER BY statement_id", zone_id
    )
    assert [row["type"] for row in types] == ["zone.published", "zone.expired"]


async def test_what_was_named_and_what_was_told_is_forgotten_when_it_is_of_nothing_any_more(house):
    plan = (await house.intent())["id"]
    for subject in (plan, new_id()):
        await house.pool.execute(
            "SELECT peer_details_keep($1, 'plan', 'uss1', 1, 'x', 0, '{}', '\\x00', $2)", subject, ms(T0)
        )
    await house.pool.execute("INSERT INTO plan_shown_to VALUES ($1, 'uss2', $2)", plan, ms(T0))
    await sweep(house.pool, ms(T0))
    assert (await counted(house.pool, "peer_details"), await counted(house.pool, "plan_shown_to")) == (2, 1)
    await sweep(house.pool, ms(T0 + timedelta(hours=25)))
    kept = await house.pool.fetch("SELECT subject_id::text AS id FROM peer_details")
    assert [row["id"] for row in kept] == [plan]
    assert await counted(house.pool, "plan_shown_to") == 0
