"""Splitting a recording into flights: small made recordings, and the real one through pip."""

import gzip
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.demo import flights
from detente.demo.flights import Record, Sample, parse_recording, parse_sample, split_flights
from detente.errors import BadInput, TooLarge


def at(second: int, icao24: str = "4b1803", callsign: str = "TEST1", **other: float) -> Record:
    fields = {"latitude": 47.0, "longitude": 8.0, "altitude": 35_000.0} | other
    return Record(timestamp=second * 1_000, icao24=icao24, callsign=callsign, **fields)


def packed(value: object) -> bytes:
    return gzip.compress(json.dumps(value).encode(), mtime=0)


def test_a_silence_of_exactly_the_gap_does_not_end_a_flight_and_a_second_more_does():
    one = split_flights([at(0), at(10), at(610), at(620)])
    two = split_flights([at(0), at(10), at(611), at(621)])
    assert [len(flight.samples) for flight in one] == [4]
    assert [len(flight.samples) for flight in two] == [2, 2]


def test_another_callsign_is_another_flight_of_the_same_craft():
    found = split_flights([at(0), at(10), at(20, callsign="TEST2"), at(30, callsign="TEST2")])
    assert [(flight.callsign, flight.departs_ms) for flight in found] == [("TEST1", 0), ("TEST2", 20_000)]


def test_a_single_position_is_no_flight():
    assert split_flights([at(0), at(1_000), at(2_000)]) == []


def test_positions_that_no_craft_can_have_are_left_out():
    assert parse_sample(at(0, altitude=float("nan"))) is None
    assert parse_sample(at(0, altitude=1e9)) is None
    assert parse_sample(Record(timestamp=0, icao24="a", callsign="", latitude=1.0, altitude=1.0)) is None
    assert parse_sample(at(0, latitude=47.123456789)) == Sample(0, 47.123457, 8.0, 10_668.0)


def test_a_callsign_holds_letters_and_digits_only():
    found = split_flights([at(0, callsign="<b> x1\u202e"), at(10, callsign="<b> x1\u202e")])
    assert [flight.callsign for flight in found] == ["BX1"]


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from("ab"), st.sampled_from("xy")), max_size=40),
    st.randoms(use_true_random=False),
)
def test_any_order_gives_the_same_flights_and_none_has_a_gap(moments, chance):
    records = [at(second, icao24=craft, callsign=call) for second, craft, call in moments]
    mixed = list(records)
    chance.shuffle(mixed)
    found = split_flights(records)
    assert split_flights(mixed) == found
    for flight in found:
        steps = [after.at_ms - before.at_ms for before, after in pairwise(flight.samples)]
        assert all(0 < step <= flights.GAP_S * 1_000 for step in steps)
    starts = [flight.departs_ms for flight in found]
    assert starts == sorted(starts)


def test_a_recording_is_read_and_unknown_members_are_ignored():
    row = {
        "timestamp": 1,
        "icao24": "a",
        "callsign": "B",
        "latitude": 1,
        "longitude": 2,
        "altitude": 3,
        "x": [],
    }
    assert parse_recording(packed([row])) == [Record(1, "a", "B", 1.0, 2.0, 3.0)]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"not gzip",
        gzip.compress(b"[" * 10, mtime=0)[:-5],
        gzip.compress(b"\xff\xfe", mtime=0),
        gzip.compress(b"[" * 100_000, mtime=0),
        packed({"timestamp": 1}),
        packed([{"timestamp": 1}]),
        packed([{"timestamp": "1", "icao24": "a", "callsign": "b"}]),
        packed([{"timestamp": 1, "icao24": "a", "callsign": "b", "latitude": 91}]),
    ],
)
def test_a_broken_recording_is_refused_by_name(broken):
    with pytest.raises(BadInput):
        parse_recording(broken)


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(flights, "MAX_PLAIN_BYTES", 1_000)
    with pytest.raises(TooLarge):
        parse_recording(gzip.compress(b" " * 1_001, mtime=0))
    monkeypatch.setattr(flights, "MAX_RECORDS", 1)
    row = {"timestamp": 1, "icao24": "a", "callsign": "B"}
    with pytest.raises(TooLarge):
        parse_recording(packed([row, row]))
