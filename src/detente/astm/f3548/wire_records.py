"""The records of ASTM F3548-21: what is logged, and what one server reports to another.

Source: ASTM F3548-21, OpenAPI 1.0.0, components/schemas.
"""

from typing import Annotated, Literal

from msgspec import Meta

from detente.astm.f3548.wire import Message, Ovn, Time, Whole
from detente.astm.f3548.wire_details import VehicleTelemetry
from detente.plans.model import Uuid

NotificationEvent = Literal[
    "GEN0400",
    "GEN0405",
    "SCD0090",
    "SCD0095",
    "ACM0010",
    "CMSA0115",
    "CMSA0300",
    "CSTP0005",
    "CSTP0010",
    "CSTP0020",
    "CSTP0025",
    "CSTP0030",
    "CSTO0035",
]
InputEvent = Literal[
    "OPIN0040",
    "CMSA0010",
    "CMSA0025",
    "CMSA0100",
    "CMSA0105",
    "CMSA0110",
    "CMSA0200",
    "CMSA0205",
    "CMSA0210",
    "CMSA0215",
]


class ExchangeRecord(Message, frozen=True):
    """One request and its answer, seen from one side; bodies are base64."""

    url: str
    method: str
    recorder_role: Literal["Client", "Server"]
    request_time: Time
    request_source: str | None = None
    """Required by the schema, which says nowhere what it is: always written, and not missed when read."""
    headers: tuple[str, ...] | None = None
    request_body: str | None = None
    response_time: Time | None = None
    response_body: str | None = None
    response_code: Whole | None = None
    problem: str | None = None


class ErrorReport(Message, frozen=True):
    """A report of a failed exchange; `report_id` is the receiver's."""

    exchange: ExchangeRecord
    report_id: Annotated[str, Meta(max_length=128)] | None = None


class PositionRecord(Message, frozen=True):
    """A measurement and when it arrived."""

    time_received: Time
    telemetry: VehicleTelemetry


class OperationalIntentPositions(Message, frozen=True):
    """All measurements of one operational intent."""

    operational_intent_id: Uuid
    positions: tuple[PositionRecord, ...] | None = None


class PlanningRecord(Message, frozen=True):
    """One attempt to plan, and what was known at that time."""

    time: Time
    ovns: tuple[Ovn, ...]
    missing_operational_intents: tuple[Uuid, ...] | None = None
    missing_constraints: tuple[Uuid, ...] | None = None
    operational_intent_id: Uuid | None = None
    problem: str | None = None


class UserNotificationRecord(Message, frozen=True):
    """What a user was told, when, and for which requirement."""

    triggering_event_time: Time
    notification_time: Time
    notification_triggering_event: NotificationEvent
    notification_details: str | None = None


class UserInputRecord(Message, frozen=True):
    """What a user put in, when, and for which requirement."""

    triggering_event_time: Time
    operational_intent_id: Uuid
    input_triggering_event: InputEvent
    input_details: str | None = None


class OperatorAssociation(Message, frozen=True):
    """Whose an operational intent is."""

    operational_intent_id: Uuid
    operator_id: str


class ConstraintProviderAssociation(Message, frozen=True):
    """Whose a constraint is."""

    constraint_id: Uuid
    constraint_provider_id: str


class USSLogSet(Message, frozen=True):
    """Everything that the standard wants logged."""

    messages: tuple[ExchangeRecord, ...] | None = None
    operator_notifications: tuple[UserNotificationRecord, ...] | None = None
    operator_inputs: tuple[UserInputRecord, ...] | None = None
    operator_associations: tuple[OperatorAssociation, ...] | None = None
    planning_attempts: tuple[PlanningRecord, ...] | None = None
    operational_intent_positions: tuple[OperationalIntentPositions, ...] | None = None
    constraint_provider_associations: tuple[ConstraintProviderAssociation, ...] | None = None
