"""The standard's volumes as ours, and ours as the standard's.

Decides what a volume of the standard means here and refuses what it leaves without meaning; every refusal
names the member as it stands on the wire. Nothing is made smaller on the way, in either direction.

Source: ASTM F3548-21, OpenAPI 1.0.0, Polygon, Circle, Volume3D and Volume4D.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec.structs import replace

from detente.astm.f3548 import wire
from detente.discovery.model import Area
from detente.errors import BadInput, TooLarge
from detente.geo import Circle, Datum, LatLon, Polygon, Shape, Terrain, polygon_around, prepare
from detente.geo.core import Core, check_number, make_core
from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M, MIN_THICKNESS_M
from detente.geo.model import Corridor
from detente.geo.outline import core_area_km2
from detente.plans.model import PlanVolume
from detente.plans.volumes import to_ms, to_volume

MAX_AREA_KM2 = 2_500.0
"""As large as one area in a request may be; InterUSS' discovery service has the same limit."""
_LEAST_HEIGHT_M = 0.01
_LEAST_TIME = timedelta(milliseconds=1)
_TURN_DEG, _POLE_DEG = 180.0, 90.0
_ON_THE_WIRE = (
    (".lat_deg", ".lat"),
    (".lon_deg", ".lng"),
    (".radius_m", ".radius.value"),
    (".lower_m", ".altitude_lower.value"),
    (".upper_m", ".altitude_upper.value"),
)


def to_plan_volumes(
    extents: Sequence[wire.Volume4D], field: str, *, max_area_km2: float | None = None
) -> tuple[PlanVolume, ...]:
    """Read volumes that must be bounded on all sides: those of an operational intent.

    A volume without height or duration is given the least that has an inside: 1 cm, 1 ms.

    Args:
        extents: as decoded.
        field: their path in the request, such as ``extents``.
        max_area_km2: refuse any that covers more ground, square kilometres.

    Raises:
        BadInput: naming the member on the wire; InvalidShape among them.
    """
    return tuple(
        _to_plan_volume(volume, f"{field}[{index}]", max_area_km2) for index, volume in enumerate(extents)
    )


def to_area(volume: wire.Volume4D, field: str, *, max_area_km2: float | None = None) -> Area:
    """Read a volume whose altitudes and times may be missing: of a query, a subscription, a constraint.

    Args:
        volume: as decoded.
        field: its path in the request, such as ``area_of_interest``.
        max_area_km2: refuse it if it covers more ground, square kilometres.

    Raises:
        BadInput: naming the member on the wire; InvalidShape among them.
    """
    shape = _shape(volume.volume, f"{field}.volume", max_area_km2)
    lower_m, upper_m = _band_m(volume.volume, f"{field}.volume")
    start, end = _window(volume, field)
    return Area(shape, lower_m, upper_m, start, end)


def require_area(shape: Shape, field: str, max_area_km2: float = MAX_AREA_KM2) -> None:
    """Refuse a shape that covers more ground than a request may ask about.

    Raises:
        BadInput: naming the area found; also for a shape that has no inside.
    """
    with _names_of_the_wire():
        _require_area(make_core(shape, field), field, max_area_km2)


def to_volume4d(
    volume: PlanVolume, *, terrain: Terrain | None = None, field: str = "volume"
) -> wire.Volume4D:
    """Write a volume of ours as the standard has it, never smaller.

    Circles, polygons and altitudes above the ellipsoid go out as they came in. A corridor becomes a polygon
    around it; altitudes of another datum become the band above the ellipsoid that holds them.

    Args:
        volume: the volume.
        terrain: ground heights, for altitudes above ground.
        field: its path, for messages.

    Raises:
        BadInput: for a corridor that has no defined inside or is too large.
        UnsupportedDatum: for altitudes above ground where no terrain data are.
    """
    shape = volume.shape
    lower_m, upper_m = volume.lower_m, volume.upper_m
    if volume.datum is not Datum.WGS84:
        lower_m, upper_m = prepare(to_volume(volume), terrain=terrain, field=field).band_m
        # Beyond these the standard has no altitude, and nothing flies.
        lower_m, upper_m = (min(max(one, MIN_ALTITUDE_M), MAX_ALTITUDE_M) for one in (lower_m, upper_m))
    if isinstance(shape, Corridor):
        shape = polygon_around(shape, field=f"{field}.shape")
    return wire.Volume4D(
        volume=replace(_outline(shape), altitude_lower=_altitude(lower_m), altitude_upper=_altitude(upper_m)),
        time_start=wire.time_of(volume.start),
        time_end=wire.time_of(volume.end),
    )


def _outline(shape: Circle | Polygon) -> wire.Volume3D:
    if isinstance(shape, Circle):
        center = wire.LatLngPoint(lat=shape.center.lat_deg, lng=shape.center.lon_deg)
        return wire.Volume3D(outline_circle=wire.Circle(center, wire.Radius(shape.radius_m, "M")))
    # Our own wire passes over a vertex that is repeated; the standard forbids it.
    once = dict.fromkeys(shape.vertices)
    vertices = tuple(wire.LatLngPoint(lat=v.lat_deg, lng=v.lon_deg) for v in once)
    return wire.Volume3D(outline_polygon=wire.Polygon(vertices))


def _altitude(metres: float) -> wire.Altitude:
    return wire.Altitude(metres, "W84", "M")


def _to_plan_volume(volume: wire.Volume4D, at: str, max_area_km2: float | None) -> PlanVolume:
    shape = _shape(volume.volume, f"{at}.volume", max_area_km2)
    lower_m, upper_m = _band_m(volume.volume, f"{at}.volume")
    if lower_m is None or upper_m is None:
        raise _missing(f"{at}.volume.altitude_{'lower' if lower_m is None else 'upper'}", "an altitude")
    start, end = _window(volume, at)
    if start is None or end is None:
        raise _missing(f"{at}.time_{'start' if start is None else 'end'}", "a time")
    return PlanVolume(shape=shape, lower_m=lower_m, upper_m=upper_m, start=start, end=end)


def _missing(field: str, expected: str) -> BadInput:
    return BadInput(f"{field} is missing", field=field, expected=expected, actual="nothing")


def _shape(volume: wire.Volume3D, at: str, max_area_km2: float | None) -> Shape:
    """Read the one outline and check that it has an inside."""
    circle, polygon = volume.outline_circle, volume.outline_polygon
    outline = circle or polygon
    if outline is None or (circle and polygon):
        found = "both" if outline else "neither"
        raise BadInput(
            f"{at} has {found} of outline_circle and outline_polygon; expected one",
            field=at,
            expected="exactly one of outline_circle and outline_polygon",
            actual=found,
        )
    if isinstance(outline, wire.Circle):
        field = f"{at}.outline_circle"
        shape = _circle(outline, field)
    else:
        field = f"{at}.outline_polygon"
        shape = _polygon(outline, field)
    with _names_of_the_wire():
        core = make_core(shape, field)
        if max_area_km2 is not None:
            _require_area(core, field, max_area_km2)
    return shape


def _circle(circle: wire.Circle, at: str) -> Shape:
    if circle.center is None:
        raise _missing(f"{at}.center", "a position")
    if circle.radius is None:
        raise _missing(f"{at}.radius", "a radius")
    return Circle(LatLon(circle.center.lat, circle.center.lng), circle.radius.value)


def _polygon(polygon: wire.Polygon, at: str) -> Shape:
    """Read a ring; our geometry would pass over a vertex that is there twice, the standard forbids it.

    A last vertex that repeats the first is dropped: forbidden too, but InterUSS' tests send it.
    """
    vertices, seen = polygon.vertices, dict[tuple[float, float], int]()
    if vertices[0] == vertices[-1]:
        vertices = vertices[:-1]
    for index, vertex in enumerate(vertices):
        lng = 0.0 if abs(vertex.lat) == _POLE_DEG else vertex.lng
        place = (vertex.lat, -_TURN_DEG if lng == _TURN_DEG else lng)
        first = seen.setdefault(place, index)
        if first != index:
            field = f"{at}.vertices[{index}]"
            raise BadInput(
                f"{field} is where vertices[{first}] is",
                field=field,
                expected="each vertex once",
                actual=f"{vertex.lat}, {vertex.lng}, as vertices[{first}]",
            )
    return Polygon(tuple(LatLon(v.lat, v.lng) for v in vertices))


def _band_m(volume: wire.Volume3D, at: str) -> tuple[float | None, float | None]:
    """Read the altitudes; equal ones get 1 cm between them, downward where up is no room."""
    lower = _altitude_m(volume.altitude_lower, f"{at}.altitude_lower.value")
    upper = _altitude_m(volume.altitude_upper, f"{at}.altitude_upper.value")
    if lower is None or upper is None:
        return lower, upper
    if lower > upper:
        raise BadInput(
            f"{at}.altitude_lower.value is {lower}, above altitude_upper of {upper}",
            field=f"{at}.altitude_lower.value",
            expected=f"at most altitude_upper ({upper})",
            actual=lower,
        )
    if upper - lower >= MIN_THICKNESS_M:
        return lower, upper
    if upper + _LEAST_HEIGHT_M <= MAX_ALTITUDE_M:
        return lower, upper + _LEAST_HEIGHT_M
    return lower - _LEAST_HEIGHT_M, upper


def _altitude_m(altitude: wire.Altitude | None, field: str) -> float | None:
    if altitude is None:
        return None
    return check_number(altitude.value, MIN_ALTITUDE_M, MAX_ALTITUDE_M, field)


def _window(volume: wire.Volume4D, at: str) -> tuple[datetime | None, datetime | None]:
    """Read the times; equal ones (to the millisecond, which is as fine as we look) get 1 ms between them."""
    start = None if volume.time_start is None else volume.time_start.value
    end = None if volume.time_end is None else volume.time_end.value
    if start is None or end is None:
        return start, end
    if start > end:
        raise BadInput(
            f"{at}.time_start.value is {start.isoformat()}, after time_end of {end.isoformat()}",
            field=f"{at}.time_start.value",
            expected=f"at most time_end ({end.isoformat()})",
            actual=start.isoformat(),
        )
    if to_ms(start) < to_ms(end):
        return start, end
    try:
        return start, end + _LEAST_TIME
    except OverflowError:
        return start - _LEAST_TIME, end


def _require_area(core: Core, field: str, max_area_km2: float) -> None:
    found = core_area_km2(core)
    if found > max_area_km2:
        raise BadInput(
            f"{field} covers {found:,.0f} km2; the limit is {max_area_km2:,.0f}",
            field=field,
            expected=f"at most {max_area_km2:,.0f} km2",
            actual=f"{found:,.0f} km2",
            limit=max_area_km2,
        )


@contextmanager
def _names_of_the_wire() -> Iterator[None]:
    """Give what geometry refuses the names that the sender wrote; what is too large is a 400 here."""
    try:
        yield
    except BadInput as refusal:
        field = str(refusal.members.get("field", ""))
        named = field
        for ours, theirs in _ON_THE_WIRE:
            named = named.removesuffix(ours) + theirs if named.endswith(ours) else named
        kind = BadInput if isinstance(refusal, TooLarge) else type(refusal)
        if named == field and kind is type(refusal):
            raise
        raise kind(refusal.detail.replace(field, named), **{**refusal.members, "field": named}) from refusal
