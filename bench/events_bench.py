"""How long a declaration takes to reach those who listen, and what it costs the server.

    python -m bench.events_bench [--streams 500] [--rate 50] [--seconds 20]

Half of the streams are of the party that declares, half of another. Listeners, writer, server and database
share this machine. The time is from the moment at which the writer has its answer to the arrival of the
event; the feed is looked at every 250 ms, so that 125 ms are expected of it.
"""

import argparse
import asyncio
import json
import random
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.load import spread_volume
from bench.scale_bench import spent_s
from bench.scratch_exchange import PARTIES, Scratch, scratch_exchange

_PLAN_ID = re.compile(rb'"plan_id":"([0-9a-f-]{36})"')


class Ear:
    """One stream: when each plan arrived."""

    def __init__(self) -> None:
        self.arrived: dict[bytes, float] = {}
        self.is_open = asyncio.Event()

    async def listen(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        rest = b""
        while chunk := await reader.read(65_536):
            now = time.perf_counter()
            self.is_open.set()
            for found in _PLAN_ID.finditer(rest + chunk):
                self.arrived.setdefault(found[1], now)
            rest = (rest + chunk)[-60:]


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for one in found:
        for listed in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in listed.read_text().split()]
    return found


async def declare(scratch: Scratch, rate: float, seconds: float) -> dict[bytes, float]:
    """Declare at a steady rate; when each was answered."""
    rng, day = random.Random(5), datetime.now(UTC) + timedelta(days=2)
    answered: dict[bytes, float] = {}
    headers = {"authorization": f"Bearer {scratch.tokens['alpha']}", "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=scratch.url, headers=headers) as http:

        async def one() -> None:
            plan_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
            body = json.dumps({"volumes": [spread_volume(rng, day)]})
            answer = await http.put(f"/v1/plans/{plan_id}?ways_out=false", content=body)
            if answer.status_code == 201:
                answered[plan_id.encode()] = time.perf_counter()

        began = time.perf_counter()
        tasks = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
    return answered


async def measure(scratch: Scratch, streams: int, rate: float, seconds: float) -> None:
    ears = [Ear() for _ in range(streams)]
    tasks = [
        asyncio.create_task(ear.listen(scratch.url, scratch.tokens[PARTIES[number % 2]]))
        for number, ear in enumerate(ears)
    ]
    await asyncio.gather(*(ear.is_open.wait() for ear in ears))
    servers = family(scratch.server.pid)
    idle_wall, idle = time.perf_counter(), sum(map(spent_s, servers))
    await asyncio.sleep(5)
    idle = (sum(map(spent_s, servers)) - idle) / (time.perf_counter() - idle_wall)
    wall, server, own = time.perf_counter(), sum(map(spent_s, servers)), time.process_time()
    answered = await declare(scratch, rate, seconds)
    wall = time.perf_counter() - wall
    server, own = sum(map(spent_s, servers)) - server, time.process_time() - own
    until = time.perf_counter() + 30
    while time.perf_counter() < until and any(len(ear.arrived) < len(answered) for ear in ears):  # noqa: ASYNC110 - a bench
        await asyncio.sleep(0.1)
    late = sorted(
        (ear.arrived[plan_id] - at) * 1e3
        for ear in ears
        for plan_id, at in answered.items()
        if plan_id in ear.arrived
    )
    missing = len(answered) * len(ears) - len(late)
    print(
        f"{streams} streams, {len(answered) / wall:.0f} declarations/s: {len(late):,} events, "
        f"{missing} missing; p50 {late[len(late) // 2]:.0f} ms, p99 {late[int(len(late) * 0.99)]:.0f} ms, "
        f"most {late[-1]:.0f} ms"
    )
    print(
        f"processor: server {server / wall:.2f} s/s (idle with the streams open {idle:.3f}), "
        f"listeners and writer {own / wall:.2f} s/s"
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with scratch_exchange() as scratch:
        asyncio.run(measure(scratch, options.streams, options.rate, options.seconds))


if __name__ == "__main__":
    main()
