"""The verbs on plans: declare, change, enter a state. Each is one transaction with its statement.

Exact geometry is computed outside the lock; under the lock the database only asks whether every
neighbour it finds was examined at its present version, and sends the rest back to be examined.
"""

import hashlib
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from detente.errors import (
    AlreadyExists,
    ConflictingPlan,
    KeyReused,
    NotAllowed,
    NotFound,
    StaleVersion,
    Unavailable,
    VersionRequired,
)
from detente.plans import store
from detente.plans.index import Reach, no_rows, reach_of, rows_of
from detente.plans.model import OwnPlans, PlanBody, PlanState, StateBody, WaysOutLimits
from detente.plans.neighbourhood import Examined, Neighbourhood, Subject
from detente.plans.refusal_model import RefusedAct
from detente.plans.refusals import Attempt, Refusals
from detente.plans.rules import (
    Standing,
    may_see_plan,
    must_look,
    require_changeable,
    require_transition,
    widest_separation,
)
from detente.plans.separations import Separations, SeparationsNow
from detente.plans.views import decode_body, decode_version, encode, row_of, view
from detente.plans.volumes import require_not_over, require_times
from detente.plans.ways_out_search import WaysOutSearch
from detente.store import Pool
from detente.web.model import Principal

OVERRIDE_SCOPE = "plans.override"
_MAX_ROUNDS = 40


class Priorities(Protocol):
    """What plans ask of the parties' room."""

    async def priority_limit(self, party_id: str) -> int:
        """The highest priority that a party may declare; raises NotAllowed if it may declare nothing."""
        ...


class Outcome(Struct, frozen=True):
    """What a verb answers: an HTTP status and the plan's view as JSON, with the version it now has."""

    status: int
    body: bytes
    version: int | None


class Request(Struct, frozen=True):
    """The request as it came in: what the statement holds and what a retry is recognised by."""

    content: bytes
    """The body as received."""
    target: str
    """Method and path, so that the same body elsewhere is another request."""
    expected_version: int | None = None
    """From If-Match."""
    key: str | None = None
    """From Idempotency-Key."""
    wants_ways_out: bool = True

    @property
    def sha256(self) -> bytes:
        """What identifies the request: target, version named, and content."""
        named = f"{self.target}\n{self.expected_version}\n".encode()
        return hashlib.sha256(named + hashlib.sha256(self.content).digest()).digest()


class _Act(Struct, frozen=True):
    """A verb made ready to be written."""

    who: Principal
    subject: Subject
    body: PlanBody
    knows: frozenset[str]
    type: str
    expected_version: int | None
    recell: bool


class PlansService:
    """The writing side of the room.

    Args:
        pool: database connections.
        neighbourhood: exact examination of neighbours.
        separations: how far parties keep apart.
        priorities: what each party may claim.
        refusals: remembers what was refused.
        now_ms: the clock, ms since 1970-01-01 UTC.
        new_ovn: a fresh unguessable OVN.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        neighbourhood: Neighbourhood,
        separations: Separations,
        priorities: Priorities,
        refusals: Refusals,
        now_ms: Callable[[], int],
        new_ovn: Callable[[], str],
    ) -> None:
        self._pool = pool
        self._neighbourhood = neighbourhood
        self._separations = separations
        self._priorities = priorities
        self._refusals = refusals
        self._now_ms = now_ms
        self._new_ovn = new_ovn
        self._ways_out = WaysOutSearch(pool, neighbourhood, now_ms)

    async def declare(self, who: Principal, plan_id: str, body: PlanBody, request: Request) -> Outcome:
        """Declare a new plan, or change the caller's own (a change names the version it saw).

        Raises:
            BadInput: a volume that cannot be used.
            ConflictingPlan: with each conflict and, if wanted, the ways out.
            StaleVersion, VersionRequired, AlreadyExists, NotAllowed, KeyReused, ForbiddenTransition.
        """
        now_ms = self._now_ms()
        require_times(body.volumes, now_ms)
        solids = self._neighbourhood.prepare(body.volumes)
        await self._require_may_claim(who, body, body.knows)
        state, version = PlanState.ACCEPTED, request.expected_version
        if version is None:
            require_not_over(body.volumes, now_ms)
        else:
            was = await self._mine(who, plan_id)
            if was.version == version:
                require_changeable(was.state)
                state = was.state
                if must_look(state):
                    require_not_over(body.volumes, now_ms)
        standing = Standing(plan_id, self._new_ovn(), who.party_id, state, body.priority)
        act = _Act(
            who=who,
            subject=Subject(standing, solids, body.own_plans),
            body=body,
            knows=frozenset(body.knows),
            type="plan.declared" if version is None else "plan.changed",
            expected_version=version,
            recell=True,
        )
        return await self._write(act, request)

    async def enter_state(self, who: Principal, plan_id: str, asked: StateBody, request: Request) -> Outcome:
        """Activate a plan, report it off-nominal, or end it.

        Raises:
            ConflictingPlan: when activating beside a plan that now blocks; never for a report (rule 3).
            ForbiddenTransition, StaleVersion, VersionRequired, NotFound, NotAllowed, KeyReused.
        """
        if request.expected_version is None:
            raise VersionRequired(
                "name the version that you saw in If-Match", expected='If-Match: "<version>"'
            )
        was = await self._mine(who, plan_id)
        body = decode_body(was.body)
        if was.version == request.expected_version:
            require_transition(was.state, asked.state)
            if asked.state is PlanState.ACTIVATED:
                require_not_over(body.volumes, self._now_ms())
        # Another version is settled by the database, which knows the key of a request that is repeated late.
        if must_look(asked.state):
            await self._require_may_claim(who, body, asked.knows)
        standing = Standing(plan_id, self._new_ovn(), who.party_id, asked.state, body.priority)
        solids = self._neighbourhood.solids_of(was.ovn, was.body) if must_look(asked.state) else ()
        act = _Act(
            who=who,
            subject=Subject(standing, solids, body.own_plans),
            body=body,
            knows=frozenset(asked.knows),
            type=f"plan.{asked.state.value}",
            expected_version=request.expected_version,
            recell=False,
        )
        return await self._write(act, request)

    async def _mine(self, who: Principal, plan_id: str) -> store.PlanRow:
        was = await store.find(self._pool, plan_id)
        if was is None or not may_see_plan(who.party_id, was.party_id, was.sharing):
            raise NotFound(f"there is no plan {plan_id} that you may see", plan_id=plan_id)
        if was.party_id != who.party_id:
            raise NotAllowed("the plan belongs to another party", plan_id=plan_id)
        return was

    async def _require_may_claim(self, who: Principal, body: PlanBody, knows: tuple[str, ...]) -> None:
        limit = await self._priorities.priority_limit(who.party_id)
        if body.priority > limit:
            raise NotAllowed(
                f"your party may claim priority {limit} at most",
                field="priority",
                expected=f"at most {limit}",
                actual=body.priority,
            )
        if knows and OVERRIDE_SCOPE not in who.scopes:
            raise NotAllowed(
                f"to stand knowingly beside a conflicting plan takes scope {OVERRIDE_SCOPE}",
                field="knows",
                expected="an empty list",
                scope=OVERRIDE_SCOPE,
            )

    async def _write(self, act: _Act, request: Request) -> Outcome:
        """Write, examining whatever the database finds that was not examined yet, until nothing is new."""
        known: dict[str, str] = {}
        separations = await self._separations.now()
        write = self._prepare_write(act, request, separations)
        for _ in range(_MAX_ROUNDS):
            answer = await store.write(self._pool, write, known, separations.epoch)
            if answer.status == "reload":
                separations = await self._separations.reload()
                write, known = self._prepare_write(act, request, separations), {}
            elif answer.status == "unlocked":
                await store.seed_locks(self._pool, write.search.locks)
            elif answer.status == "look":
                found = await self._neighbourhood.examine(
                    act.subject, answer.neighbours, separations.rules, knows=act.knows
                )
                if found.blocking:
                    raise await self._refusal(act, request, separations, found)
                known.update(found.harmless)
            elif answer.status != "exists" or answer.party_id is not None:
                return await self._outcome(act, request, write, answer)
        raise Unavailable(
            f"the neighbours changed {_MAX_ROUNDS} times while this plan was examined; try again"
        )

    def _prepare_write(self, act: _Act, request: Request, separations: SeparationsNow) -> store.Write:
        subject = act.subject
        looks = must_look(subject.standing.state)
        cells = rows_of(subject.solids, Reach()) if act.recell else no_rows()
        reach = reach_of(widest_separation(separations.rules, act.who.party_id))
        if not looks:
            search = no_rows()
        else:
            search = cells if act.recell and reach == Reach() else rows_of(subject.solids, reach)
        row = row_of(subject.standing, (act.expected_version or 0) + 1, act.body, self._now_ms())
        return store.Write(
            plan_id=subject.standing.plan_id,
            party_id=act.who.party_id,
            account_id=act.who.account_id,
            token_sha256=act.who.token_sha256,
            now_ms=row.changed_ms,
            type=act.type,
            request=request.content,
            request_sha256=request.sha256,
            expected_version=act.expected_version,
            state=subject.standing.state,
            ovn=subject.standing.ovn,
            priority=act.body.priority,
            sharing=act.body.sharing,
            start_ms=row.start_ms,
            end_ms=row.end_ms,
            body=row.body,
            looks=looks,
            with_own=act.body.own_plans is OwnPlans.CHECK,
            key=request.key,
            key_status=201 if act.expected_version is None else 200,
            key_response=encode(view(act.who.party_id, row, act.body)),
            search=search,
            recell=act.recell,
            cells=cells,
        )

    async def _refusal(
        self, act: _Act, request: Request, separations: SeparationsNow, found: Examined
    ) -> ConflictingPlan:
        """What the caller is told; remembered, too, once nothing of the decision is under way any more."""
        await self._refusals.remember(
            Attempt(
                who=act.who,
                plan_id=act.subject.standing.plan_id,
                act=RefusedAct(act.type.removeprefix("plan.")),
                seen_version=act.expected_version,
                request_sha256=request.sha256,
                body=act.body,
                found=found,
            )
        )
        conflicts = found.conflicts_for(act.who.party_id)
        ways_out = None
        if request.wants_ways_out:
            ways_out = await self._ways_out.search(
                act.subject, act.body.volumes, separations.rules, act.knows, WaysOutLimits()
            )
        n = len(conflicts)
        return ConflictingPlan(
            f"{n} plans in force are in the way" if n > 1 else "a plan in force is in the way",
            plan_id=act.subject.standing.plan_id,
            conflicts=conflicts,
            is_complete=found.is_complete,
            ways_out=ways_out,
        )

    async def _outcome(
        self, act: _Act, request: Request, write: store.Write, answer: store.Answer
    ) -> Outcome:
        plan_id = write.plan_id
        if answer.status == "written":
            return Outcome(write.key_status, write.key_response, (act.expected_version or 0) + 1)
        if answer.status == "replayed":
            body = answer.body or b""
            return Outcome(answer.version or 200, body, decode_version(body))
        if answer.status == "same":
            return await self._again(act.who, write)
        if answer.status == "reused":
            raise KeyReused(
                "the idempotency key was used for another request",
                field="Idempotency-Key",
                actual=request.key,
            )
        if answer.status == "stale":
            raise _stale(plan_id, request.expected_version, answer.version)
        raise self._exists(act, answer)

    def _exists(self, act: _Act, answer: store.Answer) -> Exception:
        plan_id = act.subject.standing.plan_id
        if answer.party_id == act.who.party_id:
            return VersionRequired(
                f"plan {plan_id} stands at version {answer.version}; name it in If-Match to change the plan",
                expected=f'If-Match: "{answer.version}"',
                plan_id=plan_id,
            )
        return AlreadyExists("the id is taken; choose a fresh UUID", field="plan_id", actual=plan_id)

    async def _again(self, who: Principal, write: store.Write) -> Outcome:
        """The answer to a repeated request: the plan as the first one left it."""
        row = await self._mine(who, write.plan_id)
        return Outcome(write.key_status, encode(view(who.party_id, row)), row.version)


def _stale(plan_id: str, expected: int | None, current: int | None) -> Exception:
    if current is None:
        return NotFound(f"there is no plan {plan_id} that you may see", plan_id=plan_id)
    return StaleVersion(
        f"you named version {expected}, but the plan stands at {current}; read it again before you change it",
        field="If-Match",
        expected=current,
        actual=expected,
        plan_id=plan_id,
    )
