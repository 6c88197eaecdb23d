"""Files of plans, whatever their form, into one table: all of it, or every reason why not."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detente.formats.faults import Fault, FaultyFile, FileFault, collecting
from detente.formats.geojson import GeoJsonReader
from detente.formats.kml import KmlReader, unpack_kmz
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
                _read_one(path, builder, on_bytes)
    table = builder.build()
    balls = balls_of(table.columns)
    faults = builder.faults + _shape_faults(table, balls)
    if faults:
        raise FaultyFile(sorted(faults, key=lambda fault: (fault.file, fault.feature or 0)))
    return ReadPlans(table, balls)


def _read_one(path: Path, builder: TableBuilder, on_bytes: Callable[[int], None] | None) -> None:
    try:
        with path.open("rb") as file:
            begin = file.peek(_SNIFF_BYTES)[:_SNIFF_BYTES]
            done = 0
            if not begin.strip(_BLANK) and len(begin) < _SNIFF_BYTES:
                raise FileFault("file", "plans as GeoJSON, KML or KMZ", "an empty file")
            if begin.startswith(_ZIP):
                pieces = KmlReader(str(path), builder).read(unpack_kmz(file))
            elif begin.lstrip(_BLANK).startswith(b"<"):
                pieces = KmlReader(str(path), builder).read(file)
            else:
                pieces = GeoJsonReader(str(path), builder).read(file)
            for read_bytes in pieces:
                if on_bytes:
                    on_bytes(read_bytes - done)
                done = read_bytes
    except OSError as error:
        raise FileFault("file", "a file that can be read", error.strerror or str(error)) from error


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
