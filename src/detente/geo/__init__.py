"""Exact 4D geometry on the WGS 84 ellipsoid: do two volumes share a piece of ground, height and time?

Volumes are checked once (:func:`prepare`) and compared many times; index cells only find candidates.
Pure: no clock, no network, no database. Edges are shortest paths (ASTM F3548-21).
"""

from detente.geo.box import box_e7 as _box_e7
from detente.geo.cover import cover, cover_touched
from detente.geo.ellipsoid import geodesic_m
from detente.geo.frame import from_plane, to_plane
from detente.geo.geoid import undulation_m
from detente.geo.model import Circle, Corridor, Datum, LatLon, Overlap, Polygon, Separation, Shape, Volume
from detente.geo.moved import moved
from detente.geo.outline import area_km2, polygon_around
from detente.geo.overlap import find_overlap, overlaps
from detente.geo.solid import Solid, prepare
from detente.geo.terrain import HgtTerrain, Terrain


def bounds_e7(solid: Solid, grow_m: float = 0.0) -> tuple[int, int, int, int]:
    """Bound a shape, grown by ``grow_m``, in 1e-7 degrees.

    Returns:
        (lat_lo, lat_hi, lon_lo, lon_hi), a superset; all longitudes when it crosses the antimeridian or
        nears a pole.
    """
    return _box_e7(solid.core, grow_m)


__all__ = [
    "Circle",
    "Corridor",
    "Datum",
    "HgtTerrain",
    "LatLon",
    "Overlap",
    "Polygon",
    "Separation",
    "Shape",
    "Solid",
    "Terrain",
    "Volume",
    "area_km2",
    "bounds_e7",
    "cover",
    "cover_touched",
    "find_overlap",
    "from_plane",
    "geodesic_m",
    "moved",
    "overlaps",
    "polygon_around",
    "prepare",
    "to_plane",
    "undulation_m",
]
