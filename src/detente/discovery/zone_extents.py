"""Where the zones are of which this exchange has references: their extents, as their managers gave them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from detente.discovery.areas import rows_of_area
from detente.discovery.model import Area, ZoneBody
from detente.geo import Solid, prepare
from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M
from detente.geo.model import Volume
from detente.plans.cursor import FAR_MS
from detente.plans.volumes import to_ms
from detente.store import Pool, load_queries, wrap_errors

_SQL = load_queries("detente.discovery", "zone_extent_queries.sql")
_BODY = msgspec.json.Decoder(ZoneBody)
MAX_ZONES = 5_000
"""The most zones that one question looks at."""


class ZoneExtent(Struct, frozen=True):
    """A zone and what bounds it; its rules are with its manager."""

    zone_id: str
    party_id: str
    extents: tuple[Area, ...]


class ZoneExtents:
    """Finds zones.

    Args:
        pool: database connections.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def near(self, area: Area, field: str) -> list[ZoneExtent]:
        """Zones that may meet an area: a superset, never a miss.

        Args:
            area: where and when.
            field: its name, for messages.

        Raises:
            BadInput: a shape that cannot be used.
        """
        packed = rows_of_area(area, field).packed
        with wrap_errors():
            return _zones(await self._pool.fetch(_SQL["extents_in"], packed, MAX_ZONES))

    async def everywhere(self) -> list[ZoneExtent]:
        """All zones, earliest first."""
        with wrap_errors():
            return _zones(await self._pool.fetch(_SQL["all_extents"], MAX_ZONES))


def solid_in_bounds(area: Area, field: str) -> Solid:
    """An area as a solid; where it has no end it reaches as far as anything does.

    Raises:
        BadInput: a shape that cannot be used.
    """
    volume = Volume(
        area.shape,
        MIN_ALTITUDE_M if area.lower_m is None else area.lower_m,
        MAX_ALTITUDE_M if area.upper_m is None else area.upper_m,
        -FAR_MS if area.start is None else to_ms(area.start),
        FAR_MS if area.end is None else to_ms(area.end),
    )
    return prepare(volume, field=field)


def _zones(rows: Sequence[Mapping[str, Any]]) -> list[ZoneExtent]:
    return [
        ZoneExtent(str(row["zone_id"]), row["party_id"], _BODY.decode(row["body"]).extents) for row in rows
    ]
