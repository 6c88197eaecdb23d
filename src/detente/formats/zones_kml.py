"""Zones of KML documents: each Placemark with an area, told by its ``ExtendedData``, name and altitudes.

Source: OGC 12-007r2; the properties are those of zones in GeoJSON.
"""

import io
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from detente.errors import TooLarge
from detente.formats.faults import FileFault
from detente.formats.kml import (
    GEOMETRIES,
    Bounded,
    extended_data,
    first_inside,
    geometry_of,
    local_name,
    placemarks,
    text_of,
)
from detente.formats.zone_fields import Notes
from detente.formats.zone_reading import MAX_FILE_BYTES, MAX_ZONES, Entry, entry_of
from detente.formats.zones_geojson import zone_of_geojson
from detente.zones.model import ZoneBody

_MARK = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<(?:[\w.-]+:)?Placemark(?=[\s/>])", re.DOTALL)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_DATUMS = {"absolute": "AMSL", "relativeToGround": "AGL"}
_OTHERS = ("Model", "Track", "MultiTrack", "LinearRing")
_ALTITUDE = 2


def root_name(content: bytes) -> str:
    """Give the name of an XML document's first element, as far as it can be seen without parsing."""
    match = _ROOT.search(content[:65_536])
    return match[1].decode("ascii", "replace") if match else ""


def _lines(content: bytes) -> list[int]:
    """The lines of a well-formed document where its Placemarks begin."""
    lines, line, place = [], 1, 0
    for match in _MARK.finditer(content):
        if not match[0].startswith(b"<!"):
            line += content.count(b"\n", place, match.start())
            place = match.start()
            lines.append(line)
    return lines


def read_kml(content: bytes) -> Iterator[Entry]:
    """Read the Placemarks of a document as zones.

    Args:
        content: all of it.

    Yields:
        Each zone or miss.

    Raises:
        FileFault: it cannot be read as a document.
        TooLarge: it holds too many Placemarks.
    """
    features: list[tuple[dict[str, object], tuple[str, ...]]] = []
    for placemark in placemarks(Bounded(io.BytesIO(content), MAX_FILE_BYTES)):
        if len(features) == MAX_ZONES:
            detail = f"the file holds more than {MAX_ZONES:,} zones"
            raise TooLarge(detail, field="content", limit=MAX_ZONES, expected=f"at most {MAX_ZONES:,} zones")
        features.append(_feature(placemark))
    # Only now is the document known to be well-formed, which the search for lines relies on.
    lines = _lines(content)
    if len(lines) != len(features):
        raise FileFault("encoding", "an encoding in which < and > are bytes of their own", "another")
    for number, (line, (feature, said)) in enumerate(zip(lines, features, strict=True), 1):
        yield _entry(feature, said, line, number)


def _entry(feature: dict[str, object], said: tuple[str, ...], line: int, number: int) -> Entry:
    properties = feature["properties"]
    known = properties.get("identifier") if isinstance(properties, dict) else None
    title = properties.get("name") if isinstance(properties, dict) else None

    def build(notes: Notes) -> ZoneBody:
        for note in said:
            notes.add(note)
        return zone_of_geojson(feature, f"placemark {number}", notes)

    return entry_of(line, known or title, build)


def _feature(placemark: Element) -> tuple[dict[str, object], tuple[str, ...]]:
    """Turn a Placemark into a GeoJSON feature of a zone, and say what was assumed."""
    notes: list[str] = []
    properties: dict[str, object] = {name: value for name, value in extended_data(placemark).items() if value}
    for name, path in (("name", ("name",)), ("description", ("description",))):
        if text := text_of(first_inside(placemark, *path)):
            properties.setdefault(name, text)
    for name, bound in (("start", "begin"), ("end", "end")):
        if moment := text_of(first_inside(placemark, "TimeSpan", bound)):
            properties.setdefault(name, moment)
    if given := placemark.get("id"):
        properties.setdefault("identifier", given)
    shapes = [child for child in placemark if local_name(child) in (*GEOMETRIES, *_OTHERS)]
    geometry: dict[str, object] | None = geometry_of(shapes[0]) if len(shapes) == 1 else None
    if "lower_m" not in properties and "upper_m" not in properties and geometry is not None:
        properties |= _heights(shapes[0], notes)
    return {"type": "Feature", "properties": properties, "geometry": geometry}, tuple(notes)


def _heights(shape: Element, notes: list[str]) -> dict[str, object]:
    """Read a zone's floor and ceiling out of its altitudes, where all of them mean the same."""
    leaves = [leaf for leaf in shape.iter() if local_name(leaf) in GEOMETRIES[:3]]
    modes = {text_of(first_inside(leaf, "altitudeMode")) for leaf in leaves}
    altitudes = [altitude for leaf in leaves for altitude in _altitudes(geometry_of(leaf).get("coordinates"))]
    if len(modes) != 1 or not modes <= set(_DATUMS) or not altitudes or None in altitudes:
        return {}
    numbers = [altitude for altitude in altitudes if altitude is not None]
    datum = _DATUMS[modes.pop()]
    is_extruded = all(text_of(first_inside(leaf, "extrude")) in {"1", "true"} for leaf in leaves)
    if is_extruded or min(numbers) == max(numbers):
        notes.append("the zone reaches from the ground to its altitude")
        return {"lower_m": 0, "lower_datum": "AGL", "upper_m": max(numbers), "upper_datum": datum}
    notes.append("the zone reaches from its lowest to its highest altitude")
    return {"lower_m": min(numbers), "upper_m": max(numbers), "datum": datum}


def _altitudes(coordinates: object) -> Iterator[float | None]:
    """All altitudes of nested positions; None for a position that has none."""
    if not isinstance(coordinates, list):
        return
    if coordinates and isinstance(coordinates[0], list):
        for inner in coordinates:
            yield from _altitudes(inner)
        return
    altitude = coordinates[_ALTITUDE] if len(coordinates) > _ALTITUDE else None
    yield float(altitude) if isinstance(altitude, int | float) else None
