"""What a party's own plans stand beside: plans that outrank them, or that they outrank or know."""

from collections.abc import Sequence

from detente.geo.index import Rows, reach_of, rows_of
from detente.plans import store
from detente.plans.conflicts import describe
from detente.plans.cursor import read_cursor, write_cursor
from detente.plans.model import Conflict, ConflictsPage, ConflictsQuery, PlanConflicts
from detente.plans.neighbourhood import MAX_CONFLICTS, Neighbourhood, Subject, aside
from detente.plans.rules import SeparationRules, Standing, widest_separation
from detente.plans.separations import Separations
from detente.plans.views import decode_body
from detente.plans.volumes import require_in_order, to_ms
from detente.store import Pool

MAX_EXAMINED = 5_000
"""Neighbours that one page examines, beyond those of its last plan; and the most of one plan."""
MAX_PLANS = 500
"""Own plans that one page looks at."""
MAX_TOLD = 1_000
"""Conflicts beyond which a page ends."""
_BATCH = 50


class Beside:
    """Examines own plans that stand.

    Args:
        pool: database connections.
        neighbourhood: exact examination.
        separations: how far parties keep apart.
    """

    def __init__(self, pool: Pool, neighbourhood: Neighbourhood, separations: Separations) -> None:
        self._pool = pool
        self._neighbourhood = neighbourhood
        self._separations = separations

    async def rules(self) -> SeparationRules:
        """How far parties keep apart now."""
        return (await self._separations.now()).rules

    def search(self, row: store.PlanRow, rules: SeparationRules) -> Rows:
        """Where the neighbours of a plan are looked for."""
        solids = self._neighbourhood.solids_of(row.ovn, row.body)
        return rows_of(solids, reach_of(widest_separation(rules, row.party_id)))

    async def conflicts(
        self, row: store.PlanRow, near: Sequence[store.NeighbourRow], rules: SeparationRules
    ) -> tuple[Conflict, ...]:
        """What a plan stands beside, as its owner may know it; at most ``MAX_CONFLICTS``.

        Args:
            row: the plan.
            near: what the index found near it.
            rules: how far parties keep apart.
        """
        standing = Standing(row.plan_id, row.ovn, row.party_id, row.state, row.priority)
        solids = self._neighbourhood.solids_of(row.ovn, row.body)
        subject = Subject(standing, solids, decode_body(row.body).own_plans)
        size = subject.points * len(near)
        meetings = await aside(size, self._neighbourhood.meetings, subject, near, rules)
        return tuple(describe(m.pieces, m.neighbour, m.separation, row.party_id) for m in meetings)

    async def query(self, party_id: str, body: ConflictsQuery) -> ConflictsPage:
        """One page of a party's own plans that stand beside others.

        A page ends early when it has looked at so many plans, examined so many neighbours or told so many
        conflicts that a request is long enough; ``next`` goes on from there.

        Raises:
            BadInput: a time or a cursor that cannot be used.
        """
        require_in_order(body.start, body.end)
        rules = await self.rules()
        after = read_cursor(body.cursor)
        found: list[PlanConflicts] = []
        looked = examined = told = 0
        while True:
            batch = await store.own_page(self._pool, _filter(party_id, body, after))
            for row in batch:
                found_near = await store.neighbours(self._pool, self.search(row, rules), MAX_EXAMINED + 1)
                near = await self._neighbourhood.complete(found_near, is_strict=False)
                conflicts = await self.conflicts(row, near[:MAX_EXAMINED], rules)
                if conflicts:
                    is_complete = len(near) <= MAX_EXAMINED and len(conflicts) < MAX_CONFLICTS
                    found.append(PlanConflicts(row.plan_id, row.version, conflicts, is_complete))
                after = (row.start_ms, row.plan_id)
                looked, examined, told = looked + 1, examined + len(near), told + len(conflicts)
                is_enough = len(found) == body.limit or examined > MAX_EXAMINED or told > MAX_TOLD
                if is_enough or looked == MAX_PLANS:
                    return ConflictsPage(tuple(found), write_cursor(*after))
            if len(batch) < _BATCH:
                return ConflictsPage(tuple(found), None)


def _filter(party_id: str, body: ConflictsQuery, after: tuple[int, str]) -> store.PageFilter:
    return store.PageFilter(
        viewer=party_id,
        party_id=party_id,
        states=body.states,
        start_ms=None if body.start is None else to_ms(body.start),
        end_ms=None if body.end is None else to_ms(body.end),
        after_start_ms=after[0],
        after_plan_id=after[1],
        limit=_BATCH,
    )
