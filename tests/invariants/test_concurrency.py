"""Invariants 1 and 2 under everything at once: many clients, several servers, kills of all of them."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import psycopg
import pytest

from detente.errors import ConflictingPlan
from detente.parties.model import Role
from detente.store import EmbeddedPostgres, open_pool
from tests.invariants.fleet import fleet, make_exchange, token_of
from tests.invariants.judge import Acknowledged, in_force, lost, miscounted, unjustified
from tests.plans.conftest import World, body, circle, principal

CLIENTS = 32
PLANS_EACH = 10
PARTIES = ("alpha", "bravo", "charlie", "delta")
TOP_PRIORITY = 3
DAY = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)


class Traffic:
    """What the clients do and what they were told."""

    def __init__(self, servers, tokens, seed):
        self.servers = servers
        self.tokens = tokens
        self.seed = seed
        self.acknowledged = []
        self.refused = 0
        self.answers = 0
        self.faults = []

    async def client(self, number):
        rng = random.Random(self.seed * 1_000 + number)  # noqa: S311 - a seeded sample
        party = PARTIES[number % len(PARTIES)]
        async with httpx.AsyncClient(
            headers={"authorization": f"Bearer {self.tokens[party]}", "content-type": "application/json"},
            timeout=60,
        ) as http:
            for _ in range(PLANS_EACH):
                await self.one_plan(http, rng, party)

    async def one_plan(self, http, rng, party):
        """Declare, and perhaps change, activate or end; what is refused is tried once more knowingly."""
        plan_id, content = str(uuid.UUID(int=rng.getrandbits(128), version=4)), plan_of(rng)
        answer = await self.put(http, rng, party, plan_id, content)
        if answer.status_code == 409 and "conflicts" in answer.json():
            ovns = [c["ovn"] for c in answer.json()["conflicts"]]
            if None in ovns or rng.random() < 0.5:
                return
            content = msgspec.json.encode({**json.loads(content), "knows": ovns})
            answer = await self.put(http, rng, party, plan_id, content)
        if answer.status_code != 201:
            return
        act, version = rng.random(), answer.json()["version"]
        if act < 0.15:
            await self.put(http, rng, party, plan_id, plan_of(rng), version=version)
        elif act < 0.3:
            state = rng.choice(["activated", "ended"])
            await self.put(
                http, rng, party, plan_id, b'{"state":"%s"}' % state.encode(), version=version, path="/state"
            )

    async def put(self, http, rng, party, plan_id, content, *, version=None, path=""):
        """Send one request until it is answered; now and then twice at once, to two servers."""
        request = (http, f"/v1/plans/{plan_id}{path}", content, version)
        if rng.random() < 0.3:
            answers = await asyncio.gather(self.insist(rng, *request), self.insist(rng, *request))
        else:
            answers = [await self.insist(rng, *request)]
            if answers[0].is_success and rng.random() < 0.2:
                answers.append(await self.insist(rng, *request))
        for answer in answers:
            self.note(party, plan_id, content, answer)
        if len({(a.status_code, a.content) for a in answers if a.is_success}) > 1:
            self.faults.append(("two successes that differ", [a.text for a in answers]))
        # A refusal beside a success is right if what was in the way ended between the two; a taken id is not.
        self.faults += [
            ("taken by the request itself", a.text) for a in answers if "already-exists" in a.text
        ]
        return next((a for a in answers if a.is_success), answers[0])

    def note(self, party, plan_id, content, answer):
        if answer.is_success:
            self.acknowledged.append(Acknowledged(plan_id, answer.json()["version"], party, content))
        elif answer.status_code == 409:
            self.refused += 1
        else:
            self.faults.append((answer.status_code, answer.text))

    async def insist(self, rng, http, path, content, version):
        headers = {} if version is None else {"if-match": f'"{version}"'}
        for _ in range(600):
            server = rng.choice(self.servers)
            with contextlib.suppress(httpx.TransportError):
                answer = await http.put(
                    f"{server.url}{path}?ways_out=false", content=content, headers=headers
                )
                if answer.status_code != 503:
                    self.answers += 1
                    return answer
            await asyncio.sleep(0.1)
        raise AssertionError("never answered")


def plan_of(rng):
    """A plan of one or two volumes in a small piece of sky: about every second one is in somebody's way."""
    volumes = []
    for _ in range(rng.choice([1, 1, 2])):
        lat, lon = 47 + rng.uniform(-0.02, 0.02), 8 + rng.uniform(-0.03, 0.03)
        lower_m = rng.choice([100.0, 150.0, 200.0]) + rng.uniform(0, 20)
        start = DAY + timedelta(minutes=rng.uniform(0, 240))
        volumes.append(
            {
                "shape": shape_of(rng, lat, lon),
                "lower_m": lower_m,
                "upper_m": lower_m + 40,
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=rng.uniform(10, 40))).isoformat(),
            }
        )
    return msgspec.json.encode(
        {
            "volumes": volumes,
            "priority": rng.choice([0, 0, 0, rng.randint(1, TOP_PRIORITY)]),
            "sharing": rng.choice(["full", "volumes"]),
            "own_plans": rng.choice(["check", "check", "ignore"]),
        }
    )


def shape_of(rng, lat, lon):
    spot = {"lat_deg": lat, "lon_deg": lon}
    kind = rng.choice(["circle", "circle", "polygon", "corridor"])
    if kind == "circle":
        return {"kind": kind, "center": spot, "radius_m": rng.uniform(100, 500)}
    far = {"lat_deg": lat + rng.uniform(0.003, 0.01), "lon_deg": lon + rng.uniform(-0.01, 0.01)}
    if kind == "corridor":
        return {"kind": kind, "path": [spot, far], "width_m": rng.uniform(50, 300)}
    return {
        "kind": kind,
        "vertices": [spot, far, {"lat_deg": lat, "lon_deg": lon + rng.uniform(0.011, 0.02)}],
    }


async def kill_in_between(traffic, postgres, rng):
    """Kill a server at each tenth of the way, and the database with every third of them."""
    goal = CLIENTS * PLANS_EACH
    for tenth in range(1, 10):
        while traffic.answers < goal * tenth / 10:  # noqa: ASYNC110 - counted by many tasks
            await asyncio.sleep(0.02)
        victim = rng.choice(traffic.servers)
        victim.kill()
        if tenth % 3 == 0 and postgres.pid is not None:
            os.kill(postgres.pid, signal.SIGKILL)
        victim.start()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_conflict_is_missed_and_nothing_acknowledged_is_lost_whatever_is_killed(data_dir):
    with EmbeddedPostgres.start(data_dir) as postgres:
        accounts = make_exchange(
            postgres.dsn, [(party, Role.DUTY_OFFICER, TOP_PRIORITY) for party in PARTIES]
        )
        with fleet(postgres.dsn, 3, pool_size="6") as servers:
            tokens = {p: token_of(servers[0].url, accounts[p, Role.DUTY_OFFICER]) for p in PARTIES}
            traffic = Traffic(servers, tokens, seed=1)

            async def run():
                rng = random.Random(2)  # noqa: S311 - a seeded sample
                killer = asyncio.create_task(kill_in_between(traffic, postgres, rng))
                try:
                    await asyncio.gather(*(traffic.client(n) for n in range(CLIENTS)))
                    await killer
                finally:
                    killer.cancel()

            asyncio.run(run())
        plans = in_force(postgres.dsn)
        assert traffic.faults == []
        assert postgres.restarts >= 3
        assert lost(postgres.dsn, traffic.acknowledged) == []
        assert miscounted(postgres.dsn) == []
        assert unjustified(plans) == []
        # The test proves nothing unless there was something to refuse, and something to accept.
        assert len(plans) > 30
        assert traffic.refused > 30


def locked_out(dsn, *, sabotage):
    """Put a pause between deciding and writing, so that races are wide; ``sabotage`` takes the lock out."""
    change_function(dsn, "plan_store", r"(IF p_version = 1 THEN)", r"PERFORM pg_sleep(0.02);\n\1")
    if sabotage:
        change_function(dsn, "plan_lock", r"(PERFORM 1 FROM plan_cell_lock[^;]*?)FOR UPDATE;", r"\1;")


def change_function(dsn, name, found, put):
    """Replace one place in the text of an SQL function."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        (source,) = connection.execute(f"SELECT pg_get_functiondef('{name}'::regproc)").fetchone()
        changed, places = re.subn(found, put, source)
        assert places == 1
        connection.execute(changed.encode())


async def race(dsn, rounds):
    """Two parties declare the same places through two servers' worth of services, all at the same moment."""
    pools = [await open_pool(dsn, max_size=8) for _ in range(2)]
    alpha, bravo = World(pools[0]), World(pools[1])
    who = [principal("alpha"), principal("bravo")]
    try:
        # The rows that are locked must be there already: making them is a lock, too.
        made = await alpha.declare(who[0], body(circle(radius_m=3_000.0, lower_m=5_000.0, upper_m=5_001.0)))
        assert made["version"] == 1
        for number in range(rounds):
            acts = [
                world.declare(
                    principal_,
                    body(
                        circle(lon=8 + place / 50, lower_m=100.0 + number * 10, upper_m=105.0 + number * 10)
                    ),
                )
                for place in range(4)
                for world, principal_ in ((alpha, who[0]), (bravo, who[1]))
            ]
            answers = await asyncio.gather(*acts, return_exceptions=True)
            unexpected = [
                a for a in answers if isinstance(a, Exception) and not isinstance(a, ConflictingPlan)
            ]
            assert unexpected == []
            if found := unjustified(in_force(dsn)):
                return found
    finally:
        for pool in pools:
            pool.terminate()
    return []


@pytest.mark.slow
async def test_with_the_lock_every_race_has_one_winner(pg_dsn):
    locked_out(pg_dsn, sabotage=False)
    assert await race(pg_dsn, rounds=6) == []
    assert len(in_force(pg_dsn)) == 1 + 6 * 4


@pytest.mark.slow
async def test_without_the_lock_the_same_check_finds_missed_conflicts(pg_dsn):
    locked_out(pg_dsn, sabotage=True)
    assert await race(pg_dsn, rounds=30) != []
