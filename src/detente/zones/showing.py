"""Zones as a stream of events shows them."""

from collections.abc import Sequence

from detente.store import Pool
from detente.zones import store
from detente.zones.views import encode, view

MAX_EVENT_BYTES = 65_536
"""A zone that is said in more is shown without its volumes: whoever needs them asks for it by its id."""


async def shown_zones(pool: Pool, zone_ids: Sequence[str]) -> dict[str, bytes]:
    """The zones that stand, as JSON of a ZoneView by id; those that were withdrawn are left out.

    Args:
        pool: database connections.
        zone_ids: of the zones that changed.
    """
    rows = await store.changed(pool, zone_ids, MAX_EVENT_BYTES)
    return {zone_id: encode(view(row)) for zone_id, row in rows.items()}
