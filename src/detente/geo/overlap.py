"""Do two volumes conflict, and if so where, when and by how much: the answers of the exchange."""

import math
from typing import NamedTuple

from detente.geo.ground import come_within
from detente.geo.limits import TOUCH_M
from detente.geo.model import Datum, Overlap, Separation
from detente.geo.shared import shared_ground
from detente.geo.solid import Solid

_NONE = Separation()


class _Band(NamedTuple):
    lower_m: float
    upper_m: float
    datum: Datum


def overlaps(a: Solid, b: Solid, separation: Separation = _NONE) -> bool:
    """Say whether two volumes conflict.

    Args:
        a: one volume, prepared.
        b: the other; the answer is the same either way round.
        separation: they conflict when they are closer than all three of its distances at once.

    Returns:
        True when, with the separation put between them, their times share more than nothing, and their
        heights and their ground more than ``TOUCH_M``.
    """
    margin_ms = round(separation.time_s * 1000)
    if min(a.volume.end_ms, b.volume.end_ms) + margin_ms <= max(a.volume.start_ms, b.volume.start_ms):
        return False
    band = _shared_band(a, b, separation)
    if band.upper_m - band.lower_m <= TOUCH_M:
        return False
    reach = a.reach_m + b.reach_m + separation.horizontal_m
    if math.dist(a.core.origin_m, b.core.origin_m) > reach:
        # The chord is shorter than any way over the ground.
        return False
    return come_within(a.core, b.core, separation.horizontal_m)


def find_overlap(a: Solid, b: Solid, separation: Separation = _NONE) -> Overlap | None:
    """Find the piece that two volumes share, or None when they do not conflict.

    The piece is that of both volumes grown by half of the separation in each dimension, so it exists
    whenever :func:`overlaps` says so; its depths are the metres and seconds by which the separation is
    missed.

    Args:
        a: one volume, prepared.
        b: the other.
        separation: as in :func:`overlaps`.

    Returns:
        Where, when and by how much; heights in the volumes' own datum if they share it, else WGS84.
    """
    if not overlaps(a, b, separation):
        return None
    margin_ms = round(separation.time_s * 1000)
    start = max(a.volume.start_ms, b.volume.start_ms) - margin_ms // 2
    end = min(a.volume.end_ms, b.volume.end_ms) + (margin_ms - margin_ms // 2)
    band = _shared_band(a, b, separation)
    ground = shared_ground(a.core, b.core, separation.horizontal_m)
    return Overlap(
        start_ms=start,
        end_ms=end,
        lower_m=band.lower_m,
        upper_m=band.upper_m,
        datum=band.datum,
        horizontal_depth_m=ground.depth_m,
        vertical_depth_m=band.upper_m - band.lower_m,
        time_depth_s=(end - start) / 1000,
        place=ground.place,
        outline=ground.outline,
    )


def _shared_band(a: Solid, b: Solid, separation: Separation) -> _Band:
    """Intersect the altitude bands, each grown by half the separation; empty if upper is not above lower."""
    half = separation.vertical_m / 2
    own = a.volume.datum is b.volume.datum
    if own and not (a.volume.datum is Datum.AGL and separation.horizontal_m > 0):
        lower = max(a.volume.lower_m, b.volume.lower_m)
        upper = min(a.volume.upper_m, b.volume.upper_m)
        return _Band(lower - half, upper + half, a.volume.datum)
    # Heights above ground of places that are apart say nothing about each other: the ellipsoid does.
    lower = max(a.band_m[0], b.band_m[0])
    upper = min(a.band_m[1], b.band_m[1])
    return _Band(lower - half, upper + half, Datum.WGS84)
