"""A discovery service for every test that asks for one."""

import pytest_asyncio

from tests.astm.house import House


@pytest_asyncio.fixture
async def house(pg_pool):
    made = House(pg_pool)
    yield made
    await made.http.aclose()
