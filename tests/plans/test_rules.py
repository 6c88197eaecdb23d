"""The decisions about plans, as values: transitions, what blocks, how far to keep apart, who sees what."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import ForbiddenTransition
from detente.geo.model import Separation
from detente.plans.model import OwnPlans, PlanState, Sharing
from detente.plans.rules import (
    EVERYONE,
    Standing,
    blocks,
    may_see_plan,
    may_see_texts,
    must_look,
    pair_key,
    require_changeable,
    require_transition,
    separation_between,
    widest_separation,
)

ACCEPTED, ACTIVATED, NONCONFORMING, CONTINGENT, ENDED = PlanState
MAY_FOLLOW = {
    (ACCEPTED, ACTIVATED),
    (ACCEPTED, NONCONFORMING),
    (ACCEPTED, CONTINGENT),
    (ACCEPTED, ENDED),
    (ACTIVATED, NONCONFORMING),
    (ACTIVATED, CONTINGENT),
    (ACTIVATED, ENDED),
    (NONCONFORMING, ACTIVATED),
    (NONCONFORMING, CONTINGENT),
    (NONCONFORMING, ENDED),
    (CONTINGENT, ENDED),
}


@pytest.mark.parametrize(("state", "asked"), list(itertools.product(PlanState, PlanState)))
def test_every_transition_is_allowed_or_refused_by_name(state, asked):
    if (state, asked) in MAY_FOLLOW:
        require_transition(state, asked)
        return
    with pytest.raises(ForbiddenTransition) as refused:
        require_transition(state, asked)
    members = refused.value.members
    assert (members["state"], members["asked"]) == (state.value, asked.value)
    assert set(members["allowed"]) == {b.value for a, b in MAY_FOLLOW if a is state}


@pytest.mark.parametrize("state", PlanState)
def test_contingent_and_ended_plans_keep_their_volumes(state):
    if state in {CONTINGENT, ENDED}:
        with pytest.raises(ForbiddenTransition):
            require_changeable(state)
    else:
        require_changeable(state)


@pytest.mark.parametrize("state", PlanState)
def test_only_nominal_states_need_a_look(state):
    assert must_look(state) is (state in {ACCEPTED, ACTIVATED})


MINE = Standing("00000000-0000-0000-0000-000000000001", "my-ovn", "alpha", ACCEPTED, 5)


@pytest.mark.parametrize(
    ("state", "priority", "is_own", "own_plans", "is_named"),
    list(
        itertools.product(
            [ACCEPTED, ACTIVATED, NONCONFORMING, CONTINGENT],
            [4, 5, 6],
            [True, False],
            OwnPlans,
            [True, False],
        )
    ),
)
def test_what_blocks(state, priority, is_own, own_plans, is_named):
    other = Standing(
        "00000000-0000-0000-0000-000000000002", "its-ovn", "alpha" if is_own else "bravo", state, priority
    )
    knows = frozenset({"its-ovn"} if is_named else {"another-ovn"})
    is_off_nominal = state in {NONCONFORMING, CONTINGENT}
    expected = (
        not is_named and not (is_own and own_plans is OwnPlans.IGNORE) and (is_off_nominal or priority >= 5)
    )
    assert blocks(MINE, other, knows=knows, own_plans=own_plans) is expected


def test_a_plan_never_blocks_itself():
    assert not blocks(MINE, MINE, knows=frozenset(), own_plans=OwnPlans.CHECK)


PARTIES = st.sampled_from(["alpha", "bravo", "charlie"])
NUMBERS = st.floats(0, 1e5)
SEPARATIONS = st.builds(Separation, NUMBERS, NUMBERS, NUMBERS)
RULES = st.dictionaries(
    st.one_of(st.builds(pair_key, PARTIES, PARTIES), st.tuples(st.just(EVERYONE), PARTIES)), SEPARATIONS
)


def numbers(separation):
    return separation.horizontal_m, separation.vertical_m, separation.time_s


@given(RULES, PARTIES, PARTIES)
def test_the_separation_of_a_pair_is_the_same_either_way_round(rules, a, b):
    assert separation_between(rules, a, b) == separation_between(rules, b, a)


@given(RULES, PARTIES, PARTIES, SEPARATIONS)
def test_a_named_pair_goes_before_what_either_asks_from_everyone(rules, a, b, named):
    assert separation_between({**rules, pair_key(a, b): named}, a, b) == named


@given(RULES, SEPARATIONS, SEPARATIONS)
def test_without_a_named_pair_the_larger_of_both_counts_number_by_number(rules, of_a, of_b):
    rules = {k: v for k, v in rules.items() if k != ("alpha", "bravo")}
    rules |= {(EVERYONE, "alpha"): of_a, (EVERYONE, "bravo"): of_b}
    expected = tuple(max(pair) for pair in zip(numbers(of_a), numbers(of_b), strict=True))
    assert numbers(separation_between(rules, "alpha", "bravo")) == expected


@given(SEPARATIONS)
def test_a_party_keeps_apart_from_itself_only_if_that_is_named(asked):
    assert separation_between({(EVERYONE, "alpha"): asked}, "alpha", "alpha") == Separation()
    assert separation_between({("alpha", "alpha"): asked}, "alpha", "alpha") == asked


@given(RULES, PARTIES, PARTIES)
def test_the_widest_separation_is_no_smaller_than_any(rules, a, b):
    widest = numbers(widest_separation(rules, a))
    assert all(w >= n for w, n in zip(widest, numbers(separation_between(rules, a, b)), strict=True))


@pytest.mark.parametrize("sharing", Sharing)
def test_who_sees_what(sharing):
    assert may_see_plan("alpha", "alpha", sharing)
    assert may_see_texts("alpha", "alpha", sharing)
    assert may_see_plan("bravo", "alpha", sharing) is (sharing is not Sharing.CONFLICTS)
    assert may_see_texts("bravo", "alpha", sharing) is (sharing is Sharing.FULL)
