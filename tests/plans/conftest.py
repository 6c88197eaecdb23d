"""Plans on a real database: services wired as the application wires them, with a clock in the test's hand."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest_asyncio

from detente.geo.model import Circle, LatLon
from detente.plans.model import PlanBody, PlanVolume
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.questions import Questions
from detente.plans.refusals import Refusals
from detente.plans.requests import Request
from detente.plans.separations import Separations
from detente.plans.service import PlansService
from detente.plans.writing import WritesHere
from detente.web.model import Principal

T0 = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
PLANNER = frozenset({"plans.read", "plans.write"})
DUTY = PLANNER | {"plans.override"}


class Limits:
    """The parties' room: priority limits by party, 0 for the rest; whom it does not know."""

    def __init__(self):
        self.by_party = {}
        self.strangers = set()

    async def exists(self, party_id):
        return party_id not in self.strangers

    async def priority_limit(self, party_id):
        return self.by_party.get(party_id, 0)


@dataclass
class World:
    """One exchange's plans room."""

    pool: object
    now_ms: int = int(datetime(2026, 12, 1, 8, 0, tzinfo=UTC).timestamp() * 1000)
    limits: Limits = field(default_factory=Limits)
    terrain: object = None

    def __post_init__(self):
        clock = lambda: self.now_ms  # noqa: E731 - one line, handed to three
        self.neighbourhood = Neighbourhood(self.terrain)
        self.separations = Separations(self.pool, self.limits, clock)
        self.refusals = Refusals(self.pool, clock)
        self.service = PlansService(
            self.pool,
            neighbourhood=self.neighbourhood,
            separations=self.separations,
            directory=self.limits,
            refusals=self.refusals,
            now_ms=clock,
            writer=WritesHere(self.pool, lambda: secrets.token_urlsafe(24)),
        )
        self.questions = Questions(
            self.pool,
            neighbourhood=self.neighbourhood,
            separations=self.separations,
            directory=self.limits,
            now_ms=clock,
        )

    async def declare(self, who, body, plan_id=None, **request):
        plan_id = plan_id or str(uuid.uuid4())
        content = msgspec.json.encode(body)
        wants = request.pop("ways_out", False)
        made = Request(content=content, target=f"PUT {plan_id}", wants_ways_out=wants, **request)
        outcome = await self.service.declare(who, plan_id, body, made)
        return msgspec.json.decode(outcome.body)

    async def enter(self, who, plan_id, state, version, **request):
        content = msgspec.json.encode(state)
        made = Request(
            content=content,
            target=f"PUT {plan_id}/state",
            expected_version=version,
            wants_ways_out=False,
            **request,
        )
        outcome = await self.service.enter_state(who, plan_id, state, made)
        return msgspec.json.decode(outcome.body)


def principal(party_id, scopes=PLANNER):
    return Principal(
        party_id=party_id,
        account_id=f"{party_id}-1",
        role="planner",
        scopes=frozenset(scopes),
        token_sha256=bytes(32),
    )


ALPHA, BRAVO = principal("alpha"), principal("bravo")


def circle(  # noqa: PLR0917 - a shape in one line
    lat=47.0, lon=8.0, radius_m=500.0, lower_m=100.0, upper_m=200.0, start=T0, minutes=30, **more
):
    return PlanVolume(
        shape=Circle(LatLon(lat, lon), radius_m),
        lower_m=lower_m,
        upper_m=upper_m,
        start=start,
        end=start + timedelta(minutes=minutes),
        **more,
    )


def body(*volumes, **more):
    return PlanBody(volumes=volumes or (circle(),), **more)


@pytest_asyncio.fixture
async def world(pg_pool):
    return World(pg_pool)
