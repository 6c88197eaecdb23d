"""The decisions of discovery on plain values.

Rule 1: a reference is made as accepted; what is contingent stays so until it ends; what is nonconforming goes
    back to activated only.
Rule 2: a plan that is in use or off-nominal needs a subscription; an accepted one may do without.
Rule 3: a subscription tells of plans, of zones or of both, for a day at most.
Rule 4: a manager may choose its next OVN, but only as a UUID of version 7 made within five minutes.
"""

import uuid

from detente.discovery.model import NewSubscription
from detente.errors import BadInput, ForbiddenTransition
from detente.plans.model import PlanState

MAX_SUBSCRIPTION_MS = 86_400_000
"""Source: F3548-21, DssMaxSubscriptionDuration."""
START_SLACK_MS = 300_000
"""How far in the past a subscription may begin, and a chosen OVN be made."""
_UUID_VERSION_7 = 7
_NEXT = {
    PlanState.ACCEPTED: frozenset(PlanState) - {PlanState.ENDED},
    PlanState.ACTIVATED: frozenset(PlanState) - {PlanState.ENDED},
    PlanState.NONCONFORMING: frozenset({PlanState.ACTIVATED, PlanState.NONCONFORMING, PlanState.CONTINGENT}),
    PlanState.CONTINGENT: frozenset({PlanState.CONTINGENT}),
}


def may_follow(state: PlanState | None, asked: PlanState) -> bool:
    """Whether a reference may be written in a state (rule 1).

    Args:
        state: where it stands; None for a new one.
        asked: where it is to stand; ending is another verb.
    """
    if state is None:
        return asked is PlanState.ACCEPTED
    return asked in _NEXT.get(state, frozenset())


def require_new(asked: PlanState) -> None:
    """Refuse to make a reference in another state than accepted (rule 1).

    Raises:
        ForbiddenTransition: naming the state.
    """
    if not may_follow(None, asked):
        raise ForbiddenTransition(
            f"a new reference is made as accepted, not as {asked.value}",
            field="state",
            state="none",
            asked=asked.value,
            allowed=[PlanState.ACCEPTED.value],
        )


def require_subscription(state: PlanState, subscription_id: str | None, new: NewSubscription | None) -> None:
    """Refuse both kinds of subscription at once, and none where one is needed (rule 2).

    Raises:
        BadInput: naming the members.
    """
    if subscription_id is not None and new is not None:
        raise BadInput(
            "subscription_id and new_subscription are both given",
            field="new_subscription",
            expected="one of them",
            actual="both",
        )
    if subscription_id is None and new is None and state is not PlanState.ACCEPTED:
        raise BadInput(
            f"a reference that is {state.value} needs a subscription",
            field="subscription_id",
            expected="subscription_id or new_subscription",
            actual="neither",
        )


def require_flags(*, tells_plans: bool, tells_zones: bool) -> None:
    """Refuse a subscription that tells of nothing (rule 3).

    Raises:
        BadInput: naming the members.
    """
    if not (tells_plans or tells_zones):
        raise BadInput(
            "the subscription would tell of nothing",
            field="notify_for_operational_intents",
            expected="notify_for_operational_intents or notify_for_constraints",
            actual="neither",
        )


def subscription_window(
    start_ms: int | None, end_ms: int | None, now_ms: int, lasts: tuple[int, int] | None = None
) -> tuple[int, int]:
    """From when to when a subscription lasts (rule 3).

    Args:
        start_ms: asked for; None: as it is, or now.
        end_ms: asked for; None: as it is, or a day after its start.
        now_ms: the present.
        lasts: from when to when the subscription that is changed has lasted so far; None makes a new one.

    Raises:
        BadInput: if it is over, began too long ago, or would last longer than a day.
    """
    start, end = lasts or (now_ms, now_ms)
    if start_ms is not None:
        start = start_ms
    if end_ms is not None or lasts is None:
        end = start + MAX_SUBSCRIPTION_MS if end_ms is None else end_ms
    if start < now_ms - START_SLACK_MS and (lasts is None or start != lasts[0]):
        raise BadInput(
            "the subscription begins more than 5 minutes ago",
            field="extents.time_start",
            expected="now or later",
        )
    if end < now_ms or end <= start:
        raise BadInput(
            "the subscription is over", field="extents.time_end", expected="later than now and its start"
        )
    if end - start > MAX_SUBSCRIPTION_MS:
        raise BadInput(
            "the subscription lasts longer than 24 hours",
            field="extents.time_end",
            expected="at most 24 hours after its start",
        )
    return start, end


def chosen_ovn(plan_id: str, suffix: str, now_ms: int) -> str:
    """The OVN that a manager asks for (rule 4).

    Args:
        plan_id: in canonical form.
        suffix: as it came in.
        now_ms: the present.

    Raises:
        BadInput: if it is no UUID of version 7, or its time is not within five minutes of now.

    Source: RFC 9562, section 5.7 (the first 48 bits are milliseconds since 1970).
    """
    try:
        read = uuid.UUID(suffix)
    except ValueError:
        read = uuid.UUID(int=0)
    is_canonical = str(read) == suffix.lower()
    if not is_canonical or read.version != _UUID_VERSION_7 or abs((read.int >> 80) - now_ms) > START_SLACK_MS:
        raise BadInput(
            "requested_ovn_suffix is no UUID of version 7 made within the last 5 minutes",
            field="requested_ovn_suffix",
            expected="a UUID of version 7 made within 5 minutes of now",
            actual=suffix[:100],
        )
    return f"{plan_id}_{suffix.lower()}"
