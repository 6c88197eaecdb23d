"""Height of the EGM96 geoid (mean sea level) above the WGS 84 ellipsoid, from the 15' grid of NGA.

The grid lies beside this file (``egm96/README.md`` says where it is from) and is unpacked once, on first use.
"""

import lzma
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from detente.geo.ellipsoid import Floats

_ROWS, _COLUMNS = 721, 1440
_PER_DEGREE = 4


@cache
def _grid() -> NDArray[np.int16]:
    """The grid in centimetres: rows from 90 N to 90 S, columns from 0 E eastward, shape (721, 1440)."""
    packed = resources.files("detente.geo").joinpath("egm96/grid.xz").read_bytes()
    second = np.frombuffer(lzma.decompress(packed), dtype="<i2").reshape(_ROWS, _COLUMNS)
    # Stored as differences along both axes (it packs twice as small); int16 wraps back exactly.
    grid = second.cumsum(axis=0, dtype=np.int16).cumsum(axis=1, dtype=np.int16)
    grid.setflags(write=False)
    return grid


def undulation_m(lat_deg: Floats, lon_deg: Floats) -> Floats:
    """Interpolate the geoid's height above the ellipsoid, bilinearly.

    Args:
        lat_deg: latitudes, degrees.
        lon_deg: longitudes, degrees, any turn.

    Returns:
        Metres, same shape; within about 1 m of the full EGM96 model (the interpolation's error).

    Source: NIMA TR8350.2, EGM96 15 minute grid.
    """
    grid = _grid()
    y = (90.0 - np.asarray(lat_deg, float)) * _PER_DEGREE
    x = (np.asarray(lon_deg, float) % 360.0) * _PER_DEGREE
    row = np.clip(y.astype(np.int64), 0, _ROWS - 2)
    column = x.astype(np.int64) % _COLUMNS
    fy, fx = y - row, x - np.floor(x)
    east = (column + 1) % _COLUMNS
    north = grid[row, column] * (1 - fx) + grid[row, east] * fx
    south = grid[row + 1, column] * (1 - fx) + grid[row + 1, east] * fx
    out: Floats = (north * (1 - fy) + south * fy) / 100.0
    return out


def undulation_range_m(lat_lo: float, lat_hi: float, lon_lo: float, lon_hi: float) -> tuple[float, float]:
    """Bound the geoid's height over a box by the grid values in and around it.

    Args:
        lat_lo: southern edge, degrees.
        lat_hi: northern edge, degrees.
        lon_lo: western edge, degrees.
        lon_hi: eastern edge, degrees, at least ``lon_lo``.

    Returns:
        Lowest and highest interpolated value in metres.
    """
    grid = _grid()
    top = max(0, int((90.0 - lat_hi) * _PER_DEGREE))
    bottom = min(_ROWS - 1, int((90.0 - lat_lo) * _PER_DEGREE) + 1)
    first = int(np.floor(lon_lo * _PER_DEGREE))
    last = int(np.floor(lon_hi * _PER_DEGREE)) + 1
    rows = grid[top : bottom + 1]
    columns = np.arange(first, min(last + 1, first + _COLUMNS))
    part = rows.take(columns, axis=1, mode="wrap")
    return float(part.min()) / 100.0, float(part.max()) / 100.0
