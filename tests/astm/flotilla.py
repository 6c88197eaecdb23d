"""An exchange, two nodes with databases of their own, a hosted party and an authority: real processes."""

import asyncio
import contextlib
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from detente.parties.model import Role
from tests.astm.peer_server import Peer
from tests.astm.supplier import Authority
from tests.conftest import temporary_database
from tests.invariants.fleet import Server, make_exchange, token_of

START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
AIR, SEA, HOST = "air-rescue", "sea-watch", "harbour"


class Place(Server):
    """A server on a loopback address of its own, whose log is kept."""

    def __init__(self, host, dsn, log, **settings):
        super().__init__(dsn, **settings)
        self.url = f"http://{host}:{self.port}"
        self.urls = [self.url]
        self.dsn = dsn
        self.log = log
        self._environment |= {
            "DETENTE_LISTEN": f"{host}:{self.port}",
            "DETENTE_PUBLIC_URL": self.url,
            "DETENTE_LOG_LEVEL": "DEBUG",
            "DETENTE_LOG_FORMAT": "json",
        }

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "detente", "serve"],
                env=self._environment, start_new_session=True, stdout=log, stderr=log,
            )  # fmt: skip
        return self

    def sql(self, text, *values):
        """What a query on the server's own database answers."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            done = connection.execute(text, values)
            return done.fetchall() if done.description else []


class Desk:
    """A duty officer at a server."""

    def __init__(self, server, account):
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, timeout=60)
        self.http.headers["authorization"] = f"Bearer {token_of(server.url, account)}"

    async def declare(self, *volumes, plan=None, key=None, plan_id=None, **body):
        headers = {} if plan is None else {"if-match": f'"{plan["version"]}"'}
        if key is not None:
            headers["idempotency-key"] = key
        plan_id = plan_id or (str(uuid.uuid4()) if plan is None else plan["plan_id"])
        ways = str(body.pop("ways_out", False)).lower()
        body = {"volumes": list(volumes) or [area()], **body}
        return await self.http.put(f"/v1/plans/{plan_id}?ways_out={ways}", json=body, headers=headers)

    async def declared(self, *volumes, **more):
        answer = await self.declare(*volumes, **more)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def try_enter(self, plan, state):
        headers = {"if-match": f'"{plan["version"]}"'}
        return await self.http.put(
            f"/v1/plans/{plan['plan_id']}/state", json={"state": state}, headers=headers
        )

    async def enter(self, plan, state):
        answer = await self.try_enter(plan, state)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def see(self, plan):
        return await self.http.get(f"/v1/plans/{plan['plan_id']}")

    async def conflicts(self, plan):
        answer = await self.http.get(f"/v1/plans/{plan['plan_id']}/conflicts")
        assert answer.status_code == 200, answer.text
        return answer.json()


class Line:
    """What lies between a node and the exchange; ``act`` decides what becomes of a request.

    It is given the request and ``forward``, which has it answered, and returns an answer or None: silence.
    """

    def __init__(self, exchange_url):
        self.http = httpx.AsyncClient(base_url=exchange_url, timeout=30)
        self.peer = Peer(self._answer)
        self.act = None

    async def _answer(self, asked):
        async def forward():
            headers = {
                name: asked.headers[name]
                for name in ("authorization", "content-type")
                if name in asked.headers
            }
            answer = await self.http.request(asked.method, asked.target, content=asked.body, headers=headers)
            return answer.status_code, answer.content

        return await (forward() if self.act is None else self.act(asked, forward))

    def cut(self):
        """Nothing goes through any more."""

        async def silence(_asked, _forward):
            return None

        self.act = silence

    def mend(self):
        """Everything goes through again."""
        self.act = None

    def at_put(self, act):
        """Let ``act`` decide about the next reference that is written, and everything else through."""

        async def once(asked, forward):
            if asked.method != "PUT":
                return await forward()
            self.act = None
            return await act(forward)

        self.act = once


class Flotilla:
    """All of it. ``air`` and ``sea`` are desks at nodes, ``harbour`` one at the exchange."""

    def __init__(self, authority, exchange, nodes, accounts, lines):
        self.lines = lines
        self.authority = authority
        self.exchange = exchange
        self.nodes = nodes
        self.air = Desk(nodes[AIR], accounts[AIR])
        self.sea = Desk(nodes[SEA], accounts[SEA])
        self.harbour = Desk(exchange, accounts[HOST])

    def ask(self, server, method, path, party, body=None):
        """Ask a server as another service would."""
        audience = server.url.split("//")[1].split(":")[0]
        headers = {"authorization": f"Bearer {self.authority.token(party, audience)}"}
        return httpx.request(method, server.url + path, json=body, headers=headers, timeout=30)

    def reference(self, plan, party=HOST):
        """The plan's reference at the exchange, as a party may see it; None if there is none."""
        path = f"/dss/v1/operational_intent_references/{plan['plan_id']}"
        answer = self.ask(self.exchange, "GET", path, party)
        return answer.json()["operational_intent_reference"] if answer.status_code == 200 else None


@contextlib.asynccontextmanager
async def flotilla(pg_server, pg_template, folder):
    """All of it, ready."""
    authority = Authority(folder)
    await authority.server.start()
    with contextlib.ExitStack() as stack:
        dsns = [stack.enter_context(temporary_database(pg_server, pg_template)) for _ in range(3)]
        shared = {"trust_key": str(authority.file), "allow_http_peers": "true"}
        tokens = {"token_url": f"{authority.server.url}/token"}
        exchange = Place("127.0.0.1", dsns[0], folder / "exchange.log", **shared, **tokens, party=HOST)
        nodes, accounts, lines = {}, {}, {}
        made = await asyncio.to_thread(make_exchange, dsns[0], [(HOST, Role.PLANNER, 50)])
        accounts[HOST] = made[HOST, Role.PLANNER]
        for number, party in enumerate((AIR, SEA), 1):
            made = await asyncio.to_thread(make_exchange, dsns[number], [(party, Role.PLANNER, 50)])
            accounts[party] = made[party, Role.PLANNER]
            lines[party] = Line(exchange.url)
            await lines[party].peer.start()
            nodes[party] = Place(
                f"127.0.0.{number + 1}", dsns[number], folder / f"{party}.log",
                **shared, **tokens, node_of=party, exchange=lines[party].peer.url,
            )  # fmt: skip
        servers = (exchange, *nodes.values())
        for server in servers:
            server.start()
        try:
            for server in servers:
                await asyncio.to_thread(server.await_ready)
            yield await asyncio.to_thread(Flotilla, authority, exchange, nodes, accounts, lines)
        finally:
            for server in servers:
                await asyncio.to_thread(server.stop)
            for line in lines.values():
                await line.peer.stop()
                await line.http.aclose()
            await authority.server.stop()


def area(  # noqa: PLR0917 - a volume in one line
    lat=47.0, lon=8.0, radius_m=300.0, start=START, minutes=60, lower_m=100.0, upper_m=200.0
):
    """A round volume."""
    return {
        "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": lon}, "radius_m": radius_m},
        "lower_m": lower_m,
        "upper_m": upper_m,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=minutes)).isoformat(),
    }
