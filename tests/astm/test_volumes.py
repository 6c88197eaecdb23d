"""The standard's volumes as ours and back: what is refused, by which name, and that nothing shrinks."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.astm.f3548.volumes import (
    MAX_AREA_KM2,
    Area,
    require_area,
    to_area,
    to_plan_volumes,
    to_volume4d,
)
from detente.astm.f3548.wire import Volume4D
from detente.errors import BadInput, InvalidShape, UnsupportedDatum
from detente.geo import Circle, Corridor, Datum, LatLon, Polygon, overlaps, prepare
from detente.geo.model import Volume
from detente.plans.model import PlanVolume
from detente.plans.volumes import to_ms, to_volume

START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
RING = [(47.0, 8.0), (47.0, 8.1), (47.1, 8.1), (47.1, 8.0)]


def altitude(value):
    return {"value": value, "reference": "W84", "units": "M"}


def at(time):
    return {"value": time.isoformat(), "format": "RFC3339"}


def polygon(*ring):
    return {"vertices": [{"lat": lat, "lng": lng} for lat, lng in ring]}


def circle(lat=47.0, lng=8.0, radius_m=500.0):
    return {"center": {"lat": lat, "lng": lng}, "radius": {"value": radius_m, "units": "M"}}


def volume(*, lower=100.0, upper=200.0, start=START, end=END, **outlines):
    members = outlines or {"outline_circle": circle()}
    space = {**members}
    if lower is not None:
        space["altitude_lower"] = altitude(lower)
    if upper is not None:
        space["altitude_upper"] = altitude(upper)
    whole = {"volume": space}
    if start is not None:
        whole["time_start"] = at(start)
    if end is not None:
        whole["time_end"] = at(end)
    return msgspec.convert(whole, Volume4D)


def test_a_circle_is_read_as_ours():
    (read,) = to_plan_volumes([volume()], "extents")
    assert read == PlanVolume(Circle(LatLon(47.0, 8.0), 500.0), 100.0, 200.0, START, END, Datum.WGS84)


@pytest.mark.parametrize("ring", [RING, RING[::-1]], ids=["one way", "the other way"])
def test_a_polygon_is_read_whichever_way_it_winds(ring):
    (read,) = to_plan_volumes([volume(outline_polygon=polygon(*ring))], "extents")
    assert read.shape == Polygon(tuple(LatLon(*vertex) for vertex in ring))
    inside = Volume(Circle(LatLon(47.05, 8.05), 10.0), 100.0, 200.0, to_ms(START), to_ms(END))
    outside = Volume(Circle(LatLon(47.2, 8.05), 10.0), 100.0, 200.0, to_ms(START), to_ms(END))
    assert overlaps(prepare(to_volume(read)), prepare(inside))
    assert not overlaps(prepare(to_volume(read)), prepare(outside))


CENTRE = {"lat": 47.0, "lng": 8.0}
RADIUS = {"value": 1.0, "units": "M"}
WIDE = circle(radius_m=30_000.0)
FAULTS = {
    "no outline": ({"outline_circle": None}, BadInput, "volume"),
    "both outlines": ({"outline_circle": circle(), "outline_polygon": polygon(*RING)}, BadInput, "volume"),
    "no centre": ({"outline_circle": {"radius": RADIUS}}, BadInput, "volume.outline_circle.center"),
    "no radius": ({"outline_circle": {"center": CENTRE}}, BadInput, "volume.outline_circle.radius"),
    "no inside": (
        {"outline_circle": circle(radius_m=1e-5)},
        InvalidShape,
        "volume.outline_circle.radius.value",
    ),
    "far too wide": (
        {"outline_circle": circle(radius_m=2e6)},
        BadInput,
        "volume.outline_circle.radius.value",
    ),
    "too wide": ({"outline_circle": WIDE}, BadInput, "volume.outline_circle"),
    "crossing itself": (
        {"outline_polygon": polygon(RING[0], RING[2], RING[1], RING[3])},
        InvalidShape,
        "volume.outline_polygon.vertices",
    ),
    "on a line": (
        {"outline_polygon": polygon((0, 0), (0, 1), (0, 0.5))},
        InvalidShape,
        "volume.outline_polygon.vertices",
    ),
    "closed by its first and too few": (
        {"outline_polygon": polygon(RING[0], RING[1], RING[0])},
        InvalidShape,
        "volume.outline_polygon.vertices",
    ),
    "twice in a row": (
        {"outline_polygon": polygon(RING[0], RING[0], *RING[1:])},
        BadInput,
        "volume.outline_polygon.vertices[1]",
    ),
    "twice across the antimeridian": (
        {"outline_polygon": polygon((0, 180), (0, 179), (1, 179), (0, -180))},
        BadInput,
        "volume.outline_polygon.vertices[3]",
    ),
    "twice at a pole": (
        {"outline_polygon": polygon((90, 0), (89, 1), (89, 2), (90, 5))},
        BadInput,
        "volume.outline_polygon.vertices[3]",
    ),
    "upside down": ({"lower": 300.0}, BadInput, "volume.altitude_lower.value"),
    "back in time": ({"start": END + timedelta(seconds=1)}, BadInput, "time_start.value"),
}


@pytest.mark.parametrize(("members", "kind", "field"), FAULTS.values(), ids=FAULTS)
def test_what_has_no_meaning_is_refused_by_its_name_on_the_wire(members, kind, field):
    bad = volume(**members)
    with pytest.raises(BadInput) as refusal:
        to_plan_volumes([volume(), bad], "extents", max_area_km2=MAX_AREA_KM2)
    assert type(refusal.value) is kind
    assert refusal.value.members["field"] == f"extents[1].{field}"
    assert refusal.value.members["expected"]
    assert refusal.value.members["actual"] is not None
    with pytest.raises(kind) as refusal:
        to_area(bad, "area_of_interest", max_area_km2=MAX_AREA_KM2)
    assert refusal.value.members["field"] == f"area_of_interest.{field}"


def test_a_position_out_of_range_is_named_as_it_was_written():
    # Decoding refuses it first; a struct that was not decoded is refused here.
    bad = volume(outline_polygon=polygon(*RING))
    vertices = bad.volume.outline_polygon.vertices
    far = msgspec.structs.replace(vertices[2], lat=91.0)
    ring = msgspec.structs.replace(bad.volume.outline_polygon, vertices=(*vertices[:2], far, vertices[3]))
    bad = msgspec.structs.replace(bad, volume=msgspec.structs.replace(bad.volume, outline_polygon=ring))
    with pytest.raises(BadInput) as refusal:
        to_plan_volumes([bad], "extents")
    assert refusal.value.members["field"] == "extents[0].volume.outline_polygon.vertices[2].lat"
    assert "outline_polygon.vertices[2].lat is 91.0" in refusal.value.detail


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ("lower", "volume.altitude_lower"),
        ("upper", "volume.altitude_upper"),
        ("start", "time_start"),
        ("end", "time_end"),
    ],
)
def test_a_bound_may_be_missing_from_an_area_and_not_from_an_operational_intent(missing, field):
    some = volume(**{missing: None})
    with pytest.raises(BadInput) as refusal:
        to_plan_volumes([some], "extents")
    assert refusal.value.members["field"] == f"extents[0].{field}"
    bounds = {"lower": 100.0, "upper": 200.0, "start": START, "end": END, missing: None}
    expected = Area(
        Circle(LatLon(47.0, 8.0), 500.0), bounds["lower"], bounds["upper"], bounds["start"], bounds["end"]
    )
    assert to_area(some, "area_of_interest") == expected


@pytest.mark.parametrize(("level", "lower", "upper"), [(120.0, 120.0, 120.01), (100_000.0, 99_999.99, 1e5)])
def test_a_volume_without_height_gets_a_centimetre(level, lower, upper):
    (read,) = to_plan_volumes([volume(lower=level, upper=level)], "extents")
    assert (read.lower_m, read.upper_m) == pytest.approx((lower, upper))
    prepare(to_volume(read))


@pytest.mark.parametrize("end", [START, START + timedelta(microseconds=300)])
def test_a_volume_without_duration_gets_a_millisecond(end):
    (read,) = to_plan_volumes([volume(end=end)], "extents")
    assert to_ms(read.end) - to_ms(read.start) == 1
    prepare(to_volume(read))


def test_a_volume_at_the_end_of_time_gets_its_millisecond_before():
    last = datetime.max.replace(tzinfo=UTC)
    (read,) = to_plan_volumes([volume(start=last, end=last)], "extents")
    assert read.start < read.end


@pytest.mark.parametrize("level", [-8_000.0, -1_500.0, 100_000.0])
def test_every_altitude_of_the_standard_is_one_of_ours(level):
    (read,) = to_plan_volumes([volume(lower=min(level, 99_000.0), upper=max(level, -7_000.0))], "extents")
    prepare(to_volume(read))


def test_the_area_of_a_request_has_a_limit_and_the_refusal_says_what_was_found():
    with pytest.raises(BadInput) as refusal:
        require_area(Circle(LatLon(47.0, 8.0), 28_500.0), "area_of_interest")
    assert refusal.value.status_hint == 400
    assert refusal.value.members["actual"] == "2,552 km2"
    require_area(Circle(LatLon(47.0, 8.0), 28_000.0), "area_of_interest")
    to_area(volume(outline_circle=WIDE), "area_of_interest")


WGS84 = [
    PlanVolume(Circle(LatLon(47.123456789012, -180.0), 500.123), 100.5, 200.25, START, END),
    PlanVolume(Polygon(tuple(LatLon(*v) for v in RING)), -8_000.0, 100_000.0, START, END),
]


@pytest.mark.parametrize("ours", WGS84, ids=["circle", "polygon"])
def test_circles_and_polygons_go_out_as_they_came_in(ours):
    written = msgspec.json.encode(to_volume4d(ours))
    assert to_plan_volumes([msgspec.json.decode(written, type=Volume4D)], "volumes") == (ours,)


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(0.001, 1e6),
    st.floats(-8_000, 99_999),
    st.floats(0.001, 1),
)
def test_every_circle_goes_out_as_it_came_in(lat, lng, radius_m, lower_m, height_m):
    ours = PlanVolume(Circle(LatLon(lat, lng), radius_m), lower_m, lower_m + height_m + 0.001, START, END)
    assert to_plan_volumes([to_volume4d(ours)], "volumes") == (ours,)


def test_a_repeated_vertex_of_ours_goes_out_once():
    ring = tuple(LatLon(*v) for v in RING)
    ours = PlanVolume(Polygon((ring[0], *ring, ring[0])), 100.0, 200.0, START, END)
    (theirs,) = to_plan_volumes([to_volume4d(ours)], "volumes")
    assert theirs.shape == Polygon(ring)


def test_a_corridor_goes_out_as_a_polygon_around_it():
    # Along the equator, where a shortest path keeps its latitude: its border is at 0.000904 degrees.
    path = (LatLon(0.0, 8.0), LatLon(0.0, 8.2), LatLon(-0.1, 8.2))
    ours = PlanVolume(Corridor(path, 200.0), 100.0, 200.0, START, END)
    (theirs,) = to_plan_volumes([to_volume4d(ours)], "volumes")
    assert isinstance(theirs.shape, Polygon)
    assert (theirs.lower_m, theirs.upper_m) == (100.0, 200.0)

    def meets(volume, lat):
        spot = Volume(Circle(LatLon(lat, 8.1), 1.0), 100.0, 200.0, to_ms(START), to_ms(END))
        return overlaps(prepare(to_volume(volume)), prepare(spot))

    assert [meets(one, 0.000912) for one in (ours, theirs)] == [True, True]
    assert [meets(one, 0.000935) for one in (ours, theirs)] == [False, False]


@pytest.mark.parametrize("datum", [Datum.AMSL, Datum.STD])
def test_altitudes_of_another_datum_go_out_as_the_band_that_holds_them(datum):
    ours = PlanVolume(Circle(LatLon(47.0, 8.0), 500.0), 1_000.0, 1_100.0, START, END, datum)
    (theirs,) = to_plan_volumes([to_volume4d(ours)], "volumes")
    low, high = prepare(to_volume(ours)).band_m
    assert (theirs.lower_m, theirs.upper_m, theirs.datum) == (low, high, Datum.WGS84)
    assert theirs.upper_m - theirs.lower_m >= 100.0
    # The geoid is some 48 m above the ellipsoid there.
    assert theirs.lower_m < 1_050.0
    assert theirs.upper_m > 1_140.0


@pytest.mark.parametrize(("lower_m", "upper_m"), [(-8_000.0, -7_990.0), (99_000.0, 100_000.0)])
def test_no_band_is_wider_than_the_standard_can_say(lower_m, upper_m):
    ours = PlanVolume(Circle(LatLon(2.0, 78.0), 500.0), lower_m, upper_m, START, END, Datum.STD)
    space = to_volume4d(ours).volume
    assert -8_000.0 <= space.altitude_lower.value <= space.altitude_upper.value <= 100_000.0


def test_altitudes_above_ground_need_terrain():
    ours = PlanVolume(Circle(LatLon(47.0, 8.0), 500.0), 0.0, 100.0, START, END, Datum.AGL)
    with pytest.raises(UnsupportedDatum):
        to_volume4d(ours)

    class Hill:
        def range_amsl_m(self, *_box):
            return 400.0, 900.0

    space = to_volume4d(ours, terrain=Hill()).volume
    assert space.altitude_lower.value < 460.0
    assert space.altitude_upper.value > 1_040.0


def test_a_ring_that_its_first_vertex_closes_is_read_without_it():
    (closed,) = to_plan_volumes([volume(outline_polygon=polygon(*RING, RING[0]))], "extents")
    (plain,) = to_plan_volumes([volume(outline_polygon=polygon(*RING))], "extents")
    assert closed == plain
