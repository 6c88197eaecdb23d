"""Plans of managers elsewhere, in our words: asked of them, or sent by them.

Rule 1: what is told counts for the version and OVN that it names, and for no other.
Rule 2: nominal states have nominal volumes only, off-nominal ones have off-nominal volumes (OPIN0015); what
    is told otherwise is no answer.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from detente.astm.f3548 import wire, wire_details
from detente.astm.f3548.asking import Question
from detente.astm.f3548.volumes import to_plan_volumes
from detente.astm.peer_client import PeerClient
from detente.discovery import peer_details
from detente.discovery.peer_details import Told
from detente.errors import BadInput
from detente.plans.elsewhere import PlanDetails
from detente.plans.model import MAX_VOLUMES, PlanBody
from detente.store import Pool

_NOMINAL = frozenset({"Accepted", "Activated"})
_MOST = 20_000
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
        question = Question("plan", plan_id, uss_base_url)

        def read(body: bytes) -> ToldPlan:
            intent = _answer.decode(body).operational_intent
            told = told_of(intent)
            if told.subject_id != plan_id:
                raise BadInput("it is of another plan", field="reference.id", expected=plan_id)
            return ToldPlan(intent.reference, told)

        async def ask() -> ToldPlan | None:
            return await question.once(lambda: self._client.fetch_details(uss_base_url, plan_id), read)

        found = await question.until(ask, lambda one: is_wanted(one.told), else_why)
        told = found.told
        await peer_details.keep(self._pool, told, self._clock_ms())
        self._remember(told.ovn, PlanDetails(told.priority, told.body))
        return found

    def _remember(self, ovn: str, details: PlanDetails) -> None:
        self._memory[ovn] = details
        while len(self._memory) > _MOST:
            self._memory.popitem(last=False)
