"""Plans of managers elsewhere, in our words: asked of them, or sent by them.

Rule 1: what is told counts for the version and OVN that it names, and for no other.
Rule 2: nominal states have nominal volumes only, off-nominal ones have off-nominal volumes (OPIN0015); what
    is told otherwise is no answer.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from detente.astm.f3548 import wire, wire_details
from detente.astm.f3548.volumes import to_plan_volumes
from detente.astm.peer_client import PeerClient
from detente.discovery import peer_details
from detente.discovery.peer_details import Told
from detente.errors import BadInput, PeerUnavailable
from detente.plans.elsewhere import PlanDetails
from detente.plans.model import MAX_VOLUMES, PlanBody
from detente.store import Pool

_NOMINAL = frozenset({"Accepted", "Activated"})
_RETRIES = 3
_PAUSE_S = 0.2
"""A manager may still be writing down what the exchange has just answered it."""
_MOST = 20_000
_NOT_FOUND = 404
_answer = msgspec.json.Decoder(wire_details.GetOperationalIntentDetailsResponse)
_encode = msgspec.json.Encoder().encode


def told_of(intent: wire_details.OperationalIntent) -> Told:
    """What an operational intent tells, in our words.

    Raises:
        BadInput: naming the member that is not as the standard says.
    """
    reference, details = intent.reference, intent.details
    if not reference.ovn:
        raise BadInput("reference.ovn is missing", field="reference.ovn", expected="an OVN", actual="nothing")
    nominal, beside = details.volumes or (), details.off_nominal_volumes or ()
    is_nominal = reference.state in _NOMINAL
    if is_nominal and beside:
        raise BadInput(
            f"a plan that is {reference.state} has off-nominal volumes",
            field="details.off_nominal_volumes",
            expected="none",
            actual=f"{len(beside)}",
        )
    if not (nominal if is_nominal else beside):
        field = f"details.{'volumes' if is_nominal else 'off_nominal_volumes'}"
        raise BadInput(f"{field} is empty", field=field, expected="at least one volume", actual="none")
    if len(nominal) + len(beside) > MAX_VOLUMES:
        raise BadInput(
            f"the details have {len(nominal) + len(beside)} volumes",
            field="details.volumes",
            expected=f"at most {MAX_VOLUMES}",
        )
    volumes = (
        *to_plan_volumes(nominal, "details.volumes"),
        *to_plan_volumes(beside, "details.off_nominal_volumes"),
    )
    return Told(
        subject_id=reference.id.lower(),
        kind="plan",
        party_id=reference.manager,
        version=reference.version,
        ovn=reference.ovn,
        priority=details.priority or 0,
        body=_encode(PlanBody(volumes=volumes)),
        sent_sha256=hashlib.sha256(_encode(details)).digest(),
    )


class ToldPlan(Struct, frozen=True):
    """What a manager told: the reference as it came, and the plan in our words."""

    reference: wire.OperationalIntentReference
    told: Told


class PeerPlans:
    """Asks managers for details and remembers them; ``detente.plans`` knows it as ``Details``.

    Args:
        pool: database connections.
        client: who speaks to peers.
        clock_ms: the present.
    """

    def __init__(self, pool: Pool, client: PeerClient, clock_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._client = client
        self._clock_ms = clock_ms
        self._memory: OrderedDict[str, PlanDetails] = OrderedDict()

    async def remembered(self, wanted: Mapping[str, str]) -> Mapping[str, PlanDetails]:
        """The details that are known at just these OVNs."""
        known = {plan_id: self._memory[ovn] for plan_id, ovn in wanted.items() if ovn in self._memory}
        unknown = {plan_id: ovn for plan_id, ovn in wanted.items() if plan_id not in known}
        if unknown:
            kept = await peer_details.known_plans(self._pool, unknown)
            for plan_id, details in kept.items():
                self._remember(unknown[plan_id], details)
            known |= kept
        return known

    async def ask(self, plan_id: str, ovn: str, uss_base_url: str) -> PlanDetails:
        """The details of a plan at an OVN, asked of its manager.

        Raises:
            PeerUnavailable: it does not answer, or not with these.
        """
        told = await self._told(
            plan_id,
            uss_base_url,
            lambda told: told.ovn == ovn,
            "tells another version than the one that stands",
        )
        return PlanDetails(told.told.priority, told.told.body)

    async def ask_from(self, plan_id: str, version: int, uss_base_url: str) -> ToldPlan:
        """A plan at a version or a newer one, asked of its manager by one who does not know its OVN.

        Raises:
            PeerUnavailable: as ``ask``.
        """
        return await self._told(
            plan_id,
            uss_base_url,
            lambda told: told.version >= version,
            "tells an older version than the one that stands",
        )

    async def _told(
        self, plan_id: str, uss_base_url: str, is_wanted: Callable[[Told], bool], else_why: str
    ) -> ToldPlan:
        why = ""
        for attempt in range(_RETRIES):
            if attempt:
                await asyncio.sleep(_PAUSE_S * attempt)
            found = await self._fetch(plan_id, uss_base_url)
            if found is None:
                why = "knows nothing of the plan"
            elif not is_wanted(found.told):
                why = else_why
            else:
                told = found.told
                await peer_details.keep(self._pool, told, self._clock_ms())
                self._remember(told.ovn, PlanDetails(told.priority, told.body))
                return found
        raise _unavailable(uss_base_url, plan_id, why)

    async def _fetch(self, plan_id: str, uss_base_url: str) -> ToldPlan | None:
        try:
            answer = await self._client.fetch_details(uss_base_url, plan_id)
        except BadInput as unusable:
            raise _unavailable(
                uss_base_url, plan_id, f"has no usable address: {unusable.detail}"
            ) from unusable
        except PeerUnavailable as silent:
            why = str(silent.members.get("why", silent.detail))
            raise _unavailable(uss_base_url, plan_id, why) from silent
        if answer.status == _NOT_FOUND:
            return None
        try:
            intent = _answer.decode(answer.body).operational_intent
            told = told_of(intent)
        except (msgspec.MsgspecError, UnicodeDecodeError, BadInput) as wrong:
            raise _unavailable(
                uss_base_url, plan_id, f"tells it not as the standard says: {wrong}"
            ) from wrong
        if told.subject_id != plan_id:
            raise _unavailable(uss_base_url, plan_id, "tells of another plan")
        return ToldPlan(intent.reference, told)

    def _remember(self, ovn: str, details: PlanDetails) -> None:
        self._memory[ovn] = details
        while len(self._memory) > _MOST:
            self._memory.popitem(last=False)


def _unavailable(peer: str, plan_id: str, why: str) -> PeerUnavailable:
    return PeerUnavailable(
        f"the manager of plan {plan_id}, which is near, {why}; nothing was changed",
        peer=peer,
        why=why[:500],
        plan_id=plan_id,
    )
