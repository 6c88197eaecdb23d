"""Ground shapes of zones out of JSON: rings, circles, corridors, with what had to be changed.

Holes are closed, which makes a zone larger: the safe side, but not for an exemption, which is missed.
"""

from detente.errors import BadInput
from detente.formats.faults import shown
from detente.formats.zone_fields import Fields, Missed, Notes
from detente.formats.zone_rings import MEETS_ITSELF, mended
from detente.geo.core import make_core
from detente.geo.limits import MAX_VERTICES
from detente.geo.model import Circle, Corridor, LatLon, Polygon, Shape
from detente.zones.model import LIMITS, ZoneRestriction

Json = object
_NUMBERS = 2
_MIN_RING = 3
HOLE_CLOSED = "a hole is closed: the zone is larger than in the file"


def position_of(value: Json, at: str) -> LatLon:
    """Read ``[longitude, latitude]``; an altitude behind them is ignored.

    Raises:
        Missed: it is none, or off the globe.
    """
    if not isinstance(value, list) or len(value) < _NUMBERS:
        raise Missed(at, "[longitude, latitude]", shown(value))
    numbers = []
    for part, most in ((value[0], 180.0), (value[1], 90.0)):
        number = Fields({"position": part}, at, Notes()).number("position")
        if number is None or not -most <= number <= most:
            raise Missed(at, "a longitude to 180 and a latitude to 90", shown(value[:_NUMBERS]))
        numbers.append(number)
    return LatLon(numbers[1], numbers[0])


def line_of(value: Json, at: str) -> tuple[LatLon, ...]:
    """Read a list of positions.

    Raises:
        Missed: it is none, or too long.
    """
    if not isinstance(value, list):
        raise Missed(at, "a list of positions", shown(value))
    if len(value) > MAX_VERTICES + 1:
        raise Missed(at, f"at most {MAX_VERTICES:,} positions", f"{len(value):,}")
    return tuple(position_of(item, f"{at}[{index}]") for index, item in enumerate(value))


def ring_of(positions: tuple[LatLon, ...], at: str, notes: Notes) -> Polygon:
    """Make a polygon of a ring, whose end repeats its beginning or should.

    Raises:
        Missed: too few positions.
    """
    if len(positions) > 1 and positions[0] == positions[-1]:
        positions = positions[:-1]
    else:
        notes.add(f"{at}: the ring was not closed, and is now")
    if len(positions) < _MIN_RING:
        raise Missed(at, f"at least {_MIN_RING} different positions", str(len(positions)))
    return Polygon(positions)


def polygon_of(value: Json, at: str, notes: Notes) -> Polygon:
    """Make a polygon of a list of rings: the first is its outline, the others are holes and are closed.

    Raises:
        Missed: there is no ring, or it is none.
    """
    if not isinstance(value, list) or not value:
        raise Missed(at, "a list of rings", shown(value))
    # Some feeds leave out one level of brackets.
    is_bare = isinstance(value[0], list) and value[0] and isinstance(value[0][0], int | float)
    if is_bare:
        notes.add(f"{at} is one ring instead of a list of rings")
        return ring_of(line_of(value, at), at, notes)
    if len(value) > 1:
        notes.add(HOLE_CLOSED)
    return ring_of(line_of(value[0], f"{at}[0]"), f"{at}[0]", notes)


def shapes_of(geometry: Fields) -> list[Shape]:
    """Read a GeoJSON geometry, or a circle as ED-269 and ED-318 write it.

    Args:
        geometry: its members; collections are taken apart by the caller.

    Returns:
        One shape for each part.

    Raises:
        Missed: it cannot be read as an area.
    """
    kind = str(geometry.raw("type"))
    coordinates, at = geometry.raw("coordinates"), geometry.at("coordinates")
    if kind == "Polygon":
        return [*mended(polygon_of(coordinates, at, geometry.notes), geometry.notes)]
    if kind == "MultiPolygon":
        if not isinstance(coordinates, list) or not 0 < len(coordinates) <= LIMITS.volumes:
            raise Missed(at, f"1 to {LIMITS.volumes} polygons", shown(coordinates))
        polygons = [polygon_of(item, f"{at}[{i}]", geometry.notes) for i, item in enumerate(coordinates)]
        return [part for polygon in polygons for part in mended(polygon, geometry.notes)]
    if kind in {"Circle", "Point"}:
        return [_circle(geometry)]
    if kind == "LineString":
        width_m = geometry.number("width_m")
        if width_m is None:
            raise Missed(geometry.at("type"), "an area, or a line with width_m", '"LineString"')
        return [Corridor(line_of(coordinates, at), width_m)]
    raise geometry.missed("type", "Polygon, MultiPolygon, Circle or Point with a radius")


def _circle(geometry: Fields) -> Circle:
    center = geometry.raw("center", "coordinates")
    if isinstance(center, dict):
        center = center.get("coordinates")
    extent = geometry.child("extent")
    radius_m = (extent or geometry).number("radius", "radius_m")
    if radius_m is None:
        raise Missed(geometry.at("radius"), "a radius in metres", "nothing")
    return Circle(position_of(center, geometry.at("center")), radius_m)


def check_shapes(shapes: list[Shape], restriction: ZoneRestriction, notes: Notes) -> None:
    """Refuse shapes without a defined inside, too many of them, and exemptions that would grow.

    Raises:
        Missed: it is so; says what.
    """
    if not 0 < len(shapes) <= LIMITS.volumes:
        raise Missed("geometry", f"1 to {LIMITS.volumes} volumes", f"{len(shapes):,}")
    if restriction is ZoneRestriction.NONE and {HOLE_CLOSED, MEETS_ITSELF} & set(notes.all()):
        raise Missed("geometry", "an exemption without holes or crossings", "one that would grow")
    vertices = 0
    for index, shape in enumerate(shapes):
        vertices += len(shape.vertices) if isinstance(shape, Polygon) else 0
        vertices += len(shape.path) if isinstance(shape, Corridor) else 0
        if vertices > LIMITS.vertices:
            raise Missed("geometry", f"at most {LIMITS.vertices:,} positions", "more")
        try:
            make_core(shape, f"volumes[{index}]")
        except BadInput as fault:
            said = fault.members
            what = str(said.get("fault", said.get("actual", "")))
            raise Missed(
                str(said.get("field", "geometry")),
                str(said.get("expected", "a shape with a defined inside")),
                f"{what}: {said.get('actual')}" if "fault" in said else what,
            ) from fault
