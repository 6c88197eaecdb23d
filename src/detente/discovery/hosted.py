"""Plans and zones whose details are kept here, as they are told to managers elsewhere."""

from collections.abc import Callable

from msgspec import Struct

from detente.discovery import store
from detente.discovery.model import Reference, ZoneReference
from detente.errors import NotFound
from detente.plans.model import PlanBody, Sharing
from detente.plans.views import decode_body
from detente.store import Pool
from detente.zones.model import ZoneBody
from detente.zones.views import decode_zone


class HostedPlan(Struct, frozen=True):
    """A plan with its details."""

    reference: Reference
    body: PlanBody


class HostedPlans:
    """The reading side.

    Args:
        pool: database connections.
        now_ms: the present.
        hides: whether plans that share conflicts only are told to those alone whose write met them. A node
            cannot: its references stand at the exchange for all to find, and nobody may plan near them
            without the details.
    """

    def __init__(self, pool: Pool, now_ms: Callable[[], int], *, hides: bool = True) -> None:
        self._pool = pool
        self._hides = hides
        self._now_ms = now_ms

    async def find(self, plan_id: str) -> HostedPlan | None:
        """A plan in force whose details are kept here."""
        found = await store.find_hosted(self._pool, plan_id)
        return None if found is None else HostedPlan(found[0], decode_body(found[1]))

    async def tell(self, plan_id: str, viewer: str) -> HostedPlan:
        """The same for a party that asks.

        A plan that shares conflicts only is told to its own party, and for an hour to one whose write met it.

        Raises:
            NotFound: there is none, or none that the party may see; the answer is the same.
        """
        found = await self.find(plan_id)
        if found is not None and await self._may_see(found.reference, viewer):
            return found
        raise NotFound(f"no details of a plan {plan_id} are kept here for you", plan_id=plan_id)

    async def _may_see(self, reference: Reference, viewer: str) -> bool:
        if not self._hides or viewer == reference.party_id or reference.sharing is not Sharing.CONFLICTS:
            return True
        return await store.was_shown(self._pool, reference.plan_id, viewer, self._now_ms())


class HostedZone(Struct, frozen=True):
    """A zone with its details."""

    reference: ZoneReference
    body: ZoneBody


async def find_hosted_zone(pool: Pool, zone_id: str) -> HostedZone | None:
    """A zone whose details are kept here; None if there is none."""
    found = await store.find_hosted_zone(pool, zone_id)
    return None if found is None else HostedZone(found[0], decode_zone(found[1]))
