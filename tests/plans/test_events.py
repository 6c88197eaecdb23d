"""Streams of events on a real database: who is told what, once, in order, and what ends a stream."""

import asyncio
import contextlib
import uuid

import msgspec
import pytest

from detente.client.events import EventParser
from detente.errors import BadInput, TooMany
from detente.plans import listening, store
from detente.plans.events import Batch, Viewer, events_for, was_seen
from detente.plans.expiry import expire_due
from detente.plans.listening import EventLimits
from detente.plans.model import PlanState, SeparationRule, Sharing, StateBody
from detente.plans.streams import EventStreams
from detente.plans.views import decode_body
from detente.record import Change, Cursors, Position, feed_secret
from tests.plans.conftest import ALPHA, BRAVO, PLANNER, body, circle, principal

pytestmark = pytest.mark.pg
QUICK = EventLimits(poll_s=0.02, beat_s=60.0)
HIDDEN = Sharing.CONFLICTS
AUTHORITY = principal("alpha", {"plans.read", "separations.read", "separations.write"})


class Ear:
    """One stream, read one event at a time."""

    def __init__(self, streams, who, after=None):
        self._chunks = streams.stream(who, after)
        self._parser = EventParser()
        self._events = []
        self.bytes = b""

    async def next(self, wait_s=5):
        async with asyncio.timeout(wait_s):
            while not self._events:
                chunk = await anext(self._chunks)
                self.bytes += chunk
                self._events += self._parser.feed(chunk)
        return self._events.pop(0)

    async def all_until(self, plan_id):
        """Events up to the first about a plan that marks the end."""
        seen = []
        while True:
            event = await self.next()
            seen.append(event)
            if getattr(event.data, "plan_id", None) == plan_id:
                return seen

    async def close(self):
        await self._chunks.aclose()


@pytest.fixture
async def hear(world):
    """Opens streams of one process; nothing of them may be left at the end."""
    ears, before = [], asyncio.all_tasks()
    streams = EventStreams(
        world.pool, lambda: world.now_ms, separations_scope="separations.read", limits=QUICK
    )

    async def opened(who, after=None):
        ear = Ear(streams, who, after)
        ears.append(ear)
        hello = await ear.next()
        assert hello.name == "hello"
        assert hello.cursor == hello.data.cursor
        return ear, hello.cursor

    opened.streams = streams
    yield opened
    for ear in ears:
        await ear.close()
    await asyncio.sleep(0.1)
    assert streams._opened is None or streams._opened[1]._task is None, "nobody listens, nobody reads"
    await streams.stop()
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


async def marked(world):
    """A plan of a third party that everybody sees: what was told before it is all there was to tell."""
    return (await world.declare(principal("charlie"), body(circle(lat=10.0, lon=float(marked.lon)))))[
        "plan_id"
    ]


marked.lon = 10


@pytest.fixture(autouse=True)
def fresh_marks():
    marked.lon += 1


def told(events):
    return [(event.name, getattr(event.data, "version", None)) for event in events[:-1]]


async def test_each_sees_a_plan_as_it_may(world, hear):
    mine, _ = await hear(ALPHA)
    theirs, _ = await hear(BRAVO)
    made = await world.declare(ALPHA, body(title="secret", sharing=Sharing.VOLUMES))
    own, other = await mine.next(), await theirs.next()
    assert (own.name, own.data.plan_id, own.data.title, own.data.is_mine) == (
        "plan",
        made["plan_id"],
        "secret",
        True,
    )
    assert (other.data.plan_id, other.data.title, other.data.ovn) == (made["plan_id"], None, None)
    assert other.data.volumes is not None
    assert b"secret" not in theirs.bytes


async def test_every_act_on_a_plan_is_told(world, hear):
    ear, _ = await hear(BRAVO)
    made = await world.declare(ALPHA, body())
    plan_id, states = made["plan_id"], []
    for version, state in enumerate((PlanState.ACTIVATED, PlanState.NONCONFORMING, PlanState.CONTINGENT), 1):
        states.append((await ear.next()).data.state)
        await world.enter(ALPHA, plan_id, StateBody(state), version)
    states.append((await ear.next()).data.state)
    assert states == ["accepted", "activated", "nonconforming", "contingent"]
    brief = await world.declare(ALPHA, body(circle(lat=40.0)))
    assert (await ear.next()).data.plan_id == brief["plan_id"]
    await expire_due(world.pool, world.now_ms + 86_400_000)
    assert (await ear.next()).data.state == "ended"


async def test_what_was_never_seen_is_never_told(world, hear):
    ear, cursor = await hear(BRAVO)
    made = await world.declare(ALPHA, body(sharing=HIDDEN))
    await world.declare(ALPHA, body(sharing=HIDDEN), made["plan_id"], expected_version=1)
    await world.enter(ALPHA, made["plan_id"], StateBody(PlanState.ENDED), 2)
    mark = await marked(world)
    assert told(await ear.all_until(mark)) == []
    again, _ = await hear(BRAVO, cursor)
    assert told(await again.all_until(mark)) == []
    assert made["plan_id"].encode() not in ear.bytes + again.bytes


async def test_what_is_hidden_is_gone_once_and_then_silent(world, hear):
    ear, first = await hear(BRAVO)
    owner, _ = await hear(ALPHA)
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    assert (await ear.next()).name == "plan"
    await world.declare(ALPHA, body(sharing=HIDDEN), plan_id, expected_version=1)
    gone = await ear.next()
    assert (gone.name, gone.data.plan_id) == ("gone", plan_id)
    await world.declare(ALPHA, body(sharing=HIDDEN, title="x"), plan_id, expected_version=2)
    await world.enter(ALPHA, plan_id, StateBody(PlanState.ACTIVATED), 3)
    mark = await marked(world)
    assert told(await ear.all_until(mark)) == []
    assert told(await owner.all_until(mark))[-1] == ("plan", 4)

    again, _ = await hear(BRAVO, first)
    assert told(await again.all_until(mark)) == [("gone", None)], "seen before, so it has to be taken away"
    late, _ = await hear(BRAVO, gone.cursor)
    assert told(await late.all_until(mark)) == [], "taken away already"
    await world.declare(ALPHA, body(sharing=Sharing.FULL, title="shown"), plan_id, expected_version=4)
    assert (await ear.next()).data.title == "shown"


async def test_who_comes_back_gets_each_plan_once_as_it_is_now(world, hear):
    ear, cursor = await hear(BRAVO)
    await ear.close()
    made = [(await world.declare(ALPHA, body(circle(lat=20.0 + n))))["plan_id"] for n in range(5)]
    for n, plan_id in enumerate(made[:3]):
        await world.declare(ALPHA, body(circle(lat=30.0 + n)), plan_id, expected_version=1)
    mark = await marked(world)
    again, _ = await hear(BRAVO, cursor)
    events = (await again.all_until(mark))[:-1]
    assert [event.data.plan_id for event in events] == [*made[3:], *made[:3]]
    assert [event.data.version for event in events] == [1, 1, 2, 2, 2]
    for event in (events[0], events[-1]):
        resumed, _ = await hear(BRAVO, event.cursor)
        rest = [one.data.plan_id for one in await resumed.all_until(mark)]
        assert rest == [one.data.plan_id for one in events[events.index(event) + 1 :]] + [mark]


async def test_a_long_way_back_is_read_page_by_page(world, hear, monkeypatch):
    monkeypatch.setattr(hear.streams, "_limits", msgspec.structs.replace(QUICK, page=2))
    ear, cursor = await hear(BRAVO)
    await ear.close()
    made = [(await world.declare(ALPHA, body(circle(lat=20.0 + n))))["plan_id"] for n in range(7)]
    again, _ = await hear(BRAVO, cursor)
    assert [(await again.next()).data.plan_id for _ in made] == made
    later = await world.declare(ALPHA, body(circle(lat=40.0)))
    assert (await again.next()).data.plan_id == later["plan_id"]


async def test_separations_are_told_to_who_may_read_them(world, hear):
    may, _ = await hear(AUTHORITY)
    may_not, _ = await hear(principal("alpha", PLANNER))
    rule = SeparationRule("alpha", "bravo", 100.0, 10.0, 1.0)
    await world.separations.put(AUTHORITY, rule, b"{}")
    event = await may.next()
    assert (event.name, event.data.party_a, event.data.party_b) == ("separation", "alpha", "bravo")
    assert event.data.separation.horizontal_m == 100.0
    await world.separations.put(AUTHORITY, SeparationRule("alpha", None, 5.0, 5.0, 5.0), b"{}")
    event = await may.next()
    assert (event.data.party_a, event.data.party_b, event.data.separation.time_s) == ("alpha", None, 5.0)
    await world.separations.delete(AUTHORITY, "alpha", "bravo")
    assert (await may.next()).data.separation is None
    assert told(await may_not.all_until(await marked(world))) == []


@pytest.mark.parametrize(
    "who", ["", "nonsense", "other-exchange", "too-old", "beyond"], ids=lambda name: name or "empty"
)
async def test_a_cursor_that_cannot_be_used_names_its_field(world, hear, who):
    ours = Cursors(await feed_secret(world.pool))
    after = {
        "other-exchange": Cursors(bytes(32)).write(Position(1, 0), world.now_ms),
        "too-old": ours.write(Position(1, 0), world.now_ms - 3_600_001),
        "beyond": ours.write(Position(2**62, 0), world.now_ms),
    }.get(who, who)
    with pytest.raises(BadInput) as refusal:
        await hear(ALPHA, after)
    assert refusal.value.members["field"] == "after"


async def test_a_reader_that_takes_nothing_is_ended_and_comes_back_without_a_gap(world, hear, monkeypatch):
    monkeypatch.setattr(hear.streams, "_limits", msgspec.structs.replace(QUICK, waiting_bytes=2_000))
    ear, cursor = await hear(BRAVO)
    made = []
    for n in range(12):
        made.append((await world.declare(ALPHA, body(circle(lat=20.0 + n))))["plan_id"])
        await asyncio.sleep(0.05)
    seen = []
    with contextlib.suppress(StopAsyncIteration):
        while event := await ear.next():
            seen, cursor = [*seen, event.data.plan_id], event.cursor
    assert len(seen) < len(made)
    again, _ = await hear(BRAVO, cursor)
    while len(seen) < len(made):
        seen.append((await again.next()).data.plan_id)
    assert seen == made


async def test_a_stream_lasts_so_long_and_beats_meanwhile(hear, monkeypatch):
    monkeypatch.setattr(hear.streams, "_limits", msgspec.structs.replace(QUICK, lasts_s=0.5, beat_s=0.1))
    ear, _ = await hear(ALPHA)
    names = []
    with contextlib.suppress(StopAsyncIteration):
        while event := await ear.next():
            assert event.cursor is None
            names.append(event.name)
    assert set(names) == {"beat"}
    assert 2 <= len(names) <= 6


async def test_a_party_may_open_so_many(hear, monkeypatch):
    monkeypatch.setattr(hear.streams, "_limits", msgspec.structs.replace(QUICK, streams_per_party=2))
    first, _ = await hear(ALPHA)
    await hear(ALPHA)
    with pytest.raises(TooMany):
        await hear(ALPHA)
    await hear(BRAVO)
    await first.close()
    await hear(ALPHA)


async def test_many_listeners_cost_one_query_and_one_encoding_a_party(world, hear, monkeypatch):
    asked, made = [], []
    changes_after, of_viewer = listening.changes_after, listening.events_for
    changed = store.changed

    async def counted_changes(*args):
        page = await changes_after(*args)
        asked.append(len(page.changes))
        return page

    async def counted_plans(*args):
        asked.append("plans")
        return await changed(*args)

    monkeypatch.setattr(listening, "changes_after", counted_changes)
    monkeypatch.setattr(store, "changed", counted_plans)
    monkeypatch.setattr(listening, "events_for", lambda *args: made.append(args[0]) or of_viewer(*args))
    ears = [(await hear(who))[0] for who in [ALPHA, BRAVO] * 50]
    await world.declare(ALPHA, body())
    for ear in ears:
        assert (await ear.next()).name == "plan"
    assert [one for one in asked if one] == [1, "plans"]
    assert sorted(viewer.party_id for viewer in made) == ["alpha", "bravo"]


async def test_a_database_that_goes_away_is_waited_for_without_a_gap(world, hear, monkeypatch):
    monkeypatch.setattr(listening, "_RETRY_S", 0.05)
    ear, _ = await hear(BRAVO)
    changes_after, is_away = listening.changes_after, True

    async def sometimes(*args):
        if is_away:
            raise listening.StoreUnavailable("away")
        return await changes_after(*args)

    monkeypatch.setattr(listening, "changes_after", sometimes)
    await asyncio.sleep(0.1)
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    await asyncio.sleep(0.1)
    is_away = False
    assert (await ear.next()).data.plan_id == plan_id


async def test_a_fault_in_the_reader_ends_the_streams_and_the_next_starts_afresh(world, hear, monkeypatch):
    ear, cursor = await hear(BRAVO)
    monkeypatch.setattr(listening, "events_for", lambda *_: 1 / 0)
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    with pytest.raises(StopAsyncIteration):
        await ear.next()
    monkeypatch.setattr(listening, "events_for", events_for)
    again, _ = await hear(BRAVO, cursor)
    assert (await again.next()).data.plan_id == plan_id


async def test_who_was_told_a_part_of_a_batch_is_told_the_rest(world):
    """Found by the followers of tests/invariants: the plan's end stood at its first change, which one had."""
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    await world.declare(ALPHA, body(sharing=HIDDEN), plan_id, expected_version=1)
    await world.declare(ALPHA, body(sharing=HIDDEN, title="x"), plan_id, expected_version=2)
    plans = await store.changed(world.pool, [plan_id])
    changes = tuple(Change(Position(n, n), "plan.changed", plan_id, n, n < 3) for n in (1, 2, 3))
    bodies = {plan_id: decode_body(plans[plan_id].plan.body)}
    batch = Batch(changes, plans, bodies, {})
    (gone,) = events_for(Viewer("bravo", sees_separations=False), batch)
    assert (gone.name, gone.position) == ("gone", Position(2, 2))
    (own,) = events_for(Viewer("alpha", sees_separations=False), batch)
    assert (own.name, own.position) == ("plan", Position(3, 3))


@pytest.mark.parametrize(
    ("version", "hidden_from", "expected"),
    [(1, None, False), (None, 2, False), (1, 2, True), (2, 2, True), (3, 2, False)],
)
def test_when_a_hidden_plan_was_seen(version, hidden_from, expected):
    assert was_seen(version, hidden_from) is expected


async def test_an_act_that_changes_no_plan_is_not_told(world, hear):
    ear, _ = await hear(BRAVO)
    plan_id = (await world.declare(ALPHA, body()))["plan_id"]
    assert (await ear.next()).data.plan_id == plan_id
    await world.pool.execute(
        "SELECT queue_statement('plan.refused', 'alpha', 'a', NULL, 1, $1, 2, '{}'::bytea),"
        "       queue_statement('plan.changed', 'alpha', 'a', NULL, 1, $2, 2, '{}'::bytea)",
        plan_id, str(uuid.uuid4()),
    )  # fmt: skip
    assert told(await ear.all_until(await marked(world))) == []
