"""Which plans in force a plan meets, with their OVNs, whatever their owners share.

For the program itself: a server that acts for a party names them in ``knows``, or tells its user that there
is a conflict. It never is an answer to a party; those are in ``questions.py``.
"""

from collections.abc import Sequence

from msgspec import Struct

from detente.geo import Solid
from detente.geo.index import Rows, reach_of, rows_of
from detente.plans import store
from detente.plans.model import OwnPlans, PlanBody, PlanState, Sharing
from detente.plans.neighbourhood import MAX_CONFLICTS, Neighbourhood, Subject, aside
from detente.plans.rules import SeparationRules, Standing, widest_separation
from detente.plans.separations import Separations
from detente.plans.views import decode_body
from detente.store import Pool

_MAX_NEAR = 5_000


class Met(Struct, frozen=True):
    """A plan in force that meets another: where it stands, and what its owner shows of it."""

    standing: Standing
    sharing: Sharing


class Encounter(Struct, frozen=True):
    """A plan in force and those that it meets."""

    standing: Standing
    met: tuple[Met, ...]

    def ovns(self) -> frozenset[str]:
        """What the plan would name in ``knows`` to stand beside all of them."""
        return frozenset(one.standing.ovn for one in self.met)


class MetPlans:
    """Finds what plans meet.

    Args:
        pool: database connections.
        neighbourhood: exact examination.
        separations: how far parties keep apart.
    """

    def __init__(self, pool: Pool, neighbourhood: Neighbourhood, separations: Separations) -> None:
        self._pool = pool
        self._neighbourhood = neighbourhood
        self._separations = separations

    async def of_plan(self, plan_id: str, *, is_strict: bool = False) -> Encounter | None:
        """What a plan meets; of its own party's only if it is checked against those.

        Args:
            plan_id: the plan.
            is_strict: whether managers elsewhere are asked for details that they have not told yet; else
                the extents of their plans stand for them.

        Returns:
            None if there is no such plan in force.

        Raises:
            PeerUnavailable: a manager does not tell, and is asked.
        """
        row = await store.find(self._pool, plan_id)
        if row is None or row.state is PlanState.ENDED:
            return None
        standing = Standing(row.plan_id, row.ovn, row.party_id, row.state, row.priority)
        solids = self._neighbourhood.solids_of(row.ovn, row.body)
        subject = Subject(standing, solids, decode_body(row.body).own_plans)
        return Encounter(standing, await self._met(subject, is_strict=is_strict))

    async def of_body(self, standing: Standing, body: PlanBody, *, is_strict: bool) -> Encounter:
        """What a plan would meet if it were so.

        Args:
            standing: where it would stand; a stored plan of its id and party is not met.
            body: what would be declared.
            is_strict: whether managers elsewhere are asked for details that they have not told yet.

        Raises:
            BadInput: a volume that cannot be used.
            PeerUnavailable: a manager does not tell, and is asked.
        """
        subject = Subject(standing, self._neighbourhood.prepare(body.volumes), body.own_plans)
        return Encounter(standing, await self._met(subject, is_strict=is_strict))

    async def near(self, plan_id: str, party_id: str) -> tuple[str, ...]:
        """The ids of a party's plans in force that the index finds near a plan in force, itself left out."""
        row = await store.find(self._pool, plan_id)
        if row is None or row.state is PlanState.ENDED:
            return ()
        rules = (await self._separations.now()).rules
        search = self._search(self._neighbourhood.solids_of(row.ovn, row.body), row.party_id, rules)
        found = await store.neighbours(self._pool, search, _MAX_NEAR)
        ids = (one.standing.plan_id for one in found if one.standing.party_id == party_id)
        return tuple(one for one in ids if one != plan_id)

    async def _met(self, subject: Subject, *, is_strict: bool) -> tuple[Met, ...]:
        rules = (await self._separations.now()).rules
        party_id = subject.standing.party_id
        found = await store.neighbours(self._pool, self._search(subject.solids, party_id, rules), _MAX_NEAR)
        if subject.own_plans is OwnPlans.IGNORE:
            found = [one for one in found if one.standing.party_id != party_id]
        near = await self._neighbourhood.complete(found, is_strict=is_strict)
        meetings = await aside(
            subject.points * len(near), self._neighbourhood.meetings, subject, near, rules, MAX_CONFLICTS
        )
        return tuple(Met(one.neighbour.standing, one.neighbour.sharing) for one in meetings)

    def _search(self, solids: Sequence[Solid], party_id: str, rules: SeparationRules) -> Rows:
        return rows_of(solids, reach_of(widest_separation(rules, party_id)))
