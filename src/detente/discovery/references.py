"""The verbs on references of plans that other parties' servers keep.

A reference is written when the OVN of everything that it meets, found under the lock, is in its key. Plans
that share conflicts only are compared exactly first: one that does not meet the reference is not named.
"""

from collections.abc import Callable, Sequence

import msgspec

from detente.discovery import store
from detente.discovery.acts import Act
from detente.discovery.model import Reference, ReferenceBody, WrittenReference
from detente.discovery.rules import chosen_ovn, require_new, require_subscription
from detente.discovery.store import Answer, Missing, ReferenceWrite
from detente.errors import (
    AlreadyExists,
    BadInput,
    DetenteError,
    ForbiddenTransition,
    MissingKeys,
    NotAllowed,
    NotFound,
    PartyDown,
    StaleVersion,
    Unavailable,
)
from detente.geo import Solid, overlaps
from detente.geo.index import Reach, Rows, no_rows, rows_of, touched_rows_of
from detente.geo.model import Separation
from detente.plans.locks import seed_locks
from detente.plans.model import PlanBody
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.volumes import require_not_over, to_ms
from detente.store import Pool

SHOWN_MS = 3_600_000
"""How long a party may ask for the details of a plan that shares conflicts only, after its write met it."""
MAX_FOUND = 10_000
"""The most references that one answer holds."""
_MAX_ROUNDS = 40
_encode = msgspec.json.Encoder().encode


class References:
    """The writing side of discovery, for plans.

    Args:
        pool: database connections.
        neighbourhood: prepares volumes; keeps those of recent neighbours.
        new_ovn: a fresh unguessable OVN.
        new_id: a fresh UUID of version 4.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        neighbourhood: Neighbourhood,
        new_ovn: Callable[[], str],
        new_id: Callable[[], str],
    ) -> None:
        self._pool = pool
        self._neighbourhood = neighbourhood
        self._new_ovn = new_ovn
        self._new_id = new_id

    async def write(
        self, act: Act, plan_id: str, body: ReferenceBody, expected: str | None
    ) -> WrittenReference:
        """Make a reference, or change the caller's own.

        Args:
            act: who, when, and the words.
            plan_id: in canonical form.
            body: extents, state and key.
            expected: the OVN that a change names; None makes a new one.

        Raises:
            BadInput: extents or a subscription that cannot be used.
            MissingKeys: with the references of what the key does not know.
            NotFound, AlreadyExists, StaleVersion, NotAllowed, ForbiddenTransition, PartyDown, Unavailable.
        """
        require_not_over(body.extents, act.now_ms)
        require_subscription(body.state, body.subscription_id, body.new_subscription)
        if expected is None:
            require_new(body.state)
        ovn = self._new_ovn()
        if body.ovn_suffix is not None:
            ovn = chosen_ovn(plan_id, body.ovn_suffix, act.now_ms)
        solids = self._neighbourhood.prepare(body.extents)
        write = self._prepare(plan_id, body, expected, ovn, solids)
        apart: dict[str, str] = {}
        for _ in range(_MAX_ROUNDS):
            answer = await store.write_reference(self._pool, act, write, apart)
            if answer.status == "unlocked":
                await seed_locks(self._pool, write.cells.locks)
            elif answer.status == "missing":
                needed, harmless = self._part(solids, answer.missing)
                if needed or answer.missing_zones:
                    await self._show(act, needed)
                    raise _missing_keys(needed, answer)
                apart.update(harmless)
            else:
                return _written(plan_id, answer)
        raise Unavailable(f"what is near changed {_MAX_ROUNDS} times while this was decided; try again")

    async def end(self, act: Act, plan_id: str, expected: str) -> WrittenReference:
        """End a reference of the caller's; answers it as it stood.

        Raises:
            NotFound, StaleVersion, NotAllowed, PartyDown.
        """
        return _written(
            plan_id, await store.end_reference(self._pool, act, plan_id, expected, self._new_ovn())
        )

    async def find(self, plan_id: str) -> Reference:
        """One reference.

        Raises:
            NotFound: there is none.
        """
        found = await store.find_reference(self._pool, plan_id)
        if found is None:
            raise NotFound(f"there is no plan {plan_id}", plan_id=plan_id)
        return found

    async def search(self, viewer: str, area: Rows) -> list[Reference]:
        """The references that meet an area by cell, height and time and that a viewer may find.

        Args:
            viewer: a party's id.
            area: rows as ``band_rows`` makes them.
        """
        return await store.references_in(self._pool, viewer, area, MAX_FOUND)

    def _prepare(
        self, plan_id: str, body: ReferenceBody, expected: str | None, ovn: str, solids: tuple[Solid, ...]
    ) -> ReferenceWrite:
        made = body.new_subscription
        depends = body.subscription_id
        return ReferenceWrite(
            plan_id=plan_id,
            expected=expected,
            state=body.state,
            ovn=ovn,
            start_ms=min(to_ms(one.start) for one in body.extents),
            end_ms=max(to_ms(one.end) for one in body.extents),
            body=_encode(PlanBody(volumes=body.extents)),
            uss_base_url=body.uss_base_url,
            key=body.key,
            subscription_id=depends if made is None else self._new_id(),
            made_url=None if made is None else made.uss_base_url,
            made_tells_zones=made is not None and made.tells_zones,
            touched=no_rows() if depends is None else touched_rows_of(solids),
            cells=rows_of(solids, Reach()),
        )

    def _part(
        self, mine: tuple[Solid, ...], missing: Sequence[Missing]
    ) -> tuple[list[Missing], dict[str, str]]:
        """Part what is missing into what must be known and what is hidden and does not meet mine."""
        needed: list[Missing] = []
        harmless: dict[str, str] = {}
        for one in missing:
            if one.body is None or self._meets(mine, one.reference.ovn, one.body):
                needed.append(one)
            else:
                harmless[one.reference.plan_id] = one.reference.ovn
        return needed, harmless

    def _meets(self, mine: tuple[Solid, ...], ovn: str, body: bytes) -> bool:
        theirs = self._neighbourhood.solids_of(ovn, body)
        return any(overlaps(a, b, Separation()) for a in mine for b in theirs)

    async def _show(self, act: Act, needed: Sequence[Missing]) -> None:
        hidden = [one.reference.plan_id for one in needed if one.body is not None]
        if hidden:
            await store.show_to(self._pool, sorted(hidden), act.who.party_id, act.now_ms + SHOWN_MS)


def _missing_keys(needed: Sequence[Missing], answer: Answer) -> MissingKeys:
    plans, zones = len(needed), len(answer.missing_zones)
    return MissingKeys(
        f"the key lacks the current OVN of {plans} plans and {zones} zones that this write meets",
        plans=tuple(one.reference for one in needed),
        zones=answer.missing_zones,
    )


def _written(plan_id: str, answer: Answer) -> WrittenReference:
    if answer.reference is not None:
        return WrittenReference(answer.reference, answer.told)
    raise refusal_of(answer.status, plan_id, "plan")


def refusal_of(status: str, subject_id: str, what: str) -> DetenteError:
    """What a caller is told for a status of ``reference_write`` and ``zone_write`` other than written.

    Args:
        status: as the SQL function answered.
        subject_id: the plan's or zone's id.
        what: ``plan`` or ``zone``.
    """
    sub = "subscription_id"
    refusals: dict[str, DetenteError] = {
        "absent": NotFound(f"there is no {what} {subject_id}"),
        "exists": AlreadyExists(
            f"a {what} {subject_id} exists; name its OVN to change it", actual=subject_id
        ),
        "foreign": NotAllowed(f"the {what} {subject_id} is managed by another party"),
        "hosted": NotAllowed(f"the details of {what} {subject_id} are kept here; change it under /v1"),
        "stale": StaleVersion(f"the OVN that you name is not the {what}'s current one", field="ovn"),
        "down": PartyDown("your party is marked as down, and may not do this until it is no more"),
        "forbidden": ForbiddenTransition(f"the {what} cannot enter that state from the one that it is in"),
        "no-subscription": BadInput("there is no such subscription", field=sub, expected="an existing one"),
        "foreign-subscription": NotAllowed("the subscription belongs to another party", field=sub),
        "silent-subscription": BadInput(
            "the subscription does not tell of plans", field=sub, expected="notify_for_operational_intents"
        ),
        "short-subscription": BadInput(
            "the subscription does not reach over all extents and times",
            field=sub,
            expected="one that covers the plan's area and time",
        ),
    }
    return refusals[status]
