"""The verdict on the ground against brute force by PROJ."""

import numpy as np
import pytest

from detente.geo import Circle, Corridor, Separation, overlaps, prepare
from tests.geo.oracle import GEOD, PLACES, at, core_distance_m, core_of, draw, gaps_m, line, star, volume

PAIRS_A_PLACE = 14_500


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_hundred_thousand_random_pairs_get_the_same_answers(place):
    rng = np.random.default_rng(7)
    shapes = [draw(rng, *place, 3_500, 2_200) for _ in range(400)]
    solids = [prepare(volume(shape)) for shape in shapes]
    index = rng.integers(0, len(shapes), (PAIRS_A_PLACE, 2))
    index = index[index[:, 0] != index[:, 1]]
    expected = gaps_m(shapes, index)
    found = np.array([overlaps(solids[i], solids[j]) for i, j in index])
    doubtful = np.abs(expected) < 0.001
    wrong = index[(found != (expected < 0)) & ~doubtful]
    assert not len(wrong), [(shapes[i], shapes[j]) for i, j in wrong[:2]]
    assert len(index) > 14_000
    assert doubtful.sum() < 5
    assert 0.1 < found.mean() < 0.9


def test_every_place_together_makes_a_hundred_thousand():
    assert PAIRS_A_PLACE * len(PLACES) > 101_000


def small_radius(shape):
    """The same shape with so thin a radius that its distance to others is left for a separation."""
    if isinstance(shape, Circle):
        return Circle(shape.center, 1.0)
    return Corridor(shape.path, 2.0) if isinstance(shape, Corridor) else shape


@pytest.mark.parametrize("size_m", [300.0, 5_000.0, 60_000.0, 250_000.0])
@pytest.mark.parametrize("place", [PLACES[0], PLACES[1], PLACES[3], PLACES[5]], ids=str)
def test_the_threshold_lies_where_proj_puts_it(place, size_m):
    """Conflict at the oracle's distance and 1 mm more, none at 1 mm less, for all kinds, sizes and places."""
    rng = np.random.default_rng(11)
    checked = 0
    while checked < 8:
        a = small_radius(draw(rng, *place, size_m, size_m))
        spot = at(*place, rng.uniform(0, 360), size_m * rng.uniform(2, 3.5))
        b = small_radius(draw(rng, spot.lat_deg, spot.lon_deg, size_m / 2, size_m))
        solids = prepare(volume(a)), prepare(volume(b))
        if size_m > 100_000 and max(s.reach_m for s in solids) > 400_000:
            continue
        left = core_distance_m(a, b) - core_of(a)[1] - core_of(b)[1]
        if left < 10 or overlaps(*solids):
            continue
        for one, other in (solids, solids[::-1]):
            assert overlaps(one, other, Separation(horizontal_m=left + 0.001)), (a, b, left)
            assert not overlaps(one, other, Separation(horizontal_m=left - 0.001)), (a, b, left)
        checked += 1


@pytest.mark.parametrize("gap_m", [0.01, 0.0, -0.01])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_one_centimetre_between_circles(place, gap_m):
    for azimuth, r1, r2 in ((0, 50, 50), (35, 1_000, 2_000), (200, 90_000, 30), (301, 150_000, 120_000)):
        other = at(*place, azimuth, r1 + r2 + gap_m)
        a, b = prepare(volume(Circle(at(*place), r1))), prepare(volume(Circle(other, r2)))
        assert overlaps(a, b) is overlaps(b, a) is (gap_m < 0)


@pytest.mark.parametrize("gap_m", [0.01, 0.0, -0.01])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_one_centimetre_between_a_circle_and_the_side_of_a_corridor(place, gap_m):
    start = at(*place)
    for length in (500.0, 20_000.0, 180_000.0):
        end = at(*place, 70, length)
        # A point beside the middle, square to the geodesic there.
        middle, azimuth = middle_of(start, end)
        spot = at(middle.lat_deg, middle.lon_deg, azimuth + 90, 400.0 + gap_m)
        a = prepare(volume(Corridor((start, end), 300.0)))
        b = prepare(volume(Circle(spot, 250.0)))
        assert overlaps(a, b) is overlaps(b, a) is (gap_m < 0)


def middle_of(start, end):
    azimuth, _, away = GEOD.inv(start.lon_deg, start.lat_deg, end.lon_deg, end.lat_deg)
    lon, lat, back = GEOD.fwd(start.lon_deg, start.lat_deg, azimuth, away / 2)
    return at(lat, lon), back + 180


def test_star_and_line_are_what_they_should_be():
    rng = np.random.default_rng(1)
    assert prepare(volume(star(rng, at(1, 2), 1_000, 20))).core.kind.name == "AREA"
    assert prepare(volume(line(rng, at(1, 2), 1_000, 20))).core.kind.name == "LINE"
