"""A harness plans flights as a user: every cell of the mapping, and every rule of the two standards."""

import uuid
from datetime import timedelta

import pytest

from detente.plans.model import PlanState
from tests.astm.planner import DIRECT, PLAN, START, Clock, Planner, new_flight, plan, volume

pytestmark = pytest.mark.pg

LATER = volume(start=START + timedelta(hours=4))
FAR = volume(lat=48.0)
WIDER = volume(radius=320.0)
COMPLETED, REJECTED = "Completed", "Rejected"


async def test_status_says_that_the_interface_is_ready_and_adds_the_party(uss1):
    answer = await uss1.call("GET", "/status", scopes=(DIRECT,))
    assert answer.json() == {
        "status": "Ready",
        "api_name": "Flight Planning Automated Testing Interface",
        "api_version": "v0.7.0",
    }
    assert (await uss1.parties.find_party("uss1")).priority_limit == 100
    statements = await uss1.pool.fetch("SELECT type, subject FROM statement")
    assert [tuple(one) for one in statements] == [("party.added", "party/uss1")]


async def test_a_party_that_is_there_stays_as_it_is(uss1):
    await uss1.pool.execute(
        "INSERT INTO party (party_id, name, contact, languages, priority_limit, created_ms)"
        " VALUES ('uss1', 'One', '', '{en}', 5, 0)"
    )
    assert await uss1.says(new_flight(), priority=5) == (COMPLETED, "Planned")
    assert await uss1.says(new_flight(), "Planned", "Nominal", FAR, priority=6) == (
        "NotSupported",
        "NotPlanned",
    )
    assert (await uss1.parties.find_party("uss1")).name == "One"


STATES = {
    None: "NotPlanned",
    "accepted": "Planned",
    "activated": "OkToFly",
    "nonconforming": "OffNominal",
    "contingent": "OffNominal",
}
REACHED_BY = {
    "accepted": ("Planned", "Nominal"),
    "activated": ("InUse", "Nominal"),
    "nonconforming": ("InUse", "OffNominal"),
    "contingent": ("InUse", "Contingent"),
}
WISHES = {
    ("Planned", None): "accepted",
    ("Planned", "Nominal"): "accepted",
    ("Planned", "NotSpecified"): "accepted",
    ("Planned", "OffNominal"): None,
    ("Planned", "Contingent"): None,
    ("InUse", None): "activated",
    ("InUse", "Nominal"): "activated",
    ("InUse", "NotSpecified"): "activated",
    ("InUse", "OffNominal"): "nonconforming",
    ("InUse", "Contingent"): "contingent",
    ("Closed", None): "ended",
    ("Closed", "Nominal"): "ended",
    ("Closed", "OffNominal"): "ended",
}
MAY_FOLLOW = {
    None: {"accepted", "activated", "nonconforming", "contingent"},
    "accepted": {"accepted", "activated", "nonconforming", "contingent", "ended"},
    "activated": {"activated", "nonconforming", "contingent", "ended"},
    "nonconforming": {"nonconforming", "activated", "contingent", "ended"},
    "contingent": {"contingent", "ended"},
}


@pytest.mark.parametrize("moves", [False, True], ids=["same-area", "other-area"])
@pytest.mark.parametrize("was", STATES)
async def test_every_wish_in_every_state(uss1, was, moves):
    for (usage, uas), state in WISHES.items():
        flight = new_flight()
        if was is not None:
            assert await uss1.says(flight, *REACHED_BY[was], volume()) == (COMPLETED, STATES[was])
            assert (await uss1.row(flight))["state"] == was
        area = volume(radius=250.0) if moves else volume()
        may = state in MAY_FOLLOW[was] and not (moves and was == state == "contingent")
        answer = await uss1.put(flight, usage, uas, area)
        said = answer["planning_result"], answer["flight_plan_status"]
        row = await uss1.row(flight)
        if may:
            assert said == (COMPLETED, STATES.get(state, "Closed")), (was, usage, uas, answer)
            assert row["state"] == state
            if state != "ended":
                assert (b'"radius_m":250' in row["body"]) is moves
        else:
            assert said == (REJECTED, STATES[was]), (was, usage, uas, answer)
            assert answer["notes"]
            assert (None if row is None else row["state"]) == was
            assert row is None or b'"radius_m":300' in row["body"]
        await uss1.delete(flight)


async def test_the_plan_has_an_id_of_ours_and_the_body_that_was_asked_for(uss1):
    flight = new_flight()
    answer = await uss1.put(flight, priority=7, description="Medicine", uas_id=1)
    row = await uss1.row(flight)
    assert str(row["plan_id"]) != flight
    assert row["plan_id"].version == 4
    assert (row["party_id"], row["priority"], row["version"]) == ("uss1", 7, 1)
    planned = answer["as_planned"]
    assert planned["basic_information"]["area"] == [volume()]
    assert planned["basic_information"]["usage_state"] == "Planned"
    assert planned["astm_f3548_21"] == {"priority": 7}
    assert answer["includes_advisories"] == "NoAdvisoriesOrConditions"


async def test_the_record_names_who_acted_and_with_which_words(uss1):
    await uss1.put(new_flight())
    kept = await uss1.pool.fetchrow(
        "SELECT party_id, account_id, content FROM statement WHERE type = 'plan.declared'"
    )
    assert (kept["party_id"], kept["account_id"]) == ("uss1", "flight-planning")
    assert b'"execution_style"' in kept["content"]


async def test_equal_priority_is_refused_in_every_way_and_changes_nothing(uss1, uss2):
    theirs, mine = new_flight(), new_flight()
    await uss2.put(theirs, "Planned", "Nominal", LATER)
    await uss2.put(theirs, "InUse", "Nominal", LATER)
    assert await uss1.says(mine, "Planned", "Nominal", LATER) == (REJECTED, "NotPlanned")
    assert await uss1.says(mine, "InUse", "Nominal", LATER) == (REJECTED, "NotPlanned")
    assert await uss1.row(mine) is None
    assert await uss1.says(mine) == (COMPLETED, "Planned")
    assert await uss1.says(mine, "Planned", "Nominal", LATER) == (REJECTED, "Planned")
    assert await uss1.says(mine, "InUse", "Nominal") == (COMPLETED, "OkToFly")
    before = await uss1.row(mine)
    answer = await uss1.put(mine, "InUse", "Nominal", LATER)
    assert (answer["planning_result"], answer["flight_plan_status"]) == (REJECTED, "OkToFly")
    assert "uss2" in answer["notes"]
    assert await uss1.row(mine) == before
    assert await uss1.says(mine, "InUse", "Nominal") == (COMPLETED, "OkToFly")
    assert (await uss1.row(mine))["version"] == before["version"]  # the same again is nothing new


async def test_two_flights_of_one_party_are_no_less_in_conflict(uss1):
    await uss1.put(new_flight())
    assert await uss1.says(new_flight()) == (REJECTED, "NotPlanned")


async def test_a_higher_priority_goes_first(uss1, uss2):
    theirs, mine = new_flight(), new_flight()
    await uss2.put(theirs, priority=100)
    assert await uss1.says(mine, priority=99) == (REJECTED, "NotPlanned")
    await uss2.delete(theirs)
    assert await uss1.says(mine) == (COMPLETED, "Planned")
    theirs = new_flight()
    answer = await uss2.put(theirs, priority=100)
    assert (answer["planning_result"], answer["flight_plan_status"]) == (COMPLETED, "Planned")
    assert answer["includes_advisories"] == "AtLeastOneAdvisoryOrCondition"
    assert "uss1" in answer["notes"]
    assert await uss1.says(mine, "Planned", "Nominal", WIDER) == (REJECTED, "Planned")
    assert await uss1.says(mine, "InUse", "Nominal") == (REJECTED, "Planned")


async def test_an_activated_flight_stays_in_the_conflict_that_it_is_in_but_enters_none(uss1, uss2):
    mine, theirs = new_flight(), new_flight()
    await uss1.put(mine, "InUse", "Nominal")
    await uss2.put(theirs, priority=100)
    await uss2.put(theirs, "InUse", "Nominal", priority=100)
    assert await uss1.says(mine, "InUse", "Nominal", WIDER) == (COMPLETED, "OkToFly")
    assert b'"radius_m":320' in (await uss1.row(mine))["body"]
    assert await uss2.says(theirs, "InUse", "Nominal", LATER, priority=100) == (COMPLETED, "OkToFly")
    before = await uss1.row(mine)
    longer = volume(minutes=260.0)
    assert await uss1.says(mine, "InUse", "Nominal", longer) == (REJECTED, "OkToFly")
    assert await uss1.row(mine) == before


async def test_a_conflict_that_is_there_excuses_no_other_one(uss1, uss2):
    mine = new_flight()
    await uss1.put(mine, "InUse", "Nominal")
    await uss2.put(new_flight(), priority=100)
    await uss2.put(new_flight(), "Planned", "Nominal", volume(lat=47.01))
    assert await uss1.says(mine, "InUse", "Nominal", volume(radius=1_000.0)) == (REJECTED, "OkToFly")


async def test_a_flight_that_goes_off_nominal_into_another_leaves_that_one_its_freedom(uss1, uss2):
    mine, theirs = new_flight(), new_flight()
    await uss1.put(mine, "InUse", "Nominal")
    await uss2.put(theirs, "InUse", "Nominal", LATER)
    assert await uss2.says(theirs, "InUse", "OffNominal", volume()) == (COMPLETED, "OffNominal")
    assert await uss1.says(mine, "InUse", "Nominal", volume(minutes=90)) == (COMPLETED, "OkToFly")


@pytest.mark.parametrize(("uas", "state"), [("OffNominal", "nonconforming"), ("Contingent", "contingent")])
async def test_what_is_off_nominal_is_never_refused(uss1, uss2, uas, state):
    await uss2.put(new_flight(), "InUse", "Nominal")
    fresh, planned = new_flight(), new_flight()
    assert await uss1.says(fresh, "InUse", uas) == (COMPLETED, "OffNominal")
    assert (await uss1.row(fresh))["state"] == state
    await uss1.put(planned, "Planned", "Nominal", FAR)
    assert await uss1.says(planned, "InUse", uas, volume(radius=50.0)) == (COMPLETED, "OffNominal")
    row = await uss1.row(planned)
    assert row["state"] == state
    assert b'"radius_m":50' in row["body"]


async def test_back_to_nominal_only_out_of_conflict(uss1, uss2):
    mine = new_flight()
    await uss2.put(new_flight())
    await uss1.put(mine, "InUse", "OffNominal", FAR)
    assert await uss1.says(mine, "InUse", "Nominal", volume(radius=50.0)) == (REJECTED, "OffNominal")
    row = await uss1.row(mine)
    assert row["state"] == "nonconforming"
    assert b'"lat_deg":48' in row["body"]
    assert await uss1.says(mine, "InUse", "Nominal", FAR) == (COMPLETED, "OkToFly")


async def test_in_reality_a_flight_in_conflict_is_off_nominal(uss1, uss2):
    await uss2.put(new_flight(), "InUse", "Nominal")
    fresh, planned, flown = new_flight(), new_flight(), new_flight()
    answer = await uss1.put(fresh, "InUse", "Nominal", style="InReality")
    assert (answer["planning_result"], answer["flight_plan_status"]) == (COMPLETED, "OffNominal")
    assert "off-nominal" in answer["notes"]
    assert answer["as_planned"]["basic_information"]["uas_state"] == "OffNominal"
    for flight, usage in ((planned, "Planned"), (flown, "InUse")):
        there = volume(lat=48.0 + len(usage))
        await uss1.put(flight, usage, "Nominal", there)
        assert await uss1.says(flight, "InUse", "Nominal", style="InReality") == (COMPLETED, "OffNominal")
        assert b'"lat_deg":47' in (await uss1.row(flight))["body"]


async def test_in_reality_what_may_be_is_as_if_allowed_and_a_plan_is_no_reality(uss1, uss2):
    assert await uss1.says(new_flight(), "InUse", "Nominal", style="InReality") == (COMPLETED, "OkToFly")
    assert await uss2.says(new_flight(), style="InReality") == (REJECTED, "NotPlanned")


HYPOTHETICAL = [
    (None, "Planned", volume(), (COMPLETED, "Planned")),
    (None, "InUse", volume(), (COMPLETED, "OkToFly")),
    (None, "Planned", FAR, (REJECTED, "NotPlanned")),
    (None, "Closed", volume(), (REJECTED, "NotPlanned")),
    ("Planned", "InUse", volume(), (COMPLETED, "OkToFly")),
    ("Planned", "Planned", FAR, (REJECTED, "Planned")),
    ("Planned", "Closed", volume(), (COMPLETED, "Closed")),
    ("InUse", "InUse", FAR, (REJECTED, "OkToFly")),
    ("InUse", "Planned", volume(), (REJECTED, "OkToFly")),
]


@pytest.mark.parametrize(("was", "usage", "area", "said"), HYPOTHETICAL)
async def test_a_hypothetical_wish_is_answered_and_changes_nothing(  # noqa: PLR0917 - one case
    uss1, uss2, was, usage, area, said
):
    flight = new_flight()
    await uss2.put(new_flight(), "Planned", "Nominal", FAR)
    if was is not None:
        await uss1.put(flight, was, "Nominal")
    counted = "SELECT (SELECT count(*) FROM statement), (SELECT count(*) FROM harness_flight)"
    await uss1.call("GET", "/status", scopes=(DIRECT,))  # adds the party
    before = await uss1.pool.fetchrow(counted), await uss1.row(flight), await uss1.told()
    assert await uss1.says(flight, usage, "Nominal", area, style="Hypothetical") == said
    assert (await uss1.pool.fetchrow(counted), await uss1.row(flight), await uss1.told()) == before


async def test_hypothetically_too_an_activated_flight_may_stay_where_it_is(uss1, uss2):
    mine = new_flight()
    await uss1.put(mine, "InUse", "Nominal")
    await uss2.put(new_flight(), priority=100)
    asked = await uss1.says(mine, "InUse", "Nominal", WIDER, style="Hypothetical")
    assert asked == (COMPLETED, "OkToFly")
    assert await uss1.says(new_flight(), priority=101, style="Hypothetical") == ("NotSupported", "NotPlanned")


async def test_an_empty_area_stands_for_the_area_that_is_planned(uss1):
    flight = new_flight()
    empty = {"basic_information": {"usage_state": "InUse"}}
    answer = (await uss1.send(flight, empty)).json()
    assert (answer["planning_result"], answer["flight_plan_status"]) == (REJECTED, "NotPlanned")
    await uss1.put(flight)
    assert (await uss1.send(flight, empty)).json()["flight_plan_status"] == "OkToFly"


async def test_telemetry_is_said_not_to_be_taken_up(uss1):
    states = [{"id": str(uuid.uuid4()), "timestamp": volume()["time_start"]}]
    answer = await uss1.put(new_flight(), telemetry={"states": states})
    assert "Telemetry" in answer["notes"]
    assert "telemetry" not in answer["as_planned"]


@pytest.mark.parametrize("scope", [DIRECT, PLAN])
async def test_delete_ends_a_flight_in_any_state_and_again_is_no_error(uss1, scope):
    for usage, uas in REACHED_BY.values():
        flight = new_flight()
        await uss1.put(flight, usage, uas)
        for _ in range(2):
            answer = await uss1.delete(flight, scopes=(scope,))
            assert answer.status_code == 200
            assert (answer.json()["planning_result"], answer.json()["flight_plan_status"]) == (
                COMPLETED,
                "Closed",
            )
        assert (await uss1.row(flight))["state"] == PlanState.ENDED


async def test_delete_of_what_was_never_planned(uss1):
    answer = await uss1.delete(new_flight())
    assert answer.status_code == 404
    # Harnesses read the members of a success out of it.
    assert (answer.json()["planning_result"], answer.json()["flight_plan_status"]) == (COMPLETED, "Closed")
    refused = new_flight()
    await uss1.put(refused, "Planned", "Nominal", volume(minutes=-5))
    assert (await uss1.delete(refused)).json()["flight_plan_status"] == "Closed"


async def test_a_flight_that_was_closed_may_be_planned_again(uss1):
    flight = new_flight()
    await uss1.put(flight)
    first = (await uss1.row(flight))["plan_id"]
    await uss1.delete(flight)
    assert await uss1.says(flight, "Closed", None) == (COMPLETED, "Closed")
    assert await uss1.says(flight, "InUse", "Nominal") == (COMPLETED, "OkToFly")
    assert (await uss1.row(flight))["plan_id"] != first


async def test_one_party_does_not_reach_the_flights_of_another(uss1, uss2):
    flight = new_flight()
    await uss1.put(flight)
    assert (await uss2.delete(flight)).status_code == 404
    assert await uss2.says(flight, "Planned", "Nominal", FAR) == (COMPLETED, "Planned")
    assert (await uss1.row(flight))["state"] == "accepted"


async def test_a_server_that_speaks_for_nobody_acts_for_uss(pg_pool):
    nameless = Planner(pg_pool, None, Clock())
    await nameless.send(new_flight(), plan())
    assert await pg_pool.fetchval("SELECT party_id FROM plan") == "uss"
    await nameless.http.aclose()
