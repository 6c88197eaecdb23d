"""Where a plan is written once it was decided: in this database, or first at the exchange of a node."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from detente.plans import store
from detente.plans.model import PlanState, PlanVolume, WaysOutLimits
from detente.plans.store import Answer, Connection, Write, try_write, write, write_within
from detente.store import Pool

__all__ = [
    "Answer",
    "Attempt",
    "Connection",
    "Write",
    "Writer",
    "WritesHere",
    "try_write",
    "write",
    "write_within",
]


class Attempt(Protocol):
    """One act on its way to being written."""

    async def write(
        self, act: store.Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
    ) -> store.Answer:
        """Write, or say what must be examined first; as ``store.write``.

        Raises:
            Unavailable: nothing was written, or the same request repeated tells whether it was.
        """
        ...


class Writer(Protocol):
    """Where plans are written; the application hands it in."""

    def new_ovn(self, plan_id: str) -> str:
        """A fresh OVN for a plan."""
        ...

    async def attempt(self, plan_id: str, volumes: Sequence[PlanVolume], state: PlanState) -> Attempt:
        """Begin an act, once everything that could be in its way is known here.

        Args:
            plan_id: the plan.
            volumes: where it will be.
            state: the state that it will be in.

        Raises:
            Unavailable: somebody who must be asked does not answer.
        """
        ...

    async def look_around(self, volumes: Sequence[PlanVolume], limits: WaysOutLimits | None) -> None:
        """Learn what is near before a question is answered.

        Args:
            volumes: what is asked about.
            limits: how far beyond them ways out will be looked for; None: no further.

        Raises:
            Unavailable: somebody who must be asked does not answer.
        """
        ...


class WritesHere:
    """Plans are written in this database, which knows all there is to know.

    Args:
        pool: database connections.
        new_ovn: a fresh unguessable OVN.
    """

    def __init__(self, pool: Pool, new_ovn: Callable[[], str]) -> None:
        self._pool = pool
        self._new_ovn = new_ovn

    def new_ovn(self, plan_id: str) -> str:
        """A fresh OVN, whatever the plan."""
        del plan_id
        return self._new_ovn()

    async def attempt(self, plan_id: str, volumes: Sequence[PlanVolume], state: PlanState) -> "WritesHere":
        """Nothing has to be learnt first."""
        del plan_id, volumes, state
        return self

    async def write(
        self, act: store.Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
    ) -> store.Answer:
        """Write under the locks of this database."""
        return await store.write(self._pool, act, known, known_zones, epoch)

    async def look_around(self, volumes: Sequence[PlanVolume], limits: WaysOutLimits | None) -> None:
        """Nothing has to be learnt first."""
