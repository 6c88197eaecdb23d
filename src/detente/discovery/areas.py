"""Areas whose heights and times may be without an end, as rows of the index."""

from collections.abc import Iterator, Sequence

from detente.discovery.model import Area
from detente.errors import BadInput
from detente.geo import Solid, cover, cover_touched, prepare
from detente.geo.index import WIDTH, Band, Rows, band_rows, no_rows, touched_rows_of
from detente.geo.model import Volume
from detente.plans.model import PlanVolume
from detente.plans.volumes import prepare_all, to_ms

_SLACK_MS = 300_000
"""How much later than a plan the subscription that it depends on may begin."""


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


def kept_rows_of(area: Area, band: Band, field: str) -> Rows:
    """The rows that a subscription is kept with: just the cells that it touches."""
    return band_rows(cover_touched(solid_of(area, field)), band)


def reaches_over(rows: Rows, volumes: Sequence[PlanVolume], now_ms: int) -> bool:
    """Whether a subscription holds all cells that a plan touches, its heights, and its times from now on.

    Args:
        rows: as ``kept_rows_of`` made them.
        volumes: the plan's.
        now_ms: the present; what went before it is past telling. Five minutes' grace at the start.
    """
    held = {row[0]: row for row in _each(rows)}
    for parent, _, end_ms, start_ms, mask, _, _, _, lower, upper, *_ in _each(
        touched_rows_of(prepare_all(volumes))
    ):
        mine = held.get(parent)
        if mine is None or mine[4] & mask != mask or mine[8] > lower or mine[9] < upper:
            return False
        if mine[3] > max(start_ms, now_ms) + _SLACK_MS or mine[2] < end_ms:
            return False
    return True


def _each(rows: Rows) -> Iterator[list[int]]:
    for at in range(0, len(rows.packed), WIDTH):
        yield rows.packed[at : at + WIDTH]


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
