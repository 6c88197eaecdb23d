"""Zones of ED-269 files (UASZoneVersion), as they are published: not always as the standard has it.

Source: EUROCAE ED-269, section 8.2 (UAS zone data model); the same members as F3548-21's GeoZone.
"""

from detente.formats.zone_fields import Fields, Missed, Notes
from detente.formats.zone_heights import LimitNames, limits_of
from detente.formats.zone_reading import identifier_of
from detente.formats.zone_shapes import check_shapes, shapes_of
from detente.formats.zone_terms import (
    authorities_of,
    country_of,
    kind_of,
    reasons_of,
    region_of,
    restriction_of,
    yes_of,
)
from detente.formats.zone_times import outer_bounds, schedule_of
from detente.geo.model import Shape
from detente.zones.model import LIMITS, ZoneBody, ZoneVolume

_LIMITS = LimitNames(
    "lowerLimit", "lowerVerticalReference", "upperLimit", "upperVerticalReference", "uomDimensions"
)


def looks_like_ed269(feature: dict[str, object]) -> bool:
    """Tell a zone of ED-269 from a GeoJSON feature: its geometry is a list, or its rule is its own member."""
    return isinstance(feature.get("geometry"), list) or "restriction" in feature or "applicability" in feature


def zone_of_ed269(feature: dict[str, object], fallback: str, notes: Notes) -> ZoneBody:
    """Read one zone.

    Args:
        feature: the members of the zone.
        fallback: what to call it if it has no identifier.
        notes: told what was changed.

    Returns:
        The zone.

    Raises:
        Missed: it cannot be read; says what and where.
    """
    zone = Fields(feature, "", notes)
    restriction = restriction_of(zone, "restriction")
    schedule = schedule_of(zone, "applicability")
    start_ms, end_ms = outer_bounds(schedule)
    volumes: list[ZoneVolume] = []
    shapes: list[Shape] = []
    parts = zone.children("geometry", LIMITS.volumes)
    if not parts:
        raise zone.missed("geometry", "a list of volumes")
    for part in parts:
        lower, upper = limits_of(part, _LIMITS)
        found = _shapes(part)
        shapes += found
        volumes += (
            ZoneVolume(
                shape, lower.height_m or 0.0, upper.height_m, lower.datum, upper.datum, start_ms, end_ms
            )
            for shape in found
        )
    check_shapes(shapes, restriction, notes)
    conditions = tuple(
        word[: LIMITS.condition_letters] for word in zone.words("restrictionConditions") if word != "NIL"
    )
    return ZoneBody(
        identifier=identifier_of(zone.text("identifier", LIMITS.identifier_letters), fallback, notes),
        restriction=restriction,
        volumes=tuple(volumes),
        country=country_of(zone),
        name=zone.texts("name"),
        kind=kind_of(zone, "type"),
        conditions=zone.bounded("restrictionConditions", conditions, LIMITS.conditions),
        region=region_of(zone),
        reasons=reasons_of(zone),
        other_reason=zone.texts("otherReasonInfo"),
        regulation_exemption=yes_of(zone, "regulationExemption"),
        u_space_class=zone.text("uSpaceClass"),
        message=zone.texts("message", LIMITS.message_letters),
        authorities=authorities_of(zone),
        schedule=schedule,
    )


def _shapes(part: Fields) -> list[Shape]:
    projection = part.child("horizontalProjection")
    if projection is None:
        raise Missed(part.at("horizontalProjection"), "a Polygon or a Circle", "nothing")
    unit = str(part.raw("uomDimensions")).upper()
    if projection.raw("radius") is not None and unit in {"FT", "FEET"}:
        part.notes.add(
            f"{projection.at('radius')} is taken as metres although the heights are in feet: the larger"
        )
    return shapes_of(projection)
