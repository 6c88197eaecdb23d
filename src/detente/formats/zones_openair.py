"""Zones of OpenAir files, with what its second version adds (``AY``, ``AI``, ``AF``, ``AG``, ``AX``, ``AA``).

A zone begins at its ``AC`` line and ends before the next. Whatever in it cannot be read misses the whole
zone, by the line of the fault; nothing is carried over from the zone before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from detente.errors import TooLarge
from detente.formats.faults import shown
from detente.formats.zone_arcs import Arc, arc_between, arc_by_bearings, points_on
from detente.formats.zone_fields import Missed, Notes, clean
from detente.formats.zone_heights import GROUND, UNLIMITED, Limit, Limits, checked, parse_limit
from detente.formats.zone_reading import MAX_ZONES, Entry, entry_of, identifier_of
from detente.formats.zone_rings import mended
from detente.formats.zone_shapes import check_shapes
from detente.formats.zone_terms import airspace_restriction
from detente.formats.zone_times import instant_ms, outer_bounds, period_of
from detente.geo.ellipsoid import in_space, normals
from detente.geo.frame import Frame
from detente.geo.limits import MAX_EXTENT_M, MAX_VERTICES
from detente.geo.model import Circle, Corridor, LatLon, Polygon, Shape
from detente.zones.model import (
    LIMITS,
    ZoneBody,
    ZonePeriod,
    ZoneReason,
    ZoneRestriction,
    ZoneText,
    ZoneVolume,
)

NAUTICAL_MILE_M = 1852.0
MAX_LINE_LETTERS = 2_000
MAX_ELEMENTS = 10_000
_ANGLE = (
    r"([0-9]{1,3}(?:\.[0-9]+)?)(?:[: ] ?([0-9]{1,2}(?:\.[0-9]+)?))?(?:[: ] ?([0-9]{1,2}(?:\.[0-9]+)?))? ?"
)
_POSITION = re.compile(rf"{_ANGLE}([NS])[ ,]*{_ANGLE}([EW])")
_FULL_ANGLE = 60.0
_LINE_END = re.compile("\r\n?|\n")
"""Not what Unicode ends lines with: in Western encodings those are letters."""
_TEXT_TAGS = {"AN", "AG", "AF", "AI", "AY", "AX", "AA"}
_ONCE = {"AN", "AL", "AH", "AI", "AY"}
_PASSED = {"AT", "SP", "SB"}
_TERRAIN = {"TO", "TC"}
_MAX_STRAY = 20
_FAR_APART = 0.25
_APART_M = 100.0
BEGINS = re.compile(r"(?im)^[ \t\ufeff]*AC[ \t]+\S")
"""A line that only OpenAir files have."""


@dataclass(slots=True)
class _Record:
    """One zone's lines, sorted by what they say."""

    line: int
    airspace_class: str
    said: dict[str, str] = field(default_factory=dict)
    activations: list[str] = field(default_factory=list)
    points: list[LatLon | Arc] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    airway: list[LatLon] = field(default_factory=list)
    center: LatLon | None = None
    is_clockwise: bool = True
    width_m: float | None = None
    notes: list[str] = field(default_factory=list)
    fault: Missed | None = None


def position_in(text: str, at: str) -> LatLon:
    """Read a position such as ``39:35:00 N 118:59:20 W``, ``39:29.7N 119:46.5W`` or ``39.5 N 119.2 W``.

    Raises:
        Missed: it is none. (Sixty seconds are read: programs that round write them.)
    """
    match = _POSITION.fullmatch(" ".join(text.upper().replace("\N{DEGREE SIGN}", ":").split()))
    if match is None:
        raise Missed(at, "a position, such as 39:35:00 N 118:59:20 W", shown(text))
    angles = []
    for first, signs, most in ((1, "NS", 90.0), (5, "EW", 180.0)):
        degrees, minutes, seconds = (float(part or 0) for part in match.group(first, first + 1, first + 2))
        angle = degrees + minutes / 60 + seconds / 3600
        if angle > most or minutes > _FULL_ANGLE or seconds > _FULL_ANGLE:
            raise Missed(at, f"degrees to {most:g}, minutes and seconds to 60", shown(text))
        angles.append(-angle if match[first + 3] == signs[1] else angle)
    return LatLon(angles[0], angles[1])


def read_openair(text: str, file_notes: Notes) -> Iterator[Entry]:
    """Read the zones of an OpenAir file.

    Args:
        text: all of it.
        file_notes: told of lines that belong to no zone.

    Yields:
        Each zone or miss.

    Raises:
        TooLarge: there are too many.
    """
    record: _Record | None = None
    count = stray = 0
    for number, raw in enumerate(_LINE_END.split(text), 1):
        line = raw.strip(" \t\ufeff\x1a\x00")
        if not line or line.startswith("*"):
            continue
        tag, _, value = line.replace("\t", " ").partition(" ")
        tag = tag.upper()
        if tag == "AC" or tag in _TERRAIN:
            if record is not None:
                yield _entry(record)
            count += tag == "AC"
            if count > MAX_ZONES:
                detail = f"the file holds more than {MAX_ZONES:,} zones"
                raise TooLarge(
                    detail, field="content", limit=MAX_ZONES, expected=f"at most {MAX_ZONES:,} zones"
                )
            record = _Record(number, clean(value.split("*")[0]).upper()[:20]) if tag == "AC" else None
            if record is None:
                file_notes.add(f"line {number}: {tag} is terrain and no zone")
        elif record is not None:
            _take(record, tag, value if tag in _TEXT_TAGS else value.split("*")[0], number)
        elif stray < _MAX_STRAY:
            stray += 1
            file_notes.add(f"line {number} belongs to no zone: {shown(line)}")
    if record is not None:
        yield _entry(record)


def _take(record: _Record, tag: str, value: str, number: int) -> None:
    if record.fault is not None:
        return
    try:
        _take_line(record, tag, clean(value), number)
    except Missed as fault:
        fault.args = (f"line {number}, {fault}",)
        record.fault = fault


def _take_line(record: _Record, tag: str, value: str, number: int) -> None:
    if len(value) > MAX_LINE_LETTERS:
        raise Missed(tag, f"a line of at most {MAX_LINE_LETTERS:,} characters", f"{len(value):,}")
    if tag in _ONCE and tag in record.said:
        # Two zones run together would become one that is neither.
        raise Missed(tag, "one in a zone (is an AC line missing before it?)", f"a second: {shown(value)}")
    if tag == "AA":
        record.activations.append(value)
    elif tag in _TEXT_TAGS or tag in _ONCE:
        record.said[tag] = value
    elif tag == "V":
        _take_variable(record, value)
    elif tag in {"DP", "DA", "DB", "DC", "DY"}:
        _take_element(record, tag, value)
    elif tag.startswith("D"):
        raise Missed(tag, "DP, DA, DB, DC or DY", shown(f"{tag} {value}"))
    elif tag not in _PASSED:
        record.notes.append(f"line {number}: {tag} is not known and left out: {shown(value)}")


def _take_variable(record: _Record, value: str) -> None:
    name, _, said = value.partition("=")
    name, said = name.strip().upper(), said.strip()
    if name == "X":
        record.center = position_in(said, "V X")
    elif name == "D":
        if said[:1] not in {"+", "-"}:
            raise Missed("V D", "+ or -", shown(said))
        record.is_clockwise = said[0] == "+"
    elif name == "W":
        record.width_m = _miles(said, "V W")


def _miles(text: str, at: str) -> float:
    try:
        length_m = float(text) * NAUTICAL_MILE_M
    except ValueError:
        length_m = -1.0
    if not 0 < length_m <= MAX_EXTENT_M:
        raise Missed(at, f"nautical miles, to {MAX_EXTENT_M / NAUTICAL_MILE_M:.0f}", shown(text))
    return length_m


def _center(record: _Record, tag: str) -> LatLon:
    if record.center is None:
        raise Missed(tag, "a centre (V X=) in the same zone before it", "none")
    return record.center


def _take_element(record: _Record, tag: str, value: str) -> None:
    if len(record.points) + len(record.circles) + len(record.airway) >= MAX_ELEMENTS:
        raise Missed(tag, f"at most {MAX_ELEMENTS:,} points and arcs", "more")
    if tag == "DP":
        record.points.append(position_in(value, tag))
    elif tag == "DC":
        record.circles.append(Circle(_center(record, tag), _miles(value, tag)))
    elif tag == "DY":
        record.airway.append(position_in(value, tag))
    else:
        record.points.append(_arc(record, tag, [part.strip() for part in value.split(",")]))


def _arc(record: _Record, tag: str, parts: list[str]) -> Arc:
    center = _center(record, tag)
    if tag == "DB":
        if len(parts) != 2:  # noqa: PLR2004 - a start and an end
            raise Missed(tag, "two positions with a comma between them", shown(", ".join(parts)))
        start, end = (position_in(part, tag) for part in parts)
        arc = arc_between(center, start, end, is_clockwise=record.is_clockwise)
        near_m, far_m = sorted((arc.start_m, arc.end_m))
        if near_m <= 0 or far_m > MAX_EXTENT_M or far_m - near_m > max(_APART_M, _FAR_APART * far_m):
            raise Missed(tag, "ends equally far from the centre", f"{near_m:,.0f} m and {far_m:,.0f} m")
        if far_m - near_m > _APART_M:
            record.notes.append(
                f"an arc's ends are {near_m:,.0f} m and {far_m:,.0f} m from its centre; it goes between"
            )
        return arc
    try:
        bearings = [float(part) for part in parts[1:]]
    except ValueError:
        bearings = []
    if len(bearings) != 2 or not all(-360 <= bearing <= 720 for bearing in bearings):  # noqa: PLR2004 - bearings
        raise Missed(tag, "a radius and two bearings", shown(", ".join(parts)))
    radius_m = _miles(parts[0], tag)
    return arc_by_bearings(center, radius_m, *bearings, is_clockwise=record.is_clockwise)


def _ring(points: list[LatLon | Arc]) -> Polygon:
    """Draw a ring: which side of its arcs is inside is seen from which way round it goes."""
    plain = _drawn(points, None)
    degrees = np.array([(place.lat_deg, place.lon_deg) for place in plain])
    flat = Frame.at(float(degrees[0, 0]), float(degrees[0, 1])).flatten(
        in_space(normals(degrees[:, 0], degrees[:, 1]))
    )
    after = np.roll(flat, -1, axis=0)
    area = float((flat[:, 0] * after[:, 1] - flat[:, 1] * after[:, 0]).sum())
    ring = _drawn(points, area < 0) if any(isinstance(point, Arc) for point in points) else plain
    while len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    return Polygon(tuple(ring))


def _drawn(points: list[LatLon | Arc], is_ring_clockwise: bool | None) -> list[LatLon]:  # noqa: FBT001 - a fact of the ring
    found: list[LatLon] = []
    for point in points:
        if isinstance(point, Arc):
            found += points_on(point, is_inside=is_ring_clockwise is (point.sweep_rad > 0))
        else:
            found.append(point)
        if len(found) > MAX_VERTICES:
            raise Missed("zone", f"at most {MAX_VERTICES:,} points, those of arcs included", "more")
    return found


def _shapes(record: _Record, notes: Notes) -> list[Shape]:
    shapes: list[Shape] = list(record.circles)
    if record.airway:
        if record.width_m is None:
            raise Missed("DY", "a width (V W=) in the same zone", "none")
        shapes.append(Corridor(tuple(record.airway), record.width_m))
    if record.points:
        shapes += mended(_ring(record.points), notes)
    if not shapes:
        raise Missed("zone", "points, an arc, a circle or an airway", "none")
    if len(shapes) > 1:
        notes.add(f"the zone has {len(shapes)} shapes; each is a part of it")
    return shapes


def _limit(record: _Record, tag: str, absent: Limit, notes: Notes) -> Limit:
    if tag in record.said:
        return parse_limit(record.said[tag], tag, notes)
    notes.add(f"{tag} is absent: the zone {'begins at the ground' if absent is GROUND else 'has no ceiling'}")
    return absent


def _activation_ms(text: str) -> int | None:
    return None if text.strip().upper() == "NONE" else instant_ms(text)[0]


def _schedule(record: _Record, notes: Notes) -> tuple[ZonePeriod, ...]:
    periods = []
    for said in record.activations[: LIMITS.periods]:
        start, _, end = said.partition("/")
        try:
            # Without a slash the end is empty, which is no instant.
            bounds = [_activation_ms(part) for part in (start, end)]
        except (ValueError, OverflowError):
            notes.add(f"AA {shown(said)} gives no times: the zone is read as always in force")
            return ()
        periods.append(period_of(bounds[0], bounds[1], (), "AA"))
    if len(record.activations) > LIMITS.periods:
        notes.add(f"more than {LIMITS.periods} AA lines: the zone is read as always in force")
        return ()
    return () if ZonePeriod() in periods else tuple(periods)


def _restriction(record: _Record, notes: Notes) -> ZoneRestriction:
    kind = record.said.get("AY", "").upper()
    rule = airspace_restriction(kind, record.airspace_class)
    if rule is None:
        notes.add(f"class {shown(record.airspace_class)} is not known; taken as prohibited")
        return ZoneRestriction.PROHIBITED
    return rule


def _message(record: _Record) -> tuple[ZoneText, ...]:
    """Say what has no place of its own in a zone: class, type, frequency, station, transponder code."""
    said = record.said
    station = " ".join(part for part in (said.get("AG"), said.get("AF") and f"{said['AF']} MHz") if part)
    code = f"transponder {said['AX']}" if said.get("AX") else ""
    parts = (f"Airspace class {record.airspace_class}", said.get("AY", ""), station, code)
    return (ZoneText(", ".join(part for part in parts if part)[: LIMITS.message_letters]),)


def _entry(record: _Record) -> Entry:
    name = record.said.get("AN", "")[: LIMITS.text_letters]

    def build(notes: Notes) -> ZoneBody:
        for note in record.notes:
            notes.add(note)
        if record.fault is not None:
            raise record.fault
        limits = checked(
            Limits(_limit(record, "AL", GROUND, notes), _limit(record, "AH", UNLIMITED, notes)), "AH"
        )
        lower, upper = limits
        restriction = _restriction(record, notes)
        shapes = _shapes(record, notes)
        check_shapes(shapes, restriction, notes)
        schedule = _schedule(record, notes)
        start_ms, end_ms = outer_bounds(schedule)
        given = record.said.get("AI") or name
        return ZoneBody(
            identifier=identifier_of(given, f"line {record.line}", notes),
            restriction=restriction,
            volumes=tuple(
                ZoneVolume(
                    shape, lower.height_m or 0.0, upper.height_m, lower.datum, upper.datum, start_ms, end_ms
                )
                for shape in shapes
            ),
            name=(ZoneText(name),) if name else (),
            reasons=(ZoneReason.AIR_TRAFFIC,),
            message=_message(record),
            schedule=schedule,
        )

    return entry_of(record.line, record.said.get("AI") or name, build)
