"""Plans as GeoJSON (RFC 7946): the form of ``docs/formats.md``, read in pieces of any length.

A piece is decoded in one go into typed structs and columns. Whatever that refuses is read again, feature
by feature and field by field (`detente.formats.features`), so that every fault is named.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Annotated, BinaryIO, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Raw, Struct, ValidationError

from detente.formats.defaults import Defaults, Instant, Name, with_defaults
from detente.formats.faults import MAX_SHOWN, Fault, FileFault, shown
from detente.formats.features import LIMITS, explain, features_of, has_bare_offset
from detente.formats.json_spans import Batch, Source, elements, sequence
from detente.formats.table import Rows, TableBuilder
from detente.geo.sweep_columns import DATUM_CODE, Bools, Kind, Longs

Position = list[float]
Title = Annotated[str, Meta(max_length=LIMITS.name_letters)]


class _Point(Struct, tag_field="type", tag="Point", gc=False):
    coordinates: Position


class _MultiPoint(Struct, tag_field="type", tag="MultiPoint", gc=False):
    coordinates: list[Position]


class _LineString(Struct, tag_field="type", tag="LineString", gc=False):
    coordinates: list[Position]


class _MultiLineString(Struct, tag_field="type", tag="MultiLineString", gc=False):
    coordinates: list[list[Position]]


class _Polygon(Struct, tag_field="type", tag="Polygon", gc=False):
    coordinates: list[list[Position]]


class _MultiPolygon(Struct, tag_field="type", tag="MultiPolygon", gc=False):
    coordinates: list[list[list[Position]]]


class _GeometryCollection(Struct, tag_field="type", tag="GeometryCollection", gc=False):
    geometries: list["_Geometry"]


_Geometry = (
    _Point | _LineString | _Polygon | _MultiPoint | _MultiLineString | _MultiPolygon | _GeometryCollection
)


_POINTS = (_Point, _MultiPoint)
_LINES = (_LineString, _MultiLineString)


class _Properties(Struct, gc=False):
    party: Name
    start: Instant
    end: Instant
    lower_m: float
    upper_m: float
    id: Name | int | None = None
    datum: str = "WGS84"
    radius_m: float | None = None
    width_m: float | None = None
    title: Title | None = None


class _Feature(Struct, gc=False):
    type: str
    geometry: _Geometry
    properties: _Properties
    id: Name | int | None = None


class _Collection(Struct):
    type: str
    features: list[Raw] = []


_FEATURES = msgspec.json.Decoder(list[_Feature])
_COLLECTION = msgspec.json.Decoder(_Collection)
_NO_REACH = -1.0
_REFUSED = (ValidationError, msgspec.DecodeError, RecursionError)
MAX_FAULTS = 10_000


class _Part(NamedTuple):
    """One volume's core as it stands in the file: its kind, its positions, its reach."""

    kind: Kind
    positions: list[Position]
    reach_m: float


def _parts(geometry: _Geometry, properties: _Properties) -> list[_Part]:
    """Take a geometry apart into cores; ``reach_m`` is negative where the property is missing."""
    if isinstance(geometry, _GeometryCollection):
        return [part for inner in geometry.geometries for part in _parts(inner, properties)]
    if isinstance(geometry, _POINTS):
        radius_m = _NO_REACH if properties.radius_m is None else properties.radius_m
        positions = [geometry.coordinates] if isinstance(geometry, _Point) else geometry.coordinates
        return [_Part(Kind.POINT, [position], radius_m) for position in positions]
    if isinstance(geometry, _LINES):
        half_m = _NO_REACH if properties.width_m is None else properties.width_m / 2.0
        lines = [geometry.coordinates] if isinstance(geometry, _LineString) else geometry.coordinates
        return [_Part(Kind.LINE, line, half_m) for line in lines]
    polygons = [geometry.coordinates] if isinstance(geometry, _Polygon) else geometry.coordinates
    return [_ring(rings) for rings in polygons]


def _ring(rings: list[list[Position]]) -> _Part:
    """A ring without its repeated end; anything else than one closed ring becomes no positions at all."""
    if len(rings) != 1 or len(rings[0]) < LIMITS.ring_positions or rings[0][0] != rings[0][-1]:
        return _Part(Kind.POLYGON, [], 0.0)
    return _Part(Kind.POLYGON, rings[0][:-1], 0.0)


def _rows(features: list[_Feature], numbers: Longs) -> tuple[Rows, Longs]:
    """Lay decoded features out in columns; and the places in the list of those that break a limit."""
    parts = [_parts(feature.geometry, feature.properties) for feature in features]
    per_feature = np.fromiter(map(len, parts), np.int64, len(parts))
    owner = np.repeat(np.arange(len(parts)), per_feature)
    flat = list(chain.from_iterable(parts))
    properties = [feature.properties for feature in features]
    ids = [p.id if p.id is not None else f.id for p, f in zip(properties, features, strict=True)]
    positions = list(chain.from_iterable(part.positions for part in flat))
    counts = np.fromiter((len(part.positions) for part in flat), np.int64, len(flat))
    rows = Rows(
        feature=numbers[owner],
        ids=[str(ids[row]) for row in owner.tolist()],
        parties=[properties[row].party for row in owner.tolist()],
        kind=np.fromiter((part.kind for part in flat), np.uint8, len(flat)),
        counts=counts,
        lon_lat=_lon_lat(positions),
        reach_m=np.fromiter((part.reach_m for part in flat), np.float64, len(flat)),
        lower_m=np.fromiter((p.lower_m for p in properties), np.float64, len(parts))[owner],
        upper_m=np.fromiter((p.upper_m for p in properties), np.float64, len(parts))[owner],
        datum=np.fromiter((_DATUMS.get(p.datum, _NO_DATUM) for p in properties), np.uint8, len(parts))[owner],
        start_ms=_instants([p.start for p in properties])[owner],
        end_ms=_instants([p.end for p in properties])[owner],
        titles=[(str(i), p.title) for i, p in zip(ids, properties, strict=True) if p.title],
    )
    bad = np.zeros(len(parts), np.bool_)
    bad[[row for row, plan_id in enumerate(ids) if plan_id is None]] = True
    bad[[row for row, feature in enumerate(features) if feature.type != "Feature"]] = True
    bad[per_feature == 0] = True
    bad[owner[_outside_limits(rows)]] = True
    return rows, np.flatnonzero(bad)


_DATUMS: dict[str, int] = {
    datum.value: code for datum, code in DATUM_CODE.items() if datum.value in LIMITS.datums
}
_NO_DATUM = 255


def _lon_lat(positions: list[Position]) -> np.ndarray:
    """Longitudes and latitudes; altitudes are dropped, and a position of one number becomes no number."""
    if not positions:
        return np.empty((0, 2))
    lengths = set(map(len, positions))
    if lengths != {2}:
        positions = [p[:2] if len(p) in LIMITS.position_numbers else [np.nan, np.nan] for p in positions]
    return np.fromiter(chain.from_iterable(positions), np.float64, 2 * len(positions)).reshape(-1, 2)


def _instants(moments: list[datetime]) -> Longs:
    seconds = np.fromiter((moment.timestamp() for moment in moments), np.float64, len(moments))
    return np.rint(seconds * 1000.0).astype(np.int64)


def _outside_limits(rows: Rows) -> Bools:
    """Say which rows break a limit; `explain` says which one. Comparisons are written so that NaN fails."""
    lon, lat = rows.lon_lat[:, 0], rows.lon_lat[:, 1]
    good_place = (np.abs(lon) <= LIMITS.lon_deg) & (np.abs(lat) <= LIMITS.lat_deg)
    ends = np.cumsum(rows.counts)
    bad_before = np.concatenate(([0], np.cumsum(~good_place)))
    good = bad_before[ends] == bad_before[ends - rows.counts]
    least = np.array([1, LIMITS.line_positions, LIMITS.ring_positions - 1])[rows.kind]
    good &= (rows.counts >= least) & (rows.counts <= LIMITS.positions)
    round_shape = rows.kind != Kind.POLYGON
    low_m, high_m = LIMITS.reach_m
    good &= ~round_shape | ((rows.reach_m >= low_m) & (rows.reach_m <= high_m))
    low_m, high_m = LIMITS.altitude_m
    good &= (rows.lower_m >= low_m) & (rows.upper_m <= high_m)
    good &= rows.upper_m - rows.lower_m >= LIMITS.height_m
    good &= (rows.start_ms < rows.end_ms) & (rows.end_ms <= LIMITS.instant_ms) & (rows.datum != _NO_DATUM)
    outside: Bools = ~good
    return outside


class GeoJsonReader:
    """Reads one file into a table; faults are collected, not raised."""

    def __init__(self, name: str, builder: TableBuilder, defaults: Defaults | None = None) -> None:
        self._name = name
        self._builder = builder
        self._defaults = defaults
        self._number = 1

    def read(self, file: BinaryIO) -> Iterator[int]:
        """Read the file to its end.

        Args:
            file: the file, open for bytes.

        Yields:
            After each piece, how many bytes have been read.

        Raises:
            FileFault: the file as a whole cannot be read.
        """
        source = Source(file)
        for batch in _batches(source):
            self.take(batch)
            yield source.read_bytes

    def take(self, batch: Batch) -> None:
        """Take a batch of features in; what is wrong with any of them goes to the builder's faults.

        Args:
            batch: the features' texts.

        Raises:
            FileFault: there are more faults than anybody will mend.
        """
        if self._defaults is not None:
            batch = with_defaults(batch, self._defaults, self._number)
        numbers = np.arange(self._number, self._number + len(batch.parts))
        self._number += len(batch.parts)
        try:
            features = _FEATURES.decode(batch.text)
        except _REFUSED as error:
            features, numbers = self._decode_each(batch, numbers, error)
        rows, bad = _rows(features, numbers)
        first = self._number - len(batch.parts)
        if has_bare_offset(batch.text):
            parts = [batch.parts[number - first] for number in numbers.tolist()]
            doubtful = [row for row, part in enumerate(parts) if has_bare_offset(part)]
            # It may stand in any text; only in the plan's own instants is it a fault.
            refused = [row for row in doubtful if explain(parts[row], self._name, 1)]
            bad = np.union1d(bad, np.array(refused, np.int64))
        if len(bad):
            for number in numbers[bad].tolist():
                self._refuse(batch.parts[number - first], number, None)
            good = np.setdiff1d(np.arange(len(features)), bad)
            rows, _ = _rows([features[index] for index in good.tolist()], numbers[good])
        self._builder.add(self._name, rows)
        if len(self._builder.faults) > MAX_FAULTS:
            raise FileFault("faults", f"at most {MAX_FAULTS:,}", "more; the rest was not read")

    def _decode_each(self, batch: Batch, numbers: Longs, error: Exception) -> tuple[list[_Feature], Longs]:
        """Decode a batch that was refused feature by feature, and say what is wrong with each bad one."""
        features, kept = [], []
        for part, number in zip(batch.parts, numbers.tolist(), strict=True):
            try:
                features.extend(_FEATURES.decode(b"[" + part + b"]"))
                kept.append(number)
            except _REFUSED as reason:
                self._refuse(part, number, reason)
        if len(kept) == len(numbers):
            self._builder.faults.append(
                Fault(self._name, None, None, "JSON", "features separated by commas", shown(str(error)))
            )
        return features, np.array(kept, np.int64)

    def _refuse(self, part: bytes, number: int, reason: Exception | None) -> None:
        faults = explain(part, self._name, number)
        if not faults:
            found = shown(str(reason) if reason else "a value out of its limits")
            faults = [Fault(self._name, number, None, "feature", "the form of docs/formats.md", found)]
        self._builder.faults.extend(faults)


def _batches(source: Source) -> Iterator[Batch]:
    """Stream the features of a file: a collection, a bare feature, or a sequence of either."""
    source.skip(b" \t\r\n\x1e")
    text = b"{" if source.buffer[:1] == b"{" else source.expect(b"{", "JSON")
    yield from _first_object(source, text)
    for batch in sequence(source):
        parts = [feature for part in batch.parts for feature in _unpacked(part)]
        yield Batch(text=b"[" + b",".join(parts) + b"]", parts=parts)


def _first_object(source: Source, text: bytes) -> Iterator[Batch]:
    """Read one object member by member, streaming ``features``; without them it must be a bare feature."""
    source.expect(text, "JSON")
    members: dict[bytes, bytes] = {}
    is_collection = False
    if source.skip() == b"}":
        source.expect(b"}", "JSON")
        raise FileFault("type", '"FeatureCollection" or "Feature"', "an empty object")
    while True:
        key = source.take_key()
        if key == b'"features"' and source.skip() == b"[":
            if is_collection:
                raise FileFault("features", "one member of that name", "two")
            is_collection = True
            source.expect(b"[", "features")
            yield from elements(source)
        else:
            members[key] = source.take_value("JSON")
        if source.expect(b",}", "JSON") == b"}":
            break
    if not is_collection:
        part = b"{" + b",".join(key + b":" + value for key, value in members.items()) + b"}"
        yield Batch(text=b"[" + part + b"]", parts=[part])
    elif members.get(b'"type"') != b'"FeatureCollection"':
        found = members.get(b'"type"', b"nothing").decode("utf-8", "replace")
        raise FileFault("type", '"FeatureCollection"', shown(found))
    else:
        _check_members(members)


def _check_members(members: dict[bytes, bytes]) -> None:
    for key, value in members.items():
        try:
            msgspec.json.decode(value, type=Raw)
        except msgspec.DecodeError as error:
            name = key[1:-1][:MAX_SHOWN].decode("utf-8", "replace")
            found = value[:MAX_SHOWN].decode("utf-8", "replace")
            raise FileFault(shown(name).strip('"'), "a JSON value", shown(found).strip('"')) from error


def _unpacked(part: bytes) -> list[bytes]:
    if b"FeatureCollection" not in part:
        return [part]
    return features_of(part)
