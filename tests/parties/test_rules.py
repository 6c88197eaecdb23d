import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import BadInput, Refused, VersionRequired
from detente.parties.model import EXCHANGE_PARTY, Party, PartyId, Role, Scope
from detente.parties.rules import (
    SCOPES_OF_ROLE,
    KeySpan,
    KeyTimes,
    check_party_id,
    check_role,
    check_suspension,
    granted_scopes,
    is_account_id,
    is_verifying,
    party_as_seen,
    plan_rotation,
    signing_key,
    standard_scopes,
    token_expiry_ms,
    version_of,
)
from detente.parties.store import instant

NOW_MS = 1_790_000_000_000
TIMES = KeyTimes()


@pytest.mark.parametrize("text", ["a", "0", "alpha", "a-b", "a" * 63, "a--"])
def test_good_party_ids(text):
    assert check_party_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "A", "a_b", "a" * 64, "a\n", "a b", "é", "a\x00", "\u0661"])
def test_bad_party_ids_name_the_field(text):
    with pytest.raises(BadInput) as caught:
        check_party_id(text)
    assert caught.value.members["field"] == "party_id"


EVERYBODY = ["interuss.pool_status.read", "interuss.versioning.read_system_versions"]
PLANNER = [
    *EVERYBODY,
    "interuss.flight_planning.plan",
    "interuss.geospatial_map.query",
    "parties.read",
    "plans.read",
    "plans.write",
    "separations.read",
    "utm.conformance_monitoring_sa",
    "utm.constraint_processing",
    "utm.strategic_coordination",
]
# Written out here, not read from the code: a change of either has to be meant.
SCOPES = {
    "planner": PLANNER,
    "duty_officer": [*PLANNER, "plans.override"],
    "authority": [
        *EVERYBODY,
        "parties.read",
        "plans.read",
        "separations.read",
        "separations.write",
        "utm.availability_arbitration",
        "utm.constraint_management",
        "utm.constraint_processing",
    ],
    "observer": [*EVERYBODY, "parties.read", "plans.read", "separations.read"],
    "administrator": [
        *EVERYBODY,
        "interuss.flight_planning.direct_automated_test",
        "interuss.geospatial_map.direct_automated_test",
        "keys.write",
        "metrics.read",
        "parties.read",
        "parties.write",
        "separations.read",
        "separations.write",
        "utm.availability_arbitration",
    ],
}


def test_the_table_of_roles_is_as_documented():
    shown = {role.value: sorted(scope.value for scope in scopes) for role, scopes in SCOPES_OF_ROLE.items()}
    assert shown == {role: sorted(scopes) for role, scopes in SCOPES.items()}


def test_the_page_of_access_shows_the_table_of_roles():
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    shown = {role: set(re.findall(r"`([\w.]+)`", table[role])) for role in SCOPES}
    assert shown["duty_officer"] == {"plans.override"}  # "those of a planner, and"
    assert {**shown, "duty_officer": None} == {
        **{role: set(scopes) - set(EVERYBODY) for role, scopes in SCOPES.items()},
        "duty_officer": None,
    }
    assert all(f"`{scope}`" in page for scope in EVERYBODY)


def test_a_scope_is_the_standards_or_ours_and_never_both():
    ours = {scope for scope in Scope if not standard_scopes([scope])}
    assert {scope.split(".")[0] for scope in ours} == {"plans", "separations", "parties", "keys", "metrics"}
    assert standard_scopes(["utm.a", "rid.b", "interuss.c", "plans.read", "utm", "x utm.a", "UTM.a", ""]) == {
        "utm.a",
        "rid.b",
        "interuss.c",
    }


def test_who_hosts_declares_no_plans():
    assert Scope.PLANS_WRITE not in SCOPES_OF_ROLE[Role.ADMINISTRATOR]


@given(
    st.sampled_from(Role),
    st.none() | st.sets(st.sampled_from([scope.value for scope in Scope]) | st.text(max_size=5)),
)
def test_no_token_holds_more_than_its_role_or_than_it_asked_for(role, asked):
    got = granted_scopes(role, asked)
    assert got <= {scope.value for scope in SCOPES_OF_ROLE[role]}
    assert asked is None or got <= asked


def test_administrators_belong_to_the_exchange():
    check_role(EXCHANGE_PARTY, Role.ADMINISTRATOR)
    check_role("alpha", Role.DUTY_OFFICER)
    with pytest.raises(BadInput):
        check_role("alpha", Role.ADMINISTRATOR)


def test_the_exchange_cannot_lock_itself_out():
    check_suspension("alpha", is_suspended=True)
    check_suspension(EXCHANGE_PARTY, is_suspended=False)
    with pytest.raises(Refused):
        check_suspension(EXCHANGE_PARTY, is_suspended=True)


def test_versions_in_if_match():
    assert version_of('"3"') == 3
    with pytest.raises(VersionRequired):
        version_of(None)
    for text in ("3", '"0"', '""', "*", 'W/"3"', '"3", "4"', '"9999999999"', '"٣"'):
        with pytest.raises(BadInput):
            version_of(text)


@given(st.text(max_size=40))
def test_only_uuids_reach_the_database(text):
    assert not is_account_id(text)
    assert is_account_id("00000000-0000-0000-0000-00000000000a")
    assert not is_account_id("00000000-0000-0000-0000-00000000000a\n")


def test_only_administrators_see_more_of_a_party_than_its_name():
    party = Party(PartyId("alpha"), "Alpha", "+41 1", ("de",), 7, False, 2, instant(NOW_MS))
    seen = party_as_seen(party, {"parties.read"})
    assert (seen.party_id, seen.name, seen.languages) == ("alpha", "Alpha", ("de",))
    assert (seen.contact, seen.priority_limit, seen.is_suspended, seen.version, seen.created) == (None,) * 5
    assert party_as_seen(party, {"parties.write"}).contact == "+41 1"


def test_the_first_key_signs_at_once():
    assert plan_rotation([], NOW_MS, TIMES, at_once=False).signs_from_ms == NOW_MS


def test_a_second_rotation_waits_for_the_first():
    pending = KeySpan("b", NOW_MS, NOW_MS + 600_000, None)
    with pytest.raises(Refused) as caught:
        plan_rotation([pending], NOW_MS + 599_999, TIMES, at_once=False)
    assert caught.value.members["signs_from_ms"] == NOW_MS + 600_000
    plan_rotation([pending], NOW_MS + 600_000, TIMES, at_once=False)
    assert plan_rotation([pending], NOW_MS, TIMES, at_once=True).signs_from_ms == NOW_MS


@given(
    gaps_s=st.lists(st.integers(0, 20_000), max_size=8),
    lifetime_s=st.integers(60, 86_400),
    overlap_s=st.integers(60, 7_200),
    leeway_s=st.integers(0, 120),
)
def test_at_every_instant_one_key_signs_and_its_tokens_outlive_it_never(
    gaps_s, lifetime_s, overlap_s, leeway_s
):
    times = KeyTimes(lifetime_s=lifetime_s, leeway_s=leeway_s, overlap_s=overlap_s)
    keys, now_ms = [KeySpan("0", NOW_MS, NOW_MS, None)], NOW_MS
    for number, gap_s in enumerate(gaps_s):
        now_ms += gap_s * 1_000
        try:
            rotation = plan_rotation(keys, now_ms, times, at_once=False)
        except Refused:
            continue
        keys = [
            KeySpan(k.kid, k.created_ms, k.signs_from_ms, k.retires_ms or rotation.retires_ms) for k in keys
        ]
        keys.append(KeySpan(str(number + 1), now_ms, rotation.signs_from_ms, None))
        for look_ms in (now_ms, rotation.signs_from_ms - 1, rotation.signs_from_ms, rotation.retires_ms):
            signer = signing_key(keys, look_ms)
            assert signer is not None
            assert is_verifying(signer, look_ms)
            expiry_ms = token_expiry_ms(signer, look_ms, times)
            assert expiry_ms > look_ms
            assert signer.retires_ms is None or expiry_ms + leeway_s * 1_000 <= signer.retires_ms
            # Published for the whole overlap before it signs; the first key has nobody to wait for.
            assert signer.kid == "0" or look_ms - signer.created_ms >= overlap_s * 1_000


def test_a_token_never_outlives_a_key_that_was_retired_under_a_shorter_lifetime():
    retired = KeySpan("a", NOW_MS, NOW_MS, NOW_MS + 100_000)
    assert token_expiry_ms(retired, NOW_MS, KeyTimes(lifetime_s=3_600, leeway_s=30)) == NOW_MS + 70_000


def test_a_clock_that_is_behind_still_finds_the_first_key():
    first = KeySpan("a", NOW_MS, NOW_MS, None)
    assert signing_key([first], NOW_MS - 5_000) == first
    assert signing_key([], NOW_MS) is None
    retired = KeySpan("a", NOW_MS, NOW_MS, NOW_MS + 1)
    assert signing_key([retired], NOW_MS + 1) is None
