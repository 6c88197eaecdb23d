"""The SQL that decides under the lock against the same decision in plain Python, over all plans in force.

Random scenes: circles, polygons and corridors, also at the poles and the antimeridian; heights above every
datum; separations; own plans; named OVNs; stale versions; plans that have ended.
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from detente.errors import ConflictingPlan, DetenteError, ForbiddenTransition, StaleVersion
from detente.geo import overlaps
from detente.geo.index import reach_of, rows_of
from detente.geo.model import Datum, Separation
from detente.plans import store
from detente.plans.model import OwnPlans, PlanState, PlanVolume, SeparationRule, StateBody
from detente.plans.rules import (
    Standing,
    blocks,
    must_look,
    require_changeable,
    require_transition,
    separation_between,
    widest_separation,
)
from detente.store import open_pool
from tests.geo.oracle import PLACES, draw
from tests.plans.conftest import DUTY, T0, World, body, circle, principal

PARTIES = ("alpha", "bravo", "charlie")
FEW = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


class Hillside:
    """Ground that rises to the north by 100 m a kilometre from the equator, then flat."""

    def range_amsl_m(self, lat_lo, lat_hi, lon_lo, lon_hi):
        del lon_lo, lon_hi
        low, high = (min(max(lat, 0.0) * 11_000.0, 5_000.0) for lat in (lat_lo, lat_hi))
        return low, high


@dataclass
class Known:
    """A plan as the model keeps it."""

    standing: Standing
    solids: tuple
    body: object
    version: int = 1


@dataclass
class Model:
    """All plans in force and the decision by brute force over them."""

    rules: dict
    plans: dict = field(default_factory=dict)

    def in_the_way(self, mine, solids, knows, own_plans):
        """The ids of the plans that forbid mine to stand."""
        return {
            other.standing.plan_id
            for other in self.plans.values()
            if other.standing.state is not PlanState.ENDED
            and blocks(mine, other.standing, knows=knows, own_plans=own_plans)
            and self.meet(mine, solids, other)
        }

    def meet(self, mine, solids, other):
        separation = separation_between(self.rules, mine.party_id, other.standing.party_id)
        return any(overlaps(a, b, separation) for a in solids for b in other.solids)


@st.composite
def volumes(draw_, place, spread_m):
    """One or two volumes around a place."""
    rng = np.random.default_rng(draw_(st.integers(0, 2**32)))
    made = []
    for _ in range(draw_(st.integers(1, 2))):
        start = T0 + timedelta(minutes=draw_(st.integers(0, 90)))
        lower_m = float(draw_(st.integers(0, 40)) * 10)
        made.append(
            PlanVolume(
                shape=draw(rng, *place, spread_m, spread_m / 2),
                lower_m=lower_m,
                upper_m=lower_m + draw_(st.sampled_from([10.0, 60.0, 200.0])),
                start=start,
                end=start + timedelta(minutes=draw_(st.sampled_from([10, 45, 200, 2_000]))),
                datum=draw_(st.sampled_from([Datum.WGS84, Datum.WGS84, Datum.AMSL, Datum.STD, Datum.AGL])),
            )
        )
    return tuple(made)


@st.composite
def scenes(draw_):
    """Where, how far to keep apart, and what is done: (verb, numbers that choose among what there is)."""
    place = draw_(st.sampled_from(PLACES))
    spread_m = draw_(st.sampled_from([800.0, 5_000.0, 40_000.0]))
    separation = st.builds(
        Separation,
        st.sampled_from([0.0, 50.0, 3_000.0]),
        st.sampled_from([0.0, 20.0]),
        st.sampled_from([0.0, 600.0]),
    )
    pairs = st.sampled_from([("alpha", "bravo"), ("alpha", "alpha"), ("bravo", "charlie"), ("", "charlie")])
    rules = draw_(st.dictionaries(pairs, separation, max_size=2))
    declare = st.tuples(
        st.just("declare"),
        st.sampled_from(PARTIES),
        volumes(place, spread_m),
        st.integers(0, 2),
        st.sampled_from(OwnPlans),
        st.booleans(),
    )
    change = st.tuples(st.just("change"), st.integers(0, 99), volumes(place, spread_m), st.booleans())
    enter = st.tuples(
        st.just("enter"), st.integers(0, 99), st.sampled_from(list(PlanState)[1:]), st.booleans()
    )
    acts = draw_(st.lists(st.one_of(declare, declare, change, enter), min_size=4, max_size=14))
    return place, rules, acts


class Held:
    """Does each act on the database and in the model, and holds the two answers together."""

    def __init__(self, pool, rules):
        self.world = World(pool, terrain=Hillside())
        self.world.limits.by_party = dict.fromkeys(PARTIES, 2)
        self.model = Model(rules)

    async def begin(self):
        await self.world.pool.execute("TRUNCATE plan, plan_cell, plan_cell_ended, separation_rule")
        for (a, b), kept in self.model.rules.items():
            rule = SeparationRule(a or b, b if a else None, kept.horizontal_m, kept.vertical_m, kept.time_s)
            await self.world.separations.put(principal("exchange"), rule, b"{}")

    async def declare(self, party, made, priority, own_plans, is_knowing):
        plan_id = str(uuid.uuid4())
        solids = self.world.neighbourhood.prepare(made)
        mine = Standing(plan_id, "", party, PlanState.ACCEPTED, priority)
        knows = frozenset()
        if is_knowing:
            found = self.model.in_the_way(mine, solids, knows, own_plans)
            knows = frozenset(self.model.plans[one].standing.ovn for one in sorted(found)[:2])
        new = body(*made, priority=priority, own_plans=own_plans, knows=tuple(knows))
        expected = self.model.in_the_way(mine, solids, knows, own_plans)
        answer = await self.tried(self.world.declare(principal(party, DUTY), new, plan_id), expected)
        if answer is not None:
            standing = Standing(plan_id, answer["ovn"], party, PlanState.ACCEPTED, priority)
            self.model.plans[plan_id] = Known(standing, solids, new)

    async def change(self, chosen, made, is_stale):
        plan = self.choose(chosen)
        if plan is None:
            return
        was = plan.standing
        solids = self.world.neighbourhood.prepare(made)
        new = body(*made, priority=was.priority, own_plans=plan.body.own_plans)
        version = plan.version + (1 if is_stale else 0)
        expected = StaleVersion if is_stale else refusal(require_changeable, was.state)
        if expected is None and must_look(was.state):
            expected = self.model.in_the_way(was, solids, frozenset(), new.own_plans)
        act = self.world.declare(principal(was.party_id, DUTY), new, was.plan_id, expected_version=version)
        answer = await self.tried(act, expected)
        if answer is not None:
            standing = Standing(was.plan_id, answer["ovn"], was.party_id, was.state, was.priority)
            self.model.plans[was.plan_id] = Known(standing, solids, new, plan.version + 1)

    async def enter(self, chosen, state, is_stale):
        plan = self.choose(chosen)
        if plan is None:
            return
        was = plan.standing
        version = plan.version + (1 if is_stale else 0)
        expected = StaleVersion if is_stale else refusal(require_transition, was.state, state)
        if expected is None and must_look(state):
            expected = self.model.in_the_way(was, plan.solids, frozenset(), plan.body.own_plans)
        act = self.world.enter(principal(was.party_id, DUTY), was.plan_id, StateBody(state), version)
        answer = await self.tried(act, expected)
        if answer is not None:
            plan.standing = Standing(was.plan_id, answer["ovn"], was.party_id, state, was.priority)
            plan.version += 1

    def choose(self, chosen):
        plans = list(self.model.plans.values())
        return plans[chosen % len(plans)] if plans else None

    async def tried(self, act, expected):
        """The answer; or None where the model and the exchange refuse alike."""
        (answer,) = await asyncio.gather(act, return_exceptions=True)
        if isinstance(answer, ConflictingPlan):
            assert {c.plan_id for c in answer.members["conflicts"]} == expected
        elif isinstance(answer, DetenteError):
            assert type(answer) is expected
        elif isinstance(answer, Exception):
            raise answer
        else:
            assert not expected
            return answer
        return None

    async def finds_all(self):
        """The index finds every volume that comes too close to any plan; how many there were."""
        plans = list(self.model.plans.values())
        met = 0
        for plan in plans:
            widest = widest_separation(self.model.rules, plan.standing.party_id)
            search = rows_of(plan.solids, reach_of(widest))
            rows = await store.neighbours(self.world.pool, search, 1_000)
            found = {(row.standing.plan_id, ix) for row in rows for ix in row.volume_ixs}
            for other in plans:
                if other.standing.state is PlanState.ENDED:
                    assert other.standing.plan_id not in {plan_id for plan_id, _ in found}
                    continue
                kept = separation_between(self.model.rules, plan.standing.party_id, other.standing.party_id)
                exact = {
                    (other.standing.plan_id, ix)
                    for ix, solid in enumerate(other.solids)
                    if any(overlaps(mine, solid, kept) for mine in plan.solids)
                }
                assert exact <= found
                met += len(exact)
        return met


def refusal(rule, *values):
    """The class of error with which a rule refuses, or None."""
    try:
        rule(*values)
    except ForbiddenTransition:
        return ForbiddenTransition
    return None


def test_the_database_decides_as_the_rules_do(pg_dsn):
    with asyncio.Runner() as runner:
        pool = runner.run(open_pool(pg_dsn, max_size=2))

        @FEW
        @given(scenes())
        def holds(scene):
            place, rules, acts = scene
            note(f"at {place}")

            async def play():
                held = Held(pool, rules)
                await held.begin()
                for verb, *values in acts:
                    await getattr(held, verb)(*values)
                await held.finds_all()

            runner.run(play())

        holds()
        pool.terminate()


@pytest.mark.parametrize("place", PLACES)
async def test_the_index_finds_every_overlap_in_a_crowd(pg_pool, place):
    # Each plan outranks those before it, so all are accepted, however they overlap.
    held = Held(pg_pool, {("alpha", "bravo"): Separation(300.0, 10.0, 60.0)})
    held.world.limits.by_party = dict.fromkeys(PARTIES, 100)
    await held.begin()
    rng = np.random.default_rng(7)
    datums = [Datum.WGS84, Datum.AMSL, Datum.STD, Datum.AGL]
    for priority in range(40):
        start = T0 + timedelta(minutes=int(rng.integers(0, 120)))
        lower_m = float(rng.integers(0, 30) * 10)
        volume = PlanVolume(
            shape=draw(rng, *place, 4_000.0, 2_000.0),
            lower_m=lower_m,
            upper_m=lower_m + 100,
            start=start,
            end=start + timedelta(minutes=int(rng.choice([10, 100, 1_000, 5_000]))),
            datum=datums[int(rng.integers(4))],
        )
        await held.declare(PARTIES[priority % 3], (volume,), priority, OwnPlans.IGNORE, is_knowing=False)
    assert len(held.model.plans) == 40
    assert await held.finds_all() > 100


async def test_heights_above_ground_are_compared_above_the_ellipsoid_where_parties_keep_apart(pg_pool):
    world = World(pg_pool, terrain=Hillside())
    await world.separations.put(
        principal("exchange"), SeparationRule("alpha", "bravo", 2_000.0, 0.0, 0.0), b"{}"
    )
    # 1 km apart; each is above its own ground where the other's ground may be at its height.
    await world.declare(principal("alpha"), body(circle(0.1, 8.0, 100.0, 200.0, 300.0, datum=Datum.AGL)))
    with pytest.raises(ConflictingPlan):
        await world.declare(principal("bravo"), body(circle(0.11, 8.0, 100.0, 0.0, 100.0, datum=Datum.AGL)))
