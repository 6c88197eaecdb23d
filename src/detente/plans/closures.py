"""Zones and plans: which zones near close the air to a plan, and what whoever plans there is told.

The rule is ``detente.zones.rules``; what is near comes from the index, and geometry decides here, outside
the lock.
"""

from collections.abc import Sequence

from msgspec import Struct

from detente.errors import BadInput, ClosedZone
from detente.geo import Solid
from detente.geo.index import Reach, Rows, rows_of
from detente.plans.model import WaysOut
from detente.plans.neighbourhood import Subject, aside
from detente.zones.model import NearZone, ZoneNotice
from detente.zones.near import ReadyZone, ZonesNear, meetings, notice_of
from detente.zones.rules import closes, is_told

MAX_ZONES = 200
"""The most zones that one answer describes."""
_NAMED = 3
"""Zones that a sentence names; the answer has all of them."""
MAX_NEAR = 5_000
"""The most zones that one question examines."""


class ZonesExamined(Struct, frozen=True):
    """What an examination of zones found."""

    closed: tuple[ZoneNotice, ...]
    """The zones that refuse the plan."""
    harmless: frozenset[str]
    """OVNs of the zones that do not."""


class Closures:
    """Examines zones for a plan.

    Args:
        zones: loads them and asks managers elsewhere.
    """

    def __init__(self, zones: ZonesNear) -> None:
        self._zones = zones

    async def examine(
        self, subject: Subject, near: Sequence[NearZone], *, knows: frozenset[str]
    ) -> ZonesExamined:
        """Part zones into those that refuse the plan and those that do not.

        Args:
            subject: the plan that is declared, changed or activated.
            near: what the index found.
            knows: OVNs that are accepted knowingly; their managers are not even asked.

        Raises:
            PeerUnavailable: the manager of a zone elsewhere does not tell its details.
        """
        wanted = [one for one in near if one.ovn not in knows and one.party_id != subject.standing.party_id]
        ready = await self._zones.load(wanted, is_strict=True)
        may_close = [zone for zone in ready if _closes(zone, subject.standing.party_id, knows)]
        found = await aside(_cost(subject, may_close), meetings, subject.solids, may_close, MAX_ZONES)
        closed = tuple(notice_of(one, is_closed=True) for one in found)
        refusing = {notice.ovn for notice in closed}
        # One that moved on since it was found is no longer at its OVN, so it is found again.
        return ZonesExamined(closed, frozenset(one.ovn for one in near if one.ovn not in refusing))

    async def notices(self, subject: Subject, *, is_strict: bool) -> tuple[ZoneNotice, ...]:
        """All zones that share a piece with a plan, closed ones first, by party and identifier.

        Raises:
            BadInput: more zones lie there than one question examines.
            PeerUnavailable: as for ``examine``, if ``is_strict``.
        """
        rows = rows_of(subject.solids, Reach())
        near = await self._zones.search(rows, MAX_NEAR + 1, may_close=False)
        if len(near) > MAX_NEAR:
            raise BadInput(
                f"more than {MAX_NEAR} zones lie there and then; ask about a smaller part",
                field="volumes",
                expected=f"at most {MAX_NEAR} zones near",
            )
        ready = [
            zone
            for zone in await self._zones.load(near, is_strict=is_strict)
            if is_told(zone.body.restriction)
        ]
        party_id = subject.standing.party_id
        ready.sort(key=lambda zone: not _closes(zone, party_id, frozenset()))
        found = await aside(_cost(subject, ready), meetings, subject.solids, ready, MAX_ZONES)
        notices = [notice_of(one, is_closed=_closes(one.zone, party_id, frozenset())) for one in found]
        return tuple(sorted(notices, key=lambda one: (not one.is_closed, one.party_id, one.identifier)))

    async def obstacles(
        self, subject: Subject, search: Rows, knows: frozenset[str], most: int
    ) -> list[Solid] | None:
        """The volumes of zones near that would refuse the plan if it were moved there; None: too many.

        Zones elsewhere of which nothing is known yet are left out: a way out into one may be refused.
        """
        near = await self._zones.search(search, most + 1, may_close=True)
        if len(near) > most:
            return None
        ready = await self._zones.load(near, is_strict=False)
        party_id = subject.standing.party_id
        return [solid for zone in ready if _closes(zone, party_id, knows) for solid in zone.solids]


def refusal_of(closed: Sequence[ZoneNotice], plan_id: str, ways_out: WaysOut | None) -> ClosedZone:
    """The refusal of a plan that zones close the air to."""
    names = ", ".join(f"{zone.identifier} of {zone.party_id}" for zone in closed[:_NAMED])
    more = f" and {len(closed) - _NAMED} more" if len(closed) > _NAMED else ""
    return ClosedZone(f"prohibited here: {names}{more}", plan_id=plan_id, zones=closed, ways_out=ways_out)


def _closes(zone: ReadyZone, party_id: str, knows: frozenset[str]) -> bool:
    return closes(
        zone.body.restriction,
        zone_party=zone.near.party_id,
        plan_party=party_id,
        ovn=zone.near.ovn,
        knows=knows,
    )


def _cost(subject: Subject, zones: Sequence[ReadyZone]) -> int:
    return subject.points * sum(len(zone.solids) for zone in zones)
