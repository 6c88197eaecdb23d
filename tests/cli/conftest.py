"""``exchange``: made and served by the real commands: two parties, an authority, their secrets in files."""

import contextlib
import datetime as dt
import io
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from detente.cli import main
from tests.conftest import temporary_data_dir

START_S = 60
DAY = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=1)


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def detente(*words, check=True):
    """Run one command as ``detente`` would, in this process: a fresh one takes a second to start."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("COLUMNS", "200")
        try:
            main(list(map(str, words)))
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    if isinstance(code, str):
        err.write(f"{code}\n")  # as the interpreter does with the text of an exit
        code = 1
    done = Done(code, out.getvalue(), err.getvalue())
    if check:
        assert done.returncode == 0, done.stderr
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Exchange:
    """Where it answers, and where each party's secret is."""

    def __init__(self, url, folder):
        self.url = url
        self.folder = folder

    def at(self, party):
        return ["--url", self.url, "--secret-file", str(self.folder / f"{party}.json")]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    with temporary_data_dir() as data:
        detente("init", "--data", data, "--secret-file", folder / "exchange.json")
        roles = {"alpha": "duty_officer", "bravo": "duty_officer", "caa": "authority"}
        for party, role in roles.items():
            detente("party", "add", party, "--data", data, "--name", party.title())
            detente(
                *("party", "key", party, "--data", data, "--name", "desk"),
                *("--role", role, "--secret-file", folder / f"{party}.json"),
            )
        with served(data, folder / "log") as url:
            yield Exchange(url, folder)


@contextlib.contextmanager
def served(data: Path, log: Path):
    url = f"http://127.0.0.1:{free_port()}"
    words = ["serve", "--data", str(data), "--listen", url.removeprefix("http://")]
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, "-m", "detente", *words], stderr=out, stdout=out)
    try:
        until = time.monotonic() + START_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/ready").status_code == 200:
                    break
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(START_S)


def feature(plan, party, lat, *, lower_m=0, minutes=0, **more):
    start = DAY + dt.timedelta(minutes=minutes)
    properties = {
        "id": plan,
        "party": party,
        "start": start.isoformat(),
        "end": (start + dt.timedelta(minutes=10)).isoformat(),
        "lower_m": lower_m,
        "upper_m": lower_m + 100,
        "radius_m": 500,
        **more,
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [7, lat]},
        "properties": properties,
    }


@pytest.fixture
def file(tmp_path):
    def write(*features, name="plans.geojson"):
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return str(path)

    return write


def secret_of(exchange, party):
    kept = json.loads((exchange.folder / f"{party}.json").read_text())
    return {"account_id": kept["client_id"], "secret": kept["client_secret"]}
