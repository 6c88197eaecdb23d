"""A long random walk over the discovery service's routes; a naive model says what each answer must be."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.astm.house import CR, OIR, SUB, T0, constraint, intent, new_id, subscription, volume
from tests.astm.model import Dss, box_of

PARTIES = ("uss1", "uss2", "uss3")
HIDDEN = "Available from USS"
MINUTE = timedelta(minutes=1)
PLACES = (
    {"lat": 47.0},
    {"lat": 47.003, "radius": 80.0},
    {"lat": 47.0, "lng": 8.03, "radius": 900.0},
    {"lat": 47.3},
)
HEIGHTS = (
    {},
    {"lower": 200.0, "upper": 260.0},
    {"lower": 261.0, "upper": 300.0},
    {"lower": 0.0, "upper": 500.0},
)
STATES = ("Accepted", "Accepted", "Accepted", "Activated", "Activated", "Nonconforming", "Contingent")


class Walk:
    """Drives house and model with the same steps."""

    def __init__(self, house, seed):
        self.house, self.dss, self.dice = house, Dss(), random.Random(seed)  # noqa: S311 - a test's dice
        self.ids = {kind: [new_id() for _ in range(n)] for kind, n in ((OIR, 7), (CR, 3), (SUB, 4))}
        self.seen, self.old = {}, ["x" * 20]
        house.now = T0 - 100 * MINUTE

    async def run(self, steps):
        verbs = [
            *[self.write_intent] * 10, *[self.end_intent] * 2, *[self.write_zone] * 2, self.end_zone,
            *[self.write_sub] * 3, self.end_sub, self.query, self.availability, self.read_all,
        ]  # fmt: skip
        for _ in range(steps):
            if self.dice.random() < 0.05:
                self.house.now += self.dice.choice([MINUTE, 4 * MINUTE, 15 * MINUTE])
            self.dss.now = round(self.house.now.timestamp() * 1000)
            verb = self.dice.choice(verbs)
            self.seen[verb.__name__, await verb()] = True
        await self.read_all()

    def some_volume(self, **more):
        start = T0 + MINUTE * self.dice.choice([-60, 0, 0, 0, 25, 30, 40])
        chosen = self.dice.choice(PLACES) | self.dice.choice(HEIGHTS)
        return volume(**chosen, start=start, minutes=self.dice.choice([10, 30, 60, 200]), **more)

    def some(self, table, kind):
        """Who, which and at what version; mostly as it should be."""
        one = self.dice.choice(self.ids[kind] + (list(table) if kind == SUB else []))
        was, who = table.get(one), self.dice.choice(PARTIES)
        if was is None:
            return who, one, self.dice.choice([None] * 9 + self.old[-1:])
        expected = was.version if kind == SUB else was.ovn
        right = self.dice.random() < 0.85
        if self.dice.random() < 0.9:
            who = was.party
        return who, one, expected if right else self.dice.choice([None, self.dice.choice(self.old)])

    def some_key(self, entity, boxes):
        plans, zones = self.dss.needed(entity, boxes)
        key = [self.dss.intents[one].ovn for one in plans] + [self.dss.zones[one].ovn for one in zones]
        if key and self.dice.random() < 0.25:
            key.remove(self.dice.choice(key))
        return key + self.dice.sample(self.old, 1)

    async def write_intent(self):
        who, one, expected = self.some(self.dss.intents, OIR)
        volumes = [self.some_volume() for _ in range(self.dice.choice([1, 1, 2]))]
        boxes, url = [box_of(each) for each in volumes], f"https://{who}.example/{self.dice.randint(1, 2)}"
        state = "Accepted" if expected is None and self.dice.random() < 0.9 else self.dice.choice(STATES)
        how, sub, new, more = self.dice.random(), None, None, {}
        if how < 0.45:
            new = ("not known yet", url + "/new", self.dice.random() < 0.4)
            more = {"new_subscription": {"uss_base_url": new[1], "notify_for_constraints": new[2]}}
        elif how < 0.75 and self.dss.subs:
            mine = [s for s, kept in self.dss.subs.items() if kept.party == who or self.dice.random() < 0.1]
            sub = self.dice.choice(mine or list(self.dss.subs))
            more = {"subscription_id": sub}
        key = self.some_key(one, boxes)
        body = intent(*volumes, state=state, key=key, **more) | {"uss_base_url": url}
        answer = await self.house.put(OIR, one, body, expected, who=who)
        right = self.dss.write_intent(who, one, expected, boxes, state, url, key, sub, new)
        if new and right.status < 300:
            made = answer.json()["operational_intent_reference"]["subscription_id"]
            kept = self.dss.subs[made] = self.dss.subs.pop(new[0])
            self.dss.intents[one].sub = made
            kept.version = await self.version_of(made, who)
            right.told[made] = right.told.pop(new[0])
        return self.compare(answer, right, "operational_intent_reference", self.dss.intents, one)

    async def version_of(self, sub, who):
        answer = await self.house.call("GET", f"{SUB}/{sub}", who=who)
        return answer.json()["subscription"]["version"]

    def compare(self, answer, right, name=None, table=None, one=None):
        assert answer.status_code == right.status, (right, answer.text)
        if right.status == 409 and (right.missing or right.missing_zones):
            body = answer.json()
            assert {each["id"] for each in body["missing_operational_intents"]} == right.missing
            assert {each["id"] for each in body["missing_constraints"]} == right.missing_zones
        if right.status < 300 and name is not None:
            told = {
                s["subscription_id"]: (group["uss_base_url"], s["notification_index"])
                for group in answer.json()["subscribers"]
                for s in group["subscriptions"]
            }
            assert told == right.told
            kept, reference = table.get(one), answer.json()[name]
            if kept is not None:
                assert reference["ovn"] not in self.old
                self.old.append(reference["ovn"])
                kept.ovn = reference["ovn"]
                self.compare_reference(reference, one, kept, kept.party)
        return right.status

    def compare_reference(self, reference, one, kept, viewer):
        assert reference["id"] == one
        assert (reference["manager"], reference["version"]) == (kept.party, kept.version)
        assert reference["ovn"] == (kept.ovn if viewer == kept.party else HIDDEN)
        assert reference["uss_base_url"] == kept.url
        assert reference["uss_availability"] == (
            "Down" if kept.party in self.dss.down else reference["uss_availability"]
        )
        assert ms(reference["time_start"]) == min(box.start for box in kept.boxes)
        assert ms(reference["time_end"]) == max(box.end for box in kept.boxes)
        if kept.state:
            assert reference["state"] == kept.state
            assert reference["subscription_id"] == (kept.sub or "00000000-0000-4000-8000-000000000000")

    async def end_intent(self):
        who, one, expected = self.some(self.dss.intents, OIR)
        expected = expected or "x" * 20
        answer = await self.house.call("DELETE", f"{OIR}/{one}/{expected}", who=who)
        right = self.dss.end_intent(who, one, expected)
        return self.compare(answer, right, "operational_intent_reference", self.dss.intents, one)

    async def write_zone(self):
        who, one, expected = self.some(self.dss.zones, CR)
        sent = self.some_volume()
        answer = await self.house.put(CR, one, constraint(sent), expected, who=who)
        right = self.dss.write_zone(who, one, expected, [box_of(sent)], "https://uss9.example/utm")
        return self.compare(answer, right, "constraint_reference", self.dss.zones, one)

    async def end_zone(self):
        who, one, expected = self.some(self.dss.zones, CR)
        expected = expected or "x" * 20
        answer = await self.house.call("DELETE", f"{CR}/{one}/{expected}", who=who)
        right = self.dss.end_zone(who, one, expected)
        return self.compare(answer, right, "constraint_reference", self.dss.zones, one)

    async def write_sub(self):
        who, one, expected = self.some(self.dss.subs, SUB)
        wide = {"lat": 47.0, "lng": 8.0, "radius": 4_000.0, "lower": 0.0}
        wide["upper"] = self.dice.choice([90.0, 600.0])
        if self.dice.random() < 0.5:
            start = self.dice.choice([self.house.now, self.house.now - MINUTE, T0 - 60 * MINUTE])
            sent = volume(**wide, start=start, minutes=self.dice.choice([20, 300, 700, 2_000]))
        else:
            sent = self.some_volume()
        plans, zones = self.dice.choice([(True, False), (True, True), (False, True), (False, False)])
        url, box = f"https://{who}.example/sub", box_of(sent)
        body = subscription(sent, notify_for_operational_intents=plans, notify_for_constraints=zones)
        answer = await self.house.put(SUB, one, body | {"uss_base_url": url}, expected, who=who)
        right = self.dss.write_sub(who, one, expected, box, url, plans=plans, zones=zones)
        status = self.compare(answer, right)
        if status == 200:
            made = answer.json()
            assert made["subscription"]["version"] not in self.old
            self.old.append(made["subscription"]["version"])
            self.dss.subs[one].version = made["subscription"]["version"]
            self.compare_sub(made["subscription"], one)
            self.compare_found(made.get("operational_intent_references", ()), self.dss.intents,
                               self.dss.intents_in(box) if plans else set(), who)  # fmt: skip
            self.compare_found(made.get("constraint_references", ()), self.dss.zones,
                               self.dss.zones_in(box) if zones else set(), who)  # fmt: skip
        return status

    def compare_sub(self, told, one):
        kept = self.dss.subs[one]
        assert (told["id"], told["version"], told["notification_index"]) == (one, kept.version, kept.index)
        assert told["implicit_subscription"] == (kept.box is None)
        assert set(told["dependent_operational_intents"]) == self.dss.dependents(one)
        assert (told["notify_for_operational_intents"], told["notify_for_constraints"]) == (
            kept.plans,
            kept.zones,
        )

    def compare_found(self, told, table, right, viewer):
        assert {each["id"] for each in told} == right
        for each in told:
            self.compare_reference(each, each["id"], table[each["id"]], viewer)

    async def end_sub(self):
        who, one, expected = self.some(self.dss.subs, SUB)
        expected = expected or "x" * 20
        answer = await self.house.call("DELETE", f"{SUB}/{one}/{expected}", who=who)
        return self.compare(answer, self.dss.end_sub(who, one, expected))

    async def query(self):
        who, asked = self.dice.choice(PARTIES), self.some_volume()
        body, box = {"area_of_interest": asked}, box_of(asked)
        plans = (await self.house.call("POST", f"{OIR}/query", body, who=who)).json()
        self.compare_found(
            plans["operational_intent_references"], self.dss.intents, self.dss.intents_in(box), who
        )
        zones = (await self.house.call("POST", f"{CR}/query", body, who=who)).json()
        self.compare_found(zones["constraint_references"], self.dss.zones, self.dss.zones_in(box), who)
        subs = (await self.house.call("POST", f"{SUB}/query", body, who=who)).json()["subscriptions"]
        assert {each["id"] for each in subs} == self.dss.subs_in(box, who)
        return 200

    async def availability(self):
        who = self.dice.choice(PARTIES)
        path = f"uss_availability/{who}"
        version = (await self.house.call("GET", path)).json()["version"]
        state = "Down" if self.dice.random() < 0.3 else "Normal"
        answer = await self.house.call("PUT", path, {"old_version": version, "availability": state})
        (self.dss.down.add if state == "Down" else self.dss.down.discard)(who)
        return answer.status_code

    async def read_all(self):
        """Everything that stands, read one by one, and nothing else."""
        for kind, table in ((OIR, self.dss.intents), (CR, self.dss.zones)):
            for one in self.ids[kind]:
                viewer = self.dice.choice(PARTIES)
                answer = await self.house.call("GET", f"{kind}/{one}", who=viewer)
                assert answer.status_code == (200 if one in table else 404)
                if one in table:
                    self.compare_reference(answer.json()[kind.removesuffix("s")], one, table[one], viewer)
        for one, kept in self.dss.subs.items():
            answer = await self.house.call("GET", f"{SUB}/{one}", who=kept.party)
            self.compare_sub(answer.json()["subscription"], one)
        assert await self.house.pool.fetchval("SELECT count(*) FROM subscription") == len(self.dss.subs)
        return 200


def ms(told):
    return round(datetime.fromisoformat(told["value"]).astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_answer_is_as_the_model_foretold(house, seed):
    walk = Walk(house, seed)
    await walk.run(700)
    statuses = {status for name, status in walk.seen if name == "write_intent"}
    assert {200, 201, 400, 403, 409, 412} <= statuses, "the walk came by every kind of answer"
