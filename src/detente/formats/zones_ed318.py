"""Zones of ED-318 files: GeoJSON features whose geometry has a layer and whose properties are a UAS zone's.

What ED-318 has no room for stands in our own files under ``extendedProperties.detente`` and in a geometry's
member ``detente``; it is read from there, so that a file that was written here is read as it was.

Source: EUROCAE ED-318; EUROCONTROL's JSON schemas of it (tests/standards/ed318).
"""

import msgspec

from detente.formats.zone_fields import Fields, Missed, Notes
from detente.formats.zone_heights import Limit, LimitNames, Limits, checked, limits_of
from detente.formats.zone_reading import identifier_of
from detente.formats.zone_shapes import check_shapes, shapes_of
from detente.formats.zone_terms import (
    RESTRICTIONS,
    authorities_of,
    country_of,
    kind_of,
    reasons_of,
    region_of,
    restriction_of,
    yes_of,
)
from detente.formats.zone_times import outer_bounds, schedule_of
from detente.geo.model import Polygon
from detente.zones.model import LIMITS, ZoneBody, ZonePeriod, ZoneVolume

OWN = "detente"
_LIMITS = LimitNames("lower", "lowerReference", "upper", "upperReference", "uom")
_PLACEHOLDER = ZoneVolume(Polygon(()))
_MAX_DEPTH = 4


def looks_like_ed318(feature: dict[str, object]) -> bool:
    """Tell a zone of ED-318 from any other GeoJSON feature by its properties."""
    properties = feature.get("properties")
    if not isinstance(properties, dict):
        return False
    said = properties.get("type")
    is_rule = isinstance(said, str) and said.upper() in RESTRICTIONS
    return "zoneAuthority" in properties or "variant" in properties or is_rule


def zone_of_ed318(feature: dict[str, object], fallback: str, notes: Notes) -> ZoneBody:
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
    properties, geometry = whole.child("properties"), whole.child("geometry")
    if properties is None or geometry is None:
        raise whole.missed("properties" if properties is None else "geometry", "an object")
    zone = zone_without_volumes(properties, fallback)
    volumes = volumes_of(geometry, zone.schedule)
    check_shapes([volume.shape for volume in volumes], zone.restriction, notes)
    return msgspec.structs.replace(zone, volumes=tuple(volumes))


def zone_without_volumes(zone: Fields, fallback: str) -> ZoneBody:
    """Read all of a zone but where it is.

    Args:
        zone: the properties of its feature.
        fallback: what to call it if it has no identifier.

    Returns:
        The zone with one volume that is none.

    Raises:
        Missed: it cannot be read.
    """
    conditions = zone.text("restrictionConditions", LIMITS.condition_letters)
    read = ZoneBody(
        identifier=identifier_of(zone.text("identifier", LIMITS.identifier_letters), fallback, zone.notes),
        restriction=restriction_of(zone, "type"),
        volumes=(_PLACEHOLDER,),
        country=country_of(zone),
        name=zone.texts("name"),
        kind=kind_of(zone, "variant"),
        conditions=(conditions,) if conditions else (),
        region=region_of(zone),
        reasons=reasons_of(zone),
        other_reason=zone.texts("otherReasonInfo"),
        regulation_exemption=yes_of(zone, "regulationExemption"),
        message=zone.texts("message", LIMITS.message_letters),
        authorities=authorities_of(zone),
        schedule=schedule_of(zone, "limitedApplicability"),
    )
    extended = zone.child("extendedProperties")
    own = extended.child(OWN) if extended else None
    for name in sorted(extended.names() - {OWN}) if extended else ():
        zone.notes.add(f"extendedProperties.{name} left out: it is of national interest only"[:200])
    return with_own(read, own) if own else read


def with_own(read: ZoneBody, own: Fields) -> ZoneBody:
    """Put back what ED-318 had no room for."""
    members = msgspec.to_builtins(read) | {name: own.raw(name) for name in own.names() if name != "volumes"}
    try:
        return msgspec.convert(members, ZoneBody)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        own.notes.add(f"{own.path} left out: {error}"[:200])
        return read


def volumes_of(geometry: Fields, schedule: tuple[ZonePeriod, ...]) -> list[ZoneVolume]:
    """Read where a zone is: one volume for each part of its geometry.

    Raises:
        Missed: it cannot be read.
    """
    bounds = outer_bounds(schedule)
    return list(_volumes(geometry, None, bounds, _MAX_DEPTH))


def _volumes(
    geometry: Fields, layer: Fields | None, bounds: tuple[int | None, int | None], depth: int
) -> list[ZoneVolume]:
    layer = geometry.child("layer") or layer
    if geometry.raw("type") == "GeometryCollection":
        if depth == 0:
            raise Missed(geometry.path, f"at most {_MAX_DEPTH} collections in each other", "more")
        parts = geometry.children("geometries", LIMITS.volumes)
        found = [volume for part in parts for volume in _volumes(part, layer, bounds, depth - 1)]
        if len(found) > LIMITS.volumes:
            raise Missed(geometry.path, f"at most {LIMITS.volumes} volumes", f"{len(found):,}")
        return found
    own = _own_volume(geometry)
    if own is not None:
        return [msgspec.structs.replace(own, start_ms=bounds[0], end_ms=bounds[1])]
    lower, upper = limits_of(layer or Fields({}, geometry.at("layer"), geometry.notes), _LIMITS)
    return [
        ZoneVolume(shape, lower.height_m or 0.0, upper.height_m, lower.datum, upper.datum, *bounds)
        for shape in shapes_of(geometry)
    ]


def _own_volume(geometry: Fields) -> ZoneVolume | None:
    said = geometry.raw(OWN)
    if said is None:
        return None
    try:
        volume = msgspec.convert(said, ZoneVolume)
        lower, upper = Limit(volume.lower_m, volume.lower_datum), Limit(volume.upper_m, volume.upper_datum)
        checked(Limits(lower, upper), geometry.at(OWN))
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        geometry.notes.add(f"{geometry.at(OWN)} left out: {error}"[:200])
        return None
    return volume
