"""The messages of ASTM F3548-21 between two USSs: details, notifications, telemetry.

Source: ASTM F3548-21, OpenAPI 1.0.0, components/schemas; geographical zones as in EUROCAE ED-269.
"""

from typing import Annotated, Literal

from msgspec import Meta

from detente.astm.f3548.wire import (
    Altitude,
    ConstraintReference,
    Latitude,
    Longitude,
    Message,
    OperationalIntentReference,
    SubscriptionState,
    Time,
    Volume4D,
)
from detente.plans.model import Uuid

ShortText = Annotated[str, Meta(max_length=200)]
PositionAccuracyVertical = Literal[
    "VAUnknown", "VA150mPlus", "VA150m", "VA45m", "VA25m", "VA10m", "VA3m", "VA1m"
]
PositionAccuracyHorizontal = Literal[
    "HAUnknown",
    "HA10NMPlus",
    "HA10NM",
    "HA4NM",
    "HA2NM",
    "HA1NM",
    "HA05NM",
    "HA03NM",
    "HA01NM",
    "HA005NM",
    "HA30m",
    "HA10m",
    "HA3m",
    "HA1m",
]
ZoneType = Literal["COMMON", "CUSTOMIZED", "PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION"]
ZoneReason = Literal[
    "AIR_TRAFFIC",
    "SENSITIVE",
    "PRIVACY",
    "POPULATION",
    "NATURE",
    "NOISE",
    "FOREIGN_TERRITORY",
    "EMERGENCY",
    "OTHER",
]
AuthorityRole = Literal["AUTHORIZATION", "NOTIFICATION", "INFORMATION"]
Notified = Annotated[tuple[SubscriptionState, ...], Meta(min_length=1)]


class OperationalIntentDetails(Message, frozen=True):
    """Where and when: nominal volumes, those flown beside them, and the regulator's priority (absent: 0)."""

    volumes: tuple[Volume4D, ...] | None = None
    off_nominal_volumes: tuple[Volume4D, ...] | None = None
    priority: int | None = None


class OperationalIntent(Message, frozen=True):
    """An operational intent in full."""

    reference: OperationalIntentReference
    details: OperationalIntentDetails


class PutOperationalIntentDetailsParameters(Message, frozen=True):
    """A peer tells of an operational intent that changed; None: it is gone."""

    operational_intent_id: Uuid
    subscriptions: Notified
    operational_intent: OperationalIntent | None = None


class GetOperationalIntentDetailsResponse(Message, frozen=True):
    """An operational intent in full, as its manager answers."""

    operational_intent: OperationalIntent


class Authority(Message, frozen=True):
    """Whom to ask or tell about a geographical zone."""

    name: ShortText | None = None
    service: ShortText | None = None
    contact_name: ShortText | None = None
    site_url: ShortText | None = None
    email: ShortText | None = None
    phone: ShortText | None = None
    purpose: AuthorityRole | None = None
    interval_before: str | None = None
    """ISO 8601 duration."""


class GeoZone(Message, frozen=True):
    """A constraint that is a UAS geographical zone of ED-269."""

    identifier: Annotated[str, Meta(max_length=7)]
    country: Annotated[str, Meta(min_length=3, max_length=3)]
    zone_authority: Annotated[tuple[Authority, ...], Meta(min_length=1)]
    type: ZoneType
    restriction: str
    name: ShortText | None = None
    restriction_conditions: tuple[Annotated[str, Meta(max_length=10_000)], ...] | None = None
    region: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    reason: Annotated[tuple[ZoneReason, ...], Meta(max_length=9)] | None = None
    other_reason_info: Annotated[str, Meta(max_length=30)] | None = None
    regulation_exemption: Literal["YES", "NO"] | None = None
    u_space_class: Annotated[str, Meta(max_length=100)] | None = None
    message: ShortText | None = None
    additional_properties: dict[str, object] | None = None
    """What a State adds: passed on as it came, never looked into."""


class ConstraintDetails(Message, frozen=True):
    """Where and when a constraint holds, and what it is."""

    volumes: Annotated[tuple[Volume4D, ...], Meta(min_length=1)]
    type: str | None = None
    geozone: GeoZone | None = None


class Constraint(Message, frozen=True):
    """A constraint in full."""

    reference: ConstraintReference
    details: ConstraintDetails


class PutConstraintDetailsParameters(Message, frozen=True):
    """A peer tells of a constraint that changed; None: it is gone."""

    constraint_id: Uuid
    subscriptions: Notified
    constraint: Constraint | None = None


class GetConstraintDetailsResponse(Message, frozen=True):
    """A constraint in full, as its manager answers."""

    constraint: Constraint


class Position(Message, frozen=True):
    """Where an aircraft was."""

    longitude: Longitude | None = None
    latitude: Latitude | None = None
    accuracy_h: PositionAccuracyHorizontal | None = None
    accuracy_v: PositionAccuracyVertical | None = None
    extrapolated: bool | None = None
    altitude: Altitude | None = None


class Velocity(Message, frozen=True):
    """How it moved over the ground: metres per second, degrees from true north (360: not known)."""

    speed: float
    units_speed: Literal["MetersPerSecond"]
    track: float | None = None


class VehicleTelemetry(Message, frozen=True):
    """One measurement of an aircraft."""

    time_measured: Time
    position: Position | None = None
    velocity: Velocity | None = None


class GetOperationalIntentTelemetryResponse(Message, frozen=True):
    """The latest measurement, and when to ask again."""

    operational_intent_id: Uuid
    telemetry: VehicleTelemetry | None = None
    next_telemetry_opportunity: Time | None = None
