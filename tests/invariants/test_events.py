"""Streams of events over real servers: quick, complete over every break, many at once, quick to stop."""

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from detente.client import AsyncClient, Client, Retries
from detente.errors import BadInput
from detente.parties.model import Role
from detente.plans.model import PlanBody, PlanState, Sharing, StateBody
from tests.invariants.fleet import fleet, make_exchange, token_of
from tests.web.asgi_stream import Reader

pytestmark = [pytest.mark.pg, pytest.mark.timeout(300)]
DUTY = Role.DUTY_OFFICER
PARTIES = ("alpha", "bravo", "charlie", "delta")
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
STUBBORN = Retries(attempts=20, first_wait_s=0.05, longest_wait_s=1.0)


def plan(lat=47.0, lon=8.0, sharing="volumes"):
    one = {
        "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 100.0},
        "lower_m": 100.0,
        "upper_m": 200.0,
        "start": START.isoformat(),
        "end": (START + timedelta(minutes=20)).isoformat(),
    }
    return msgspec.convert({"volumes": [one], "sharing": sharing}, PlanBody)


@pytest.fixture
def two(pg_dsn):
    """Two servers on one database, and a token of each party."""
    accounts = make_exchange(pg_dsn, [(party, DUTY, 50) for party in PARTIES])
    with fleet(pg_dsn, 2) as servers:
        tokens = {party: token_of(servers[0].url, accounts[party, DUTY]) for party in PARTIES}
        yield servers, tokens


async def listening(stream):
    """The stream, past its hello."""
    assert (await anext(stream)).name == "hello"
    return stream


async def test_another_partys_plan_appears_within_a_second_through_another_server(two):
    (here, there), tokens = two
    async with (
        AsyncClient(here.url, token=tokens["alpha"]) as alpha,
        AsyncClient(there.url, token=tokens["bravo"]) as bravo,
    ):
        stream = await listening(bravo.events())
        took = []
        for n in range(5):
            plan_id = str(uuid.uuid4())
            began = time.monotonic()
            await alpha.declare(plan_id, plan(lat=47.0 + n / 10))
            event = await anext(stream)
            took.append(time.monotonic() - began)
            assert (event.name, event.data.plan_id) == ("plan", plan_id)
        # The best of five: what else the machine does is not the stream's.
        assert min(took) < 1.0, took
        await stream.aclose()


class Follower:
    """Reads events of one party, breaks off at random and comes back to another server with its cursor."""

    def __init__(self, party, tokens, servers, rng):
        self.party, self.rng = party, rng
        self.clients = [AsyncClient(server.url, token=tokens[party], retries=STUBBORN) for server in servers]
        self.known, self.gone, self.breaks = {}, set(), 0
        self.cursor = None

    async def run(self, is_open):
        while True:
            stream = self.rng.choice(self.clients).events(self.cursor)
            left = self.rng.randrange(1, 25)
            async for event in stream:
                self.cursor = event.cursor or self.cursor
                self.note(event)
                is_open.set()
                left -= event.name != "hello"
                if left <= 0:
                    break
            await stream.aclose()
            self.breaks += 1

    def note(self, event):
        if event.name == "plan":
            assert event.data.is_mine or event.data.sharing is not Sharing.CONFLICTS
            assert event.data.version >= self.known.get(event.data.plan_id, 0)
            self.known[event.data.plan_id] = event.data.version
            self.gone.discard(event.data.plan_id)
        elif event.name == "gone":
            self.gone.add(event.data.plan_id)


async def write_much(number, party, tokens, servers, rng):
    """Declare, change, hide, show and end plans, each in a place of its own."""
    for n in range(12):
        client = AsyncClient(rng.choice(servers).url, token=tokens[party], retries=STUBBORN)
        async with client:
            plan_id = str(uuid.uuid4())
            made = await client.declare(
                plan_id, plan(10.0 + number * 4, 8.0 + n, rng.choice(["volumes", "conflicts"]))
            )
            for _ in range(rng.randrange(4)):
                body = plan(10.0 + number * 4, 8.0 + n, rng.choice(["full", "volumes", "conflicts"]))
                made = await client.change(plan_id, body, version=made.version)
            if rng.random() < 0.5:
                await client.set_state(plan_id, StateBody(PlanState.ENDED), version=made.version)


async def test_nothing_is_missed_over_breaks_while_eight_write(two, pg_dsn):
    servers, tokens = two
    rng = random.Random(11)  # noqa: S311 - which client breaks off when
    followers = [Follower(party, tokens, servers, rng) for party in PARTIES]
    opens = [asyncio.Event() for _ in followers]
    tasks = [asyncio.create_task(one.run(is_open)) for one, is_open in zip(followers, opens, strict=True)]
    await asyncio.gather(*(is_open.wait() for is_open in opens))
    await asyncio.gather(
        *(write_much(number, PARTIES[number % 4], tokens, servers, rng) for number in range(8))
    )
    with psycopg.connect(pg_dsn) as connection:
        statements = connection.execute(
            "SELECT subject, max(subject_version) FROM statement WHERE type LIKE 'plan.%' GROUP BY subject"
        ).fetchall()
        plans = connection.execute(
            "SELECT plan_id::text, party_id, version, sharing, hidden_from FROM plan"
        ).fetchall()
    assert len(statements) == len(plans) == 96
    assert {plan_id: version for plan_id, _, version, _, _ in plans} == dict(statements)
    until = time.monotonic() + 60
    while time.monotonic() < until and (
        missing := [what for one in followers for what in missed_by(one, plans)]
    ):
        assert [task for task in tasks if task.done()] == []
        await asyncio.sleep(0.1)
    assert missing == []
    assert all(one.breaks > 3 for one in followers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def missed_by(follower, plans):
    """What the statements say that a follower must know by now, and does not; or knows and must not."""
    for plan_id, owner, version, sharing, hidden_from in plans:
        knows = follower.known.get(plan_id)
        if owner == follower.party or sharing != "conflicts":
            if knows != version or plan_id in follower.gone:
                yield follower.party, plan_id, knows, version
        elif hidden_from is None:
            assert knows is None, "a plan that was never shown was told"
            assert plan_id not in follower.gone
        elif plan_id not in follower.gone:
            yield follower.party, plan_id, "not gone", version


async def test_two_hundred_streams_get_one_event_each_and_do_not_hold_up_a_stop(two):
    (here, there), tokens = two
    clients = {party: AsyncClient(here.url, token=tokens[party], timeout_s=60) for party in PARTIES}
    for client in clients.values():
        client._http._transport._pool._max_connections = 200
    streams = [clients[PARTIES[n % 4]].events() for n in range(200)]
    try:
        await asyncio.gather(*map(listening, streams))
        plan_id = str(uuid.uuid4())
        with Client(there.url, token=tokens["alpha"]) as alpha:
            await asyncio.to_thread(alpha.declare, plan_id, plan())
        async with asyncio.timeout(30):
            events = await asyncio.gather(*map(anext, streams))
        assert {(event.name, event.data.plan_id) for event in events} == {("plan", plan_id)}
        assert sum(event.data.is_mine for event in events) == 50
        began = time.monotonic()
        here.process.terminate()
        assert await asyncio.to_thread(here.process.wait, 25) == 0
        assert time.monotonic() - began < 10
    finally:
        for stream in streams:
            await stream.aclose()
        for client in clients.values():
            await client.close()


async def test_an_account_that_is_disabled_loses_its_stream(house):
    reader = await Reader(house.app, "/v1/events", await house.token("bravo", DUTY)).until_said(b"hello")
    account_id, _ = house.accounts["bravo", DUTY]
    answer = await house.call(
        "PUT", f"/v1/accounts/{account_id}", who=("exchange", Role.ADMINISTRATOR), body={"is_disabled": True}
    )
    assert answer.status_code == 200
    await reader.end(100)
    assert reader.is_ended
    assert (await Reader(house.app, "/v1/events", await house.token("bravo", DUTY)).end()).status == 401


async def test_a_client_is_told_what_its_cursor_is_not(two):
    (here, _), tokens = two
    with Client(here.url, token=tokens["alpha"]) as client, pytest.raises(BadInput) as refusal:
        await asyncio.to_thread(next, client.events("nonsense"))
    assert refusal.value.members["field"] == "after"
