"""What settled a refusal, and who may know what of one: by table and by property."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from detente.geo import moved, prepare
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Separation
from detente.plans.conflicts import Neighbour, describe, meet
from detente.plans.model import Conflict, PlanState, PlanVolume, Rule, Sharing
from detente.plans.refusal_model import (
    Blocking,
    Refused,
    RefusedAct,
    RefusedBody,
    Settlement,
    SettlementKind,
)
from detente.plans.refusal_rules import (
    PlanNow,
    Step,
    Steps,
    compare,
    conflict_for,
    conflicts_for,
    narrower,
    settle,
    settlement_for,
)
from detente.plans.rules import NO_SEPARATION, Standing
from detente.plans.volumes import prepare_all, to_plan_volume, to_volume
from tests.plans.conftest import T0, circle

KIND = SettlementKind
AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
HERE = LatLon(47.0, 8.0)


def conflict(party="way", start=T0):
    return Conflict(
        party, Rule.OVERLAP, Separation(), start, start + timedelta(minutes=5), 100.0, 200.0, Datum.WGS84,
        10.0, 100.0, 300.0, HERE, ((HERE, LatLon(47.01, 8.0), LatLon(47.0, 8.01)),),
        f"plan-of-{party}", PlanState.ACCEPTED, 7, f"ovn-of-{party}",
    )  # fmt: skip


def refused(*blocking, volumes=None, act=RefusedAct.DECLARED, seen_version=None, sharing=Sharing.VOLUMES):
    return Refused(
        "r", "mine", "p", act, seen_version, AT_MS, AT_MS, 1, sharing, is_complete=True,
        body=RefusedBody(volumes or (circle(),), "title"),
        blocking=blocking or (Blocking(conflict(), Sharing.VOLUMES),),
    )  # fmt: skip


# Who may know what.

SEES = {  # viewer, sharing of the refused plan, sharing of the plan in the way: what is told of the latter
    ("mine", "full", "full"): "ovn",
    ("mine", "full", "volumes"): "plan",
    ("mine", "full", "conflicts"): "piece",
    ("mine", "volumes", "full"): "ovn",
    ("mine", "volumes", "volumes"): "plan",
    ("mine", "volumes", "conflicts"): "piece",
    ("mine", "conflicts", "full"): "ovn",
    ("mine", "conflicts", "volumes"): "plan",
    ("mine", "conflicts", "conflicts"): "piece",
    ("way", "full", "full"): "ovn",
    ("way", "full", "volumes"): "ovn",
    ("way", "full", "conflicts"): "ovn",
    ("way", "volumes", "full"): "ovn",
    ("way", "volumes", "volumes"): "ovn",
    ("way", "volumes", "conflicts"): "ovn",
    ("way", "conflicts", "full"): "ovn",
    ("way", "conflicts", "volumes"): "ovn",
    ("way", "conflicts", "conflicts"): "ovn",
    ("third", "full", "full"): "ovn",
    ("third", "full", "volumes"): "plan",
    ("third", "full", "conflicts"): None,
    ("third", "volumes", "full"): "ovn",
    ("third", "volumes", "volumes"): "plan",
    ("third", "volumes", "conflicts"): None,
    ("third", "conflicts", "full"): None,
    ("third", "conflicts", "volumes"): None,
    ("third", "conflicts", "conflicts"): None,
}


@pytest.mark.parametrize("case", list(SEES), ids="-".join)
def test_a_conflict_is_told_as_the_table_says(case):
    viewer, sharing, way = case
    told = conflict_for(viewer, "mine", Sharing(sharing), Blocking(conflict(), Sharing(way)))
    if SEES[case] is None:
        assert told is None
        return
    assert (told.ovn is not None) is (SEES[case] == "ovn")
    assert (told.plan_id is not None) is (SEES[case] in {"plan", "ovn"})
    assert (told.state is None) is (told.priority is None) is (told.plan_id is None)
    hidden = {"plan_id", "state", "priority", "ovn"}
    for field in fields(Conflict):
        if field.name not in hidden:
            assert getattr(told, field.name) == getattr(conflict(), field.name)


def test_the_table_is_whole():
    assert set(SEES) == set(itertools.product(("mine", "way", "third"), *[[s.value for s in Sharing]] * 2))


@pytest.mark.parametrize("sharing", list(Sharing))
def test_the_refused_party_reads_what_the_refusal_itself_said(sharing):
    solids = prepare_all([circle()])
    standing = Standing("p1", "the-ovn-of-it", "way", PlanState.ACCEPTED, 3)
    neighbour = Neighbour(standing, sharing, prepare_all([circle(lon=8.005)]))
    pieces = meet(solids, neighbour.solids, NO_SEPARATION)
    kept = Blocking(describe(pieces, neighbour, NO_SEPARATION, "way"), sharing)
    for viewer in ("mine", "way"):
        said = describe(pieces, neighbour, NO_SEPARATION, viewer)
        assert conflict_for(viewer, "mine", Sharing.CONFLICTS, kept) == said


SHARINGS = st.sampled_from(list(Sharing))
OWNERS = st.sampled_from(["mine", "way", "other", "fourth"])


@given(
    blocking=st.lists(st.tuples(OWNERS, SHARINGS, SHARINGS | st.none()), min_size=1, max_size=5),
    then=SHARINGS,
    now=SHARINGS | st.none(),
    viewer=st.sampled_from(["way", "other", "third"]),
)
def test_no_viewer_learns_more_when_either_side_shares_less(blocking, then, now, viewer):
    ids = [f"plan-{k}" for k in range(len(blocking))]
    kept = [
        Blocking(replace(conflict(owner), plan_id=one), shared)
        for one, (owner, shared, _) in zip(ids, blocking, strict=True)
    ]
    shared_now = {one: later for one, (_, _, later) in zip(ids, blocking, strict=True) if later}
    sharing = narrower(then, now)
    told = conflicts_for(viewer, refused(*kept, sharing=then), sharing, shared_now)
    hidden = {
        one
        for one, (owner, shared, later) in zip(ids, blocking, strict=True)
        if owner != viewer and Sharing.CONFLICTS in {shared, later}
    }
    assert not hidden & {one.plan_id for one in told}
    assert all(one.party_id == viewer or sharing is not Sharing.CONFLICTS for one in told)
    own = [owner for owner, _, _ in blocking if owner == viewer]
    assert sum(one.party_id == viewer for one in told) == len(own)
    # Whoever shares less takes something away, never adds.
    for less in (Sharing.VOLUMES, Sharing.CONFLICTS):
        fewer = conflicts_for(
            viewer, refused(*kept, sharing=then), narrower(sharing, less),
            {one: narrower(shared_now.get(one, Sharing.FULL), less) for one in ids},
        )  # fmt: skip
        assert len(fewer) <= len(told)
        assert {one.ovn for one in fewer} <= {one.ovn for one in told} | {None}


def test_narrower_is_the_lesser_of_both():
    order = [Sharing.CONFLICTS, Sharing.VOLUMES, Sharing.FULL]
    for a, b in itertools.product(order, order):
        assert narrower(a, b) is order[min(order.index(a), order.index(b))]
    assert narrower(Sharing.FULL, None) is Sharing.FULL


def test_how_a_hidden_plan_was_settled_is_its_partys_alone():
    settled = Settlement(is_settled=True, kind=KIND.TIME, shift_s=60.0, version=1, at=AT)
    assert settlement_for("mine", "mine", Sharing.CONFLICTS, settled) == settled
    assert settlement_for("way", "mine", Sharing.VOLUMES, settled) == settled
    assert settlement_for("way", "mine", Sharing.CONFLICTS, settled) == Settlement(is_settled=True)


# What settled it.


def now(state=PlanState.ACCEPTED, **steps):
    made = {name: Step(version, AT_MS + version) for name, version in steps.items()}
    return PlanNow(state, (circle(),), Steps(**made))


LATER = (circle(start=T0 + timedelta(seconds=90)),)
DECLARED, CHANGED, ACTIVATED = (
    refused(),
    *(refused(act=act, seen_version=3) for act in (RefusedAct.CHANGED, RefusedAct.ACTIVATED)),
)
SETTLES = {
    "there is no plan": (DECLARED, None, KIND.NONE, None),
    "declared later as it was": (DECLARED, now(volumes=1), KIND.AS_DECLARED, 1),
    "declared at another time": (DECLARED, now(volumes=1), KIND.TIME, 1),
    "and activated": (DECLARED, now(PlanState.ACTIVATED, volumes=1, activated=2), KIND.TIME, 1),
    "and ended": (DECLARED, now(PlanState.ENDED, volumes=1, ended=4), KIND.TIME, 1),
    "the change was not made": (CHANGED, now(volumes=3), KIND.NONE, None),
    "only activated since": (CHANGED, now(PlanState.ACTIVATED, volumes=3, activated=4), KIND.NONE, None),
    "ended unchanged": (CHANGED, now(PlanState.ENDED, volumes=3, ended=4), KIND.ENDED, 4),
    "changed as asked for": (CHANGED, now(volumes=4), KIND.AS_DECLARED, 4),
    "changed to another time": (CHANGED, now(volumes=5), KIND.TIME, 5),
    "still not activated": (ACTIVATED, now(volumes=2, activated=1), KIND.NONE, None),
    "activated after all": (ACTIVATED, now(PlanState.ACTIVATED, volumes=2, activated=4), KIND.AS_DECLARED, 4),
    "activated and ended": (ACTIVATED, now(PlanState.ENDED, activated=4, ended=5), KIND.AS_DECLARED, 4),
    "reported off its plan": (ACTIVATED, now(PlanState.NONCONFORMING, volumes=2), KIND.NONE, None),
    "moved, then activated": (ACTIVATED, now(PlanState.ACTIVATED, volumes=4, activated=5), KIND.TIME, 4),
    "ended instead": (ACTIVATED, now(PlanState.ENDED, volumes=2, ended=4), KIND.ENDED, 4),
}


@pytest.mark.parametrize("case", list(SETTLES))
def test_a_refusal_is_settled_as_the_table_says(case):
    what, stands, kind, version = SETTLES[case]
    if kind is KIND.TIME:
        stands = replace(stands, volumes=LATER)
    settled = settle(what, stands)
    assert (settled.kind, settled.version) == (kind, version)
    assert settled.is_settled is (kind is not KIND.NONE)
    assert (settled.at is None) is (version is None)
    assert settled.shift_s == (90.0 if kind is KIND.TIME else None)


LATS = st.floats(-80, 80)
LONS = st.floats(-179.9, 179.9)


@st.composite
def shapes(draw):
    at = LatLon(draw(LATS), draw(LONS))
    kind = draw(st.sampled_from(["circle", "polygon", "corridor"]))
    if kind == "circle":
        return Circle(at, draw(st.floats(10, 10_000)))
    east = draw(st.floats(0.001, 0.05))
    north = draw(st.floats(0.001, 0.05))
    lon = (at.lon_deg + east + 180) % 360 - 180
    corner, top = LatLon(at.lat_deg, lon), LatLon(at.lat_deg + north, lon)
    if kind == "polygon":
        return Polygon((at, corner, top))
    return Corridor((at, corner, top), draw(st.floats(10, 2_000)))


@st.composite
def volumes(draw):
    start = T0 + timedelta(milliseconds=draw(st.integers(0, 10**8)))
    lower_m = draw(st.floats(0, 5_000))
    return PlanVolume(
        shape=draw(shapes()),
        lower_m=lower_m,
        upper_m=lower_m + draw(st.floats(1, 500)),
        start=start,
        end=start + timedelta(milliseconds=draw(st.integers(1, 10**7))),
        datum=draw(st.sampled_from(list(Datum))),
    )


@st.composite
def plans(draw):
    """One to four volumes within some 10 km of each other."""
    first = draw(volumes())
    made = [first]
    for _ in range(draw(st.integers(0, 3))):
        far = st.floats(-5_000, 5_000)
        other = moved(
            to_volume(first),
            shift_ms=draw(st.integers(0, 10**7)),
            up_m=draw(st.floats(0, 300)),
            east_m=draw(far),
            north_m=draw(far),
        )
        made.append(to_plan_volume(other))
    return tuple(made)


def shifted(plan, **shift):
    origin = prepare(replace(to_volume(plan[len(plan) // 2]), datum=Datum.WGS84)).center
    return tuple(to_plan_volume(moved(to_volume(one), origin=origin, **shift)) for one in plan)


def replaced(plan, ix, **members):
    return tuple(replace(one, **members) if k == ix % len(plan) else one for k, one in enumerate(plan))


@given(plans())
def test_the_same_volumes_are_as_declared(plan):
    assert compare(plan, plan) == Settlement(is_settled=True, kind=KIND.AS_DECLARED)


@given(plans(), st.integers(-(10**8), 10**8).filter(bool))
def test_a_shift_in_time_is_recognised(plan, shift_ms):
    settled = compare(plan, shifted(plan, shift_ms=shift_ms))
    assert settled == Settlement(is_settled=True, kind=KIND.TIME, shift_s=shift_ms / 1000)


@given(plans(), st.floats(0.01, 900), st.sampled_from([1, -1]))
def test_a_shift_in_height_is_recognised(plan, size, way):
    settled = compare(plan, shifted(plan, up_m=way * size))
    assert settled.kind is KIND.HEIGHT
    assert settled.shift_up_m == pytest.approx(way * size, abs=0.001)


@settings(deadline=None)
@given(plans(), st.floats(1, 20_000), st.floats(0, 360))
def test_a_shift_sideways_is_recognised(plan, size, bearing):
    east, north = size * math.sin(math.radians(bearing)), size * math.cos(math.radians(bearing))
    settled = compare(plan, shifted(plan, east_m=east, north_m=north))
    assert settled.kind is KIND.SIDEWAYS
    assert settled.shift_east_m == pytest.approx(east, abs=0.06)
    assert settled.shift_north_m == pytest.approx(north, abs=0.06)


@settings(deadline=None)
@given(plans(), st.sampled_from([None, "shift_ms", "up_m", "east_m"]), st.integers(0, 3), st.data())
def test_a_little_noise_on_one_volume_is_a_change(plan, shift, ix, data):
    """Whatever the plan was shifted by, one number that does not follow makes it another plan."""
    assume(len(plan) > 1)
    stands = plan if shift is None else shifted(plan, **{shift: 500})
    one = stands[ix % len(plan)]
    noise = data.draw(st.sampled_from(["start", "end", "lower_m", "upper_m", "place", "size", "datum"]))
    tick = timedelta(milliseconds=data.draw(st.integers(1, 50)))
    up_m = data.draw(st.floats(0.002, 0.5))
    shape = one.shape
    members = {
        "start": {"start": one.start - tick},
        "end": {"end": one.end + tick},
        "lower_m": {"lower_m": one.lower_m - up_m},
        "upper_m": {"upper_m": one.upper_m + up_m},
        "place": {"shape": moved(to_volume(one), north_m=0.5).shape},
        "datum": {"datum": Datum.STD if one.datum is not Datum.STD else Datum.AMSL},
        "size": {"shape": _grown(shape)},
    }[noise]
    assert compare(plan, replaced(stands, ix, **members)).kind is KIND.CHANGED


def _grown(shape):
    if isinstance(shape, Circle):
        return replace(shape, radius_m=shape.radius_m + 0.01)
    if isinstance(shape, Corridor):
        return replace(shape, width_m=shape.width_m + 0.01)
    return Polygon((*shape.vertices, LatLon(shape.vertices[0].lat_deg + 0.001, shape.vertices[0].lon_deg)))


@given(plans(), plans())
def test_two_shifts_at_once_or_another_count_are_a_change(plan, other):
    both = shifted(plan, shift_ms=60_000, up_m=50.0)
    assert compare(plan, both).kind is KIND.CHANGED
    assert compare(plan, (*plan, *other)).kind is KIND.CHANGED
    assert compare((*plan, *other), plan).kind is KIND.CHANGED


def test_too_little_to_speak_of_is_a_change_and_no_shift_of_zero():
    plan = (circle(),)
    assert compare(plan, (circle(lower_m=100.0002, upper_m=200.0002),)).kind is KIND.CHANGED
    assert compare(plan, shifted(plan, east_m=0.02)).kind is KIND.CHANGED
