"""Rings that meet themselves: read as all that they enclose, where that is small work and certain.

Published outlines do: a vertex too many makes a spike or a tiny loop. Which side of a crossing was meant
cannot be known, but all of it together is never smaller than the zone.
"""

import numpy as np
import shapely

from detente.formats.zone_fields import Notes
from detente.geo.ellipsoid import A_M, Floats, in_space, normals, positions
from detente.geo.frame import Frame
from detente.geo.limits import MIN_THICKNESS_M
from detente.geo.model import LatLon, Polygon

MEETS_ITSELF = "the outline meets itself; all that it encloses is read"
MAX_EDGE_M = 25_000.0
"""Up to here a straight edge of the flat frame is the geodesic to some centimetres."""
MAX_VERTICES = 1_000
MAX_CROSSINGS = 200
_MIN_RING = 3
_NEIGHBOURS = 3
"""A segment meets itself and both of its neighbours."""


def mended(polygon: Polygon, notes: Notes) -> list[Polygon]:
    """Read a ring that meets itself as what it encloses.

    Args:
        polygon: as it is in the file.
        notes: told if it was changed.

    Returns:
        The parts that it encloses, their holes closed; the polygon as it is if it does not meet itself,
        or if it is too long or too tangled to be certain (it is then refused as a shape).
    """
    degrees = np.array([(place.lat_deg, place.lon_deg) for place in polygon.vertices])
    if len(degrees) < _MIN_RING:
        return [polygon]
    space = in_space(normals(degrees[:, 0], degrees[:, 1]))
    middle = (space.min(axis=0) + space.max(axis=0)) / 2
    if float(np.linalg.norm(middle)) < A_M / 2:
        return [polygon]
    lat, lon = positions(middle)
    frame = Frame.at(float(lat), float(lon))
    flat = frame.flatten(space)
    if shapely.is_valid(shapely.polygons(flat)) or not _is_certain(flat):
        return [polygon]
    noded = shapely.node(shapely.linearrings(flat))
    area = shapely.union_all(shapely.get_parts(shapely.polygonize(np.asarray([noded], dtype=object))))
    parts = [part for part in shapely.get_parts(area) if _is_thick(part)]
    if not parts:
        return [polygon]
    notes.add(MEETS_ITSELF)
    known = {(x, y): place for (x, y), place in zip(flat.tolist(), polygon.vertices, strict=True)}
    return [
        _part(shapely.get_coordinates(shapely.get_exterior_ring(part))[:-1], known, frame) for part in parts
    ]


def _is_certain(flat: Floats) -> bool:
    if len(flat) > MAX_VERTICES:
        return False
    ends = np.roll(flat, -1, axis=0)
    if float(np.hypot(*(ends - flat).T).max()) > MAX_EDGE_M:
        return False
    edges = np.asarray(shapely.linestrings(np.stack((flat, ends), axis=1)))
    meeting = shapely.STRtree(edges).query(edges, predicate="intersects").shape[1]
    return bool(meeting <= _NEIGHBOURS * len(edges) + 2 * MAX_CROSSINGS)


def _is_thick(part: shapely.Geometry) -> bool:
    # Dangling spikes are gone already; what is left can still be a sliver.
    is_area = shapely.get_type_id(part) == shapely.GeometryType.POLYGON and not shapely.is_empty(part)
    return bool(is_area and 2 * shapely.area(part) / shapely.length(part) >= MIN_THICKNESS_M)


def _part(outline: Floats, known: dict[tuple[float, float], LatLon], frame: Frame) -> Polygon:
    """Give an outline's positions: those of the file where it has them, computed ones where edges cross."""
    lat, lon = frame.positions(outline)
    computed = [LatLon(float(a), float(b)) for a, b in zip(lat, lon, strict=True)]
    places = [known.get((x, y), made) for (x, y), made in zip(outline.tolist(), computed, strict=True)]
    return Polygon(tuple(places))
