"""The load generator: declares, conflict queries and area queries against any exchange.

    python -m bench.load --url URL --token TOKEN [--token TOKEN2] --preload 100000
    python -m bench.load --scratch --preload 100000          (starts an exchange of its own)

Every connection keeps one request in flight. Bodies are made before the clock starts, so that the generator
takes as little as possible of the cores that it shares with what it measures. A declaration that is refused
(409) counts as answered, and the table says how many were.
"""

import argparse
import asyncio
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from bench.scratch_exchange import scratch_exchange

AREA_DEG = 2.0
"""Plans are spread over about 200 km by 150 km around 46.5 N, 7 E."""


@dataclass
class Result:
    """What one run counted."""

    name: str
    connections: int
    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def row(self) -> str:
        times = sorted(self.times_ms)
        n = len(times)
        done = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        ok = sum(count for status, count in self.statuses.items() if status < 300)
        return (
            f"{self.name:<22} {self.connections:>5} {n / self.seconds:>9.0f} {ok / self.seconds:>9.0f} "
            f"{times[n // 2]:>8.2f} {times[int(n * 0.99)]:>8.2f}   {done}"
        )


HEADER = f"{'run':<22} {'conns':>5} {'answers/s':>9} {'2xx/s':>9} {'p50 ms':>8} {'p99 ms':>8}   statuses"


def spread_volume(rng: random.Random, day: datetime) -> dict:
    """A drone's half hour: a circle of 100 to 500 m, a 60 m band, some time in a day."""
    start = day + timedelta(seconds=rng.uniform(0, 86_400))
    lower = rng.uniform(300, 2_000)
    return volume(
        46.5 + rng.uniform(-AREA_DEG / 2, AREA_DEG / 2) * 0.75,
        7.0 + rng.uniform(-AREA_DEG / 2, AREA_DEG / 2) * 1.3,
        rng.uniform(100, 500),
        lower,
        lower + 60,
        start,
        start + timedelta(minutes=rng.uniform(10, 40)),
    )


def hot_volume(rng: random.Random, day: datetime) -> dict:
    """The same within 6 km of one point, spread over 30 days."""
    start = day + timedelta(seconds=rng.uniform(0, 30 * 86_400))
    lower = rng.uniform(300, 2_000)
    return volume(
        46.5 + rng.uniform(-0.027, 0.027),
        7.0 + rng.uniform(-0.039, 0.039),
        rng.uniform(100, 500),
        lower,
        lower + 60,
        start,
        start + timedelta(minutes=rng.uniform(10, 40)),
    )


def volume(
    lat: float, lon: float, radius_m: float, lower_m: float, upper_m: float, start: datetime, end: datetime
) -> dict:
    return {
        "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": lon}, "radius_m": radius_m},
        "lower_m": lower_m,
        "upper_m": upper_m,
        "start": start.isoformat(),
        "end": end.isoformat(),
    }


def declares(make: Callable, seed: int, day: datetime, query: str) -> Iterator[tuple[str, str, bytes]]:
    rng = random.Random(seed)
    while True:
        body = json.dumps({"volumes": [make(rng, day)]}).encode()
        plan_id = uuid.UUID(int=rng.getrandbits(128), version=4)
        yield "PUT", f"/v1/plans/{plan_id}{query}", body


def checks(make: Callable, seed: int, day: datetime) -> Iterator[tuple[str, str, bytes]]:
    rng = random.Random(seed)
    while True:
        yield "POST", "/v1/plans/check", json.dumps({"volumes": [make(rng, day)]}).encode()


def area_queries(make: Callable, seed: int, day: datetime) -> Iterator[tuple[str, str, bytes]]:
    rng = random.Random(seed)
    while True:
        v = make(rng, day)
        body = {name: v[name] for name in ("start", "end", "lower_m", "upper_m")} | {"area": v["shape"]}
        yield "POST", "/v1/plans/query", json.dumps(body).encode()


class Connection:
    """One keep-alive HTTP/1.1 connection with as little of a client as a benchmark needs."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.head = (
            f"HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/json\r\n"
        )

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    def prepare(self, method: str, path: str, body: bytes) -> bytes:
        return f"{method} {path} {self.head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def send(self, request: bytes) -> int:
        return (await self.ask(request))[0]

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; the status and the body of its answer."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        low = head.lower()
        at = low.find(b"content-length:")
        if at >= 0:
            return status, await self.reader.readexactly(int(low[at + 15 : low.index(b"\r\n", at)]))
        body = b""
        if b"transfer-encoding: chunked" in low:
            while True:
                size = int(await self.reader.readline(), 16)
                body += (await self.reader.readexactly(size + 2))[:-2]
                if not size:
                    break
        return status, body


async def run(
    name: str, url: str, tokens: list[str], requests: Iterator, connections: int, count: int, warm: int = 200
) -> Result:
    """Send ``count`` requests over so many connections; the first ``warm`` are not counted."""
    open_ones = [Connection(url, tokens[i % len(tokens)]) for i in range(connections)]
    for one in open_ones:
        await one.open()
    made = [open_ones[k % connections].prepare(*next(requests)) for k in range(count + warm)]
    result = Result(name, connections)

    async def work(one: Connection, mine: list[bytes], counted: bool) -> None:
        for request in mine:
            started = time.perf_counter()
            status = await one.send(request)
            if counted:
                result.times_ms.append((time.perf_counter() - started) * 1000)
                result.statuses[status] = result.statuses.get(status, 0) + 1

    # A request was made for the token of connection k % connections; keep it there.
    def share(part: list[bytes], offset: int) -> list[list[bytes]]:
        shares: list[list[bytes]] = [[] for _ in range(connections)]
        for k, request in enumerate(part):
            shares[(offset + k) % connections].append(request)
        return shares

    await asyncio.gather(*(work(c, m, False) for c, m in zip(open_ones, share(made[:warm], 0), strict=True)))
    started = time.perf_counter()
    await asyncio.gather(
        *(work(c, m, True) for c, m in zip(open_ones, share(made[warm:], warm), strict=True))
    )
    result.seconds = time.perf_counter() - started
    for one in open_ones:
        one.writer.close()
    return result


async def measure(url: str, tokens: list[str], preload: int, count: int, hot: bool) -> None:
    make, name = (hot_volume, "hot") if hot else (spread_volume, "spread")
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    plain = "?ways_out=false"
    if preload:
        loaded = await run(f"preload {name}", url, tokens, declares(make, 1, day, plain), 8, preload, 0)
        print(loaded.row(), flush=True)
    for connections in (1, 2, 8, 32):
        result = await run(
            f"declare {name}", url, tokens, declares(make, 100 + connections, day, plain), connections, count
        )
        print(result.row(), flush=True)
    result = await run(f"declare+ways out {name}", url, tokens, declares(make, 200, day, ""), 8, count)
    print(result.row(), flush=True)
    for connections in (1, 8):
        result = await run(
            f"conflict query {name}", url, tokens, checks(make, 300, day), connections, count * 2
        )
        print(result.row(), flush=True)
    result = await run(f"area query {name}", url, tokens, area_queries(make, 400, day), 8, count * 2)
    print(result.row(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url")
    parser.add_argument("--token", action="append", default=[])
    parser.add_argument("--scratch", action="store_true", help="start an exchange of its own")
    parser.add_argument("--workers", type=int, default=1, help="server processes of the scratch exchange")
    parser.add_argument("--preload", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--hot", action="store_true")
    options = parser.parse_args()
    print(HEADER, flush=True)
    if options.scratch:
        with scratch_exchange(options.workers) as scratch:
            tokens = list(scratch.tokens.values())
            asyncio.run(measure(scratch.url, tokens, options.preload, options.count, options.hot))
    elif options.url and options.token:
        asyncio.run(measure(options.url, options.token, options.preload, options.count, options.hot))
    else:
        parser.error("give --url and --token, or --scratch")


if __name__ == "__main__":
    main()
