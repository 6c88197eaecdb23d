"""All that makes a server a node, put together."""

from collections.abc import Callable

from detente.astm.f3548.wire import OperationalIntentReference
from detente.astm.node.exchange import Exchange
from detente.astm.node.mirror import Around, Mirror
from detente.astm.node.settling import Settling
from detente.astm.node.writing import NodeWriter
from detente.astm.peering import Peering
from detente.discovery.peer_details import Told
from detente.store import Pool


class Node:
    """A party's own server beside an exchange.

    Args:
        pool: database connections.
        peering: speaks to the exchange and to managers.
        exchange_url: where references are.
        around: who this node is.
        now_ms: the present.
    """

    def __init__(
        self, pool: Pool, peering: Peering, exchange_url: str, around: Around, now_ms: Callable[[], int]
    ) -> None:
        exchange = Exchange(exchange_url.rstrip("/"), peering.exchange_client())
        self._mirror = Mirror(pool, exchange, peering.plans, around, now_ms)
        self._settling = Settling(pool, exchange, self._mirror, around.own_url, now_ms)
        self.writer = NodeWriter(pool, exchange, self._mirror, self._settling, now_ms)

    async def keep_settling(self) -> None:
        """Settle what is under way and tell the exchange what it does not know, until cancelled."""
        await self._settling.keep_settling()

    async def told(self, reference: OperationalIntentReference, told: Told) -> None:
        """A manager told of its plan."""
        await self._mirror.told(reference, told)

    async def ended(self, plan_id: str) -> None:
        """A manager told that its plan is no more."""
        await self._mirror.ended(plan_id)
