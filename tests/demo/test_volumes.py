"""Plans around flights: every sample inside its volumes, nothing uncovered, the same bytes each time."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import msgspec
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.demo import volumes
from detente.demo.flights import Flight, Sample
from detente.geo.model import Circle, LatLon, Shape
from detente.plans.model import MAX_VOLUMES

EARTH = Geodesic.WGS84
NO_SHIFT = timedelta(0)


@st.composite
def flights_anywhere(draw: st.DrawFn) -> Flight:
    """A craft that starts anywhere but at a pole, turns and climbs as it likes, and may stand still."""
    lat_deg, lon_deg = draw(st.floats(-88, 88)), draw(st.floats(-180, 180))
    at_ms, height_m, course_deg = 1_533_099_600_000, draw(st.floats(0, 14_000)), draw(st.floats(0, 360))
    samples = []
    for _ in range(draw(st.integers(2, 40))):
        samples.append(Sample(at_ms, round(lat_deg, 6), round(lon_deg, 6), round(height_m, 2)))
        at_ms += 1_000 * draw(st.sampled_from([1, 10, 10, 10, 200]))
        course_deg += draw(st.floats(-30, 30))
        height_m = min(15_000, max(0, height_m + draw(st.floats(-200, 200))))
        there = EARTH.Direct(lat_deg, lon_deg, course_deg, draw(st.sampled_from([0, 700, 2_500, 5_000])))
        lat_deg, lon_deg = there["lat2"], there["lon2"]
    return Flight("4b1803", "TEST1", tuple(samples))


def distance_m(a: LatLon, b: LatLon) -> float:
    return EARTH.Inverse(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)["s12"]


def edge_distance_m(here: LatLon, a: LatLon, b: LatLon) -> float:
    """The least distance to a geodesic edge, by ternary search: it has one valley at these lengths."""
    line = EARTH.InverseLine(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)

    def at(along_m: float) -> float:
        there = line.Position(along_m)
        return distance_m(here, LatLon(there["lat2"], there["lon2"]))

    low, high = 0.0, line.s13
    while high - low > 0.5:
        third = (high - low) / 3
        low, high = (low, high - third) if at(low + third) < at(high - third) else (low + third, high)
    return at((low + high) / 2)


def depth_inside_m(shape: Shape, here: LatLon) -> float:
    """How far inside a point lies, measured on the ellipsoid; negative outside."""
    if isinstance(shape, Circle):
        return shape.radius_m - distance_m(shape.center, here)
    nearest_m = min(edge_distance_m(here, a, b) for a, b in pairwise(shape.path))
    return shape.width_m / 2 - nearest_m


@settings(max_examples=40, deadline=None)
@given(flights_anywhere())
def test_each_sample_lies_well_inside_every_volume_of_its_time(flight):
    body = volumes.plan_body(flight, NO_SHIFT)
    pieces = volumes.slices(flight.samples)
    assert len(body.volumes) == len(pieces)
    for piece, volume in zip(pieces, body.volumes, strict=True):
        for sample in piece:
            here = LatLon(sample.lat_deg, sample.lon_deg)
            inside_m = depth_inside_m(volume.shape, here)
            # A metre for the sphere that the simplification is done on.
            assert inside_m >= volumes.SIDE_M - volumes.TOLERANCE_M - 1 > volumes.SIDE_M / 2
            at = datetime.fromtimestamp(sample.at_ms / 1_000, UTC)
            assert volume.start + timedelta(seconds=volumes.TIME_S) <= at
            assert at <= volume.end - timedelta(seconds=volumes.TIME_S)
            assert volume.lower_m + volumes.UP_DOWN_M <= sample.pressure_alt_m + 1e-6
            assert sample.pressure_alt_m <= volume.upper_m - volumes.UP_DOWN_M + 1e-6
            assert volume.upper_m - volume.lower_m < 2 * volumes.UP_DOWN_M + 15_000


@given(flights_anywhere())
def test_slices_share_their_ends_and_cover_the_flight(flight):
    pieces = volumes.slices(flight.samples)
    assert pieces[0][0] == flight.samples[0]
    assert pieces[-1][-1] == flight.samples[-1]
    assert all(before[-1] == after[0] for before, after in pairwise(pieces))
    for piece in pieces:
        assert len(piece) == 2 or piece[-1].at_ms - piece[0].at_ms <= volumes.SLICE_S * 1_000


@given(flights_anywhere(), st.integers(0, 5_000))
def test_a_body_is_the_same_bytes_each_time_and_a_shift_moves_times_only(flight, days):
    first = volumes.plan_body(flight, NO_SHIFT)
    again = volumes.plan_body(msgspec.convert(msgspec.to_builtins(flight), Flight), NO_SHIFT)
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    moved = volumes.plan_body(flight, timedelta(days=days))
    for here, there in zip(first.volumes, moved.volumes, strict=True):
        assert there.start - here.start == there.end - here.end == timedelta(days=days)
        assert (there.shape, there.lower_m, there.upper_m) == (here.shape, here.lower_m, here.upper_m)


def test_a_straight_line_becomes_two_positions_and_a_craft_that_stands_a_circle():
    straight = [Sample(k * 10_000, 47.0, 8.0 + 0.03 * k, 10_000.0) for k in range(7)]
    assert len(volumes.simplify(straight, volumes.TOLERANCE_M)) == 2
    standing = Flight("a", "B", tuple(Sample(k * 10_000, 47.0, 8.0, 10_000.0) for k in range(7)))
    assert volumes.plan_body(standing, NO_SHIFT).volumes[0].shape == Circle(LatLon(47.0, 8.0), volumes.SIDE_M)


def test_a_line_that_comes_back_to_its_start_keeps_its_turn():
    there_and_back = [Sample(k * 10_000, 47.0, 8.0 + 0.02 * min(k, 6 - k), 10_000.0) for k in range(7)]
    assert volumes.simplify(there_and_back, 100.0) == [
        LatLon(47.0, 8.0),
        LatLon(47.0, 8.06),
        LatLon(47.0, 8.0),
    ]


def test_the_day_moves_by_whole_days_to_tomorrow():
    recorded = datetime(2018, 8, 1, 5, 0, tzinfo=UTC)
    first = int(recorded.timestamp() * 1_000)
    flight = Flight("a", "B", (Sample(first, 47.0, 8.0, 1.0), Sample(first + 1, 47.0, 8.0, 1.0)))
    for now in (datetime(2026, 3, 9, 23, 59, tzinfo=UTC), datetime(2026, 3, 9, 0, 0, tzinfo=UTC)):
        shift = volumes.shift_to_tomorrow([flight], now)
        assert recorded + shift == datetime(2026, 3, 10, 5, 0, tzinfo=UTC)
        elsewhere = now.astimezone(timezone(timedelta(hours=2)))
        assert volumes.shift_to_tomorrow([flight], elsewhere) == shift


def test_ids_and_parties_never_change():
    flight = Flight("4b1803", "TEST1", (Sample(0, 47.0, 8.0, 1.0), Sample(1, 47.0, 8.0, 1.0)))
    assert (
        volumes.plan_id(flight)
        == volumes.plan_id(flight)
        != volumes.plan_id(Flight("4b1803", "TEST2", flight.samples))
    )
    assert {volumes.party_of(flight, ("a", "b")) for _ in range(3)} == {volumes.party_of(flight, ("a", "b"))}
    assert MAX_VOLUMES * volumes.SLICE_S >= 4 * 3_600
