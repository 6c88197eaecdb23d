"""Altitudes: exact within one datum, wide enough between two; the geoid and the ground behind them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import UnsupportedDatum
from detente.geo import (
    Circle,
    Datum,
    HgtTerrain,
    LatLon,
    Separation,
    find_overlap,
    overlaps,
    prepare,
    undulation_m,
)
from detente.geo.geoid import undulation_range_m
from detente.geo.limits import STD_MARGIN_M, STD_MARGIN_RATIO
from tests.geo.oracle import volume

HERE = Circle(LatLon(47.3, 8.4), 500.0)
BY_OWN_NUMBERS = [Datum.WGS84, Datum.AMSL, Datum.STD]

# The test points that NGA gives out with its program (F477, INPUT.DAT and OUTPUT.DAT): latitude, longitude,
# EGM96 geoid height in metres. Interpolating the 15' grid bilinearly is within 0.1 m of them.
NGA_POINTS = [
    (38.628155, 269.779155, -31.628),
    (-14.621217, 305.021114, -2.969),
    (46.874319, 102.448729, -43.575),
    (-23.617446, 133.874712, 15.871),
    (38.625473, 359.9995, 50.066),
    (-0.466744, 0.0023, 17.329),
]


@pytest.mark.parametrize(("lat", "lon", "height_m"), NGA_POINTS)
def test_geoid_heights_are_those_of_nga(lat, lon, height_m):
    assert undulation_m(np.array(lat), np.array(lon)) == pytest.approx(height_m, abs=0.1)


def test_the_geoid_is_continuous_at_the_antimeridian_at_greenwich_and_at_the_poles():
    lats = np.linspace(-90, 90, 721)
    for lon in (180.0, 0.0):
        step = undulation_m(lats, np.full(721, lon - 1e-7)) - undulation_m(lats, np.full(721, lon + 1e-7))
        assert np.abs(step).max() < 1e-3
    for pole, height_m in ((90.0, 13.606), (-90.0, -29.535)):
        around = undulation_m(np.full(360, pole), np.arange(360.0))
        assert around == pytest.approx(np.full(360, height_m), abs=0.01)


@settings(deadline=None)
@given(st.floats(-89, 88), st.floats(-180, 180), st.floats(0, 1), st.floats(0, 1))
def test_the_range_over_a_box_holds_every_height_in_it(lat, lon, down, across):
    low, high = undulation_range_m(lat, lat + 1, lon, lon + 1)
    inside = float(undulation_m(np.array(lat + down), np.array(lon + across)))
    assert low - 1e-9 <= inside <= high + 1e-9


@pytest.mark.parametrize("datum", BY_OWN_NUMBERS)
def test_one_datum_is_compared_by_its_own_numbers(datum):
    low = prepare(volume(HERE, 0.0, 1_000.0, datum=datum))
    for lower, expected in ((1_000.0, False), (999.99, True), (1_000.01, False)):
        high = prepare(volume(HERE, lower, 2_000.0, datum=datum))
        assert overlaps(low, high) is overlaps(high, low) is expected
    shared = find_overlap(low, prepare(volume(HERE, 900.0, 2_000.0, datum=datum)))
    assert (shared.lower_m, shared.upper_m, shared.datum) == (900.0, 1_000.0, datum)
    assert shared.vertical_depth_m == pytest.approx(100.0)


def test_a_vertical_separation_is_exact_too():
    low = prepare(volume(HERE, 0.0, 100.1))
    high = prepare(volume(HERE, 110.1, 200.0))
    assert not overlaps(low, high, Separation(vertical_m=10.0))
    assert overlaps(low, high, Separation(vertical_m=10.01))
    shared = find_overlap(low, high, Separation(vertical_m=30.0))
    assert shared.vertical_depth_m == pytest.approx(20.0)
    assert shared.lower_m == pytest.approx(95.1)
    assert shared.upper_m == pytest.approx(115.1)


def test_mean_sea_level_against_the_ellipsoid_uses_the_geoid():
    """Around Zürich the geoid is 47 to 49 m above the ellipsoid, give or take what 25 km of slack add."""
    sea = prepare(volume(HERE, 0.0, 100.0, datum=Datum.AMSL))
    assert 44 < sea.lower_m <= 48
    assert 147 <= sea.upper_m < 154
    assert not overlaps(sea, prepare(volume(HERE, 155.0, 200.0)))
    assert overlaps(sea, prepare(volume(HERE, 120.0, 200.0)))
    assert find_overlap(sea, prepare(volume(HERE, 120.0, 200.0))).datum is Datum.WGS84


def test_pressure_altitude_against_a_height_has_the_stated_margin():
    level = prepare(volume(HERE, 3_000.0, 3_300.0, datum=Datum.STD))
    low = 3_000 - STD_MARGIN_M - 3_000 * STD_MARGIN_RATIO + 50
    assert level.band_m[0] == pytest.approx(low, abs=5)
    assert overlaps(level, prepare(volume(HERE, 2_000.0, low + 10)))
    assert not overlaps(level, prepare(volume(HERE, 2_000.0, low - 10)))


@settings(deadline=None)
@given(
    st.sampled_from(BY_OWN_NUMBERS),
    st.sampled_from(BY_OWN_NUMBERS),
    st.floats(-500, 15_000),
    st.floats(-500, 15_000),
    st.floats(1, 500),
    st.sampled_from([0.0, 150.0]),
)
def test_the_index_band_never_misses_a_conflict(one, other, low_a, low_b, height, vertical_m):  # noqa: PLR0917 - drawn by Hypothesis
    a = prepare(volume(HERE, low_a, low_a + height, datum=one))
    b = prepare(volume(HERE, low_b, low_b + height, datum=other))
    separation = Separation(vertical_m=vertical_m)
    assert overlaps(a, b, separation) is overlaps(b, a, separation)
    if overlaps(a, b, separation):
        assert min(a.upper_m, b.upper_m) + vertical_m > max(a.lower_m, b.lower_m)


def tile(folder, name, heights):
    heights.astype(">i2").tofile(folder / name)


@pytest.fixture
def terrain(tmp_path):
    """Two small tiles: flat at 400 m with one hill of 900 m, and a slope from 0 to 1,200 m eastward."""
    flat = np.full((121, 121), 400)
    flat[36, 48] = 900  # 36 rows south of 48 N, 48 columns east of 8 E: 47.7 N 8.4 E
    tile(tmp_path, "N47E008.hgt", flat)
    tile(tmp_path, "n47e009.hgt", np.tile(np.arange(121) * 10, (121, 1)))
    (tmp_path / "notes.txt").write_text("not a tile")
    return HgtTerrain(tmp_path)


def test_terrain_is_bounded_over_a_box(terrain):
    assert terrain.range_amsl_m(47.1, 47.2, 8.1, 8.2) == (400, 400)
    assert terrain.range_amsl_m(47.6999, 47.7001, 8.3999, 8.4001) == (400, 900)
    assert terrain.range_amsl_m(47.1, 47.2, 9.5, 9.6) == (600, 720)
    assert terrain.range_amsl_m(47.1, 47.2, 8.9, 9.1) == (0, 400)


def test_heights_above_ground_become_a_wide_band(terrain):
    above = prepare(volume(Circle(LatLon(47.5, 8.5), 100.0), 50.0, 120.0, datum=Datum.AGL), terrain=terrain)
    geoid = float(undulation_m(np.array(47.5), np.array(8.5)))
    assert above.band_m[0] == pytest.approx(450 + geoid, abs=5)
    assert above.band_m[1] == pytest.approx(1_020 + geoid, abs=5), "the hill 25 km around counts"


def test_heights_above_one_ground_are_compared_by_their_own_numbers(terrain):
    spot = Circle(LatLon(47.5, 8.5), 100.0)
    low, high = (prepare(volume(spot, a, a + 50, datum=Datum.AGL), terrain=terrain) for a in (0.0, 50.0))
    assert not overlaps(low, high)
    assert overlaps(low, high, Separation(horizontal_m=10.0)), "apart, the ground may differ"


@pytest.mark.parametrize(
    "where", [LatLon(46.5, 8.5), LatLon(47.01, 8.5)], ids=["no tile", "the slack reaches out"]
)
def test_a_missing_tile_is_refused_by_name(terrain, where):
    with pytest.raises(UnsupportedDatum, match=r"N46E008\.hgt is missing") as refused:
        prepare(volume(Circle(where, 10.0), datum=Datum.AGL), terrain=terrain, field="volumes[1]")
    assert refused.value.members["field"] == "volumes[1].datum"


def test_gaps_and_broken_tiles_are_refused(tmp_path):
    heights = np.full((121, 121), 10)
    heights[60, 60] = -32_768
    for lat, lon in itertools.product((9, 10, 11), (9, 10, 11)):
        tile(tmp_path, f"N{lat:02d}E{lon:03d}.hgt", heights)
    (tmp_path / "S10W020.hgt").write_bytes(b"12345")
    terrain = HgtTerrain(tmp_path)
    assert terrain.range_amsl_m(10.1, 10.4, 10.1, 10.4) == (10, 10)
    with pytest.raises(UnsupportedDatum, match="gaps"):
        terrain.range_amsl_m(10.4, 10.6, 10.4, 10.6)
    with pytest.raises(UnsupportedDatum, match=r"S10W020\.hgt is not a square"):
        terrain.range_amsl_m(-9.6, -9.5, -19.6, -19.5)
    with pytest.raises(UnsupportedDatum, match="limit"):
        terrain.range_amsl_m(-9.6, 20, -19.6, 30)
