"""Reading: what is listed, page by page, what ends by itself, and separations that change meanwhile."""

import asyncio
import base64
import uuid
from datetime import timedelta

import msgspec
import pytest

from detente.errors import BadInput, ConflictingPlan, ForbiddenTransition, NotFound
from detente.geo.model import Circle, LatLon
from detente.plans.expiry import KEYS_KEPT_MS, OFF_NOMINAL_GRACE_MS, expire_due
from detente.plans.model import (
    CheckBody,
    PlanState,
    QueryBody,
    SeparationRule,
    Sharing,
    StateBody,
    WaysOutLimits,
)
from detente.store import open_pool
from tests.plans.conftest import ALPHA, BRAVO, T0, World, body, circle, principal

EXCHANGE = principal("exchange")
HERE = Circle(LatLon(47.0, 8.0), 1_000.0)
HOUR_MS = 3_600_000


async def ids(world, who, **query):
    page = await world.questions.query(who, QueryBody(**query))
    return [plan.plan_id for plan in page.plans]


async def test_a_hidden_plan_is_not_listed_nor_read_and_shows_only_the_shared_piece(world):
    hidden = await world.declare(ALPHA, body(title="x", remarks="y", sharing=Sharing.CONFLICTS))
    assert await ids(world, BRAVO) == []
    assert await ids(world, BRAVO, area=HERE) == []
    assert await ids(world, BRAVO, party_id="alpha") == []
    assert await ids(world, ALPHA) == [hidden["plan_id"]]
    with pytest.raises(NotFound) as is_hidden:
        await world.questions.find(BRAVO, hidden["plan_id"])
    with pytest.raises(NotFound) as is_missing:
        await world.questions.find(BRAVO, str(uuid.UUID(int=5)))
    assert is_hidden.value.detail.replace(hidden["plan_id"], "") == is_missing.value.detail.replace(
        str(uuid.UUID(int=5)), ""
    )
    (conflict,) = (await world.questions.check(BRAVO, CheckBody((circle(lon=8.01),)))).conflicts
    assert (conflict.party_id, conflict.plan_id, conflict.ovn) == ("alpha", None, None)
    assert (conflict.state, conflict.priority) == (None, None)
    lons = [spot.lon_deg for ring in conflict.outline for spot in ring]
    assert 8.003 < min(lons) < max(lons) < 8.007


async def test_what_is_shared_is_seen_and_nothing_more(world):
    volumes = await world.declare(ALPHA, body(title="t", remarks="r", sharing=Sharing.VOLUMES))
    full = await world.declare(ALPHA, body(circle(lat=48.0), title="t", sharing=Sharing.FULL))
    seen = await world.questions.find(BRAVO, volumes["plan_id"])
    assert (seen.title, seen.remarks, seen.ovn, seen.is_mine) == (None, None, None, False)
    assert len(seen.volumes) == 1
    open_ = await world.questions.find(BRAVO, full["plan_id"])
    assert (open_.title, open_.ovn) == ("t", full["ovn"])


async def test_pages_hold_every_plan_once_while_plans_come_and_go(world):
    made = []
    for i in range(250):
        volume = circle(lat=10 + i / 20, radius_m=100.0, start=T0 + timedelta(minutes=i % 5))
        made.append(await world.declare(ALPHA, body(volume)))
    read, cursor = [], None
    for number in range(100):
        page = await world.questions.query(BRAVO, QueryBody(limit=40, cursor=cursor))
        read += page.plans
        cursor = page.next
        if cursor is None:
            break
        if number == 1:  # behind and before the reader
            await world.declare(ALPHA, body(circle(lat=70.0, start=T0 - timedelta(hours=1))))
            await world.enter(ALPHA, read[3].plan_id, StateBody(PlanState.ENDED), 1)
    assert [p.plan_id for p in read] == [
        p["plan_id"] for p in sorted(made, key=lambda p: (p["start"], p["plan_id"]))
    ]


async def test_an_area_is_paged_exactly_although_the_index_finds_more(world):
    # A ring of plans around the area: in its cells, none of them in the area itself.
    for i in range(30):
        lat, lon = 47.0 + (0.0126 if i % 2 else -0.0126), 8.0 + (i - 15) / 1_500
        await world.declare(ALPHA, body(circle(lat, lon, 20.0, 100.0 + i, 100.5 + i)))
    inside = [
        (await world.declare(ALPHA, body(circle(lower_m=300.0 + i, upper_m=300.5 + i))))["plan_id"]
        for i in range(7)
    ]
    read, cursor = [], None
    while True:
        page = await world.questions.query(ALPHA, QueryBody(area=HERE, limit=2, cursor=cursor))
        read += [plan.plan_id for plan in page.plans]
        cursor = page.next
        if cursor is None:
            break
    assert read == sorted(inside)
    assert await ids(world, ALPHA, area=HERE, lower_m=302.2, upper_m=304.2) == sorted(inside[2:5])


HOSTILE = [
    "",
    "!",
    "é",
    "AAAA",
    base64.urlsafe_b64encode(b"[1]").decode(),
    base64.urlsafe_b64encode(b'[1,"x"]').decode(),
    base64.urlsafe_b64encode(b'["1","00000000-0000-0000-0000-000000000000"]').decode(),
    base64.urlsafe_b64encode(b'[1e400,"00000000-0000-0000-0000-000000000000"]').decode(),
    base64.urlsafe_b64encode(b'[9223372036854775808,"00000000-0000-0000-0000-000000000000"]').decode(),
    base64.urlsafe_b64encode(b'[1%s,"00000000-0000-0000-0000-000000000000"]' % (b"0" * 60)).decode(),
    base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    base64.urlsafe_b64encode(b'[1,"\xff"]').decode(),
]


@pytest.mark.parametrize("cursor", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_cursor_that_nobody_gave_is_refused(world, cursor):
    with pytest.raises(BadInput) as refused:
        await world.questions.query(ALPHA, QueryBody(cursor=cursor))
    assert refused.value.members["field"] == "cursor"


async def test_a_plan_that_ended_is_found_where_it_was(world):
    plan = await world.declare(ALPHA, body())
    other = await world.declare(ALPHA, body(circle(lower_m=300.0, upper_m=400.0)))
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 1)
    assert await ids(world, BRAVO, area=HERE) == [other["plan_id"]]
    ended = (PlanState.ENDED,)
    assert await ids(world, BRAVO, area=HERE, states=ended) == [plan["plan_id"]]
    assert await ids(world, BRAVO, states=ended) == [plan["plan_id"]]
    both = await ids(world, BRAVO, area=HERE, states=tuple(PlanState))
    assert sorted(both) == sorted([plan["plan_id"], other["plan_id"]])
    far = Circle(LatLon(10.0, 8.0), 1_000.0)
    assert await ids(world, BRAVO, area=far, states=tuple(PlanState)) == []


async def test_heights_without_an_area_are_refused(world):
    with pytest.raises(BadInput) as refused:
        await world.questions.query(ALPHA, QueryBody(lower_m=1.0))
    assert refused.value.members["field"] == "area"


async def test_plans_end_with_their_time_and_off_nominal_ones_a_day_later(world):
    accepted = await world.declare(ALPHA, body())
    active = await world.declare(ALPHA, body(circle(lat=47.2)))
    active = await world.enter(ALPHA, active["plan_id"], StateBody(PlanState.ACTIVATED), 1)
    lost = await world.declare(ALPHA, body(circle(lat=47.4)))
    lost = await world.enter(ALPHA, lost["plan_id"], StateBody(PlanState.CONTINGENT), 1)
    end_ms = int((T0 + timedelta(minutes=30)).timestamp() * 1_000)
    assert await expire_due(world.pool, end_ms - 1) == 0
    assert await expire_due(world.pool, end_ms) == 2
    for plan, version in ((accepted, 2), (active, 3)):
        found = await world.questions.find(ALPHA, plan["plan_id"])
        assert (found.state, found.version) == (PlanState.ENDED, version)
        last = (await world.questions.history(ALPHA, plan["plan_id"]))[-1]
        assert (last.type, last.version, last.state) == ("plan.expired", version, PlanState.ENDED)
    assert (await world.questions.find(ALPHA, lost["plan_id"])).state is PlanState.CONTINGENT
    assert await expire_due(world.pool, end_ms + OFF_NOMINAL_GRACE_MS) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM plan_cell") == 0


async def test_sweepers_at_once_end_each_plan_once_with_one_statement(pg_dsn):
    pools = [await open_pool(pg_dsn) for _ in range(3)]
    try:
        world = World(pools[0])
        for i in range(120):
            await world.declare(ALPHA, body(circle(lat=10 + i / 20, radius_m=100.0)))
        due_ms = int((T0 + timedelta(days=2)).timestamp() * 1_000)
        counts = await asyncio.gather(*(expire_due(pool, due_ms) for pool in pools * 3))
        assert sum(counts) == 120
        rows = await world.pool.fetch(
            "SELECT subject, subject_version FROM statement WHERE type = 'plan.expired'"
        )
        assert len(rows) == len({row["subject"] for row in rows}) == 120
        assert {row["subject_version"] for row in rows} == {2}
    finally:
        for pool in pools:
            pool.terminate()


async def test_a_plan_that_is_over_is_not_activated_even_before_it_is_swept(world):
    plan = await world.declare(ALPHA, body())
    world.now_ms += 24 * HOUR_MS
    with pytest.raises((BadInput, ForbiddenTransition)):
        await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ACTIVATED), 1)


async def test_keys_are_forgotten_after_their_time(world):
    await world.declare(ALPHA, body(), key="k")
    await expire_due(world.pool, world.now_ms + KEYS_KEPT_MS)
    assert await world.pool.fetchval("SELECT count(*) FROM plan_idempotency") == 1
    await expire_due(world.pool, world.now_ms + KEYS_KEPT_MS + 1)
    assert await world.pool.fetchval("SELECT count(*) FROM plan_idempotency") == 0


async def test_a_separation_holds_at_once_on_every_server_whatever_it_remembers(pg_dsn):
    pools = [await open_pool(pg_dsn) for _ in range(2)]
    try:
        one, other = World(pools[0]), World(pools[1])
        await one.declare(ALPHA, body())
        free = await other.declare(BRAVO, body(circle(lower_m=201.0, upper_m=300.0)))
        await other.enter(BRAVO, free["plan_id"], StateBody(PlanState.ENDED), 1)
        await one.separations.put(EXCHANGE, SeparationRule("bravo", "alpha", 0.0, 10.0, 0.0), b"{}")
        # The other server read the rules a moment ago and believes them for a second.
        with pytest.raises(ConflictingPlan) as refused:
            await other.declare(BRAVO, body(circle(lower_m=201.0, upper_m=300.0)))
        (conflict,) = refused.value.members["conflicts"]
        assert (conflict.rule, conflict.separation.vertical_m) == ("separation", 10.0)
        assert conflict.vertical_depth_m == pytest.approx(9.0)
        assert (await other.declare(BRAVO, body(circle(lower_m=210.0, upper_m=300.0))))["version"] == 1
        await other.separations.delete(EXCHANGE, "alpha", "bravo")
        with pytest.raises(NotFound):
            await one.separations.delete(EXCHANGE, "alpha", "bravo")
        assert (await one.declare(ALPHA, body(circle(lower_m=201.0, upper_m=209.0))))["version"] == 1
        kinds = [
            row["type"] for row in await pools[0].fetch("SELECT type FROM statement ORDER BY statement_id")
        ]
        assert [kind for kind in kinds if kind.startswith("separation")] == [
            "separation.set",
            "separation.removed",
        ]
    finally:
        for pool in pools:
            pool.terminate()


async def test_separations_are_listed_as_they_were_set(world):
    everyone = SeparationRule("charlie", None, 5.0, 6.0, 7.0)
    pair = SeparationRule("alpha", "bravo", 1.0, 2.0, 3.0)
    for rule in (everyone, pair, pair):
        await world.separations.put(EXCHANGE, rule, b"{}")
    assert await world.separations.list() == (everyone, pair)


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("party_a", SeparationRule("nobody", "bravo", 1.0, 2.0, 3.0)),
        ("party_b", SeparationRule("bravo", "nobody", 1.0, 2.0, 3.0)),
        ("party_a", SeparationRule("nobody", None, 1.0, 2.0, 3.0)),
    ],
)
async def test_a_separation_with_a_stranger_is_refused_and_changes_nothing(world, field, rule):
    world.limits.strangers.add("nobody")
    with pytest.raises(BadInput, match="there is no party nobody") as refused:
        await world.separations.put(EXCHANGE, rule, b"{}")
    assert refused.value.members["field"] == field
    assert await world.separations.list() == ()
    assert await world.pool.fetchval("SELECT count(*) FROM statement") == 0


@pytest.mark.parametrize("party", ["", "x" * 64, "Alpha", 'a","party_b":"', "a\nb", "x" * 100_000])
async def test_a_separation_names_parties_only(party):
    for members in ({"party_a": party, "party_b": "bravo"}, {"party_a": "bravo", "party_b": party}):
        numbers = {"horizontal_m": 1.0, "vertical_m": 1.0, "time_s": 1.0}
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**members, **numbers}, SeparationRule)


async def test_checking_changes_nothing_and_says_what_declaring_would(world):
    mine = await world.declare(ALPHA, body())
    before = await world.pool.fetchval("SELECT count(*) FROM statement")
    question = CheckBody((circle(lon=8.01),), ways_out=WaysOutLimits())
    answer = await world.questions.check(BRAVO, question)
    assert len(answer.conflicts) == 1
    assert len(answer.ways_out.offers) == 3
    assert (
        await world.questions.check(ALPHA, CheckBody((circle(),), ignore_plan_id=mine["plan_id"]))
    ).conflicts == ()
    assert await world.pool.fetchval("SELECT count(*) FROM statement") == before


async def test_a_history_holds_only_what_was_done_to_the_plan(world):
    plan = await world.declare(ALPHA, body())
    await world.pool.execute(
        "SELECT queue_statement('party.added', 'exchange', 'local', NULL, 5, $1, 1, 'another subject')",
        plan["plan_id"],
    )
    history = await world.questions.history(ALPHA, plan["plan_id"])
    assert [version.type for version in history] == ["plan.declared"]


async def test_the_plan_that_a_check_leaves_out_is_named_in_either_case(world):
    plan = await world.declare(ALPHA, body())
    question = CheckBody(volumes=body().volumes, ignore_plan_id=plan["plan_id"].upper())
    assert (await world.questions.check(ALPHA, question)).conflicts == ()
