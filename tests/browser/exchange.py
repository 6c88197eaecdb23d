"""A real exchange for browsers: ``detente serve`` as its own process, with parties and sign-in links."""

import asyncio
import os
import signal
import socket
import uuid
from datetime import UTC, datetime, timedelta

import httpx

from detente.demo.day import sit_down
from detente.demo.home import DemoHome
from detente.demo.people import Enrolment, enrol, open_exchange
from detente.demo.server import start_server
from detente.demo.sign_in import make_links
from detente.geo.model import Circle, Datum, LatLon
from detente.parties.model import Role
from detente.plans.model import PlanBody, PlanVolume, Sharing

CAST = (
    Enrolment("alpha", "Alpha air rescue", role=Role.DUTY_OFFICER, priority_limit=50),
    Enrolment("bravo", "Bravo drones", role=Role.DUTY_OFFICER, priority_limit=10),
    Enrolment("oscar", "Oscar observers", role=Role.OBSERVER),
)
LINKS_AT_ONCE = 20
CONSOLE = {"x-detente-console": "1"}


class Exchange:
    """A running server with parties, and what a test does to it from outside.

    Args:
        folder: where all that it keeps goes; not there yet.
        cast: who takes part.
    """

    def __init__(self, folder, cast=CAST):
        self.home = DemoHome(folder)
        self._held = self.home.take()
        administrator = open_exchange(self.home)
        self.server = start_server(self.home, free_port())
        self.url = self.server.url
        with sit_down(self.url, administrator) as client:
            self.seats = {seat.party_id: seat for seat in enrol(client, cast)}
        self.seats["exchange"] = administrator
        self._links = {}
        self._clients = {}

    def client(self, party):
        """A client that speaks for a party's account."""
        if party not in self._clients:
            self._clients[party] = sit_down(self.url, self.seats[party])
        return self._clients[party]

    async def link(self, party):
        """A fresh one-time link for a party's account."""
        if not self._links.get(party):
            seats = [self.seats[party]] * LINKS_AT_ONCE
            made = await asyncio.to_thread(make_links, self.home, self.url, seats)
            self._links[party] = [one.link for one in made]
        return self._links[party].pop()

    async def cookie(self, party):
        """Signs in without a page; gives the session's cookie as a browser keeps it."""
        code = (await self.link(party)).partition("#link=")[2]
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.url}/console/session", json={"link": code}, headers=CONSOLE)
        answer.raise_for_status()
        ((name, value),) = answer.cookies.items()
        return {"name": name, "value": value, "domain": "127.0.0.1", "path": "/console", "httpOnly": True}

    def declare(self, party, place, *, plan_id=None, **more):
        """Declares one circle over the API; see ``circle`` for what else may be said."""
        return self.client(party).declare(plan_id or str(uuid.uuid4()), circle(place, **more))

    def kill(self):
        """Ends the server as a power cut would: at once, without its knowledge."""
        self.server.process.kill()
        self.server.process.wait()

    def freeze(self):
        """Stops the server and its workers without ending them: connections stay open and nothing comes."""
        os.killpg(self.server.process.pid, signal.SIGSTOP)

    def thaw(self):
        """Lets a frozen server and its workers go on."""
        os.killpg(self.server.process.pid, signal.SIGCONT)

    def start_again(self):
        """Starts a server on the same folder and port."""
        self.server = start_server(self.home, int(self.url.rpartition(":")[2]))

    def close(self):
        """Ends all that was started."""
        for client in self._clients.values():
            client.close()
        if self.server.process.poll() is None:
            self.thaw()
            self.server.stop()
        self._held.release()


def circle(
    place,
    *,
    title="",
    remarks="",
    radius_m=1_000.0,
    lower_m=100.0,
    upper_m=300.0,
    begins_min=-5,
    lasts_min=60,
    sharing=Sharing.FULL,
    priority=0,
):
    """A plan of one circle around ``place`` (degrees north, degrees east); times in minutes from now."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=begins_min)
    volume = PlanVolume(
        shape=Circle(LatLon(*place), radius_m),
        lower_m=lower_m,
        upper_m=upper_m,
        start=start,
        end=start + timedelta(minutes=lasts_min),
        datum=Datum.AMSL,
    )
    return PlanBody(
        volumes=(volume,), title=title, remarks=remarks, sharing=Sharing(sharing), priority=priority
    )


def free_port():
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
