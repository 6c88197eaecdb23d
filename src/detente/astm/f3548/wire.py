"""The messages of ASTM F3548-21 between a USS and the discovery service, and what all its messages share.

Names are the standard's, so a struct reads as its schema. What a message may leave out is None here and is
left out again when None; whatever else stands in a struct is written, also when it is empty, 0 or false.
Messages between two USSs are in `wire_details`, those for logs and reports in `wire_records`.

Source: ASTM F3548-21, OpenAPI 1.0.0, components/schemas.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from detente.errors import BadInput
from detente.plans.model import Uuid


class Message(Struct, frozen=True, omit_defaults=True):
    """The root of all messages: members that are not known are ignored, those that are None are left out."""


UssBaseUrl = Annotated[str, Meta(min_length=1, max_length=2_000)]
Ovn = Annotated[str, Meta(max_length=128)]
"""Read at any length up to the longest: a short one in a key is known to nobody and proves nothing."""
Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Whole = Annotated[int, Meta(ge=-2_147_483_648, le=2_147_483_647)]
Latitude = Annotated[float, Meta(ge=-90.0, le=90.0)]
Longitude = Annotated[float, Meta(ge=-180.0, le=180.0)]

OperationalIntentState = Literal["Accepted", "Activated", "Nonconforming", "Contingent"]
UssAvailabilityState = Literal["Unknown", "Normal", "Down"]

_AVAILABILITY: dict[str, UssAvailabilityState] = {"unknown": "Unknown", "normal": "Normal", "down": "Down"}


class Time(Message, frozen=True):
    """An instant. Read with any zone, held and written in UTC."""

    value: Annotated[datetime, Meta(tz=True)]
    format: Literal["RFC3339"]

    def __post_init__(self) -> None:
        try:
            structs.force_setattr(self, "value", self.value.astimezone(UTC))
        except OverflowError as beyond:
            # msgspec names the member of a ValueError, and of nothing else.
            raise ValueError("Expected a time in the years 1 to 9999") from beyond


def time_of(at: datetime) -> Time:
    """An aware time as the standard writes it."""
    return Time(at, "RFC3339")


class Radius(Message, frozen=True):
    """Metres from a centre, along the ellipsoid."""

    value: Annotated[float, Meta(gt=0.0)]
    units: Literal["M"]


class Altitude(Message, frozen=True):
    """Metres above the WGS 84 ellipsoid."""

    value: Annotated[float, Meta(ge=-8_000.0, le=100_000.0)]
    reference: Literal["W84"]
    units: Literal["M"]


class LatLngPoint(Message, frozen=True):
    """A position on the ellipsoid, degrees."""

    lat: Latitude
    lng: Longitude


class Polygon(Message, frozen=True):
    """A ring of vertices joined by shortest paths, the first not repeated; inside is the smaller side."""

    vertices: Annotated[tuple[LatLngPoint, ...], Meta(min_length=3)]


class Circle(Message, frozen=True):
    """A circle; both members are needed for it to mean anything, and the schema asks for neither."""

    center: LatLngPoint | None = None
    radius: Radius | None = None


class Volume3D(Message, frozen=True):
    """A shape between two altitudes: exactly one outline, altitudes unbounded where absent."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Message, frozen=True):
    """A volume from one time to another, unbounded where absent."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


Extents = Annotated[tuple[Volume4D, ...], Meta(min_length=1)]


class ErrorResponse(Message, frozen=True):
    """What went wrong, for a person."""

    message: str | None = None


class SubscriptionState(Message, frozen=True):
    """Which notification of a subscription this is."""

    subscription_id: Uuid
    notification_index: Count


class SubscriberToNotify(Message, frozen=True):
    """Whom the writer must tell, and for which subscriptions."""

    subscriptions: Annotated[tuple[SubscriptionState, ...], Meta(min_length=1)]
    uss_base_url: UssBaseUrl


class Subscription(Message, frozen=True):
    """A standing wish to be told of changes."""

    id: Uuid
    version: str
    notification_index: Count
    uss_base_url: UssBaseUrl
    time_start: Time | None = None
    time_end: Time | None = None
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None
    implicit_subscription: bool | None = None
    dependent_operational_intents: tuple[Uuid, ...] | None = None


class QuerySubscriptionParameters(Message, frozen=True):
    """Which area's subscriptions."""

    area_of_interest: Volume4D | None = None


class QuerySubscriptionsResponse(Message, frozen=True):
    """The caller's subscriptions in an area."""

    subscriptions: tuple[Subscription, ...]


class GetSubscriptionResponse(Message, frozen=True):
    """One subscription."""

    subscription: Subscription


class PutSubscriptionParameters(Message, frozen=True):
    """A subscription to create or change."""

    extents: Volume4D
    uss_base_url: UssBaseUrl
    notify_for_operational_intents: bool | None = None
    notify_for_constraints: bool | None = None


class OperationalIntentReference(Message, frozen=True):
    """That there is an operational intent, from when to when, and where to ask for it."""

    id: Uuid
    manager: str
    uss_availability: UssAvailabilityState
    version: Whole
    state: OperationalIntentState
    time_start: Time
    time_end: Time
    uss_base_url: UssBaseUrl
    subscription_id: Uuid
    ovn: Ovn | None = None


class ConstraintReference(Message, frozen=True):
    """That there is a constraint, from when to when, and where to ask for it."""

    id: Uuid
    manager: str
    uss_availability: UssAvailabilityState
    version: Whole
    time_start: Time
    time_end: Time
    uss_base_url: UssBaseUrl
    ovn: Ovn | None = None


class PutSubscriptionResponse(Message, frozen=True):
    """The subscription as it is now, and what it would have told of."""

    subscription: Subscription
    operational_intent_references: tuple[OperationalIntentReference, ...] | None = None
    constraint_references: tuple[ConstraintReference, ...] | None = None


class DeleteSubscriptionResponse(Message, frozen=True):
    """The subscription that is gone."""

    subscription: Subscription


class ImplicitSubscriptionParameters(Message, frozen=True):
    """A subscription that lives as long as the operational intent it is made for."""

    uss_base_url: UssBaseUrl
    notify_for_constraints: bool | None = None


class PutOperationalIntentReferenceParameters(Message, frozen=True):
    """An operational intent to create or change, and the proof of what its planner knew."""

    extents: Extents
    state: OperationalIntentState
    uss_base_url: UssBaseUrl
    key: tuple[Ovn, ...] | None = None
    subscription_id: Uuid | None = None
    new_subscription: ImplicitSubscriptionParameters | None = None
    requested_ovn_suffix: str | None = None
    """Not the standard's: a wish of InterUSS' tests and services for an OVN that can be foretold."""


class GetOperationalIntentReferenceResponse(Message, frozen=True):
    """One reference."""

    operational_intent_reference: OperationalIntentReference


class ChangeOperationalIntentReferenceResponse(Message, frozen=True):
    """The reference as it is now, and whom its manager must tell."""

    subscribers: tuple[SubscriberToNotify, ...]
    operational_intent_reference: OperationalIntentReference


class QueryOperationalIntentReferenceParameters(Message, frozen=True):
    """Which area's operational intents."""

    area_of_interest: Volume4D | None = None


class QueryOperationalIntentReferenceResponse(Message, frozen=True):
    """The operational intents in an area."""

    operational_intent_references: tuple[OperationalIntentReference, ...]


class PutConstraintReferenceParameters(Message, frozen=True):
    """A constraint to create or change."""

    extents: Extents
    uss_base_url: UssBaseUrl


class GetConstraintReferenceResponse(Message, frozen=True):
    """One reference."""

    constraint_reference: ConstraintReference


class ChangeConstraintReferenceResponse(Message, frozen=True):
    """The reference as it is now, and whom its manager must tell."""

    subscribers: tuple[SubscriberToNotify, ...]
    constraint_reference: ConstraintReference


class QueryConstraintReferenceParameters(Message, frozen=True):
    """Which area's constraints."""

    area_of_interest: Volume4D | None = None


class QueryConstraintReferencesResponse(Message, frozen=True):
    """The constraints in an area."""

    constraint_references: tuple[ConstraintReference, ...]


class AirspaceConflictResponse(Message, frozen=True):
    """What the key of a write did not prove knowledge of."""

    message: str | None = None
    missing_operational_intents: tuple[OperationalIntentReference, ...] | None = None
    missing_constraints: tuple[ConstraintReference, ...] | None = None


class UssAvailabilityStatus(Message, frozen=True):
    """Whether a USS answers, as an arbiter has said."""

    uss: str
    availability: UssAvailabilityState


class SetUssAvailabilityStatusParameters(Message, frozen=True):
    """What an arbiter says of a USS; read `availability` with `read_availability`.

    The schema requires `old_version`; InterUSS' tests leave it out where nothing was said before.
    """

    availability: str
    old_version: str | None = None


class UssAvailabilityStatusResponse(Message, frozen=True):
    """What is known of a USS's availability, and the version of that."""

    version: str
    status: UssAvailabilityStatus


def read_availability(text: str) -> UssAvailabilityState:
    """Read the availability that an arbiter says, in letters of either case.

    Raises:
        BadInput: for any other word.
    """
    known = _AVAILABILITY.get(text.lower())
    if known is None:
        raise BadInput(
            f"availability is {text[:64]!r}; expected Unknown, Normal or Down",
            field="availability",
            expected="Unknown, Normal or Down",
            actual=text[:64],
        )
    return known
