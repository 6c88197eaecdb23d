"""Areas against GeographicLib, and the polygon around a corridor against points on the corridor's border."""

import math

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import InvalidShape, TooLarge
from detente.geo import Circle, Corridor, LatLon, Polygon, Volume, area_km2, polygon_around, prepare
from detente.geo.ellipsoid import in_space, normals
from detente.geo.frame import Frame

EARTH = Geodesic.WGS84


def solid(shape):
    return prepare(Volume(shape, 0.0, 100.0, 0, 1_000))


def true_area_km2(vertices):
    ring = EARTH.Polygon()
    for vertex in vertices:
        ring.AddPoint(vertex.lat_deg, vertex.lon_deg)
    area_m2 = abs(ring.Compute()[2])
    return min(area_m2, ring.area0 - area_m2) / 1e6


def around(lat, lon, radius_m, corners):
    """A regular ring around a place."""
    points = [EARTH.Direct(lat, lon, 360.0 * i / corners, radius_m) for i in range(corners)]
    return tuple(LatLon(p["lat2"], (p["lon2"] + 540.0) % 360.0 - 180.0) for p in points)


PLACES = {
    "equator": (0.0, 10.0),
    "middle": (47.0, 8.0),
    "north pole": (90.0, 0.0),
    "beside the south pole": (-89.9, 77.0),
    "antimeridian": (-16.5, 179.99),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("radius_m", [30.0, 5_000.0, 28_000.0, 900_000.0])
def test_areas_are_those_of_geographiclib(place, radius_m):
    ring = around(*place, radius_m, 12)
    assert area_km2(solid(Polygon(ring))) == pytest.approx(true_area_km2(ring), rel=0.001)
    disc = around(*place, radius_m, 720)
    assert area_km2(solid(Circle(LatLon(*place), radius_m))) == pytest.approx(true_area_km2(disc), rel=0.001)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_the_area_of_a_corridor_is_its_length_by_its_width_and_two_half_discs(place):
    ends = (around(*place, 40_000.0, 2)[0], around(*place, 40_000.0, 2)[1])
    expected = 80.0 * 4.0 + math.pi * 2.0**2
    # Its round borders are drawn with corners, a little outside.
    assert area_km2(solid(Corridor(ends, 4_000.0))) == pytest.approx(expected, rel=0.002)


def holds(polygon, lat, lon):
    """Whether a polygon holds a place, judged in a frame at that place."""
    degrees = np.array([(v.lat_deg, v.lon_deg) for v in polygon.vertices])
    flat = Frame.at(lat, lon).flatten(in_space(normals(degrees[:, 0], degrees[:, 1])))
    return bool(shapely.contains_xy(shapely.polygons(flat), 0.0, 0.0))


def border_of(corridor, step_m):
    """Places on the border of a corridor: beside its line on both sides, and around its corners and ends."""
    half = corridor.width_m / 2
    for start, end in zip(corridor.path, corridor.path[1:], strict=False):
        line = EARTH.InverseLine(start.lat_deg, start.lon_deg, end.lat_deg, end.lon_deg)
        for s in np.linspace(0.0, line.s13, max(2, int(line.s13 / step_m))):
            at = line.Position(s)
            for turn in (-90.0, 90.0):
                there = EARTH.Direct(at["lat2"], at["lon2"], at["azi2"] + turn, half)
                yield there["lat2"], there["lon2"]
    for corner in corridor.path:
        for azimuth in range(0, 360, 15):
            there = EARTH.Direct(corner.lat_deg, corner.lon_deg, azimuth, half)
            yield there["lat2"], there["lon2"]


@st.composite
def corridors(draw):
    lat = draw(st.sampled_from([0.0, 46.5, -63.0, 89.99, -90.0]))
    lon = draw(st.sampled_from([7.25, 179.999, -180.0]))
    reach_m = draw(st.sampled_from([300.0, 8_000.0, 90_000.0, 600_000.0]))
    path = [LatLon(lat, lon)]
    for _ in range(draw(st.integers(1, 4))):
        here = path[-1]
        away = EARTH.Direct(
            here.lat_deg, here.lon_deg, draw(st.floats(0, 360)), reach_m * draw(st.floats(0.1, 0.4))
        )
        path.append(LatLon(away["lat2"], (away["lon2"] + 540.0) % 360.0 - 180.0))
    return Corridor(tuple(path), draw(st.sampled_from([2.0, 60.0, 0.1 * reach_m])))


@settings(max_examples=60, deadline=None)
@given(corridors())
def test_the_polygon_around_a_corridor_holds_every_place_on_its_border(corridor):
    polygon = polygon_around(corridor)
    solid(polygon)
    assert len(set(polygon.vertices)) == len(polygon.vertices)
    step_m = max(50.0, sum_of(corridor) / 60)
    assert [place for place in border_of(corridor, step_m) if not holds(polygon, *place)] == []


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("width_m", [4.0, 60_000.0])
def test_the_polygon_around_the_longest_corridors_holds_them(place, width_m):
    corridor = Corridor(around(*place, 950_000.0, 2), width_m)
    polygon = polygon_around(corridor)
    assert [spot for spot in border_of(corridor, 30_000.0) if not holds(polygon, *spot)] == []


def sum_of(corridor):
    pairs = zip(corridor.path, corridor.path[1:], strict=False)
    return sum(EARTH.Inverse(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)["s12"] for a, b in pairs)


@pytest.mark.parametrize(("reach_m", "width_m"), [(4_000.0, 100.0), (60_000.0, 2_000.0)])
def test_the_polygon_around_a_corridor_is_hardly_larger(reach_m, width_m):
    corridor = Corridor(around(47.0, 8.0, reach_m, 2), width_m)
    larger = area_km2(solid(polygon_around(corridor))) / area_km2(solid(corridor))
    assert 1.0 < larger < 1.005


def test_a_corridor_around_a_piece_of_ground_takes_it_in_and_no_more():
    bent = [(0.0, 0.0), (0.0, 0.04), (0.01, 0.04), (0.01, 0.01), (0.04, 0.01), (0.04, 0.0), (0.0, 0.0)]
    path = tuple(LatLon(47.0 + lat, 8.0 + lon) for lat, lon in bent)
    polygon = polygon_around(Corridor(path, 100.0))
    assert holds(polygon, 47.005, 8.005)
    assert not holds(polygon, 47.015, 8.015)
    solid(polygon)


def test_a_polygon_is_given_back_as_it_is():
    ring = Polygon(around(47.0, 8.0, 2_000.0, 5))
    assert polygon_around(ring) is ring


def test_a_circle_gets_a_polygon_that_holds_it():
    polygon = polygon_around(Circle(LatLon(47.0, 8.0), 5_000.0))
    assert all(holds(polygon, p.lat_deg, p.lon_deg) for p in around(47.0, 8.0, 5_000.0, 360))


def test_a_shape_without_an_inside_is_refused_by_name():
    with pytest.raises(InvalidShape) as refusal:
        polygon_around(Corridor((LatLon(1.0, 1.0),), 10.0), field="volumes[0].shape")
    assert refusal.value.members["field"] == "volumes[0].shape.path"
    with pytest.raises(TooLarge):
        polygon_around(Corridor((LatLon(0.0, 0.0), LatLon(0.0, 60.0)), 10.0))
