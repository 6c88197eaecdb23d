"""What the HTTP edge costs: server CPU for each PUT of a one-kilobyte plan, beside a bare ASGI application.

    python -m bench.web_bench [--requests 20000] [--connections 8]

The handler does nothing and the token is compared, as cheap as a cached one, so that what is left is
the edge: framing, routing, token, scope, rate, decoding with all checks, encoding, counting, one log line.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from detente.errors import NotAuthenticated
from detente.plans.model import PlanBody
from detente.web import Principal, Reply, Request, Route, make_app

ROOT = Path(__file__).parents[1]
PRINCIPAL = Principal("alpha", "one", "planner", frozenset({"plans.write"}), b"")
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
ASGI = Callable[[Any, Any, Any], Awaitable[None]]


class OneToken:
    """As fast as a cached token."""

    async def authenticate(self, token: str) -> Principal:
        """Compare, as cheap as a cache."""
        if token != "t" * 700:
            raise NotAuthenticated("unknown")
        return PRINCIPAL


async def put_plan(request: Request) -> Reply:
    return Reply(200, request.decoded(PlanBody))


async def is_ready() -> dict[str, str]:
    return {}


def create() -> ASGI:
    route = Route(
        "PUT", "/v1/plans/{plan_id}", "plans.write", put_plan, "x", "plans", PlanBody, {200: PlanBody}
    )
    return make_app([route], authenticator=OneToken(), now_ms=lambda: 0, readiness=is_ready)


def create_bare() -> ASGI:
    decoder, encode = msgspec.json.Decoder(PlanBody), msgspec.json.Encoder().encode

    async def bare(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": f"{event['type']}.complete"})
            return
        body = (
            encode(decoder.decode((await receive())["body"] or b"{}")) if scope["method"] == "PUT" else b"{}"
        )
        length = str(len(body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})

    return bare


def plan_of_a_kilobyte() -> bytes:
    ring = [{"lat_deg": 46.9 + i / 1000, "lon_deg": 7.4 + i * i / 10_000} for i in range(18)]
    volume = {
        "shape": {"kind": "polygon", "vertices": ring},
        "lower_m": 500.0,
        "upper_m": 900.0,
        "start": "2026-06-01T12:00:00Z",
        "end": "2026-06-01T13:00:00Z",
    }
    return msgspec.json.encode({"volumes": [volume], "title": "a survey of the bridge", "priority": 0})


def cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] + [deep for child in found for deep in children_of(int(child))]


def send(port: int, request: bytes, count: int, times_s: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            line.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += line.recv(65_536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), answer
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += line.recv(65_536)
            times_s.append(time.perf_counter() - began)


def run(factory: str, level: str, requests: int, connections: int) -> tuple[float, float, float, float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        f"from detente.web.server import *\nif __name__ == '__main__':\n"
        f"    serve('bench.web_bench:{factory}', listen=[('127.0.0.1', {port})],"
        f" settings=ServerSettings(log_level={level!r}))"
    )
    path = Path(tempfile.gettempdir()) / f"detente-web-bench-{os.getpid()}.py"
    path.write_text(code)
    server = subprocess.Popen(
        [sys.executable, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        body = plan_of_a_kilobyte()
        request = (
            "PUT /v1/plans/7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n"
            f"User-Agent: bench\r\nAuthorization: Bearer {'t' * 700}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        send(port, request, 500, [])
        workers = children_of(server.pid)
        times_s: list[float] = []
        before_s, began_s = cpu_s(workers), time.perf_counter()
        share = requests // connections
        threads = [
            threading.Thread(target=send, args=(port, request, share, times_s)) for _ in range(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.perf_counter() - began_s
        cpu_us = (cpu_s(workers) - before_s) / len(times_s) * 1e6
        times_s.sort()
        return (
            cpu_us,
            len(times_s) / took_s,
            times_s[len(times_s) // 2] * 1e3,
            times_s[-len(times_s) // 100] * 1e3,
        )
    finally:
        server.terminate()
        server.wait()
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    print(f"PUT, body {len(plan_of_a_kilobyte())} bytes, {options.connections} connections, 1 worker")
    print(f"{'what':34} {'CPU us/request':>15} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8}")
    for name, factory, level in (
        ("bare ASGI, decode and encode only", "create_bare", "info"),
        ("the edge, no log line", "create", "warning"),
        ("the edge, one log line a request", "create", "info"),
    ):
        cpu_us, rate, p50_ms, p99_ms = run(factory, level, options.requests, options.connections)
        print(f"{name:34} {cpu_us:15.0f} {rate:11.0f} {p50_ms:8.2f} {p99_ms:8.2f}")


if __name__ == "__main__":
    main()
