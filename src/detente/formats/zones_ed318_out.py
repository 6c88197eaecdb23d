"""Zones as an ED-318 file, valid against EUROCONTROL's schemas, that is read back as the same zones.

What ED-318 has no room for is said as near as it can be, on the larger side, for other readers; beside it
our own member `OWN` keeps it as it is. What needs that is not listed anywhere: each zone that was written is
read again, and whatever came out different is kept.

Source: EUROCAE ED-318; EUROCONTROL's JSON schemas of it (tests/standards/ed318).
"""

import hashlib
import math
from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import shapely
from msgspec.structs import replace

from detente.errors import BadInput, TooLarge
from detente.formats.zone_fields import Fields, Missed, Notes
from detente.formats.zone_reading import MAX_ZONES
from detente.formats.zone_terms import RESTRICTIONS, UNKNOWN_COUNTRY
from detente.formats.zones_ed318 import OWN, volumes_of, zone_without_volumes
from detente.geo.core import make_core
from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon
from detente.zones.bands import amsl_range_m
from detente.zones.model import (
    AuthorityPurpose,
    DailyPeriod,
    ZoneAuthority,
    ZoneBody,
    ZonePeriod,
    ZoneReason,
    ZoneTexts,
    ZoneVolume,
)

Json = dict[str, object]
MAX_IDENTIFIER = 7
_MAX_TEXT = 200
_MAX_LANGUAGE = 5
_MAX_REASONS = 9
_ROUND_STEPS = 16
"""Points of a quarter circle at a corridor's ends and bends."""
_TYPES = {rule: word for word, rule in RESTRICTIONS.items()}
"""The last spelling of each rule: ED-318 writes ``AUTHORIZATION`` with a z."""
_UNTOLD_REASONS = {ZoneReason.FOREIGN_TERRITORY: ZoneReason.OTHER}


def write_ed318(zones: Sequence[ZoneBody]) -> bytes:
    """Write zones as an ED-318 file.

    Args:
        zones: the zones; no two of one country with the same identifier.

    Returns:
        A FeatureCollection in UTF-8. An identifier of more than seven letters is replaced by one made from
        it; heights above the standard atmosphere become wider ones above mean sea level; a corridor
        becomes the polygon around it. Our own reader finds the originals beside them.

    Raises:
        BadInput: two zones have one identifier, or a shape has no defined inside.
        TooLarge: there are too many.
    """
    if len(zones) > MAX_ZONES:
        detail = f"{len(zones):,} zones; a file holds at most {MAX_ZONES:,}"
        raise TooLarge(detail, field="zones", limit=MAX_ZONES, actual=len(zones))
    taken: dict[tuple[str | None, str], int] = {}
    for index, zone in enumerate(zones):
        key = (zone.country, zone.identifier)
        if taken.setdefault(key, index) != index:
            raise BadInput(
                f"zones[{index}].identifier is also that of zones[{taken[key]}]: {zone.identifier}",
                field=f"zones[{index}].identifier",
                expected="an identifier of its own",
                actual=zone.identifier,
            )
    short = {key for key in taken if len(key[1]) <= MAX_IDENTIFIER}
    features = []
    for index, zone in enumerate(zones):
        identifier = _short_identifier(zone, short)
        features.append(_feature(zone, identifier, f"zones[{index}]"))
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _short_identifier(zone: ZoneBody, taken: set[tuple[str | None, str]]) -> str:
    """Give the identifier, or seven letters made from it: the same each time, unless another has them."""
    if len(zone.identifier) <= MAX_IDENTIFIER:
        return zone.identifier
    attempt = 0
    while True:
        digest = hashlib.sha256(f"{zone.country}/{zone.identifier}/{attempt}".encode()).digest()
        made = b32encode(digest).decode()[:MAX_IDENTIFIER]
        if (zone.country, made) not in taken:
            taken.add((zone.country, made))
            return made
        attempt += 1


def _feature(zone: ZoneBody, identifier: str, at: str) -> Json:
    properties = _properties(zone, identifier)
    geometries = [_with_own(volume, _geometry(volume, at), zone.schedule) for volume in zone.volumes]
    geometry: Json = (
        geometries[0] if len(geometries) == 1 else {"type": "GeometryCollection", "geometries": geometries}
    )
    own = _differences(zone, zone_without_volumes(Fields(_plain(properties), "", Notes()), identifier))
    if own:
        properties["extendedProperties"] = {OWN: own}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _plain(written: Json) -> Json:
    """Give what a reader of the file would find."""
    found: Json = msgspec.json.decode(msgspec.json.encode(written), type=dict[str, object])
    return found


def _differences(zone: ZoneBody, read: ZoneBody) -> Json:
    """List the members that did not come back as they were."""
    names = [name for name in zone.__struct_fields__ if name != "volumes"]
    return {
        name: msgspec.to_builtins(getattr(zone, name))
        for name in names
        if getattr(zone, name) != getattr(read, name)
    }


def _with_own(volume: ZoneVolume, geometry: Json, schedule: tuple[ZonePeriod, ...]) -> Json:
    """Add the volume itself where its geometry is read back as another one."""
    fields = Fields(_plain(geometry), "geometry", Notes())
    try:
        found = volumes_of(fields, schedule)
    except Missed:
        found = []
    if found and [replace(volume, start_ms=found[0].start_ms, end_ms=found[0].end_ms)] == found:
        return geometry
    return geometry | {OWN: msgspec.to_builtins(volume)}


def _properties(zone: ZoneBody, identifier: str) -> Json:
    reasons = tuple(dict.fromkeys(_UNTOLD_REASONS.get(reason, reason) for reason in zone.reasons))
    written: Json = {
        "identifier": identifier,
        "country": zone.country or UNKNOWN_COUNTRY,
        "name": _texts(zone.name),
        "type": _TYPES[zone.restriction],
        "variant": zone.kind,
        "restrictionConditions": " / ".join(zone.conditions),
        "region": zone.region,
        "reason": list(reasons[:_MAX_REASONS]),
        "otherReasonInfo": _texts(zone.other_reason),
        "regulationExemption": {True: "YES", False: "NO", None: None}[zone.regulation_exemption],
        "message": _texts(zone.message),
        "zoneAuthority": [_authority(authority) for authority in zone.authorities]
        or [{"purpose": AuthorityPurpose.INFORMATION}],
        "limitedApplicability": [_period(period) for period in zone.schedule],
    }
    return _said(written)


def _said(members: Json) -> Json:
    """Leave out what is empty."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [])}


def _texts(texts: ZoneTexts) -> list[Json]:
    """Write texts within ED-318's lengths; a longer one ends in an ellipsis."""
    return [
        {
            "text": text.text if len(text.text) <= _MAX_TEXT else text.text[: _MAX_TEXT - 1] + "…",
            "lang": text.lang
            if len(text.lang) <= _MAX_LANGUAGE
            else text.lang.partition("-")[0][:_MAX_LANGUAGE],
        }
        for text in texts
    ]


def _authority(authority: ZoneAuthority) -> Json:
    return _said(
        {
            "name": _texts(authority.name),
            "service": _texts(authority.service),
            "contactName": _texts(authority.contact_name),
            "siteURL": authority.site_url,
            "email": authority.email,
            "phone": authority.phone and authority.phone[:_MAX_TEXT],
            "purpose": authority.purpose,
            "intervalBefore": authority.interval_before,
        }
    )


def _instant(ms: int | None) -> str | None:
    if ms is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    precision = "milliseconds" if ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _period(period: ZonePeriod) -> Json:
    return _said(
        {
            "startDateTime": _instant(period.start_ms),
            "endDateTime": _instant(period.end_ms),
            "schedule": [_daily(daily) for daily in period.daily],
        }
    )


def _daily(daily: DailyPeriod) -> Json:
    return _said(
        {
            "day": list(daily.days),
            "startTime": daily.start_time,
            "startEvent": daily.start_event,
            "endTime": daily.end_time,
            "endEvent": daily.end_event,
        }
    )


def _geometry(volume: ZoneVolume, at: str) -> Json:
    layer = _layer(volume)
    if isinstance(volume.shape, Circle):
        return {
            "type": "Point",
            "coordinates": _position(volume.shape.center),
            "extent": {"subType": "Circle", "radius": volume.shape.radius_m},
            "layer": layer,
        }
    ring = _around(volume.shape, at) if isinstance(volume.shape, Corridor) else volume.shape
    positions = [_position(place) for place in ring.vertices]
    return {"type": "Polygon", "coordinates": [[*positions, positions[0]]], "layer": layer}


def _position(place: LatLon) -> list[float]:
    return [place.lon_deg, place.lat_deg]


def _layer(volume: ZoneVolume) -> Json:
    """Write the heights; ED-318 knows no standard atmosphere: those become wider ones above the sea."""
    lower_m, upper_m = volume.lower_m, volume.upper_m
    lower, upper = volume.lower_datum, volume.upper_datum
    if lower is Datum.STD:
        lower_m, lower = amsl_range_m(volume.lower_m, Datum.STD)[0], Datum.AMSL
    if upper is Datum.STD and upper_m is not None:
        upper_m, upper = amsl_range_m(upper_m, Datum.STD)[1], Datum.AMSL
    layer: Json = {"lower": lower_m, "lowerReference": lower, "uom": "m"}
    return layer if upper_m is None else layer | {"upper": upper_m, "upperReference": upper}


def _around(corridor: Corridor, at: str) -> Polygon:
    """Draw the polygon around a corridor, never smaller than it; a loop's inside is taken in."""
    core = make_core(corridor, at)
    # The points of a drawn round stand on it, so that the edges between cut it; the flat frame stretches
    # widths a little where a corridor is long.
    grown_m = core.radius_m / math.cos(math.pi / (4 * _ROUND_STEPS)) * (1 + _stretch(core.extent_m)) + 0.01
    area = shapely.buffer(core.flat, grown_m, quad_segs=_ROUND_STEPS)
    outline = np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(area)))[:-1]
    lat, lon = core.frame.positions(outline)
    return Polygon(tuple(LatLon(float(a), float(b)) for a, b in zip(lat, lon, strict=True)))


def _stretch(extent_m: float) -> float:
    """Say by what share a flat width may be longer than on the ellipsoid (`detente.geo.frame`)."""
    return extent_m * extent_m / (6 * 6_300_000.0**2)
