"""Arcs and circles of OpenAir as points of a polygon that is never smaller than what they bound.

Where a zone lies inside the circle, the points stand a little outside of it, so that the edges touch the
arc from outside; where it lies outside, they stand on the circle and the edges cut off a little of it. Both
make the zone larger, by at most `ERROR_M`.
"""

import math
from dataclasses import dataclass

import numpy as np

from detente.geo.ellipsoid import direct, inverse
from detente.geo.limits import MAX_EXTENT_M
from detente.geo.model import LatLon

ERROR_M = 0.5
_MARGIN_M = 0.01
"""For the difference between the plane and the ellipsoid in one step, and rounding."""
_MAX_STEP = math.radians(5.0)
_TURN = 2 * math.pi
_SAME_M = 1.0


@dataclass(frozen=True, slots=True)
class Arc:
    """An arc around a centre, from one bearing to another; its radius may change evenly on the way."""

    center: LatLon
    start_rad: float
    sweep_rad: float
    """Positive: clockwise."""
    start_m: float
    end_m: float
    start: LatLon | None = None
    """Where it begins, if the file says it; else on the arc."""
    end: LatLon | None = None


def _bearing(center: LatLon, place: LatLon) -> tuple[float, float]:
    distance, azimuth, _ = inverse(
        np.array([center.lat_deg]),
        np.array([center.lon_deg]),
        np.array([place.lat_deg]),
        np.array([place.lon_deg]),
    )
    return float(distance[0]), float(azimuth[0])


def _sweep(start_rad: float, end_rad: float, *, is_clockwise: bool) -> float:
    turn = (end_rad - start_rad) % _TURN if is_clockwise else (start_rad - end_rad) % _TURN
    # An arc from a bearing to itself is the whole circle.
    turn = turn or _TURN
    return turn if is_clockwise else -turn


def arc_between(center: LatLon, start: LatLon, end: LatLon, *, is_clockwise: bool) -> Arc:
    """Describe an arc by its ends (``DB``).

    Args:
        center: its centre.
        start: where it begins.
        end: where it ends; the same place makes a whole circle.
        is_clockwise: which way round.

    Returns:
        The arc; its radius goes evenly from the one end's distance to the other's.
    """
    start_m, start_rad = _bearing(center, start)
    end_m, end_rad = _bearing(center, end)
    if _bearing(start, end)[0] < _SAME_M:
        end_rad = start_rad
    return Arc(
        center, start_rad, _sweep(start_rad, end_rad, is_clockwise=is_clockwise), start_m, end_m, start, end
    )


def arc_by_bearings(
    center: LatLon, radius_m: float, start_deg: float, end_deg: float, *, is_clockwise: bool
) -> Arc:
    """Describe an arc by its radius and bearings from true north (``DA``)."""
    start_rad = math.radians(start_deg % 360)
    sweep = _sweep(start_rad, math.radians(end_deg % 360), is_clockwise=is_clockwise)
    return Arc(center, start_rad, sweep, radius_m, radius_m)


def points_on(arc: Arc, *, is_inside: bool) -> list[LatLon]:
    """Draw an arc.

    Args:
        arc: the arc.
        is_inside: whether the zone lies on the centre's side of it.

    Returns:
        Its points, ends included; see the module for where they stand.
    """
    radius_m = min(max(arc.start_m, arc.end_m, _SAME_M), MAX_EXTENT_M)
    half = min(math.acos(max(0.0, 1 - (ERROR_M - 2 * _MARGIN_M) / radius_m)), _MAX_STEP / 2)
    steps = max(2, math.ceil(abs(arc.sweep_rad) / (2 * half)))
    step = arc.sweep_rad / steps
    share = (np.arange(steps) + 0.5) / steps if is_inside else np.arange(1, steps) / steps
    radii = arc.start_m + (arc.end_m - arc.start_m) * share
    if is_inside:
        radii = radii / math.cos(step / 2) + _MARGIN_M
    ends = np.array([0.0, 1.0])
    share = np.concatenate((ends[:1], share, ends[1:]))
    radii = np.concatenate(([arc.start_m], radii, [arc.end_m]))
    ones = np.ones(len(share))
    lat, lon, _ = direct(
        ones * arc.center.lat_deg, ones * arc.center.lon_deg, arc.start_rad + share * arc.sweep_rad, radii
    )
    found = [LatLon(float(a), float(b)) for a, b in zip(lat, lon, strict=True)]
    found[0] = arc.start or found[0]
    found[-1] = arc.end or found[-1]
    return found
