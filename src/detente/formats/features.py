"""One feature at a time, field by field: what exactly is wrong with it.

The slow and complete twin of the column reader in `detente.formats.geojson`; it only ever sees features
that the fast one refused.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
import numpy as np
from msgspec import Raw, Struct

from detente.formats.faults import Fault, shown
from detente.geo.limits import (
    MAX_ALTITUDE_M,
    MAX_EXTENT_M,
    MAX_INSTANT_MS,
    MAX_VERTICES,
    MIN_ALTITUDE_M,
    MIN_THICKNESS_M,
)

Json = object


class Limits(Struct, frozen=True):
    """What a feature may hold."""

    name_letters: int = 200
    ring_positions: int = 4
    line_positions: int = 2
    positions: int = MAX_VERTICES
    position_numbers: tuple[int, ...] = (2, 3, 4)
    lon_deg: float = 180.0
    lat_deg: float = 90.0
    reach_m: tuple[float, float] = (MIN_THICKNESS_M, MAX_EXTENT_M)
    altitude_m: tuple[float, float] = (MIN_ALTITUDE_M, MAX_ALTITUDE_M)
    height_m: float = MIN_THICKNESS_M
    instant_ms: int = MAX_INSTANT_MS
    datums: tuple[str, ...] = ("WGS84", "AMSL", "STD")


LIMITS = Limits()
_MULTI = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_REACH = {"Point": "radius_m", "LineString": "width_m"}
_MAX_MEMBERS = 10_000
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_BARE_OFFSET = re.compile(rb'[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?[+-][0-9]{4}"')
_PLUS, _MINUS, _QUOTE, _OFFSET_DIGITS = 43, 45, 34, 4
_ZERO, _LAST_DIGIT = np.uint8(48), 9

Problem = tuple[str, str, object]
"""A field, what was expected, what was found."""


def features_of(part: bytes) -> list[bytes]:
    """Unpack a feature collection that stands in a sequence; anything else is given back as it is.

    Args:
        part: the text of one object.

    Returns:
        The texts of its features.
    """
    try:
        members = msgspec.json.decode(part, type=dict[str, Raw])
        if bytes(members.get("type", Raw())) != b'"FeatureCollection"':
            return [part]
        return [bytes(raw) for raw in msgspec.json.decode(members["features"], type=list[Raw])]
    except (msgspec.DecodeError, KeyError):
        return [part]


def has_bare_offset(text: bytes) -> bool:
    """Look for a time of day whose offset has no colon, which the decoder takes and RFC 3339 does not.

    Args:
        text: any number of features.

    Returns:
        Whether there is one in any of their texts.
    """
    marks = np.frombuffer(text, np.uint8)
    sign, behind = marks[: -_OFFSET_DIGITS - 1], marks[_OFFSET_DIGITS + 1 :]
    places = np.flatnonzero(((sign == _PLUS) | (sign == _MINUS)) & (behind == _QUOTE))
    for digit in range(1, _OFFSET_DIGITS + 1):
        places = places[marks[places + digit] - _ZERO <= _LAST_DIGIT]
    # A search through all of the text takes longer than decoding it.
    return len(places) > 0 and _BARE_OFFSET.search(text) is not None


def explain(part: bytes, file: str, number: int) -> list[Fault]:
    """Say everything that is wrong with one feature.

    Args:
        part: its text.
        file: name of the file.
        number: its number in the file, from 1.

    Returns:
        The faults; empty if none can be named.
    """
    try:
        feature = msgspec.json.decode(part)
    except msgspec.DecodeError as error:
        feature = _with_any_number(part)
        endless = list(_endless_numbers(feature, ""))
        if not endless:
            return [Fault(file, number, None, "JSON", "a JSON object", shown(str(error)))]
    except RecursionError:
        return [Fault(file, number, None, "JSON", "less nesting", "too deep an object")]
    else:
        endless = []
    problems = list(_feature_problems(feature))
    named = tuple(field for field, _, _ in problems)
    problems += [problem for problem in endless if not problem[0].startswith(named)]
    plan_id = _known_id(feature)
    return [
        Fault(file, number, plan_id, field, expected, shown(found)) for field, expected, found in problems
    ]


def _with_any_number(part: bytes) -> Json:
    """Read a feature with the numbers that JSON does not have, to say where they stand."""
    try:
        return json.loads(part)
    except ValueError:
        return None


def _endless_numbers(value: Json, place: str) -> Iterator[Problem]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place.removeprefix("properties."), "a finite number", value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _endless_numbers(inner, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _endless_numbers(inner, f"{place}[{index}]")


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _known_id(feature: Json) -> str | None:
    for found in (_member(_member(feature, "properties"), "id"), _member(feature, "id")):
        if isinstance(found, str | int) and not isinstance(found, bool):
            return shown(found).strip('"')
    return None


def _feature_problems(feature: Json) -> Iterator[Problem]:
    if _member(feature, "type") != "Feature":
        expected = '"Feature"; one file is a FeatureCollection, a Feature, or a sequence of them'
        yield "type", expected, _member(feature, "type")
        return
    properties = _member(feature, "properties")
    if isinstance(properties, dict):
        yield from property_problems(properties, _member(feature, "id"))
    else:
        yield "properties", "an object", properties
    geometry = _member(feature, "geometry")
    if isinstance(geometry, dict):
        yield from _geometry_problems(geometry, properties, "geometry")
    else:
        yield "geometry", "a geometry", geometry


def property_problems(properties: dict[str, object], outer_id: object) -> Iterator[Problem]:
    """Check the members that say whose plan it is, when and how high.

    Args:
        properties: the feature's properties, as decoded.
        outer_id: the feature's own ``id``, used where the properties have none.

    Yields:
        A field, what was expected there, what was found.
    """
    plan_id = properties.get("id")
    for value in [value for value in (plan_id, outer_id) if value is not None] or [None]:
        yield from _name("id", value, or_integer=True)
    yield from _name("party", properties.get("party"), or_integer=False)
    title = properties.get("title")
    if title is not None and title != "":
        yield from _name("title", title, or_integer=False)
    start, end = _moment(properties.get("start")), _moment(properties.get("end"))
    for field, moment in (("start", start), ("end", end)):
        if moment is None:
            yield (
                field,
                "a date and time with a zone (RFC 3339), such as 2026-07-01T10:00:00Z",
                properties.get(field),
            )
        elif round(moment.timestamp() * 1000) > LIMITS.instant_ms:
            yield field, "an instant before the year 10000 (UTC), to the millisecond", properties.get(field)
    if start and end and round(start.timestamp() * 1000) >= round(end.timestamp() * 1000):
        yield "end", "an instant after start", properties.get("end")
    yield from _altitude_problems(properties)
    datum = properties.get("datum", "WGS84")
    if datum not in LIMITS.datums:
        yield "datum", " or ".join(LIMITS.datums), datum


def _name(field: str, value: object, *, or_integer: bool) -> Iterator[Problem]:
    if or_integer and isinstance(value, int) and not isinstance(value, bool):
        return
    if not isinstance(value, str) or not 1 <= len(value) <= LIMITS.name_letters:
        expected = f"a text of 1 to {LIMITS.name_letters} characters" + (
            " or an integer" if or_integer else ""
        )
        yield field, expected, value


def _is_rfc_3339(value: object) -> bool:
    return isinstance(value, str) and _RFC_3339.fullmatch(value) is not None


def _moment(value: object) -> datetime | None:
    try:
        moment = msgspec.convert(value, datetime) if _is_rfc_3339(value) else None
    except msgspec.ValidationError:
        return None
    return moment if moment and moment.tzinfo else None


def _number(value: object, low: float, high: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high  # type: ignore[operator] # is_number has just been checked


def _altitude_problems(properties: dict[str, object]) -> Iterator[Problem]:
    low_m, high_m = LIMITS.altitude_m
    good = True
    for field in ("lower_m", "upper_m"):
        value = properties.get(field)
        if not _number(value, low_m, high_m):
            good = False
            yield field, f"a number from {low_m:g} to {high_m:g} metres", value
    if good and not properties["upper_m"] - properties["lower_m"] >= LIMITS.height_m:  # type: ignore[operator] # both are numbers
        yield "upper_m", f"at least {LIMITS.height_m:g} m above lower_m", properties["upper_m"]


def _reach_problems(kind: str, properties: object) -> Iterator[Problem]:
    field = _REACH[kind]
    factor = 2.0 if field == "width_m" else 1.0
    low_m, high_m = (factor * limit for limit in LIMITS.reach_m)
    value = _member(properties, field)
    if not _number(value, low_m, high_m):
        yield field, f"a number from {low_m:g} to {high_m:g} metres, as the geometry is a {kind}", value


def _geometry_problems(geometry: dict[str, object], properties: object, field: str) -> Iterator[Problem]:
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        yield from _collection_problems(geometry, properties, field)
        return
    inner = _MULTI.get(kind, kind) if isinstance(kind, str) else None
    check = _CHECKS.get(inner) if isinstance(inner, str) else None
    if check is None:
        yield f"{field}.type", "Point, LineString, Polygon, a Multi form of these or GeometryCollection", kind
        return
    if inner in _REACH:
        yield from _reach_problems(str(inner), properties)
    for name in ("radius_m", "width_m"):
        value = _member(properties, name)
        if value is not None and not _number(value, -math.inf, math.inf):
            yield name, "a number of metres", value
    coordinates = geometry.get("coordinates")
    field = f"{field}.coordinates"
    if inner == kind:
        yield from check(coordinates, field)
    elif isinstance(coordinates, list) and coordinates:
        for index, one in enumerate(coordinates):
            yield from check(one, f"{field}[{index}]")
    else:
        yield field, f"the coordinates of one {inner} at least", coordinates


def _collection_problems(geometry: dict[str, object], properties: object, field: str) -> Iterator[Problem]:
    members = geometry.get("geometries")
    if not isinstance(members, list) or not 1 <= len(members) <= _MAX_MEMBERS:
        yield f"{field}.geometries", f"1 to {_MAX_MEMBERS:,} geometries", members
        return
    for index, member in enumerate(members):
        if isinstance(member, dict):
            yield from _geometry_problems(member, properties, f"{field}.geometries[{index}]")
        else:
            yield f"{field}.geometries[{index}]", "a geometry", member


def _position_problems(position: object, field: str) -> Iterator[Problem]:
    if not isinstance(position, list) or len(position) not in LIMITS.position_numbers:
        yield field, "a position: longitude, latitude and perhaps an altitude", position
    elif not _number(position[0], -LIMITS.lon_deg, LIMITS.lon_deg):
        yield f"{field}[0]", "a longitude from -180 to 180", position[0]
    elif not _number(position[1], -LIMITS.lat_deg, LIMITS.lat_deg):
        yield f"{field}[1]", "a latitude from -90 to 90", position[1]
    elif not all(_number(value, -math.inf, math.inf) for value in position[2:]):
        yield field, "numbers", position


def _line_problems(line: object, field: str, least: int = LIMITS.line_positions) -> Iterator[Problem]:
    if not isinstance(line, list) or len(line) < least:
        yield field, f"{least} positions at least", line
        return
    if len(line) > LIMITS.positions + (least == LIMITS.ring_positions):
        yield field, f"at most {LIMITS.positions:,} positions", f"{len(line):,}"
        return
    for index, position in enumerate(line):
        yield from _position_problems(position, f"{field}[{index}]")


def _polygon_problems(rings: object, field: str) -> Iterator[Problem]:
    if not isinstance(rings, list) or not rings:
        yield field, "one ring", rings
    elif len(rings) > 1:
        yield field, "a polygon without holes (cut it into polygons without)", f"{len(rings) - 1} hole(s)"
    else:
        yield from _line_problems(rings[0], f"{field}[0]", LIMITS.ring_positions)
        ring = rings[0]
        if isinstance(ring, list) and ring and ring[0] != ring[-1]:
            yield f"{field}[0]", "a closed ring: the last position the same as the first", ring[-1]


_CHECKS: dict[str, Callable[[object, str], Iterator[Problem]]] = {
    "Point": _position_problems,
    "LineString": _line_problems,
    "Polygon": _polygon_problems,
}
