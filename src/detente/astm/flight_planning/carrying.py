"""Brings a plan where its user wants it, by the same verbs as everybody, one after the other.

When a later verb is refused, what an earlier one did is taken back, so that the plan stands as it stood.
A process that dies in between leaves a plan that stands as one of the verbs left it; the same request goes
on from there.
"""

import contextlib

from msgspec import Struct
from msgspec.structs import replace

from detente.astm.flight_planning.reading import Wanted
from detente.astm.flight_planning.rules import OFF_NOMINAL, Step, steps
from detente.errors import ConflictingPlan, DetenteError, NotFound, StoreUnavailable, VersionRequired
from detente.plans.met import MetPlans
from detente.plans.model import MAX_KNOWS, PlanBody, PlanState, PlanView, StateBody
from detente.plans.questions import Questions
from detente.plans.requests import Request
from detente.plans.rules import Standing
from detente.plans.service import PlansService
from detente.web.model import Principal

_ROUNDS = 5


class Order(Struct, frozen=True):
    """On whose behalf a plan is moved, and with which words."""

    who: Principal
    plan_id: str
    target: str
    content: bytes

    def request(self, step: str, version: int | None) -> Request:
        """The request of one verb: the same words, and a target that no other step has."""
        return Request(
            content=self.content,
            target=f"{self.target} {self.plan_id} {step}",
            expected_version=version,
            wants_ways_out=False,
        )


class Carrier:
    """Moves plans of one party.

    Args:
        service: the verbs on plans.
        questions: reads them.
        met: which plans they meet.
    """

    def __init__(self, service: PlansService, questions: Questions, met: MetPlans) -> None:
        self._service = service
        self._questions = questions
        self._met = met

    async def stands(self, who: Principal, plan_id: str) -> PlanView | None:
        """The plan as it stands, ended or not; None if it was never declared."""
        try:
            return await self._questions.find(who, plan_id)
        except NotFound:
            return None

    async def carry(self, order: Order, was: PlanView | None, wanted: Wanted) -> None:
        """Bring a plan where the user wants it, or leave it as it was.

        Args:
            order: on whose behalf.
            was: the plan in force; None if there is none.
            wanted: where it is to stand.

        Raises:
            ConflictingPlan, ForbiddenTransition, BadInput, NotAllowed, Unavailable: as the verbs do.
            StaleVersion, VersionRequired, AlreadyExists, NotFound: somebody else moved it meanwhile.
        """
        version = None if was is None else was.version
        done: list[Step] = []
        try:
            for step in steps(None if was is None else was.state, wanted.state, changes=wanted.changes):
                version = await self._take(order, step, version, was, wanted)
                done.append(step)
        except StoreUnavailable:
            raise  # whether the verb was carried out is not known
        except DetenteError:
            with contextlib.suppress(DetenteError):
                await self._take_back(order, done, version, was)
            raise

    async def end(self, order: Order, version: int) -> None:
        """End a plan in force, in whatever state.

        Raises:
            StaleVersion: somebody else moved it meanwhile.
        """
        body = StateBody(PlanState.ENDED)
        await self._service.enter_state(
            order.who, order.plan_id, body, order.request(Step.ENDED.value, version)
        )

    async def knows(
        self, who: Principal, was: PlanView | None, plan_id: str, wanted: Wanted
    ) -> frozenset[str]:
        """The OVNs of the plans beside which this one may stand, though they are in its way.

        An activated plan may stay in the conflicts that it is in (F3548-21, SCD0030 and SCD0050). A flight
        that is reported off-nominal is where it is: its new plan stands beside whatever is there.

        Raises:
            PeerUnavailable: a manager elsewhere does not tell where its plan is.
        """
        if was is not None:
            is_kept = was.state is PlanState.ACTIVATED and wanted.state is PlanState.ACTIVATED
            found = await self._met.of_plan(plan_id, is_strict=True) if is_kept else None
            return frozenset() if found is None else found.ovns()
        if wanted.state not in OFF_NOMINAL or wanted.body is None:
            return frozenset()
        standing = Standing(plan_id, "", who.party_id, PlanState.ACCEPTED, wanted.body.priority)
        return (await self._met.of_body(standing, wanted.body, is_strict=True)).ovns()

    async def _take(
        self, order: Order, step: Step, version: int | None, was: PlanView | None, wanted: Wanted
    ) -> int | None:
        """One verb; answers the version that the plan has then."""
        if step is Step.VOLUMES and wanted.body is not None:
            return await self._declare(order, version, was, wanted, wanted.body)
        if version is None:
            raise VersionRequired("a plan enters a state after it was declared", plan_id=order.plan_id)
        body = StateBody(PlanState(step.value))
        request = order.request(step.value, version)
        return (await self._service.enter_state(order.who, order.plan_id, body, request)).version

    async def _declare(
        self, order: Order, version: int | None, was: PlanView | None, wanted: Wanted, body: PlanBody
    ) -> int | None:
        request = order.request(Step.VOLUMES.value, version)
        known: frozenset[str] | None = None
        for _ in range(_ROUNDS):
            known = await self.knows(order.who, was, order.plan_id, wanted)
            knowing = replace(body, knows=tuple(sorted(known))[:MAX_KNOWS])
            try:
                outcome = await self._service.declare(order.who, order.plan_id, knowing, request)
            except ConflictingPlan:
                # What it may stand beside may have got another OVN since.
                if await self.knows(order.who, was, order.plan_id, wanted) <= known:
                    raise
                continue
            return outcome.version
        raise ConflictingPlan(
            f"what is near changed {_ROUNDS} times while this was decided",
            plan_id=order.plan_id,
            conflicts=(),
        )

    async def _take_back(
        self, order: Order, done: list[Step], version: int | None, was: PlanView | None
    ) -> None:
        if not done or version is None:
            return
        if was is None:
            await self.end(order, version)
        elif done == [Step.VOLUMES] and was.volumes:
            body = PlanBody(
                volumes=was.volumes,
                title=was.title or "",
                remarks=was.remarks or "",
                priority=was.priority,
                sharing=was.sharing,
            )
            standing = Standing(order.plan_id, "", order.who.party_id, was.state, was.priority)
            known = (await self._met.of_body(standing, body, is_strict=False)).ovns()
            body = replace(body, knows=tuple(sorted(known))[:MAX_KNOWS])
            await self._service.declare(order.who, order.plan_id, body, order.request("as it was", version))
