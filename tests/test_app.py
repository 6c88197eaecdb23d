"""The rooms put together: one exchange over HTTP's shapes, with its background work and its database."""

import asyncio
import contextlib
import os
import signal
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from detente.app import Exchange, create, external_issuers, new_ovn, now_ms
from detente.errors import StoreRefused
from detente.parties.model import Role
from detente.settings import IssuerSettings, Settings
from detente.store import EmbeddedPostgres, migrate
from tests.invariants.fleet import URL, make_exchange

ALPHA = ("alpha", Role.DUTY_OFFICER)
PATIENCE_S = 120


@contextlib.asynccontextmanager
async def running(settings, clock=now_ms):
    """A client of an exchange that was started as a server starts it, and is stopped like that."""
    app = Exchange(settings, clock)
    inbox, outbox = asyncio.Queue(), asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL, timeout=60) as http:
        yield http
    await inbox.put({"type": "lifespan.shutdown"})
    assert (await outbox.get())["type"] == "lifespan.shutdown.complete"
    await life


async def sign_in(http, account):
    form = {"grant_type": "client_credentials", "client_id": account[0], "client_secret": account[1]}
    answer = await http.post("/v1/token", data=form)
    assert answer.status_code == 200, answer.text
    http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"


async def until(condition):
    """Wait for an outcome, whatever the machine is busy with."""
    end = time.monotonic() + PATIENCE_S
    while not await condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def plan(lat=47.0, minutes=60):
    start = datetime.now(UTC).replace(microsecond=0)
    return {
        "volumes": [
            {
                "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": 8.0}, "radius_m": 500.0},
                "lower_m": 100.0,
                "upper_m": 200.0,
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=minutes)).isoformat(),
            }
        ]
    }


@pytest.fixture
async def accounts(pg_dsn):
    return await asyncio.to_thread(make_exchange, pg_dsn, [("alpha", Role.DUTY_OFFICER, 0)])


async def test_a_plan_goes_its_way_over_http(pg_dsn, accounts):
    async with running(Settings(database=pg_dsn, public_url=URL)) as http:
        await sign_in(http, accounts[ALPHA])
        path, key = f"/v1/plans/{uuid.uuid4()}", {"idempotency-key": "one"}
        body = plan()
        first = await http.put(path, json=body, headers=key)
        assert (first.status_code, first.headers["etag"]) == (201, '"1"')
        again = await http.put(path, json=body, headers=key)
        assert (again.status_code, again.headers["etag"], again.content) == (201, '"1"', first.content)
        other = await http.put(f"/v1/plans/{uuid.uuid4()}", json=body)
        assert (other.status_code, other.json()["type"]) == (409, "/problems/conflicting-plan")
        assert other.json()["ways_out"]["offers"]
        offer = other.json()["ways_out"]["offers"][0]
        settled = await http.put(f"/v1/plans/{uuid.uuid4()}", json={"volumes": offer["volumes"]})
        assert settled.status_code == 201
        active = await http.put(f"{path}/state", json={"state": "activated"}, headers={"if-match": '"1"'})
        assert (active.status_code, active.headers["etag"]) == (200, '"2"')
        stale = await http.put(f"{path}/state", json={"state": "ended"}, headers={"if-match": '"1"'})
        assert stale.status_code == 412
        read = await http.get(path)
        assert (read.headers["etag"], read.json()) == ('"2"', active.json())


async def test_a_plan_ends_by_itself_when_its_time_is_over(pg_dsn, accounts):
    ahead_ms = 0
    async with running(Settings(database=pg_dsn, public_url=URL), lambda: now_ms() + ahead_ms) as http:
        await sign_in(http, accounts[ALPHA])
        path = f"/v1/plans/{uuid.uuid4()}"
        assert (await http.put(path, json=plan(minutes=10))).status_code == 201
        ahead_ms = 11 * 60_000

        async def has_ended():
            return (await http.get(path)).json()["state"] == "ended"

        await until(has_ended)
        history = (await http.get(f"{path}/history")).json()
        assert [version["type"] for version in history] == ["plan.declared", "plan.expired"]


async def test_two_exchanges_on_one_database_are_one(pg_dsn, accounts):
    settings = Settings(database=pg_dsn, public_url=URL)
    async with running(settings) as one, running(settings) as other:
        await sign_in(one, accounts[ALPHA])
        other.headers["authorization"] = one.headers["authorization"]
        path = f"/v1/plans/{uuid.uuid4()}"
        made = await one.put(path, json=plan())
        assert (await other.get(path)).json() == made.json()
        refused = await other.put(f"/v1/plans/{uuid.uuid4()}", json=plan())
        assert refused.status_code == 409


async def test_without_its_database_it_lives_is_not_ready_and_comes_back(data_dir):
    with EmbeddedPostgres.start(data_dir) as postgres:
        accounts = await asyncio.to_thread(make_exchange, postgres.dsn, [("alpha", Role.DUTY_OFFICER, 0)])
        async with running(Settings(database=postgres.dsn, public_url=URL)) as http:
            await sign_in(http, accounts[ALPHA])
            assert (await http.get("/ready")).json()["checks"] == {"database": "ok", "issuer": "ok"}
            os.kill(postgres.pid, signal.SIGKILL)
            statuses = set()

            async def is_ready():
                statuses.add((await http.get("/health")).status_code)
                return (await http.get("/ready")).status_code == 200

            await until(is_ready)
            assert statuses == {200}

            async def declares():
                answer = await http.put(f"/v1/plans/{uuid.uuid4()}", json=plan(lat=40.0))
                assert answer.status_code in {201, 503}, answer.text
                return answer.status_code == 201

            await until(declares)


async def test_a_database_without_an_exchange_is_not_ready_and_says_what_to_do(pg_dsn):
    await migrate(pg_dsn)
    async with running(Settings(database=pg_dsn, public_url=URL)) as http:
        answer = await http.get("/ready")
        assert answer.status_code == 503, answer.text
        assert "detente init" in answer.json()["missing"]["issuer"], answer.text


async def test_without_a_database_nothing_is_built():
    with pytest.raises(StoreRefused):
        await Exchange(Settings())({"type": "http"}, None, None)


def test_a_worker_reads_its_settings_from_the_environment(monkeypatch):
    settings = Settings(database="postgresql://nowhere/x", audience=("a", "b"), pool_size=3)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert create()._settings == settings


def test_foreign_issuers_come_from_the_settings():
    named = IssuerSettings("https://i", "us", pem_file="/k.pem", scopes="role")
    (found,) = external_issuers(Settings(issuers=(named,)))
    assert (found.issuer, found.audience, found.pem_file) == ("https://i", "us", Path("/k.pem"))
    assert found.scope_handling.value == "role"


def test_an_ovn_is_long_and_never_the_same():
    ovns = {new_ovn() for _ in range(1_000)}
    assert len(ovns) == 1_000
    assert {len(ovn) for ovn in ovns} == {32}
