"""What a user's wish means for a plan: pure functions on plain values.

Rule 1: how the flight is used and how its aircraft is say together in which state the plan is to be.
Rule 2: an aircraft that is not nominal is flying; so a flight that is only planned cannot have one. OPIN0015.
Rule 3: a new plan is accepted first, whatever it becomes in the same request.
Rule 4: an off-nominal plan takes new volumes before it becomes contingent: nothing changes after that.
Rule 5: what is refused leaves the plan as it was, and the answer says where it stands.

Source: InterUSS, flight planning automated testing interface v0.7.0; ASTM F3548-21.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from detente.astm.flight_planning.wire import (
    FlightPlanStatus,
    PlanningActivityResult,
    UsageState,
)
from detente.astm.flight_planning.wire_details import FunctionalState
from detente.errors import (
    BadInput,
    ConflictingPlan,
    DetenteError,
    ForbiddenTransition,
    NotAllowed,
    Refused,
    UnsupportedDatum,
)
from detente.plans.model import PlanState

MAX_AHEAD_DAYS: Final = 30
"""No flight begins further ahead (F3548-21, OiMaxPlanHorizon)."""
PRIORITY_FIELD: Final = "flight_plan.astm_f3548_21.priority"
OFF_NOMINAL: Final = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})

_STATUS: Final[Mapping[PlanState, FlightPlanStatus]] = {
    PlanState.ACCEPTED: "Planned",
    PlanState.ACTIVATED: "OkToFly",
    PlanState.NONCONFORMING: "OffNominal",
    PlanState.CONTINGENT: "OffNominal",
    PlanState.ENDED: "Closed",
}
_IN_USE: Final[Mapping[FunctionalState, PlanState]] = {
    "Nominal": PlanState.ACTIVATED,
    "NotSpecified": PlanState.ACTIVATED,
    "OffNominal": PlanState.NONCONFORMING,
    "Contingent": PlanState.CONTINGENT,
}


class Step(StrEnum):
    """One verb on the plan."""

    VOLUMES = "volumes"
    """It is declared, or changed."""
    ACTIVATED = "activated"
    NONCONFORMING = "nonconforming"
    CONTINGENT = "contingent"
    ENDED = "ended"


def wanted_state(usage: UsageState, uas: FunctionalState | None) -> PlanState:
    """The state in which the plan is to be (rules 1 and 2).

    Raises:
        ForbiddenTransition: for a flight that is only planned, with an aircraft that is not nominal.
    """
    if usage == "Closed":
        return PlanState.ENDED
    if usage == "InUse":
        return _IN_USE[uas or "Nominal"]
    if uas in {"OffNominal", "Contingent"}:
        raise ForbiddenTransition(
            f"a flight that is only planned has no aircraft that could be {uas}: report it as InUse",
            asked=uas,
        )
    return PlanState.ACCEPTED


def status_of(state: PlanState | None) -> FlightPlanStatus:
    """Where the user's flight stands; None: nothing was ever planned."""
    return "NotPlanned" if state is None else _STATUS[state]


def steps(was: PlanState | None, wanted: PlanState, *, changes: bool) -> tuple[Step, ...]:
    """Which verbs bring a plan where the user wants it, in order (rules 3 and 4).

    Args:
        was: where it stands; None if there is no plan in force.
        wanted: where it is to stand.
        changes: whether anything about it but its state changes.

    Raises:
        ForbiddenTransition: the user wants what cannot follow.
    """
    if was is None:
        return _begin(wanted)
    _require_may_follow(was, wanted, changes=changes)
    if wanted in {PlanState.ENDED, PlanState.ACCEPTED}:
        return (Step.ENDED,) if wanted is PlanState.ENDED else (Step.VOLUMES,)
    volumes = (Step.VOLUMES,) if changes else ()
    if was is wanted:
        return volumes
    if wanted is PlanState.ACTIVATED:
        return (*volumes, Step.ACTIVATED)
    reported = () if was is PlanState.NONCONFORMING else (Step.NONCONFORMING,)
    if wanted is PlanState.NONCONFORMING:
        return (*reported, *volumes)
    return (*reported, *volumes, Step.CONTINGENT) if changes else (Step.CONTINGENT,)


def _begin(wanted: PlanState) -> tuple[Step, ...]:
    if wanted is PlanState.ENDED:
        raise ForbiddenTransition("there is no such flight that could be closed", asked="closed")
    return (Step.VOLUMES,) if wanted is PlanState.ACCEPTED else (Step.VOLUMES, Step(wanted.value))


def _require_may_follow(was: PlanState, wanted: PlanState, *, changes: bool) -> None:
    """Refuse what no verb does: to wake what has ended, to return from flight, to move what is contingent."""
    asked = wanted.value
    if was is PlanState.CONTINGENT and wanted is was:
        is_forbidden, asked = changes, "somewhere else"
    elif wanted is PlanState.ENDED:
        is_forbidden = was is PlanState.ENDED
    else:
        is_forbidden = was in {PlanState.CONTINGENT, PlanState.ENDED} or (
            wanted is PlanState.ACCEPTED and was is not wanted
        )
    if is_forbidden:
        raise ForbiddenTransition(
            f"a plan that is {was.value} cannot be {asked} any more", state=was.value, asked=asked
        )


def result_of(refusal: DetenteError) -> PlanningActivityResult:
    """How a refusal is told: by the rules, as something that is not done here, or as a failure."""
    if isinstance(refusal, UnsupportedDatum):
        return "NotSupported"
    if isinstance(refusal, NotAllowed):
        return "NotSupported" if is_about_priority(refusal) else "Failed"
    if isinstance(refusal, ConflictingPlan | BadInput | Refused):
        return "Rejected"
    return "Failed"


def is_about_priority(refusal: NotAllowed) -> bool:
    """Whether a refusal is for a priority above what may be claimed here."""
    return refusal.members.get("field") in {"priority", PRIORITY_FIELD}
