"""Flights out of a day of recorded positions: decode, clean, split. Pure; bounded before it allocates."""

import gzip
import io
import math
import zlib
from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from detente.errors import BadInput, TooLarge

MAX_PLAIN_BYTES = 64 * 1024 * 1024
"""The largest decompressed recording that is read; the Swiss day has 28.8 MB."""
MAX_RECORDS = 500_000
"""The most positions that are read; the Swiss day has 139,098."""
GAP_S = 600.0
"""A silence longer than this between two positions of one craft ends a flight and begins the next."""
FOOT_M = 0.3048
_MIN_PRESSURE_ALT_M, _MAX_PRESSURE_ALT_M = -500.0, 25_000.0
_DEGREE_DECIMALS = 6


class Record(Struct, frozen=True):
    """One position as it is written in the recording; members that are not needed are ignored."""

    timestamp: Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
    """Milliseconds since 1970, UTC."""
    icao24: Annotated[str, Meta(min_length=1, max_length=16)]
    callsign: Annotated[str, Meta(max_length=16)]
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None
    altitude: float | None = None
    """Feet of pressure altitude (1013.25 hPa)."""


class Sample(Struct, frozen=True, order=True):
    """Where a craft was at one instant."""

    at_ms: int
    lat_deg: float
    lon_deg: float
    pressure_alt_m: float


class Flight(Struct, frozen=True):
    """One unbroken passage of one craft, in order of time; two samples or more, no instant twice."""

    icao24: str
    callsign: str
    samples: tuple[Sample, ...]

    @property
    def departs_ms(self) -> int:
        """The instant of the first sample."""
        return self.samples[0].at_ms


def parse_recording(packed: bytes) -> list[Record]:
    """Decode a gzipped JSON list of positions.

    Args:
        packed: the file's bytes.

    Returns:
        The positions in the file's order.

    Raises:
        TooLarge: over MAX_PLAIN_BYTES when unpacked, or over MAX_RECORDS.
        BadInput: not gzip, not JSON, or a member is out of its range.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            plain = stream.read(MAX_PLAIN_BYTES + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise BadInput(f"the recording is not gzip: {fault}", field="recording", expected="gzip") from fault
    if len(plain) > MAX_PLAIN_BYTES:
        raise TooLarge("the recording is too large", field="recording", limit=MAX_PLAIN_BYTES)
    try:
        records = msgspec.json.decode(plain, type=list[Record])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadInput(f"the recording cannot be read: {fault}", field="recording") from fault
    if len(records) > MAX_RECORDS:
        raise TooLarge("too many positions", field="recording", limit=MAX_RECORDS, actual=len(records))
    return records


def parse_sample(record: Record) -> Sample | None:
    """Turn feet into metres and round a position to what it can mean.

    Args:
        record: one position as recorded.

    Returns:
        The sample, its degrees rounded to six decimals (0.1 m), its height to 0.01 m; None where the
        position is incomplete or no craft can be there.
    """
    if record.latitude is None or record.longitude is None or record.altitude is None:
        return None
    pressure_alt_m = record.altitude * FOOT_M
    if not (math.isfinite(pressure_alt_m) and _MIN_PRESSURE_ALT_M <= pressure_alt_m <= _MAX_PRESSURE_ALT_M):
        return None
    return Sample(
        record.timestamp,
        round(record.latitude, _DEGREE_DECIMALS),
        round(record.longitude, _DEGREE_DECIMALS),
        round(pressure_alt_m, 2),
    )


def split_flights(records: Iterable[Record], gap_s: float = GAP_S) -> list[Flight]:
    """Split positions into flights: one craft under one callsign, unbroken by more than ``gap_s``.

    Args:
        records: positions in any order.
        gap_s: the silence, in s, that ends a flight.

    Returns:
        Flights in the order of departure, then of craft and callsign: the same for any order of
        the input. A passage of a single position is no flight and is left out.
    """
    craft: dict[tuple[str, str], set[Sample]] = {}
    for record in records:
        sample = parse_sample(record)
        if sample is not None:
            key = (_plain(record.icao24).lower(), _plain(record.callsign).upper())
            craft.setdefault(key, set()).add(sample)
    flights = [
        Flight(icao24, callsign, passage)
        for (icao24, callsign), samples in craft.items()
        for passage in _passages(samples, gap_s)
        if len(passage) > 1
    ]
    return sorted(flights, key=lambda flight: (flight.departs_ms, flight.icao24, flight.callsign))


def _plain(text: str) -> str:
    # A callsign ends up in titles on other people's screens: letters and digits only.
    return "".join(character for character in text if character.isascii() and character.isalnum())


def _passages(samples: Iterable[Sample], gap_s: float) -> list[tuple[Sample, ...]]:
    # Of two positions at one instant the first in sort order stays: no craft is in two places.
    ordered = [next(same) for _, same in groupby(sorted(samples), key=attrgetter("at_ms"))]
    cuts = [
        index + 1
        for index, (before, after) in enumerate(pairwise(ordered))
        if after.at_ms - before.at_ms > gap_s * 1_000
    ]
    return [tuple(ordered[start:end]) for start, end in pairwise([0, *cuts, len(ordered)])]
