"""What is said about a conflict: place, outline, depths, times; and volumes that are moved out of it."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import BadInput
from detente.geo import (
    Circle,
    Corridor,
    LatLon,
    Polygon,
    Separation,
    find_overlap,
    from_plane,
    moved,
    overlaps,
    prepare,
    to_plane,
)
from detente.geo.ellipsoid import direct, inverse
from tests.geo.oracle import GEOD, PLACES, at, core_of, draw, gaps_m, metres, planes, volume


def test_times_share_an_instant_or_touch():
    first = prepare(volume(Circle(LatLon(1, 1), 10.0), start_ms=0, end_ms=1_000))
    for start, time_s, expected in (
        (999, 0, True),
        (1_000, 0, False),
        (1_060, 0.061, True),
        (1_060, 0.06, False),
    ):
        then = prepare(volume(Circle(LatLon(1, 1), 10.0), start_ms=start, end_ms=5_000))
        assert overlaps(first, then, Separation(time_s=time_s)) is expected
        assert overlaps(then, first, Separation(time_s=time_s)) is expected
    shared = find_overlap(
        first, prepare(volume(Circle(LatLon(1, 1), 10.0), start_ms=2_000, end_ms=5_000)), Separation(0, 0, 3)
    )
    assert (shared.start_ms, shared.end_ms, shared.time_depth_s) == (500, 2_500, 2.0)


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("depth_m", [0.01, 5.0, 400.0])
def test_circles_overlap_by_what_their_distance_says(place, depth_m):
    other = at(*place, 40, 1_500 - depth_m)
    shared = find_overlap(prepare(volume(Circle(at(*place), 1_000.0))), prepare(volume(Circle(other, 500.0))))
    assert shared.horizontal_depth_m == pytest.approx(depth_m, abs=1e-4)
    assert metres(shared.place, at(*place)) < 1_000
    assert metres(shared.place, other) < 500
    assert len(shared.outline) == 1


def test_the_depth_is_never_more_than_the_smaller_shape_is_wide():
    big = prepare(volume(Circle(LatLon(5, 5), 10_000.0)))
    for shape in (Circle(LatLon(5, 5.001), 30.0), Corridor((LatLon(5, 5), LatLon(5, 5.01)), 60.0)):
        assert find_overlap(big, prepare(volume(shape))).horizontal_depth_m == pytest.approx(60.0, rel=0.01)
    square = Polygon((LatLon(5, 5), LatLon(5, 5.001), LatLon(5.001, 5.001), LatLon(5.001, 5)))
    depth = find_overlap(big, prepare(volume(square))).horizontal_depth_m
    assert depth == pytest.approx(110.6, rel=0.02)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_place_lies_in_both_shapes_and_the_outline_around_it(place):
    """For random conflicting pairs, by PROJ's planes; with a separation both grown by half of it."""
    rng = np.random.default_rng(9)
    seen = 0
    while seen < 40:
        a, b = (draw(rng, *place, 1_500, 1_500) for _ in range(2))
        separation = Separation(horizontal_m=float(rng.choice([0.0, 0.0, 300.0])))
        shared = find_overlap(prepare(volume(a)), prepare(volume(b)), separation)
        if shared is None:
            continue
        seen += 1
        for shape in (a, b):
            gap = gaps_m([shape, Circle(shared.place, 0.0)], np.array([[0, 1]]))[0]
            assert gap <= separation.horizontal_m / 2 + 0.01, (a, b, shared.place)
        assert shared.horizontal_depth_m > 0
        ring_gap = shapely.distance(
            *(
                planes(
                    [np.array(points)],
                    [kind],
                    np.array([shared.place.lat_deg]),
                    np.array([shared.place.lon_deg]),
                )[0]
                for points, kind in (
                    ([(p.lat_deg, p.lon_deg) for p in shared.outline[0]], "area"),
                    ([(shared.place.lat_deg, shared.place.lon_deg)], "point"),
                )
            )
        )
        assert ring_gap < 0.01 or len(shared.outline) > 1


def test_outlines_wind_counter_clockwise_and_are_not_closed():
    shared = find_overlap(
        prepare(volume(Circle(LatLon(47, 8), 900.0))), prepare(volume(Circle(LatLon(47, 8.01), 900.0)))
    )
    ring = [(p.lon_deg, p.lat_deg) for p in shared.outline[0]]
    assert ring[0] != ring[-1]
    assert shapely.LinearRing(ring).is_ccw


def test_two_parts_give_two_rings():
    horseshoe = Polygon(
        tuple(
            LatLon(47 + a, 8 + o)
            for a, o in (
                (0, 0),
                (0.05, 0),
                (0.05, 0.02),
                (0.01, 0.02),
                (0.01, 0.04),
                (0.05, 0.04),
                (0.05, 0.06),
                (0, 0.06),
            )
        )
    )
    across = Corridor((LatLon(47.03, 7.98), LatLon(47.03, 8.08)), 200.0)
    assert len(find_overlap(prepare(volume(horseshoe)), prepare(volume(across))).outline) == 2


@settings(deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from(PLACES[:5]), st.floats(-20_000, 20_000), st.floats(-20_000, 20_000)
)
def test_moving_keeps_size_and_shape(seed, place, east_m, north_m):
    shape = draw(np.random.default_rng(seed), *place, 1_000, 2_000)
    start = LatLon(*core_of(shape)[0][0])
    there = moved(volume(shape), east_m=east_m, north_m=north_m, up_m=12.5, shift_ms=-60_000, origin=start)
    assert (there.lower_m, there.upper_m, there.start_ms) == (12.5, 112.5, -60_000)
    before, after = core_of(shape), core_of(there.shape)
    assert before[1:] == after[1:]
    pairs = [(i, j) for i in range(len(before[0])) for j in range(i)]
    for i, j in pairs:
        lengths = [metres(LatLon(*d[i]), LatLon(*d[j])) for d in (before[0], after[0])]
        assert lengths[1] == pytest.approx(lengths[0], abs=0.005)
    assert metres(start, LatLon(*after[0][0])) == pytest.approx(math.hypot(east_m, north_m), abs=0.001)


def test_moving_up_alone_changes_no_coordinate():
    shape = Circle(LatLon(47.123456789, 8.987654321), 5.0)
    assert moved(volume(shape), up_m=3.0).shape is shape
    with pytest.raises(BadInput):
        moved(volume(shape), east_m=math.nan)


def test_moved_volumes_of_a_plan_stay_together():
    origin = LatLon(47, 8)
    a, b = LatLon(47.01, 8.02), LatLon(46.97, 8.05)
    there = [
        moved(volume(Circle(p, 5.0)), east_m=3_000, north_m=-800, origin=origin).shape.center for p in (a, b)
    ]
    assert metres(*there) == pytest.approx(metres(a, b), abs=0.01)


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 360), st.floats(0, 9_000))
def test_frames_hold_proj_s_distances_and_come_back(lat, lon, azimuth, away_m):
    spot = at(lat, lon, azimuth, away_m)
    flat = to_plane(spot.lat_deg, spot.lon_deg, lat, lon)
    assert float(np.hypot(*flat)) == pytest.approx(away_m, abs=1e-6)
    back = from_plane(flat, lat, lon)
    assert metres(spot, LatLon(float(back[0]), float(back[1]))) < 1e-6


def test_frames_broadcast_over_points_and_origins():
    flat = to_plane(np.array([1.0, 2.0, 3.0]), 5.0, np.array([[1.0], [2.0]]), 5.0)
    assert flat.shape == (2, 3, 2)
    assert flat[0, 0] == pytest.approx([0, 0], abs=1e-9)
    lat, lon = from_plane(flat, np.array([[1.0], [2.0]]), 5.0)
    assert lat == pytest.approx(np.array([[1.0, 2.0, 3.0]] * 2), abs=1e-12)
    assert lon == pytest.approx(np.full((2, 3), 5.0), abs=1e-12)


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-180, 180), st.floats(0, 3e6))
def test_geodesics_are_those_of_proj(lat, lon, azimuth, away_m):
    lon2, lat2, _ = GEOD.fwd(lon, lat, azimuth, away_m)
    mine = direct(np.array(lat), np.array(lon), np.radians(azimuth), np.array(away_m))
    assert metres(LatLon(lat2, lon2), LatLon(float(mine[0]), float(mine[1]))) < 5e-5
    away = inverse(np.array(lat), np.array(lon), np.array(lat2), np.array(lon2))[0]
    assert float(away) == pytest.approx(away_m, abs=5e-5)
