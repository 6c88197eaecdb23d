"""What a test harness does as a user of the party that this server speaks for.

Flights are planned by the same verbs as all plans. What is kept beside them: which plan a flight of the
harness is, the answer to each request, and what the user was told. Several processes may serve one party.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from detente.astm.f3548.volumes import to_area
from detente.astm.flight_planning import store, telling, wire
from detente.astm.flight_planning.carrying import Carrier, Order
from detente.astm.flight_planning.reading import Wanted, as_planned, read_wanted
from detente.astm.flight_planning.rules import result_of, status_of, steps
from detente.astm.flight_planning.wire_details import Volume4D
from detente.errors import (
    AlreadyExists,
    ConflictingPlan,
    DetenteError,
    KeyReused,
    NotFound,
    StaleVersion,
    StoreUnavailable,
    VersionRequired,
)
from detente.plans.directory import Directory
from detente.plans.met import MetPlans
from detente.plans.model import PlanState, PlanView, QueryBody
from detente.plans.questions import Questions
from detente.plans.rules import Standing, blocks, require_priority
from detente.plans.service import OVERRIDE_SCOPE
from detente.plans.volumes import to_ms
from detente.store import Pool
from detente.web.model import Principal

ACCOUNT = "flight-planning"
"""The account under which a harness' acts stand in the record; nobody can sign in with it."""
_ROUNDS = 10
_PAGE = 200
_encode = msgspec.json.Encoder().encode


class _Asked(Struct, frozen=True):
    """A request on its way."""

    flight_plan_id: str
    flight: wire.UpsertFlightPlanRequest
    content: bytes
    who: Principal


class FlightPlanning:
    """The verbs of the flight planning interface.

    Args:
        pool: database connections.
        party: whose user the harness is.
        carrier: moves plans.
        questions: finds plans.
        met: which plans they meet.
        directory: what the party may claim.
        now_ms: the clock, ms since 1970-01-01 UTC.
        new_id: a fresh UUID of version 4.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        party: str,
        carrier: Carrier,
        questions: Questions,
        met: MetPlans,
        directory: Directory,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._pool = pool
        self._party = party
        self._carrier = carrier
        self._questions = questions
        self._met = met
        self._directory = directory
        self._now_ms = now_ms
        self._new_id = new_id

    async def upsert(
        self, caller: Principal, flight_plan_id: str, flight: wire.UpsertFlightPlanRequest, content: bytes
    ) -> bytes:
        """Plan, change, use or close a flight; the same request again gets the same answer.

        Args:
            caller: the harness.
            flight_plan_id: the harness' id for the flight, in canonical form.
            flight: what is wanted.
            content: the body as received.

        Returns:
            An ``UpsertFlightPlanResponse`` as JSON.

        Raises:
            KeyReused: the request's id was used for another request.
            StoreUnavailable: what came of it is not known; the same request repeated tells.
        """
        key = hashlib.sha256(flight.request_id.encode()).digest()
        sha256 = hashlib.sha256(f"{flight_plan_id}\n".encode() + content).digest()
        kept = await store.kept_answer(self._pool, self._party, key)
        if kept is None:
            asked = _Asked(flight_plan_id, flight, content, self._user(caller))
            answer = store.KeptAnswer(sha256, _encode(await self._upsert(asked)))
            kept = await store.keep_answer(self._pool, self._party, key, answer, self._now_ms())
        if kept.request_sha256 != sha256:
            raise KeyReused(
                "the request_id was used for another request", field="request_id", actual=flight.request_id
            )
        return kept.answer

    async def close(self, caller: Principal, flight_plan_id: str) -> wire.DeleteFlightPlanResponse | None:
        """End a flight's plan in whatever state; None if nothing was ever asked of the flight.

        Raises:
            StoreUnavailable: what came of it is not known.
        """
        who = self._user(caller)
        plan_id = await store.find_flight(self._pool, self._party, flight_plan_id)
        if plan_id is None:
            return None
        for _ in range(_ROUNDS):
            stands = await self._carrier.stands(who, plan_id)
            if stands is None or stands.state is PlanState.ENDED:
                notes = telling.NEVER_PLANNED if stands is None else telling.CLOSED_BEFORE
                return wire.DeleteFlightPlanResponse("Completed", "Closed", notes)
            try:
                await self._carrier.end(Order(who, plan_id, f"DELETE {flight_plan_id}", b""), stands.version)
            except StaleVersion:
                continue
            except StoreUnavailable:
                raise
            except DetenteError as refusal:
                status = status_of(stands.state)
                return wire.DeleteFlightPlanResponse(result_of(refusal), status, telling.why(refusal))
            return wire.DeleteFlightPlanResponse("Completed", "Closed")
        status = _status(await self._carrier.stands(who, plan_id))
        return wire.DeleteFlightPlanResponse("Failed", status, telling.TRY_AGAIN)

    async def clear(self, caller: Principal, extent: Volume4D, content: bytes) -> wire.ClearAreaOutcome:
        """End every plan of the party in force that meets an area, whoever planned it.

        Raises:
            StoreUnavailable: some may have been ended.
        """
        who = self._user(caller)
        try:
            area = to_area(wire.to_standard(extent, "extent"), "extent")
            query = QueryBody(
                area=area.shape,
                lower_m=area.lower_m,
                upper_m=area.upper_m,
                start=area.start,
                end=area.end,
                party_id=self._party,
                limit=_PAGE,
            )
            ended = await self._end_all(who, query, content)
        except StoreUnavailable:
            raise
        except DetenteError as refusal:
            return wire.ClearAreaOutcome(success=False, message=telling.why(refusal))
        return wire.ClearAreaOutcome(success=True, message=f"Plans ended: {ended}.")

    async def notifications(self, after: datetime, before: datetime) -> list[wire.UserNotification]:
        """What the user was told between two instants, both included, oldest first."""
        found = await store.notifications(self._pool, self._party, to_ms(after), to_ms(before))
        return [wire.notification(one.observed_ms, one.message, one.conflicts) for one in found]

    def _user(self, caller: Principal) -> Principal:
        """The party's user; the record names the token that the harness came with."""
        scopes = frozenset({"plans.read", "plans.write", OVERRIDE_SCOPE})
        return Principal(self._party, ACCOUNT, "duty_officer", scopes, caller.token_sha256)

    async def _end_all(self, who: Principal, query: QueryBody, content: bytes) -> int:
        """End what a query finds, until it finds nothing."""
        ended = 0
        for _ in range(_ROUNDS * _PAGE):
            page = await self._questions.query(who, query)
            if not page.plans:
                return ended
            for one in page.plans:
                try:
                    await self._carrier.end(Order(who, one.plan_id, "clear area", content), one.version)
                    ended += 1
                except StaleVersion:
                    continue  # it is found again, as it stands then
        raise StaleVersion("plans are made here faster than they can be ended")

    async def _upsert(self, asked: _Asked) -> wire.UpsertFlightPlanResponse:
        is_hypothetical = asked.flight.execution_style == "Hypothetical"
        for _ in range(_ROUNDS):
            plan_id, was = await self._find(asked, begins=not is_hypothetical)
            try:
                if is_hypothetical:
                    return await self._foresee(asked, plan_id, was)
                return await self._attempt(asked, plan_id, was)
            except (StaleVersion, VersionRequired, AlreadyExists, NotFound):
                continue
            except StoreUnavailable:
                raise
            except DetenteError as refusal:
                return await self._refused(asked, plan_id, was, refusal)
        _, was = await self._find(asked, begins=False)
        return wire.UpsertFlightPlanResponse("Failed", _status(was), telling.TRY_AGAIN)

    async def _find(self, asked: _Asked, *, begins: bool) -> tuple[str, PlanView | None]:
        """The flight's plan as it stands; a flight that was closed gets another when it is planned again."""
        fresh = self._new_id()
        held = await store.find_flight(self._pool, self._party, asked.flight_plan_id)
        if held is None and begins:
            held = await store.begin_flight(self._pool, self._party, asked.flight_plan_id, fresh)
        was = None if held is None else await self._carrier.stands(asked.who, held)
        is_closing = asked.flight.flight_plan.basic_information.usage_state == "Closed"
        if held is not None and was is not None and was.state is PlanState.ENDED and not is_closing:
            if begins:
                await store.renew_flight(self._pool, self._party, asked.flight_plan_id, held, fresh)
                held = await store.find_flight(self._pool, self._party, asked.flight_plan_id)
            return held or fresh, None
        return held or fresh, was

    async def _attempt(
        self, asked: _Asked, plan_id: str, was: PlanView | None
    ) -> wire.UpsertFlightPlanResponse:
        wanted = read_wanted(asked.flight.flight_plan, was, self._now_ms())
        if wanted.state is PlanState.ENDED and was is not None and was.state is PlanState.ENDED:
            return wire.UpsertFlightPlanResponse("Completed", "Closed", telling.CLOSED_BEFORE)
        order = Order(asked.who, plan_id, f"PUT {asked.flight_plan_id}", asked.content)
        notes = []
        try:
            await self._carrier.carry(order, was, wanted)
        except ConflictingPlan as refusal:
            if asked.flight.execution_style != "InReality" or wanted.state is not PlanState.ACTIVATED:
                raise
            await self._tell_refused(asked, plan_id, refusal)
            plan_id = await self._fly_anyway(asked, order, wanted)
            notes = [telling.IN_REALITY, telling.why(refusal)]
        return await self._completed(asked, plan_id, notes)

    async def _fly_anyway(self, asked: _Asked, order: Order, wanted: Wanted) -> str:
        """The user flies where another plan is in the way: the plan follows, and is nonconforming."""
        plan_id, was = await self._find(asked, begins=True)
        reported = msgspec.structs.replace(wanted, state=PlanState.NONCONFORMING)
        await self._carrier.carry(msgspec.structs.replace(order, plan_id=plan_id), was, reported)
        return plan_id

    async def _completed(
        self, asked: _Asked, plan_id: str, notes: list[str]
    ) -> wire.UpsertFlightPlanResponse:
        stands = await self._carrier.stands(asked.who, plan_id)
        plan = asked.flight.flight_plan
        if plan.telemetry is not None and plan.telemetry.states:
            notes = [*notes, telling.NO_TELEMETRY]
        if stands is None or stands.state is PlanState.ENDED:
            return wire.UpsertFlightPlanResponse("Completed", _status(stands), " ".join(notes) or None)
        found = await self._met.of_plan(plan_id)
        met = () if found is None else found.met
        notes = [*notes, *filter(None, [telling.beside(met)])]
        return wire.UpsertFlightPlanResponse(
            planning_result="Completed",
            flight_plan_status=_status(stands),
            notes=" ".join(notes) or None,
            as_planned=as_planned(plan, stands),
            includes_advisories="AtLeastOneAdvisoryOrCondition" if met else "NoAdvisoriesOrConditions",
        )

    async def _foresee(
        self, asked: _Asked, plan_id: str, was: PlanView | None
    ) -> wire.UpsertFlightPlanResponse:
        """What would come of it now; changes nothing."""
        wanted = read_wanted(asked.flight.flight_plan, was, self._now_ms())
        state = None if was is None else was.state
        is_closed = state is PlanState.ENDED and wanted.state is PlanState.ENDED
        ahead = () if is_closed else steps(state, wanted.state, changes=wanted.changes)
        if ahead and wanted.body is not None:
            require_priority(wanted.body.priority, await self._directory.priority_limit(self._party))
        if ahead and wanted.body is not None and wanted.state in {PlanState.ACCEPTED, PlanState.ACTIVATED}:
            mine = Standing(plan_id, "", self._party, wanted.state, wanted.body.priority)
            found = await self._met.of_body(mine, wanted.body, is_strict=True)
            knows = await self._carrier.knows(asked.who, was, plan_id, wanted)
            own = wanted.body.own_plans
            blocking = [one for one in found.met if blocks(mine, one.standing, knows=knows, own_plans=own)]
            if blocking:
                raise ConflictingPlan(telling.beside(blocking).rstrip("."), conflicts=())
        return wire.UpsertFlightPlanResponse("Completed", status_of(wanted.state), telling.HYPOTHETICAL)

    async def _refused(
        self, asked: _Asked, plan_id: str, was: PlanView | None, refusal: DetenteError
    ) -> wire.UpsertFlightPlanResponse:
        """How a refusal is answered; the user is told of a conflict, unless it was only asked about."""
        stands = was
        if asked.flight.execution_style != "Hypothetical":
            if isinstance(refusal, ConflictingPlan):
                await self._tell_refused(asked, plan_id, refusal)
            _, stands = await self._find(asked, begins=True)
        return wire.UpsertFlightPlanResponse(result_of(refusal), _status(stands), telling.why(refusal))

    async def _tell_refused(self, asked: _Asked, plan_id: str, refusal: ConflictingPlan) -> None:
        told = store.Notification(
            conflicts=max(1, len(telling.conflicts_of(refusal))),
            message=telling.attempted(plan_id, refusal),
            observed_ms=self._now_ms(),
        )
        key = hashlib.sha256(asked.flight.request_id.encode()).hexdigest()
        await store.notify(self._pool, self._party, store.Meeting(plan_id, key, ("refused",)), told)


def _status(stands: PlanView | None) -> wire.FlightPlanStatus:
    return status_of(None if stands is None else stands.state)
