"""Writes of references through the standard's discovery interface, beside declarations through our own.

    python -m bench.astm_bench                     (a table; two to four minutes)
    python -m bench.astm_bench --only hot --count 3000

Each run is made against one scratch exchange. ``spread``: circles of 100 to 500 m over 200 km and a day, each
reference with an implicit subscription. ``hot``: all in one cell of level 13, over 30 days, each with an
implicit subscription; a write that is told what its key lacks asks again, and successes are counted.
``flights``: accepted, activated, ended, under one subscription that all share. ``details``: GET of
the details of a plan that is hosted here. After each pair: the standard's rate as a share of our own.
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bench.load import HEADER, Connection, Result, declares, hot_volume, run, spread_volume
from bench.scratch_exchange import scratch_exchange

OIR = "/dss/v1/operational_intent_references"
URL = "https://uss.example/utm"
_CELL = (46.5205, 7.0105)
"""About the middle of one cell of level 13."""

Make = Callable[[random.Random, datetime], dict]


def cell_volume(rng: random.Random, day: datetime) -> dict:
    """Half an hour within 100 m of one point, some time in 30 days."""
    made = hot_volume(rng, day)
    place = {"lat_deg": _CELL[0] + rng.uniform(-5e-4, 5e-4), "lon_deg": _CELL[1] + rng.uniform(-5e-4, 5e-4)}
    return {**made, "shape": {"kind": "circle", "center": place, "radius_m": rng.uniform(50, 100)}}


def extent(volume: dict) -> dict:
    """A volume of ours as the standard has it."""
    shape = volume["shape"]
    center = {"lat": shape["center"]["lat_deg"], "lng": shape["center"]["lon_deg"]}

    def height(metres: float) -> dict:
        return {"value": metres, "reference": "W84", "units": "M"}

    return {
        "volume": {
            "outline_circle": {"center": center, "radius": {"value": shape["radius_m"], "units": "M"}},
            "altitude_lower": height(volume["lower_m"]),
            "altitude_upper": height(volume["upper_m"]),
        },
        "time_start": {"value": volume["start"].replace("+00:00", "Z"), "format": "RFC3339"},
        "time_end": {"value": volume["end"].replace("+00:00", "Z"), "format": "RFC3339"},
    }


def reference(volume: dict, state: str, key: list[str], **subscription: object) -> bytes:
    """The body of a write."""
    body = {"extents": [extent(volume)], "state": state, "key": key, "uss_base_url": URL, **subscription}
    return json.dumps(body).encode()


class Writer:
    """One connection that writes references and learns the keys that it lacks."""

    def __init__(self, url: str, token: str) -> None:
        self.connection = Connection(url, token)

    async def put(self, path: str, make_body: Callable[[list[str]], bytes]) -> tuple[int, int, dict]:
        """Write until it is taken; status, attempts and answer."""
        key: list[str] = []
        attempts = 0
        while True:
            attempts += 1
            status, body = await self.connection.ask(self.connection.prepare("PUT", path, make_body(key)))
            answer = json.loads(body)
            missing = answer.get("missing_operational_intents") if status == 409 else None
            if not missing:
                return status, attempts, answer
            key = key + [one["ovn"] for one in missing]


async def measured(
    name: str,
    url: str,
    token: str,
    connections: int,
    count: int,
    work: Callable[[Writer, int], Awaitable[int]],
) -> Result:
    """Do ``work`` so many times over so many connections; its result is counted like a status."""
    writers = [Writer(url, token) for _ in range(connections)]
    for writer in writers:
        await writer.connection.open()
    result = Result(name, connections)
    numbers = iter(range(count))

    async def each(writer: Writer) -> None:
        for number in numbers:
            started = time.perf_counter()
            status = await work(writer, number)
            result.times_ms.append((time.perf_counter() - started) * 1000)
            result.statuses[status] = result.statuses.get(status, 0) + 1

    started = time.perf_counter()
    await asyncio.gather(*(each(writer) for writer in writers))
    result.seconds = time.perf_counter() - started
    return result


def writes(make: Make, seed: str, day: datetime) -> Callable[[Writer, int], Awaitable[int]]:
    """New references, each with an implicit subscription."""
    rng = random.Random(seed)

    async def work(writer: Writer, _number: int) -> int:
        volume = make(rng, day)
        path = f"{OIR}/{uuid.UUID(int=rng.getrandbits(128), version=4)}"
        new = {"uss_base_url": URL}
        status, _, _ = await writer.put(
            path, lambda k: reference(volume, "Accepted", k, new_subscription=new)
        )
        return status

    return work


async def shared_subscription(url: str, token: str, day: datetime) -> str:
    """A subscription over the whole spread of one day's part; answers its id."""
    writer = Writer(url, token)
    await writer.connection.open()
    subscription = str(uuid.uuid4())
    volume = {
        "shape": {"kind": "circle", "center": {"lat_deg": 46.5, "lon_deg": 7.0}, "radius_m": 25_000.0},
        "lower_m": 0.0,
        "upper_m": 5_000.0,
        "start": day.isoformat(),
        "end": (day + timedelta(hours=24)).isoformat(),
    }
    body = {"extents": extent(volume), "uss_base_url": URL, "notify_for_operational_intents": True}
    path = f"/dss/v1/subscriptions/{subscription}"
    status, answer = await writer.connection.ask(
        writer.connection.prepare("PUT", path, json.dumps(body).encode())
    )
    if status != 200:
        raise SystemExit(f"no subscription: {answer.decode()}")
    return subscription


def flights(seed: str, day: datetime, subscription: str) -> Callable[[Writer, int], Awaitable[int]]:
    """Whole lives: accepted, activated, ended, all under one subscription."""
    rng = random.Random(seed)

    async def work(writer: Writer, _number: int) -> int:
        place = {"lat_deg": 46.5 + rng.uniform(-0.14, 0.14), "lon_deg": 7.0 + rng.uniform(-0.2, 0.2)}
        volume = spread_volume(rng, day)
        start = day + timedelta(seconds=rng.uniform(0, 80_000))
        volume |= {"start": start.isoformat(), "end": (start + timedelta(minutes=20)).isoformat()}
        volume["shape"] = {"kind": "circle", "center": place, "radius_m": rng.uniform(100, 500)}
        path = f"{OIR}/{uuid.UUID(int=rng.getrandbits(128), version=4)}"
        for state in ("Accepted", "Activated"):
            status, _, answer = await writer.put(
                path if state == "Accepted" else f"{path}/{ovn}",  # noqa: F821 - set by the first
                lambda k, s=state: reference(volume, s, k, subscription_id=subscription),
            )
            if status not in {200, 201}:
                raise SystemExit(f"{status}: {answer}")
            ovn = answer["operational_intent_reference"]["ovn"]
        status, _ = await writer.connection.ask(writer.connection.prepare("DELETE", f"{path}/{ovn}", b""))
        return status

    return work


async def measure(url: str, token: str, count: int, only: str | None) -> None:
    """Run what is asked for."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    plain = "?ways_out=false"

    def wanted(name: str) -> bool:
        return only in {None, name}

    for name, make in (("spread", spread_volume), ("hot", cell_volume)):
        if not wanted(name):
            continue
        for connections in (2, 8):
            own = await run(
                f"own {name}", url, [token], declares(make, 900 + connections, day, plain), connections, count
            )
            print(own.row(), flush=True)
            month = day + timedelta(days=40)  # so that neither is in the other's way
            theirs = await measured(
                f"standard {name}",
                url,
                token,
                connections,
                count,
                writes(make, f"{name} {connections}", month),
            )
            print(theirs.row(), flush=True)
            share = _successes(theirs) / max(1e-9, _successes(own))
            print(f"  standard {name} at {connections}: {share:.0%} of our own", flush=True)
    if wanted("flights"):
        later = day + timedelta(days=90)
        subscription = await shared_subscription(url, token, later)
        for connections in (2, 8):
            lives = flights(f"flights {connections}", later, subscription)
            print((await measured("flights", url, token, connections, count // 3, lives)).row(), flush=True)
    if wanted("details"):
        plans = [uuid.UUID(int=random.Random(5).getrandbits(128), version=4)]
        body = json.dumps({"volumes": [spread_volume(random.Random(6), day + timedelta(days=5))]}).encode()
        await run("", url, [token], iter([("PUT", f"/v1/plans/{plans[0]}{plain}", body)]), 1, 0, 1)
        asks = iter([("GET", f"/uss/v1/operational_intents/{plans[0]}", b"")] * (count + 200))
        print((await run("details", url, [token], asks, 8, count)).row(), flush=True)


def _successes(result: Result) -> float:
    return sum(n for status, n in result.statuses.items() if status < 300) / result.seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--only", choices=["spread", "hot", "flights", "details"])
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with scratch_exchange(options.workers) as scratch:
        print(HEADER, flush=True)
        asyncio.run(measure(scratch.url, scratch.tokens["alpha"], options.count, options.only))


if __name__ == "__main__":
    main()
