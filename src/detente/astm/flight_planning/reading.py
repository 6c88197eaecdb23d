"""A user's flight plan as a plan of ours: where, when, how important, and in which state it is to be."""

from datetime import timedelta

from msgspec import Struct

from detente.astm.f3548.volumes import to_plan_volumes, to_volume4d
from detente.astm.flight_planning import wire
from detente.astm.flight_planning.rules import MAX_AHEAD_DAYS, PRIORITY_FIELD, wanted_state
from detente.astm.flight_planning.wire_details import (
    ASTMF354821OpIntentInformation,
    FunctionalState,
    Volume4D,
)
from detente.errors import BadInput, NotAllowed, TooLarge
from detente.geo.limits import MAX_VERTICES
from detente.plans.model import MAX_PRIORITY, MAX_VOLUMES, PlanBody, PlanState, PlanView, PlanVolume
from detente.plans.volumes import from_ms, require_not_over, require_times

_AREA = "flight_plan.basic_information.area"
_TITLE_CHARS = 200


class Wanted(Struct, frozen=True):
    """What a user wants of a flight."""

    state: PlanState
    body: PlanBody | None
    """None for a flight that is closed: nothing else about it matters."""
    changes: bool
    """Whether the body differs from that of the plan in force."""


def read_wanted(plan: wire.FlightPlan, was: PlanView | None, now_ms: int) -> Wanted:
    """Read a flight plan.

    Args:
        plan: as decoded.
        was: the flight's plan in force, if it has one. Its volumes stand where the request has none.
        now_ms: the clock, ms since 1970-01-01 UTC.

    Raises:
        BadInput: a volume, a time or a priority that cannot be used; UnsupportedDatum and TooLarge too.
        NotAllowed: a priority above all that there is here.
        ForbiddenTransition: an aircraft that is not nominal in a flight that is only planned.
    """
    basic = plan.basic_information
    state = wanted_state(basic.usage_state, basic.uas_state)
    if state is PlanState.ENDED:
        return Wanted(state, None, changes=False)
    body = PlanBody(
        volumes=_volumes(basic.area or (), was, now_ms, state),
        title=(basic.description or "")[:_TITLE_CHARS],
        priority=_priority(plan),
    )
    is_same = was is not None and (was.volumes, was.title, was.priority) == (
        body.volumes,
        body.title,
        body.priority,
    )
    return Wanted(state, body, changes=not is_same)


def as_planned(asked: wire.FlightPlan, stands: PlanView) -> wire.FlightPlan:
    """The user's flight plan with what was really planned: state, area and priority, and no telemetry.

    Args:
        asked: as decoded.
        stands: the plan as it stands, seen by its owner.
    """
    usage: wire.UsageState = "Planned" if stands.state is PlanState.ACCEPTED else "InUse"
    uas: FunctionalState = "Nominal"
    if stands.state is PlanState.NONCONFORMING:
        uas = "OffNominal"
    elif stands.state is PlanState.CONTINGENT:
        uas = "Contingent"
    area = tuple(wire.from_standard(to_volume4d(one)) for one in stands.volumes or ())
    return wire.FlightPlan(
        basic_information=wire.BasicFlightPlanInformation(
            usage_state=usage,
            uas_state=uas,
            area=area,
            description=asked.basic_information.description,
            utm_id=asked.basic_information.utm_id,
            specific_session_id=asked.basic_information.specific_session_id,
        ),
        uas=asked.uas,
        operator=asked.operator,
        astm_f3548_21=ASTMF354821OpIntentInformation(priority=stands.priority),
        uspace_flight_authorisation=asked.uspace_flight_authorisation,
        rpas_operating_rules_2_6=asked.rpas_operating_rules_2_6,
        additional_information=asked.additional_information,
    )


def _volumes(
    area: tuple[Volume4D, ...], was: PlanView | None, now_ms: int, state: PlanState
) -> tuple[PlanVolume, ...]:
    if not area and was is not None and was.volumes:
        return was.volumes
    if not area:
        raise BadInput(
            f"{_AREA} is empty: a flight that is flown somewhere has an area",
            field=_AREA,
            expected="at least one volume",
            actual="none",
        )
    _require_sizes(area)
    standard = [wire.to_standard(one, f"{_AREA}[{i}]") for i, one in enumerate(area)]
    volumes = to_plan_volumes(standard, _AREA)
    require_times(volumes, now_ms)
    _require_horizon(volumes, now_ms)
    if state in {PlanState.ACCEPTED, PlanState.ACTIVATED}:
        require_not_over(volumes, now_ms)
    return volumes


def _require_sizes(area: tuple[Volume4D, ...]) -> None:
    if len(area) > MAX_VOLUMES:
        raise TooLarge(f"{_AREA} has {len(area)} volumes", field=_AREA, limit=MAX_VOLUMES, actual=len(area))
    vertices = sum(
        len(one.volume.outline_polygon.vertices) for one in area if one.volume.outline_polygon is not None
    )
    if vertices > MAX_VERTICES:
        raise TooLarge(f"{_AREA} has {vertices} vertices", field=_AREA, limit=MAX_VERTICES, actual=vertices)


def _require_horizon(volumes: tuple[PlanVolume, ...], now_ms: int) -> None:
    latest = from_ms(now_ms) + timedelta(days=MAX_AHEAD_DAYS)
    for i, volume in enumerate(volumes):
        if volume.start > latest:
            raise BadInput(
                f"{_AREA}[{i}] begins at {volume.start.isoformat()}, more than {MAX_AHEAD_DAYS} days ahead",
                field=f"{_AREA}[{i}].time_start",
                expected=f"at most {latest.isoformat()}",
                actual=volume.start.isoformat(),
            )


def _priority(plan: wire.FlightPlan) -> int:
    asked = None if plan.astm_f3548_21 is None else plan.astm_f3548_21.priority
    if asked is None:
        return 0
    if asked < 0:
        raise BadInput(
            f"{PRIORITY_FIELD} is {asked}",
            field=PRIORITY_FIELD,
            expected=f"0 to {MAX_PRIORITY}",
            actual=asked,
        )
    if asked > MAX_PRIORITY:
        raise NotAllowed(
            f"priority {asked} is above {MAX_PRIORITY}, the highest here",
            field=PRIORITY_FIELD,
            expected=f"0 to {MAX_PRIORITY}",
            actual=asked,
        )
    return asked
