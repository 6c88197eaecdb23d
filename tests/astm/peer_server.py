"""A peer or an authority for tests: a real HTTP server in the test's own loop that answers as it is told."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

START_MS = 1_790_000_000_000


class Clock:
    """The present, as the test says."""

    def __init__(self, now_ms=START_MS):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms

    def pass_s(self, seconds):
        self.now_ms += round(seconds * 1_000)


class Tokens:
    """A source of tokens that says for whom each is."""

    def __init__(self):
        self.forgotten = []
        self.round = 0

    async def get(self, audience, scope):
        return f"{audience}+{scope}+{self.round}"

    def forget(self, audience, scope, token):
        self.forgotten.append((audience, scope, token))
        self.round += 1


@dataclass
class Asked:
    method: str
    target: str
    headers: dict
    body: bytes


@dataclass
class Peer:
    """What the server was asked, and what it answers: ``answer`` is called with each request.

    It gives (status, body), or (status, body, headers), or None to end the connection without a word.
    """

    answer: object = None
    asked: list = field(default_factory=list)
    connections: int = 0
    url: str = ""
    server: object = None
    writers: set = field(default_factory=set)

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(method, target, headers, body)
                self.asked.append(asked)
                answer = self.answer(asked)
                answer = await answer if asyncio.iscoroutine(answer) else answer
                if answer is None:
                    return
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                    return
                writer.write(written(*answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def start(self, port=0, tls=None):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", port, ssl=tls)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self):
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()


def written(status, body=b"", headers=()):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", *headers]
    if status != 204:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def running(answer, tls=None):
    """A server that answers as told, or by a function of the request."""
    peer = Peer(answer if callable(answer) else lambda _asked: answer)
    await peer.start(tls=tls)
    try:
        yield peer
    finally:
        await peer.stop()


async def until(holds, patience_s=20):
    """Wait for something that is to come; fail if it does not."""
    for _ in range(patience_s * 100):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")
