"""A zone's heights in one datum: exact where they can be, never smaller than the zone."""

import pytest

from detente.geo.model import Circle, Datum, LatLon, Volume
from detente.geo.solid import prepare
from detente.zones.bands import Band, amsl_range_m, one_band
from detente.zones.model import ZoneVolume

CIRCLE = Circle(LatLon(47, 8), 1000.0)
AGL, AMSL, STD, WGS84 = Datum.AGL, Datum.AMSL, Datum.STD, Datum.WGS84


@pytest.mark.parametrize(
    ("heights", "band"),
    [
        ((0, 120, AGL, AGL), Band(0, 120, AGL, False)),
        ((300, 900, AMSL, AMSL), Band(300, 900, AMSL, False)),
        ((0, 900, AGL, AMSL), Band(-8000, 900, AMSL, False)),
        ((0, 2895.6, AGL, STD), Band(-8000, 2895.6, STD, False)),
        ((0, None, AGL, AGL), Band(-8000, 100_000, AMSL, False)),
        ((900, None, STD, AGL), Band(900, 100_000, STD, False)),
        ((300, 900, AGL, AMSL), Band(-200, 900, AMSL, True)),
        ((300, 900, AMSL, AGL), Band(300, 9900, AMSL, True)),
        ((300, 1000, AMSL, STD), Band(300, 1380, AMSL, True)),
        ((300, 1000, WGS84, AMSL), Band(190, 1000, AMSL, True)),
    ],
)
def test_heights_in_one_datum(heights, band):
    lower_m, upper_m, lower, upper = heights
    assert one_band(ZoneVolume(CIRCLE, lower_m, upper_m, lower, upper)) == band


def test_a_band_can_be_compared_with_plans():
    band = one_band(ZoneVolume(CIRCLE, 300, None, STD))
    solid = prepare(Volume(CIRCLE, band.lower_m, band.upper_m, 0, 1000, band.datum))
    assert solid.volume.datum is STD


@pytest.mark.parametrize("datum", Datum)
def test_a_range_holds_the_height_that_it_bounds(datum):
    low_m, high_m = amsl_range_m(1000.0, datum)
    grounds_m = (-440.0, 0.0, 8849.0) if datum is AGL else (0.0,)
    for ground_m in grounds_m:
        assert low_m <= 1000.0 + ground_m <= high_m
