"""Polygons without a radius: sharing a border is touching, a centimetre of the inside is a conflict."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.geo import Circle, Corridor, LatLon, Polygon, Separation, find_overlap, overlaps, prepare
from tests.geo.oracle import GEOD, PLACES, at, metres, volume

LENGTHS = [80.0, 3_000.0, 40_000.0, 300_000.0]


def along(start, end, share):
    """A position on the geodesic between two, and its direction there."""
    azimuth, _, away = GEOD.inv(start.lon_deg, start.lat_deg, end.lon_deg, end.lat_deg)
    lon, lat, back = GEOD.fwd(start.lon_deg, start.lat_deg, azimuth, away * share)
    return LatLon(lat, lon), back + 180


def beside(start, end, share, away_m):
    """A position so far to the right of a geodesic, at a share of its length."""
    spot, azimuth = along(start, end, share)
    return at(spot.lat_deg, spot.lon_deg, azimuth + 90, away_m)


def both_ways(a, b, separation=Separation()):  # noqa: B008 - immutable
    """The verdict, the same in either order and with either winding."""
    x, y = prepare(volume(a)), prepare(volume(b))
    answer = overlaps(x, y, separation)
    turned = prepare(volume(Polygon(b.vertices[::-1]))) if isinstance(b, Polygon) else y
    assert overlaps(turned, x, separation) is answer
    return answer


def left_of(start, end, width_m):
    return Polygon((start, end, beside(start, end, 0.9, -width_m), beside(start, end, 0.1, -width_m)))


@pytest.mark.parametrize("length_m", LENGTHS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_shared_border_is_touching_and_a_centimetre_is_not(place, length_m):
    start, end = at(*place, 250, length_m / 3), at(*place, 75, length_m * 2 / 3)
    left = left_of(start, end, length_m / 4)
    for shift_m, expected in ((0.0, False), (0.01, False), (-0.01, True)):
        near = beside(start, end, 0.0, shift_m), beside(start, end, 1.0, shift_m)
        right = Polygon((near[0], near[1], beside(start, end, 0.8, length_m / 5)))
        assert both_ways(left, right) is expected, shift_m


@pytest.mark.parametrize("length_m", LENGTHS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_corner_on_an_edge_is_touching_and_a_centimetre_inside_is_not(place, length_m):
    start, end = at(*place, 250, length_m / 3), at(*place, 75, length_m * 2 / 3)
    left = left_of(start, end, length_m / 4)
    for share in (0.31, 0.5, 0.77):
        for shift_m, expected in ((0.0, False), (0.01, False), (-0.01, True)):
            corner = beside(start, end, share, shift_m)
            right = Polygon(
                (
                    corner,
                    beside(start, end, share - 0.05, length_m / 9),
                    beside(start, end, share + 0.05, length_m / 9),
                )
            )
            assert both_ways(left, right) is expected, (share, shift_m)


@pytest.mark.parametrize("length_m", LENGTHS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_round_border_on_an_edge(place, length_m):
    """A circle, and the round end of a corridor, beside a polygon's edge."""
    start, end = at(*place, 250, length_m / 3), at(*place, 75, length_m * 2 / 3)
    left = left_of(start, end, length_m / 4)
    for shift_m, expected in ((0.0, False), (0.01, False), (-0.01, True)):
        spot = beside(start, end, 0.4, 20.0 + shift_m)
        away = beside(start, end, 0.4, 500.0)
        assert both_ways(left, Circle(spot, 20.0)) is expected
        assert both_ways(left, Corridor((spot, away), 40.0)) is expected
        assert (
            both_ways(
                Corridor((start, end), 10.0), Corridor((beside(start, end, 0.4, 25.0 + shift_m), away), 40.0)
            )
            is expected
        )


def test_two_polygons_along_one_border_with_other_vertices_touch():
    start, end = at(46.0, 7.0), at(46.0, 7.0, 80, 260_000)
    left = left_of(start, end, 50_000)
    many = [along(start, end, share)[0] for share in np.linspace(0, 1, 40)]
    right = Polygon((*many, beside(start, end, 0.5, 40_000)))
    assert both_ways(left, right) is False
    inner = [beside(start, end, share, -0.01) for share in np.linspace(0, 1, 40)]
    assert both_ways(left, Polygon((*inner, beside(start, end, 0.5, 40_000)))) is True


def test_touching_at_one_common_corner():
    a, b, c, d, e = (
        at(10, 20),
        at(10, 20, 80, 500),
        at(10, 20, 100, 500),
        at(10, 20, 260, 500),
        at(10, 20, 280, 500),
    )
    assert both_ways(Polygon((a, b, c)), Polygon((a, d, e))) is False


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_one_inside_the_other(place):
    ring = tuple(at(*place, azimuth, 3_000) for azimuth in range(0, 360, 20))
    inner = tuple(at(*place, azimuth, 100) for azimuth in range(0, 360, 90))
    for big in (Polygon(ring), Circle(at(*place), 3_000)):
        for small in (Polygon(inner), Circle(at(*place), 1.0), Corridor(inner, 2.0)):
            assert both_ways(big, small) is True


def test_a_hole_between_is_not_shared():
    """A ring-shaped corridor does not hold what lies in its middle."""
    path = tuple(at(47, 8, azimuth, 5_000) for azimuth in [*range(0, 360, 10), 0])
    ring = Corridor(path, 1_000)
    assert both_ways(ring, Circle(at(47, 8), 4_000)) is False
    assert both_ways(ring, Circle(at(47, 8), 4_600)) is True


def test_separated_polygons_conflict_when_nearer_than_the_separation():
    start, end = at(47, 8), at(47, 8, 90, 3_000)
    left, right = (
        left_of(start, end, 500),
        Polygon((beside(start, end, 0.0, 100), beside(start, end, 1.0, 100), beside(start, end, 0.5, 900))),
    )
    between = min(metres(along(start, end, share)[0], beside(start, end, share, 100)) for share in (0, 1))
    assert both_ways(left, right) is False
    assert both_ways(left, right, Separation(horizontal_m=between - 0.01)) is False
    assert both_ways(left, right, Separation(horizontal_m=between + 0.01)) is True
    shared = find_overlap(
        prepare(volume(left)), prepare(volume(right)), Separation(horizontal_m=between + 30)
    )
    assert shared.horizontal_depth_m == pytest.approx(30, abs=0.1)


@settings(deadline=None)
@given(
    st.floats(-89, 89),
    st.floats(-180, 180),
    st.floats(0, 360),
    st.floats(1, 50_000),
    st.floats(1, 50_000),
    st.sampled_from([0.0, 0.0, 7.5, 900.0]),
    st.sampled_from([-0.01, 0.01, -1.0, 1.0]),
)
def test_circles_anywhere(lat, lon, azimuth, r1, r2, separation_m, gap_m):  # noqa: PLR0917 - drawn by Hypothesis
    other = at(lat, lon, azimuth, r1 + r2 + separation_m + gap_m)
    assert both_ways(Circle(LatLon(lat, lon), r1), Circle(other, r2), Separation(separation_m)) is (gap_m < 0)
