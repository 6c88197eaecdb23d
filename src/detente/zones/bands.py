"""A zone's heights in one datum: as written where floor and ceiling share one, else a band that holds both.

The band is never smaller than the zone. Without terrain and weather it can only be much larger where a
floor or ceiling is above ground; whoever has terrain asks `detente.geo.heights` with the volume as written.
"""

from typing import NamedTuple

from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M, STD_MARGIN_M, STD_MARGIN_RATIO
from detente.geo.model import Datum
from detente.zones.model import ZoneVolume

LOWEST_GROUND_M = -500.0
"""AMSL; the shore of the Dead Sea is at -440."""
HIGHEST_GROUND_M = 9_000.0
"""AMSL; Everest is at 8,849."""
GEOID_M = 110.0
"""The geoid is nowhere farther from the ellipsoid (EGM96: -107 to 86 m)."""


class Band(NamedTuple):
    """Heights in one datum, fit for `detente.geo.model.Volume`."""

    lower_m: float
    upper_m: float
    datum: Datum
    is_wider: bool
    """Whether it holds more than what the zone says."""


def amsl_range_m(height_m: float, datum: Datum) -> tuple[float, float]:
    """Bound where a height can be above mean sea level, without knowing the ground, the weather or the geoid.

    Args:
        height_m: the height.
        datum: what it is measured from.

    Returns:
        The lowest and the highest that it can be, in metres.
    """
    if datum is Datum.AMSL:
        return height_m, height_m
    if datum is Datum.AGL:
        return height_m + LOWEST_GROUND_M, height_m + HIGHEST_GROUND_M
    margin_m = GEOID_M if datum is Datum.WGS84 else STD_MARGIN_M + STD_MARGIN_RATIO * abs(height_m)
    return height_m - margin_m, height_m + margin_m


def within(height_m: float) -> float:
    """The nearest height that volumes may have."""
    return min(max(height_m, MIN_ALTITUDE_M), MAX_ALTITUDE_M)


def one_band(volume: ZoneVolume) -> Band:
    """Say a volume's heights in one datum.

    A floor on the ground becomes the lowest height there is, and no ceiling the highest: below ground and
    above 100 km nobody is disturbed, so these alone do not make the band wider.

    Args:
        volume: the part of a zone.

    Returns:
        The band: in the ceiling's datum if floor and ceiling share it or the floor is the ground; in the
        floor's if there is no ceiling; else above mean sea level.
    """
    is_on_ground = volume.lower_datum is Datum.AGL and volume.lower_m <= 0
    if volume.upper_m is None:
        datum = Datum.AMSL if is_on_ground else volume.lower_datum
        lower_m = MIN_ALTITUDE_M if is_on_ground else within(volume.lower_m)
        return Band(lower_m, MAX_ALTITUDE_M, datum, False)
    if volume.upper_datum is volume.lower_datum:
        return Band(within(volume.lower_m), within(volume.upper_m), volume.upper_datum, False)
    if is_on_ground:
        return Band(MIN_ALTITUDE_M, within(volume.upper_m), volume.upper_datum, False)
    lower_m = amsl_range_m(volume.lower_m, volume.lower_datum)[0]
    upper_m = amsl_range_m(volume.upper_m, volume.upper_datum)[1]
    return Band(within(lower_m), within(upper_m), Datum.AMSL, True)
