"""What is grown and what is inscribed, against distances; and the conflicts in which GEOS alone was wrong."""

import math

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.geo import cover, find_overlap, prepare
from detente.geo.ellipsoid import in_space, normals
from detente.geo.grown import grown, largest_circles
from detente.geo.model import Circle, Corridor, LatLon, Polygon, Separation, Volume
from detente.geo.sweep_degrees import degrees_of

SEEDS = st.integers(0, 2**32)


def volume(shape):
    return prepare(Volume(shape, 0.0, 100.0, 0, 1_000))


def positions(*lon_lat):
    return tuple(LatLon(lat, lon) for lon, lat in lon_lat)


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_what_is_grown_encloses_all_within_the_distance_and_little_more(seed):
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(size=(int(rng.integers(2, 40)), 2)) * rng.uniform(1, 3_000), axis=0)
    ring = np.column_stack((np.cos(angle := np.sort(rng.uniform(0, 2 * np.pi, 9))), np.sin(angle))) * 2_000
    cores = np.array([shapely.Point(0, 0), shapely.LineString(path), shapely.Polygon(ring)], object)
    by_m = rng.uniform(0.5, 30_000, 3)
    for core, far, m in zip(cores, grown(cores, by_m), by_m, strict=True):
        rim = shapely.points(shapely.get_coordinates(shapely.segmentize(shapely.boundary(far), m / 50)))
        reach = shapely.distance(core, rim) / m
        assert reach.min() > 1 - 1e-9
        assert reach.max() < 1.0034
        assert shapely.contains(far, core)


def test_a_long_line_that_bends_by_little_is_grown_by_enough():
    angle = np.linspace(0, 2, 1_000)
    core = shapely.LineString(np.column_stack((np.cos(angle), np.sin(angle))) * 30_000)
    (far,) = grown(np.array([core], object), np.array([40_000.0]))
    rim = shapely.points(shapely.get_coordinates(shapely.boundary(far)))
    assert (
        1 - 1e-9
        < shapely.distance(core, rim).min() / 40_000
        < shapely.distance(core, rim).max() / 40_000
        < 1.06
    )


def test_what_is_grown_by_nothing_stays():
    cores = np.array([shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1)], object)
    assert (grown(cores, np.zeros(2)) == cores).all()


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_the_largest_circle_is_inside_and_not_much_too_small(seed):
    rng = np.random.default_rng(seed)
    long, wide = rng.uniform(1, 1_000) * rng.uniform(1, 200), rng.uniform(1, 1_000)
    hulls = [
        shapely.convex_hull(shapely.MultiPoint(rng.normal(size=(n, 2)) * (long, wide))) for n in (3, 5, 9, 40)
    ]
    areas = np.array([shapely.affinity.rotate(hull, rng.uniform(0, 180)) for hull in hulls], object)
    center, radius_m = largest_circles(areas)
    # No circle is as large as the largest but for a thousandth: shrunk by halves between lines, not by GEOS.
    for area, middle, radius in zip(areas, center, radius_m, strict=True):
        most = inscribed(area)
        assert radius <= most * 1.001
        assert radius > most * 0.985
        assert shapely.contains(area, shapely.Point(middle))


def inscribed(area):
    """The radius of the largest circle in a convex polygon, by ternary search between its sides."""
    corners = shapely.get_coordinates(shapely.orient_polygons(area).exterior)
    edge = np.diff(corners, axis=0)
    inward = np.column_stack((-edge[:, 1], edge[:, 0])) / np.hypot(*edge.T)[:, None]
    offset = (inward * corners[:-1]).sum(axis=1)

    def lowest(x, low, high):
        return ternary(lambda y: (inward @ (x, y) - offset).min(), low, high)

    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return ternary(lambda x: lowest(x, y0, y1), x0, x1)


def ternary(value, low, high):
    for _ in range(70):
        third = (high - low) / 3
        if value(low + third) < value(high - third):
            low += third
        else:
            high -= third
    return value((low + high) / 2)


def test_the_shared_piece_of_a_bent_corridor_and_a_circle_that_it_hardly_reaches_is_drawn():
    bent = Corridor(positions((8, 47), (8.0009031, 46.999169), (8.0012909, 46.9986773)), 15_574.608800138289)
    overlap = find_overlap(volume(bent), volume(Circle(LatLon(47.0375495, 8.0891354), 171.73)), Separation())
    assert overlap.horizontal_depth_m == pytest.approx(8.76, abs=0.01)
    (ring,) = overlap.outline
    assert len(ring) >= 3


def test_a_covering_of_a_wide_bent_corridor_holds_every_place_in_it():
    rng = np.random.default_rng(5)
    turns = np.array([(-107.14, -23.7)]) + np.cumsum(rng.normal(size=(22, 2)) * 0.003, axis=0)
    wide = volume(Corridor(positions(*turns.tolist()), 2 * 213_142.0))
    covered = dict(cover(wide))
    middle = turns.mean(axis=0)
    for _ in range(400):
        direction, far = rng.uniform(0, 2 * math.pi), rng.uniform(209_000, 214_000)
        lat = middle[1] + far * math.sin(direction) / 111_000
        lon = middle[0] + far * math.cos(direction) / (111_000 * math.cos(math.radians(lat)))
        dot = volume(Circle(LatLon(float(lat), float(lon)), 1.0))
        if find_overlap(wide, dot, Separation()) is not None:
            assert any(covered.get(parent, 0) & mask for parent, mask in cover(dot)), (lat, lon)


def test_the_depth_of_two_polygons_is_that_of_the_largest_circle():
    rng = np.random.default_rng(11)
    for _ in range(60):
        rings = [convex(rng) for _ in range(2)]
        solids = [volume(Polygon(positions(*ring.tolist()))) for ring in rings]
        overlap = find_overlap(*solids, Separation())
        if overlap is None or overlap.horizontal_depth_m < 5:
            continue
        flat = [shapely.Polygon((ring - (8, 47)) * (75_970, 111_170)) for ring in rings]
        shared = shapely.intersection(*flat)
        assert overlap.horizontal_depth_m == pytest.approx(2 * inscribed(shared), rel=0.02)


def convex(rng):
    points = shapely.MultiPoint(rng.normal(size=(int(rng.integers(3, 9)), 2)) * 0.004 + (8, 47))
    return shapely.get_coordinates(shapely.convex_hull(points))[:-1]


@pytest.mark.parametrize(
    ("one", "other", "area_m2"),
    [
        (Circle(LatLon(-89.98, 174.0), 7_000.0), Circle(LatLon(-89.978, 100.0), 4_000.0), 50_260_000),
        (Circle(LatLon(89.99, 10.0), 3_000.0), Circle(LatLon(89.99, -170.0), 3_000.0), None),
        (Circle(LatLon(89.98, 118.0), 2_500.0), Circle(LatLon(89.99, -20.0), 2_000.0), None),
    ],
)
def test_a_shared_piece_round_a_pole_is_whole_in_degrees(one, other, area_m2):
    geod = pyproj.Geod(ellps="WGS84")
    solids = [volume(shape) for shape in (one, other)]
    overlap = find_overlap(*solids, Separation())
    drawn = degrees_of(overlap.outline)
    if area_m2 is None:
        frame = solids[0].core.frame
        ring = np.array([(p.lat_deg, p.lon_deg) for p in overlap.outline[0]])
        area_m2 = shapely.Polygon(frame.flatten(in_space(normals(*ring.T)))).area
    assert shapely.is_valid(drawn)
    # As straight lines between longitudes and latitudes, as GeoJSON has them.
    fine = shapely.segmentize(drawn, 0.5)
    assert abs(geod.geometry_area_perimeter(fine)[0]) == pytest.approx(area_m2, rel=0.01)
    assert drawn.bounds[0] == -180.0
    assert drawn.bounds[2] == 180.0
