"""WGS 84 in numbers: positions in space, geodesic distances and geodesic lines, vectorised.

Source: T. Vincenty, Survey Review XXIII, 176 (1975) for :func:`inverse` and :func:`direct`; the short
distances of :func:`arc_m` come from the curvature of the ellipsoid along the chord.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

A_M = 6378137.0
F = 1 / 298.257223563
B_M = A_M * (1 - F)
E2 = F * (2 - F)
EP2 = E2 / (1 - E2)
MIN_RADIUS_M = A_M * (1 - E2)
"""The smallest radius of curvature anywhere (meridian at the equator): metres / this >= angle."""
ARC_LIMIT_M = 150_000.0
"""Up to here :func:`arc_m` is within 0.01 mm of the geodesic; tests hold it against geographiclib."""
_ITERATIONS = 60
_DROPS = 2
_AXIS2 = A_M * A_M / (B_M * B_M)
_SLOPE = np.array([1.0, 1.0, _AXIS2])
_CHORD_FORMS = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0 + EP2]])
_MIDDLE_FORMS = np.array([[1.0, 1.0], [1.0, 1.0], [_AXIS2, _AXIS2 * _AXIS2]]) * [1.0, 4 * A_M * A_M]
_TINY = 1e-15
_SERIES_END = 1e-4
"""Squared half angle beyond which the series' next term would pass 1e-17 (some 120 km)."""


def normals(lat_deg: Floats | float, lon_deg: Floats | float) -> Floats:
    """Turn positions into unit vectors square to the ellipsoid, shape (..., 3)."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    cos = np.cos(lat)
    return np.stack((cos * np.cos(lon), cos * np.sin(lon), np.sin(lat)), axis=-1)


def in_space(normal: Floats) -> Floats:
    """Place unit normals, shape (..., 3), on the ellipsoid: Earth-centred metres, shape (..., 3)."""
    up = normal[..., 2]
    radius = A_M / np.sqrt(1 - E2 * up * up)
    out = normal * radius[..., None]
    out[..., 2] *= 1 - E2
    return out


def positions(space_m: Floats) -> tuple[Floats, Floats]:
    """Read latitude and longitude in degrees from points on the ellipsoid, shape (..., 3).

    Only on the surface is the normal known without iteration.
    """
    x, y, z = space_m[..., 0], space_m[..., 1], space_m[..., 2]
    lat = np.degrees(np.arctan2(z / (1 - E2), np.hypot(x, y)))
    return lat, np.degrees(np.arctan2(y, x))


def axes_of(normal: Floats) -> Floats:
    """East, north and up at unit normals: rows, shape (..., 3, 3).

    At a pole east is along longitude 90, as longitude 0 gives it.
    """
    x, y, z = normal[..., 0], normal[..., 1], normal[..., 2]
    cos = np.hypot(x, y)
    safe = np.where(cos > 0, cos, 1.0)
    sin_lon, cos_lon = np.where(cos > 0, y / safe, 0.0), np.where(cos > 0, x / safe, 1.0)
    zero = np.zeros_like(x)
    rows = (-sin_lon, cos_lon, zero, -z * cos_lon, -z * sin_lon, cos, x, y, z)
    out: Floats = np.stack(rows, axis=-1).reshape(*np.shape(x), 3, 3)
    return out


def axes_at(space_m: Floats) -> Floats:
    """East, north and up at points on the ellipsoid, shape (..., 3): rows, shape (..., 3, 3)."""
    up = space_m.copy()
    up[..., 2] *= _AXIS2  # the gradient of the ellipsoid is its normal
    return axes_of(up / np.linalg.norm(up, axis=-1)[..., None])


def drop(space_m: Floats) -> Floats:
    """Move points within some kilometres of the ellipsoid, shape (..., 3), square onto it.

    Not toward the Earth's centre: from the middle of a chord of 2 km that would land 0.3 mm off the geodesic.
    """
    point = space_m
    for _ in range(_DROPS):
        slope = point * _SLOPE
        above = (point * slope).sum(axis=-1) - A_M * A_M
        point = point - slope * (above / (2 * (slope * slope).sum(axis=-1)))[..., None]
    return point


def arc_m(a_m: Floats, b_m: Floats) -> Floats:
    """Measure along the ellipsoid between points in space, by the curvature at the chord's middle.

    Args:
        a_m: points on the ellipsoid, shape (..., 3).
        b_m: points on the ellipsoid, shape (..., 3), broadcast against ``a_m``.

    Returns:
        Geodesic distance in metres; error below 0.01 mm up to ``ARC_LIMIT_M``, 3e-8 of it at 1,000 km.
    """
    chord = b_m - a_m
    forms = (chord * chord) @ _CHORD_FORMS
    out: Floats = ratio_of_arc(forms, a_m + b_m) * np.sqrt(forms[..., 0])
    return out


def chord_forms(chord_m: Floats) -> Floats:
    """Square chords, shape (..., 3), plainly and with the axis weighted for curvature: (..., 2)."""
    out: Floats = (chord_m * chord_m) @ _CHORD_FORMS
    return out


def ratio_of_arc(forms: Floats, twice_middle_m: Floats) -> Floats:
    """Say how much longer the arc is than its chord, at least 1.

    The normal curvature is t'Dt / |Dx| with D = diag(1/a2, 1/a2, 1/b2), at the chord's middle lifted to the
    surface. The chord is parallel to the curve there, so no azimuth (and no pole) comes in.

    Args:
        forms: :func:`chord_forms` of the chords, shape (..., 2).
        twice_middle_m: the sums of the two ends, shape (..., 3).
    """
    middle = (twice_middle_m * twice_middle_m) @ _MIDDLE_FORMS
    along = forms[..., 1]
    half2 = along * along * middle[..., 0]
    half2 /= middle[..., 1] * (forms[..., 0] + 1e-30)
    if half2.size and half2.max() > _SERIES_END:
        half = np.sqrt(np.clip(half2, 1e-12, 1.0))
        exact: Floats = np.arcsin(half) / half
        return exact
    series: Floats = 1 + half2 * (1 / 6 + half2 * (0.075 + half2 * (5 / 112)))
    return series


def arc_between_m(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Measure one short arc: :func:`arc_m` for plain numbers, ten times as fast."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    c2 = dx * dx + dy * dy + dz * dz
    if c2 == 0:
        return 0.0
    sx, sy, sz = a[0] + b[0], a[1] + b[1], a[2] + b[2]
    equator2, axis2 = sx * sx + sy * sy, sz * sz * _AXIS2
    along = c2 + EP2 * dz * dz
    half2 = along * along * (equator2 + axis2) / ((equator2 + axis2 * _AXIS2) * c2 * 4 * A_M * A_M)
    half = math.sqrt(min(half2, 1.0))
    return math.sqrt(c2) * math.asin(half) / half


def inverse(lat1: Floats, lon1: Floats, lat2: Floats, lon2: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve the inverse geodesic problem for pairs that are nowhere near antipodal.

    Args:
        lat1: latitudes in degrees; all four broadcast.
        lon1: longitudes in degrees.
        lat2: latitudes in degrees.
        lon2: longitudes in degrees.

    Returns:
        Distance in metres, azimuth at the start and at the end in radians.

    Source: Vincenty (1975), equations 13 to 19.
    """
    u1 = np.arctan((1 - F) * np.tan(np.radians(lat1)))
    u2 = np.arctan((1 - F) * np.tan(np.radians(lat2)))
    dlon = np.radians((np.asarray(lon2) - lon1 + 540) % 360 - 180)
    su1, cu1, su2, cu2 = np.sin(u1), np.cos(u1), np.sin(u2), np.cos(u2)
    lam = dlon
    for _ in range(_ITERATIONS):
        sl, cl = np.sin(lam), np.cos(lam)
        ssig = np.hypot(cu2 * sl, cu1 * su2 - su1 * cu2 * cl)
        csig = su1 * su2 + cu1 * cu2 * cl
        sig = np.arctan2(ssig, csig)
        sina = np.where(ssig > 0, cu1 * cu2 * sl / np.where(ssig > 0, ssig, 1), 0.0)
        cos2a = 1 - sina * sina
        # On the equator cos2a is 0, and what it divides does not matter.
        c2sm = np.where(cos2a > _TINY, csig - 2 * su1 * su2 / np.where(cos2a > _TINY, cos2a, 1), 0.0)
        c = F / 16 * cos2a * (4 + F * (4 - 3 * cos2a))
        new = dlon + (1 - c) * F * sina * (sig + c * ssig * (c2sm + c * csig * (2 * c2sm**2 - 1)))
        done = np.all(np.abs(new - lam) < 1e-14)  # noqa: PLR2004 - 0.1 micrometre
        lam = new
        if done:
            break
    big_a, dsig = _vincenty_series(cos2a, ssig, csig, c2sm)
    az1 = np.arctan2(cu2 * sl, cu1 * su2 - su1 * cu2 * cl)
    az2 = np.arctan2(cu1 * sl, cu1 * su2 * cl - su1 * cu2)
    return B_M * big_a * (sig - dsig), az1, az2


def direct(lat1: Floats, lon1: Floats, azimuth: Floats, distance_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Follow geodesics from points; all arguments broadcast.

    Args:
        lat1: latitudes in degrees.
        lon1: longitudes in degrees.
        azimuth: at the start, radians clockwise from north.
        distance_m: how far.

    Returns:
        Latitude and longitude in degrees (-180..180), azimuth at the end in radians.

    Source: Vincenty (1975), equations 1 to 11.
    """
    u1 = np.arctan((1 - F) * np.tan(np.radians(lat1)))
    su1, cu1 = np.sin(u1), np.cos(u1)
    sa1, ca1 = np.sin(azimuth), np.cos(azimuth)
    sig1 = np.arctan2(su1, cu1 * ca1)
    sina = cu1 * sa1
    cos2a = 1 - sina * sina
    big_a, _ = _vincenty_series(cos2a, sina, sina, sina)
    base = distance_m / (B_M * big_a)
    sig = base
    for _ in range(_ITERATIONS):
        ssig, csig, c2sm = np.sin(sig), np.cos(sig), np.cos(2 * sig1 + sig)
        new = base + _vincenty_series(cos2a, ssig, csig, c2sm)[1]
        done = np.all(np.abs(new - sig) < _TINY)
        sig = new
        if done:
            break
    ssig, csig, c2sm = np.sin(sig), np.cos(sig), np.cos(2 * sig1 + sig)
    cross = su1 * ssig - cu1 * csig * ca1
    lat2 = np.arctan2(su1 * csig + cu1 * ssig * ca1, (1 - F) * np.hypot(sina, cross))
    lam = np.arctan2(ssig * sa1, cu1 * csig - su1 * ssig * ca1)
    c = F / 16 * cos2a * (4 + F * (4 - 3 * cos2a))
    dlon = lam - (1 - c) * F * sina * (sig + c * ssig * (c2sm + c * csig * (2 * c2sm**2 - 1)))
    lon2 = (np.asarray(lon1) + np.degrees(dlon) + 540) % 360 - 180
    return np.degrees(lat2), lon2, np.arctan2(sina, -cross)


def _vincenty_series(cos2a: Floats, ssig: Floats, csig: Floats, c2sm: Floats) -> tuple[Floats, Floats]:
    """Evaluate A and delta sigma (Vincenty's equations 3, 4 and 6)."""
    u2 = cos2a * EP2
    big_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    big_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    inner = csig * (2 * c2sm**2 - 1) - big_b / 6 * c2sm * (4 * ssig**2 - 3) * (4 * c2sm**2 - 3)
    return big_a, big_b * ssig * (c2sm + big_b / 4 * inner)


def geodesic_m(a_m: Floats, b_m: Floats) -> Floats:
    """Measure geodesic distances between points in space, shape (..., 3), to 0.05 mm up to 3,000 km."""
    out = np.atleast_1d(arc_m(a_m, b_m))
    far = out > ARC_LIMIT_M
    if far.any():
        a_all, b_all = np.broadcast_arrays(np.atleast_2d(a_m), np.atleast_2d(b_m))
        lat1, lon1 = positions(a_all[far])
        lat2, lon2 = positions(b_all[far])
        out[far] = inverse(lat1, lon1, lat2, lon2)[0]
    return out
