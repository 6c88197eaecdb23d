"""Zones of plain GeoJSON: features with our own properties, and the FAA's facility-map cells.

Source: RFC 7946; FAA UAS Facility Maps (properties ``CEILING``, ``UNIT``, ``APT1_ICAO``).
"""

from detente.formats.zone_fields import Fields, Missed, Notes
from detente.formats.zone_heights import LimitNames, limits_of
from detente.formats.zone_reading import identifier_of
from detente.formats.zone_shapes import check_shapes, shapes_of
from detente.formats.zone_terms import authorities_of, country_of, kind_of, reasons_of, restriction_of
from detente.formats.zone_times import outer_bounds, period_of, read_instant, schedule_of
from detente.geo.model import Shape
from detente.zones.model import (
    LIMITS,
    AuthorityPurpose,
    ZoneAuthority,
    ZoneBody,
    ZonePeriod,
    ZoneReason,
    ZoneRestriction,
    ZoneText,
    ZoneVolume,
)

_LIMITS = LimitNames("lower_m", "lower_datum", "upper_m", "upper_datum", "unit")
_REACH = ("radius_m", "width_m")
_MAX_DEPTH = 4
_MULTI = {"MultiPoint": "Point", "MultiLineString": "LineString"}


def zone_of_geojson(feature: dict[str, object], fallback: str, notes: Notes) -> ZoneBody:
    """Read one zone.

    Args:
        feature: the members of the feature.
        fallback: what to call it if it has no identifier.
        notes: told what was changed.

    Returns:
        The zone.

    Raises:
        Missed: it cannot be read; says what and where.
    """
    whole = Fields(feature, "", notes)
    if feature.get("type") != "Feature":
        raise whole.missed("type", '"Feature", or a zone of ED-269 or ED-318')
    geometry = whole.child("geometry")
    if geometry is None:
        raise whole.missed("geometry", "a geometry")
    properties = whole.child("properties") or Fields({}, "properties", notes)
    given = properties.text("identifier") or properties.text("id") or whole.text("id")
    if (
        properties.raw("CEILING") is not None
        and properties.raw("UNIT", "APT1_ICAO", "APT1_FAAID") is not None
    ):
        return _facility_cell(properties, _shapes(geometry, properties, _MAX_DEPTH), given or fallback)
    restriction = restriction_of(properties, "restriction")
    lower, upper = limits_of(_with_datums(properties), _LIMITS)
    shapes = _shapes(geometry, properties, _MAX_DEPTH)
    check_shapes(shapes, restriction, notes)
    schedule = _schedule(properties)
    bounds = outer_bounds(schedule)
    name = properties.texts("name") or properties.texts("title")
    return ZoneBody(
        identifier=identifier_of(given, name[0].text if name else fallback, notes),
        restriction=restriction,
        volumes=tuple(
            ZoneVolume(shape, lower.height_m or 0.0, upper.height_m, lower.datum, upper.datum, *bounds)
            for shape in shapes
        ),
        country=country_of(properties),
        name=name,
        kind=kind_of(properties, "kind"),
        reasons=reasons_of(properties),
        message=properties.texts("message", LIMITS.message_letters)
        or properties.texts("description", LIMITS.message_letters),
        authorities=authorities_of(properties, "authorities"),
        schedule=schedule,
    )


def _shapes(geometry: Fields, properties: Fields, depth: int) -> list[Shape]:
    kind = str(geometry.raw("type"))
    if kind == "GeometryCollection":
        if depth == 0:
            raise Missed(geometry.path, f"at most {_MAX_DEPTH} collections in each other", "more")
        parts = geometry.children("geometries", LIMITS.volumes)
        found = [shape for part in parts for shape in _shapes(part, properties, depth - 1)]
        if len(found) > LIMITS.volumes:
            raise Missed(geometry.path, f"at most {LIMITS.volumes} volumes", f"{len(found):,}")
        return found
    reach = {name: properties.raw(name) for name in _REACH}
    if kind in _MULTI:
        lists = geometry.raw("coordinates")
        if not isinstance(lists, list) or not 0 < len(lists) <= LIMITS.volumes:
            raise geometry.missed("coordinates", f"1 to {LIMITS.volumes} parts")
        parts = [
            Fields({"type": _MULTI[kind], "coordinates": item, **reach}, geometry.path, geometry.notes)
            for item in lists
        ]
        return [shape for part in parts for shape in shapes_of(part)]
    members = {"type": geometry.raw("type"), "coordinates": geometry.raw("coordinates"), **reach}
    extent = geometry.raw("extent")
    return shapes_of(Fields(members | ({"extent": extent} if extent else {}), geometry.path, geometry.notes))


def _with_datums(properties: Fields) -> Fields:
    """Say each limit's datum: its own, or that of both; else the ellipsoid, as in files of plans."""
    datum = properties.raw("datum")
    names = [name for name in ("lower", "upper") if properties.raw(f"{name}_m") is not None]
    if names and datum is None and any(properties.raw(f"{name}_datum") is None for name in names):
        properties.notes.add("no datum is given; taken as WGS84, as in files of plans")
        datum = "WGS84"
    said: dict[str, object] = {f"{name}_m": properties.raw(f"{name}_m") for name in ("lower", "upper")}
    said |= {f"{name}_datum": properties.raw(f"{name}_datum") or datum for name in ("lower", "upper")}
    return Fields(said, properties.path, properties.notes)


def _schedule(properties: Fields) -> tuple[ZonePeriod, ...]:
    if properties.raw("limitedApplicability") is not None:
        return schedule_of(properties, "limitedApplicability")
    period = period_of(
        read_instant(properties, "start"), read_instant(properties, "end"), (), properties.at("end")
    )
    return () if period == ZonePeriod() else (period,)


def _facility_cell(properties: Fields, shapes: list[Shape], identifier: str) -> ZoneBody:
    """Read a cell of controlled airspace: flights need consent, which is given at once up to its ceiling."""
    notes = properties.notes
    check_shapes(shapes, ZoneRestriction.CONSENT, notes)
    ceiling_ft = properties.number("CEILING")
    notes.add("a facility-map cell: CEILING is how high consent is given at once, not where the zone ends")
    given = properties.text("GLOBALID") or properties.text("OBJECTID") or identifier
    name = " ".join(filter(None, (properties.text("APT1_ICAO"), properties.text("APT1_NAME"))))
    unit = properties.text("UNIT")
    authority = ZoneAuthority(AuthorityPurpose.AUTHORIZATION, name=(ZoneText(unit, "en"),)) if unit else None
    message = f"Authorisation is given at once up to {ceiling_ft or 0:g} ft above ground; above, ask."
    return ZoneBody(
        identifier=given[: LIMITS.identifier_letters],
        restriction=ZoneRestriction.CONSENT,
        volumes=tuple(ZoneVolume(shape) for shape in shapes),
        country="USA",
        name=(ZoneText(name, "en"),) if name else (),
        reasons=(ZoneReason.AIR_TRAFFIC,),
        message=(ZoneText(message, "en"),),
        authorities=(authority,) if authority else (),
    )
