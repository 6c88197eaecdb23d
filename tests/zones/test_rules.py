"""The rule of closed zones, all of it."""

import itertools

import pytest

from detente.zones.model import ZoneRestriction
from detente.zones.rules import closes, is_told


@pytest.mark.parametrize("restriction", ZoneRestriction)
def test_only_what_is_prohibited_by_another_and_not_known_closes(restriction):
    for is_own, is_known in itertools.product((False, True), repeat=2):
        said = closes(
            restriction,
            zone_party="caa",
            plan_party="caa" if is_own else "alpha",
            ovn="an ovn",
            knows={"an ovn"} if is_known else {"another"},
        )
        assert said is (restriction is ZoneRestriction.PROHIBITED and not is_own and not is_known)


def test_all_but_an_exemption_is_told():
    assert {one for one in ZoneRestriction if not is_told(one)} == {ZoneRestriction.NONE}
