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
_EP2 = E2 / (1 - E2)
MIN_RADIUS_M = A_M * (1 - E2)
"""The smallest radius of curvature anywhere (meridian at the equator): metres / this >= angle."""
ARC_LIMIT_M = 150_000.0
"""Up to here :func:`arc_m` is within 0.01 mm of the geodesic; tests hold it against geographiclib."""
_ITERATIONS = 60


def normals(lat_deg: Floats, lon_deg: Floats) -> Floats:
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
    """Read latitude and longitude in degrees from points on (or straight above) the ellipsoid, shape (..., 3).

    Only for points on the surface: there the normal is known without iteration.
    """
    x, y, z = space_m[..., 0], space_m[..., 1], space_m[..., 2]
    lat = np.degrees(np.arctan2(z / (1 - E2), np.hypot(x, y)))
    return lat, np.degrees(np.arctan2(y, x))


def arc_m(a_m: Floats, b_m: Floats) -> Floats:
    """Measure along the ellipsoid between points in space, by the curvature at the chord's middle.

    Args:
        a_m: points on the ellipsoid, shape (..., 3).
        b_m: points on the ellipsoid, shape (..., 3), broadcast against ``a_m``.

    Returns:
        Geodesic distance in metres; error below 0.01 mm up to ``ARC_LIMIT_M``, about 1e-7 of it at 1,000 km.
    """
    chord = b_m - a_m
    squares = chord * chord
    c2 = squares.sum(axis=-1)
    return stretch(c2, squares[..., 2], a_m + b_m) * np.sqrt(c2)


def stretch(c2: Floats, z2: Floats, twice_middle_m: Floats) -> Floats:
    """Say how much longer the arc is than its chord.

    Args:
        c2: squared chords in m2.
        z2: the part of them along the Earth's axis.
        twice_middle_m: the sums of the two ends, shape (..., 3).

    Returns:
        Arc over chord, at least 1.
    """
    squares = twice_middle_m * twice_middle_m
    equator2 = squares[..., 0] + squares[..., 1]
    axis2 = squares[..., 2]
    ratio = A_M * A_M / (B_M * B_M)
    # Normal curvature t'Dt / |Dx| with D = diag(1/a2, 1/a2, 1/b2), at the middle lifted to the surface:
    # the chord is parallel to the curve there, so no azimuth (and no pole) comes in.
    along = c2 + _EP2 * z2
    kappa2c2 = along * along * (equator2 + axis2 * ratio) / (equator2 + axis2 * ratio * ratio)
    half2 = kappa2c2 / np.maximum(c2, 1e-300) / (4 * A_M * A_M)
    half = np.sqrt(np.minimum(half2, 1.0))
    series = 1 + half2 / 6 + half2 * half2 * 0.075
    if half.size and half.max() > 0.01:  # noqa: PLR2004 - there the series' next term passes 1e-13
        return np.where(half > 0.01, np.arcsin(half) / np.maximum(half, 1e-300), series)  # noqa: PLR2004 - as above
    return series


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
        c2sm = np.where(cos2a > 1e-15, csig - 2 * su1 * su2 / np.where(cos2a > 1e-15, cos2a, 1), 0.0)  # noqa: PLR2004 - an equatorial line
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
        done = np.all(np.abs(new - sig) < 1e-15)  # noqa: PLR2004 - nanometres
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
    u2 = cos2a * _EP2
    big_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    big_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    inner = csig * (2 * c2sm**2 - 1) - big_b / 6 * c2sm * (4 * ssig**2 - 3) * (4 * c2sm**2 - 3)
    return big_a, big_b * ssig * (c2sm + big_b / 4 * inner)


def geodesic_m(a_m: Floats, b_m: Floats) -> Floats:
    """Measure geodesic distances between points in space, shape (..., 3), to 0.05 mm at any length up to 3,000 km."""
    out = np.atleast_1d(arc_m(a_m, b_m))
    far = out > ARC_LIMIT_M
    if far.any():
        a_all, b_all = np.broadcast_arrays(np.atleast_2d(a_m), np.atleast_2d(b_m))
        lat1, lon1 = positions(a_all[far])
        lat2, lon2 = positions(b_all[far])
        out[far] = inverse(lat1, lon1, lat2, lon2)[0]
    return out


def meridian_radius_m(lat_deg: float) -> float:
    """Radius of curvature along the meridian."""
    w = 1 - E2 * math.sin(math.radians(lat_deg)) ** 2
    return A_M * (1 - E2) / (w * math.sqrt(w))
