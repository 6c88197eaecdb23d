"""Which shapes have no defined inside: looked for in columns, confirmed by `detente.geo.solid.prepare`."""

from collections.abc import Iterator

import numpy as np
import shapely

from detente.errors import DetenteError
from detente.geo.limits import MAX_EXTENT_M, MAX_OUTLINE_M, MIN_THICKNESS_M
from detente.geo.solid import prepare
from detente.geo.sweep_balls import Balls
from detente.geo.sweep_columns import Kind, Longs, VolumeColumns
from detente.geo.sweep_plane import flat_cores, frames_at

_CHUNK = 20_000
_ONE_POINT_M = 1.0
_FLAT_ENOUGH_M = 5_000.0
_SPARE = 0.9


def _doubtful_rings(columns: VolumeColumns, balls: Balls, rows: Longs) -> Longs:
    """Pick polygons that cross themselves, or nearly have no area, in their own frames."""
    doubtful = []
    for low in range(0, len(rows), _CHUNK):
        some = rows[low : low + _CHUNK]
        rings = flat_cores(columns, some, frames_at(balls.center[some]))
        thin = 2.0 * shapely.area(rings) < 2.0 * MIN_THICKNESS_M * shapely.length(rings)
        doubtful.append(some[thin | ~shapely.is_valid(rings)])
    return np.concatenate([np.empty(0, np.int64), *doubtful])


def faulty_shapes(columns: VolumeColumns, balls: Balls) -> Iterator[tuple[int, DetenteError]]:
    """Find the volumes that `detente.geo.solid.prepare` refuses.

    Args:
        columns: n volumes with numbers in their limits.
        balls: a ball around each.

    Yields:
        A volume's number and why it is refused.
    """
    is_polygon = columns.kind == Kind.POLYGON
    is_line = columns.kind == Kind.LINE
    odd = balls.radius_m > _SPARE * MAX_EXTENT_M
    # No edge is longer than the ball is wide; whether the outline is too long is for `prepare` to say.
    odd |= np.diff(columns.first) * 2.0 * balls.core_m > _SPARE * MAX_OUTLINE_M
    odd |= is_line & (balls.core_m < _ONE_POINT_M)
    odd |= is_polygon & (balls.core_m > _FLAT_ENOUGH_M)
    doubtful = _doubtful_rings(columns, balls, np.flatnonzero(is_polygon & ~odd))
    for index in np.union1d(np.flatnonzero(odd), doubtful).tolist():
        try:
            prepare(columns.volume_at(index))
        except DetenteError as error:
            yield index, error
