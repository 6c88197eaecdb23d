"""The sweep gives the answers of `find_overlap`, pair for pair, wherever on Earth and however crowded."""

import math
import random
from functools import partial

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.geo.limits import TOUCH_M
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Separation, Shape, Volume
from detente.geo.overlap import find_overlap, overlaps
from detente.geo.solid import prepare
from detente.geo.sweep import Sweep, find_all
from detente.geo.sweep_balls import balls_of
from detente.geo.sweep_columns import VolumeColumns, columns_of
from detente.geo.sweep_degrees import degrees_of
from detente.geo.sweep_join import near_pairs
from detente.geo.sweep_pieces import pieces_of
from detente.geo.sweep_plane import APART, CONFLICT, UNDECIDED, measure
from detente.geo.sweep_shapes import faulty_shapes

PLACES = [
    (47.0, 8.0),
    (0.0, 0.0),
    (-33.0, 179.999),
    (12.0, -180.0),
    (89.9995, 30.0),
    (-90.0, 0.0),
    (64.0, -20.0),
]
HOUR_MS = 3_600_000
METRES_PER_DEGREE = 111_195.0


def moved(place: tuple[float, float], east_m: float, north_m: float) -> LatLon:
    """Go about so far from a place; over a pole when it lies in the way."""
    lat, lon = math.radians(place[0]), math.radians(place[1])
    distance, bearing = math.hypot(east_m, north_m) / 6_371_000.0, math.atan2(east_m, north_m)
    lat2 = math.asin(
        max(
            -1.0,
            min(
                1.0,
                math.sin(lat) * math.cos(distance) + math.cos(lat) * math.sin(distance) * math.cos(bearing),
            ),
        )
    )
    lon2 = lon + math.atan2(
        math.sin(bearing) * math.sin(distance) * math.cos(lat),
        math.cos(distance) - math.sin(lat) * math.sin(lat2),
    )
    return LatLon(math.degrees(lat2), (math.degrees(lon2) + 540.0) % 360.0 - 180.0)


def random_shape(rng: random.Random, place: tuple[float, float], spread_m: float, size_m: float) -> Shape:
    east, north = rng.uniform(-spread_m, spread_m), rng.uniform(-spread_m, spread_m)
    kind = rng.randrange(3)
    if kind == 0:
        return Circle(moved(place, east, north), rng.uniform(0.2, 1.0) * size_m)
    if kind == 1:
        turns = [rng.uniform(0, 2 * math.pi) for _ in range(rng.randrange(1, 5))]
        path = [(east, north)]
        for turn in turns:
            path.append((path[-1][0] + size_m * math.cos(turn), path[-1][1] + size_m * math.sin(turn)))
        return Corridor(tuple(moved(place, *point) for point in path), rng.uniform(0.05, 0.5) * size_m)
    count = rng.randrange(3, 12)
    ring = []
    for corner in range(count):
        reach, angle = size_m * rng.uniform(0.3, 1.0), 2 * math.pi * corner / count
        ring.append(moved(place, east + reach * math.cos(angle), north + reach * math.sin(angle)))
    return Polygon(tuple(ring))


def random_volume(
    rng: random.Random, place: tuple[float, float], spread_m: float, size_m: float, datums: list[Datum]
) -> Volume | None:
    start = rng.randrange(0, 4 * HOUR_MS, 60_000)
    lower = rng.randrange(0, 200, 10)
    volume = Volume(
        shape=random_shape(rng, place, spread_m, size_m * 10 ** rng.uniform(-1.0, 0.5)),
        lower_m=lower,
        upper_m=lower + rng.randrange(10, 200, 10),
        start_ms=start,
        end_ms=start + rng.randrange(60_000, 2 * HOUR_MS, 60_000),
        datum=rng.choice(datums),
    )
    try:
        prepare(volume)
    except DetenteError:
        return None
    return volume


def random_set(
    seed: int, count: int, spread_m: float, size_m: float, datums: list[Datum], *, places: list = PLACES
) -> VolumeColumns:
    rng = random.Random(seed)  # noqa: S311 - seeded samples
    volumes = []
    while len(volumes) < count:
        volume = random_volume(rng, rng.choice(places), spread_m, size_m, datums)
        if volume:
            volumes.append(volume)
    plan = [rng.randrange(count) for _ in volumes]
    return columns_of(volumes, plan, [number % 3 for number in plan])


def by_hand(columns: VolumeColumns, separation: Separation, *, own: bool = True) -> set[tuple[int, int]]:
    solids = [prepare(columns.volume_at(index)) for index in range(len(columns))]
    return {
        (one, other)
        for one in range(len(solids))
        for other in range(one + 1, len(solids))
        if columns.plan[one] != columns.plan[other]
        and (own or columns.party[one] != columns.party[other])
        and overlaps(solids[one], solids[other], separation)
    }


def by_sweep(columns: VolumeColumns, separation: Separation, *, own: bool = True) -> set[tuple[int, int]]:
    found = find_all(columns, separation, own=own)
    pairs = [(min(a, b), max(a, b)) for a, b in zip(found.one.tolist(), found.other.tolist(), strict=True)]
    assert len(pairs) == len(set(pairs)), "a pair came twice"
    assert (columns.plan[found.one] < columns.plan[found.other]).all()
    return set(pairs)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    spread_m=st.sampled_from([50.0, 1_000.0, 20_000.0]),
    size_m=st.sampled_from([30.0, 500.0, 8_000.0]),
    separation=st.sampled_from(
        [
            Separation(),
            Separation(300.0, 50.0, 600.0),
            Separation(0.0, 0.0, 3_600.0),
            Separation(5_000.0, 0.0, 0.0),
        ]
    ),
    datums=st.sampled_from([[Datum.WGS84], [Datum.AMSL], [Datum.WGS84, Datum.AMSL], [*list(Datum)[:3]]]),
    own=st.booleans(),
)
def test_same_as_pair_by_pair(*, seed, spread_m, size_m, separation, datums, own):
    columns = random_set(seed, 40, spread_m, size_m, datums)
    assert by_sweep(columns, separation, own=own) == by_hand(columns, separation, own=own)


def test_same_as_pair_by_pair_on_100_000_pairs():
    columns = random_set(
        7, 450, 1_500.0, 800.0, [Datum.WGS84, Datum.WGS84, Datum.WGS84, Datum.AMSL, Datum.STD]
    )
    expected = by_hand(columns, Separation(100.0, 10.0, 60.0))
    assert len(expected) > 500
    assert by_sweep(columns, Separation(100.0, 10.0, 60.0)) == expected


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("gap_m", "conflicts"), [(-0.01, True), (0.0, False), (0.01, False)])
def test_one_centimetre_decides(place, gap_m, conflicts):
    center = LatLon(*place)
    other = moved(place, 700.0, 200.0)
    apart = prepare(at(Circle(center, 1.0)))
    distance = _distance_m(apart, prepare(at(Circle(other, 1.0))))
    radius = (distance - gap_m) / 2.0
    columns = columns_of([at(Circle(center, radius)), at(Circle(other, radius))], [0, 1], [0, 1])
    assert bool(by_sweep(columns, Separation())) is conflicts
    keeping = columns_of([at(Circle(center, 1.0)), at(Circle(other, 1.0))], [0, 1], [0, 1])
    assert bool(by_sweep(keeping, Separation(distance - 2.0 - gap_m, 0.0, 0.0))) is conflicts


def _distance_m(one, other) -> float:
    from detente.geo.ellipsoid import geodesic_m  # noqa: PLC0415 - only this helper measures

    return float(geodesic_m(one.core.points_m, other.core.points_m)[0])


def at(
    shape: Shape, lower_m: float = 0.0, upper_m: float = 100.0, start_ms: int = 0, end_ms: int = HOUR_MS
) -> Volume:
    return Volume(shape, lower_m, upper_m, start_ms, end_ms)


def test_touching_in_time_height_or_ground_is_no_conflict():
    square = Polygon((LatLon(47.0, 8.0), LatLon(47.0, 8.01), LatLon(47.01, 8.01), LatLon(47.01, 8.0)))
    beside = Polygon((LatLon(47.0, 8.01), LatLon(47.0, 8.02), LatLon(47.01, 8.02), LatLon(47.01, 8.01)))
    volumes = [
        at(square),
        at(square, 100.0, 200.0),
        at(square, start_ms=HOUR_MS, end_ms=2 * HOUR_MS),
        at(beside),
    ]
    columns = columns_of(volumes, range(4), range(4))
    assert by_sweep(columns, Separation()) == set()
    assert by_sweep(columns, Separation(0.01, 0.01, 0.001)) == {
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 3),
    }


def test_volumes_of_one_plan_never_conflict():
    volumes = [at(Circle(LatLon(47.0, 8.0), 100.0))] * 3
    assert by_sweep(columns_of(volumes, [5, 5, 5], [0, 0, 0]), Separation()) == set()


def test_nothing_and_one_volume():
    assert len(find_all(columns_of([], [], []), Separation())) == 0
    assert len(find_all(columns_of([at(Circle(LatLon(0.0, 0.0), 10.0))], [0], [0]), Separation())) == 0


@pytest.mark.parametrize("crowded", ["time", "height"])
def test_a_crowd_is_swept_along_the_axis_that_parts_it(crowded, monkeypatch):
    """2,000 circles on one spot: apart in time only, or in height only; few pairs may be looked at."""
    volumes = []
    for number in range(2_000):
        low = number * 10
        if crowded == "time":
            volumes.append(at(Circle(LatLon(47.0, 8.0), 500.0), 0, 100, low, low + 15))
        else:
            volumes.append(at(Circle(LatLon(47.0, 8.0), 500.0), low, low + 15))
    looked_at = []
    monkeypatch.setattr("detente.geo.sweep_join._close", partial(_count, looked_at))
    columns = columns_of(volumes, range(2_000), range(2_000))
    found = by_sweep(columns, Separation())
    assert found == {(number, number + 1) for number in range(1_999)}
    assert sum(looked_at) < 10 * len(volumes)


def _count(looked_at, _places, one, _other):
    looked_at.append(len(one))
    return np.ones(len(one), np.bool_)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size_m=st.sampled_from([5.0, 400.0, 60_000.0]),
    horizontal_m=st.sampled_from([0.0, 900.0]),
)
def test_the_join_never_misses(seed, size_m, horizontal_m):
    columns = random_set(seed, 120, 30_000.0, size_m, [Datum.WGS84])
    sweep = Sweep(columns, Separation(horizontal_m, 20.0, 60.0))
    near = {
        (min(a, b), max(a, b))
        for one, other in near_pairs(sweep.field())
        for a, b in zip(one.tolist(), other.tolist(), strict=True)
    }
    assert by_hand(columns, sweep.separation) <= near


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), size_m=st.sampled_from([100.0, 5_000.0, 60_000.0]))
def test_what_frames_decide_is_right(seed, size_m):
    """The verdicts of the flat frames alone, without the pairwise function behind them."""
    columns = random_set(seed, 30, 2.0 * size_m, size_m, [Datum.WGS84], places=[PLACES[seed % len(PLACES)]])
    one, other = np.triu_indices(len(columns), 1)
    one, other = one.astype(np.int64), other.astype(np.int64)
    verdict = measure(columns, balls_of(columns), one, other, 0.0)
    long = [Volume(v.shape, 0.0, 100.0, 0, HOUR_MS) for v in map(columns.volume_at, range(len(columns)))]
    solids = [prepare(volume) for volume in long]
    for a, b, said in zip(one.tolist(), other.tolist(), verdict.tolist(), strict=True):
        if said != UNDECIDED:
            assert overlaps(solids[a], solids[b]) == (said == CONFLICT), (a, b)
    assert (verdict != UNDECIDED).mean() > 0.8
    assert (verdict == APART).any()


@settings(max_examples=15, deadline=None)
@example(45502, 1_000.0, Separation(400.0, 30.0, 61.001), [Datum.WGS84])
@given(
    seed=st.integers(0, 2**32),
    size_m=st.sampled_from([100.0, 1_000.0, 20_000.0]),
    separation=st.sampled_from([Separation(), Separation(400.0, 30.0, 61.001)]),
    datums=st.sampled_from([[Datum.WGS84], [Datum.WGS84, Datum.AMSL, Datum.STD]]),
)
def test_pieces_are_those_of_find_overlap(seed, size_m, separation, datums):
    columns = random_set(seed, 40, size_m, size_m, datums)
    sweep = Sweep(columns, separation)
    pairs = sweep.pairs()
    pieces = pieces_of(sweep, pairs.one, pairs.other)
    for row, (one, other) in enumerate(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True)):
        expected = find_overlap(sweep.solid(one), sweep.solid(other), separation)
        assert expected is not None
        assert (pieces.start_ms[row], pieces.end_ms[row]) == (expected.start_ms, expected.end_ms)
        assert (pieces.lower_m[row], pieces.upper_m[row]) == (expected.lower_m, expected.upper_m)
        # Of a piece that is no lens, the pairwise function finds the largest circle to 1 % of its size only.
        assert pieces.horizontal_depth_m[row] == pytest.approx(
            expected.horizontal_depth_m, rel=0.015, abs=0.01
        )
        assert pieces.horizontal_depth_m[row] >= TOUCH_M
        there = degrees_of(expected.outline)
        if abs(expected.place.lat_deg) < 80.0:
            scale = np.array([math.cos(math.radians(expected.place.lat_deg)), 1.0]) * METRES_PER_DEGREE
            both = [
                shapely.transform(area, lambda degrees, scale=scale: degrees * scale)
                for area in (pieces.ground[row], there)
            ]
            assert shapely.hausdorff_distance(*both) < 0.015  # both are simplified by up to 0.01
        assert shapely.is_valid(pieces.ground[row])


def test_a_piece_on_the_antimeridian_is_cut_in_two():
    volumes = [at(Circle(LatLon(10.0, 179.999), 500.0)), at(Circle(LatLon(10.0, -179.999), 500.0))]
    sweep = Sweep(columns_of(volumes, [0, 1], [0, 1]), Separation())
    pairs = sweep.pairs()
    ground = pieces_of(sweep, pairs.one, pairs.other).ground[0]
    west, east = sorted(part.bounds for part in ground.geoms)
    assert west[0] == -180.0
    assert east[2] == 180.0
    assert ground.geom_type == "MultiPolygon"


def test_a_piece_around_a_pole_reaches_it():
    volumes = [at(Circle(LatLon(89.999, 10.0), 500.0)), at(Circle(LatLon(89.999, 190.0 - 360.0), 500.0))]
    sweep = Sweep(columns_of(volumes, [0, 1], [0, 1]), Separation())
    pairs = sweep.pairs()
    ground = pieces_of(sweep, pairs.one, pairs.other).ground[0]
    assert ground.bounds[0] == -180.0
    assert ground.bounds[2] == 180.0
    assert ground.bounds[3] == 90.0


FAULTY = [
    (Polygon((LatLon(0, 0), LatLon(1, 1), LatLon(1, 0), LatLon(0, 1))), "self-crossing"),
    (Polygon((LatLon(0, 0), LatLon(0.01, 0.01), LatLon(0.01, 0), LatLon(0, 0.01))), "self-crossing"),
    (Polygon((LatLon(0, 0), LatLon(0, 0.01), LatLon(0, 0.02))), "zero-area"),
    (Corridor((LatLon(0, 0), LatLon(0, 0)), 10.0), "too-few-vertices"),
    (Polygon((LatLon(0, 0), LatLon(0, 0), LatLon(0, 0.01))), "too-few-vertices"),
]


@pytest.mark.parametrize(("shape", "fault"), FAULTY)
def test_a_shape_without_an_inside_is_named(shape, fault):
    good = at(Circle(LatLon(47.0, 8.0), 100.0))
    columns = columns_of([good, at(shape), good], range(3), range(3))
    found = list(faulty_shapes(columns, balls_of(columns)))
    assert [index for index, _ in found] == [1]
    assert found[0][1].members["fault"] == fault


@pytest.mark.parametrize(("gap_m", "conflicts"), [(-0.01, True), (0.0, False), (0.01, False)])
def test_one_centimetre_beside_a_long_corridor_is_asked_pair_by_pair(gap_m, conflicts):
    """A frame over 110 km is metres off; the equator is a shortest path, so the true distance is known."""
    equator = prepare(at(Circle(LatLon(0.0, 0.5), 1.0)))
    beside = LatLon(0.01, 0.5)
    distance = _distance_m(equator, prepare(at(Circle(beside, 1.0))))
    long = at(Corridor((LatLon(0.0, 0.0), LatLon(0.0, 1.0)), 200.0))
    columns = columns_of([long, at(Circle(beside, distance - 100.0 - gap_m))], [0, 1], [0, 1])
    one, other = np.array([0]), np.array([1])
    assert measure(columns, balls_of(columns), one, other, 0.0).tolist() == [UNDECIDED]
    assert bool(by_sweep(columns, Separation())) is conflicts
