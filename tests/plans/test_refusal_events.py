"""Refusals on the stream: each viewer is told what it could ask for, and nothing when nothing changed."""

import uuid
from datetime import timedelta

import msgspec
import pytest

from detente.client.events import EventParser
from detente.plans import gathering, refusal_store
from detente.plans.events import Viewer
from detente.plans.expiry import expire_due
from detente.plans.listening import EventLimits
from detente.plans.model import PlanState, Sharing, StateBody
from detente.plans.refusal_events import Telling, takes_away, tells
from detente.plans.refusal_model import SettlementKind
from detente.plans.refusal_store import Bounds
from detente.record import Change, Note, Position, forget_notes
from tests.plans.conftest import ALPHA, BRAVO, T0, body, circle, principal
from tests.plans.hearing import ears_of, names, settle
from tests.plans.refusing import refuse, the_one

pytestmark = pytest.mark.pg
CHARLIE, DELTA = principal("charlie"), principal("delta")
PARTIES = (ALPHA, BRAVO, CHARLIE, DELTA)
HIDDEN = Sharing.CONFLICTS


async def test_each_is_told_of_a_refusal_as_it_could_ask_for_it(world):
    await world.declare(ALPHA, body())
    ears = await ears_of(world, ALPHA, BRAVO, CHARLIE)
    await refuse(world, BRAVO, body(circle(lon=8.002), title="mine"))
    for ear in ears:
        (event,) = await ear.refusals()
        asked = await the_one(world, ear.who)
        assert (event.name, event.data) == ("refusal", asked)
        assert event.cursor is not None


async def test_who_may_not_know_of_it_hears_nothing_at_all(world):
    await world.declare(ALPHA, body(sharing=HIDDEN))
    ears = await ears_of(world, CHARLIE, BRAVO)
    plan_id, _ = await refuse(world, BRAVO, body(sharing=HIDDEN))
    await refuse(world, BRAVO, body(sharing=HIDDEN), plan_id)
    await world.declare(BRAVO, body(circle(lat=48.0), sharing=HIDDEN), plan_id)
    assert await ears[0].events() == []
    assert ears[0].said == b""
    assert await names(ears[1]) == ["refusal"], "tried again and settled, told once as it stands"


async def test_trying_again_and_settling_are_told(world):
    await world.declare(ALPHA, body())
    (ear,) = await ears_of(world, BRAVO)
    plan_id, _ = await refuse(world, BRAVO, body())
    world.now_ms += 1_000
    assert (await ear.refusals())[0].data.attempts == 1
    await refuse(world, BRAVO, body(), plan_id)
    assert (await ear.refusals())[0].data.attempts == 2
    await world.declare(BRAVO, body(circle(start=T0 + timedelta(hours=1))), plan_id)
    plan, refusal = await ear.events()
    assert (plan.name, plan.cursor, refusal.name) == ("plan", None, "refusal")
    assert (refusal.data.settlement.kind, refusal.data.settlement.shift_s) == (SettlementKind.TIME, 3_600.0)
    assert refusal.cursor is not None, "the last of one act bears the cursor, so that none of it gets lost"
    await world.enter(BRAVO, plan_id, StateBody(PlanState.ACTIVATED), 1)
    assert await names(ear) == [], "to activate a plan settles no declaration"


async def test_a_hidden_plans_acts_are_told_once_to_the_party_in_the_way(world):
    await world.declare(ALPHA, body())
    ear, own = await ears_of(world, ALPHA, BRAVO)
    plan_id, _ = await refuse(world, BRAVO, body(sharing=HIDDEN))
    assert await names(ear) == ["refusal"]
    for version in range(4):
        moved = body(circle(lat=48.0 + version), sharing=HIDDEN)
        await world.declare(BRAVO, moved, plan_id, expected_version=version or None)
        told = await ear.refusals()
        assert [event.data.settlement.is_settled for event in told] == [True][: 1 - version]
    assert await names(own) == ["refusal"]


@pytest.mark.parametrize("what", ["refused plan", "plan in the way", "new plan"])
async def test_what_is_hidden_is_gone_for_those_who_could_know_and_told_anew_when_shown(world, what):
    way = (await world.declare(ALPHA, body()))["plan_id"]
    if what == "new plan":
        plan_id, _ = await refuse(world, BRAVO, body())
    else:
        plan_id = (await world.declare(BRAVO, body(circle(lat=48.0))))["plan_id"]
        await refuse(world, BRAVO, body(), plan_id, expected_version=1)
    refusal = await the_one(world, CHARLIE)
    ears = await ears_of(world, CHARLIE, ALPHA, BRAVO)
    hide, show = body(circle(lat=49.0), sharing=HIDDEN), body(circle(lat=49.0))
    who, hidden, version = (BRAVO, plan_id, 1) if what != "plan in the way" else (ALPHA, way, 1)
    if what == "new plan":
        await world.declare(who, hide, hidden)
    else:
        await world.declare(who, hide, hidden, expected_version=version)
        version += 1
    gone = await ears[0].refusals()
    assert [(event.name, event.data.refusal_id) for event in gone] == [("refusal_gone", refusal.refusal_id)]
    for ear in ears[1:]:
        (event,) = await ear.refusals()
        assert event.data == await the_one(world, ear.who)
    await world.declare(who, body(circle(lat=50.0), sharing=HIDDEN), hidden, expected_version=version)
    assert await names(ears[0]) == [], "gone once, then silence"
    await world.declare(who, show, hidden, expected_version=version + 1)
    (event,) = await ears[0].refusals()
    assert event.data == await the_one(world, CHARLIE)


async def test_who_is_in_the_way_no_longer_is_told_that_it_is_gone(world):
    first = await world.declare(ALPHA, body(sharing=HIDDEN))
    ears = await ears_of(world, ALPHA, CHARLIE, BRAVO, DELTA)
    plan_id, _ = await refuse(world, BRAVO, body(sharing=HIDDEN))
    await world.enter(ALPHA, first["plan_id"], StateBody(PlanState.ENDED), 1)
    await world.declare(CHARLIE, body(sharing=HIDDEN))
    told = [await names(ear) for ear in ears]
    assert told == [["refusal"], [], ["refusal"], []]
    await refuse(world, BRAVO, body(sharing=HIDDEN), plan_id)
    assert [await names(ear) for ear in ears] == [["refusal_gone"], ["refusal"], ["refusal"], []]


@pytest.mark.parametrize("how", ["forgotten", "pushed out"])
async def test_what_is_no_longer_remembered_is_gone(world, how):
    await world.declare(ALPHA, body())
    world.refusals._bounds = Bounds(of_a_plan=1)
    plan_id, _ = await refuse(world, BRAVO, body(sharing=HIDDEN))
    old = (await the_one(world, BRAVO)).refusal_id
    ears = await ears_of(world, ALPHA, BRAVO, CHARLIE)
    if how == "forgotten":
        while await refusal_store.forget(world.pool, 2**60, 10):
            pass
    else:
        world.now_ms += 1_000
        await refuse(world, BRAVO, body(title="x", sharing=HIDDEN), plan_id)
    for ear in ears[:2]:
        gone = [event.data.refusal_id for event in await ear.refusals() if event.name == "refusal_gone"]
        assert gone == [old]
    assert await ears[2].events() == []


async def test_refusals_of_a_plan_that_are_too_much_at_once_are_read_change_by_change(world, monkeypatch):
    await world.declare(ALPHA, body())
    (ear,) = await ears_of(world, BRAVO)
    plan_ids = []
    for k in range(4):
        plan_id, _ = await refuse(world, BRAVO, body(title=str(k)))
        world.now_ms += 1_000
        await refuse(world, BRAVO, body(title=f"{k} again"), plan_id)
        plan_ids.append(plan_id)
    await ear.events()
    monkeypatch.setattr(gathering, "MAX_REFUSAL_BYTES", 1)
    for number, plan_id in enumerate(plan_ids):
        await world.declare(BRAVO, body(circle(lat=48.0 + number)), plan_id)
    told = await ear.refusals()
    assert [event.data.title for event in told] == [f"{k} again" for k in range(4)], "the newest of each"
    monkeypatch.setattr(gathering, "MAX_REFUSAL_BYTES", 10**6)
    await world.declare(BRAVO, body(circle(lat=60.0)), plan_ids[0], expected_version=1)
    assert len(await ear.refusals()) == 2


async def test_one_query_finds_the_refusals_of_a_batch_and_it_reads_no_others(world, monkeypatch):
    await world.declare(ALPHA, body())
    for _ in range(30):
        await refuse(world, BRAVO, body())
    asked, concerned = [], refusal_store.concerned

    async def counted(*args):
        found = await concerned(*args)
        asked.append(len(found[0]))
        return found

    monkeypatch.setattr(refusal_store, "concerned", counted)
    (ear,) = await ears_of(world, DELTA)
    for k in range(5):
        await world.declare(CHARLIE, body(circle(lat=50.0 + k)))
    await ear.events()
    assert asked == [0]
    plan = await world.pool.fetch(
        "EXPLAIN SELECT 1 FROM plan p JOIN plan_refusal r "
        "ON r.plan_id = p.plan_id AND r.party_id = p.party_id WHERE p.plan_id = ANY ($1)",
        [str(uuid.uuid4())],
    )
    assert not any("Seq Scan" in row[0] for row in plan)


async def test_notes_are_kept_longer_than_cursors_and_not_for_ever(world):
    await world.declare(ALPHA, body())
    await refuse(world, BRAVO, body())
    await expire_due(world.pool, world.now_ms)
    assert await world.pool.fetchval("SELECT count(*) FROM feed_note") == 1
    await world.pool.execute("UPDATE feed_note SET noted_at = now() - interval '3 hours'")
    await expire_due(world.pool, world.now_ms)
    assert await world.pool.fetchval("SELECT count(*) FROM feed_note") == 0
    assert await forget_notes(world.pool, 0.0, 10) == 0


async def test_an_act_of_another_party_under_the_same_id_settles_nothing_and_is_not_told(world):
    await world.declare(ALPHA, body())
    (ear,) = await ears_of(world, ALPHA)
    plan_id, _ = await refuse(world, BRAVO, body())
    await ear.events()
    await world.declare(CHARLIE, body(circle(lat=48.0), sharing=HIDDEN), plan_id)
    assert await ear.events() == []


async def test_of_two_plans_in_the_way_neither_owner_hears_of_the_other(world):
    """The refused plan is hidden: that another was in its way, too, is nothing that either may know."""
    north = (await world.declare(ALPHA, body(circle(lat=47.0))))["plan_id"]
    await world.declare(CHARLIE, body(circle(lat=48.0)))
    ears = await ears_of(world, ALPHA, BRAVO, CHARLIE)
    await refuse(world, BRAVO, body(circle(lat=47.0), circle(lat=48.0), sharing=HIDDEN))
    assert [await names(ear) for ear in ears] == [["refusal"]] * 3
    await world.declare(ALPHA, body(sharing=HIDDEN), north, expected_version=1)
    assert [await names(ear) for ear in ears] == [["refusal"], ["refusal"], []]


async def test_how_a_plan_is_shared_is_not_told_where_the_refusal_hides_it(world):
    await world.declare(ALPHA, body())
    plan_id = (await world.declare(BRAVO, body(circle(lat=48.0))))["plan_id"]
    await refuse(world, BRAVO, body(sharing=HIDDEN), plan_id, expected_version=1)
    (ear,) = await ears_of(world, ALPHA)
    await world.declare(BRAVO, body(circle(lat=49.0)), plan_id, expected_version=1)
    assert await names(ear) == ["refusal"], "settled"
    await world.declare(BRAVO, body(circle(lat=49.0), sharing=Sharing.FULL), plan_id, expected_version=2)
    assert await names(ear) == []


async def test_a_new_hidden_plan_takes_away_only_what_could_be_known(world):
    await world.declare(ALPHA, body(sharing=HIDDEN))
    plan_id, _ = await refuse(world, BRAVO, body())
    (ear,) = await ears_of(world, CHARLIE)
    await world.declare(BRAVO, body(circle(lat=48.0), sharing=HIDDEN), plan_id)
    assert await ear.events() == []


async def test_acts_before_a_refusal_do_not_tell_it(world):
    await world.declare(ALPHA, body())
    (ear,) = await ears_of(world, ALPHA)
    plan_id = (await world.declare(BRAVO, body(circle(lat=48.0), sharing=HIDDEN)))["plan_id"]
    await world.declare(BRAVO, body(circle(lat=49.0), sharing=HIDDEN), plan_id, expected_version=1)
    await refuse(world, BRAVO, body(sharing=HIDDEN), plan_id, expected_version=2)
    await world.declare(BRAVO, body(circle(lat=50.0), sharing=HIDDEN), plan_id, expected_version=2)
    told = []
    while events := await page_of(ear):
        told += events
    assert [event.name for event in told] == ["refusal", "refusal"], "remembered, and settled"


async def page_of(ear):
    """The next change's events, read one change a page, as a slow reader's pages may fall."""
    await settle(ear.world.pool)
    ear.reader._limits = EventLimits(page=1)
    found, is_full = [], True
    while is_full and not found:
        page, said = await ear.reader.read(Viewer(ear.who.party_id, sees_separations=False), ear.since)
        ear.since, is_full = page.reached, page.is_full
        found = list(EventParser().feed(said))
    return found


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (None, False),
        (Note(None, (), was_public=False), False),
        (Note(None, ("alpha",), was_public=False), True),
        (Note(None, ("bravo",), was_public=False), False),
        (Note("plan", (), was_public=True), True),
    ],
)
def test_who_a_refusal_is_taken_away_from(note, expected):
    assert takes_away("alpha", note) is expected


def test_what_is_no_longer_remembered_is_told_to_nobody():
    change = Change(Position(1, 1), "refusal.noted", "r", None, is_overtaken=False)
    assert not tells("alpha", change, Telling(None, None))
    assert msgspec.structs.replace(change, note=Note(None, (), was_public=True)).note is not None
