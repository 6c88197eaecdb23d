"""Outlines that meet themselves are read as all that they enclose, or left to be refused."""

import json
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point
from shapely.geometry import Polygon as Flat

from detente.formats.zone_fields import Notes
from detente.formats.zone_files import read_zones
from detente.formats.zone_rings import MEETS_ITSELF, mended
from detente.geo.core import make_core
from detente.geo.model import LatLon, Polygon


def ring(*places):
    return Polygon(tuple(LatLon(47 + y / 100, 8 + x / 100) for x, y in places))


SQUARE = ((0, 0), (4, 0), (4, 4), (0, 4))
BOW = ring((0, 0), (4, 4), (4, 0), (0, 4))


def test_a_plain_ring_stays_as_it_is():
    notes = Notes()
    square = ring(*SQUARE)
    (same,) = mended(square, notes)
    assert same is square
    assert notes.all() == ()


@pytest.mark.parametrize(
    ("polygon", "parts", "vertices"),
    [
        (BOW, 2, 6),
        (ring(*SQUARE[:2], (4, 2), (6, 2), (4, 2), *SQUARE[2:]), 1, 5),
        (ring((0, 0), (4, 0), (4, 4.5), (4.5, 4), (0, 4)), 2, 7),
    ],
    ids=["a bow tie", "a spike", "a loop"],
)
def test_a_ring_that_meets_itself_becomes_what_it_encloses(polygon, parts, vertices):
    notes = Notes()
    found = mended(polygon, notes)
    assert len(found) == parts
    assert sum(len(part.vertices) for part in found) == vertices
    assert notes.all() == (MEETS_ITSELF,)
    for part in found:
        make_core(part, "part")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=4, max_size=9))
@settings(max_examples=150, deadline=None)
def test_what_is_enclosed_is_never_lost(places):
    polygon = ring(*places)
    notes = Notes()
    found = mended(polygon, notes)
    assume(MEETS_ITSELF in notes.all())
    flats = [Flat([(place.lon_deg, place.lat_deg) for place in part.vertices]) for part in found]
    outline = [(place.lon_deg, place.lat_deg) for place in polygon.vertices]
    for x in range(2, 199, 7):
        for y in range(2, 199, 7):
            point = (8 + x / 1000, 47 + y / 1000)
            turns = winding(outline, point)
            # Near an edge a geodesic and a straight line in degrees may disagree about the side.
            if turns and Point(point).distance(Flat(outline).boundary) > 1e-4:
                assert any(flat.buffer(1e-7).contains(Point(point)) for flat in flats)


def winding(outline, point):
    """How often an outline goes round a point, in either direction."""
    angles = [math.atan2(y - point[1], x - point[0]) for x, y in outline]
    turns = sum(
        math.remainder(after - before, 2 * math.pi)
        for before, after in zip(angles, [*angles[1:], angles[0]], strict=True)
    )
    return round(turns / (2 * math.pi))


def test_long_and_tangled_rings_are_left_alone():
    far = ring((0, 0), (60, 60), (60, 0), (0, 60))
    notes = Notes()
    assert mended(far, notes) == [far]
    turns = [(40 * math.sin(2.9 * step), 40 * math.cos(2.9 * step)) for step in range(400)]
    tangle = ring(*((x / 10, y / 10) for x, y in turns))
    assert mended(tangle, notes) == [tangle]
    many = ring(*(((step % 2) + step / 2000, step % 3) for step in range(1200)))
    assert mended(many, notes) == [many]
    assert notes.all() == ()


@pytest.mark.parametrize(("restriction", "zones", "misses"), [("prohibited", 1, 0), ("none", 0, 1)])
def test_an_exemption_does_not_grow_that_way(restriction, zones, misses):
    coordinates = [[place.lon_deg, place.lat_deg] for place in (*BOW.vertices, BOW.vertices[0])]
    feature = {
        "type": "Feature",
        "properties": {"id": "b", "restriction": restriction},
        "geometry": {"type": "Polygon", "coordinates": [coordinates]},
    }
    read = read_zones("x", json.dumps({"features": [feature]}).encode())
    assert (len(read.zones), len(read.misses)) == (zones, misses)
    if zones:
        assert len(read.zones[0].zone.volumes) == 2
        assert MEETS_ITSELF in read.zones[0].notes
