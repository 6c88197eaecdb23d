"""Files of plans, whatever their form, into one table: all of it, or every reason why not."""

import gc
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.formats.defaults import Defaults
from detente.formats.faults import Fault, FaultyFile, FileFault, collecting
from detente.formats.geojson import GeoJsonReader
from detente.formats.kml import MAX_KML_BYTES, KmlReader, unpack_kmz
from detente.formats.table import PlanTable, TableBuilder
from detente.geo.sweep_balls import Balls, balls_of
from detente.geo.sweep_shapes import faulty_shapes

_ZIP = b"PK\x03\x04"
_SNIFF_BYTES = 512
_BLANK = b" \t\r\n\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ReadPlans:
    """What was read, and the balls around its volumes, which checking its shapes needed anyway."""

    table: PlanTable
    balls: Balls


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Keep the garbage collector from looking for cycles among millions of coordinates that have none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Source:
    """One file that is open, and how to read it."""

    name: str
    """For faults."""
    file: "io.BufferedReader[Any]"
    defaults: Defaults | None = None
    """What its features may lack; without them, they may lack nothing."""
    max_kml_bytes: int = MAX_KML_BYTES


def read_files(paths: Sequence[Path], on_bytes: Callable[[int], None] | None = None) -> ReadPlans:
    """Read files of plans: GeoJSON, KML or KMZ, told apart by how they begin.

    Args:
        paths: the files; features of one id are one plan, also across files.
        on_bytes: told now and then how many bytes more have been read.

    Returns:
        The table.

    Raises:
        FaultyFile: anything at all is wrong; it lists every fault.
    """
    builder = TableBuilder()
    with _no_cycles():
        for path in paths:
            with collecting(str(path), builder.faults):
                try:
                    with path.open("rb") as file:
                        _read_one(Source(str(path), file), builder, on_bytes)
                except OSError as error:
                    raise FileFault(
                        "file", "a file that can be read", error.strerror or str(error)
                    ) from error
    return _whole(builder)


def read_source(source: Source) -> ReadPlans:
    """Read one file that is open already; see `read_files`.

    Raises:
        FaultyFile: anything at all is wrong; it lists every fault.
    """
    builder = TableBuilder()
    with collecting(source.name, builder.faults):
        _read_one(source, builder, None)
    return _whole(builder)


def _whole(builder: TableBuilder) -> ReadPlans:
    """Finish what was read, or list every reason why not."""
    table = builder.build()
    balls = balls_of(table.columns)
    faults = builder.faults + _shape_faults(table, balls)
    if faults:
        raise FaultyFile(sorted(faults, key=lambda fault: (fault.file, fault.feature or 0)))
    return ReadPlans(table, balls)


def _read_one(source: Source, builder: TableBuilder, on_bytes: Callable[[int], None] | None) -> None:
    file, name, defaults = source.file, source.name, source.defaults
    begin = file.peek(_SNIFF_BYTES)[:_SNIFF_BYTES]
    if not begin.strip(_BLANK) and len(begin) < _SNIFF_BYTES:
        raise FileFault("file", "plans as GeoJSON, KML or KMZ", "an empty file")
    if begin.startswith(_ZIP):
        packed = unpack_kmz(file, source.max_kml_bytes)
        pieces = KmlReader(name, builder, defaults, source.max_kml_bytes).read(packed)
    elif begin.lstrip(_BLANK).startswith(b"<"):
        pieces = KmlReader(name, builder, defaults, source.max_kml_bytes).read(file)
    else:
        pieces = GeoJsonReader(name, builder, defaults).read(file)
    done = 0
    for read_bytes in pieces:
        if on_bytes:
            on_bytes(read_bytes - done)
        done = read_bytes


def _shape_faults(table: PlanTable, balls: Balls) -> list[Fault]:
    faults = []
    for index, error in faulty_shapes(table.columns, balls):
        faults.append(
            Fault(
                table.files[table.file[index]],
                int(table.feature[index]),
                table.plan_ids[table.columns.plan[index]],
                "geometry",
                str(error.members.get("expected", "a shape with a defined inside")),
                f"{error.members.get('fault', error.slug)}: {error.members.get('actual', error.detail)}",
            )
        )
    return faults
