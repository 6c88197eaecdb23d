"""How long geometry takes: prints a table of microseconds a call, and the ratio to brute force.

Run: ``python bench/geo_bench.py``. Times are processor time of this process, the best of seven rounds.
Brute force is the verdict by PROJ's geodesics in a plane of its own for the pair (needs pyproj).
"""

import math
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import shapely
from pyproj import Geod

from detente.geo import (
    Circle,
    Corridor,
    LatLon,
    Polygon,
    Shape,
    Volume,
    bounds_e7,
    cover,
    find_overlap,
    moved,
    overlaps,
    prepare,
    to_plane,
)

GEOD = Geod(ellps="WGS84")
ROUNDS = 7


def spot(azimuth_deg: float, away_m: float) -> LatLon:
    lon, lat, _ = GEOD.fwd(8.5, 47.0, azimuth_deg, away_m)
    return LatLon(lat, lon)


def star(corners: int, size_m: float, east_m: float) -> Polygon:
    middle = spot(90, east_m)
    around = [
        GEOD.fwd(middle.lon_deg, middle.lat_deg, k * 360 / corners, size_m * (1 - 0.3 * (k % 2)))
        for k in range(corners)
    ]
    return Polygon(tuple(LatLon(lat, lon) for lon, lat, _ in around))


SHAPES: dict[str, tuple[Shape, Shape]] = {
    "circle 1 km": (Circle(spot(0, 0), 1_000.0), Circle(spot(90, 1_500), 1_000.0)),
    "polygon 20 x 2 km": (star(20, 2_000, 0), star(20, 2_000, 3_000)),
    "polygon 200 x 5 km": (star(200, 5_000, 0), star(200, 5_000, 7_000)),
    "corridor 3 x 1 km": (
        Corridor((spot(0, 0), spot(40, 900), spot(60, 1_800)), 200.0),
        Corridor((spot(90, 700), spot(20, 1_200)), 200.0),
    ),
    "corridor 100 km": (
        Corridor((spot(0, 0), spot(40, 100_000)), 2_000.0),
        Corridor((spot(20, 60_000), spot(60, 60_000)), 2_000.0),
    ),
}


def volume(shape: Shape) -> Volume:
    return Volume(shape, 100.0, 200.0, 0, 3_600_000)


def core(shape: Shape) -> tuple[np.ndarray, float]:
    points = (
        (shape.center,)
        if isinstance(shape, Circle)
        else shape.vertices
        if isinstance(shape, Polygon)
        else shape.path
    )
    radius = (
        shape.radius_m
        if isinstance(shape, Circle)
        else shape.width_m / 2
        if isinstance(shape, Corridor)
        else 0.0
    )
    return np.array([(p.lat_deg, p.lon_deg) for p in points]), radius


def brute_force(a: Shape, b: Shape) -> bool:
    """Measure all vertices by PROJ from the middle of the pair; edges are filled every 500 m."""
    geometries, radius = [], 0.0
    first = core(a)[0][0]
    for shape in (a, b):
        degrees, own = core(shape)
        radius += own
        filled = [degrees[:1]]
        ring = np.vstack((degrees, degrees[:1])) if isinstance(shape, Polygon) else degrees
        for (lat1, lon1), (lat2, lon2) in pairwise(ring):
            pieces = math.ceil(GEOD.inv(lon1, lat1, lon2, lat2)[2] / 500)
            if pieces > 1:
                filled.append(np.array(GEOD.npts(lon1, lat1, lon2, lat2, pieces - 1))[:, ::-1])
            filled.append(np.array([[lat2, lon2]]))
        points = np.concatenate(filled)
        count = np.ones(len(points))
        azimuth, _, away = GEOD.inv(first[1] * count, first[0] * count, points[:, 1], points[:, 0])
        flat = np.stack((away * np.sin(np.radians(azimuth)), away * np.cos(np.radians(azimuth))), axis=1)
        make = {Circle: shapely.points, Polygon: shapely.polygons, Corridor: shapely.linestrings}[type(shape)]
        geometries.append(make(flat[0] if isinstance(shape, Circle) else flat))
    if radius:
        return bool(shapely.distance(*geometries) < radius)
    return shapely.area(shapely.intersection(*geometries)) > 0


def micros(call: Callable[[], object], aim_s: float = 0.03) -> float:
    """Best processor time of a call over some rounds, in microseconds."""
    start = time.process_time()
    call()
    count = max(1, int(aim_s / max(time.process_time() - start, 1e-6)))
    best = math.inf
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(count):
            call()
        best = min(best, (time.process_time() - start) / count)
    return best * 1e6


def main() -> None:
    names = ("prepare", "cover", "bounds_e7", "moved", "overlaps", "find_overlap", "brute force")
    print(f"{'shape':<20}" + "".join(f"{name:>13}" for name in names) + f"{'ratio':>8}{'cells':>10}")
    for label, (one, other) in SHAPES.items():
        first = volume(one)
        a, b = prepare(first), prepare(volume(other))
        assert overlaps(a, b)
        assert brute_force(one, other)
        figures = [
            micros(lambda first=first: prepare(first)),
            micros(lambda a=a: cover(a)),
            micros(lambda a=a: bounds_e7(a)),
            micros(lambda first=first: moved(first, east_m=500.0)),
            micros(lambda a=a, b=b: overlaps(a, b)),
            micros(lambda a=a, b=b: find_overlap(a, b)),
            micros(lambda one=one, other=other: brute_force(one, other)),
        ]
        rows = cover(a)
        cells = f"{len(rows)}/{sum((mask % (1 << 64)).bit_count() for _, mask in rows)}"
        print(
            f"{label:<20}"
            + "".join(f"{x:>13.1f}" for x in figures)
            + f"{figures[6] / figures[4]:>8.1f}{cells:>10}"
        )
    lat, lon = np.random.default_rng(1).uniform(-80, 80, (2, 100_000))
    each = micros(lambda: to_plane(lat, lon, lat + 0.01, lon), 0.2) / len(lat)
    print(f"to_plane, 100,000 points with origins of their own: {each:.3f} us a point")
    print("Microseconds of processor time; ratio: brute force to overlaps; cells: parents/level 13 cells.")


if __name__ == "__main__":
    main()
