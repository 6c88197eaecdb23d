"""The tiny application: called in this process (``edge``), and served by real granian (``served``)."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.web import tiny

ROOT = Path(__file__).parents[2]
START_S = 60
MARK = "DETENTE_TESTS_SERVER"
"""In the environment of a server and of all that it starts: its log."""


def bearer(token):
    return {"authorization": f"Bearer {token}"}


@pytest_asyncio.fixture
async def edge():
    transport = httpx.ASGITransport(tiny.create())
    async with httpx.AsyncClient(
        transport=transport, base_url="http://edge", headers=bearer("writer")
    ) as client:
        yield client


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Served:
    """``serve`` in a process of its own."""

    def __init__(
        self,
        log,
        *,
        factory="tests.web.tiny:create",
        addresses=1,
        before=(),
        start_new_session=False,
        **settings,
    ):
        self.ports = free_ports(addresses)
        self.port = self.ports[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        listen = [("127.0.0.1", port) for port in self.ports]
        code = (
            "import sys\nfrom detente.web.server import ServerSettings, serve\n"
            f"if __name__ == '__main__':\n    sys.exit(serve({factory!r}, listen={listen!r}, "
            f"settings=ServerSettings(**{settings!r}), "
            "on_ready=lambda: print('ready', file=sys.stderr, flush=True)))\n"
        )
        script = log.with_suffix(".py")
        script.write_text(code)
        self._out = log.open("w")
        self.process = subprocess.Popen(
            [*before, sys.executable, script],
            stderr=self._out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), MARK: str(log)},
            start_new_session=start_new_session,
        )

    def wait(self):
        until = time.monotonic() + START_S
        for port in self.ports:
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                    break
                except httpx.TransportError:
                    assert self.process.poll() is None, self.log.read_text()
                    assert time.monotonic() < until, self.log.read_text()
                    time.sleep(0.1)
        return self

    def stop(self, number=signal.SIGTERM, wait_s=30):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(wait_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._out.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("served") / "log", workers=2, header_timeout_s=2.0).wait()
    yield server
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture
def serve_one(tmp_path):
    started = []

    def start(**settings):
        server = Served(tmp_path / f"log{len(started)}", **settings)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()
