"""Flat local frames: metres east and north of an origin, azimuthal equidistant on the ellipsoid.

Distances from the origin are geodesic (``ellipsoid.arc_m``). The direction is that of the normal section,
off the geodesic's by at most 0.0067 s**2 / (12 R**2) radians: 0.02 mm at 10 km, 15 mm at 100 km. Between
two points at most rho from the origin the flat distance is never shorter (but for that) and at most
1 + rho**2 / (6 R**2) times longer: 1 mm in 2.5 km at 10 km. There is no special place: vectors only, so
poles and the antimeridian are like everywhere else.
"""

from typing import Self

import numpy as np

from detente.geo.ellipsoid import Floats, in_space, normals, positions, stretch

_STEPS = 12


class Frame:
    """A flat frame at one origin. Immutable; safe to share between threads."""

    __slots__ = ("_axes", "_origin_m")

    def __init__(self, normal: Floats) -> None:
        self._origin_m = in_space(normal)
        self._axes = _axes(normal)

    @classmethod
    def at(cls, lat_deg: float, lon_deg: float) -> Self:
        """Put a frame at a position."""
        return cls(normals(np.float64(lat_deg), np.float64(lon_deg)))

    @property
    def origin_m(self) -> Floats:
        """The origin in space, shape (3,)."""
        return self._origin_m

    def flatten(self, space_m: Floats) -> Floats:
        """Project points in space, shape (n, 3), to metres east and north, shape (n, 2)."""
        chord = space_m - self._origin_m
        flat = chord @ self._axes[:2].T
        c2 = np.einsum("ij,ij->i", chord, chord)
        flat *= _scale(chord, c2, space_m + self._origin_m, flat)[:, None]
        return flat

    def raise_up(self, flat_m: Floats) -> Floats:
        """Find the points on the ellipsoid, shape (n, 3), of flat points, shape (n, 2)."""
        origin = np.broadcast_to(self._origin_m, (len(flat_m), 3))
        axes = np.broadcast_to(self._axes, (len(flat_m), 3, 3))
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
    return flatten_each(point, in_space(normal), _axes(normal))


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
    space = _unflatten(np.broadcast_to(flat, (*shape, 2)).reshape(-1, 2), in_space(each), _axes(each))
    lat, lon = positions(space)
    return lat.reshape(shape), lon.reshape(shape)


def flatten_each(space_m: Floats, origin_m: Floats, axes: Floats) -> Floats:
    """Project points into their own frames: shapes (..., 3), (..., 3) and (..., 3, 3) give (..., 2)."""
    chord = space_m - origin_m
    flat = np.einsum("...ij,...j->...i", axes[..., :2, :], chord)
    c2 = np.einsum("...i,...i->...", chord, chord)
    out: Floats = flat * _scale(chord, c2, space_m + origin_m, flat)[..., None]
    return out


def axes_at(space_m: Floats) -> Floats:
    """East, north and up at points on the ellipsoid: rows of (..., 3, 3)."""
    up = space_m.copy()
    up[..., 2] *= 1.0067394967422764  # a2 / b2: the gradient of the ellipsoid is its normal
    return _axes(up / np.linalg.norm(up, axis=-1)[..., None])


def _scale(chord: Floats, c2: Floats, twice_middle: Floats, flat: Floats) -> Floats:
    """How much a flat offset must be stretched to have the length of the arc."""
    f2 = np.einsum("...i,...i->...", flat, flat)
    ratio = np.sqrt(c2 / np.maximum(f2, 1e-300))
    # At the origin itself both are zero (or far below a nanometre): no stretch.
    ratio = np.where(f2 > 1e-18, ratio, 1.0)  # noqa: PLR2004 - a nanometre squared
    out: Floats = stretch(c2, chord[..., 2] ** 2, twice_middle) * ratio
    return out


def _axes(normal: Floats) -> Floats:
    """East, north and up as rows, shape (..., 3, 3); at a pole east is along 90 E, as longitude 0 gives it."""
    x, y, z = normal[..., 0], normal[..., 1], normal[..., 2]
    cos = np.hypot(x, y)
    safe = np.where(cos > 0, cos, 1.0)
    sin_lon, cos_lon = np.where(cos > 0, y / safe, 0.0), np.where(cos > 0, x / safe, 1.0)
    zero = np.zeros_like(x)
    rows = (-sin_lon, cos_lon, zero, -z * cos_lon, -z * sin_lon, cos, x, y, z)
    return np.stack(rows, axis=-1).reshape(*np.shape(x), 3, 3)


def _unflatten(flat: Floats, origin: Floats, axes: Floats) -> Floats:
    """Invert :func:`flatten_each` by dropping a guess onto the ellipsoid and correcting its residual."""
    aim = flat.copy()
    space = origin
    for _ in range(_STEPS):
        reach2 = np.einsum("...i,...i->...", aim, aim)
        curved = np.concatenate((aim, -reach2[..., None] / 12_742_000.0), axis=-1)
        space = drop(origin + np.einsum("...ji,...j->...i", axes, curved))
        residual = flat - flatten_each(space, origin, axes)
        if not residual.size or np.abs(residual).max() < 1e-8:  # noqa: PLR2004 - ten nanometres
            break
        aim += residual
    return space


def drop(space: Floats) -> Floats:
    """Scale points toward the Earth's centre onto the ellipsoid."""
    squares = space * space
    size = (squares[..., 0] + squares[..., 1]) + squares[..., 2] * 1.0067394967422764
    out: Floats = space * (6378137.0 / np.sqrt(size))[..., None]
    return out
