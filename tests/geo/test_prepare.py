"""What is refused, by which name and field; and what looks odd but works."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.errors import BadInput, InvalidShape, TooLarge, UnsupportedDatum
from detente.geo import Circle, Corridor, Datum, LatLon, Polygon, overlaps, prepare
from tests.geo.oracle import PLACES, at, metres, volume

BASE = volume(Circle(LatLon(47.0, 8.0), 100.0))


def ring(*degrees):
    return Polygon(tuple(LatLon(float(a), float(b)) for a, b in degrees))


BAD_SHAPES = {
    "two vertices": (ring((0, 0), (0, 1)), "too-few-vertices"),
    "three of which two are one": (ring((0, 0), (0, 1), (0, 1)), "too-few-vertices"),
    "no vertices": (Polygon(()), "too-few-vertices"),
    "a closed line": (ring((0, 0), (0, 1), (0, 0)), "too-few-vertices"),
    "on one geodesic": (ring((0, 0), (0, 1), (0, 2)), "zero-area"),
    "out and back": (ring((0, 0), (0, 1), (0, 2), (0, 1)), "zero-area"),
    "a bow tie": (ring((0, 0), (1, 1), (1, 0), (0, 1)), "self-crossing"),
    "a lopsided bow tie": (ring((0, 0), (1, 1), (1.5, 0), (0, 1)), "self-crossing"),
    "a figure of eight": (ring((0, 0), (1, 1), (2, 0), (2, 2), (1, 1), (0, 2)), "self-crossing"),
    "a pentagram": (
        ring(*((math.sin(k * 4 * math.pi / 5), math.cos(k * 4 * math.pi / 5)) for k in range(5))),
        "self-crossing",
    ),
    "half the globe": (ring((0, 0), (0, 90), (0, 179), (0, -90)), "larger-than-a-hemisphere"),
    "opposite ends": (ring((0, 0), (0, 180), (10, 0)), "antipodal-edge"),
    "a corridor of one point": (Corridor((LatLon(1, 1), LatLon(1, 1)), 10.0), "too-few-vertices"),
    "a corridor to the other side": (Corridor((LatLon(10, 10), LatLon(-10, -170)), 10.0), "antipodal-edge"),
    "a corridor without width": (Corridor((LatLon(1, 1), LatLon(1, 2)), 0.0), "zero-radius"),
    "a circle without radius": (Circle(LatLon(1, 1), 0.0), "zero-radius"),
    "a negative circle": (Circle(LatLon(1, 1), -5.0), "zero-radius"),
}


@pytest.mark.parametrize("case", BAD_SHAPES, ids=str)
def test_shapes_without_an_inside_are_refused_by_name(case):
    shape, fault = BAD_SHAPES[case]
    with pytest.raises(InvalidShape) as refused:
        prepare(volume(shape), field="volumes[2]")
    assert refused.value.members["fault"] == fault
    assert refused.value.members["field"].startswith("volumes[2].shape.")


NUMBERS = {
    "volumes[2].shape.vertices[1].lat_deg": ring((0, 0), (math.nan, 1), (1, 1)),
    "volumes[2].shape.vertices[2].lon_deg": ring((0, 0), (0, 1), (1, math.inf)),
    "volumes[2].shape.vertices[0].lat_deg": ring((90.0001, 0), (0, 1), (1, 1)),
    "volumes[2].shape.path[1].lon_deg": Corridor((LatLon(0, 0), LatLon(0, -180.5)), 5.0),
    "volumes[2].shape.center.lat_deg": Circle(LatLon(-math.inf, 0), 5.0),
    "volumes[2].shape.radius_m": Circle(LatLon(0, 0), math.nan),
    "volumes[2].shape.width_m": Corridor((LatLon(0, 0), LatLon(0, 1)), math.nan),
}


@pytest.mark.parametrize("field", NUMBERS)
def test_numbers_out_of_range_are_refused_with_their_field(field):
    with pytest.raises(BadInput) as refused:
        prepare(volume(NUMBERS[field]), field="volumes[2]")
    assert refused.value.members["field"] == field
    assert refused.value.status_hint == 400


OTHERS = {
    "lower nan": ({"lower_m": math.nan}, "volume.lower_m", None),
    "upper infinite": ({"upper_m": math.inf}, "volume.upper_m", None),
    "too low": ({"lower_m": -8_001.0}, "volume.lower_m", None),
    "too high": ({"upper_m": 100_001.0}, "volume.upper_m", None),
    "no height": ({"lower_m": 100.0}, "volume.upper_m", "zero-height"),
    "reversed": ({"lower_m": 200.0}, "volume.upper_m", "altitudes-reversed"),
    "no duration": ({"end_ms": 0}, "volume.end_ms", "zero-duration"),
    "times reversed": ({"end_ms": -1}, "volume.end_ms", "times-reversed"),
    "too late": ({"end_ms": 10**15}, "volume.end_ms", None),
    "no integer": ({"start_ms": 0.5}, "volume.start_ms", None),
}


@pytest.mark.parametrize("case", OTHERS)
def test_bands_and_times_that_are_none_are_refused(case):
    change, field, fault = OTHERS[case]
    with pytest.raises(BadInput) as refused:
        prepare(replace(BASE, **change))
    assert refused.value.members["field"] == field
    assert refused.value.members.get("fault") == fault


TOO_LARGE = {
    "vertices": Polygon(tuple(at(47, 8, k * 360 / 10_001, 5_000) for k in range(10_001))),
    "path": Corridor(tuple(LatLon(47 + k * 1e-5, 8) for k in range(10_001)), 5.0),
    "circle": Circle(LatLon(47, 8), 1_000_001.0),
    "infinite circle": Corridor((LatLon(0, 0), LatLon(0, 1)), 3e6),
    "wide polygon": ring((0, 0), (0, 25), (20, 12)),
    "long corridor": Corridor((LatLon(0, 0), LatLon(0, 60)), 5.0),
    "zigzag": Corridor(tuple(LatLon(5.0 * (k % 2), k * 1e-3) for k in range(120)), 5.0),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_over_a_limit(case):
    with pytest.raises(TooLarge) as refused:
        prepare(volume(TOO_LARGE[case]))
    assert refused.value.members["limit"] < refused.value.members["actual"]
    assert refused.value.status_hint == 413


def test_ten_thousand_vertices_are_allowed():
    shape = Polygon(tuple(at(47, 8, k * 360 / 10_000, 5_000) for k in range(10_000)))
    assert overlaps(prepare(volume(shape)), prepare(BASE))


def test_repeated_and_closing_vertices_are_dropped():
    plain = ring((0, 0), (0, 1), (1, 1))
    stuttering = ring((0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (0, 0))
    assert len(prepare(volume(plain)).core.points_m) == len(prepare(volume(stuttering)).core.points_m)


def test_the_antimeridian_and_the_poles_have_two_names_for_one_point():
    with pytest.raises(InvalidShape):
        prepare(volume(ring((10, 180), (10, -180), (11, 180))))
    with pytest.raises(InvalidShape):
        prepare(volume(ring((90, 0), (90, 77), (89, 0))))


@pytest.mark.parametrize(
    "shape",
    [
        ring((89, 0), (89, 90), (89, 180), (89, -90)),
        ring((-89, 0), (-89, -90), (-89, 180), (-89, 90)),
        ring((-1, 179), (-1, -179), (1, -179), (1, 179)),
        ring((90, 0), (89, 10), (89, 50)),
    ],
    ids=["north pole inside", "south pole inside", "antimeridian", "a corner at the pole"],
)
def test_odd_places_work_with_either_winding(shape):
    for one in (shape, Polygon(shape.vertices[::-1])):
        solid = prepare(volume(one))
        inside = solid.flat.representative_point()
        lat, lon = solid.core.frame.positions(np.array([[inside.x, inside.y]]))
        assert overlaps(solid, prepare(volume(Circle(LatLon(float(lat[0]), float(lon[0])), 5.0))))
        assert not overlaps(solid, prepare(volume(Circle(at(0, 0), 5.0))))


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_no_vertex_is_beyond_the_reach(place):
    vertices = tuple(at(*place, k * 51, 40_000 * (1 + k % 3)) for k in range(7))
    solid = prepare(volume(Polygon(vertices)))
    assert max(metres(solid.center, v) for v in vertices) <= solid.reach_m
    assert solid.reach_m < 170_000


def test_a_solid_is_fixed():
    solid = prepare(BASE)
    with pytest.raises(AttributeError):
        solid.lower_m = 5
    with pytest.raises(ValueError, match="read-only"):
        solid.core.points_m[0, 0] = 1.0


def test_above_ground_without_terrain_is_refused_by_name():
    with pytest.raises(UnsupportedDatum) as refused:
        prepare(replace(BASE, datum=Datum.AGL), field="volumes[0]")
    assert refused.value.members["field"] == "volumes[0].datum"


def test_threads_may_share_solids():
    a, b = (
        prepare(volume(ring((47, 8), (47, 9), (48, 8.5)))),
        prepare(volume(ring((47.5, 8), (47.5, 9), (46.5, 8.5)))),
    )
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.extend(overlaps(a, b) for _ in range(200))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 800


anything = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-180, 180)


@settings(deadline=None)
@given(
    st.lists(st.builds(LatLon, anything, anything), max_size=6),
    st.sampled_from([Polygon, Corridor]),
    anything,
)
def test_whatever_comes_is_prepared_or_refused(vertices, kind, width):
    shape = Polygon(tuple(vertices)) if kind is Polygon else Corridor(tuple(vertices), width)
    try:
        solid = prepare(volume(shape))
    except BadInput as refused:
        problem = refused.members
    else:
        problem = None
        assert overlaps(solid, solid)
    assert problem is None or "field" in problem
