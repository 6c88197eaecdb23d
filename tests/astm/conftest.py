"""A discovery service, a clock that tests turn, and a client that speaks to servers of this machine."""

import pytest
import pytest_asyncio

from detente.astm.peer_client import PeerClient
from detente.astm.peer_connection import PeerTimeouts

from .house import House
from .peer_server import Clock, Tokens
from .planner import Planner


@pytest_asyncio.fixture
async def house(pg_pool):
    made = House(pg_pool)
    yield made
    await made.http.aclose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens():
    return Tokens()


@pytest_asyncio.fixture
async def client(tokens, clock):
    """A client that gives up after half a second."""
    made = PeerClient(tokens, clock_ms=clock, allows_http=True, timeouts=PeerTimeouts(call_s=0.5))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def uss1(pg_pool):
    made = Planner(pg_pool, "uss1")
    yield made
    await made.http.aclose()


@pytest_asyncio.fixture
async def uss2(uss1):
    made = Planner(uss1.pool, "uss2", uss1.clock)
    yield made
    await made.http.aclose()
