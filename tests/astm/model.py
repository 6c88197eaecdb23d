"""The standard's discovery service in plain Python: no index, no locks, everything compared with everything.

Written from F3548-21 and docs/decisions/0008, not from the SQL. Only which cells an outline has is taken from
the exchange. Every verb answers the status that is right and, for a write, what must be in the answer.
"""

from dataclasses import dataclass, field

import msgspec

from detente.astm.f3548 import wire
from detente.astm.f3548.volumes import to_area
from detente.geo import cover, cover_touched, prepare
from detente.geo.model import Volume
from detente.plans.volumes import to_ms

FOREVER = 10**15
SLACK_MS = 300_000
DAY_MS = 86_400_000
OFF = {"Nonconforming", "Contingent"}
NEXT = {
    "Accepted": {"Accepted", "Activated", *OFF},
    "Activated": {"Accepted", "Activated", *OFF},
    "Nonconforming": {"Activated", *OFF},
    "Contingent": {"Contingent"},
}


@dataclass(frozen=True)
class Box:
    """A volume as the standard compares it: cells, centimetres, milliseconds, ends included."""

    cells: frozenset
    touched: frozenset
    lower: int
    upper: int
    start: int
    end: int

    def meets(self, other, *, mine="cells", theirs="cells"):
        return (
            not getattr(self, mine).isdisjoint(getattr(other, theirs))
            and self.lower <= other.upper
            and self.upper >= other.lower
            and self.start <= other.end
            and self.end >= other.start
        )


def box_of(sent):
    """A volume of the wire as a box; what is missing has no end."""
    area = to_area(msgspec.convert(sent, wire.Volume4D), "volume")
    solid = prepare(Volume(area.shape, 0.0, 1.0, 0, 1), field="volume")
    return Box(
        _bits(cover(solid)),
        _bits(cover_touched(solid)),
        -FOREVER if area.lower_m is None else round(area.lower_m * 100),
        FOREVER if area.upper_m is None else round(area.upper_m * 100),
        -FOREVER if area.start is None else to_ms(area.start),
        FOREVER if area.end is None else to_ms(area.end),
    )


def _bits(rows):
    return frozenset((parent, bit) for parent, mask in rows for bit in range(64) if mask >> bit & 1)


@dataclass
class Entity:
    """An intent or a constraint."""

    party: str
    boxes: list
    url: str
    version: int = 1
    ovn: str = ""
    state: str = ""
    sub: str | None = None


@dataclass
class Sub:
    """A subscription; an implicit one has no box."""

    party: str
    url: str
    plans: bool
    zones: bool
    box: Box | None
    version: str = ""
    index: int = 0


@dataclass
class Right:
    """The right answer to a write."""

    status: int
    missing: set = field(default_factory=set)
    missing_zones: set = field(default_factory=set)
    told: dict = field(default_factory=dict)


class Dss:
    """The model; `now` is set by who drives it."""

    def __init__(self):
        self.now = 0
        self.intents, self.zones, self.subs, self.down = {}, {}, {}, set()

    def dependents(self, sub):
        return {one for one, intent in self.intents.items() if intent.sub == sub}

    def intents_in(self, box):
        return {one for one, intent in self.intents.items() if any(box.meets(b) for b in intent.boxes)}

    def zones_in(self, box):
        return {one for one, zone in self.zones.items() if any(box.meets(b) for b in zone.boxes)}

    def subs_in(self, box, party):
        return {
            one
            for one, sub in self.subs.items()
            if sub.party == party and self._window(one)[1] >= self.now and self._reaches(one, [box])
        }

    def needed(self, entity, boxes):
        """What a write must know: intents, and constraints for who is told of them."""
        plans = {one for box in boxes for one in self.intents_in(box)} - {entity}
        known_down = {
            p for p in plans if self.intents[p].state == "Accepted" and self.intents[p].party in self.down
        }
        return plans - known_down, {one for box in boxes for one in self.zones_in(box)}

    def write_intent(  # noqa: PLR0917 - as the standard's body has them
        self, who, entity, expected, boxes, state, url, key, sub=None, new=None
    ):
        """`new`: (id that the answer will have, address, tells of constraints)."""
        was = self.intents.get(entity)
        refusal = self._refuse_intent(who, was, expected, boxes, state, sub, new)
        if refusal:
            return Right(refusal)
        if sub is not None:
            refusal = self._refuse_sub(who, sub, boxes)
            if refusal:
                return Right(refusal)
        if state not in OFF:
            plans, zones = self.needed(entity, boxes)
            sees = new[2] if new else sub is not None and self.subs[sub].zones
            missing = {one for one in plans if self.intents[one].ovn not in key}
            missing_zones = {one for one in zones if sees and self.zones[one].ovn not in key}
            if missing or missing_zones:
                return Right(409, missing, missing_zones)
        made = Entity(who, boxes, url, (was.version if was else 0) + 1, "", state, sub)
        if new:
            made.sub = new[0]
            self.subs[new[0]] = Sub(who, new[1], True, new[2], None)
        self.intents[entity] = made
        if was:
            self._drop(was.sub)
        told = self._tell((was.boxes if was else []) + boxes, "plans")
        return Right(201 if expected is None else 200, told=told)

    def _refuse_intent(self, who, was, expected, boxes, state, sub, new):  # noqa: PLR0917 - the same
        if max(box.end for box in boxes) <= self.now or (state != "Accepted" and sub is None and new is None):
            return 400
        if expected is None and state != "Accepted":
            return 400
        refusal = self._refuse_version(who, was, expected)
        if refusal:
            return refusal
        if was and state not in NEXT[was.state]:
            return 400
        return 412 if state not in OFF and who in self.down else 0

    def _refuse_version(self, who, was, expected):
        if expected is None:
            return 409 if was else 0
        if was is None:
            return 409
        if was.party != who:
            return 403
        return 409 if expected != (was.version if isinstance(was, Sub) else was.ovn) else 0

    def _refuse_sub(self, who, sub, boxes):
        kept = self.subs.get(sub)
        if kept is None:
            return 400
        if kept.party != who:
            return 403
        if not kept.plans:
            return 400
        return 400 if kept.box and not self._covers(kept.box, boxes) else 0

    def _covers(self, box, boxes, *, heights=False):
        return all(
            each.touched <= box.touched
            and box.start <= max(each.start, self.now) + SLACK_MS
            and box.end >= each.end
            and (not heights or (box.lower <= each.lower and box.upper >= each.upper))
            for each in boxes
        )

    def end_intent(self, who, entity, expected):
        was = self.intents.get(entity)
        refusal = 404 if was is None else self._refuse_version(who, was, expected)
        if refusal or who in self.down:
            return Right(refusal or 412)
        told = self._tell(was.boxes, "plans")
        del self.intents[entity]
        self._drop(was.sub)
        return Right(200, told=told)

    def write_zone(self, who, entity, expected, boxes, url):
        was = self.zones.get(entity)
        if max(box.end for box in boxes) <= self.now:
            return Right(400)
        refusal = self._refuse_version(who, was, expected)
        if refusal:
            return Right(refusal)
        self.zones[entity] = Entity(who, boxes, url, (was.version if was else 0) + 1)
        told = self._tell((was.boxes if was else []) + boxes, "zones")
        return Right(201 if expected is None else 200, told=told)

    def end_zone(self, who, entity, expected):
        was = self.zones.get(entity)
        refusal = 404 if was is None else self._refuse_version(who, was, expected)
        if refusal:
            return Right(refusal)
        del self.zones[entity]
        return Right(200, told=self._tell(was.boxes, "zones"))

    def write_sub(self, who, sub, expected, box, url, *, plans, zones):
        was = self.subs.get(sub)
        if not (plans or zones) or box.end < self.now or box.end - box.start > DAY_MS:
            return Right(400)
        old_start = self._window(sub)[0] if was and expected is not None else None
        if box.start < self.now - SLACK_MS and box.start != old_start:
            return Right(400)
        refusal = self._refuse_version(who, was, expected)
        if refusal:
            return Right(refusal)
        dependents = [box for one in self.dependents(sub) for box in self.intents[one].boxes]
        if dependents and not (plans and self._covers(box, dependents, heights=True)):
            return Right(400)
        self.subs[sub] = Sub(who, url, plans, zones, box, index=was.index if was else 0)
        return Right(200)

    def end_sub(self, who, sub, expected):
        was = self.subs.get(sub)
        refusal = 404 if was is None else self._refuse_version(who, was, expected)
        if refusal or self.dependents(sub):
            return Right(refusal or 400)
        del self.subs[sub]
        return Right(200)

    def _window(self, sub):
        kept = self.subs[sub]
        boxes = [kept.box] if kept.box else [b for o in self.dependents(sub) for b in self.intents[o].boxes]
        return min(box.start for box in boxes), max(box.end for box in boxes)

    def _reaches(self, sub, boxes):
        box = self.subs[sub].box
        if box:
            return any(box.meets(each, mine="touched") for each in boxes)
        return any(
            b.meets(each) for o in self.dependents(sub) for b in self.intents[o].boxes for each in boxes
        )

    def _tell(self, boxes, kind):
        told = {}
        for one, sub in self.subs.items():
            is_over = sub.box is not None and sub.box.end < self.now
            if getattr(sub, kind) and not is_over and self._reaches(one, boxes):
                sub.index += 1
                told[one] = (sub.url, sub.index)
        return told

    def _drop(self, sub):
        if sub in self.subs and self.subs[sub].box is None and not self.dependents(sub):
            del self.subs[sub]
