"""The filters of a check as areas of ours, or why one cannot be used here."""

from msgspec import Struct

from detente.astm.f3548.volumes import to_area
from detente.astm.f3548.wire import Altitude as StandardAltitude
from detente.astm.f3548.wire import Volume3D as StandardVolume3D
from detente.astm.f3548.wire import Volume4D as StandardVolume4D
from detente.astm.geospatial_map import wire
from detente.discovery.model import Area
from detente.errors import UnsupportedDatum
from detente.geo.model import Circle, LatLon

_POINT_M = 0.01
"""A position is looked for as the smallest circle that is surely found."""
_FOOT_M = 0.3048
_NOT_HERE = ("restriction_source", "operation_rule_set", "resulting_operational_impact", "ed269")
"""Filters by what only the details of a zone say, which its manager keeps."""


class UnknownFilter(Struct, frozen=True):
    """A filter that cannot be applied here, and why."""

    why: str


class Wanted(Struct, frozen=True):
    """What one set of filters looks for."""

    areas: tuple[tuple[Area, ...], ...]
    """A zone must meet one area of each; nothing narrows where this is empty."""
    times: Area | None
    """Of which only the times count: instants that a zone must reach."""


def read_filters(filters: wire.GeospatialFeatureFilterSet, field: str) -> Wanted | UnknownFilter:
    """Read one set of filters.

    Args:
        filters: as decoded.
        field: its path in the request, for messages.

    Raises:
        BadInput: a volume or a position that means nothing.
    """
    unknown = [name for name in _NOT_HERE if getattr(filters, name) is not None]
    if unknown:
        return UnknownFilter(
            f"{field}.{unknown[0]}: only references of zones are known here, not their rules"
        )
    areas: list[tuple[Area, ...]] = []
    try:
        if filters.position is not None:
            areas.append((_position(filters.position, f"{field}.position"),))
        if filters.volumes4d is not None:
            areas.append(
                tuple(
                    to_area(_standard(one, f"{field}.volumes4d[{i}]"), f"{field}.volumes4d[{i}]")
                    for i, one in enumerate(filters.volumes4d)
                )
            )
    except UnsupportedDatum as refusal:
        return UnknownFilter(refusal.detail)
    times = None
    if filters.after is not None or filters.before is not None:
        anywhere = Circle(LatLon(0.0, 0.0), 1.0)
        times = Area(anywhere, start=filters.after, end=filters.before)
    return Wanted(tuple(areas), times)


def _position(position: wire.Position, field: str) -> Area:
    at = position.location
    altitude = _altitude(position.altitude, f"{field}.altitude")
    height_m = None if altitude is None else altitude.value
    return Area(
        Circle(LatLon(at.lat, at.lng), _POINT_M),
        None if height_m is None else height_m - _POINT_M,
        None if height_m is None else height_m + _POINT_M,
    )


def _standard(volume: wire.Volume4D, field: str) -> StandardVolume4D:
    space = volume.volume
    return StandardVolume4D(
        volume=StandardVolume3D(
            outline_circle=space.outline_circle,
            outline_polygon=space.outline_polygon,
            altitude_lower=_altitude(space.altitude_lower, f"{field}.volume.altitude_lower"),
            altitude_upper=_altitude(space.altitude_upper, f"{field}.volume.altitude_upper"),
        ),
        time_start=volume.time_start,
        time_end=volume.time_end,
    )


def _altitude(altitude: wire.Altitude | None, field: str) -> StandardAltitude | None:
    if altitude is None:
        return None
    if altitude.reference != "W84":
        raise UnsupportedDatum(
            f"{field}.reference is {altitude.reference}; expected W84",
            field=f"{field}.reference",
            expected="W84",
            actual=altitude.reference,
        )
    metres = altitude.value * (_FOOT_M if altitude.units == "FT" else 1.0)
    return StandardAltitude(metres, "W84", "M")
