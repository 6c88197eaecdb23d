"""The offline story on the real server: it goes as it is told, leaves nothing running, and can be stopped."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from detente.demo.home import DemoHome, server_pid
from detente.demo.scenario import body_of, load_scenario
from detente.demo.story import CAST

DEMO = [sys.executable, "-m", "detente", "demo"]
WAIT_S = 180

STORY = [
    ("fire-service", "accepted"),
    ("valley-drones", "refused"),
    ("valley-drones", "accepted"),
    ("relief-convoy", "refused"),
    ("relief-convoy", "accepted"),
    ("air-ambulance", "accepted"),
    ("valley-drones", "accepted"),
    ("air-ambulance", "activated"),
    ("valley-drones", "activated"),
    ("valley-drones", "nonconforming"),
    ("valley-drones", "contingent"),
    ("air-ambulance", "refused"),
    ("valley-drones", "ended"),
    ("air-ambulance", "accepted"),
    ("air-ambulance", "ended"),
    ("air-ambulance", "ended"),
    ("relief-convoy", "ended"),
    ("fire-service", "ended"),
]


def sign_in(url, link):
    base, _, code = link.strip().partition("/console#link=")
    assert base == url
    answer = httpx.post(
        f"{url}/console/session", json={"link": code}, headers={"x-detente-console": "1"}, trust_env=False
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def told(scenes, number):
    return " ".join([scenes[number - 1]["act"], *scenes[number - 1]["details"]])


@pytest.mark.slow
def test_the_story_is_told_as_it_goes_and_nothing_is_left_running(data_dir: Path):
    done = subprocess.run(
        [*DEMO, "--offline", "--exit", "--json", "--data", data_dir],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    scenes = summary["scenes"]
    assert [(scene["party"], scene["answer"]) for scene in scenes] == STORY
    assert "with fire-service" in told(scenes, 2)
    assert "sideways 155 m towards 180°" in told(scenes, 3)
    # 930 m over the ellipsoid is above 900 m over the sea by the bare numbers, and 22 m below it in truth.
    assert "with valley-drones" in told(scenes, 4)
    assert "height +23.0 m" in told(scenes, 5)
    assert "outranks the plan of fire-service" in told(scenes, 6)
    assert "with valley-drones" in told(scenes, 12), "a contingent plan blocks whatever the priority"
    assert [(one["party_id"], one["role"]) for one in summary["links"]] == [
        *((enrolment.party_id, "planner") for enrolment in CAST),
        ("demo-observers", "observer"),
    ]
    for one in summary["links"]:
        assert one["link"].startswith(f"{summary['url']}/console#link=")
        assert f"  {one['party_id']} ({one['role']}): {one['link']}\n" in done.stderr
    home = DemoHome(data_dir)
    assert json.loads(home.credentials.read_text())["links"] == summary["links"]
    assert server_pid(home) is None
    assert not (home.exchange / "cluster" / "postmaster.pid").exists()
    assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{summary['url']}/ready", trust_env=False)


@pytest.mark.slow
def test_in_the_background_it_answers_its_credentials_until_it_is_stopped(data_dir: Path):
    words = [*DEMO, "--data", str(data_dir)]
    done = subprocess.run(
        [*words, "--offline", "--background", "--json"],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    try:
        left = json.loads(DemoHome(data_dir).credentials.read_text())
        account = next(seat for seat in left["accounts"] if seat["role"] == "observer")
        form = {
            "grant_type": "client_credentials",
            "client_id": account["account_id"],
            "client_secret": account["secret"],
        }
        token = httpx.post(left["token_url"], data=form, trust_env=False).json()["access_token"]
        asked = {"states": ["ended"]}
        bearer = {"authorization": f"Bearer {token}"}
        plans = httpx.post(
            f"{left['url']}/v1/plans/query", json=asked, headers=bearer, trust_env=False
        ).json()
        assert len(plans["plans"]) == 5
        assert done.stderr.count(left["links"][0]["link"]) == 2, "with the URL at the start, and at the end"
        for one in left["links"]:
            assert sign_in(left["url"], one["link"])["party_id"] == one["party_id"]
        console = {"x-detente-console": "1"}
        body = {"link": left["links"][0]["link"].partition("=")[2]}
        spent = httpx.post(f"{left['url']}/console/session", json=body, headers=console, trust_env=False)
        assert spent.status_code == 401
        command = [sys.executable, "-m", *shlex.split(left["links"][-1]["another"])]
        another = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
        assert another.returncode == 0, another.stderr
        assert sign_in(left["url"], another.stdout)["role"] == "observer"
        again = subprocess.run(
            [*words, "--offline", "--exit"], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        assert again.returncode == 1
        assert "--stop" in again.stderr
    finally:
        stopped = subprocess.run(
            [*words, "--stop"], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
    assert stopped.returncode == 0
    assert "has stopped" in stopped.stdout
    assert server_pid(DemoHome(data_dir)) is None


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_order_to_end_stops_server_and_database(data_dir: Path, number: signal.Signals):
    demo = subprocess.Popen(
        [*DEMO, "--offline", "--data", data_dir], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        assert server_pid(DemoHome(data_dir)) is not None, "".join(lines)
        demo.send_signal(number)
        demo.send_signal(number)  # an impatient hand
        assert demo.wait(WAIT_S) == 0
    finally:
        demo.kill()
        demo.wait()
    assert server_pid(DemoHome(data_dir)) is None
    assert not (data_dir / "exchange" / "cluster" / "postmaster.pid").exists()


def test_the_scenario_belongs_to_the_cast_and_lies_ahead():

    begin = datetime(2026, 3, 9, 12, tzinfo=UTC)
    limits = {one.party_id: one.priority_limit for one in CAST}
    for name, feature in load_scenario().items():
        body = body_of(feature, begin)
        assert feature.properties.id == name
        assert body.priority <= limits[feature.properties.party]
        assert begin < body.volumes[0].start < body.volumes[0].end
