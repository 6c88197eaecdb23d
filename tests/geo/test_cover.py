"""Coverings: real S2 cells (held against s2sphere), never too few, few too many."""

import math

import numpy as np
import pytest
import s2sphere
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import TooLarge
from detente.geo import Circle, Corridor, LatLon, Polygon, bounds_e7, cover, prepare
from detente.geo.cells import parent_id, parent_ids
from detente.geo.limits import MAX_PARENTS
from tests.geo.oracle import PLACES, at, core_of, draw, filled, volume

CORNERS = [(35.264389682754654, 45.0), (-35.264389682754654, 135.0), (0.0, 45.0), (45.0, 0.0), (-45.0, 90.0)]
"""Where three or two faces of the cube meet."""


def leaf(lat_deg, lon_deg):
    return s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat_deg, lon_deg))


def signed(number):
    return number - (1 << 64) if number >= 1 << 63 else number


def bit_of(cell):
    """The bit of a position's level 13 cell among its level 10 cell's descendants, by s2sphere."""
    parent, child = cell.parent(10), cell.parent(13)
    return (child.id() - parent.range_min().id()) // (2 * child.lsb())


def is_covered(rows, lat_deg, lon_deg):
    cell = leaf(lat_deg, lon_deg)
    mask = dict(rows).get(signed(cell.parent(10).id()), 0)
    return bool((mask >> bit_of(cell)) & 1)


def points_in(rng, shape, grow_m, count):
    """Points of a grown shape: its core's line or outline, and up to the radius around it."""
    degrees, radius, kind = core_of(shape)
    dense = filled(degrees, kind, 5_000.0)
    for index in rng.integers(0, len(dense), count):
        lat, lon = dense[index]
        spot = at(
            lat, lon, rng.uniform(0, 360), (radius + grow_m) * rng.choice([1.0, rng.random()]) * 0.999999
        )
        yield spot


@pytest.mark.parametrize("place", [*PLACES, *CORNERS], ids=str)
def test_no_point_of_a_grown_shape_is_outside_its_covering(place):
    rng = np.random.default_rng(3)
    for size_m in (30.0, 1_500.0, 12_000.0, 60_000.0):
        for grow_m in (0.0, 800.0):
            shape = draw(rng, *place, size_m, size_m)
            rows = cover(prepare(volume(shape)), grow_m)
            for spot in points_in(rng, shape, grow_m, 25):
                assert is_covered(rows, spot.lat_deg, spot.lon_deg), (shape, grow_m, spot)


@pytest.mark.parametrize("place", [*PLACES, *CORNERS], ids=str)
def test_the_inside_of_areas_is_covered(place):
    """A grid of points over a star-shaped polygon: between its centre and any point of its edge."""
    rng = np.random.default_rng(4)
    for size_m in (2_000.0, 90_000.0):
        ring = tuple(at(*place, azimuth, size_m) for azimuth in range(0, 360, 15))
        for shape in (Polygon(ring), Circle(at(*place), size_m)):
            rows = cover(prepare(volume(shape)))
            for _ in range(60):
                spot = at(*place, rng.uniform(0, 360), size_m * 0.99 * math.sqrt(rng.random()))
                assert is_covered(rows, spot.lat_deg, spot.lon_deg)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_few_cells_too_many(place):
    """Each named cell really comes within a whisker of the circle: checked by s2sphere's own distance."""
    for radius_m in (500.0, 1_000.0, 5_000.0):
        rows = cover(prepare(volume(Circle(at(*place), radius_m))))
        spot = leaf(*place).to_point()
        named = 0
        for parent, mask in rows:
            first = s2sphere.CellId(parent % (1 << 64)).child_begin(13)
            for bit in range(64):
                if (mask >> bit) & 1:
                    named += 1
                    cell = first.advance(bit)
                    # s2sphere measures on a sphere of geodetic latitudes: allow for the ellipsoid's 0.7 %.
                    reach = max(angle(s2sphere.Cell(cell).get_vertex(k), spot) for k in range(4))
                    assert reach * 6_335_000 - (2_400 if radius_m < 5_000 else 4_200) < radius_m * 1.01 + 5
        # A cell is named when its middle (of larger shapes: of the four that it belongs to) is within its own
        # half diagonal of the circle: 0.9 km, or 1.8 km.
        beyond_m = 900 if radius_m < 5_000 else 1_800
        assert named < math.pi * (radius_m + beyond_m) ** 2 / 0.9e6 + 2


def angle(a, b):
    return a.angle(b)


def test_rows_are_sorted_signed_and_at_level_ten():
    rows = cover(prepare(volume(Circle(LatLon(-30.0, -100.0), 30_000.0))))
    assert rows == sorted(rows)
    for parent, mask in rows:
        assert -(1 << 63) <= parent < 1 << 63
        assert -(1 << 63) <= mask < 1 << 63
        assert mask
        assert s2sphere.CellId(parent % (1 << 64)).level() == 10


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_point_lies_in_the_cell_that_s2sphere_names(lat, lon):
    rows = cover(prepare(volume(Circle(LatLon(lat, lon), 0.01))))
    assert is_covered(rows, lat, lon)
    assert len(rows) <= 4


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 1023), st.integers(0, 1023))
def test_parent_ids_are_those_of_s2sphere(face, i, j):
    expected = s2sphere.CellId.from_face_ij(face, i << 20, j << 20).parent(10).id()
    assert parent_id(face, i, j)[0] == signed(expected)
    ids, turns = parent_ids(np.array([face]), np.array([i]), np.array([j]))
    assert (ids[0], turns[0]) == parent_id(face, i, j)


def test_more_parents_than_the_limit_are_refused():
    with pytest.raises(TooLarge) as refused:
        cover(prepare(volume(Circle(LatLon(47, 8), 500_000.0))))
    assert refused.value.members["limit"] == MAX_PARENTS


def test_a_long_corridor_is_covered_all_along():
    shape = Corridor((LatLon(40.0, 170.0), LatLon(48.0, -175.0)), 4_000.0)
    rows = cover(prepare(volume(shape)))
    for lat, lon in filled(core_of(shape)[0], "line", 700.0):
        assert is_covered(rows, lat, lon)
    assert len(rows) < 500


@pytest.mark.parametrize("place", [*PLACES, *CORNERS], ids=str)
def test_bounds_hold_every_point(place):
    rng = np.random.default_rng(5)
    for size_m in (30.0, 1_500.0, 60_000.0):
        for grow_m in (0.0, 800.0):
            shape = draw(rng, *place, size_m, size_m)
            box = bounds_e7(prepare(volume(shape)), grow_m)
            for spot in points_in(rng, shape, grow_m, 40):
                assert box[0] <= spot.lat_deg * 1e7 <= box[1]
                assert box[2] <= spot.lon_deg * 1e7 <= box[3]


def test_bounds_are_close_where_nothing_wraps():
    box = bounds_e7(prepare(volume(Circle(LatLon(0.0, 0.0), 11_131.9))))
    assert box == pytest.approx((-1_006_730, 1_006_730, -1_006_730, 1_006_730), abs=7_000)


def test_bounds_are_the_full_circle_where_they_wrap():
    assert bounds_e7(prepare(volume(Circle(LatLon(0, 180.0), 10.0))))[2:] == (-1_800_000_000, 1_800_000_000)
    pole = bounds_e7(prepare(volume(Circle(LatLon(89.999, 10.0), 1_000.0))))
    assert pole[1:] == (900_000_000, -1_800_000_000, 1_800_000_000)
