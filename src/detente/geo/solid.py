"""A volume made ready to be compared: checked once, then used many times, by any number of threads."""

import math
from typing import Any

from msgspec import Struct

from detente.errors import BadInput
from detente.geo.core import Core, make_core
from detente.geo.heights import check_altitudes, ellipsoid_band_m
from detente.geo.limits import MAX_INSTANT_MS
from detente.geo.model import LatLon, Volume
from detente.geo.terrain import Terrain


class Solid(Struct, frozen=True):
    """A checked volume, its ground core and its band above the ellipsoid. Made by :func:`prepare`."""

    volume: Volume
    core: Core
    band_m: tuple[float, float]
    """Metres above the ellipsoid, a superset: what is compared with volumes of another datum."""
    lower_m: int
    """The band rounded down: for an index."""
    upper_m: int
    """The band rounded up."""
    reach_m: float
    """Bounding radius: no point of the ground shape is farther from ``center``."""

    @property
    def start_ms(self) -> int:
        """First instant."""
        return self.volume.start_ms

    @property
    def end_ms(self) -> int:
        """The instant it ends."""
        return self.volume.end_ms

    @property
    def center(self) -> LatLon:
        """Centre of the bounding circle."""
        return self.core.center

    @property
    def radius_m(self) -> float:
        """Metres by which the core is grown: a circle's radius, half a corridor's width, 0 for a polygon."""
        return self.core.radius_m

    @property
    def flat(self) -> Any:  # noqa: ANN401 - shapely's geometries have no common typed base worth naming
        """The core as a shapely geometry in the frame at ``center``."""
        return self.core.flat


def prepare(volume: Volume, *, terrain: Terrain | None = None, field: str = "volume") -> Solid:
    """Validate a volume and make it ready to be compared.

    Args:
        volume: the volume as declared.
        terrain: ground heights, for altitudes above ground.
        field: the volume's path in the request, for messages.

    Returns:
        An immutable solid; nothing in it changes later, so it may be cached and shared.

    Raises:
        BadInput: a number that is none or out of range, no height, no duration.
        InvalidShape: a shape without a defined inside; ``fault`` names why.
        TooLarge: over a limit of ``limits.py``.
        UnsupportedDatum: above ground where the ground is not known.
    """
    _check_times(volume, field)
    check_altitudes(volume, field)
    core = make_core(volume.shape, f"{field}.shape")
    band = ellipsoid_band_m(volume, core, terrain, field)
    reach = core.extent_m + core.radius_m
    return Solid(volume, core, band, math.floor(band[0]), math.ceil(band[1]), reach)


def _check_times(volume: Volume, field: str) -> None:
    for name in ("start_ms", "end_ms"):
        value = getattr(volume, name)
        if not isinstance(value, int) or abs(value) > MAX_INSTANT_MS:
            raise BadInput(
                f"{field}.{name} is {value}; expected whole milliseconds before the year 10000",
                field=f"{field}.{name}",
                expected=f"an integer within {MAX_INSTANT_MS} of 1970",
                actual=str(value),
            )
    if volume.end_ms <= volume.start_ms:
        fault = "zero-duration" if volume.end_ms == volume.start_ms else "times-reversed"
        raise BadInput(
            f"{field}.end_ms is {volume.end_ms}, not after start_ms {volume.start_ms}: {fault}",
            field=f"{field}.end_ms",
            fault=fault,
            expected="an instant after start_ms",
            actual=volume.end_ms,
        )
