"""An exchange to measure: embedded PostgreSQL in a folder of its own, one server, two parties with tokens."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from detente.app import now_ms
from detente.parties.model import AccountBody, Act, PartyBody, Role
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.store import EmbeddedPostgres, migrate, open_pool

PARTIES = ("alpha", "bravo")


@dataclass
class Scratch:
    """A running exchange."""

    url: str
    dsn: str
    tokens: dict[str, str]
    server: subprocess.Popen[bytes]
    postgres: EmbeddedPostgres


async def make_accounts(dsn: str, url: str) -> dict[str, tuple[str, str]]:
    """Initialise the exchange; account id and secret of a duty officer of each party."""
    pool = await open_pool(dsn, max_size=2)
    service = PartiesService(pool, AccessSettings(issuer=url, audiences=("127.0.0.1",)), clock_ms=now_ms)

    def act(content: bytes = b"{}") -> Act:
        return Act(
            party_id="exchange", account_id="bench", token_sha256=None, at_ms=now_ms(), content=content
        )

    await service.begin("bench", "administrator", act())
    made = {}
    for party in PARTIES:
        await service.add_party(party, PartyBody(name=party), act())
        answer = await service.add_account(party, AccountBody(name="bench", role=Role.DUTY_OFFICER), act())
        made[party] = (answer.account.account_id, answer.secret)
    await pool.close()
    return made


def take_token(url: str, account: tuple[str, str]) -> str:
    """A token by client credentials."""
    answer = httpx.post(
        f"{url}/v1/token",
        data={"grant_type": "client_credentials", "client_id": account[0], "client_secret": account[1]},
    )
    answer.raise_for_status()
    return str(answer.json()["access_token"])


@contextlib.contextmanager
def scratch_exchange(workers: int = 1) -> Iterator[Scratch]:
    """Run an exchange until the block ends, then remove it."""
    folder = Path(tempfile.mkdtemp(prefix="detente-bench-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        with EmbeddedPostgres.start(folder) as postgres:
            asyncio.run(migrate(postgres.dsn))
            accounts = asyncio.run(make_accounts(postgres.dsn, url))
            environment = {**os.environ, "DETENTE_LOG_LEVEL": "WARNING", "DETENTE_RATE_PER_S": "0"}
            command = [
                sys.executable, "-m", "detente", "serve", "--database", postgres.dsn,
                "--listen", f"127.0.0.1:{port}", "--workers", str(workers),
            ]  # fmt: skip
            server = subprocess.Popen(command, env=environment)
            try:
                wait_ready(url)
                tokens = {party: take_token(url, account) for party, account in accounts.items()}
                yield Scratch(url, postgres.dsn, tokens, server, postgres)
            finally:
                server.terminate()
                server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_ready(url: str, patience_s: float = 20) -> None:
    """Wait until the server says that it is ready."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not become ready")
