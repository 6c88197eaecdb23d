"""What comes out of a file of zones: each zone that stands in it, read or missed, by line and reason."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from detente.formats.faults import shown
from detente.formats.zone_fields import Missed, Notes
from detente.zones.model import LIMITS, ZoneBody

MAX_FILE_BYTES = 64 << 20
MAX_ZONES = 50_000
MAX_ZONE_BYTES = 8 << 20
"""The text of one zone of a JSON file."""


class ZoneFormat(StrEnum):
    """The forms of files of zones."""

    ED269 = "ED-269"
    ED318 = "ED-318"
    OPENAIR = "OpenAir"
    GEOJSON = "GeoJSON"
    KML = "KML"


class ReadZone(Struct, frozen=True):
    """A zone that was read."""

    line: int
    """The line of the file where it begins, from 1."""
    zone: ZoneBody
    notes: tuple[str, ...]
    """What was changed, assumed or left out."""


class MissedZone(Struct, frozen=True):
    """A zone that stands in the file and could not be read."""

    line: int
    identifier: str | None
    """As far as it could be seen."""
    reason: str


Entry = ReadZone | MissedZone


class ZonesRead(Struct, frozen=True):
    """All of a file: every zone in it is in ``zones`` or in ``misses``."""

    name: str
    format: ZoneFormat
    zones: tuple[ReadZone, ...]
    misses: tuple[MissedZone, ...]
    notes: tuple[str, ...]
    """What is to be said of the file as a whole."""


def entry_of(line: int, identifier: object, build: Callable[[Notes], ZoneBody]) -> Entry:
    """Build one zone, or say why not.

    Args:
        line: where it begins.
        identifier: whatever the file calls it, for a miss.
        build: builds it and notes what it changes; raises `Missed` for what cannot be read.

    Returns:
        The zone or the miss.
    """
    notes = Notes()
    try:
        zone = build(notes)
    except Missed as reason:
        known = shown(identifier).strip('"') if isinstance(identifier, str | int) else None
        return MissedZone(line, known or None, str(reason))
    return ReadZone(line, zone, notes.all())


def identifier_of(given: str | None, fallback: str, notes: Notes) -> str:
    """Choose a zone's identifier: the file's own, or one made from its name or number, with a note."""
    if given:
        return given[: LIMITS.identifier_letters]
    made = fallback[: LIMITS.identifier_letters]
    notes.add(f"no identifier is given; called {shown(made)}")
    return made
