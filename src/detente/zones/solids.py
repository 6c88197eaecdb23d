"""A zone's volumes made ready to be compared and indexed: bounded on all sides, never smaller than the zone.

Rule 1: without a start a volume holds from ``FIRST_MS``, without an end until ``LAST_MS``.
Rule 2: heights above ground need terrain; where there is none, the volume becomes the band above mean sea
    level that holds it wherever the ground is.
Rule 3: the hours of a day are not looked at: within its days a zone counts all day.
"""

from detente.errors import BadInput, TooLarge, UnsupportedDatum
from detente.geo import Datum, Solid, Terrain, Volume, prepare
from detente.geo.index import Reach, Rows, add_rows, no_rows
from detente.geo.limits import MIN_ALTITUDE_M, MIN_THICKNESS_M
from detente.zones.bands import amsl_range_m, one_band, within
from detente.zones.model import ZoneBody, ZoneVolume

FIRST_MS = 0
"""1970-01-01T00:00:00Z: the start of what always held."""
LAST_MS = 253_402_214_400_000
"""9999-12-31T00:00:00Z: the end of what has none; a day less than others' clocks may hold."""
MAX_ROWS = 20_000
"""Rows of the index of one zone: each is a volume in a cell of level 10."""


def solids_of(body: ZoneBody, terrain: Terrain | None) -> tuple[Solid, ...]:
    """Prepare every volume of a zone.

    Args:
        body: the zone.
        terrain: heights of the ground, if configured.

    Raises:
        BadInput: naming the volume and the field; InvalidShape and TooLarge among them.
    """
    return tuple(
        _solid(volume, terrain, f"zone.volumes[{index}]") for index, volume in enumerate(body.volumes)
    )


def rows_of_zone(solids: tuple[Solid, ...]) -> Rows:
    """The rows of the index by which a zone is found.

    Raises:
        TooLarge: if it covers more cells than the limit.
    """
    rows = no_rows()
    for index, solid in enumerate(solids):
        add_rows(rows, solid, index, Reach())
        if rows.count > MAX_ROWS:
            raise TooLarge(
                f"the zone needs more than {MAX_ROWS:,} rows of the index; publish it in parts",
                field="zone.volumes",
                limit=MAX_ROWS,
                expected=f"at most {MAX_ROWS:,} cells of about 70 km2, counted for each volume",
            )
    return rows


def window_of(body: ZoneBody) -> tuple[int, int]:
    """The first start and the last end of a zone's volumes, ms since 1970."""
    bounds = [_window(volume) for volume in body.volumes]
    return min(start for start, _ in bounds), max(end for _, end in bounds)


def require_not_over(body: ZoneBody, now_ms: int) -> None:
    """Refuse a zone whose last volume has ended.

    Raises:
        BadInput: naming the volumes.
    """
    if window_of(body)[1] <= now_ms:
        raise BadInput("the zone is over", field="zone.volumes", expected="an end later than now, or none")


def _window(volume: ZoneVolume) -> tuple[int, int]:
    start_ms = FIRST_MS if volume.start_ms is None else volume.start_ms
    return start_ms, LAST_MS if volume.end_ms is None else min(volume.end_ms, LAST_MS)


def _solid(volume: ZoneVolume, terrain: Terrain | None, field: str) -> Solid:
    _require_order(volume, field)
    lower_m, upper_m, datum, _ = one_band(volume)
    start_ms, end_ms = _window(volume)
    whole = Volume(volume.shape, lower_m, upper_m, start_ms, end_ms, datum)
    try:
        return prepare(whole, terrain=terrain, field=field)
    except UnsupportedDatum:
        lowest_m = amsl_range_m(lower_m, datum)[0] if lower_m > MIN_ALTITUDE_M else lower_m
        highest_m = amsl_range_m(upper_m, datum)[1]
        wider = Volume(volume.shape, within(lowest_m), within(highest_m), start_ms, end_ms, Datum.AMSL)
        return prepare(wider, field=field)


def _require_order(volume: ZoneVolume, field: str) -> None:
    """Refuse reversed heights of one datum, which a band made of them would hide."""
    if (
        volume.upper_m is not None
        and volume.upper_datum is volume.lower_datum
        and volume.upper_m - volume.lower_m < MIN_THICKNESS_M
    ):
        raise BadInput(
            f"{field}.upper_m is {volume.upper_m} over a lower_m of {volume.lower_m}",
            field=f"{field}.upper_m",
            expected=f"at least {MIN_THICKNESS_M} m above lower_m",
            actual=volume.upper_m,
        )
