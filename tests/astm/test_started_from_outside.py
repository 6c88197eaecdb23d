"""An exchange and two parties' servers, started by the commands of an outside harness, and driven by it.

One command makes the store, serves discovery at two base URLs and plans for a party; a second process of the
same command joins by ``--database`` and plans for another. A supplier of another make is the third.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import pytest_asyncio

from detente.store import running_url
from tests.astm.house import volume
from tests.astm.peer_server import until
from tests.astm.planner import DIRECT, PLAN
from tests.astm.schemas import check_response
from tests.astm.supplier import Authority, Supplier
from tests.invariants.fleet import PATIENCE_S, free_port

START = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
BASE = "/flight_planning/v1"


def serve(*options, **environment):
    command = [sys.executable, "-m", "detente", "serve", "--log-level", "ERROR", *options]
    return subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)


async def ready(url, process):
    until_s = time.monotonic() + PATIENCE_S
    async with httpx.AsyncClient() as http:
        while time.monotonic() < until_s:
            assert process.poll() is None, "the server ended by itself"
            with contextlib.suppress(httpx.TransportError):
                answers = [await http.get(url + path) for path in ("/healthy", "/ready")]
                if all(answer.status_code == 200 for answer in answers):
                    return
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not become ready")


def stop(process):
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class User:
    """A virtual user, at one server."""

    def __init__(self, url, authority):
        self.url, self.authority = url, authority
        self.http = httpx.AsyncClient(base_url=url + BASE, timeout=30)

    async def call(self, method, path, body=None, scope=PLAN):
        token = self.authority.token("harness", scopes=[scope])
        answer = await self.http.request(
            method, path, json=body, headers={"authorization": f"Bearer {token}"}
        )
        check_response(method, path, answer.status_code, answer.content, document="flight_planning")
        return answer

    async def plan(self, flight, *, usage="Planned", uas="Nominal", priority=0, **where):
        wish = {
            "basic_information": {
                "usage_state": usage,
                "uas_state": uas,
                "area": [volume(start=START, minutes=20, **where)],
            },
            "astm_f3548_21": {"priority": priority},
        }
        body = {"flight_plan": wish, "execution_style": "IfAllowed", "request_id": str(uuid.uuid4())}
        answer = (await self.call("PUT", f"/flight_plans/{flight}", body)).json()
        return answer["planning_result"], answer["flight_plan_status"]

    async def told(self):
        after = (START - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        return (await self.call("GET", f"/user_notifications?after={after}")).json()["user_notifications"]


@pytest_asyncio.fixture
async def world(data_dir, tmp_path):
    authority = Authority(tmp_path)
    await authority.server.start()
    ports = [free_port() for _ in range(4)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    same = (
        *("--trust-key", str(authority.file)),
        *("--token-url", f"{authority.server.url}/token"),
        *("--audience", "localhost,127.0.0.1"),
        "--allow-http-peers",
        "--test-interfaces",
    )
    listening = [option for port in ports[:2] for option in ("--listen", f"127.0.0.1:{port}")]
    first = serve(
        *("--data", str(data_dir)),
        *listening,
        *("--public-url", urls[0]),
        *("--token-subject", "uss_1"),
        *same,
    )
    running = [first]
    try:
        await ready(urls[0], first)
        await ready(urls[1], first)
        database = await asyncio.to_thread(running_url, data_dir)
        second = serve(
            *("--database", database, "--party", "uss2", "--token-subject", "uss2"),
            *("--listen", f"127.0.0.1:{ports[2]}", "--public-url", urls[2]),
            *same,
            PGPASSFILE=str(data_dir / "pgpass"),
        )
        running.append(second)
        await ready(urls[2], second)
        supplier = Supplier("uss3", urls[1], authority)
        await supplier.start()
        yield User(urls[0], authority), User(urls[2], authority), supplier, urls
        await supplier.stop()
    finally:
        for process in reversed(running):
            await asyncio.to_thread(stop, process)
        await authority.server.stop()


async def found(supplier, url):
    answer = await supplier.call(
        "POST",
        "/dss/v1/operational_intent_references/query",
        {"area_of_interest": volume(start=START, minutes=20, radius=2_000.0, lower=None, upper=None)},
        url=url,
    )
    return {one["manager"]: one for one in answer.json()["operational_intent_references"]}


async def test_a_harness_plans_on_three_servers(world):
    one, two, supplier, urls = world
    for user in (one, two):
        assert (await user.call("GET", "/status", scope=DIRECT)).json()["status"] == "Ready"

    # The first comes first; the second is refused there, through another process on the same database.
    flight, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert await one.plan(flight) == ("Completed", "Planned")
    assert await two.plan(other) == ("Rejected", "NotPlanned")
    for url in urls[:3]:
        assert set(await found(supplier, url)) == {"uss_1"}

    # With a higher priority it goes first, and the user of the first is told within five seconds.
    assert await two.plan(other, priority=50) == ("Completed", "Planned")
    seen = await found(supplier, urls[1])
    assert {name: (ref["state"], ref["uss_base_url"]) for name, ref in seen.items()} == {
        "uss_1": ("Accepted", urls[0]),
        "uss2": ("Accepted", urls[2]),
    }
    until_s = time.monotonic() + 5
    while not [told for told in await one.told() if told["conflicts"] == "Single"]:
        assert time.monotonic() < until_s, "the user was not told"
        await asyncio.sleep(0.2)
    assert await one.plan(flight, usage="InUse") == ("Rejected", "Planned")
    assert await two.plan(other, usage="InUse", priority=50) == ("Completed", "OkToFly")

    # The supplier asks each manager at its own address, and plans beside both by their OVNs.
    key = []
    for name, reference in seen.items():
        path = f"/uss/v1/operational_intents/{reference['id']}"
        told = (await supplier.call("GET", path, url=reference["uss_base_url"])).json()["operational_intent"]
        assert told["reference"]["manager"] == name
        assert told["details"]["priority"] == (50 if name == "uss2" else 0)
        key.append(told["reference"]["ovn"])
    entity, ovn, answer = await supplier.plan(volume(start=START, minutes=20), key=key)
    assert (ovn is not None, answer.status_code) == (True, 201), answer.text
    assert {entry["uss_base_url"] for entry in answer.json()["subscribers"]} == {
        urls[0],
        urls[2],
        supplier.server.url,
    }

    # Off-nominal: everybody may know, the supplier is told by the manager itself.
    assert await two.plan(other, usage="InUse", uas="OffNominal", priority=50) == ("Completed", "OffNominal")
    await until(lambda: [m for who, m in supplier.told if who == "uss2"])
    message = [m for who, m in supplier.told if who == "uss2"][-1]
    assert message["operational_intent"]["reference"]["state"] == "Nonconforming"

    # Cleared: only the party's own plans end, and those who are subscribed hear of it.
    extent = volume(start=START, minutes=20, radius=2_000.0)
    for user in (one, two):
        body = {"request_id": str(uuid.uuid4()), "extent": extent}
        cleared = await user.call("POST", "/clear_area_requests", body, scope=DIRECT)
        assert cleared.json()["outcome"]["success"] is True
    assert set(await found(supplier, urls[0])) == {"uss3"}
    await until(lambda: sum(1 for _, m in supplier.told if "operational_intent" not in m) == 2)
    assert entity in supplier.details
