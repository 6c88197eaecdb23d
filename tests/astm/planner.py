"""Servers of parties in the test's hand that a harness drives: their routes on one database and one clock."""

import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta

import httpx

from detente.astm.flight_planning.routes import BASE
from detente.astm.harness import Harness, PlansRoom
from detente.parties.directory import PartyDirectory
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.plans.met import MetPlans
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.questions import Questions
from detente.plans.refusals import Refusals
from detente.plans.separations import Separations
from detente.plans.service import PlansService
from detente.plans.writing import WritesHere
from detente.web import Limits, make_app
from tests.astm.house import Tokens, altitude, time
from tests.astm.schemas import check_response

PLAN = "interuss.flight_planning.plan"
DIRECT = "interuss.flight_planning.direct_automated_test"
START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
DURING = START + timedelta(minutes=10)


class Clock:
    """One clock for all servers; it stands until it is moved."""

    def __init__(self):
        self.now = DURING

    def __call__(self):
        return int(self.now.timestamp() * 1000)


class Planner:
    """The server of one party; ``Planner(pool, party, clock)`` again is the same server after a restart."""

    def __init__(self, pool, party="uss1", clock=None, details=None):
        self.pool, self.party, self.clock = pool, party, clock or Clock()
        neighbourhood = Neighbourhood(None, details)
        directory = PartyDirectory(pool, clock_ms=self.clock)
        separations = Separations(pool, directory, self.clock)
        shared = {"neighbourhood": neighbourhood, "separations": separations, "directory": directory}
        self.service = PlansService(
            pool,
            **shared,
            refusals=Refusals(pool, self.clock),
            now_ms=self.clock,
            writer=WritesHere(pool, lambda: secrets.token_urlsafe(24)),
        )
        self.questions = Questions(pool, **shared, now_ms=self.clock)
        self._met, self._directory = MetPlans(pool, neighbourhood, separations), directory
        access = AccessSettings(issuer="https://x.example", audiences=("x.example",))
        self.parties = PartiesService(pool, access, clock_ms=self.clock)
        self.rewire(self.service)

    def rewire(self, service):
        """Serve with these verbs on plans."""
        self.harness = Harness(
            self.pool,
            self.parties,
            PlansRoom(service, self.questions, self._met, self._directory),
            party=self.party,
            now_ms=self.clock,
            new_id=lambda: str(uuid.uuid4()),
        )
        app = make_app(
            self.harness.routes,
            authenticator=Tokens(),
            now_ms=self.clock,
            readiness=self._ready,
            limits=Limits(rate_per_s=0),
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planner")

    async def _ready(self):
        return {}

    async def call(self, method, path, body=None, *, scopes=(PLAN,), valid=True):
        headers = {"authorization": f"Bearer {','.join(['harness', *scopes])}"}
        content = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await self.http.request(method, BASE + path, content=content, headers=headers)
        if valid:
            document = "flight_planning"
            check_response(method, path, answer.status_code, answer.content, document=document)
        return answer

    async def send(self, flight, plan, *, style="IfAllowed", request_id=None, valid=True):
        body = {
            "flight_plan": plan,
            "execution_style": style,
            "request_id": request_id or str(uuid.uuid4()),
        }
        return await self.call("PUT", f"/flight_plans/{flight}", body, valid=valid)

    async def put(self, flight, usage="Planned", uas="Nominal", *area, style="IfAllowed", **more):
        """Ask, and give the parsed answer, which must be a 200."""
        answer = await self.send(flight, plan(*area, usage=usage, uas=uas, **more), style=style)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def says(self, *values, **more):
        """The two words of an answer to ``put``."""
        answer = await self.put(*values, **more)
        return answer["planning_result"], answer["flight_plan_status"]

    async def delete(self, flight, scopes=(DIRECT,)):
        return await self.call("DELETE", f"/flight_plans/{flight}", scopes=scopes)

    async def clear(self, extent):
        body = {"request_id": str(uuid.uuid4()), "extent": extent}
        answer = await self.call("POST", "/clear_area_requests", body, scopes=(DIRECT,))
        return answer.json()["outcome"]

    async def told(self, after=None, before=None):
        """What the user was told, once the watch has looked at everything."""
        while await self.harness.watch.look():
            pass
        query = f"?after={text(after or START - timedelta(days=1))}"
        query += f"&before={text(before or START + timedelta(days=1))}"
        answer = await self.call("GET", f"/user_notifications{query}")
        return answer.json()["user_notifications"]

    async def row(self, flight):
        """The flight's plan as the database holds it."""
        return await self.pool.fetchrow(
            "SELECT p.* FROM harness_flight f JOIN plan p USING (plan_id)"
            " WHERE f.party_id = $1 AND f.flight_plan_id = $2",
            self.party,
            flight,
        )


def text(at):
    return at.isoformat().replace("+00:00", "Z")


def new_flight():
    return str(uuid.uuid4())


def volume(  # noqa: PLR0917 - a volume in one line
    lat=47.0, lng=8.0, radius=300.0, lower=100.0, upper=200.0, start=START, minutes=60.0
):
    circle = {"center": {"lat": lat, "lng": lng}, "radius": {"value": radius, "units": "M"}}
    return {
        "volume": {
            "outline_circle": circle,
            "altitude_lower": altitude(lower),
            "altitude_upper": altitude(upper),
        },
        "time_start": time(start),
        "time_end": time(start + timedelta(minutes=minutes)),
    }


def plan(*area, usage="Planned", uas="Nominal", priority=None, description=None, **more):
    basic = {"usage_state": usage, "area": list(area) or [volume()]}
    if uas is not None:
        basic["uas_state"] = uas
    if description is not None:
        basic["description"] = description
    made = {"basic_information": basic, **more}
    if priority is not None:
        made["astm_f3548_21"] = {"priority": priority}
    return made
