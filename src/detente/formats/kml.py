"""Plans as KML and KMZ (OGC 12-007r2): Placemarks turned into the features of ``docs/formats.md``.

Parsed by defusedxml with every bound set before anything is kept: bytes, nesting, entries of an archive.
"""

import io
import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

import msgspec
from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import iterparse

from detente.formats.defaults import Defaults
from detente.formats.faults import Fault, FileFault, shown
from detente.formats.geojson import GeoJsonReader
from detente.formats.json_spans import Batch
from detente.formats.table import TableBuilder

MAX_KML_BYTES = 64 << 20
MAX_KML_DEPTH = 64
MAX_KMZ_ENTRIES = 1_000
_NUMBERS = ("lower_m", "upper_m", "radius_m", "width_m")
_TEXTS = ("id", "party", "start", "end", "datum", "title")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_EXACT = 2.0**53
_ALTITUDE = 2
_BATCH = 1_000
GEOMETRIES = ("Point", "LineString", "Polygon", "MultiGeometry")
_NOT_UNPACKED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


def unpack_kmz(file: BinaryIO, max_bytes: int = MAX_KML_BYTES) -> BinaryIO:
    """Find the KML document of an archive and unpack it, but not more than is allowed.

    Args:
        file: the archive.
        max_bytes: of the document.

    Returns:
        The document.

    Raises:
        FileFault: it is no archive, holds no document, or one that is too large.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries if entry.filename.lower().endswith(".kml")]
            if len(entries) > MAX_KMZ_ENTRIES or len(names) != 1:
                raise FileFault("KMZ", "one .kml document", f"{len(names)} in {len(entries)} entries")
            with archive.open(names[0]) as packed:
                text = packed.read(max_bytes + 1)
    except _NOT_UNPACKED as error:
        raise FileFault("KMZ", "a zip archive that can be unpacked", shown(str(error))) from error
    if len(text) > max_bytes:
        raise _too_long(max_bytes)
    return io.BytesIO(text)


def _too_long(max_bytes: int) -> FileFault:
    return FileFault("size", f"at most {max_bytes >> 20} MiB of KML", "more")


class Bounded(io.RawIOBase):
    """Reads a file and refuses to go on past ``max_bytes``."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self.read_bytes = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read a piece.

        Raises:
            FileFault: there is more than is allowed.
        """
        piece = self._file.read(size if size > 0 else 1 << 16)
        self.read_bytes += len(piece)
        if self.read_bytes > self._max_bytes:
            raise _too_long(self._max_bytes)
        return piece


def local_name(element: Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: Element | None) -> str:
    """Give an element's own text, stripped; nothing if there is no element."""
    return (element.text or "").strip() if element is not None else ""


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if local_name(child) == name]


def first_inside(element: Element, *path: str) -> Element | None:
    """Follow the first children of these names down from an element."""
    found: Element | None = element
    for name in path:
        inner = _children(found, name) if found is not None else []
        found = inner[0] if inner else None
    return found


def placemarks(source: Bounded) -> Iterator[Element]:
    """Stream the Placemarks of a document; each is emptied when the next is asked for.

    Args:
        source: the document.

    Yields:
        Each Placemark, whole.

    Raises:
        FileFault: it is not well-formed, too deep, too large, or has a document type declaration.
    """
    depth = 0
    try:
        for event, element in iterparse(source, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > MAX_KML_DEPTH:
                raise FileFault("nesting", f"at most {MAX_KML_DEPTH} levels", str(depth))
            if event == "end" and local_name(element) == "Placemark":
                yield element
                element.clear()
    except DTDForbidden as error:
        found = shown(f"<!DOCTYPE {error.name} ...>")
        raise FileFault("XML", "none, for a document type declaration is not read", found) from error
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise FileFault("XML", "well-formed KML without entities", shown(str(error))) from error


def _number(text: str) -> object:
    """A number as XML Schema writes it; anything else stays the text that it is, to be refused by it."""
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _positions(element: Element | None) -> list[list[object]]:
    return [[_number(part) for part in token.split(",")] for token in text_of(element).split()]


def geometry_of(element: Element) -> dict[str, object]:
    """Turn a geometry into GeoJSON's, checking nothing.

    Args:
        element: a Point, LineString, Polygon, MultiGeometry, or anything else.

    Returns:
        The geometry; one of a kind that GeoJSON lacks has its ``type`` only.
    """
    kind = local_name(element)
    if kind == "Point":
        positions = _positions(first_inside(element, "coordinates"))
        return {"type": "Point", "coordinates": positions[0] if len(positions) == 1 else positions}
    if kind == "LineString":
        return {"type": "LineString", "coordinates": _positions(first_inside(element, "coordinates"))}
    if kind == "MultiGeometry":
        return {"type": "GeometryCollection", "geometries": [geometry_of(child) for child in element]}
    if kind != "Polygon":
        return {"type": kind}
    borders = _children(element, "outerBoundaryIs") + _children(element, "innerBoundaryIs")
    rings = [_positions(first_inside(border, "LinearRing", "coordinates")) for border in borders]
    return {"type": "Polygon", "coordinates": rings}


def extended_data(placemark: Element) -> dict[str, str]:
    """Read what a Placemark's ``ExtendedData`` says, by name.

    Args:
        placemark: the Placemark.

    Returns:
        The texts of its ``Data`` and ``SimpleData``.
    """
    found: dict[str, str] = {}
    extended = first_inside(placemark, "ExtendedData")
    for data in _children(extended, "Data") if extended is not None else []:
        found[data.get("name", "")] = text_of(first_inside(data, "value"))
    for schema in _children(extended, "SchemaData") if extended is not None else []:
        found |= {data.get("name", ""): text_of(data) for data in _children(schema, "SimpleData")}
    return found


def _properties(placemark: Element) -> dict[str, object]:
    found = extended_data(placemark)
    properties: dict[str, object] = {name: found[name] for name in _TEXTS if found.get(name)}
    properties |= {name: _number(found[name]) for name in _NUMBERS if found.get(name)}
    for name, bound in (("start", "begin"), ("end", "end")):
        moment = text_of(first_inside(placemark, "TimeSpan", bound))
        if moment:
            properties.setdefault(name, moment)
    title = text_of(first_inside(placemark, "name"))
    if title:
        properties.setdefault("title", title)
    return properties


def _altitudes(geometries: list[Element]) -> list[float] | None:
    """All altitudes of absolute geometries; None where one is not absolute or a position has none."""
    found: list[float] = []
    for geometry in geometries:
        leaves = [leaf for leaf in geometry.iter() if local_name(leaf) in GEOMETRIES[:3]]
        for leaf in leaves:
            positions = [
                position
                for inner in leaf.iter()
                if local_name(inner) == "coordinates"
                for position in _positions(inner)
            ]
            values = [position[_ALTITUDE] for position in positions if len(position) > _ALTITUDE]
            numbers = [float(value) for value in values if isinstance(value, float | int)]
            if text_of(first_inside(leaf, "altitudeMode")) != "absolute" or len(numbers) != len(positions):
                return None
            found += numbers
    return found or None


class KmlReader:
    """Reads one document into a table; faults are collected, not raised."""

    def __init__(
        self,
        name: str,
        builder: TableBuilder,
        defaults: Defaults | None = None,
        max_bytes: int = MAX_KML_BYTES,
    ) -> None:
        self._name = name
        self._builder = builder
        self._has_heights = defaults is not None and None not in {defaults.lower_m, defaults.upper_m}
        self._max_bytes = max_bytes
        self._features = GeoJsonReader(name, builder, defaults)

    def read(self, file: BinaryIO) -> Iterator[int]:
        """Read the document to its end.

        Args:
            file: the KML text, open for bytes.

        Yields:
            Now and then, how many bytes have been read.

        Raises:
            FileFault: the document as a whole cannot be read.
        """
        source = Bounded(file, self._max_bytes)
        parts: list[bytes] = []
        number = 0
        for placemark in placemarks(source):
            number += 1
            parts.append(msgspec.json.encode(self._feature(placemark, number)))
            if len(parts) == _BATCH:
                self._take(parts)
                parts = []
                yield source.read_bytes
        self._take(parts)
        if number == 0:
            raise FileFault("Placemark", "at least one", "none")
        yield source.read_bytes

    def _take(self, parts: list[bytes]) -> None:
        if parts:
            self._features.take(Batch(text=b"[" + b",".join(parts) + b"]", parts=parts))

    def _feature(self, placemark: Element, number: int) -> dict[str, object]:
        properties = _properties(placemark)
        geometries = [
            child for child in placemark if local_name(child) in (*GEOMETRIES, "Model", "Track", "LinearRing")
        ]
        if "lower_m" not in properties and "upper_m" not in properties:
            altitudes = _altitudes(geometries)
            if altitudes is not None and properties.setdefault("datum", "AMSL") != "AMSL":
                altitudes = None
            if altitudes is None and not self._has_heights:
                expected = (
                    "lower_m and upper_m in ExtendedData, or absolute altitudes (AMSL) in all coordinates"
                )
                plan_id = shown(str(properties.get("id", ""))).strip('"') or None
                self._builder.faults.append(
                    Fault(self._name, number, plan_id, "lower_m", expected, "neither")
                )
                altitudes = [0.0, 1.0]
            if altitudes is not None:
                properties |= {"lower_m": min(altitudes), "upper_m": max(altitudes)}
        feature: dict[str, object] = {"type": "Feature", "properties": properties, "geometry": None}
        if placemark.get("id"):
            feature["id"] = placemark.get("id")
        if len(geometries) == 1:
            feature["geometry"] = geometry_of(geometries[0])
        return feature
