"""Zones while plans are declared: what refuses, what is only told, and what nobody may pass over."""

import pytest

from detente.errors import BadInput, ClosedZone, ConflictingPlan, NotAllowed, PeerUnavailable
from detente.geo.model import Datum
from detente.plans.model import CheckBody, PlanState, StateBody, WaysOutLimits
from detente.plans.volumes import to_ms
from detente.zones.model import (
    AuthorityPurpose,
    ZoneAuthority,
    ZoneBody,
    ZoneRestriction,
)
from detente.zones.views import encode
from tests.plans.conftest import ALPHA, BRAVO, DUTY, T0, body, circle, principal
from tests.zones.conftest import MILITARY, ZoneWorld, ring, text, zone

pytestmark = pytest.mark.pg
ALPHA_DUTY = principal("alpha", DUTY)


async def test_a_plan_in_a_prohibited_zone_is_refused_with_whom_where_and_when(world):
    made = await world.publish(zone(name=text("Palace"), message=text("Ask the palace")))
    with pytest.raises(ClosedZone, match="P1 of caa") as refused:
        await world.declare(ALPHA, body())
    [told] = refused.value.members["zones"]
    assert (told.zone_id, told.party_id, told.ovn, told.is_closed) == (made.zone_id, "caa", made.ovn, True)
    assert (told.identifier, told.name, told.message) == ("P1", "Palace", "Ask the palace")
    assert (told.lower_m, told.upper_m, told.datum) == (100.0, 200.0, Datum.WGS84)
    assert (to_ms(told.start), to_ms(told.end)) == (to_ms(T0), to_ms(T0) + 1_800_000)
    assert abs(told.place.lat_deg - 47.0) < 0.01
    assert told.outline
    assert await world.pool.fetchval("SELECT count(*) FROM plan") == 0


@pytest.mark.parametrize(
    "beside",
    [
        ring(lat=47.0091, radius_m=500.0),  # 11 m apart, the same cell
        ring(lower_m=200.0, upper_m=300.0),  # touching is not sharing
        ring(end_ms=to_ms(T0)),
        ring(start_ms=to_ms(T0) + 1_800_000),
    ],
)
async def test_a_zone_that_shares_no_piece_refuses_nothing(world, beside):
    await world.publish(zone(beside))
    assert (await world.declare(ALPHA, body()))["version"] == 1


@pytest.mark.parametrize("overlap", [ring(lat=47.0089), ring(lower_m=199.9), ring(end_ms=to_ms(T0) + 1)])
async def test_the_least_piece_refuses(world, overlap):
    await world.publish(zone(overlap))
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body())


@pytest.mark.parametrize("restriction", [one for one in ZoneRestriction if one != "prohibited"])
async def test_other_rules_refuse_nothing_and_are_told(world, restriction):
    whom = ZoneAuthority(AuthorityPurpose.AUTHORIZATION, name=text("Tower"))
    made = await world.publish(zone(restriction=restriction, authorities=(whom,), conditions=("A/B",)))
    await world.declare(ALPHA, body())
    told = (await world.questions.check(BRAVO, CheckBody((circle(lower_m=300, upper_m=400),)))).zones
    if restriction is ZoneRestriction.NONE:
        assert told == ()
        return
    [one] = told
    assert (one.zone_id, one.restriction, one.is_closed) == (made.zone_id, restriction, False)
    assert (one.authorities, one.conditions) == ((whom,), ("A/B",))


async def test_ones_own_zone_closes_nothing_to_oneself(world):
    await world.publish(zone(), MILITARY)
    asked = CheckBody((circle(),))
    [told] = (await world.questions.check(MILITARY, asked)).zones
    assert not told.is_closed
    assert (await world.declare(MILITARY, body()))["version"] == 1
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body())


async def test_who_names_its_ovn_stands_in_it_knowingly(world):
    made = await world.publish(zone())
    with pytest.raises(NotAllowed):
        await world.declare(ALPHA, body(knows=(made.ovn,)))
    plan = await world.declare(ALPHA_DUTY, body(knows=(made.ovn,)))
    # To activate it is another decision, and a zone that changed is another zone.
    with pytest.raises(ClosedZone):
        await world.enter(ALPHA_DUTY, plan["plan_id"], StateBody(PlanState.ACTIVATED), 1)
    changed = await world.publish(zone(ring(radius_m=600.0)), zone_id=made.zone_id, version=1)
    with pytest.raises(ClosedZone):
        await world.enter(ALPHA_DUTY, plan["plan_id"], StateBody(PlanState.ACTIVATED, knows=(made.ovn,)), 1)
    knowing = StateBody(PlanState.ACTIVATED, knows=(changed.ovn,))
    assert (await world.enter(ALPHA_DUTY, plan["plan_id"], knowing, 1))["state"] == "activated"


async def test_a_zone_ends_no_plan_and_refuses_its_change_and_activation_but_no_report(world):
    plan = await world.declare(ALPHA, body())
    await world.publish(zone())
    assert (await world.questions.find(BRAVO, plan["plan_id"])).state is PlanState.ACCEPTED
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body(title="x"), plan["plan_id"], expected_version=1)
    with pytest.raises(ClosedZone):
        await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ACTIVATED), 1)
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.NONCONFORMING), 1)
    assert (await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ENDED), 2))["state"] == "ended"


async def test_a_withdrawn_zone_and_a_milder_one_refuse_nothing(world):
    made = await world.publish(zone())
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body())
    milder = await world.publish(zone(restriction=ZoneRestriction.CAUTION), zone_id=made.zone_id, version=1)
    plan = await world.declare(ALPHA, body())
    await world.withdraw(milder)
    await world.enter(ALPHA, plan["plan_id"], StateBody(PlanState.ACTIVATED), 1)


async def test_a_repeated_request_gets_its_answer_though_a_zone_came_since(world):
    plan = await world.declare(ALPHA, body())
    await world.publish(zone())
    assert (await world.declare(ALPHA, body(), plan["plan_id"]))["version"] == 1


async def test_ways_out_lead_round_closed_zones(world):
    await world.publish(zone(ring(upper_m=1_000.0, end_ms=to_ms(T0) + 600_000)))
    with pytest.raises(ClosedZone) as refused:
        await world.declare(ALPHA, body(), ways_out=True)
    offers = refused.value.members["ways_out"].offers
    assert {one.kind.value for one in offers} == {"time", "sideways"}  # 1,000 m is above the limit of 600
    for one in offers:
        await world.declare(ALPHA, body(*one.volumes, own_plans="ignore"))


async def test_a_way_out_of_a_plan_in_the_way_does_not_lead_into_a_zone(world):
    await world.declare(BRAVO, body())
    await world.publish(zone(ring(lower_m=200.0, upper_m=2_000.0, radius_m=3_000.0)))
    with pytest.raises(ConflictingPlan) as refused:
        await world.declare(ALPHA, body(), ways_out=True)
    ways = refused.value.members["ways_out"]
    assert ways.offers
    for one in ways.offers:
        check = await world.questions.check(ALPHA, CheckBody(one.volumes))
        assert (check.conflicts, check.zones) == ((), ())


async def test_a_question_tells_closed_zones_first_and_finds_ways_out(world):
    for identifier, restriction in (("B", "caution"), ("C", "prohibited"), ("A", "consent")):
        await world.publish(zone(identifier=identifier, restriction=ZoneRestriction(restriction)))
    said = await world.questions.check(ALPHA, CheckBody((circle(),), ways_out=WaysOutLimits()))
    assert [one.identifier for one in said.zones] == ["C", "A", "B"]
    assert said.conflicts == ()
    assert said.ways_out.offers


async def test_a_zone_without_end_closes_a_plan_in_a_year(world):
    await world.publish(zone())
    far = T0.replace(year=2027)
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body(circle(start=far)))


async def test_heights_above_ground_close_more_where_the_ground_is_not_known(world):
    await world.publish(zone(ring(lower_m=0.0, upper_m=150.0, datum=Datum.AGL)))
    with pytest.raises(ClosedZone):
        await world.declare(ALPHA, body(circle(lower_m=5_000.0, upper_m=5_100.0)))
    await world.declare(ALPHA, body(circle(lower_m=9_500.0, upper_m=9_600.0)))


class Managers:
    """Answers for managers elsewhere: what they told, by id; else they are silent."""

    def __init__(self):
        self.told = {}
        self.asked = []

    async def remembered(self, _wanted):
        return {}

    async def ask(self, zone_id, ovn, _url):
        self.asked.append((zone_id, ovn))
        if zone_id not in self.told:
            raise PeerUnavailable("silent", peer="https://uss2.test")
        return encode(self.told[zone_id])


ELSEWHERE = "00000000-0000-4000-8000-0000000000e1"


async def elsewhere(pool, restriction_known=None):
    """A managed zone's reference, as the discovery service writes it; gives the zones' room."""
    managers = Managers()
    world = ZoneWorld(pool, managers)
    extents = {"extents": [{"shape": {"kind": "circle", "center": {"lat_deg": 47.0, "lon_deg": 8.0},
                                      "radius_m": 500.0}, "lower_m": 0.0, "upper_m": 1000.0}],
               "uss_base_url": "https://uss2.test"}  # fmt: skip
    made = await world.publish(zone(), principal("uss2"), ELSEWHERE)
    await pool.execute(
        "UPDATE zone SET is_elsewhere = true, uss_base_url = 'https://uss2.test', restriction = NULL,"
        " identity = NULL, body = $1",
        encode(extents),
    )
    if restriction_known is not None:
        managers.told[ELSEWHERE] = zone(identifier="THEIRS", restriction=restriction_known)
    return world, managers, made


async def test_a_zone_elsewhere_is_decided_by_what_its_manager_tells(pg_pool):
    world, managers, made = await elsewhere(pg_pool, ZoneRestriction.PROHIBITED)
    with pytest.raises(ClosedZone, match="THEIRS of uss2"):
        await world.declare(ALPHA, body())
    assert managers.asked == [(ELSEWHERE, made.ovn)]
    # What it tells may reach less far than its extents.
    managers.told[ELSEWHERE] = zone(ring(lat=47.02), identifier="APART")
    await ZoneWorld(pg_pool, managers).declare(ALPHA, body())


async def test_without_the_word_of_its_manager_nothing_is_declared_unless_it_is_known(pg_pool):
    world, managers, made = await elsewhere(pg_pool)
    with pytest.raises(PeerUnavailable):
        await world.declare(ALPHA, body())
    with pytest.raises(PeerUnavailable):
        await world.questions.check(ALPHA, CheckBody((circle(),)))
    asked = len(managers.asked)
    await world.declare(ALPHA_DUTY, body(knows=(made.ovn,)))
    assert len(managers.asked) == asked


async def test_a_zone_of_a_manager_that_is_down_is_a_caution(pg_pool):
    world, managers, _ = await elsewhere(pg_pool, ZoneRestriction.PROHIBITED)
    await pg_pool.execute("INSERT INTO party_availability VALUES ('uss2', 'down', 'v', 0)")
    await world.declare(ALPHA, body())
    [told] = (await world.questions.check(BRAVO, CheckBody((circle(lower_m=300, upper_m=400),)))).zones
    assert (told.restriction, told.is_closed, managers.asked) == (ZoneRestriction.CAUTION, False, [])


async def test_an_exchange_that_speaks_to_no_peers_takes_their_zones_for_cautions(pg_pool):
    await elsewhere(pg_pool)
    await ZoneWorld(pg_pool).declare(ALPHA, body())


async def test_a_zone_elsewhere_is_shown_by_its_extents_until_it_is_told(pg_pool):
    world, _, made = await elsewhere(pg_pool)
    shown = await world.zones.find(ELSEWHERE)
    assert (shown.is_elsewhere, shown.is_told) == (True, False)
    assert (shown.zone.restriction, shown.zone.volumes[0].upper_m) == (ZoneRestriction.CAUTION, 1000.0)
    with pytest.raises(NotAllowed):
        await world.publish(zone(ring(lat=48)), principal("uss2"), ELSEWHERE, version=1)
    told = ZoneBody(identifier="T", restriction=ZoneRestriction.CONSENT, volumes=(ring(),))
    await pg_pool.execute(
        "SELECT peer_details_keep($1, 'zone', 'uss2', 1, $2, 0, $3, '', 0)",
        ELSEWHERE, made.ovn, encode(told),
    )  # fmt: skip
    shown = await world.zones.find(ELSEWHERE)
    assert (shown.is_told, shown.zone) == (True, told)


async def test_more_zones_than_a_question_examines_are_refused(world, monkeypatch):
    monkeypatch.setattr("detente.plans.closures.MAX_NEAR", 1)
    await world.publish(zone(identifier="A"))
    await world.publish(zone(identifier="B"))
    with pytest.raises(BadInput, match="zones lie there"):
        await world.questions.check(ALPHA, CheckBody((circle(),)))
