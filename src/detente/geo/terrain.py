"""Ground heights from a folder of SRTM tiles (``N47E008.hgt``), the plainest open terrain format.

Only bounds over a box are asked for: heights above ground become bands that are wide enough, never exact.
"""

import re
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detente.errors import UnsupportedDatum

_VOID = -32_768
_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})\.hgt", re.IGNORECASE)
_MAX_TILES = 64


class Terrain(Protocol):
    """What heights above ground are measured from."""

    def range_amsl_m(self, lat_lo: float, lat_hi: float, lon_lo: float, lon_hi: float) -> tuple[float, float]:
        """Bound the ground over a box in degrees (``lon_lo <= lon_hi``, which may pass 180).

        Returns:
            Lowest and highest ground in metres above mean sea level (EGM96).

        Raises:
            UnsupportedDatum: if the ground is not known everywhere in the box.
        """
        ...


class HgtTerrain:
    """SRTM tiles in a folder: square, big-endian int16, north-west sample first, edges shared.

    Tiles are found when this is made and mapped when asked for; nothing is cached, so threads may share it.

    Source: SRTM Topography, NASA/USGS documentation (2003), section 3.2.
    """

    def __init__(self, folder: Path) -> None:
        self._tiles: dict[tuple[int, int], Path] = {}
        for path in sorted(folder.iterdir()):
            found = _NAME.fullmatch(path.name)
            if found:
                lat = int(found[2]) * (1 if found[1].upper() == "N" else -1)
                lon = int(found[4]) * (1 if found[3].upper() == "E" else -1)
                self._tiles[lat, lon] = path

    def range_amsl_m(self, lat_lo: float, lat_hi: float, lon_lo: float, lon_hi: float) -> tuple[float, float]:
        """Bound the ground over a box; see :class:`Terrain`."""
        lats = range(int(np.floor(lat_lo)), min(89, int(np.floor(lat_hi))) + 1)
        lons = range(int(np.floor(lon_lo)), int(np.floor(lon_hi)) + 1)
        if len(lats) * len(lons) > _MAX_TILES:
            raise UnsupportedDatum(
                f"heights above ground over {len(lats) * len(lons)} terrain tiles; the limit is {_MAX_TILES}",
                expected=f"a shape over at most {_MAX_TILES} square degrees",
            )
        low, high = np.inf, -np.inf
        for lat in lats:
            for lon in lons:
                heights = _part(
                    self._read(lat, (lon + 180) % 360 - 180), lat, lon, (lat_lo, lat_hi, lon_lo, lon_hi)
                )
                if bool((heights == _VOID).any()):
                    raise _unknown(lat, lon, "has gaps there")
                low, high = min(low, float(heights.min())), max(high, float(heights.max()))
        return low, high

    def _read(self, lat: int, lon: int) -> NDArray[np.int16]:
        path = self._tiles.get((lat, lon))
        if path is None:
            raise _unknown(lat, lon, "is missing")
        side = round((path.stat().st_size / 2) ** 0.5)
        if side < 2 or side * side * 2 != path.stat().st_size:  # noqa: PLR2004 - a tile has corners
            raise _unknown(lat, lon, "is not a square of 16 bit heights")
        return np.memmap(path, dtype=">i2", mode="r", shape=(side, side))


def _part(
    tile: NDArray[np.int16], lat: int, lon: int, box: tuple[float, float, float, float]
) -> NDArray[np.int16]:
    """Cut the samples in and around a box out of one tile."""
    steps = tile.shape[0] - 1
    lat_lo, lat_hi, lon_lo, lon_hi = box
    top = max(0, int(np.floor((lat + 1 - lat_hi) * steps)))
    bottom = min(steps, int(np.ceil((lat + 1 - lat_lo) * steps)))
    left = max(0, int(np.floor((lon_lo - lon) * steps)))
    right = min(steps, int(np.ceil((lon_hi - lon) * steps)))
    return tile[top : bottom + 1, left : right + 1]


def _unknown(lat: int, lon: int, why: str) -> UnsupportedDatum:
    name = f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}{'E' if lon >= 0 else 'W'}{abs(lon):03d}.hgt"
    return UnsupportedDatum(
        f"heights above ground need terrain data, and tile {name} {why}",
        expected="terrain data everywhere under the shape",
        actual=f"{name} {why}",
    )
