"""The discovery service as several processes with two addresses each: one busy cell, and kill -9."""

import random
import threading
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

from detente.parties.tokens import make_private_key
from tests.astm.house import ALL, OIR, SUB, intent, new_id, new_subscription, subscription, volume
from tests.astm.test_dss_versions import suffix
from tests.invariants.fleet import fleet

pytestmark = [pytest.mark.pg, pytest.mark.slow, pytest.mark.timeout(600)]
KEY = make_private_key()
START = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
PATIENCE_S = 120
PLANNERS, WRITERS = 30, 8


@pytest.fixture
def pem(tmp_path):
    kept = tmp_path / "authority.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    kept.write_bytes(KEY.public_key().public_bytes(serialization.Encoding.PEM, form))
    return str(kept)


def bearer(party):
    claims = {"iss": "dummy", "sub": party, "aud": "127.0.0.1", "scope": " ".join(ALL)}
    token = jwt.encode(claims | {"exp": int(time.time()) + 3_000}, KEY, "RS256")
    return {"authorization": f"Bearer {token}"}


class Uss:
    """One party; asks at any of the addresses."""

    def __init__(self, name, urls, seed):
        self.name, self._urls, self._headers = name, urls, bearer(name)
        self.dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._http = httpx.Client(timeout=60)

    def call(self, method, path, body=None):
        url = f"{self.dice.choice(self._urls)}/dss/v1/{path}"
        return self._http.request(method, url, json=body, headers=self._headers)

    def insist(self, method, path, body=None):
        """Repeat the very same request until there is an answer."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                answer = self.call(method, path, body)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"no answer to {method} {path}")


class Log:
    """What was answered: writes, notifications by subscription, and what each USS would tell."""

    def __init__(self):
        self._lock = threading.Lock()
        self.writes, self.told, self.details = {}, defaultdict(list), {}

    def note(self, answer, key):
        body = answer.json()
        one = body["operational_intent_reference"]
        with self._lock:
            assert (one["id"], one["version"]) not in self.writes, "a version is written once"
            self.writes[one["id"], one["version"]] = (one["ovn"], frozenset(key))
            self.details[one["id"]] = one["ovn"]
            for group in body["subscribers"]:
                for sub in group["subscriptions"]:
                    self.told[sub["subscription_id"]].append(sub["notification_index"])
        return one


def here(**more):
    return volume(lat=47.0, radius=100.0, start=START, minutes=30, **more)


def plan_and_fly(uss, log):
    """Make an intent, activate it, and (one in three) end it; refusals and managers say what to know."""
    entity, ovn, key, one = new_id(), None, set(), {}
    for state in ("Accepted", "Activated"):
        while True:
            body = intent(here(), state=state, key=sorted(key))
            body |= new_subscription() if ovn is None else {"subscription_id": one["subscription_id"]}
            answer = uss.call("PUT", f"{OIR}/{entity}" + (f"/{ovn}" if ovn else ""), body)
            if answer.status_code in {200, 201}:
                break
            assert answer.status_code == 409, answer.text
            missing = answer.json()["missing_operational_intents"]
            assert missing, "nothing but missing keys is a reason"
            known = (log.details.get(each["id"]) for each in missing)
            key |= {found for found in known if found}
        one = log.note(answer, key)
        ovn = one["ovn"]
    if uss.dice.random() < 0.3:
        answer = uss.call("DELETE", f"{OIR}/{entity}/{ovn}")
        assert answer.status_code == 200, answer.text
        for group in answer.json()["subscribers"]:
            for sub in group["subscriptions"]:
                log.told[sub["subscription_id"]].append(sub["notification_index"])
        return None
    return one


def judge_keys(dsn, log):
    """In the order of the record: each key held the OVN that everything else in force had at that moment."""
    with psycopg.connect(dsn) as connection:
        acts = connection.execute(
            "SELECT type, subject, subject_version FROM statement "
            "WHERE type LIKE 'plan.%' ORDER BY statement_id"
        ).fetchall()
    standing = {}
    for kind, entity, version in acts:
        if kind == "plan.ended":
            del standing[entity]
            continue
        ovn, key = log.writes[entity, version]
        unknown = {other for other, held in standing.items() if other != entity and held not in key}
        assert not unknown, f"{entity} was written at {version} without knowing {unknown}"
        standing[entity] = ovn
    return standing


def test_thirty_planners_in_one_cell(pg_dsn, pem):
    log = Log()
    with fleet(pg_dsn, 2, doors=2, trust_key=pem, audience="127.0.0.1", pool_size="6") as servers:
        urls = [url for server in servers for url in server.urls]
        watcher = Uss("watcher", urls, 0)
        watched = watcher.call("PUT", f"{SUB}/{new_id()}", subscription(here())).json()["subscription"]["id"]
        planners = [Uss(f"uss{i}", urls, i) for i in range(PLANNERS)]
        with ThreadPoolExecutor(PLANNERS) as threads:
            last = [one for one in threads.map(lambda uss: plan_and_fly(uss, log), planners) if one]

        standing = judge_keys(pg_dsn, log)
        assert standing == {one["id"]: one["ovn"] for one in last}
        writes = sum(1 for _ in log.writes) + PLANNERS - len(last)
        assert sorted(log.told[watched]) == list(range(1, writes + 1))
        found = watcher.call("POST", f"{OIR}/query", {"area_of_interest": here()}).json()
        assert {each["id"] for each in found["operational_intent_references"]} == set(standing)
        for uss, one in ((uss, one) for uss in planners for one in last if one["manager"] == uss.name):
            read = uss.call("GET", f"{OIR}/{one['id']}").json()["operational_intent_reference"]
            assert (read["version"], read["ovn"]) == (2, one["ovn"])
            kept = uss.call("GET", f"{SUB}/{one['subscription_id']}").json()["subscription"]
            told = log.told[one["subscription_id"]]
            assert kept["notification_index"] == len(told)
            assert sorted(told) == list(range(1, len(told) + 1)), "each index is told once"
        pairs = [(a, b) for i, a in enumerate(last) for b in last[:i]]
        keys = {one["id"]: log.writes[one["id"], 2][1] for one in last}
        assert all(a["ovn"] in keys[b["id"]] or b["ovn"] in keys[a["id"]] for a, b in pairs)


def test_what_is_written_at_one_address_is_read_at_every_other(pg_dsn, pem):
    with fleet(pg_dsn, 2, doors=2, trust_key=pem, audience="127.0.0.1", pool_size="4") as servers:
        urls = [url for server in servers for url in server.urls]
        parties = [Uss("uss1", [url], 0) for url in urls]
        entity, ovn = new_id(), None
        for i in range(40):
            writer = parties[i % 4]
            path = f"{OIR}/{entity}" + (f"/{ovn}" if ovn else "")
            ovn = writer.call("PUT", path, intent(here())).json()["operational_intent_reference"]["ovn"]
            for reader in parties:
                read = reader.call("GET", f"{OIR}/{entity}").json()["operational_intent_reference"]
                assert (read["ovn"], read["version"]) == (ovn, i + 1)


def write_on(uss, place, stop):
    """Make intents and change them, each write repeated until it is answered; what was answered, in order."""
    answered = []
    while not stop.is_set():
        entity, ovn = new_id(), None
        for version in (1, 2, 3):
            wish = suffix(datetime.now(UTC), rand=uuid.uuid4().int & ((1 << 62) - 1))
            body = intent(place, requested_ovn_suffix=wish)
            answer = uss.insist("PUT", f"{OIR}/{entity}" + (f"/{ovn}" if ovn else ""), body)
            assert answer.status_code == (201 if version == 1 else 200), answer.text
            one = answer.json()["operational_intent_reference"]
            ovn = f"{entity}_{wish}"
            assert (one["ovn"], one["version"]) == (ovn, version)
            again = uss.insist(
                "PUT", f"{OIR}/{entity}" + (f"/{answered[-1][1]}" if version > 1 else ""), body
            )
            assert (again.status_code, again.json()["operational_intent_reference"]) == (
                answer.status_code,
                one,
            )
            answered.append((entity, ovn, version))
        gone = uss.insist("DELETE", f"{OIR}/{entity}/{ovn}")
        assert gone.status_code in {200, 404}, "404: the answer to the first was lost"
        answered.append((entity, None, 4))
    kept = new_id()
    answer = uss.insist("PUT", f"{OIR}/{kept}", intent(place))
    if answer.status_code == 201:
        answered.append((kept, answer.json()["operational_intent_reference"]["ovn"], 1))
    return answered


def test_servers_are_killed_while_they_write(pg_dsn, pem):
    with fleet(pg_dsn, 2, doors=2, trust_key=pem, audience="127.0.0.1", pool_size="6") as servers:
        urls = [url for server in servers for url in server.urls]
        watcher = Uss("watcher", urls, 99)
        area = here(lower=0.0, upper=3_000.0)
        watched = watcher.call("PUT", f"{SUB}/{new_id()}", subscription(area)).json()["subscription"]["id"]
        stop = threading.Event()
        with ThreadPoolExecutor(WRITERS) as threads:
            at_work = [
                threads.submit(
                    write_on, Uss(f"uss{i}", urls, i), here(lower=100.0 * i + 10, upper=100.0 * i + 50), stop
                )
                for i in range(WRITERS)
            ]
            try:
                for round_ in range(6):
                    time.sleep(0.7)
                    server = servers[round_ % 2]
                    server.kill()
                    server.start()
                    server.await_ready()
            finally:
                stop.set()
            logs = [one.result() for one in at_work]

        assert sum(map(len, logs)) > WRITERS * 8, "there was something to interrupt"
        for i, log in enumerate(logs):
            uss = Uss(f"uss{i}", urls, i)
            for entity, ovn, version in {
                entity: (entity, ovn, version) for entity, ovn, version in log
            }.values():
                answer = uss.call("GET", f"{OIR}/{entity}")
                assert answer.status_code == (404 if ovn is None else 200)
                if ovn is not None:
                    one = answer.json()["operational_intent_reference"]
                    assert (one["ovn"], one["version"]) == (ovn, version)
        with psycopg.connect(pg_dsn) as connection:
            acts = connection.execute("SELECT count(*) FROM statement WHERE type LIKE 'plan.%'").fetchone()[0]
        kept = watcher.call("GET", f"{SUB}/{watched}").json()["subscription"]
        assert kept["notification_index"] == acts, "every write counted once, however often it was repeated"
