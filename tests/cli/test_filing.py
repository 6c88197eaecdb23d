"""``detente declare`` of plans that stand already, as declared, moved, changed or ended; and Ctrl-C."""

import contextlib
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import msgspec

from detente.cli.filing import plan_id_of
from detente.client import Client
from detente.errors import NotFound
from detente.formats.plans import read_plans
from detente.plans.model import ConflictsQuery, OwnPlans, Sharing
from tests.cli.conftest import DAY, detente, feature, secret_of


def test_a_plan_that_stands_moved_is_told_so_when_it_is_declared_again(exchange, file):
    detente("declare", file(feature("still-32", "alpha", 32)), *exchange.at("alpha"))
    mine = file(feature("again", "bravo", 32, lower_m=60))
    detente("declare", mine, *exchange.at("bravo"), "--take-way-out")
    for words in ([], ["--take-way-out"], ["--update"], ["--take-way-out", "--update"]):
        done = detente("declare", mine, *exchange.at("bravo"), *words)
        assert "stands already, moved 40 m up" in done.stdout
        assert "1 stands already" in done.stdout
    with Client(exchange.url, **secret_of(exchange, "bravo")) as client:
        assert client.get(plan_id_of("bravo", "again")).version == 1


def test_a_plan_that_stands_as_declared_is_told_so_whatever_its_version(exchange, file):
    mine, plan_id = file(feature("active", "alpha", 33)), plan_id_of("alpha", "active")
    detente("declare", mine, *exchange.at("alpha"))
    with Client(exchange.url, **secret_of(exchange, "alpha")) as client:
        client.activate(plan_id, version=1)
        done = detente("declare", mine, *exchange.at("alpha"), "--json")
        assert json.loads(done.stdout)[0]["outcome"] == "stands"
        client.end(plan_id, version=2)
    done = detente("declare", mine, *exchange.at("alpha"), "--update", check=False)
    assert done.returncode == 1
    assert "has ended; give it another id" in done.stdout


def test_a_changed_file_is_refused_in_words_and_changed_with_update(exchange, file):
    detente("declare", file(feature("changes", "alpha", 34)), *exchange.at("alpha"))
    changed = file(feature("changes", "alpha", 34, minutes=3))
    done = detente("declare", changed, *exchange.at("alpha"), check=False)
    assert done.returncode == 1
    assert "it stands already, at version 1, and not as the file has it; --update changes it" in done.stdout
    assert "If-Match" not in done.stdout
    done = detente("declare", changed, *exchange.at("alpha"), "--update")
    assert "1 changed" in done.stdout
    with Client(exchange.url, **secret_of(exchange, "alpha")) as client:
        stands = client.get(plan_id_of("alpha", "changes"))
        assert (stands.version, stands.start) == (2, DAY + dt.timedelta(minutes=3))
    assert "1 stands already" in detente("declare", changed, *exchange.at("alpha"), "--update").stdout


def test_an_update_keeps_what_no_file_holds_and_takes_a_way_out(exchange, file):
    detente("declare", file(feature("still-36", "alpha", 36)), *exchange.at("alpha"))
    mine, plan_id = file(feature("titled", "bravo", 36, lower_m=60)), plan_id_of("bravo", "titled")
    with Client(exchange.url, **secret_of(exchange, "bravo")) as client:
        (clear,) = read_plans(Path(file(feature("titled", "bravo", 37), name="clear.geojson")))
        body = msgspec.structs.replace(clear.body, title="bridge", sharing=Sharing.FULL)
        client.declare(plan_id, msgspec.structs.replace(body, own_plans=OwnPlans.IGNORE))
        done = detente("declare", mine, *exchange.at("bravo"), "--update", check=False)
        assert (done.returncode, client.get(plan_id).version) == (1, 1)
        assert "ways out: " in done.stdout
        done = detente("declare", mine, *exchange.at("bravo"), "--update", "--take-way-out")
        assert "moved 40 m up" in done.stdout
        stands = client.get(plan_id)
        assert (stands.version, stands.title, stands.sharing) == (2, "bridge", Sharing.FULL)
        assert stands.own_plans is OwnPlans.IGNORE
        # A second plan of the party beside it: both are told what they stand beside, one page or many.
        client.declare(
            str(uuid.uuid4()),
            msgspec.structs.replace(body, own_plans=OwnPlans.IGNORE, volumes=stands.volumes),
        )
        beside = {one.plan_id: one.conflicts for one in client.own_conflicts(ConflictsQuery(limit=1))}
        assert beside[plan_id] == client.conflicts_of(plan_id) != ()
        assert len(beside) == 2


def test_a_file_that_was_shifted_by_hand_is_not_taken_for_a_way_out(exchange, file):
    detente("declare", file(feature("shifted", "alpha", 38)), *exchange.at("alpha"))
    detente("declare", file(feature("beside", "bravo", 38, lower_m=300)), *exchange.at("bravo"))
    by_hand = file(feature("shifted", "alpha", 38, lower_m=250))
    done = detente("declare", by_hand, *exchange.at("alpha"), check=False)
    assert done.returncode == 1
    assert "not as the file has it" in done.stdout


def test_ctrl_c_shows_what_stands_so_far(exchange, file, tmp_path):
    mine = file(*(feature(f"many-{number}", "alpha", 42 + number / 50) for number in range(1_500)))
    words = [sys.executable, "-m", "detente", "declare", mine, *exchange.at("alpha")]
    log = tmp_path / "log"
    # A shell that runs the tests in the background has them ignore the signal, and all that they start.
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with log.open("w") as out:
            process = subprocess.Popen(words, stdout=out, stderr=out, env={**os.environ, "COLUMNS": "200"})
    finally:
        signal.signal(signal.SIGINT, former)
    with Client(exchange.url, **secret_of(exchange, "alpha")) as client:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(NotFound):
                client.get(plan_id_of("alpha", "many-20"))
                break
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = log.read_text()
    assert re.search(r"^\d+ accepted$", said, re.MULTILINE), said[-2_000:]
    assert re.search(r"interrupted: \d+ of 1500 plans are not in the table", said), said[-2_000:]
    assert "Traceback" not in said
    assert "Exception ignored" not in said
