"""The messages of InterUSS' flight planning interface.

Source: flight_planning.yaml, whose `api_version` is v0.7.0, and user_notification.yaml.
"""

from typing import Literal

from detente.astm.f3548 import wire as f3548
from detente.astm.f3548.wire import Message, Time
from detente.astm.flight_planning.wire_details import (
    Altitude,
    ASTMF354821OpIntentInformation,
    FlightAuthorisationData,
    FlightTelemetry,
    FunctionalState,
    OperatorInformation,
    RPAS26FlightDetails,
    UASInformation,
    Volume3D,
    Volume4D,
)
from detente.errors import UnsupportedDatum
from detente.plans.volumes import from_ms

UsageState = Literal["Planned", "InUse", "Closed"]
ExecutionStyle = Literal["Hypothetical", "IfAllowed", "InReality"]
PlanningActivityResult = Literal["Completed", "Rejected", "Failed", "NotSupported"]
FlightPlanStatus = Literal["NotPlanned", "Planned", "OkToFly", "OffNominal", "Closed"]
AdvisoryInclusion = Literal["Unknown", "AtLeastOneAdvisoryOrCondition", "NoAdvisoriesOrConditions"]


class StatusResponse(Message, frozen=True):
    """Whether this interface is ready."""

    status: Literal["Starting", "Ready"]
    api_name: str | None = None
    api_version: str | None = None


class BasicFlightPlanInformation(Message, frozen=True):
    """Where, when and how far a flight is."""

    usage_state: UsageState
    uas_state: FunctionalState | None = None
    area: tuple[Volume4D, ...] | None = None
    description: str | None = None
    utm_id: str | None = None
    specific_session_id: str | None = None


class FlightPlan(Message, frozen=True):
    """A flight as its user wants it."""

    basic_information: BasicFlightPlanInformation
    uas: UASInformation | None = None
    operator: OperatorInformation | None = None
    telemetry: FlightTelemetry | None = None
    astm_f3548_21: ASTMF354821OpIntentInformation | None = None
    uspace_flight_authorisation: FlightAuthorisationData | None = None
    rpas_operating_rules_2_6: RPAS26FlightDetails | None = None
    additional_information: dict[str, object] | None = None
    """What test and participant have agreed upon: passed on as it came."""


class UpsertFlightPlanRequest(Message, frozen=True):
    """A flight to plan or change; the same `request_id` gets the same answer."""

    flight_plan: FlightPlan
    execution_style: ExecutionStyle
    request_id: str


class UpsertFlightPlanResponse(Message, frozen=True):
    """What came of it, and where the flight stands."""

    planning_result: PlanningActivityResult
    flight_plan_status: FlightPlanStatus
    notes: str | None = None
    as_planned: FlightPlan | None = None
    includes_advisories: AdvisoryInclusion | None = None


class DeleteFlightPlanResponse(Message, frozen=True):
    """What came of closing a flight."""

    planning_result: PlanningActivityResult
    flight_plan_status: FlightPlanStatus
    notes: str | None = None
    includes_advisories: AdvisoryInclusion | None = None


class ClearAreaRequest(Message, frozen=True):
    """An area in which no flight may be left."""

    request_id: str
    extent: Volume4D


class ClearAreaOutcome(Message, frozen=True):
    """Whether none is left."""

    success: bool | None = None
    message: str | None = None
    details: dict[str, object] | None = None


class ClearAreaResponse(Message, frozen=True):
    """What came of clearing an area."""

    outcome: ClearAreaOutcome


class UserNotification(Message, frozen=True):
    """What a user was told, and when."""

    observed_at: Time
    message: str | None = None
    conflicts: Literal["Unknown", "None", "Single", "Multiple"] | None = None


class QueryUserNotificationsResponse(Message, frozen=True):
    """What a user was told between two times."""

    user_notifications: tuple[UserNotification, ...]


def notification(observed_ms: int, message: str, conflicts: int) -> UserNotification:
    """What a user was told of so many conflicts, ms since 1970-01-01 UTC."""
    return UserNotification(
        observed_at=f3548.time_of(from_ms(observed_ms)),
        message=message,
        conflicts="Single" if conflicts == 1 else "Multiple",
    )


def to_standard(volume: Volume4D, field: str) -> f3548.Volume4D:
    """The volume as ASTM F3548-21 has it.

    Args:
        volume: as decoded.
        field: its path in the request, for messages.

    Raises:
        UnsupportedDatum: for an altitude that is not above the ellipsoid.
    """
    space = volume.volume
    return f3548.Volume4D(
        volume=f3548.Volume3D(
            outline_circle=space.outline_circle,
            outline_polygon=space.outline_polygon,
            altitude_lower=_altitude(space.altitude_lower, f"{field}.volume.altitude_lower"),
            altitude_upper=_altitude(space.altitude_upper, f"{field}.volume.altitude_upper"),
        ),
        time_start=volume.time_start,
        time_end=volume.time_end,
    )


def from_standard(volume: f3548.Volume4D) -> Volume4D:
    """A volume of ASTM F3548-21 as this interface has it."""
    space = volume.volume
    lower, upper = space.altitude_lower, space.altitude_upper
    return Volume4D(
        volume=Volume3D(
            outline_circle=space.outline_circle,
            outline_polygon=space.outline_polygon,
            altitude_lower=None if lower is None else Altitude(lower.value, lower.reference, lower.units),
            altitude_upper=None if upper is None else Altitude(upper.value, upper.reference, upper.units),
        ),
        time_start=volume.time_start,
        time_end=volume.time_end,
    )


def _altitude(altitude: Altitude | None, field: str) -> f3548.Altitude | None:
    if altitude is None:
        return None
    if altitude.reference != "W84":
        raise UnsupportedDatum(
            f"{field}.reference is {altitude.reference}; expected W84",
            field=f"{field}.reference",
            expected="W84",
            actual=altitude.reference,
        )
    return f3548.Altitude(altitude.value, altitude.reference, altitude.units)
