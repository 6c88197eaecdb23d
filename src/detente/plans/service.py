"""The verbs on plans: declare, change, enter a state. Each is one transaction with its statement.

Exact geometry is computed outside the lock; under the lock the database only asks whether every
neighbour it finds was examined at its present version, and sends the rest back to be examined.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from detente.errors import (
    AlreadyExists,
    ConflictingPlan,
    DetenteError,
    NotAllowed,
    NotFound,
    StaleVersion,
    Unavailable,
    VersionRequired,
)
from detente.geo.index import Reach, no_rows, reach_of, rows_of
from detente.plans import store
from detente.plans.closures import Closures, refusal_of
from detente.plans.directory import Directory
from detente.plans.locks import seed_locks
from detente.plans.model import OwnPlans, PlanBody, PlanState, StateBody, WaysOut, WaysOutLimits
from detente.plans.neighbourhood import Examined, Neighbourhood, Subject
from detente.plans.refusal_model import RefusedAct
from detente.plans.refusals import Attempt, Refusals
from detente.plans.requests import Outcome, Request, answered_before, key_reused
from detente.plans.rules import (
    Standing,
    may_see_plan,
    must_look,
    require_changeable,
    require_priority,
    require_transition,
    widest_separation,
)
from detente.plans.separations import Separations, SeparationsNow
from detente.plans.views import decode_body, decode_version, encode, row_of, view
from detente.plans.volumes import require_not_over, require_times
from detente.plans.ways_out_search import WaysOutSearch
from detente.plans.writing import Writer
from detente.store import Pool
from detente.web.model import Principal
from detente.zones.model import NearZone
from detente.zones.near import ZonesNear

OVERRIDE_SCOPE = "plans.override"
_MAX_ROUNDS = 40


class _Act(Struct, frozen=True):
    """A verb made ready to be written."""

    who: Principal
    subject: Subject
    body: PlanBody
    knows: frozenset[str]
    type: str
    decided_version: int | None
    """The version that was read and decided on; None for a new plan."""
    recell: bool


class PlansService:
    """The writing side of the room.

    Args:
        pool: database connections.
        neighbourhood: exact examination of neighbours.
        separations: how far parties keep apart.
        directory: what each party may claim.
        refusals: remembers what was refused.
        now_ms: the clock, ms since 1970-01-01 UTC.
        writer: where plans are written, and what makes their OVNs.
        addresses: where parties' own servers answer for plans declared here; else at the exchange's.
        zones: loads zones; None: those that are kept here, heights above ground without terrain.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        neighbourhood: Neighbourhood,
        separations: Separations,
        directory: Directory,
        refusals: Refusals,
        now_ms: Callable[[], int],
        writer: Writer,
        addresses: Mapping[str, str] | None = None,
        zones: ZonesNear | None = None,
    ) -> None:
        self._pool = pool
        self._addresses = addresses or {}
        self._neighbourhood = neighbourhood
        self._separations = separations
        self._directory = directory
        self._refusals = refusals
        self._now_ms = now_ms
        self._writer = writer
        self._closures = Closures(zones or ZonesNear(pool))
        self._ways_out = WaysOutSearch(pool, neighbourhood, self._closures, now_ms)

    async def declare(self, who: Principal, plan_id: str, body: PlanBody, request: Request) -> Outcome:
        """Declare a new plan, or change the caller's own (a change names the version it saw).

        Raises:
            BadInput: a volume that cannot be used.
            ConflictingPlan: with each conflict and, if wanted, the ways out.
            ClosedZone: with each zone and, if wanted, the ways out.
            StaleVersion, VersionRequired, AlreadyExists, NotAllowed, KeyReused, ForbiddenTransition.
        """

        async def decide() -> _Act:
            return await self._decide_volumes(who, plan_id, body, request)

        return await self._carry_out(who, plan_id, request, decide)

    async def enter_state(self, who: Principal, plan_id: str, asked: StateBody, request: Request) -> Outcome:
        """Activate a plan, report it off-nominal, or end it.

        Raises:
            ClosedZone, ConflictingPlan: when activating beside what now blocks; never for a report (rule 3).
            ForbiddenTransition, StaleVersion, VersionRequired, NotFound, NotAllowed, KeyReused.
        """
        if request.expected_version is None:
            raise VersionRequired(
                "name the version that you saw in If-Match", expected='If-Match: "<version>"'
            )

        async def decide() -> _Act:
            return await self._decide_state(who, plan_id, asked, request)

        return await self._carry_out(who, plan_id, request, decide)

    async def _carry_out(
        self, who: Principal, plan_id: str, request: Request, decide: Callable[[], Awaitable[_Act]]
    ) -> Outcome:
        """Decide and write, anew when the plan moved on in between.

        A request that was carried out before gets its answer, whatever would be refused today.
        """
        try:
            for _ in range(_MAX_ROUNDS):
                outcome = await self._write(await decide(), request)
                if outcome is not None:
                    return outcome
        except ConflictingPlan:
            raise  # the call that found what is in the way looked for the request's own answer first
        except DetenteError:
            before = await answered_before(self._pool, who, plan_id, request)
            if before is None:
                raise
            return before
        raise Unavailable(f"the plan changed {_MAX_ROUNDS} times while this was decided; try again")

    async def _decide_volumes(self, who: Principal, plan_id: str, body: PlanBody, request: Request) -> _Act:
        now_ms = self._now_ms()
        require_times(body.volumes, now_ms)
        solids = self._neighbourhood.prepare(body.volumes)
        await self._require_may_claim(who, body, body.knows)
        state, decided = PlanState.ACCEPTED, None
        if request.expected_version is None:
            require_not_over(body.volumes, now_ms)
        else:
            was = await self._mine(who, plan_id)
            decided = was.version
            if decided == request.expected_version:
                require_changeable(was.state)
                state = was.state
                if must_look(state):
                    require_not_over(body.volumes, now_ms)
        return _Act(
            who=who,
            subject=Subject(
                Standing(plan_id, self._writer.new_ovn(plan_id), who.party_id, state, body.priority),
                solids,
                body.own_plans,
            ),
            body=body,
            knows=frozenset(body.knows),
            type="plan.declared" if decided is None else "plan.changed",
            decided_version=decided,
            recell=True,
        )

    async def _decide_state(self, who: Principal, plan_id: str, asked: StateBody, request: Request) -> _Act:
        was = await self._mine(who, plan_id)
        body = decode_body(was.body)
        if was.version == request.expected_version:
            require_transition(was.state, asked.state)
            if asked.state is PlanState.ACTIVATED:
                require_not_over(body.volumes, self._now_ms())
        # Another version is settled by the database, which knows the key of a request that is repeated late.
        if must_look(asked.state):
            await self._require_may_claim(who, body, asked.knows)
        return _Act(
            who=who,
            subject=Subject(
                Standing(plan_id, self._writer.new_ovn(plan_id), who.party_id, asked.state, body.priority),
                self._neighbourhood.solids_of(was.ovn, was.body) if must_look(asked.state) else (),
                body.own_plans,
            ),
            body=body,
            knows=frozenset(asked.knows),
            type=f"plan.{asked.state.value}",
            decided_version=was.version,
            recell=False,
        )

    async def _mine(self, who: Principal, plan_id: str) -> store.PlanRow:
        was = await store.find(self._pool, plan_id)
        if was is None or not may_see_plan(who.party_id, was.party_id, was.sharing):
            raise NotFound(f"there is no plan {plan_id} that you may see", plan_id=plan_id)
        if was.party_id != who.party_id:
            raise NotAllowed("the plan belongs to another party", plan_id=plan_id)
        if was.is_elsewhere:
            raise NotAllowed("the plan is managed at its own server; change it there", plan_id=plan_id)
        return was

    async def _require_may_claim(self, who: Principal, body: PlanBody, knows: tuple[str, ...]) -> None:
        require_priority(body.priority, await self._directory.priority_limit(who.party_id))
        if knows and OVERRIDE_SCOPE not in who.scopes:
            raise NotAllowed(
                f"to stand knowingly beside a conflicting plan takes scope {OVERRIDE_SCOPE}",
                field="knows",
                expected="an empty list",
                scope=OVERRIDE_SCOPE,
            )

    async def _write(self, act: _Act, request: Request) -> Outcome | None:
        """Write, examining whatever the database finds that was not examined yet, until nothing is new.

        Returns:
            The outcome; None if the act was decided on a version that is not the one it names: decide anew.
        """
        known: dict[str, str] = {}
        known_zones: set[str] = set()
        separations = await self._separations.now()
        write = self._prepare_write(act, request, separations)
        attempt = await self._writer.attempt(write.plan_id, act.body.volumes, write.state)
        for _ in range(_MAX_ROUNDS):
            answer = await attempt.write(write, known, known_zones, separations.epoch)
            if answer.status == "reload":
                separations = await self._separations.reload()
                write, known = self._prepare_write(act, request, separations), {}
            elif answer.status == "reread":
                return None
            elif answer.status == "unlocked":
                await seed_locks(self._pool, write.search.locks)
            elif answer.status == "look":
                known_zones |= await self._require_open(act, request, separations, answer.zones)
                near = await self._neighbourhood.complete(answer.neighbours, is_strict=True)
                found = await self._neighbourhood.examine(
                    act.subject, near, separations.rules, knows=act.knows
                )
                if found.blocking:
                    raise await self._refusal(act, request, separations, found)
                known.update(found.harmless)
            elif answer.status != "exists" or answer.party_id is not None:
                return await self._outcome(act, request, write, answer)
        raise Unavailable(
            f"the neighbours changed {_MAX_ROUNDS} times while this plan was examined; try again"
        )

    async def _require_open(
        self, act: _Act, request: Request, separations: SeparationsNow, near: Sequence[NearZone]
    ) -> frozenset[str]:
        """The OVNs of zones that do not close the air to the plan.

        Raises:
            ClosedZone: naming those that do.
        """
        if not near:
            return frozenset()
        found = await self._closures.examine(act.subject, near, knows=act.knows)
        if not found.closed:
            return found.harmless
        ways_out = await self._find_ways_out(act, request, separations)
        raise refusal_of(found.closed, act.subject.standing.plan_id, ways_out)

    async def _find_ways_out(
        self, act: _Act, request: Request, separations: SeparationsNow
    ) -> WaysOut | None:
        if not request.wants_ways_out:
            return None
        with suppress(Unavailable):  # the refusal stands even if not all that is further away is learnt
            await self._writer.look_around(act.body.volumes, WaysOutLimits())
        return await self._ways_out.search(
            act.subject, act.body.volumes, separations.rules, act.knows, WaysOutLimits()
        )

    def _prepare_write(self, act: _Act, request: Request, separations: SeparationsNow) -> store.Write:
        subject = act.subject
        looks = must_look(subject.standing.state)
        cells = rows_of(subject.solids, Reach()) if act.recell else no_rows()
        reach = reach_of(widest_separation(separations.rules, act.who.party_id))
        if not looks:
            search = cells  # its cells are locked all the same: subscribers and later writes count on that
        else:
            search = cells if act.recell and reach == Reach() else rows_of(subject.solids, reach)
        row = row_of(subject.standing, request.made_version, act.body, self._now_ms())
        return store.Write(
            plan_id=subject.standing.plan_id,
            party_id=act.who.party_id,
            account_id=act.who.account_id,
            token_sha256=act.who.token_sha256,
            now_ms=row.changed_ms,
            type=act.type,
            request=request.content,
            request_sha256=request.sha256,
            expected_version=request.expected_version,
            decided_version=act.decided_version,
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
            key_status=request.made_status,
            key_response=encode(view(act.who.party_id, row, act.body)),
            search=search,
            recell=act.recell,
            cells=cells,
            uss_base_url=self._addresses.get(act.who.party_id),
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
                seen_version=act.decided_version,
                request_sha256=request.sha256,
                body=act.body,
                found=found,
            )
        )
        conflicts = found.conflicts_for(act.who.party_id)
        ways_out = await self._find_ways_out(act, request, separations)
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
    ) -> Outcome | None:
        plan_id = write.plan_id
        if answer.status == "written":
            return Outcome(write.key_status, write.key_response, request.made_version)
        if answer.status == "replayed":
            body = answer.body or b""
            return Outcome(answer.version or 200, body, decode_version(body))
        if answer.status == "same":
            # None if the plan has moved on since: decided anew, it is told that it is stale.
            return await answered_before(self._pool, act.who, plan_id, request)
        if answer.status == "reused":
            raise key_reused(request)
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
