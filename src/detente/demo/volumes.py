"""Plans of 4D volumes around a flight's real path: one corridor per slice of time, and why so wide.

The buffers are half of what air traffic control keeps between two aircraft in upper airspace, so
that two flights' volumes overlap when the aircraft would be closer than that, give or take what a
slice blurs. ``docs/demo.md`` explains the choice and what it does to the number of conflicts.
"""

import hashlib
import math
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from detente.demo.flights import FOOT_M, Flight, Sample
from detente.geo.model import Circle, Corridor, Datum, LatLon, Shape
from detente.plans.model import PlanBody, PlanId, PlanVolume, Sharing

SIDE_M = 4_630.0
"""Half of 5 nautical miles: two aircraft 5 NM apart have corridors that just touch."""
UP_DOWN_M = 400 * FOOT_M
"""400 ft: half of 1,000 ft, less 100 ft that a level aircraft's reading may wander."""
TIME_S = 5.0
"""Half of the recording's step of 10 s: the craft is between two samples meanwhile."""
SLICE_S = 60.0
"""How much of a flight one volume covers, at most. Longer slices are fewer volumes and falser conflicts."""
TOLERANCE_M = 100.0
"""How far a sample may lie from the corridor's middle line after it was simplified."""
DAY = timedelta(days=1)
_EARTH_M = 6_371_008.8
_NAMESPACE = uuid.UUID("5b1a7d1e-0f0c-5c1e-9d7e-6a2f4d3c2b10")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Floats = npt.NDArray[np.float64]


def plan_id(flight: Flight) -> PlanId:
    """Name the flight's plan: the same UUID at every run, whatever day it is shifted to."""
    return PlanId(str(uuid.uuid5(_NAMESPACE, f"{flight.icao24}/{flight.callsign}/{flight.departs_ms}")))


def party_of(flight: Flight, parties: Sequence[str]) -> str:
    """Choose the party that declares a craft's flights: by the SHA-256 of its address, so always the same."""
    digest = hashlib.sha256(flight.icao24.encode()).digest()
    return parties[digest[0] % len(parties)]


def shift_to_tomorrow(flights: Sequence[Flight], now: datetime) -> timedelta:
    """Find by how many whole days the recording moves so that it begins tomorrow (UTC).

    Args:
        flights: one or more, in order of departure.
        now: the current instant, with a zone.

    Returns:
        A whole number of days; the hours of the day stay what they were.
    """
    recorded = _instant(flights[0].departs_ms).date()
    return now.astimezone(UTC).date() + DAY - recorded


def plan_body(flight: Flight, shift: timedelta) -> PlanBody:
    """Make the plan that the flight's operator would have declared.

    Args:
        flight: a passage of two samples or more.
        shift: what is added to all times.

    Returns:
        One volume per slice, in pressure altitude (STD); each sample lies inside every volume whose
        slice holds it. The plan is shared fully: its title says no more than the callsign, which every
        craft of the recording sent to whoever listens, and without it nobody could say which two flights met.
    """
    return PlanBody(
        volumes=tuple(_volume(piece, shift) for piece in slices(flight.samples)),
        title=flight.callsign or flight.icao24,
        sharing=Sharing.FULL,
    )


def slices(samples: Sequence[Sample], slice_s: float = SLICE_S) -> list[Sequence[Sample]]:
    """Cut a passage into pieces of at most ``slice_s`` that share their end samples.

    Args:
        samples: two or more, in order of time.
        slice_s: the longest piece, in s; a single step longer than this is a piece of its own.

    Returns:
        Pieces of two samples or more; the end of one is the beginning of the next, so no instant
        between two samples is left uncovered.
    """
    pieces: list[Sequence[Sample]] = []
    first = 0
    for index in range(1, len(samples)):
        following = samples[min(index + 1, len(samples) - 1)]
        if index == len(samples) - 1 or following.at_ms - samples[first].at_ms > slice_s * 1_000:
            pieces.append(samples[first : index + 1])
            first = index
    return pieces


def _volume(piece: Sequence[Sample], shift: timedelta) -> PlanVolume:
    heights_m = [sample.pressure_alt_m for sample in piece]
    return PlanVolume(
        shape=_shape(piece),
        # Rounded outwards, to 0.1 m, so that rounding never uncovers a sample.
        lower_m=math.floor((min(heights_m) - UP_DOWN_M) * 10) / 10,
        upper_m=math.ceil((max(heights_m) + UP_DOWN_M) * 10) / 10,
        start=_instant(piece[0].at_ms) + shift - timedelta(seconds=TIME_S),
        end=_instant(piece[-1].at_ms) + shift + timedelta(seconds=TIME_S),
        datum=Datum.STD,
    )


def _shape(piece: Sequence[Sample]) -> Shape:
    line = simplify(piece, TOLERANCE_M)
    if len(line) == 1:
        return Circle(center=line[0], radius_m=SIDE_M)
    return Corridor(path=tuple(line), width_m=2 * SIDE_M)


def simplify(piece: Sequence[Sample], tolerance_m: float) -> list[LatLon]:
    """Leave out the samples that the line passes within ``tolerance_m`` anyway.

    Args:
        piece: one sample or more, all within some 100 km.
        tolerance_m: how far a sample may be from the line, in m.

    Returns:
        Positions of samples, ends included, none twice in a row; one position if all are within
        half a metre of the first.

    Source: Douglas and Peucker 1973, as in GEOS; in the gnomonic projection, where shortest
        paths on the sphere are straight.
    """
    positions = [LatLon(sample.lat_deg, sample.lon_deg) for sample in piece]
    flat_m = _gnomonic_m(positions)
    if float(np.hypot(*(flat_m - flat_m[0]).T).max()) < 0.5:  # noqa: PLR2004 - the half metre of the docstring
        return positions[:1]
    simple = shapely.simplify(shapely.LineString(flat_m), tolerance_m, preserve_topology=False)
    # GEOS keeps corners as they were, in order: walking along finds the sample of each again.
    walk = zip(flat_m.tolist(), positions, strict=True)
    line = [
        next(position for flat, position in walk if flat == corner)
        for corner in shapely.get_coordinates(simple).tolist()
    ]
    return [line[0], *(after for before, after in pairwise(line) if before != after)]


def _gnomonic_m(positions: Sequence[LatLon]) -> Floats:
    # Shape (n, 2): metres east and north on the plane that touches the sphere at the middle position.
    # At 50 km from there a length is wrong by 1 in 10,000.
    middle = positions[len(positions) // 2]
    lat = np.radians([position.lat_deg for position in positions])
    lon = np.radians([position.lon_deg - middle.lon_deg for position in positions])
    lat_0 = math.radians(middle.lat_deg)
    depth = math.sin(lat_0) * np.sin(lat) + math.cos(lat_0) * np.cos(lat) * np.cos(lon)
    east = np.cos(lat) * np.sin(lon) / depth
    north = (math.cos(lat_0) * np.sin(lat) - math.sin(lat_0) * np.cos(lat) * np.cos(lon)) / depth
    return _EARTH_M * np.column_stack((east, north))


def _instant(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
