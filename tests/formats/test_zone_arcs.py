"""Arcs are drawn so that no zone is smaller than its arcs make it, held against another geodesic library."""

import math
from itertools import pairwise

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.formats.zone_arcs import ERROR_M, arc_between, arc_by_bearings, points_on
from detente.geo.ellipsoid import in_space, normals
from detente.geo.frame import Frame
from detente.geo.model import LatLon

EARTH = Geodesic.WGS84
ROUNDING_M = 0.02
ERROR_LIMIT_M = 1.0

CENTERS = st.builds(LatLon, st.floats(-80, 80), st.floats(-180, 180))
RADII = st.floats(10, 100_000)
BEARINGS = st.floats(0, 359.9)


def distances(arc, points):
    """How far the drawn edges are from the arc's centre: at their ends and along them, as geodesics."""
    for one, other in pairwise(points):
        line = EARTH.InverseLine(one.lat_deg, one.lon_deg, other.lat_deg, other.lon_deg)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            place = line.Position(share * line.s13)
            back = EARTH.Inverse(arc.center.lat_deg, arc.center.lon_deg, place["lat2"], place["lon2"])
            yield back["s12"]


@given(CENTERS, RADII, BEARINGS, BEARINGS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_zone_inside_an_arc_is_never_smaller_and_at_most_a_metre_larger(center, radius_m, start, end, way):
    arc = arc_by_bearings(center, radius_m, start, end, is_clockwise=way)
    found = list(distances(arc, points_on(arc, is_inside=True)))
    assert min(found) >= radius_m - 1e-3
    assert max(found) <= radius_m + ERROR_M + ROUNDING_M


@given(CENTERS, RADII, BEARINGS, BEARINGS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_zone_outside_an_arc_is_never_smaller_and_at_most_a_metre_larger(center, radius_m, start, end, way):
    arc = arc_by_bearings(center, radius_m, start, end, is_clockwise=way)
    found = list(distances(arc, points_on(arc, is_inside=False)))
    assert max(found) <= radius_m + 1e-3
    assert min(found) >= radius_m - ERROR_M - ROUNDING_M


def test_the_promise_is_kept_with_room_to_spare():
    assert ERROR_M + ROUNDING_M < ERROR_LIMIT_M


@pytest.mark.parametrize(
    ("way", "start", "end", "passes"),
    [(True, 350, 10, 0), (False, 10, 350, 0), (True, 10, 350, 180), (False, 350, 10, 180), (True, 0, 90, 45)],
)
def test_arcs_go_the_way_round_that_they_say(way, start, end, passes):
    center = LatLon(47.0, 8.0)
    points = points_on(arc_by_bearings(center, 5000, start, end, is_clockwise=way), is_inside=False)
    bearings = [EARTH.Inverse(47.0, 8.0, point.lat_deg, point.lon_deg)["azi1"] % 360 for point in points]
    assert min(abs((bearing - passes + 180) % 360 - 180) for bearing in bearings) < 2
    assert min(abs((bearing - passes) % 360 - 180) for bearing in bearings) > 1 or len(points) > 300
    assert bearings[0] == pytest.approx(start, abs=1e-6) or start == 0
    assert bearings[-1] == pytest.approx(end, abs=1e-6)


def test_an_arc_begins_and_ends_exactly_where_the_file_says():
    center, start, end = LatLon(47, 8), LatLon(47.05, 8), LatLon(47, 8.0735)
    arc = arc_between(center, start, end, is_clockwise=True)
    points = points_on(arc, is_inside=True)
    assert (points[0], points[-1]) == (start, end)
    assert math.degrees(arc.sweep_rad) == pytest.approx(90, abs=0.1)


def test_an_arc_whose_ends_differ_goes_evenly_between_them():
    center = LatLon(47, 8)
    arc = arc_between(center, LatLon(47.05, 8), LatLon(47, 8.0742), is_clockwise=True)
    assert arc.end_m - arc.start_m > 50
    shares = [math.radians(angle) / arc.sweep_rad for angle in range(1, 90)]
    points = points_on(arc, is_inside=True)
    frame = Frame.at(47, 8)
    flat = [frame.flatten(in_space(normals(p.lat_deg, p.lon_deg))[None, :])[0] for p in points]
    for share in shares:
        radius_m = arc.start_m + share * (arc.end_m - arc.start_m)
        bearing = arc.start_rad + share * arc.sweep_rad
        outward = (math.sin(bearing), math.cos(bearing))
        # The edge in that direction is not nearer than the arc.
        assert max(x * outward[0] + y * outward[1] for x, y in flat) >= radius_m - 0.1


@pytest.mark.parametrize(
    "arc", [(LatLon(47.05, 8), LatLon(47.05, 8)), (LatLon(47.05, 8), LatLon(47.050001, 8))]
)
def test_an_arc_from_a_place_to_itself_is_a_circle(arc):
    found = arc_between(LatLon(47, 8), *arc, is_clockwise=False)
    assert math.degrees(found.sweep_rad) == pytest.approx(-360)
