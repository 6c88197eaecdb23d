"""Who manages a plan or a zone, by this exchange's own records."""

from detente.discovery import store
from detente.store import Pool


async def manager_of_plan(pool: Pool, plan_id: str) -> str | None:
    """The party that manages a plan in force; None: there is none here."""
    found = await store.find_reference(pool, plan_id)
    return None if found is None else found.party_id


async def manager_of_zone(pool: Pool, zone_id: str) -> str | None:
    """The party that manages a zone; None: there is none here."""
    found = await store.find_zone(pool, zone_id)
    return None if found is None else found.party_id
