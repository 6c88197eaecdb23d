"""What a test harness and its user are told in words."""

from collections.abc import Sequence

from detente.errors import ConflictingPlan, DetenteError
from detente.plans.met import Met
from detente.plans.model import Conflict, Sharing

NO_TELEMETRY = "Telemetry is not taken up here; the flight was planned without it."
NOT_KNOWN = "There is no such flight here, so there is nothing to close."
NEVER_PLANNED = "Nothing was planned for this flight, so there is nothing to close."
CLOSED_BEFORE = "The flight was closed before."
IN_REALITY = "The flight is flown although it conflicts, so its plan is off-nominal."
HYPOTHETICAL = "Nothing was changed: this is what would come of it now."
TRY_AGAIN = "The flight was changed by somebody else at the same time; try again."
_MOST = 5


def conflicts_of(refusal: DetenteError) -> tuple[Conflict, ...]:
    """The conflicts that a refusal names."""
    named = refusal.members.get("conflicts") if isinstance(refusal, ConflictingPlan) else None
    return tuple(one for one in named if isinstance(one, Conflict)) if isinstance(named, tuple) else ()


def why(refusal: DetenteError) -> str:
    """A refusal in one or two sentences."""
    told = [
        f"{_plan(one.plan_id)} of {one.party_id} from {one.start.isoformat()} to {one.end.isoformat()}"
        for one in conflicts_of(refusal)
    ]
    return f"{refusal.detail}{_listed(told)}."


def beside(met: Sequence[Met]) -> str:
    """What a plan in force stands beside; empty if it is nothing."""
    if not met:
        return ""
    told = [f"{_of(one)}, {one.standing.state.value}" for one in met]
    return f"The plan stands in conflict with {_count(len(met))}{_listed(told)}."


def notified(plan_id: str, met: Sequence[Met]) -> str:
    """What a user is told when a plan of theirs has come into conflict."""
    told = [f"{_of(one)}, {one.standing.state.value}" for one in met]
    return f"Your plan {plan_id} is in conflict with {_count(len(met))}{_listed(told)}."


def attempted(plan_id: str, refusal: DetenteError) -> str:
    """What a user is told whose plan was refused because of a conflict."""
    return f"Your plan {plan_id} was refused: {why(refusal)}"


def _of(one: Met) -> str:
    plan_id = None if one.sharing is Sharing.CONFLICTS else one.standing.plan_id
    return f"{_plan(plan_id)} of {one.standing.party_id}"


def _plan(plan_id: str | None) -> str:
    return "a plan that is not shown" if plan_id is None else f"plan {plan_id}"


def _count(n: int) -> str:
    return "another plan" if n == 1 else f"{n} other plans"


def _listed(told: Sequence[str]) -> str:
    if not told:
        return ""
    more = f"; and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f": {'; '.join(told[:_MOST])}{more}"
