"""Geometry done again by other people's code (PROJ's geodesics through pyproj): the oracle of these tests.

Nothing of ``detente.geo`` but its nouns is used here.
"""

from itertools import pairwise

import numpy as np
import shapely
from pyproj import Geod

from detente.geo import Circle, Corridor, Datum, LatLon, Polygon, Volume

GEOD = Geod(ellps="WGS84")
HOUR_MS = 3_600_000
PLACES = [
    (0.0, 0.0),
    (47.0, 8.5),
    (85.0, -40.0),
    (-62.0, 179.99),
    (12.0, -180.0),
    (90.0, 0.0),
    (-89.95, 60.0),
]


def at(lat_deg, lon_deg, azimuth_deg=0.0, away_m=0.0):
    """The position so far along a geodesic from another."""
    lon, lat, _ = GEOD.fwd(lon_deg, lat_deg, azimuth_deg, away_m)
    return LatLon(lat, lon)


def metres(a, b):
    return GEOD.inv(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)[2]


def volume(shape, lower_m=0.0, upper_m=100.0, *, start_ms=0, end_ms=HOUR_MS, datum=Datum.WGS84):
    return Volume(shape, lower_m, upper_m, start_ms, end_ms, datum)


def star(rng, spot, size_m, corners):
    """A polygon around a point, its corners at random distances: never self-crossing."""
    azimuths = (np.arange(corners) + rng.uniform(0, 0.8, corners)) * 360 / corners
    away = size_m * rng.uniform(0.3, 1.0, corners)
    vertices = tuple(at(spot.lat_deg, spot.lon_deg, a, d) for a, d in zip(azimuths, away, strict=True))
    return Polygon(vertices if rng.random() < 0.5 else vertices[::-1])


def line(rng, spot, size_m, corners, width_m=None):
    path, azimuth = [spot], rng.uniform(0, 360)
    for _ in range(corners - 1):
        azimuth += rng.uniform(-60, 60)
        path.append(at(path[-1].lat_deg, path[-1].lon_deg, azimuth, size_m * rng.uniform(0.2, 1)))
    return Corridor(tuple(path), width_m or size_m * rng.uniform(0.02, 0.5))


def draw(rng, lat, lon, spread_m, size_m):
    """One random shape near a place."""
    spot = at(lat, lon, rng.uniform(0, 360), spread_m * np.sqrt(rng.random()))
    size = size_m * rng.uniform(0.05, 1)
    kind = rng.integers(3)
    if kind == 0:
        return Circle(spot, size)
    return (star if kind == 1 else line)(rng, spot, size, int(rng.integers(3, 9)))


def core_of(shape):
    """A shape's core: degrees, shape (n, 2), radius and kind."""
    if isinstance(shape, Circle):
        points, radius, kind = (shape.center,), shape.radius_m, "point"
    elif isinstance(shape, Polygon):
        points, radius, kind = shape.vertices, 0.0, "area"
    else:
        points, radius, kind = shape.path, shape.width_m / 2, "line"
    return np.array([(p.lat_deg, p.lon_deg) for p in points]), radius, kind


def planes(cores, kinds, lat0, lon0):
    """Put cores each into the true azimuthal equidistant plane around its own origin: shapely geometries."""
    counts = [len(degrees) for degrees in cores]
    degrees = np.concatenate(cores)
    azimuth, _, away = GEOD.inv(
        np.repeat(lon0, counts), np.repeat(lat0, counts), degrees[:, 1], degrees[:, 0]
    )
    flat = np.stack((away * np.sin(np.radians(azimuth)), away * np.cos(np.radians(azimuth))), axis=-1)
    make = {"point": lambda p: shapely.Point(p[0]), "line": shapely.linestrings, "area": shapely.polygons}
    pieces = np.split(flat, np.cumsum(counts)[:-1])
    return np.array([make[kind](piece) for kind, piece in zip(kinds, pieces, strict=True)])


def gaps_m(shapes, index):
    """How far pairs of small shapes are from a conflict on the ground: negative is a conflict.

    Each pair has a plane of its own around the middle of its first points; good to 1 mm within 5 km of it.
    For areas that overlap, the gap is no more than minus half the thickness of what they share.
    """
    cores = [core_of(shape) for shape in shapes]
    first = np.array([degrees[0] for degrees, _, _ in cores])
    a, b = index[:, 0], index[:, 1]
    azimuth, _, away = GEOD.inv(first[a, 1], first[a, 0], first[b, 1], first[b, 0])
    lon0, lat0, _ = GEOD.fwd(first[a, 1], first[a, 0], azimuth, away / 2)
    left, right = (
        planes([cores[i][0] for i in side], [cores[i][2] for i in side], lat0, lon0) for side in (a, b)
    )
    gap = shapely.distance(left, right) - np.array([cores[i][1] + cores[j][1] for i, j in index])
    shared = shapely.intersection(left, right)
    size, edge = shapely.area(shared), shapely.length(shared)
    return np.where(size > 0, np.minimum(gap, -size / np.maximum(edge, 1e-12)), gap)


def filled(degrees, kind, step_m):
    """Fill a core's edges with points of PROJ's geodesics."""
    if kind == "point":
        return degrees
    closed = np.concatenate((degrees, degrees[:1])) if kind == "area" else degrees
    out = [closed[:1]]
    for (lat1, lon1), (lat2, lon2) in pairwise(closed):
        pieces = int(np.ceil(GEOD.inv(lon1, lat1, lon2, lat2)[2] / step_m))
        if pieces > 1:
            out.append(np.array(GEOD.npts(lon1, lat1, lon2, lat2, pieces - 1))[:, ::-1])
        out.append(np.array([[lat2, lon2]]))
    return np.concatenate(out)


def core_distance_m(a, b):
    """The distance of two disjoint cores by brute force: all points against all, finer each time."""
    parts = [core_of(a)[::2], core_of(b)[::2]]
    dense = [filled(degrees, kind, 2_000.0) for degrees, kind in parts]
    for step_m in (20.0, 0.2, 0.0):
        away = GEOD.inv(
            *(np.repeat(dense[0][:, k], len(dense[1])) for k in (1, 0)),
            *(np.tile(dense[1][:, k], len(dense[0])) for k in (1, 0)),
        )[2].reshape(len(dense[0]), len(dense[1]))
        nearest = np.unravel_index(away.argmin(), away.shape)
        if not step_m:
            return float(away.min())
        dense = [
            filled(points[max(0, i - 1) : i + 2], "line" if len(points) > 1 else "point", step_m)
            for points, i in zip(dense, nearest, strict=True)
        ]
    raise AssertionError
