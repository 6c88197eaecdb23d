"""Availability of parties' own servers, and reports of communication problems between them."""

from collections.abc import Callable

from detente.discovery import store
from detente.discovery.acts import Act
from detente.discovery.model import Availability, AvailabilityNow
from detente.errors import Refused
from detente.store import Pool


class Arbitration:
    """The verbs.

    Args:
        pool: database connections.
        new_id: a fresh UUID: a report's name.
        new_version: a fresh opaque version.
    """

    def __init__(self, pool: Pool, *, new_id: Callable[[], str], new_version: Callable[[], str]) -> None:
        self._pool = pool
        self._new_id = new_id
        self._new_version = new_version

    async def availability(self, party_id: str) -> AvailabilityNow:
        """Whether a party's own server is reachable; unknown for a party that nobody spoke of."""
        return await store.find_availability(self._pool, party_id)

    async def set_availability(
        self, act: Act, party_id: str, availability: Availability, old_version: str
    ) -> AvailabilityNow:
        """Say whether it is.

        Raises:
            Refused: another version than the one named stands.
        """
        now = AvailabilityNow(party_id, availability, self._new_version())
        if not await store.set_availability(self._pool, act, now, old_version):
            raise Refused(
                "the availability stands at another version than the one named", field="old_version"
            )
        return now

    async def report(self, act: Act) -> str:
        """Keep a report; answers its name."""
        report_id = self._new_id()
        await store.queue_report(self._pool, act, report_id)
        return report_id
