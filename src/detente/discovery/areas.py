"""Areas whose heights and times may be without an end, as rows of the index."""

from collections.abc import Sequence

from detente.discovery.model import Area
from detente.errors import BadInput
from detente.geo import Solid, cover, cover_touched, prepare
from detente.geo.model import Volume
from detente.plans.index import Band, Rows, band_rows, no_rows
from detente.plans.volumes import to_ms

BEYOND_M = 1_700.0
"""How far outside a shape ``cover`` may name a cell: a level 13 cell and a half."""


def solid_of(area: Area, field: str) -> Solid:
    """The area's ground, checked; its heights and times are not looked at.

    Raises:
        BadInput: a shape that cannot be used, by name.
    """
    return prepare(Volume(area.shape, 0.0, 1.0, 0, 1), field=field)


def band_of(area: Area) -> Band:
    """The heights and times of an area."""
    return Band(
        lower_m=area.lower_m,
        upper_m=area.upper_m,
        start_ms=None if area.start is None else to_ms(area.start),
        end_ms=None if area.end is None else to_ms(area.end),
    )


def rows_of_area(area: Area, field: str) -> Rows:
    """The rows with which an area is searched.

    Raises:
        BadInput: a shape that cannot be used, by name.
    """
    return band_rows(cover(solid_of(area, field)), band_of(area))


def rows_of_areas(areas: Sequence[Area], field: str) -> Rows:
    """The rows of several areas: those of a zone."""
    rows = no_rows()
    for i, area in enumerate(areas):
        rows.packed.extend(rows_of_area(area, f"{field}[{i}]").packed)
    return rows


def kept_rows_of(area: Area, band: Band, field: str) -> tuple[Rows, Rows]:
    """The rows that a subscription is kept with, and wider ones that hold whatever ``cover`` names inside it.

    Plans that depend on a subscription are kept with the cells that ``cover`` names, which may lie beyond the
    plan itself; the wider rows keep such a plan from being found outside of what reaches over it.
    """
    solid = solid_of(area, field)
    return band_rows(cover_touched(solid), band), band_rows(cover(solid, BEYOND_M), band)


def window_of(areas: Sequence[Area], field: str) -> tuple[int, int]:
    """The first start and the last end of areas that must have both, ms since 1970.

    Raises:
        BadInput: naming the member that is missing.
    """
    starts, ends = [], []
    for i, area in enumerate(areas):
        if area.start is None or area.end is None:
            name = f"{field}[{i}].time_{'start' if area.start is None else 'end'}"
            raise BadInput(f"{name} is missing", field=name, expected="a time", actual="nothing")
        starts.append(to_ms(area.start))
        ends.append(to_ms(area.end))
    return min(starts), max(ends)
