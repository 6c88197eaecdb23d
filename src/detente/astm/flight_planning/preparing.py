"""Makes ready what a harness' user needs: the party must be one that may claim every priority."""

from collections.abc import Callable

import msgspec

from detente.errors import AlreadyExists, BadInput, Unavailable
from detente.parties.model import EXCHANGE_PARTY, LOCAL_ACCOUNT, MAX_PRIORITY_LIMIT, Act, PartyBody
from detente.parties.service import PartiesService


class Preparation:
    """Adds the party that a server speaks for, once, where it is not there. One that is there stays as it is.

    A party whose name has not the form of one that is registered here acts as a guest (``PartyDirectory``).

    Args:
        parties: adds parties.
        party: its id.
        now_ms: the clock, ms since 1970-01-01 UTC.
    """

    def __init__(self, parties: PartiesService, party: str, now_ms: Callable[[], int]) -> None:
        self._parties = parties
        self._party = party
        self._now_ms = now_ms
        self._is_done = False

    async def __call__(self) -> bool:
        """Answer whether all is ready."""
        if not self._is_done:
            body = PartyBody(name=self._party, priority_limit=MAX_PRIORITY_LIMIT)
            act = Act(EXCHANGE_PARTY, LOCAL_ACCOUNT, None, self._now_ms(), msgspec.json.encode(body))
            try:
                await self._parties.add_party(self._party, body, act)
            except (AlreadyExists, BadInput):
                self._is_done = True  # a name that nobody registered here can have belongs to a guest
            except Unavailable:
                return False
            self._is_done = True
        return True
