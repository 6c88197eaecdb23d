"""Plans whose details their own managers keep: what is asked of them before a plan is declared beside them.

Rule 1: what a manager that is down has only accepted blocks nothing; whatever else it has blocks everything,
    as far as its extents reach. Nobody is asked. Source: F3548-21, SCD0005 and SCD0010.
Rule 2: otherwise the details decide, at the version that stands; without them nothing is declared.
Rule 3: an exchange that speaks to no peers goes by the extents.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from detente.errors import PeerUnavailable
from detente.plans.model import PlanState
from detente.plans.store import NeighbourRow

LOWEST, HIGHEST = -(2**62), 2**62
"""Priorities below and above every other."""
_AT_ONCE = 8


class PlanDetails(Struct, frozen=True):
    """What a manager told of its plan at one version."""

    priority: int
    body: bytes
    """A PlanBody as JSON: where the plan is, and where it may be if it is off-nominal."""


class Details(Protocol):
    """Who asks managers elsewhere; the application hands it in."""

    async def remembered(self, wanted: Mapping[str, str]) -> Mapping[str, PlanDetails]:
        """The details that are known already, by plan id.

        Args:
            wanted: plan id to the OVN at which it stands.
        """
        ...

    async def ask(self, plan_id: str, ovn: str, uss_base_url: str) -> PlanDetails:
        """The details of a plan at an OVN, asked of its manager.

        Raises:
            PeerUnavailable: it does not answer, or not with these.
        """
        ...


class Elsewhere:
    """Completes neighbours with what their managers tell.

    Args:
        details: who asks; None: nobody is asked (rule 3).
    """

    def __init__(self, details: Details | None) -> None:
        self._details = details

    async def complete(self, rows: Sequence[NeighbourRow], *, is_strict: bool) -> list[NeighbourRow]:
        """The same neighbours, those elsewhere with their details.

        Args:
            rows: as the index found them.
            is_strict: whether managers are asked for what is not known, and one that does not answer is an
                error; else the extents of a plan stand for it.

        Raises:
            PeerUnavailable: naming the manager.
        """
        if not any(row.is_elsewhere for row in rows):
            return list(rows)
        wanted = {row.standing.plan_id: row.standing.ovn for row in rows if self._is_told(row)}
        told = dict(await self._details.remembered(wanted)) if self._details and wanted else {}
        if is_strict:
            unknown = [row for row in rows if row.standing.plan_id in wanted.keys() - told.keys()]
            told |= await self._asked(unknown)
        return [_completed(row, told.get(row.standing.plan_id)) for row in rows]

    def _is_told(self, row: NeighbourRow) -> bool:
        return row.is_elsewhere and not row.is_down and self._details is not None

    async def _asked(self, rows: Sequence[NeighbourRow]) -> dict[str, PlanDetails]:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def ask(row: NeighbourRow) -> tuple[str, PlanDetails]:
            if self._details is None or row.uss_base_url is None:
                raise PeerUnavailable("a plan elsewhere has no address", why="no address")
            async with at_once:
                one = row.standing
                return one.plan_id, await self._details.ask(one.plan_id, one.ovn, row.uss_base_url)

        return dict(await asyncio.gather(*(ask(row) for row in rows)))


def _completed(row: NeighbourRow, told: PlanDetails | None) -> NeighbourRow:
    if not row.is_elsewhere:
        return row
    standing = row.standing
    if row.is_down:
        priority = LOWEST if standing.state is PlanState.ACCEPTED else HIGHEST
        return replace(row, standing=replace(standing, priority=priority), volume_ixs=None)
    if told is None:
        return replace(row, volume_ixs=None)
    standing = replace(standing, priority=told.priority)
    return replace(row, standing=standing, volume_ixs=None, body=told.body, has_details=True)
