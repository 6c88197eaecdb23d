"""Several processes of one party, restarts, refusals halfway, and clearing an area."""

import asyncio
import json
import uuid
from datetime import timedelta

import msgspec
import pytest

from detente.errors import ConflictingPlan, PeerUnavailable, StoreUnavailable
from detente.plans.elsewhere import PlanDetails
from detente.plans.model import PlanState
from tests.astm.house import House, intent
from tests.astm.house import volume as extent
from tests.astm.planner import DIRECT, START, Planner, new_flight, plan, volume
from tests.plans.conftest import body, circle

pytestmark = pytest.mark.pg

COMPLETED, REJECTED = "Completed", "Rejected"
ELSEWHERE = volume(lat=50.0)


async def test_a_restarted_server_knows_its_flights_and_its_answers(uss1):
    flight, request_id = new_flight(), str(uuid.uuid4())
    first = await uss1.send(flight, plan(), request_id=request_id)
    restarted = Planner(uss1.pool, "uss1", uss1.clock)
    again = await restarted.send(flight, plan(), request_id=request_id)
    assert again.content == first.content
    assert await restarted.says(flight, "InUse", "Nominal") == (COMPLETED, "OkToFly")
    assert (await restarted.delete(flight)).json()["flight_plan_status"] == "Closed"
    assert await restarted.pool.fetchval("SELECT count(*) FROM plan") == 1


async def test_processes_that_plan_one_flight_at_once_make_one_plan(uss1):
    processes = [uss1, *(Planner(uss1.pool, "uss1", uss1.clock) for _ in range(3))]
    flight = new_flight()
    wishes = [volume(radius=300.0 + i) for i in range(8)]
    answers = await asyncio.gather(
        *(processes[i % 4].put(flight, "InUse", "Nominal", area) for i, area in enumerate(wishes))
    )
    assert {(one["planning_result"], one["flight_plan_status"]) for one in answers} == {
        (COMPLETED, "OkToFly")
    }
    assert await uss1.pool.fetchval("SELECT count(*) FROM plan") == 1


async def test_one_request_sent_twice_at_once_has_one_answer(uss1):
    flight, request_id = new_flight(), str(uuid.uuid4())
    answers = await asyncio.gather(*(uss1.send(flight, plan(), request_id=request_id) for _ in range(6)))
    assert len({one.content for one in answers}) == 1
    assert await uss1.pool.fetchval("SELECT count(*) FROM harness_request") == 1


class Refusing:
    """The verbs of the plans' room, of which some are refused for a while."""

    def __init__(self, service):
        self.service = service
        self.refuses = {}

    async def declare(self, *values):
        return await self._call("declare", "declare", values)

    async def enter_state(self, *values):
        return await self._call(values[2].state.value, "enter_state", values)

    async def _call(self, name, verb, values):
        if name in self.refuses:
            raise self.refuses[name]
        return await getattr(self.service, verb)(*values)


@pytest.fixture
def refusing(pg_pool):
    """A party's server whose verbs a test may make refuse."""
    made = Planner(pg_pool, "uss1")
    made.verbs = Refusing(made.service)
    made.rewire(made.verbs)
    return made


CONFLICT = ConflictingPlan("a plan in force is in the way", conflicts=())
DOWN = PeerUnavailable("another server does not answer", why="silence")


@pytest.mark.parametrize(("error", "result"), [(CONFLICT, REJECTED), (DOWN, "Failed")])
async def test_an_acceptance_is_taken_back_when_the_activation_is_refused(refusing, error, result):
    flight = new_flight()
    refusing.verbs.refuses = {"activated": error}
    assert await refusing.says(flight, "InUse", "Nominal") == (result, "NotPlanned")
    assert await refusing.pool.fetchval("SELECT count(*) FROM plan WHERE state <> 'ended'") == 0
    refusing.verbs.refuses = {}
    assert await refusing.says(flight, "InUse", "Nominal") == (COMPLETED, "OkToFly")


@pytest.mark.parametrize(("uas", "status"), [("Nominal", "Planned"), ("OffNominal", "OffNominal")])
async def test_new_volumes_are_taken_back_when_the_activation_is_refused(refusing, uas, status):
    flight = new_flight()
    await refusing.put(flight, "Planned" if uas == "Nominal" else "InUse", uas, description="Then")
    before = await refusing.row(flight)
    refusing.verbs.refuses = {"activated": CONFLICT}
    assert await refusing.says(flight, "InUse", "Nominal", ELSEWHERE) == (REJECTED, status)
    row = await refusing.row(flight)
    assert (row["body"], row["state"]) == (before["body"], before["state"])


@pytest.mark.parametrize("verb", ["declare", "activated", "nonconforming", "ended"])
async def test_a_peer_that_does_not_answer_makes_it_fail_and_leaves_the_plan(refusing, verb):
    flight = new_flight()
    await refusing.put(flight)
    before = await refusing.row(flight)
    refusing.verbs.refuses = {verb: DOWN}
    wishes = {
        "declare": ("Planned", "Nominal", ELSEWHERE),
        "activated": ("InUse", "Nominal"),
        "nonconforming": ("InUse", "OffNominal"),
        "ended": ("Closed", None),
    }
    answer = await refusing.put(flight, *wishes[verb])
    assert (answer["planning_result"], answer["flight_plan_status"]) == ("Failed", "Planned")
    assert "does not answer" in answer["notes"]
    assert await refusing.row(flight) == before
    if verb == "ended":
        answer = (await refusing.delete(flight)).json()
        assert (answer["planning_result"], answer["flight_plan_status"]) == ("Failed", "Planned")
        assert (await refusing.clear(volume()))["success"] is False


async def test_a_store_that_does_not_answer_is_told_as_such_and_no_answer_is_kept(refusing):
    flight, request_id = new_flight(), str(uuid.uuid4())
    refusing.verbs.refuses = {"activated": StoreUnavailable("gone")}
    answer = await refusing.send(flight, plan(usage="InUse"), request_id=request_id, valid=False)
    assert answer.status_code == 503
    refusing.verbs.refuses = {}
    answer = await refusing.send(flight, plan(usage="InUse"), request_id=request_id)
    assert answer.json()["flight_plan_status"] == "OkToFly"
    assert await refusing.pool.fetchval("SELECT count(*) FROM plan") == 1


async def test_clearing_an_area_ends_what_meets_it_in_any_state_and_nothing_else(uss1, uss2):
    there = {}
    for i, (usage, uas) in enumerate(
        [("Planned", None), ("InUse", "Nominal"), ("InUse", "OffNominal"), ("InUse", "Contingent")]
    ):
        there[usage, uas] = new_flight()
        await uss1.put(there[usage, uas], usage, uas, volume(lng=8.0 + i / 50))
    besides = {
        "north": volume(lat=48.0),
        "above": volume(lower=400.0, upper=500.0),
        "later": volume(start=START + timedelta(hours=9)),
    }
    kept = {name: new_flight() for name in besides}
    for name, area in besides.items():
        await uss1.put(kept[name], "Planned", "Nominal", area)
    foreign = new_flight()
    await uss2.put(foreign, "Planned", "Nominal", volume(lng=8.3))
    # Not only what was planned through this interface.
    declared = await uss1.pool.execute(
        "DELETE FROM harness_flight WHERE flight_plan_id = $1", there["Planned", None]
    )
    assert declared == "DELETE 1"
    outcome = await uss1.clear(volume(radius=30_000.0))
    assert outcome == {"success": True, "message": "Plans ended: 4."}
    states = {
        row["state"]
        for row in await uss1.pool.fetch("SELECT state FROM plan WHERE start_ms >= 0 AND party_id = 'uss1'")
    }
    assert states == {PlanState.ENDED, PlanState.ACCEPTED}
    for flight in kept.values():
        assert (await uss1.row(flight))["state"] == "accepted"
    assert (await uss2.row(foreign))["state"] == "accepted"
    assert (await uss1.clear(volume(radius=30_000.0)))["message"] == "Plans ended: 0."


async def test_an_area_without_heights_and_times_is_cleared_altogether(uss1):
    flights = [new_flight() for _ in range(3)]
    for i, flight in enumerate(flights):
        await uss1.put(flight, "Planned", "Nominal", volume(lower=i * 1_000.0, upper=i * 1_000.0 + 100.0))
    outline = volume()["volume"]["outline_circle"]
    assert (await uss1.clear({"volume": {"outline_circle": outline}}))["success"] is True
    assert {(await uss1.row(flight))["state"] for flight in flights} == {"ended"}


async def test_an_area_that_means_nothing_is_not_cleared_and_says_why(uss1):
    outcome = await uss1.clear({"volume": {}})
    assert outcome["success"] is False
    assert "outline" in outcome["message"]
    body = json.dumps({"request_id": "r"}).encode()
    answer = await uss1.call("POST", "/clear_area_requests", body, scopes=(DIRECT,), valid=False)
    assert answer.status_code == 400


class Told:
    """Managers elsewhere, of whom one says what it is told to say, or nothing."""

    def __init__(self):
        self.says = None

    async def remembered(self, _):
        return {}

    async def ask(self, *_):
        if self.says is None:
            raise PeerUnavailable("another server does not answer", why="silence")
        return self.says


async def test_a_plan_elsewhere_decides_by_its_details_and_without_them_planning_fails(pg_pool):
    told = Told()
    uss1 = Planner(pg_pool, "uss1", details=told)
    house = House(pg_pool)
    await house.intent(intent(extent()), who="uss9")
    flight = new_flight()
    assert await uss1.says(flight, priority=50) == ("Failed", "NotPlanned")
    assert await uss1.says(flight, priority=50, style="Hypothetical") == ("Failed", "NotPlanned")
    details = msgspec.json.encode(body(circle(radius_m=300.0)))
    told.says = PlanDetails(priority=50, body=details)
    assert await uss1.says(flight, priority=50) == (REJECTED, "NotPlanned")
    told.says = PlanDetails(priority=49, body=details)
    assert await uss1.says(flight, priority=50) == (COMPLETED, "Planned")
    await house.http.aclose()
