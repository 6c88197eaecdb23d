"""An exchange of several server processes on one embedded PostgreSQL, all of which can be killed."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import httpx

from detente.app import now_ms
from detente.parties.model import AccountBody, Act, PartyBody, Role
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.store import migrate, open_pool

URL = "http://exchange.test"
AUDIENCE = "exchange.test"
PATIENCE_S = 120


class Server:
    """One ``detente serve`` in a process group of its own."""

    def __init__(self, dsn, *, doors=1, **settings):
        ports = [free_port() for _ in range(doors)]
        self.port = ports[0]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.url = self.urls[0]
        self._environment = {
            **os.environ,
            "DETENTE_DATABASE": dsn,
            "DETENTE_LISTEN": ",".join(f"127.0.0.1:{port}" for port in ports),
            "DETENTE_PUBLIC_URL": URL,
            "DETENTE_LOG_LEVEL": "ERROR",
            "DETENTE_RATE_PER_S": "0",
            **{f"DETENTE_{name.upper()}": value for name, value in settings.items()},
        }
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "detente", "serve"], env=self._environment, start_new_session=True
        )
        return self

    def kill(self):
        """Kill -9 the server and its workers at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.kill()

    def await_ready(self):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if all(httpx.get(f"{url}/ready").status_code == 200 for url in self.urls):
                    return
            assert self.process.poll() is None, "the server ended by itself"
            time.sleep(0.1)
        raise AssertionError("the server did not become ready")


@contextlib.contextmanager
def fleet(dsn, size, **settings):
    """So many servers on one database, ready."""
    servers = [Server(dsn, **settings).start() for _ in range(size)]
    try:
        for server in servers:
            server.await_ready()
        yield servers
    finally:
        for server in servers:
            server.stop()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def make_exchange(dsn, accounts):
    """Migrate and initialise; ``accounts`` are (party, role, priority limit).

    Gives client id and secret by (party, role), the administrator's among them.
    """
    return asyncio.run(_make_exchange(dsn, accounts))


async def _make_exchange(dsn, accounts):
    await migrate(dsn)
    pool = await open_pool(dsn, max_size=2)
    service = PartiesService(pool, AccessSettings(issuer=URL, audiences=(AUDIENCE,)), clock_ms=now_ms)
    act = Act(party_id="exchange", account_id="local", token_sha256=None, at_ms=now_ms(), content=b"{}")
    first = await service.begin("under test", "administrator", act)
    made = {("exchange", Role.ADMINISTRATOR): (first.account.account_id, first.secret)}
    known = set()
    for party, role, limit in accounts:
        if party not in known:
            known.add(party)
            await service.add_party(party, PartyBody(name=party, priority_limit=limit), act)
        answer = await service.add_account(party, AccountBody(name=role.value, role=role), act)
        made[party, role] = (answer.account.account_id, answer.secret)
    await pool.close()
    return made


def token_of(url, account, **form):
    """A token by client credentials."""
    answer = httpx.post(
        f"{url}/v1/token",
        data={
            "grant_type": "client_credentials",
            "client_id": account[0],
            "client_secret": account[1],
            **form,
        },
        timeout=60,
    )
    answer.raise_for_status()
    return answer.json()["access_token"]
