"""Examines the plans that the index found near: which of them conflict, and which of those block."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from detente.geo import Solid, Terrain
from detente.geo.model import Overlap, Separation
from detente.plans.conflicts import Neighbour, SolidCache, describe, meet, pick
from detente.plans.elsewhere import Details, Elsewhere
from detente.plans.model import Conflict, OwnPlans, PlanVolume
from detente.plans.rules import SeparationRules, Standing, blocks, separation_between
from detente.plans.store import NeighbourRow
from detente.plans.views import decode_body
from detente.plans.volumes import prepare_all

MAX_CONFLICTS = 200
"""The most conflicts that one answer describes; a plan with so many is refused in any case."""
_ASIDE = 500
"""Outline points times neighbours beyond which an examination leaves the event loop to others."""

_Result = TypeVar("_Result")


async def aside(size: int, work: Callable[..., _Result], *values: object) -> _Result:
    """Do exact work here if it is small, else in a thread, so that other requests go on."""
    if size <= _ASIDE:
        return work(*values)
    return await asyncio.to_thread(work, *values)


class Subject(Struct, frozen=True):
    """The plan that is asked about."""

    standing: Standing
    solids: tuple[Solid, ...]
    own_plans: OwnPlans

    def is_me(self, other: Standing) -> bool:
        """Whether a stored plan is the one that is asked about; another party's never is, whatever its id."""
        mine = self.standing
        return (other.plan_id, other.party_id) == (mine.plan_id, mine.party_id)

    @property
    def points(self) -> int:
        """How many points the outlines have: what an exact examination costs."""
        return sum(len(solid.core.points_m) for solid in self.solids)


class Meeting(Struct, frozen=True):
    """A neighbour that conflicts, and the pieces that it shares."""

    neighbour: Neighbour
    separation: Separation
    pieces: list[Overlap]


class Examined(Struct, frozen=True):
    """What an examination found."""

    blocking: tuple[Meeting, ...]
    harmless: dict[str, str]
    """Plan id to the OVN at which it was found not to block."""
    is_complete: bool
    """False when the examination ended early because enough was found to refuse."""

    def conflicts_for(self, viewer: str) -> tuple[Conflict, ...]:
        """The blocking conflicts as one party may know them, first instant first."""
        conflicts = [describe(m.pieces, m.neighbour, m.separation, viewer) for m in self.blocking]
        return tuple(sorted(conflicts, key=lambda c: (c.start, c.party_id, c.plan_id or "")))


class Neighbourhood:
    """Exact examination; keeps prepared volumes of recent neighbours, which may be thrown away at any time.

    Args:
        terrain: heights of the ground, if configured.
        details: who asks managers elsewhere, if anybody does.
    """

    def __init__(self, terrain: Terrain | None = None, details: Details | None = None) -> None:
        self._terrain = terrain
        self._elsewhere = Elsewhere(details)
        self._cache = SolidCache()

    def prepare(self, volumes: Sequence[PlanVolume]) -> tuple[Solid, ...]:
        """Prepare the volumes of a plan that is asked about.

        Raises:
            BadInput: naming the volume and the field.
        """
        return prepare_all(volumes, terrain=self._terrain)

    def solids_of(self, ovn: str, body: bytes) -> tuple[Solid, ...]:
        """The prepared volumes of a stored plan."""
        return self._cache.get(ovn, lambda: self.prepare(decode_body(body).volumes))

    def neighbour(self, row: NeighbourRow) -> Neighbour:
        """A stored plan with the volumes that may meet."""
        solids = self.solids_of(row.solids_key, row.body)
        if row.volume_ixs is not None:
            solids = pick(solids, row.volume_ixs)
        return Neighbour(standing=row.standing, sharing=row.sharing, solids=solids)

    async def complete(self, rows: Sequence[NeighbourRow], *, is_strict: bool) -> list[NeighbourRow]:
        """Neighbours with what their managers elsewhere tell of them; see ``Elsewhere.complete``."""
        return await self._elsewhere.complete(rows, is_strict=is_strict)

    def meetings(
        self,
        subject: Subject,
        rows: Iterable[NeighbourRow],
        rules: SeparationRules,
        most: int = MAX_CONFLICTS,
    ) -> list[Meeting]:
        """The neighbours that conflict with the subject, whether or not they block; at most ``most``."""
        found: list[Meeting] = []
        for row in rows:
            if subject.is_me(row.standing):
                continue
            neighbour = self.neighbour(row)
            separation = separation_between(rules, subject.standing.party_id, row.standing.party_id)
            pieces = meet(subject.solids, neighbour.solids, separation)
            if pieces:
                found.append(Meeting(neighbour, separation, pieces))
            if len(found) == most:
                break
        return found

    async def examine(
        self,
        subject: Subject,
        rows: Sequence[NeighbourRow],
        rules: SeparationRules,
        *,
        knows: frozenset[str],
    ) -> Examined:
        """Part the neighbours into those that block and those that do not.

        Args:
            subject: the plan that is declared, changed or activated.
            rows: what the index found.
            rules: how far parties keep apart.
            knows: OVNs that are accepted knowingly.
        """
        may_block = [
            row
            for row in rows
            if blocks(subject.standing, row.standing, knows=knows, own_plans=subject.own_plans)
        ]
        blocking = tuple(
            await aside(subject.points * len(may_block), self.meetings, subject, may_block, rules)
        )
        blocked_by = {meeting.neighbour.standing.plan_id for meeting in blocking}
        harmless = {
            row.standing.plan_id: row.standing.ovn for row in rows if row.standing.plan_id not in blocked_by
        }
        return Examined(blocking=blocking, harmless=harmless, is_complete=len(blocking) < MAX_CONFLICTS)
