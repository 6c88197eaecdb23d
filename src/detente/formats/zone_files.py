"""Files of zones, whatever their form: every zone in one is read, or missed by its line and the reason.

What a file is, is seen from how it begins, never from its name.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from detente.errors import BadInput, TooLarge
from detente.formats.faults import FileFault, shown
from detente.formats.json_spans import Batch, Source, elements
from detente.formats.kml import unpack_kmz
from detente.formats.zone_fields import Notes
from detente.formats.zone_reading import (
    MAX_FILE_BYTES,
    MAX_ZONE_BYTES,
    MAX_ZONES,
    Entry,
    MissedZone,
    ReadZone,
    ZoneFormat,
    ZonesRead,
    entry_of,
)
from detente.formats.zones_ed269 import looks_like_ed269, zone_of_ed269
from detente.formats.zones_ed318 import looks_like_ed318, zone_of_ed318
from detente.formats.zones_geojson import zone_of_geojson
from detente.formats.zones_kml import read_kml, root_name
from detente.formats.zones_openair import BEGINS, read_openair
from detente.zones.model import LIMITS, ZoneBody

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_UTF8_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BLANK = b" \t\r\n"
_LISTS = (b'"features"', b'"UASZoneList"')
_SNIFF_BYTES = 4 << 20
_READERS = {
    ZoneFormat.ED269: zone_of_ed269,
    ZoneFormat.ED318: zone_of_ed318,
    ZoneFormat.GEOJSON: zone_of_geojson,
}
_EXPECTED = "zones as ED-269, ED-318, OpenAir, GeoJSON or KML"


def read_zones(name: str, content: bytes) -> ZonesRead:
    """Read a file of zones.

    Args:
        name: of the file, for messages only.
        content: all of it; gzip and KMZ are unpacked within the same limit.

    Returns:
        Its zones, each with its line and what was changed, and its misses, each with its line and reason.

    Raises:
        BadInput: the file as a whole is none of zones; ``field``, ``expected`` and ``actual`` say why.
        TooLarge: it is over a limit.
    """
    notes = Notes()
    try:
        _check_size(len(content))
        format_, entries = _read(_unpacked(content, notes), notes)
        return _whole(name, format_, entries, notes)
    except FileFault as fault:
        raise BadInput(
            f"{name}: {fault.field}: expected {fault.expected}, found {fault.actual}",
            field=fault.field,
            expected=fault.expected,
            actual=fault.actual,
        ) from fault


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        detail = f"the file is over {MAX_FILE_BYTES >> 20} MiB"
        raise TooLarge(detail, field="content", limit=MAX_FILE_BYTES, actual=size)


def _unpacked(content: bytes, notes: Notes) -> bytes:
    if content.startswith(_ZIP):
        notes.add("unpacked from KMZ")
        return unpack_kmz(io.BytesIO(content), MAX_FILE_BYTES).read()
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            plain = packed.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFault("gzip", "an archive that can be unpacked", shown(str(error))) from error
    _check_size(len(plain))
    notes.add("unpacked from gzip")
    return plain


def _read(content: bytes, notes: Notes) -> tuple[ZoneFormat, list[Entry]]:
    if content.startswith(_WIDE_MARKS):
        raise FileFault("encoding", "UTF-8, or Western for OpenAir", "UTF-16")
    begin = re.match(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+(.?)", content)
    first = begin[1] if begin else b""
    if not first:
        raise FileFault("content", _EXPECTED, "an empty file")
    if first == b"<":
        if root_name(content).lower() != "kml":
            raise FileFault("content", _EXPECTED, f"XML that begins with <{shown(root_name(content))}>")
        return ZoneFormat.KML, list(read_kml(content))
    if first in {b"{", b"["}:
        return _read_json(content, notes)
    return ZoneFormat.OPENAIR, list(read_openair(_text(content, notes), notes))


def _text(content: bytes, notes: Notes) -> str:
    """Decode OpenAir, which says nowhere how it is encoded."""
    if b"\x00" in content[:_SNIFF_BYTES]:
        raise FileFault("content", _EXPECTED, "bytes that are no text")
    content = content.removeprefix(_UTF8_MARK)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        notes.add("the file is not UTF-8; read as Western (Windows-1252)")
        text = content.decode("cp1252", "replace")
    if not BEGINS.search(text):
        raise FileFault("content", _EXPECTED, shown(text[:40]))
    return text


def _read_json(content: bytes, notes: Notes) -> tuple[ZoneFormat, list[Entry]]:
    entries: list[Entry] = []
    formats: dict[ZoneFormat, int] = {}
    line, place = 1, 0
    for batch in _batches(Source(io.BytesIO(content)), notes):
        if len(entries) + len(batch.parts) > MAX_ZONES:
            detail = f"the file holds more than {MAX_ZONES:,} zones"
            raise TooLarge(detail, field="content", limit=MAX_ZONES, expected=f"at most {MAX_ZONES:,} zones")
        for part in batch.parts:
            # A bare feature is put together again from its members, and begins where the file does.
            begin = content.find(part, place)
            begin = content.index(b"{") if begin < 0 else begin
            line += content.count(b"\n", place, begin)
            place = begin
            entry, format_ = _json_entry(part, line, len(entries) + 1)
            entries.append(entry)
            if format_ is not None:
                formats[format_] = formats.get(format_, 0) + 1
    most = max(formats, key=lambda key: formats[key]) if formats else ZoneFormat.GEOJSON
    if len(formats) > 1:
        notes.add("the file mixes " + ", ".join(sorted(formats)))
    return most, entries


def _batches(source: Source, notes: Notes) -> Iterator[Batch]:
    """Stream the zones of a file: those of its list ``features`` or ``UASZoneList``, or of a bare list."""
    if source.skip() == b"[":
        source.expect(b"[", "JSON")
        yield from elements(source)
    else:
        yield from _members(source, notes)
    if source.skip():
        raise FileFault("JSON", "the end of the file", shown(source.buffer[:40].decode("utf-8", "replace")))


def _members(source: Source, notes: Notes) -> Iterator[Batch]:
    source.expect(b"{", "JSON")
    lists = 0
    members: dict[bytes, bytes] = {}
    while source.skip() != b"}":
        key = source.take_key()
        if key in _LISTS and source.skip() == b"[":
            lists += 1
            if lists > 1:
                raise FileFault("features", "one list of zones", "two")
            source.expect(b"[", "features")
            yield from elements(source)
        else:
            members[key] = source.take_value("JSON")
        if source.expect(b",}", "JSON") == b"}":
            break
    else:
        source.expect(b"}", "JSON")
    if lists:
        _note_metadata(members, notes)
    elif members.get(b'"type"') == b'"Feature"':
        part = b"{" + b",".join(key + b":" + value for key, value in members.items()) + b"}"
        yield Batch(text=b"[" + part + b"]", parts=[part])
    else:
        raise FileFault("features", "a list of zones", "none")


def _note_metadata(members: dict[bytes, bytes], notes: Notes) -> None:
    for key in (b'"metadata"', b'"datasetMetadata"'):
        try:
            said = msgspec.json.decode(members.get(key, b"{}"), type=dict[str, object])
        except (msgspec.DecodeError, RecursionError):
            continue
        for name in ("provider", "issued", "validFrom", "validTo", "technicalLimitations"):
            if said.get(name):
                notes.add(f"the file says {name}: {shown(said[name])}")


def _json_entry(part: bytes, line: int, number: int) -> tuple[Entry, ZoneFormat | None]:
    if len(part) > MAX_ZONE_BYTES:
        return MissedZone(line, None, f"zone: expected at most {MAX_ZONE_BYTES >> 20} MiB, found more"), None
    try:
        feature = msgspec.json.decode(part, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        return MissedZone(line, None, f"zone: expected a JSON object, found {shown(str(error))}"), None
    if looks_like_ed269(feature):
        format_ = ZoneFormat.ED269
    else:
        format_ = ZoneFormat.ED318 if looks_like_ed318(feature) else ZoneFormat.GEOJSON
    read = _READERS[format_]

    def build(notes: Notes) -> ZoneBody:
        return read(feature, f"zone {number}", notes)

    return entry_of(line, _called(feature), build), format_


def _called(feature: dict[str, object]) -> object:
    properties = feature.get("properties")
    inner = properties if isinstance(properties, dict) else {}
    names = (feature.get("identifier"), inner.get("identifier"), inner.get("id"), feature.get("id"))
    return next((name for name in (*names, inner.get("name"), feature.get("name")) if name), None)


def _whole(name: str, format_: ZoneFormat, entries: list[Entry], notes: Notes) -> ZonesRead:
    if not entries:
        _refuse_empty()
    misses = tuple(entry for entry in entries if isinstance(entry, MissedZone))
    zones = _told_apart([entry for entry in entries if isinstance(entry, ReadZone)])
    return ZonesRead(name, format_, tuple(zones), misses, notes.all())


def _refuse_empty() -> NoReturn:
    raise FileFault("content", _EXPECTED, "no zone in the file")


def _told_apart(zones: list[ReadZone]) -> list[ReadZone]:
    """Give zones that share an identifier one each: kept as they are, a second would replace the first."""
    given = {(entry.zone.country, entry.zone.identifier) for entry in zones}
    first: dict[tuple[str | None, str], int] = {}
    counts: dict[tuple[str | None, str], int] = {}
    found = []
    for entry in zones:
        key = (entry.zone.country, entry.zone.identifier)
        if key not in first:
            first[key] = entry.line
            found.append(entry)
            continue
        new = key
        while new in given:
            counts[key] = counts.get(key, 1) + 1
            end = f"~{counts[key]}"
            new = (key[0], key[1][: LIMITS.identifier_letters - len(end)] + end)
        given.add(new)
        note = f"its identifier is also that of the zone in line {first[key]}; called {shown(new[1])} here"
        found.append(replace(entry, zone=replace(entry.zone, identifier=new[1]), notes=(*entry.notes, note)))
    return found


__all__ = ["MissedZone", "ReadZone", "ZoneFormat", "ZonesRead", "read_zones"]
