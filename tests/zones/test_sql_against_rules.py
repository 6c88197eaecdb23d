"""The look under the lock against the rule over all zones: random zones and plans, also at the poles.

A plan is refused exactly where the rule says so of some zone that shares a piece with it; the index finds
every zone that does.
"""

import asyncio
import uuid
from datetime import timedelta

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.errors import ClosedZone
from detente.geo import overlaps
from detente.geo.index import Reach, rows_of
from detente.geo.model import Datum
from detente.plans.model import PlanVolume
from detente.plans.volumes import to_ms
from detente.store import open_pool
from detente.zones.model import ZoneRestriction, ZoneVolume
from detente.zones.rules import closes
from detente.zones.solids import solids_of
from tests.geo.oracle import PLACES, draw
from tests.plans.conftest import DUTY, T0, body, principal
from tests.zones.conftest import ZoneWorld, zone

PARTIES = ("alpha", "bravo")
DATUMS = [Datum.WGS84, Datum.AMSL, Datum.STD, Datum.AGL]
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Hillside:
    """Ground that rises to the north by 100 m a kilometre from the equator, then flat."""

    def range_amsl_m(self, lat_lo, lat_hi, lon_lo, lon_hi):
        del lon_lo, lon_hi
        low, high = (min(max(lat, 0.0) * 11_000.0, 5_000.0) for lat in (lat_lo, lat_hi))
        return low, high


@st.composite
def zone_volumes(draw_, place, spread_m):
    rng = np.random.default_rng(draw_(st.integers(0, 2**32)))
    lower_m = float(draw_(st.integers(0, 40)) * 10)
    start_ms = to_ms(T0) + draw_(st.integers(0, 90)) * 60_000
    return ZoneVolume(
        shape=draw(rng, *place, spread_m, spread_m / 2),
        lower_m=lower_m,
        upper_m=draw_(st.sampled_from([None, lower_m + 10.0, lower_m + 300.0])),
        lower_datum=draw_(st.sampled_from(DATUMS)),
        upper_datum=draw_(st.sampled_from(DATUMS)),
        start_ms=draw_(st.sampled_from([None, start_ms])),
        end_ms=draw_(st.sampled_from([None, start_ms + 600_000, start_ms + 7_200_000])),
    )


@st.composite
def scenes(draw_):
    place = draw_(st.sampled_from(PLACES))
    spread_m = draw_(st.sampled_from([800.0, 5_000.0, 40_000.0]))
    zones = st.tuples(
        st.sampled_from(PARTIES),
        st.sampled_from([ZoneRestriction.PROHIBITED, ZoneRestriction.PROHIBITED, ZoneRestriction.CAUTION]),
        st.lists(zone_volumes(place, spread_m), min_size=1, max_size=2),
    )
    plans = st.tuples(
        st.sampled_from(PARTIES),
        st.integers(0, 2**32),
        st.integers(0, 40),
        st.integers(0, 120),
        st.sampled_from(DATUMS),
        st.booleans(),
    )
    return (
        place,
        spread_m,
        draw_(st.lists(zones, min_size=1, max_size=5)),
        draw_(st.lists(plans, min_size=2, max_size=6)),
    )


def plan_of(place, spread_m, seed, height, minutes, datum):  # noqa: PLR0917 - as they are drawn
    rng = np.random.default_rng(seed)
    start = T0 + timedelta(minutes=minutes)
    return PlanVolume(
        shape=draw(rng, *place, spread_m, spread_m / 2),
        lower_m=height * 10.0,
        upper_m=height * 10.0 + 60.0,
        start=start,
        end=start + timedelta(minutes=30),
        datum=datum,
    )


async def play(pool, scene, seen):
    place, spread_m, zones, plans = scene
    await pool.execute("TRUNCATE plan, plan_cell, plan_cell_ended, zone, zone_cell")
    world = ZoneWorld(pool, terrain=Hillside())
    kept = []
    for number, (party, restriction, volumes) in enumerate(zones):
        made = zone(*filter(is_usable, volumes), identifier=f"Z{number}", restriction=restriction)
        if any(map(is_usable, volumes)):
            kept.append(await world.publish(made, principal(party)))
    for party, seed, height, minutes, datum, is_knowing in plans:
        volume = plan_of(place, spread_m, seed, height, minutes, datum)
        [solid] = world.neighbourhood.prepare([volume])
        meets = [
            one
            for one in kept
            if any(overlaps(solid, theirs) for theirs in solids_of(one.zone, world.terrain))
        ]
        near = await world.near.search(rows_of([solid], Reach()), 100, may_close=False)
        assert {one.zone_id for one in meets} <= {one.zone_id for one in near}
        knows = frozenset(one.ovn for one in meets[:1]) if is_knowing else frozenset()
        expected = {
            one.zone_id
            for one in meets
            if closes(
                one.zone.restriction, zone_party=one.party_id, plan_party=party, ovn=one.ovn, knows=knows
            )
        }
        plan = body(volume, own_plans="ignore", knows=tuple(knows))
        seen.append(bool(expected))
        act = world.declare(principal(party, DUTY), plan, str(uuid.uuid4()))
        (answer,) = await asyncio.gather(act, return_exceptions=True)
        if isinstance(answer, ClosedZone):
            assert {one.zone_id for one in answer.members["zones"]} == expected
        elif isinstance(answer, Exception):
            raise answer
        else:
            assert not expected
        await pool.execute("TRUNCATE plan, plan_cell")  # plans do not get in each other's way here


def is_usable(volume):
    return volume.end_ms is None or volume.start_ms is None or volume.end_ms > volume.start_ms


def test_the_database_refuses_where_the_rule_does(pg_dsn):
    seen = []
    with asyncio.Runner() as runner:
        pool = runner.run(open_pool(pg_dsn, max_size=2))

        @FEW
        @given(scenes())
        def holds(scene):
            runner.run(play(pool, scene, seen))

        holds()
        pool.terminate()
    assert True in seen
    assert False in seen
