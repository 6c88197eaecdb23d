"""Altitude bands: compared as written when they share a datum, else as wide bands above the ellipsoid."""

from detente.errors import BadInput, UnsupportedDatum
from detente.geo.box import Box, box_around
from detente.geo.core import Core, check_number
from detente.geo.geoid import undulation_range_m
from detente.geo.limits import (
    MAX_ALTITUDE_M,
    MIN_ALTITUDE_M,
    MIN_THICKNESS_M,
    SEPARATION_SLACK_M,
    STD_MARGIN_M,
    STD_MARGIN_RATIO,
)
from detente.geo.model import Datum, Volume
from detente.geo.terrain import Terrain


def check_altitudes(volume: Volume, field: str) -> None:
    """Refuse altitudes that are no numbers, out of range, reversed or without height."""
    check_number(volume.lower_m, MIN_ALTITUDE_M, MAX_ALTITUDE_M, f"{field}.lower_m")
    check_number(volume.upper_m, MIN_ALTITUDE_M, MAX_ALTITUDE_M, f"{field}.upper_m")
    if volume.upper_m - volume.lower_m < MIN_THICKNESS_M:
        fault = (
            "zero-height" if abs(volume.upper_m - volume.lower_m) < MIN_THICKNESS_M else "altitudes-reversed"
        )
        raise BadInput(
            f"{field}.upper_m is {volume.upper_m} over a lower_m of {volume.lower_m}: {fault}",
            field=f"{field}.upper_m",
            fault=fault,
            expected=f"at least {MIN_THICKNESS_M} m above lower_m",
            actual=volume.upper_m,
        )


def ellipsoid_band_m(volume: Volume, core: Core, terrain: Terrain | None, field: str) -> tuple[float, float]:
    """Bound the volume's heights above the ellipsoid, wherever in the shape and whatever the weather.

    Returns:
        Lower and upper metres above the ellipsoid: exact for WGS84, else a superset.

    Raises:
        UnsupportedDatum: above ground without terrain data.
    """
    if volume.datum is Datum.WGS84:
        return volume.lower_m, volume.upper_m
    low, high = volume.lower_m, volume.upper_m
    box = box_around(core, SEPARATION_SLACK_M)
    if volume.datum is Datum.STD:
        low -= STD_MARGIN_M + STD_MARGIN_RATIO * abs(low)
        high += STD_MARGIN_M + STD_MARGIN_RATIO * abs(high)
    elif volume.datum is Datum.AGL:
        ground = _ground(box, terrain, field)
        low, high = low + ground[0], high + ground[1]
    geoid = undulation_range_m(*box)
    return low + geoid[0], high + geoid[1]


def _ground(box: Box, terrain: Terrain | None, field: str) -> tuple[float, float]:
    if terrain is None:
        raise UnsupportedDatum(
            f"{field}.datum is AGL, and no terrain data is configured here",
            field=f"{field}.datum",
            expected="WGS84, AMSL or STD",
            actual="AGL",
        )
    try:
        return terrain.range_amsl_m(*box)
    except UnsupportedDatum as missing:
        raise UnsupportedDatum(missing.detail, **{**missing.members, "field": f"{field}.datum"}) from missing
