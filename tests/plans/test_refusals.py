"""Remembered refusals on a real database: what is kept, for whom, for how long, and what settles it."""

import asyncio
import uuid
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from detente.errors import AlreadyExists, ConflictingPlan, NotFound
from detente.plans import refusal_store
from detente.plans.expiry import expire_due
from detente.plans.model import CheckBody, PlanState, Sharing, StateBody, WaysOutLimits
from detente.plans.refusal_model import RefusedAct, Settlement, SettlementKind
from detente.plans.refusal_store import Bounds
from detente.plans.refusals import KEPT_MS
from detente.store import open_pool
from tests.plans.conftest import ALPHA, BRAVO, T0, World, body, circle, principal
from tests.plans.refusing import count, known, refuse, the_one

CHARLIE = principal("charlie")
KIND = SettlementKind
ACTIVATED, ENDED = StateBody(PlanState.ACTIVATED), StateBody(PlanState.ENDED)


async def test_a_refused_declaration_is_remembered_as_it_was_answered(world):
    other = await world.declare(ALPHA, body())
    plan_id, said = await refuse(world, BRAVO, body(circle(lon=8.002), title="mine", remarks="r"))
    refusal = await the_one(world, BRAVO)
    assert (refusal.plan_id, refusal.party_id, refusal.is_mine) == (plan_id, "bravo", True)
    assert (refusal.act, refusal.attempts, refusal.title) == (RefusedAct.DECLARED, 1, "mine")
    assert refusal.volumes == (circle(lon=8.002),)
    assert refusal.conflicts == said["conflicts"]
    assert refusal.is_complete is said["is_complete"] is True
    assert refusal.conflicts[0].plan_id == other["plan_id"]
    assert refusal.settlement == Settlement(is_settled=False, kind=KIND.NONE)
    assert await world.refusals.find(BRAVO, refusal.refusal_id) == refusal


async def test_a_refusal_leaves_no_statement_and_a_check_leaves_nothing(world):
    await world.declare(ALPHA, body())
    await world.questions.check(BRAVO, CheckBody((circle(),), ways_out=WaysOutLimits()))
    assert await count(world) == 0
    await refuse(world, BRAVO, body())
    assert await count(world) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM statement") == 1


async def test_what_is_refused_for_another_reason_is_not_remembered(world):
    plan = await world.declare(ALPHA, body())
    with pytest.raises(AlreadyExists):
        await world.declare(BRAVO, body(), plan["plan_id"])
    assert await count(world) == 0


async def test_changes_and_activations_are_remembered_with_the_version_that_they_saw(world):
    world.limits.by_party["bravo"] = 1
    low = await world.declare(ALPHA, body())
    await world.declare(BRAVO, body(priority=1))
    with pytest.raises(ConflictingPlan):
        await world.enter(ALPHA, low["plan_id"], ACTIVATED, 1)
    await refuse(world, ALPHA, body(title="again"), low["plan_id"], expected_version=1)
    first, second = await known(world, ALPHA)
    assert {first.act, second.act} == {RefusedAct.ACTIVATED, RefusedAct.CHANGED}
    assert {one.settlement.kind for one in (first, second)} == {KIND.NONE}
    moved = body(circle(lower_m=300.0, upper_m=400.0))
    await world.declare(ALPHA, moved, low["plan_id"], expected_version=1)
    for one in await known(world, ALPHA):
        assert (one.settlement.kind, one.settlement.shift_up_m, one.settlement.version) == (
            KIND.HEIGHT,
            200.0,
            2,
        )


@pytest.mark.parametrize("kind", ["time", "height", "sideways"])
async def test_a_way_out_that_is_taken_is_what_settled_it(world, kind):
    await world.declare(ALPHA, body())
    plan_id, said = await refuse(world, BRAVO, body(circle(lon=8.002)), ways_out=True)
    (offer,) = [one for one in said["ways_out"].offers if one.kind.value == kind]
    world.now_ms += 5_000
    await world.declare(BRAVO, body(*offer.volumes), plan_id)
    settled = (await the_one(world, BRAVO)).settlement
    assert (settled.is_settled, settled.kind.value, settled.version) == (True, kind, 1)
    assert int(settled.at.timestamp() * 1000) == world.now_ms
    for told, offered in (
        (settled.shift_s, offer.shift_s),
        (settled.shift_up_m, offer.shift_up_m),
        (settled.shift_east_m, offer.shift_east_m),
        (settled.shift_north_m, offer.shift_north_m),
    ):
        assert (told or 0.0) == pytest.approx(offered, abs=0.06)
    await world.enter(BRAVO, plan_id, ACTIVATED, 1)
    await world.enter(BRAVO, plan_id, ENDED, 2)
    assert (await the_one(world, BRAVO)).settlement == settled


async def test_what_goes_away_settles_what_is_declared_again(world):
    first = await world.declare(ALPHA, body())
    plan_id, _ = await refuse(world, BRAVO, body())
    await world.enter(ALPHA, first["plan_id"], ENDED, 1)
    assert (await the_one(world, BRAVO)).settlement.kind is KIND.NONE
    await world.declare(BRAVO, body(), plan_id)
    assert (await the_one(world, BRAVO)).settlement.kind is KIND.AS_DECLARED


async def test_a_plan_that_ends_instead_settles_what_was_refused_to_it(world):
    await world.declare(ALPHA, body())
    mine = await world.declare(BRAVO, body(circle(lat=48.0)))
    await refuse(world, BRAVO, body(), mine["plan_id"], expected_version=1)
    world.now_ms += 10**8 * 2
    await expire_due(world.pool, world.now_ms)
    settled = (await the_one(world, BRAVO)).settlement
    assert (settled.is_settled, settled.kind, settled.version) == (True, KIND.ENDED, 2)


async def test_a_plan_of_another_party_under_the_same_id_settles_nothing(world):
    await world.declare(ALPHA, body())
    plan_id, _ = await refuse(world, BRAVO, body())
    await world.declare(CHARLIE, body(circle(lat=48.0), sharing=Sharing.CONFLICTS), plan_id)
    for who in (ALPHA, BRAVO):
        refusal = await the_one(world, who)
        assert (refusal.plan_id, refusal.settlement.kind) == (plan_id, KIND.NONE)


async def test_the_party_in_the_way_knows_who_and_the_shared_piece_only(world):
    mine = await world.declare(ALPHA, body(sharing=Sharing.CONFLICTS))
    hidden = body(circle(lon=8.01, radius_m=900.0), title="t", sharing=Sharing.CONFLICTS)
    plan_id, said = await refuse(world, BRAVO, hidden)
    refusal = await the_one(world, ALPHA)
    (told,), (answered,) = refusal.conflicts, said["conflicts"]
    assert (refusal.party_id, told.party_id, told.plan_id) == ("bravo", "alpha", mine["plan_id"])
    assert (told.place, told.outline, told.start, told.end) == (
        answered.place, answered.outline, answered.start, answered.end,
    )  # fmt: skip
    for member in ("plan_id", "act", "volumes", "title", "attempts", "is_complete"):
        assert getattr(refusal, member) is None
    assert answered.plan_id is None
    assert await known(world, CHARLIE) == ()
    await world.declare(BRAVO, body(circle(lat=48.0), sharing=Sharing.CONFLICTS), plan_id)
    assert (await the_one(world, ALPHA)).settlement == Settlement(is_settled=True)
    assert (await the_one(world, BRAVO)).settlement.kind is KIND.CHANGED
    # Asking for it by an id that it may not see finds nothing, and tells nothing.
    assert await known(world, ALPHA, plan_id=plan_id) == ()


async def test_others_know_where_both_plans_are_shared_and_no_longer_once_one_is_not(world):
    mine = await world.declare(ALPHA, body())
    plan_id, _ = await refuse(world, BRAVO, body(title="t"))
    refusal = await the_one(world, CHARLIE)
    assert (refusal.plan_id, refusal.volumes, refusal.title) == (plan_id, (circle(),), None)
    assert (refusal.conflicts[0].plan_id, refusal.conflicts[0].ovn) == (mine["plan_id"], None)
    hide = body(circle(lat=48.0), sharing=Sharing.CONFLICTS)
    await world.declare(ALPHA, hide, mine["plan_id"], expected_version=1)
    assert await known(world, CHARLIE) == ()
    with pytest.raises(NotFound) as gone:
        await world.refusals.find(CHARLIE, refusal.refusal_id)
    with pytest.raises(NotFound) as missing:
        await world.refusals.find(CHARLIE, str(uuid.UUID(int=9)))
    assert gone.value.detail.replace(refusal.refusal_id, "") == missing.value.detail.replace(
        str(uuid.UUID(int=9)), ""
    )
    assert (await the_one(world, BRAVO)).conflicts[0].plan_id is None


async def test_the_same_request_again_is_the_same_refusal_for_a_while(world):
    await world.declare(ALPHA, body())
    plan_id, _ = await refuse(world, BRAVO, body())
    first = await the_one(world, BRAVO)
    world.now_ms += 60_000
    await refuse(world, BRAVO, body(), plan_id)
    again = await the_one(world, BRAVO)
    assert (again.refusal_id, again.at, again.attempts) == (first.refusal_id, first.at, 2)
    assert again.last_at == first.at + timedelta(minutes=1)
    await refuse(world, BRAVO, body(title="another"), plan_id)
    world.now_ms += Bounds().same_ms
    await refuse(world, BRAVO, body(), plan_id)
    assert sorted(one.attempts for one in await known(world, BRAVO)) == [1, 1, 2]


async def test_one_refused_request_sent_many_times_at_once_is_one_refusal(pg_dsn):
    pools = [await open_pool(pg_dsn) for _ in range(2)]
    try:
        worlds = [World(pool) for pool in pools] * 4
        await worlds[0].declare(ALPHA, body())
        plan_id = str(uuid.uuid4())
        await asyncio.gather(*(refuse(one, BRAVO, body(), plan_id) for one in worlds))
        assert (await the_one(worlds[0], BRAVO)).attempts == len(worlds)
    finally:
        for pool in pools:
            pool.terminate()


async def test_a_refusal_written_after_its_plan_was_declared_is_settled(world, monkeypatch):
    """Two requests of one party cross: the refused one is written when the accepted one stands already."""
    await world.declare(ALPHA, body())
    plan_id = str(uuid.uuid4())
    decided, may_write = asyncio.Event(), asyncio.Event()
    write = refusal_store.write

    async def late(*args):
        decided.set()
        await may_write.wait()
        return await write(*args)

    monkeypatch.setattr(refusal_store, "write", late)
    refused = asyncio.create_task(refuse(world, BRAVO, body(), plan_id))
    await decided.wait()
    await world.declare(BRAVO, body(circle(start=T0 + timedelta(hours=1))), plan_id)
    world.now_ms += 1_000
    may_write.set()
    await refused
    settled = (await the_one(world, BRAVO)).settlement
    assert (settled.kind, settled.shift_s, settled.version) == (KIND.TIME, 3_600.0, 1)


async def test_declarations_and_refusals_of_one_plan_race_and_each_is_told_truly(pg_dsn):
    pools = [await open_pool(pg_dsn) for _ in range(2)]
    try:
        worlds = [World(pool) for pool in pools]
        await worlds[0].declare(ALPHA, body())

        async def one(k):
            plan_id = str(uuid.uuid4())
            free = body(circle(lat=50.0 + k, radius_m=400.0))
            await asyncio.gather(
                worlds[0].declare(BRAVO, body(title=str(k)), plan_id),
                worlds[1].declare(BRAVO, free, plan_id),
                return_exceptions=True,
            )

        await asyncio.gather(*(one(k) for k in range(12)))
        for refusal in await known(worlds[0], BRAVO):
            assert refusal.settlement.kind is KIND.CHANGED
            assert refusal.settlement.version == 1
    finally:
        for pool in pools:
            pool.terminate()


@pytest.mark.parametrize("failure", ["lost", "slow", "broken"])
async def test_a_refusal_is_answered_though_it_cannot_be_remembered(world, monkeypatch, failure):
    await world.declare(ALPHA, body())
    monkeypatch.setattr("detente.plans.refusals.WRITE_S", 0.2)
    if failure == "broken":
        await world.pool.execute("ALTER TABLE plan_refusal ADD CHECK (attempts > 1)")
    elif failure == "slow":
        connection = await world.pool.acquire()
        await connection.execute("BEGIN; LOCK TABLE plan_refusal")
    else:
        monkeypatch.setattr(world.refusals, "_pool", _Lost())
    with capture_logs() as logs:
        await refuse(world, BRAVO, body())
    (line,) = [one for one in logs if one["event"] == "refusal_not_remembered"]
    assert line["log_level"] == "warning"
    if failure == "slow":
        await connection.execute("ROLLBACK")
        await world.pool.release(connection)
    assert await count(world) == 0


class _Lost:
    async def fetchval(self, *_):
        raise asyncpg.ConnectionDoesNotExistError("connection was closed")


async def test_the_oldest_refusals_go_beyond_a_plans_and_a_partys_limit(world):
    await world.declare(ALPHA, body())
    world.refusals._bounds = Bounds(of_a_plan=3, of_a_party=5, count_chance=1.0)
    theirs, _ = await refuse(world, CHARLIE, body())
    plan_id = str(uuid.uuid4())
    for k in range(6):
        world.now_ms += 1_000
        await refuse(world, BRAVO, body(title=f"a{k}"), plan_id)
    assert [one.title for one in await known(world, BRAVO, party_id="bravo")] == ["a3", "a4", "a5"]
    for k in range(4):
        world.now_ms += 1_000
        await refuse(world, BRAVO, body(title=f"b{k}"))
    kept = await known(world, BRAVO, party_id="bravo")
    assert [one.title for one in kept] == ["a5", "b0", "b1", "b2", "b3"]
    # Another party's refusals, under the same id or not, are not pushed out.
    await refuse(world, CHARLIE, body(), plan_id)
    assert [one.plan_id for one in await known(world, CHARLIE, party_id="charlie")] == [theirs, plan_id]


async def test_refusals_are_forgotten_a_week_after_the_plans_end(world):
    await world.declare(ALPHA, body(circle(minutes=90)))
    await refuse(world, BRAVO, body(circle(minutes=30), title="short"))
    await refuse(world, BRAVO, body(circle(minutes=60), title="long"))
    end_ms = int((T0 + timedelta(minutes=30)).timestamp() * 1000)
    await expire_due(world.pool, end_ms + KEPT_MS)
    assert await count(world) == 2
    await expire_due(world.pool, end_ms + KEPT_MS + 1)
    assert (await the_one(world, BRAVO)).title == "long"


async def test_several_sweepers_forget_together(pg_dsn, monkeypatch):
    monkeypatch.setattr("detente.plans.expiry._BATCH", 2)
    pools = [await open_pool(pg_dsn) for _ in range(3)]
    try:
        world = World(pools[0])
        await world.declare(ALPHA, body())
        for _ in range(9):
            await refuse(world, BRAVO, body())
        due = world.now_ms + KEPT_MS * 2
        await asyncio.gather(*(expire_due(pool, due) for pool in pools))
        await expire_due(pools[0], due)
        assert await count(world) == 0
    finally:
        for pool in pools:
            pool.terminate()
