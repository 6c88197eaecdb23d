"""Answers whether there are zones where and when a harness asks, from the references that are known."""

from collections.abc import Sequence

from detente.astm.geospatial_map import wire
from detente.astm.geospatial_map.reading import UnknownFilter, Wanted, read_filters
from detente.discovery.model import Area
from detente.discovery.zone_extents import ZoneExtent, ZoneExtents, solid_in_bounds
from detente.errors import BadInput
from detente.geo import overlaps
from detente.geo.model import Separation

_NO_SEPARATION = Separation()


class GeospatialMap:
    """The verbs of the geospatial map interface.

    Args:
        zones: finds zones.
    """

    def __init__(self, zones: ZoneExtents) -> None:
        self._zones = zones

    async def check(self, check: wire.GeospatialMapCheck, field: str) -> wire.GeospatialMapCheckResult:
        """Say whether a zone fits any of the sets of filters.

        Args:
            check: as decoded.
            field: its path in the request, for messages.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        unknown: UnknownFilter | None = None
        for i, filters in enumerate(check.filter_sets):
            at = f"{field}.filter_sets[{i}]"
            try:
                wanted = read_filters(filters, at)
                if isinstance(wanted, UnknownFilter):
                    unknown = wanted
                elif await self._is_there(wanted, at):
                    return wire.GeospatialMapCheckResult("Present")
            except BadInput as refusal:
                return wire.GeospatialMapCheckResult("Error", refusal.detail)
        if unknown is not None:
            return wire.GeospatialMapCheckResult("UnsupportedFilter", unknown.why)
        return wire.GeospatialMapCheckResult("Absent")

    async def _is_there(self, wanted: Wanted, field: str) -> bool:
        if not wanted.areas:
            return any(_fits(zone, wanted, field) for zone in await self._zones.everywhere())
        for area in wanted.areas[0]:
            if any(_fits(zone, wanted, field) for zone in await self._zones.near(area, field)):
                return True
        return False


def _fits(zone: ZoneExtent, wanted: Wanted, field: str) -> bool:
    """Whether a zone meets one area of each filter, at a time that is asked for."""
    return _is_timely(zone, wanted.times) and all(_meets(zone, areas, field) for areas in wanted.areas)


def _meets(zone: ZoneExtent, areas: Sequence[Area], field: str) -> bool:
    asked = [solid_in_bounds(area, field) for area in areas]
    bounds = [solid_in_bounds(area, "extents") for area in zone.extents]
    return any(overlaps(a, b, _NO_SEPARATION) for a in asked for b in bounds)


def _is_timely(zone: ZoneExtent, times: Area | None) -> bool:
    if times is None:
        return True
    ends = [one.end for one in zone.extents]
    starts = [one.start for one in zone.extents]
    is_late = times.start is None or any(end is None or end >= times.start for end in ends)
    is_early = times.end is None or any(start is None or start <= times.end for start in starts)
    return is_late and is_early
