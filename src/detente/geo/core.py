"""The core of a ground shape: the point, line or area that, grown by a radius, is the shape.

Decides which shapes have a defined inside, and refuses the others by name. Long edges are filled
with points of their geodesics, so that later steps may treat every piece as straight.
"""

import math
from enum import Enum
from typing import Any

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray

from detente.errors import BadInput, InvalidShape, TooLarge
from detente.geo.ellipsoid import A_M, B_M, Floats, direct, drop, in_space, inverse, normals, positions
from detente.geo.frame import Frame
from detente.geo.limits import EDGE_STEP_M, MAX_EXTENT_M, MAX_OUTLINE_M, MAX_VERTICES, MIN_THICKNESS_M
from detente.geo.model import Circle, Corridor, LatLon, Polygon, Shape

_SAME_POINT_M = 1e-6
_ANTIPODAL_M = 2 * B_M * math.cos(0.05)
"""Chord beyond which two ends are so nearly opposite that the shortest path is a matter of chance."""
_CHORD_PER_ARC = 0.97
_DROPPED_M = 25_000.0
"""Up to here a chord dropped square onto the ellipsoid is the geodesic to 0.03 mm."""
_MIN_RING = 3
_MIN_PATH = 2
_ORIGIN = shapely.Point(0.0, 0.0)

Ints = NDArray[np.int64]


class Kind(Enum):
    """What a core is."""

    POINT = 0
    LINE = 1
    AREA = 2


class Core(Struct, frozen=True):
    """A core in space and in the flat frame at its own centre."""

    kind: Kind
    radius_m: float
    """Metres by which the core is grown to the shape."""
    points_m: Floats
    """Filled outline in space, shape (n, 3); an area's ring is not closed."""
    frame: Frame
    center: LatLon
    flat: Any
    """The shapely geometry in ``frame``."""
    extent_m: float
    """Upper bound of the distance from the centre to the core's farthest point."""
    origin_m: tuple[float, float, float]
    """The centre in space, as plain numbers."""


def make_core(shape: Shape, field: str) -> Core:
    """Validate a shape and prepare its core.

    Args:
        shape: the shape as declared.
        field: path of the shape, for messages.

    Raises:
        BadInput: a coordinate that is no number or out of range.
        InvalidShape: no defined inside; ``fault`` says why.
        TooLarge: too many vertices, too long, too wide.
    """
    if isinstance(shape, Circle):
        return _circle(shape, field)
    if isinstance(shape, Polygon):
        points = _outline(shape.vertices, f"{field}.vertices", closed=True)
        return _area(points, f"{field}.vertices")
    return _corridor(shape, field)


def check_number(value: float, low: float, high: float, field: str) -> float:
    """Return a number that is finite and between two bounds, or raise BadInput."""
    if not (isinstance(value, int | float) and low <= value <= high):
        raise BadInput(
            f"{field} is {value}; expected a number from {low:g} to {high:g}",
            field=field,
            expected=f"a number from {low:g} to {high:g}",
            actual=str(value),
        )
    return float(value)


def _circle(shape: Circle, field: str) -> Core:
    _check_position(shape.center, f"{field}.center")
    radius = _radius(shape.radius_m, f"{field}.radius_m")
    frame = Frame.at(shape.center.lat_deg, shape.center.lon_deg)
    points = frame.origin_m[None, :]
    return Core(Kind.POINT, radius, _frozen(points), frame, shape.center, _ORIGIN, 0.0, _plain(frame))


def _corridor(shape: Corridor, field: str) -> Core:
    radius = _radius(shape.width_m / 2, f"{field}.width_m")
    points = _outline(shape.path, f"{field}.path", closed=False)
    dense, frame, center = _fill(points, f"{field}.path", closed=False)
    flat = frame.flatten(dense)
    line = shapely.linestrings(flat)
    shapely.prepare(line)
    extent = _extent(flat, radius, f"{field}.path")
    return Core(Kind.LINE, radius, _frozen(dense), frame, center, line, extent, _plain(frame))


def _area(points: Floats, field: str) -> Core:
    dense, frame, center = _fill(points, field, closed=True)
    flat = frame.flatten(dense)
    extent = _extent(flat, 0.0, field)
    area = shapely.polygons(flat)
    hull = area if shapely.is_valid(area) else shapely.convex_hull(area)
    thickness = 2 * shapely.area(hull) / shapely.length(hull)
    if not thickness >= MIN_THICKNESS_M:
        raise _invalid(field, "zero-area", f"a ring at least {MIN_THICKNESS_M} m thick", f"{thickness:.6f} m")
    if hull is not area:
        reason = str(shapely.is_valid_reason(area))
        place = _fault_place(reason, frame)
        raise _invalid(field, "self-crossing", "a ring that does not meet itself", f"it does {place}")
    shapely.prepare(area)
    return Core(Kind.AREA, 0.0, _frozen(dense), frame, center, area, extent, _plain(frame))


def _fault_place(reason: str, frame: Frame) -> str:
    """Read the place out of GEOS's reason, such as ``Self-intersection[12.5 3.25]``."""
    try:
        x, y = reason[reason.index("[") + 1 : reason.index("]")].split()[:2]
        lat, lon = frame.positions(np.array([[float(x), float(y)]]))
    except ValueError:
        return "somewhere"
    return f"near {lat[0]:.5f}, {lon[0]:.5f}"


def _invalid(field: str, fault: str, expected: str, actual: str) -> InvalidShape:
    detail = f"{field}: {fault}; expected {expected}, found {actual}"
    return InvalidShape(detail, field=field, fault=fault, expected=expected, actual=actual)


def _radius(radius_m: float, field: str) -> float:
    if isinstance(radius_m, int | float) and not radius_m >= MIN_THICKNESS_M and not math.isnan(radius_m):
        raise _invalid(field, "zero-radius", f"a radius of at least {MIN_THICKNESS_M} m", f"{radius_m} m")
    if isinstance(radius_m, int | float) and MAX_EXTENT_M < radius_m < math.inf:
        raise _too_large(field, MAX_EXTENT_M, radius_m, "m")
    return check_number(radius_m, MIN_THICKNESS_M, MAX_EXTENT_M, field)


def _too_large(field: str, limit: float, actual: float, unit: str) -> TooLarge:
    detail = f"{field} measures {actual:,.0f} {unit}; the limit is {limit:,.0f}"
    return TooLarge(detail, field=field, limit=limit, actual=actual, expected=f"at most {limit:,.0f} {unit}")


def _check_position(position: LatLon, field: str) -> None:
    check_number(position.lat_deg, -90.0, 90.0, f"{field}.lat_deg")
    check_number(position.lon_deg, -180.0, 180.0, f"{field}.lon_deg")


def _outline(vertices: tuple[LatLon, ...], field: str, *, closed: bool) -> Floats:
    """Check a list of positions and place it in space without consecutive repetitions."""
    if len(vertices) > MAX_VERTICES:
        raise _too_large(field, MAX_VERTICES, len(vertices), "positions")
    least = _MIN_RING if closed else _MIN_PATH
    if not vertices:
        raise _invalid(field, "too-few-vertices", f"at least {least}", "none")
    degrees = np.array([(v.lat_deg, v.lon_deg) for v in vertices], dtype=np.float64)
    # Written so that NaN fails too.
    if not bool((np.abs(degrees) <= (90.0, 180.0)).all()):
        for index, vertex in enumerate(vertices):
            _check_position(vertex, f"{field}[{index}]")
    points = in_space(normals(degrees[:, 0], degrees[:, 1]))
    before = np.roll(points, 1, axis=0)
    fresh = np.abs(points - before).max(axis=1) > _SAME_POINT_M
    if not closed:
        fresh[0] = True
    kept: Floats = points[fresh]
    if len(kept) < least:
        raise _invalid(field, "too-few-vertices", f"at least {least} different positions", str(len(kept)))
    return kept


def _fill(points: Floats, field: str, *, closed: bool) -> tuple[Floats, Frame, LatLon]:
    """Fill long edges with points of their geodesics and find the centre."""
    ends = np.roll(points, -1, axis=0) if closed else points[1:]
    starts = points if closed else points[:-1]
    chord = np.sqrt(((ends - starts) ** 2).sum(axis=1))
    worst = int(chord.argmax())
    if chord[worst] > _ANTIPODAL_M:
        raise _invalid(field, "antipodal-edge", "ends that have one shortest path", f"edge {worst} has many")
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    half = float(np.sqrt(((points - middle) ** 2).sum(axis=1).max()))
    if half > MAX_EXTENT_M or float(np.linalg.norm(middle)) < A_M / 2:
        if closed and float(np.linalg.norm(points.mean(axis=0))) < A_M / 100:
            raise _invalid(field, "larger-than-a-hemisphere", "a ring with one smaller side", "none")
        raise _too_large(field, MAX_EXTENT_M, half, "m from its centre")
    total = float(chord.sum())
    if total > MAX_OUTLINE_M:
        raise _too_large(field, MAX_OUTLINE_M, total, "m along its edges")
    lat, lon = positions(middle)
    center = LatLon(round(float(lat), 7), round(float(lon), 7))
    dense = points
    if chord[worst] > EDGE_STEP_M * _CHORD_PER_ARC:
        dense = _filled(points, starts, ends, chord, closed=closed)
    return dense, Frame.at(center.lat_deg, center.lon_deg), center


def _filled(points: Floats, starts: Floats, ends: Floats, chord: Floats, *, closed: bool) -> Floats:
    pieces = np.maximum(1, np.ceil(chord / (EDGE_STEP_M * _CHORD_PER_ARC)).astype(np.int64))
    edge = np.repeat(np.arange(len(pieces)), pieces)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = step / pieces[edge]
    inner = step > 0
    dense = starts[edge]
    dense[inner] = drop(dense[inner] + share[inner, None] * (ends - starts)[edge[inner]])
    long = inner & (chord > _DROPPED_M)[edge]
    if long.any():
        dense[long] = _on_geodesics(starts, ends, edge[long], share[long])
    return dense if closed else np.vstack((dense, points[-1:]))


def _on_geodesics(starts: Floats, ends: Floats, edge: Ints, share: Floats) -> Floats:
    """The points at these shares of these edges' geodesics, in space."""
    chosen, which = np.unique(edge, return_inverse=True)
    lat1, lon1 = positions(starts[chosen])
    lat2, lon2 = positions(ends[chosen])
    distance, azimuth, _ = inverse(lat1, lon1, lat2, lon2)
    lat, lon, _ = direct(lat1[which], lon1[which], azimuth[which], distance[which] * share)
    return in_space(normals(lat, lon))


def _extent(flat: Floats, radius_m: float, field: str) -> float:
    extent = float(np.sqrt((flat * flat).sum(axis=1).max())) * (1 + 1e-7) + 1e-3
    if extent + radius_m > MAX_EXTENT_M:
        raise _too_large(field, MAX_EXTENT_M, extent + radius_m, "m from its centre")
    return extent


def _plain(frame: Frame) -> tuple[float, float, float]:
    x, y, z = frame.origin_m.tolist()
    return x, y, z


def _frozen(points: Floats) -> Floats:
    points.setflags(write=False)
    return points
