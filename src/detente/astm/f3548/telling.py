"""Our nouns as ASTM F3548-21 tells them. An OVN is told to its manager only."""

from collections.abc import Iterable, Sequence

from detente.astm.f3548 import wire
from detente.astm.f3548.reading import NO_SUBSCRIPTION
from detente.discovery.model import (
    Availability,
    AvailabilityNow,
    Reference,
    Subscription,
    Told,
    WrittenReference,
    WrittenZone,
    ZoneReference,
)
from detente.errors import MissingKeys
from detente.plans.model import PlanState
from detente.plans.volumes import from_ms

OVN_ELSEWHERE = "Available from USS"
"""What stands where an OVN is not told: whoever needs it asks the manager for the details."""
_STATES: dict[PlanState, wire.OperationalIntentState] = {
    PlanState.ACCEPTED: "Accepted",
    PlanState.ACTIVATED: "Activated",
    PlanState.NONCONFORMING: "Nonconforming",
    PlanState.CONTINGENT: "Contingent",
}
_AVAILABILITIES: dict[Availability, wire.UssAvailabilityState] = {
    Availability.UNKNOWN: "Unknown",
    Availability.NORMAL: "Normal",
    Availability.DOWN: "Down",
}


class Teller:
    """Tells in the standard's messages.

    Args:
        own_url: where parties that are hosted here answer.
    """

    def __init__(self, own_url: str) -> None:
        self._own_url = own_url

    def reference(self, one: Reference, viewer: str | None) -> wire.OperationalIntentReference:
        """A plan's reference; ``viewer`` None tells the OVN: for details, which carry it."""
        return wire.OperationalIntentReference(
            id=one.plan_id,
            manager=one.party_id,
            uss_availability=_AVAILABILITIES[one.availability],
            version=one.version,
            state=_STATES[one.state],
            time_start=_time(one.start_ms),
            time_end=_time(one.end_ms),
            uss_base_url=one.uss_base_url or self._own_url,
            subscription_id=one.subscription_id or NO_SUBSCRIPTION,
            ovn=one.ovn if viewer in {None, one.party_id} else OVN_ELSEWHERE,
        )

    def zone(self, one: ZoneReference, viewer: str | None) -> wire.ConstraintReference:
        """A zone's reference; as for plans."""
        return wire.ConstraintReference(
            id=one.zone_id,
            manager=one.party_id,
            uss_availability=_AVAILABILITIES[one.availability],
            version=one.version,
            time_start=_time(one.start_ms),
            time_end=_time(one.end_ms),
            uss_base_url=one.uss_base_url or self._own_url,
            ovn=one.ovn if viewer in {None, one.party_id} else OVN_ELSEWHERE,
        )

    def references(
        self, some: Iterable[Reference], viewer: str
    ) -> tuple[wire.OperationalIntentReference, ...]:
        """Several."""
        return tuple(self.reference(one, viewer) for one in some)

    def zones(self, some: Iterable[ZoneReference], viewer: str) -> tuple[wire.ConstraintReference, ...]:
        """Several."""
        return tuple(self.zone(one, viewer) for one in some)

    def written(self, one: WrittenReference, viewer: str) -> wire.ChangeOperationalIntentReferenceResponse:
        """The answer to a write of a reference."""
        return wire.ChangeOperationalIntentReferenceResponse(
            subscribers=self._subscribers(one.told),
            operational_intent_reference=self.reference(one.reference, viewer),
        )

    def written_zone(self, one: WrittenZone, viewer: str) -> wire.ChangeConstraintReferenceResponse:
        """The answer to a write of a zone's reference."""
        return wire.ChangeConstraintReferenceResponse(
            subscribers=self._subscribers(one.told), constraint_reference=self.zone(one.zone, viewer)
        )

    def missing(self, refusal: MissingKeys, viewer: str) -> wire.AirspaceConflictResponse:
        """The refusal of a write that does not know of everything that it meets."""
        return wire.AirspaceConflictResponse(
            message=refusal.detail,
            missing_operational_intents=self.references(
                (one for one in refusal.plans if isinstance(one, Reference)), viewer
            ),
            missing_constraints=self.zones(
                (one for one in refusal.zones if isinstance(one, ZoneReference)), viewer
            ),
        )

    def subscription(self, one: Subscription) -> wire.Subscription:
        """A subscription."""
        return wire.Subscription(
            id=one.subscription_id,
            version=one.version,
            notification_index=one.notification_index,
            uss_base_url=one.uss_base_url or self._own_url,
            time_start=_time(one.start_ms),
            time_end=_time(one.end_ms),
            notify_for_operational_intents=one.tells_plans,
            notify_for_constraints=one.tells_zones,
            implicit_subscription=one.is_implicit,
            dependent_operational_intents=one.plan_ids,
        )

    def _subscribers(self, told: Sequence[Told]) -> tuple[wire.SubscriberToNotify, ...]:
        """Those to be told, one entry an address."""
        states: dict[str, list[wire.SubscriptionState]] = {}
        for one in told:
            state = wire.SubscriptionState(one.subscription_id, one.notification_index)
            states.setdefault(one.uss_base_url or self._own_url, []).append(state)
        return tuple(wire.SubscriberToNotify(tuple(some), url) for url, some in states.items())


def availability(now: AvailabilityNow) -> wire.UssAvailabilityStatusResponse:
    """Whether a party's own server is reachable."""
    status = wire.UssAvailabilityStatus(uss=now.party_id, availability=_AVAILABILITIES[now.availability])
    return wire.UssAvailabilityStatusResponse(version=now.version, status=status)


def _time(at_ms: int) -> wire.Time:
    return wire.time_of(from_ms(at_ms))
