"""The decisions about plans: pure functions from plain data to plain data.

Rule 1: a plan in the way blocks unless it was named (its OVN), or is outranked.
Rule 2: a plan that is off-nominal cannot give way, so it blocks whatever its priority.
Rule 3: what is reported as off-nominal is never refused; it is already so.
Rule 4: the separation of a named pair goes before what either asks from everyone.
Rule 5: an owner's sharing says what others see; a conflict's shared piece is seen by both.
"""

from collections.abc import Mapping

from msgspec import Struct

from detente.errors import ForbiddenTransition, NotAllowed
from detente.geo.model import Separation
from detente.plans.model import OwnPlans, PlanState, Sharing

EVERYONE = ""
"""Stands for every other party in a separation rule."""

_NEXT: Mapping[PlanState, frozenset[PlanState]] = {
    PlanState.ACCEPTED: frozenset(
        {PlanState.ACTIVATED, PlanState.NONCONFORMING, PlanState.CONTINGENT, PlanState.ENDED}
    ),
    PlanState.ACTIVATED: frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT, PlanState.ENDED}),
    PlanState.NONCONFORMING: frozenset({PlanState.ACTIVATED, PlanState.CONTINGENT, PlanState.ENDED}),
    PlanState.CONTINGENT: frozenset({PlanState.ENDED}),
    PlanState.ENDED: frozenset(),
}
"""Which state may follow which. Source: F3548-21, operational intent states."""

OFF_NOMINAL = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})


class Standing(Struct, frozen=True):
    """What decides between two plans, apart from geometry."""

    plan_id: str
    ovn: str
    party_id: str
    state: PlanState
    priority: int


def require_transition(state: PlanState, asked: PlanState) -> None:
    """Refuse a state that cannot follow.

    Args:
        state: where the plan stands.
        asked: where it is to go.

    Raises:
        ForbiddenTransition: naming both, and what may follow.
    """
    if asked not in _NEXT[state]:
        allowed = sorted(s.value for s in _NEXT[state])
        raise ForbiddenTransition(
            f"a plan that is {state.value} cannot become {asked.value}; "
            + (f"it can become {', '.join(allowed)}" if allowed else "nothing follows it"),
            state=state.value,
            asked=asked.value,
            allowed=allowed,
        )


def require_changeable(state: PlanState) -> None:
    """Refuse new volumes for a plan that has ended or is contingent.

    Raises:
        ForbiddenTransition: naming the state.
    """
    if state in {PlanState.ENDED, PlanState.CONTINGENT}:
        raise ForbiddenTransition(
            f"a plan that is {state.value} cannot be changed", state=state.value, asked="changed", allowed=[]
        )


def require_priority(priority: int, limit: int) -> None:
    """Refuse a priority above what the party may claim, for a plan as for a question.

    Raises:
        NotAllowed: naming the limit.
    """
    if priority > limit:
        raise NotAllowed(
            f"your party may claim priority {limit} at most",
            field="priority",
            expected=f"at most {limit}",
            actual=priority,
        )


def must_look(state: PlanState) -> bool:
    """Whether entering a state needs the neighbours looked at (rule 3)."""
    return state in {PlanState.ACCEPTED, PlanState.ACTIVATED}


def blocks(mine: Standing, other: Standing, *, knows: frozenset[str], own_plans: OwnPlans) -> bool:
    """Whether a plan in the way forbids mine to stand (rules 1 and 2).

    Args:
        mine: the plan that is declared, changed or activated.
        other: a plan in force whose volumes conflict with it.
        knows: the OVNs that the declaring party accepts knowingly.
        own_plans: whether the party's own plans count.

    Returns:
        True if mine must be refused.
    """
    is_mine = other.party_id == mine.party_id
    if (is_mine and other.plan_id == mine.plan_id) or other.ovn in knows:
        return False
    if is_mine and own_plans is OwnPlans.IGNORE:
        return False
    return other.state in OFF_NOMINAL or other.priority >= mine.priority


SeparationRules = Mapping[tuple[str, str], Separation]
"""Keyed by the pair in order (first <= second), or (EVERYONE, party)."""

NO_SEPARATION = Separation()


def pair_key(party_a: str, party_b: str) -> tuple[str, str]:
    """The key of a pair in the table of separations; ``EVERYONE`` sorts first."""
    return (party_a, party_b) if party_a <= party_b else (party_b, party_a)


def separation_between(rules: SeparationRules, party_a: str, party_b: str) -> Separation:
    """How far two parties keep apart (rule 4).

    Returns:
        The named pair's separation; else the larger, number by number, of what each asks from
        everyone; else zeros. A party keeps no separation from itself unless that pair is named.
    """
    named = rules.get(pair_key(party_a, party_b))
    if named is not None:
        return named
    if party_a == party_b:
        return NO_SEPARATION
    a = rules.get((EVERYONE, party_a), NO_SEPARATION)
    b = rules.get((EVERYONE, party_b), NO_SEPARATION)
    return _larger(a, b)


def widest_separation(rules: SeparationRules, party_id: str) -> Separation:
    """A separation no smaller than any between this party and another: how far the index is searched."""
    widest = NO_SEPARATION
    for (first, second), separation in rules.items():
        if first == EVERYONE or party_id in {first, second}:
            widest = _larger(widest, separation)
    return widest


def _larger(a: Separation, b: Separation) -> Separation:
    return Separation(
        horizontal_m=max(a.horizontal_m, b.horizontal_m),
        vertical_m=max(a.vertical_m, b.vertical_m),
        time_s=max(a.time_s, b.time_s),
    )


def may_see_plan(viewer: str, owner: str, sharing: Sharing) -> bool:
    """Whether a viewer may know that a plan exists and where (rule 5)."""
    return viewer == owner or sharing is not Sharing.CONFLICTS


def may_see_texts(viewer: str, owner: str, sharing: Sharing) -> bool:
    """Whether a viewer may read title and remarks, and the OVN (rule 5)."""
    return viewer == owner or sharing is Sharing.FULL
