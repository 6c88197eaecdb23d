"""What other rooms ask about parties, remembered for a few seconds."""

from collections.abc import Callable, Mapping

import asyncpg

from detente.errors import NotAllowed
from detente.parties import store
from detente.parties.model import Party
from detente.store import wrap_errors


class PartyDirectory:
    """All parties as of a few seconds ago. Whoever must know as of now asks within its own transaction.

    Args:
        pool: the database.
        clock_ms: the present, in ms since 1970.
        keep_s: how long an answer is believed.
        guests: priority limits of parties that may act without being registered.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        *,
        clock_ms: Callable[[], int],
        keep_s: int = 5,
        guests: Mapping[str, int] | None = None,
    ) -> None:
        self._pool = pool
        self._guests = guests or {}
        self._clock_ms = clock_ms
        self._keep_ms = keep_s * 1_000
        self._parties: dict[str, Party] = {}
        self._read_ms: int | None = None

    async def find(self, party_id: str) -> Party | None:
        """Look up a party; None if there is none.

        A party that is not known is looked up again, so that a new one can act at once.

        Args:
            party_id: as it came in.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        is_fresh = self._read_ms is not None and abs(self._clock_ms() - self._read_ms) < self._keep_ms
        if not is_fresh:
            await self._read()
        elif party_id not in self._parties and "\x00" not in party_id:
            with wrap_errors():
                found = await store.find_party(self._pool, party_id)
            if found is not None:
                self._parties[party_id] = found
        return self._parties.get(party_id)

    async def exists(self, party_id: str) -> bool:
        """Say whether there is such a party, suspended or not."""
        return await self.find(party_id) is not None

    async def priority_limit(self, party_id: str) -> int:
        """The highest priority that the party's plans may ask for, 0 to 100.

        Args:
            party_id: the party.

        Raises:
            NotAllowed: if there is no such party, or it is suspended: it may declare nothing.
        """
        found = await self.find(party_id)
        if found is None and party_id in self._guests:
            return self._guests[party_id]
        if found is None or found.is_suspended:
            raise NotAllowed("This party may not act here now", party_id=party_id[:100])
        return found.priority_limit

    @wrap_errors()
    async def _read(self) -> None:
        started_ms = self._clock_ms()
        parties = await store.list_parties(self._pool)
        self._parties = {party.party_id: party for party in parties}
        self._read_ms = started_ms
