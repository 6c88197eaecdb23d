"""The decisions about zones: pure functions from plain data to plain data.

Rule 1: a prohibited zone closes the air to plans of others, where they share a piece with it.
Rule 2: it does not to plans of its own party, nor to a plan that names its OVN knowingly.
Rule 3: every other rule of a zone refuses nothing here; whoever plans is told of it.
Rule 4: what an unreachable manager elsewhere does not tell is decided before this: a zone whose manager is
    down, or whom nobody asks, is a caution as far as its extents reach.
"""

from collections.abc import Set as AbstractSet

from detente.zones.model import ZoneRestriction


def closes(
    restriction: ZoneRestriction, *, zone_party: str, plan_party: str, ovn: str, knows: AbstractSet[str]
) -> bool:
    """Whether a zone refuses a plan that shares a piece with it (rules 1 to 3).

    Args:
        restriction: the zone's rule.
        zone_party: whose zone it is.
        plan_party: whose plan it is.
        ovn: the zone's version.
        knows: the OVNs that the plan's party accepts knowingly.
    """
    return restriction is ZoneRestriction.PROHIBITED and zone_party != plan_party and ovn not in knows


def is_told(restriction: ZoneRestriction) -> bool:
    """Whether somebody who plans there is told of the zone: of all but an exemption."""
    return restriction is not ZoneRestriction.NONE
