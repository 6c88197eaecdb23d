"""Flat local frames: metres east and north of an origin, azimuthal equidistant on the ellipsoid.

Distances from the origin are geodesic (``ellipsoid.arc_m``). The direction is that of the normal section,
off the geodesic's by at most 0.0067 s**2 / (12 R**2) radians: 0.02 mm at 10 km, 15 mm at 100 km. Between
two points at most rho from the origin the flat distance is never shorter (but for that) and at most
1 + rho**2 / (6 R**2) times longer: 1 mm in 2.5 km at 10 km. There is no special place: vectors only, so
poles and the antimeridian are like everywhere else.
"""

import math
from typing import Self

import numpy as np

from detente.geo.ellipsoid import (
    A_M,
    E2,
    Floats,
    axes_of,
    chord_forms,
    drop,
    in_space,
    normals,
    positions,
    ratio_of_arc,
)

_STEPS = 12
_CLOSE_ENOUGH_M = 1e-8
_NEAR_M2 = 15_000.0**2
_NOTHING_M2 = 1e-24
"""Keeps the origin itself from dividing zero by zero."""


class Frame:
    """A flat frame at one origin. Immutable; safe to share between threads."""

    __slots__ = ("_axes", "_bend", "_flat_axes", "origin_m")

    def __init__(self, normal: Floats) -> None:
        self.origin_m = in_space(normal)
        """The origin in space, shape (3,)."""
        self._prepare(axes_of(normal).T)

    def _prepare(self, axes: Floats) -> None:
        self._axes = axes
        self._flat_axes = np.ascontiguousarray(axes[:, :2])
        sin = float(axes[2, 2])
        across = A_M / math.sqrt(1 - E2 * sin * sin)
        along = across * (1 - E2) / (1 - E2 * sin * sin)
        self._bend = np.array([[1.0, 1 / across], [1.0, 1 / along]])

    @classmethod
    def at(cls, lat_deg: float, lon_deg: float) -> Self:
        """Put a frame at a position."""
        # One position in plain numbers is ten times as fast as in arrays.
        lat, lon = math.radians(lat_deg), math.radians(lon_deg)
        cos, sin, cos_lon, sin_lon = math.cos(lat), math.sin(lat), math.cos(lon), math.sin(lon)
        frame = cls.__new__(cls)
        radius = A_M / math.sqrt(1 - E2 * sin * sin)
        frame.origin_m = np.array([radius * cos * cos_lon, radius * cos * sin_lon, radius * (1 - E2) * sin])
        x_row = (-sin_lon, -sin * cos_lon, cos * cos_lon)
        y_row = (cos_lon, -sin * sin_lon, cos * sin_lon)
        frame._prepare(np.array([x_row, y_row, (0.0, cos, sin)]))  # noqa: SLF001 - our own new instance
        return frame

    def flatten(self, space_m: Floats) -> Floats:
        """Project points in space, shape (n, 3), to metres east and north, shape (n, 2)."""
        chord = space_m - self.origin_m
        flat: Floats = chord @ self._flat_axes
        forms = (flat * flat) @ self._bend
        if forms[:, 0].max(initial=0.0) < _NEAR_M2:
            # Near by, the curvature at the origin will do: s = x (1 + k**2 x**2 / 6), within 0.001 mm.
            curved = forms[:, 1]
            flat *= (1 + curved * curved / (6 * forms[:, 0] + _NOTHING_M2))[:, None]
            return flat
        flat *= _scale(chord, space_m + self.origin_m, chord @ self._axes[:, 2])[:, None]
        return flat

    def raise_up(self, flat_m: Floats) -> Floats:
        """Find the points on the ellipsoid, shape (n, 3), of flat points, shape (n, 2)."""
        origin = np.broadcast_to(self.origin_m, (len(flat_m), 3))
        axes = np.broadcast_to(self._axes.T, (len(flat_m), 3, 3))
        return _unflatten(flat_m, origin, axes)

    def positions(self, flat_m: Floats) -> tuple[Floats, Floats]:
        """Latitudes and longitudes in degrees of flat points, shape (n, 2)."""
        return positions(self.raise_up(flat_m))


def to_plane(lat_deg: Floats, lon_deg: Floats, lat0: Floats, lon0: Floats) -> Floats:
    """Project positions into flat frames; all arguments broadcast, so each may have its own origin.

    Args:
        lat_deg: latitudes, degrees.
        lon_deg: longitudes, degrees.
        lat0: the origins' latitudes, degrees.
        lon0: the origins' longitudes, degrees.

    Returns:
        Metres east and north of the origin, shape (..., 2); errors as the module says.
    """
    point = in_space(normals(np.asarray(lat_deg, float), np.asarray(lon_deg, float)))
    normal = normals(np.asarray(lat0, float), np.asarray(lon0, float))
    return flatten_each(point, in_space(normal), axes_of(normal))


def from_plane(flat_m: Floats, lat0: Floats, lon0: Floats) -> tuple[Floats, Floats]:
    """Turn flat points back into positions, the inverse of :func:`to_plane` to 1e-6 m within 1,000 km.

    Args:
        flat_m: metres east and north, shape (..., 2).
        lat0: the origins' latitudes, degrees, broadcast against ``flat_m[..., 0]``.
        lon0: the origins' longitudes, degrees.

    Returns:
        Latitudes and longitudes in degrees.
    """
    flat = np.asarray(flat_m, float)
    normal = normals(np.asarray(lat0, float), np.asarray(lon0, float))
    shape = np.broadcast_shapes(flat.shape[:-1], normal.shape[:-1])
    each = np.broadcast_to(normal, (*shape, 3)).reshape(-1, 3)
    space = _unflatten(np.broadcast_to(flat, (*shape, 2)).reshape(-1, 2), in_space(each), axes_of(each))
    lat, lon = positions(space)
    return lat.reshape(shape), lon.reshape(shape)


def flatten_each(space_m: Floats, origin_m: Floats, axes: Floats) -> Floats:
    """Project points into their own frames: shapes (..., 3), (..., 3) and (..., 3, 3) give (..., 2)."""
    chord = space_m - origin_m
    local = np.einsum("...ij,...j->...i", axes, chord)
    out: Floats = local[..., :2] * _scale(chord, space_m + origin_m, local[..., 2])[..., None]
    return out


def _scale(chord: Floats, twice_middle: Floats, up: Floats) -> Floats:
    """How much a flat offset must be stretched to have the length of the arc."""
    forms = chord_forms(chord)
    c2 = forms[..., 0] + _NOTHING_M2
    out: Floats = ratio_of_arc(forms, twice_middle)
    out *= np.sqrt(c2 / (c2 - up * up))
    return out


def _unflatten(flat: Floats, origin: Floats, axes: Floats) -> Floats:
    """Invert :func:`flatten_each` by dropping a guess onto the ellipsoid and correcting its residual."""
    aim = flat.copy()
    space = origin
    for _ in range(_STEPS):
        reach2 = np.einsum("...i,...i->...", aim, aim)
        curved = np.concatenate((aim, -reach2[..., None] / 12_742_000.0), axis=-1)
        space = drop(origin + np.einsum("...ji,...j->...i", axes, curved))
        residual = flat - flatten_each(space, origin, axes)
        if not residual.size or np.abs(residual).max() < _CLOSE_ENOUGH_M:
            break
        aim += residual
    return space
