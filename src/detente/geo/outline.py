"""How large a shape is, and a polygon around it: for those who know areas only as circles and polygons."""

import math

import numpy as np
import shapely

from detente.errors import InvalidShape, TooLarge
from detente.geo.box import wrapped
from detente.geo.core import Core, Kind, make_core
from detente.geo.ellipsoid import E2, MIN_RADIUS_M, Floats
from detente.geo.grown import grown
from detente.geo.limits import EDGE_STEP_M
from detente.geo.model import LatLon, Polygon, Shape
from detente.geo.solid import Solid

_MEAN_RADIUS_M = 6_371_007.2
"""Of the sphere with the ellipsoid's area."""
_M2_PER_KM2 = 1e6
_DIGITS = 8
"""Degrees are rounded to 1.1 mm ..."""
_ROUNDING_M = 2e-3
"""... which is given back on all sides."""
_WIDER_M = 0.05


def area_km2(solid: Solid) -> float:
    """Measure the ground that a volume covers, to 0.5 % wherever it lies.

    Source: Lambert's azimuthal projection keeps areas; on the ellipsoid to the difference of its radii.
    """
    return core_area_km2(solid.core)


def core_area_km2(core: Core) -> float:
    """Measure a checked shape; see :func:`area_km2`."""
    if core.kind is Kind.POINT:
        half_angle = core.radius_m / (2 * _MEAN_RADIUS_M)
        return math.pi * (2 * _MEAN_RADIUS_M * math.sin(half_angle)) ** 2 / _M2_PER_KM2
    flat = core.flat
    if core.radius_m > 0.0:
        flat = shapely.segmentize(grown(np.array([flat], object), np.array([core.radius_m]))[0], EDGE_STEP_M)
    return float(shapely.area(shapely.transform(flat, _equal_area))) / _M2_PER_KM2


def _equal_area(flat_m: Floats) -> Floats:
    """Move flat points inward so that areas become true."""
    half_angle = np.hypot(flat_m[:, 0], flat_m[:, 1]) / (2 * _MEAN_RADIUS_M)
    out: Floats = flat_m * np.sinc(half_angle / np.pi)[:, None]
    return out


def polygon_around(shape: Shape, *, field: str = "shape") -> Polygon:
    """Draw a polygon that holds a whole shape: never smaller, for corridors 0.4 % of the width larger.

    A corridor that closes around a piece of ground takes that piece in, since a polygon has no holes.

    Args:
        shape: the shape; a polygon is given back as it is.
        field: its path in the request, for messages.

    Raises:
        BadInput: for a shape that has no defined inside, or is too large.
    """
    if isinstance(shape, Polygon):
        return shape
    core = make_core(shape, field)
    # Flat distances are longer than true ones by a share and an error that grow with the distance from the
    # frame's origin (see `detente.geo.ground`); the polygon's own edges bend once more between its vertices.
    rho = core.extent_m + core.radius_m + EDGE_STEP_M
    ratio = rho**2 / (5.5 * MIN_RADIUS_M**2)
    error = E2 * rho**3 / (5 * MIN_RADIUS_M**2) + 0.18 * rho * (EDGE_STEP_M / MIN_RADIUS_M) ** 2
    reach = core.radius_m * (1 + ratio) + 2 * error + _ROUNDING_M
    around = shapely.Polygon(grown(np.array([core.flat], object), np.array([reach]))[0].exterior)
    # Where sides nearly meet, rounding may make them cross: then a little wider, then without any bays.
    wider = shapely.simplify(shapely.buffer(around, 2 * _WIDER_M), _WIDER_M)
    for ring in (around, shapely.Polygon(wider.exterior)):
        polygon = Polygon(_vertices(core, ring))
        if _has_inside(polygon, field):
            return polygon
    return Polygon(_vertices(core, shapely.convex_hull(wider)))


def _has_inside(polygon: Polygon, field: str) -> bool:
    """Whether a ring is one in its own frame, which is not quite that of the shape it was drawn around."""
    try:
        make_core(polygon, field)
    except InvalidShape:
        return False
    except TooLarge:
        # Wider than the shape it holds by a hand's breadth, and that was at the limit.
        return True
    return True


def _vertices(core: Core, around: shapely.Geometry) -> tuple[LatLon, ...]:
    ring = shapely.get_coordinates(shapely.segmentize(shapely.orient_polygons(around), EDGE_STEP_M))[:-1]
    lat, lon = core.frame.positions(ring)
    degrees = zip(lat, lon, strict=True)
    rounded = (LatLon(round(float(a), _DIGITS), round(wrapped(o), _DIGITS)) for a, o in degrees)
    # Two that are rounded to one place are one vertex.
    return tuple(dict.fromkeys(rounded))
