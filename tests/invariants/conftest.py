"""The whole application in this process, over HTTP's own shapes (ASGI), on a database of the test's own."""

import asyncio
import contextlib

import httpx
import psycopg
import pytest

from detente.app import Exchange
from detente.parties.model import Role
from detente.settings import Settings
from tests.invariants.fleet import URL, make_exchange


class House:
    """An exchange with an account of every role, and a client without a token."""

    def __init__(self, app, dsn, http, accounts):
        self.app = app
        self.dsn = dsn
        self.http = http
        self.accounts = accounts
        self._tokens = {}

    async def token(self, party, role, **form):
        held = (party, role, tuple(form.items()))
        if held not in self._tokens:
            client_id, secret = self.accounts[party, role]
            answer = await self.http.post(
                "/v1/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": secret,
                    **form,
                },
            )
            assert answer.status_code == 200, answer.text
            self._tokens[held] = answer.json()["access_token"]
        return self._tokens[held]

    async def call(self, method, path, *, who=None, token=None, body=None, **headers):
        """One request; ``who`` is (party, role)."""
        if who is not None:
            token = await self.token(*who)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if isinstance(body, bytes):
            sent.setdefault("content-type", "application/json")
            return await self.http.request(method, path, content=body, headers=sent)
        return await self.http.request(method, path, json=body, headers=sent)

    def count(self, sql="SELECT count(*) FROM statement"):
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(sql).fetchone()[0]


EVERYONE = [
    ("alpha", Role.PLANNER, 50),
    ("alpha", Role.DUTY_OFFICER, 50),
    ("alpha", Role.OBSERVER, 50),
    ("alpha", Role.AUTHORITY, 50),
    ("bravo", Role.PLANNER, 0),
    ("bravo", Role.DUTY_OFFICER, 0),
]


@contextlib.asynccontextmanager
async def serving(dsn, **settings):
    """The application as ``detente serve`` makes it, its background work included."""
    accounts = await asyncio.to_thread(make_exchange, dsn, EVERYONE)
    app = Exchange(Settings(database=dsn, public_url=URL, **settings))
    inbox, outbox = asyncio.Queue(), asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL, timeout=60) as http:
        yield House(app, dsn, http, accounts)
    await inbox.put({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await life


@pytest.fixture
async def house(pg_dsn):
    async with serving(pg_dsn) as made:
        yield made


@pytest.fixture
async def driven(pg_dsn):
    """One that a test harness may drive, as the user of a party that is not there yet."""
    async with serving(pg_dsn, test_interfaces=True, party="uss1") as made:
        yield made
