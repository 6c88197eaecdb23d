"""Map tiles out of an MBTiles file on this host: a page with a map of its own still asks no other host.

Read-only; each process reads by one connection, one tile at a time, and lets only so many wait.

Source: MBTiles specification 1.3 (rows count from the south; metadata in a table of names and values).
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

from msgspec import Meta, Struct

from detente.errors import BadInput, Unavailable

TYPES: Final = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
MAX_TILE_BYTES: Final = 1_048_576
MAX_ZOOM: Final = 22
MAX_WAITING: Final = 64
"""Requests that may wait for a tile in one process; the next one is told to try again."""
_WORLD: Final = (-180.0, -85.06, 180.0, 85.06)
_MAX_TEXT: Final = 500


class TileSource(Struct, frozen=True):
    """What a page must know to ask for tiles."""

    media_type: str
    min_zoom: Annotated[int, Meta(ge=0, le=MAX_ZOOM)]
    max_zoom: Annotated[int, Meta(ge=0, le=MAX_ZOOM)]
    bounds_deg: tuple[float, float, float, float]
    """West, south, east, north."""
    attribution: str
    """Text; a page never reads it as HTML."""


class TileView(Struct, frozen=True):
    """The tiles of this exchange; null: it has none."""

    source: TileSource | None


class TileFile:
    """An open MBTiles file.

    Args:
        path: the file.

    Raises:
        BadInput: if it cannot be read, is no MBTiles file, or holds no images that browsers show.
    """

    def __init__(self, path: Path) -> None:
        try:
            # A file that is missing must not be made, nor anything written beside one.
            self._database = sqlite3.connect(
                f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, check_same_thread=False
            )
            self._database.execute("SELECT tile_data FROM tiles WHERE zoom_level = 0 LIMIT 1").fetchone()
            found = self._database.execute("SELECT name, value FROM metadata LIMIT 1000").fetchall()
        except sqlite3.Error as fault:
            raise _refusal(path, f"cannot be read as MBTiles: {fault}") from fault
        self.source = _source(path, {str(name): str(value) for name, value in found})
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read(self, zoom: int, column: int, row: int) -> bytes | None:
        """Read one tile.

        Args:
            zoom: 0 shows the world in one tile.
            column: from the west.
            row: from the north.

        Returns:
            The image; None if there is none, or none of MAX_TILE_BYTES at most.

        Raises:
            Unavailable: if too many wait already.
        """
        if not self._is_inside(zoom, column, row):
            return None
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many map tiles are asked for at once")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._select, zoom, column, (1 << zoom) - 1 - row)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _is_inside(self, zoom: int, column: int, row: int) -> bool:
        if not self.source.min_zoom <= zoom <= self.source.max_zoom:
            return False
        return 0 <= column < 1 << zoom and 0 <= row < 1 << zoom

    def _select(self, zoom: int, column: int, row_from_south: int) -> bytes | None:
        query = (
            "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ? "
            "AND length(tile_data) <= ?"
        )
        with closing(self._database.cursor()) as cursor:
            found = cursor.execute(query, (zoom, column, row_from_south, MAX_TILE_BYTES)).fetchone()
        return found[0] if found is not None and isinstance(found[0], bytes) else None


def check_tiles(path: Path) -> None:
    """Refuse a file that no tiles could be served from.

    Raises:
        BadInput: as ``TileFile`` does.
    """
    TileFile(path).close()


def _source(path: Path, metadata: dict[str, str]) -> TileSource:
    kind = metadata.get("format", "").lower()
    if kind not in TYPES:
        raise _refusal(path, f"holds tiles of the format {kind[:20]!r}, which the console does not draw")
    try:
        least, most = int(metadata.get("minzoom", "0")), int(metadata.get("maxzoom", str(MAX_ZOOM)))
        west, south, east, north = (
            (float(part) for part in metadata["bounds"].split(",")) if "bounds" in metadata else _WORLD
        )
    except ValueError as fault:
        raise _refusal(path, "says its zooms or bounds in no numbers") from fault
    is_good = 0 <= least <= most <= MAX_ZOOM and -180 <= west < east <= 180 and -90 <= south < north <= 90  # noqa: PLR2004 - degrees
    if not is_good:
        raise _refusal(path, "has zooms or bounds that no map has")
    attribution = metadata.get("attribution", "")[:_MAX_TEXT]
    return TileSource(TYPES[kind], least, most, (west, south, east, north), attribution)


def _refusal(path: Path, why: str) -> BadInput:
    return BadInput(
        f"tiles is {str(path)!r}, which {why}",
        field="tiles",
        expected="an MBTiles file with png, jpg or webp tiles",
        actual=str(path),
    )
