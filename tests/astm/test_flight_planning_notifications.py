"""What a harness' user is told of conflicts: by whom they came, once each, over restarts and processes."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from detente.astm.flight_planning import store, watch
from detente.errors import DetenteError, StoreUnavailable
from detente.plans.model import Sharing
from tests.astm.house import House, intent
from tests.astm.house import volume as extent
from tests.astm.planner import DURING, START, Planner, new_flight, text, volume
from tests.plans.conftest import World, body, circle, principal

pytestmark = pytest.mark.pg

LATER = volume(start=START + timedelta(hours=4))


async def conflicts(planner):
    return [one["conflicts"] for one in await planner.told()]


async def begin(*planners):
    """Look once, as a server does that starts: what was before is not told."""
    for one in planners:
        await one.harness.watch.look()


async def test_who_is_refused_for_a_conflict_is_told_each_time(uss1, uss2):
    await begin(uss1, uss2)
    mine = new_flight()
    await uss2.put(new_flight(), priority=9)
    await uss1.put(new_flight())
    assert await conflicts(uss1) == ["Single"]
    await uss1.put(mine, "Planned", "Nominal", LATER)
    await uss1.put(mine)
    await uss1.put(mine, "InUse", "Nominal")
    told = await uss1.told()
    assert [one["conflicts"] for one in told] == ["Single"] * 3
    assert "uss2" in told[0]["message"]
    assert told[0]["observed_at"]["value"] == text(DURING)
    assert await conflicts(uss2) == []


async def test_a_refusal_for_several_plans_says_so(uss1, uss2):
    for lat in (47.0, 47.02):
        await uss2.put(new_flight(), "Planned", "Nominal", volume(lat=lat))
    await uss1.put(new_flight(), "Planned", "Nominal", volume(radius=5_000.0))
    assert await conflicts(uss1) == ["Multiple"]


async def test_both_users_are_told_when_a_plan_outranks_another_and_at_each_step_of_it(uss1, uss2):
    await begin(uss1, uss2)
    mine, theirs = new_flight(), new_flight()
    await uss1.put(mine)
    assert await conflicts(uss1) == []
    await uss2.put(theirs, priority=9)
    assert (await conflicts(uss1), await conflicts(uss2)) == (["Single"], ["Single"])
    await uss2.put(theirs, "InUse", "Nominal", priority=9)
    assert (await conflicts(uss1), await conflicts(uss2)) == (["Single"] * 2, ["Single"] * 2)
    await uss2.put(theirs, "InUse", "Nominal", LATER, priority=9)
    await uss2.delete(theirs)
    assert (await conflicts(uss1), await conflicts(uss2)) == (["Single"] * 2, ["Single"] * 2)


async def test_a_flight_that_goes_off_nominal_tells_all_whom_it_meets_and_its_own_user(uss1, uss2):
    await begin(uss1, uss2)
    theirs = new_flight()
    for lat in (47.0, 47.02):
        await uss1.put(new_flight(), "Planned", "Nominal", volume(lat=lat))
    await uss2.put(theirs, "InUse", "Nominal", LATER)
    assert (await conflicts(uss1), await conflicts(uss2)) == ([], [])
    await uss2.put(theirs, "InUse", "OffNominal", volume(radius=5_000.0))
    assert (await conflicts(uss1), await conflicts(uss2)) == (["Single", "Single"], ["Multiple"])
    assert "nonconforming" in (await uss1.told())[0]["message"]


async def test_two_flights_of_one_user_are_told_of_each_other(uss1):
    await begin(uss1)
    await uss1.put(new_flight())
    await uss1.put(new_flight(), "InUse", "OffNominal")
    assert await conflicts(uss1) == ["Single", "Single"]
    assert len({one["message"] for one in await uss1.told()}) == 2


async def test_a_reference_of_a_manager_elsewhere_is_told_of(uss1):
    await begin(uss1)
    house = House(uss1.pool)
    flight = new_flight()
    await uss1.put(flight)
    ovn = (await uss1.row(flight))["ovn"]
    made = await house.intent(intent(extent(), key=[ovn]), who="uss9")
    told = await uss1.told()
    assert [one["conflicts"] for one in told] == ["Single"]
    assert f"plan {made['id']} of uss9" in told[0]["message"]
    await house.intent(intent(extent(lat=48.0)), who="uss9")
    assert len(await uss1.told()) == 1
    await house.http.aclose()


async def test_a_plan_that_is_not_shown_is_told_of_without_its_id(uss1):
    await begin(uss1)
    await uss1.put(new_flight())
    world = World(uss1.pool)
    world.limits.by_party = {"uss2": 9}
    area = circle(start=START, minutes=30)
    hidden = await world.declare(principal("uss2"), body(area, priority=9, sharing=Sharing.CONFLICTS))
    (told,) = await uss1.told()
    assert "uss2" in told["message"]
    assert hidden["plan_id"] not in told["message"]


async def test_a_server_goes_on_from_where_it_was_and_tells_nothing_twice(uss1, uss2):
    await begin(uss1)
    await uss1.put(new_flight())
    await uss2.put(new_flight(), priority=9)
    others = [Planner(uss1.pool, "uss1", uss1.clock) for _ in range(3)]
    await asyncio.gather(*(one.harness.watch.look() for one in others))
    assert await conflicts(others[0]) == ["Single"]
    assert await conflicts(uss1) == ["Single"]
    await uss2.put(new_flight(), priority=99)
    restarted = Planner(uss1.pool, "uss1", uss1.clock)
    assert await conflicts(restarted) == ["Single", "Single"]


async def test_what_was_before_the_first_look_is_not_told(uss1, uss2):
    await uss1.put(new_flight())
    await uss2.put(new_flight(), priority=9)
    assert await conflicts(uss1) == []


async def test_after_a_backup_was_put_back_the_watch_goes_on(uss1, uss2):
    await begin(uss1)
    await uss1.pool.execute("UPDATE harness_reader SET xact = xact + 1000000")
    restarted = Planner(uss1.pool, "uss1", uss1.clock)
    await begin(restarted)
    await uss1.put(new_flight())
    await uss2.put(new_flight(), priority=9)
    assert await conflicts(restarted) == ["Single"]
    reader = await store.reader(uss1.pool, "uss1")
    assert reader.xact < 1_000_000


async def test_notifications_are_those_between_two_instants_both_included(uss1):
    for minute in range(3):
        uss1.clock.now = DURING + timedelta(minutes=minute)
        await uss1.put(new_flight())  # the first is planned, the others are in its way
    second, third = DURING + timedelta(minutes=1), DURING + timedelta(minutes=2)
    step = timedelta(milliseconds=1)
    for after, before, n in (
        (DURING, third, 2),
        (second, third - step, 1),
        (second + step, third, 1),
        (third + step, third + timedelta(hours=1), 0),
    ):
        assert len(await uss1.told(after, before)) == n, (after, before)
    answer = await uss1.call("GET", f"/user_notifications?after={text(second)}")
    assert len(answer.json()["user_notifications"]) == 2
    uss1.clock.now = second
    answer = await uss1.call("GET", f"/user_notifications?after={second.isoformat()}")
    assert len(answer.json()["user_notifications"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?after=yesterday",
        "?after=2026-12-01T12:00:00",
        f"?after={text(START)}&before=soon",
        f"?after={text(START)}&before={text(START - timedelta(seconds=1))}",
    ],
)
async def test_instants_that_mean_nothing_are_refused(uss1, query):
    answer = await uss1.call("GET", f"/user_notifications{query}")
    assert answer.status_code == 400
    assert answer.json()["message"]


async def looking(planner, until):
    """Run the watch as a server does, until something is so."""
    task = asyncio.create_task(planner.harness.work())
    try:
        for _ in range(3_000):
            if await until():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not become so")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_job_tells_by_itself_and_waits_for_a_database_that_does_not_answer(uss1, uss2, monkeypatch):
    await begin(uss1)
    monkeypatch.setattr(watch, "_RETRY_S", 0.01)
    failures = [StoreUnavailable("gone")] * 2
    real = watch.changes_after

    async def changes_after(*values):
        if failures:
            raise failures.pop()
        return await real(*values)

    monkeypatch.setattr(watch, "changes_after", changes_after)
    await uss1.put(new_flight())
    await uss2.put(new_flight(), priority=9)

    async def is_told():
        return bool(await uss1.pool.fetchval("SELECT count(*) FROM harness_notification"))

    await looking(uss1, is_told)
    assert not failures


async def test_one_plan_that_cannot_be_compared_keeps_nobody_from_being_told_of_others(
    uss1, uss2, monkeypatch
):
    await begin(uss1)
    await uss1.put(new_flight())
    met = uss1.harness.watch._met
    failures, real = [DetenteError("no ground there")], met.near

    async def near(*values):
        if failures:
            raise failures.pop()
        return await real(*values)

    monkeypatch.setattr(met, "near", near)
    await uss2.put(new_flight(), priority=9)
    assert await conflicts(uss1) == ["Single"]


async def test_what_is_a_week_old_is_forgotten(uss1):
    await uss1.put(new_flight())
    await uss1.put(new_flight())
    uss1.clock.now += timedelta(days=7)
    counted = "SELECT (SELECT count(*) FROM harness_request), (SELECT count(*) FROM harness_notification)"
    assert tuple(await uss1.pool.fetchrow(counted)) == (2, 1)
    await store.forget(uss1.pool, uss1.clock() - watch.KEPT_MS)
    assert tuple(await uss1.pool.fetchrow(counted)) == (2, 1)
    uss1.clock.now += timedelta(milliseconds=1)

    async def is_forgotten():
        return tuple(await uss1.pool.fetchrow(counted)) == (0, 0)

    await looking(uss1, is_forgotten)
