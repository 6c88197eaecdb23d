"""A ball around every volume's ground shape, in Earth-centred coordinates: no poles, no antimeridian.

Two shapes whose balls are apart are apart. The chord between two points is never longer than the shortest
path between them on the ellipsoid, so comparing chords with path lengths errs on the safe side.
"""

from dataclasses import dataclass

import numpy as np

from detente.geo.ellipsoid import MIN_RADIUS_M, in_space, normals, positions
from detente.geo.sweep_columns import Floats, Kind, VolumeColumns

EVERYWHERE_M = 3.0e7
"""Longer than any path; the ball of a shape too large to bound."""
_MAX_CHORD_M = 6.0e6
_CHUNK = 1 << 17


@dataclass(frozen=True, slots=True)
class Balls:
    """A surface point within every shape, and how far the shape reaches from it.

    Attributes:
        center: Earth-centred Cartesian coordinates on the ellipsoid in metres, shape (n, 3).
        core_m: length of a path from the centre that no point of the core is beyond, shape (n,).
        radius_m: the same for the whole shape, its reach included, shape (n,).
    """

    center: Floats
    core_m: Floats
    radius_m: Floats


def path_over_chord_m(chord_m: Floats) -> Floats:
    """Bound the shortest path on the ellipsoid from above by the chord between its ends.

    Args:
        chord_m: chords in metres.

    Returns:
        Metres; `EVERYWHERE_M` where the chord is too long for a bound.
    """
    half = np.minimum(chord_m, _MAX_CHORD_M) / (2.0 * MIN_RADIUS_M)
    path_m = 2.0 * MIN_RADIUS_M * np.arcsin(half) + 1e-6
    return np.where(chord_m > _MAX_CHORD_M, EVERYWHERE_M, path_m)


def _cores_of(columns: VolumeColumns, low: int, high: int) -> tuple[Floats, Floats]:
    begin, end = int(columns.first[low]), int(columns.first[high])
    starts = (columns.first[low:high] - begin).astype(np.intp)
    counts = np.diff(columns.first[low : high + 1])
    points = in_space(normals(columns.lat_deg[begin:end], columns.lon_deg[begin:end]))
    middle = (np.minimum.reduceat(points, starts) + np.maximum.reduceat(points, starts)) / 2.0
    # The same centre, to the last digit, as `detente.geo.core` chooses: frames and depths are its own then.
    lat_deg, lon_deg = positions(middle)
    center = in_space(normals(lat_deg.round(7), lon_deg.round(7)))
    single = columns.kind[low:high] == Kind.POINT
    center[single] = points[starts[single]]
    away = points - np.repeat(center, counts, axis=0)
    chord_m = np.sqrt(np.einsum("ij,ij->i", away, away))
    return center, np.maximum.reduceat(chord_m, starts)


def balls_of(columns: VolumeColumns) -> Balls:
    """Put a ball around every volume's ground shape.

    An edge is a shortest path, and a ball of less than a quarter of the way round is convex, so the
    vertices bound the edges and the inside.

    Args:
        columns: n volumes, each with a vertex at least.

    Returns:
        The balls.
    """
    count = len(columns)
    center = np.empty((count, 3))
    chord_m = np.empty(count)
    for low in range(0, count, _CHUNK):
        high = min(count, low + _CHUNK)
        center[low:high], chord_m[low:high] = _cores_of(columns, low, high)
    core_m = path_over_chord_m(chord_m)
    core_m[columns.kind == Kind.POINT] = 0.0
    return Balls(center=center, core_m=core_m, radius_m=np.minimum(core_m + columns.reach_m, EVERYWHERE_M))
