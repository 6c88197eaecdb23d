"""Latitude and longitude boxes around a shape: never too small, generous only near a pole."""

import math
from typing import NamedTuple

import numpy as np

from detente.geo.core import Core, Kind
from detente.geo.ellipsoid import MIN_RADIUS_M, positions
from detente.geo.limits import EDGE_STEP_M

_E7 = 10_000_000
_BULGE_M = EDGE_STEP_M**2 / 8 / 6_300_000.0
_NEAR_POLE_DEG = 89.9
_TURN_DEG = 180.0


class Box(NamedTuple):
    """Degrees. Longitudes run east from ``lon_lo`` and may pass 180; a full circle is -180 to 180."""

    lat_lo: float
    lat_hi: float
    lon_lo: float
    lon_hi: float


def box_around(core: Core, grow_m: float = 0.0) -> Box:
    """Bound a core, its radius and ``grow_m`` more."""
    # A metre is never more than 1 / MIN_RADIUS_M radians on the sphere of geodetic latitudes.
    angle = math.degrees((core.radius_m + grow_m + 0.01) / MIN_RADIUS_M)
    if core.kind is Kind.POINT:
        low = high = core.center.lat_deg
        west = east = 0.0
    else:
        lat, lon = positions(core.points_m)
        low, high = float(lat.min()), float(lat.max())
        away = (lon - core.center.lon_deg + 540.0) % 360.0 - 180.0
        west, east = float(away.min()), float(away.max())
    tilt = math.tan(math.radians(min(_NEAR_POLE_DEG, max(-low, high, 0.0))))
    # Between two filled points the geodesic bends poleward of both by at most this.
    bulge = 0.0 if core.kind is Kind.POINT else math.degrees(_BULGE_M * tilt / MIN_RADIUS_M) + 1e-8
    low, high = low - angle - bulge, high + angle + bulge
    reach = math.degrees((core.extent_m + core.radius_m + grow_m) / MIN_RADIUS_M)
    if abs(core.center.lat_deg) + reach >= _NEAR_POLE_DEG or max(high, -low) >= _NEAR_POLE_DEG:
        south = -90.0 if core.center.lat_deg - reach <= -_NEAR_POLE_DEG or low <= -_NEAR_POLE_DEG else low
        north = 90.0 if core.center.lat_deg + reach >= _NEAR_POLE_DEG or high >= _NEAR_POLE_DEG else high
        return Box(south, north, -180.0, 180.0)
    narrow = math.cos(math.radians(max(high, -low)))
    wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(angle)) / narrow)))
    return Box(low, high, core.center.lon_deg + west - wide, core.center.lon_deg + east + wide)


def box_e7(core: Core, grow_m: float) -> tuple[int, int, int, int]:
    """The box in 1e-7 degrees, rounded outward; longitudes are the full circle when it passes 180."""
    box = box_around(core, grow_m)
    lon = (box.lon_lo, box.lon_hi)
    if lon[0] < -_TURN_DEG or lon[1] > _TURN_DEG:
        lon = (-_TURN_DEG, _TURN_DEG)
    return (
        max(-90 * _E7, math.floor(box.lat_lo * _E7) - 1),
        min(90 * _E7, math.ceil(box.lat_hi * _E7) + 1),
        max(-180 * _E7, math.floor(lon[0] * _E7) - 1),
        min(180 * _E7, math.ceil(lon[1] * _E7) + 1),
    )


def wrapped(lon_deg: np.float64 | float) -> float:
    """Bring a longitude into -180..180."""
    return float((lon_deg + 540.0) % 360.0 - 180.0)
