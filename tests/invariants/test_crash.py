"""Invariant 2: success means committed and synced; what was cut off is settled by repeating the request."""

import json
import os
import signal
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from detente.parties.model import Role
from detente.store import EmbeddedPostgres, open_pool
from tests.conftest import temporary_data_dir
from tests.invariants.fleet import Server, make_exchange, token_of
from tests.invariants.judge import miscounted

pytestmark = [pytest.mark.pg, pytest.mark.slow, pytest.mark.timeout(600)]
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
PATIENCE_S = 120


class Scene:
    """One server on one database, and a party's duty officer."""

    def __init__(self, postgres):
        self.postgres = postgres
        accounts = make_exchange(postgres.dsn, [("alpha", Role.DUTY_OFFICER, 0)])
        self.server = Server(postgres.dsn).start()
        self.server.await_ready()
        self.token = token_of(self.server.url, accounts["alpha", Role.DUTY_OFFICER])
        self.places = iter(range(1_000))
        # The row that declarations lock is there from now on: each of them is one call that decides.
        assert self.send((f"/v1/plans/{uuid.uuid4()}", self.plan(), {})).status_code == 201

    def revive(self):
        if self.server.process.poll() is not None:
            self.server.start()
            self.server.await_ready()

    def send(self, request):
        path, content, headers = request
        return httpx.put(
            f"{self.server.url}{path}?ways_out=false",
            content=content,
            headers={
                "authorization": f"Bearer {self.token}",
                "content-type": "application/json",
                **headers,
            },
            timeout=60,
        )

    def send_aside(self, request):
        """Send and forget; the answer, if one comes, is put into the list."""
        answers = []

        def work():
            try:
                answers.append(self.send(request))
            except httpx.TransportError as error:
                answers.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        return thread, answers

    def query(self, sql, *values):
        with psycopg.connect(self.postgres.dsn) as connection:
            return connection.execute(sql, values).fetchall()

    def version(self, plan_id):
        rows = self.query("SELECT version FROM plan WHERE plan_id = %s", plan_id)
        return rows[0][0] if rows else 0

    def plan(self, hours=0):
        place = next(self.places)
        start = START + timedelta(hours=hours)
        volume = {
            "shape": {
                "kind": "circle",
                "center": {"lat_deg": 40.0, "lon_deg": 5.0},
                "radius_m": 100,
            },
            "lower_m": 100 + 60 * place,
            "upper_m": 150 + 60 * place,
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=20)).isoformat(),
        }
        return json.dumps({"volumes": [volume]}).encode()


@pytest.fixture(scope="module")
def scene():
    with temporary_data_dir() as folder, EmbeddedPostgres.start(folder) as postgres:
        one = Scene(postgres)
        yield one
        one.server.stop()


def request_of(scene, verb, key):
    """A request ready to be sent, with the id of its plan and the version that it makes."""
    plan_id = str(uuid.uuid4())
    headers = {"idempotency-key": str(uuid.uuid4())} if key else {}
    path = f"/v1/plans/{plan_id}"
    if verb == "declare":
        return plan_id, 1, (path, scene.plan(), headers)
    assert scene.send((path, scene.plan(), {})).status_code == 201
    headers["if-match"] = '"1"'
    if verb == "change":
        return plan_id, 2, (path, scene.plan(hours=1), headers)
    return plan_id, 2, (f"{path}/state", json.dumps({"state": verb}).encode(), headers)


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def is_waiting(scene):
    """Whether the verb stands in the database, before it writes."""
    rows = scene.query(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%plan_write%%'"
        " AND pid <> pg_backend_pid()"
    )
    return bool(rows)


VERBS = ["declare", "change", "activated", "nonconforming", "ended"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("key", [False, True], ids=["by-id", "by-key"])
def test_a_server_killed_between_commit_and_answer_leaves_one_outcome(scene, verb, key):
    scene.revive()
    plan_id, version, request = request_of(scene, verb, key)
    with psycopg.connect(scene.postgres.dsn) as gate:
        gate.execute("LOCK TABLE plan IN EXCLUSIVE MODE")
        thread, answers = scene.send_aside(request)
        wait_for(lambda: is_waiting(scene))
        # From here on the server cannot hear the database, nor answer anybody.
        os.killpg(scene.server.process.pid, signal.SIGSTOP)
    try:
        wait_for(lambda: scene.version(plan_id) == version)
    finally:
        scene.server.kill()
        thread.join()
    assert isinstance(answers[0], httpx.TransportError)

    scene.revive()
    first, second = scene.send(request), scene.send(request)
    assert first.status_code == (201 if verb == "declare" else 200), first.text
    assert (first.json()["plan_id"], first.json()["version"]) == (plan_id, version)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert scene.version(plan_id) == version
    assert miscounted(scene.postgres.dsn) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_database_killed_before_commit_leaves_nothing_and_the_repeat_does_it(scene, verb):
    scene.revive()
    plan_id, version, request = request_of(scene, verb, key=True)
    pid = scene.postgres.pid
    with psycopg.connect(scene.postgres.dsn) as gate:
        gate.execute("LOCK TABLE plan IN EXCLUSIVE MODE")
        thread, answers = scene.send_aside(request)
        wait_for(lambda: is_waiting(scene))
        os.kill(pid, signal.SIGKILL)
        thread.join()
        gate.close()
    wait_for(lambda: scene.postgres.pid not in {None, pid})
    assert answers[0].status_code == 503
    wait_for(lambda: httpx.get(f"{scene.server.url}/ready", timeout=60).status_code == 200)
    assert scene.version(plan_id) == version - 1
    assert scene.send(request).is_success
    assert scene.version(plan_id) == version
    assert miscounted(scene.postgres.dsn) == []


def test_the_key_of_a_request_that_was_cut_off_serves_no_other(scene):
    scene.revive()
    plan_id, _, (path, content, headers) = request_of(scene, "declare", key=True)
    assert scene.send((path, content, headers)).status_code == 201
    other = scene.send((path, scene.plan(), headers))
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert scene.version(plan_id) == 1


async def test_a_commit_waits_for_the_disk(pg_dsn):
    pool = await open_pool(pg_dsn)
    try:
        for name in ("synchronous_commit", "fsync", "full_page_writes"):
            assert await pool.fetchval(f"SHOW {name}") == "on", name
        relaxed = await pool.fetch(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND"
            " (array_to_string(proconfig, ',') ~ 'commit|fsync' OR prosrc ~* 'synchronous_commit')"
        )
        assert relaxed == []
    finally:
        pool.terminate()
