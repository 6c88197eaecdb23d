"""Zones made ready to be compared: bounded on all sides, and never smaller."""

import pytest
from msgspec.structs import replace

from detente.errors import BadInput, TooLarge
from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M
from detente.geo.model import Datum
from detente.zones.solids import FIRST_MS, LAST_MS, require_not_over, rows_of_zone, solids_of, window_of
from tests.zones.conftest import ring, zone


class Ground:
    """Ground between 400 and 900 m above the sea."""

    def range_amsl_m(self, *_):
        return 400.0, 900.0


def volume_of(one, terrain=None):
    [solid] = solids_of(zone(one), terrain)
    return solid.volume


def test_a_zone_without_times_holds_since_ever_and_without_end():
    volume = volume_of(ring())
    assert (volume.start_ms, volume.end_ms) == (FIRST_MS, LAST_MS)
    assert window_of(zone(ring(), ring(start_ms=5, end_ms=9))) == (FIRST_MS, LAST_MS)
    assert window_of(zone(ring(start_ms=3, end_ms=4), ring(start_ms=5, end_ms=9))) == (3, 9)


def test_an_end_in_the_last_day_of_time_is_no_end():
    assert volume_of(ring(end_ms=LAST_MS + 1_000)).end_ms == LAST_MS


def test_no_ceiling_is_as_high_as_anything_flies():
    volume = volume_of(replace(ring(lower_m=100.0), upper_m=None))
    assert (volume.lower_m, volume.upper_m, volume.datum) == (100.0, MAX_ALTITUDE_M, Datum.WGS84)


def test_heights_above_ground_hold_above_the_ground_that_is_known():
    solid = solids_of(zone(ring(lower_m=50.0, upper_m=150.0, datum=Datum.AGL)), Ground())[0]
    assert (solid.volume.lower_m, solid.volume.upper_m, solid.volume.datum) == (50.0, 150.0, Datum.AGL)


def test_heights_above_ground_without_terrain_hold_wherever_the_ground_may_be():
    volume = volume_of(ring(lower_m=50.0, upper_m=150.0, datum=Datum.AGL))
    assert volume.datum is Datum.AMSL
    assert volume.lower_m <= 50.0 - 440.0
    assert volume.upper_m >= 150.0 + 8_849.0


def test_a_zone_on_the_ground_reaches_below_it():
    mixed = replace(ring(lower_m=0.0, upper_m=150.0, datum=Datum.AGL), upper_datum=Datum.AMSL)
    assert volume_of(mixed).lower_m == MIN_ALTITUDE_M


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ring(lower_m=200.0, upper_m=100.0), "zone.volumes[1].upper_m"),
        (ring(start_ms=9, end_ms=9), "zone.volumes[1].end_ms"),
        (ring(radius_m=0.0), "zone.volumes[1].shape.radius_m"),
        (ring(lat=91.0), "zone.volumes[1].shape.center.lat_deg"),
    ],
)
def test_what_cannot_be_used_is_named(wrong, field):
    with pytest.raises(BadInput) as refused:
        solids_of(zone(ring(), wrong), None)
    assert refused.value.members["field"] == field


def test_a_zone_that_is_over_is_refused():
    require_not_over(zone(ring(end_ms=11)), 10)
    with pytest.raises(BadInput, match="over"):
        require_not_over(zone(ring(end_ms=10)), 10)


def test_rows_of_the_index_are_bounded():
    wide = solids_of(zone(ring(radius_m=60_000.0)), None)
    each = rows_of_zone(wide).count
    assert each > 100
    with pytest.raises(TooLarge, match="in parts"):
        rows_of_zone(wide * (20_000 // each + 1))
