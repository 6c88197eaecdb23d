"""The nouns of discovery: references, subscriptions, availability, and who is to be told of a change."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from detente.geo.model import Shape
from detente.plans.model import PlanState, PlanVolume, Sharing


class Availability(StrEnum):
    """Whether a party's own server answers, as arbitration found it. Unknown is as good as normal."""

    UNKNOWN = "unknown"
    NORMAL = "normal"
    DOWN = "down"


class Area(Struct, frozen=True):
    """A place that is asked about, subscribed to or closed; None: without an end."""

    shape: Shape
    lower_m: float | None = None
    """Metres above the ellipsoid."""
    upper_m: float | None = None
    start: datetime | None = None
    end: datetime | None = None


class Reference(Struct, frozen=True):
    """What the exchange tells of a plan (F3548-21, OperationalIntentReference); its manager has the rest."""

    plan_id: str
    party_id: str
    availability: Availability
    version: int
    ovn: str
    state: PlanState
    sharing: Sharing
    start_ms: int
    end_ms: int
    uss_base_url: str | None
    """None: its party is hosted here, at the exchange's own address."""
    subscription_id: str | None


class ZoneReference(Struct, frozen=True):
    """What the exchange tells of a zone (F3548-21, ConstraintReference)."""

    zone_id: str
    party_id: str
    availability: Availability
    version: int
    ovn: str
    start_ms: int
    end_ms: int
    uss_base_url: str | None


class Told(Struct, frozen=True):
    """A subscription that was counted up by a write, and where its party is to be told."""

    subscription_id: str
    uss_base_url: str | None
    notification_index: int


class Subscription(Struct, frozen=True):
    """Who wants to be told of what, where and when (F3548-21, Subscription)."""

    subscription_id: str
    party_id: str
    version: str
    notification_index: int
    uss_base_url: str | None
    tells_plans: bool
    tells_zones: bool
    is_implicit: bool
    start_ms: int
    end_ms: int
    plan_ids: tuple[str, ...]
    """The plans that depend on it."""


class NewSubscription(Struct, frozen=True):
    """An implicit subscription that is made with a reference."""

    uss_base_url: str
    tells_zones: bool


class ReferenceBody(Struct, frozen=True):
    """What a manager writes about a plan that it keeps."""

    extents: tuple[PlanVolume, ...]
    state: PlanState
    uss_base_url: str
    key: tuple[str, ...] = ()
    """The OVNs of everything that it knows to be near."""
    subscription_id: str | None = None
    new_subscription: NewSubscription | None = None
    ovn_suffix: str | None = None
    """A UUID of version 7 with which the manager chooses the next OVN: ``{plan_id}_{suffix}``."""


class SubscriptionBody(Struct, frozen=True):
    """What a party subscribes to."""

    area: Area
    uss_base_url: str
    tells_plans: bool
    tells_zones: bool


class ZoneBody(Struct, frozen=True):
    """What a manager writes about a zone that it keeps."""

    extents: tuple[Area, ...]
    uss_base_url: str


class WrittenReference(Struct, frozen=True):
    """A reference as a write left it (or, ended, as it stood before), and who is to be told."""

    reference: Reference
    told: tuple[Told, ...]


class WrittenZone(Struct, frozen=True):
    """The same for a zone."""

    zone: ZoneReference
    told: tuple[Told, ...]


class AvailabilityNow(Struct, frozen=True):
    """A party's availability and the version that a change must name; empty: it was never set."""

    party_id: str
    availability: Availability
    version: str
