"""Volumes as columns: a million of them in flat arrays, without an object each.

A volume's ground shape is a core (a point, a line or a polygon) and a reach around it: a circle is a point
with its radius, a corridor a line with half its width, a polygon itself with no reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from detente.geo.model import Circle, Corridor, Datum, LatLon, Polygon, Shape, Volume

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

DATUMS = (Datum.WGS84, Datum.AMSL, Datum.STD, Datum.AGL)
DATUM_CODE = {datum: code for code, datum in enumerate(DATUMS)}


class Kind(IntEnum):
    """What the core of a ground shape is."""

    POINT = 0
    LINE = 1
    POLYGON = 2


@dataclass(frozen=True, slots=True)
class VolumeColumns:
    """``n`` volumes and the vertices of all their cores, one after the other.

    Attributes:
        kind: code of `Kind`, shape (n,).
        first: the first vertex of each core and, at the end, the number of all vertices, shape (n + 1,).
        lat_deg: latitudes of all vertices, a polygon's first vertex not repeated.
        lon_deg: longitudes of all vertices, same shape.
        reach_m: radius of a circle, half the width of a corridor, 0 for a polygon, shape (n,).
        lower_m: metres above ``datum``, shape (n,).
        upper_m: metres above ``datum``, shape (n,).
        datum: index into `DATUMS`, shape (n,).
        start_ms: milliseconds since 1970-01-01T00:00:00Z, shape (n,).
        end_ms: as ``start_ms``.
        plan: number of the plan that the volume is a part of, shape (n,).
        party: number of the party whose plan it is, shape (n,).
    """

    kind: Bytes
    first: Longs
    lat_deg: Floats
    lon_deg: Floats
    reach_m: Floats
    lower_m: Floats
    upper_m: Floats
    datum: Bytes
    start_ms: Longs
    end_ms: Longs
    plan: Ints
    party: Ints

    def __len__(self) -> int:
        """The number of volumes."""
        return len(self.kind)

    def shape_at(self, index: int) -> Shape:
        """Build one volume's ground shape as an object.

        Args:
            index: which volume, 0 to n - 1.

        Returns:
            The circle, corridor or polygon.
        """
        low, high = int(self.first[index]), int(self.first[index + 1])
        points = tuple(
            LatLon(lat_deg=lat, lon_deg=lon)
            for lat, lon in zip(self.lat_deg[low:high].tolist(), self.lon_deg[low:high].tolist(), strict=True)
        )
        reach_m = float(self.reach_m[index])
        if self.kind[index] == Kind.POINT:
            return Circle(center=points[0], radius_m=reach_m)
        if self.kind[index] == Kind.LINE:
            return Corridor(path=points, width_m=2.0 * reach_m)
        return Polygon(vertices=points)

    def volume_at(self, index: int) -> Volume:
        """Build one volume as an object, for a decision that is made pair by pair.

        Args:
            index: which volume, 0 to n - 1.

        Returns:
            The volume.
        """
        return Volume(
            shape=self.shape_at(index),
            lower_m=float(self.lower_m[index]),
            upper_m=float(self.upper_m[index]),
            start_ms=int(self.start_ms[index]),
            end_ms=int(self.end_ms[index]),
            datum=DATUMS[self.datum[index]],
        )


def _core(shape: Shape) -> tuple[Kind, tuple[LatLon, ...], float]:
    if isinstance(shape, Circle):
        return Kind.POINT, (shape.center,), shape.radius_m
    if isinstance(shape, Corridor):
        return Kind.LINE, shape.path, shape.width_m / 2.0
    return Kind.POLYGON, shape.vertices, 0.0


def columns_of(volumes: Iterable[Volume], plan: Iterable[int], party: Iterable[int]) -> VolumeColumns:
    """Lay volumes out as columns.

    Args:
        volumes: n volumes.
        plan: number of the plan of each, n of them.
        party: number of the party of each, n of them.

    Returns:
        The columns, in the order given.
    """
    all_volumes = list(volumes)
    cores = [_core(volume.shape) for volume in all_volumes]
    points = [point for _, core, _ in cores for point in core]
    first = np.zeros(len(cores) + 1, np.int64)
    np.cumsum([len(core) for _, core, _ in cores], out=first[1:])
    return VolumeColumns(
        kind=np.array([kind for kind, _, _ in cores], np.uint8),
        first=first,
        lat_deg=np.array([point.lat_deg for point in points], np.float64),
        lon_deg=np.array([point.lon_deg for point in points], np.float64),
        reach_m=np.array([reach for _, _, reach in cores], np.float64),
        lower_m=np.array([volume.lower_m for volume in all_volumes], np.float64),
        upper_m=np.array([volume.upper_m for volume in all_volumes], np.float64),
        datum=np.array([DATUM_CODE[volume.datum] for volume in all_volumes], np.uint8),
        start_ms=np.array([volume.start_ms for volume in all_volumes], np.int64),
        end_ms=np.array([volume.end_ms for volume in all_volumes], np.int64),
        plan=np.array(list(plan), np.int32),
        party=np.array(list(party), np.int32),
    )


def spread(counts: Longs) -> tuple[Longs, Longs]:
    """Number the members of groups: for counts (2, 0, 3) the pairs (0,0) (0,1) (2,0) (2,1) (2,2).

    Args:
        counts: how many members each group has, shape (g,).

    Returns:
        The group and the place within the group of each member, each of shape (sum of counts,).
    """
    total = int(counts.sum())
    group = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    ends = np.cumsum(counts)
    return group, np.arange(total, dtype=np.int64) - np.repeat(ends - counts, counts)
