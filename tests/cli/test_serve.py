"""``detente serve`` and what it refuses before anything runs, each in a line with what was expected."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from detente.parties.tokens import make_private_key
from detente.store.leftovers import processes_in, recorded_postmaster
from tests.cli.conftest import detente, free_port
from tests.conftest import temporary_data_dir

WAIT_S = 60


@pytest.mark.parametrize("words", [["serve"], ["init"], ["party", "list"]])
@pytest.mark.parametrize(
    "url", ["nonsense", "http://x", "mysql://u:hush@h/d", "postgresql://u:hush@h:70000/d"]
)
def test_what_is_no_database_url_is_refused_in_a_line(words, url):
    done = detente(*words, "--database", url, check=False)
    assert done.returncode == 1
    refusal, expected = done.stderr.splitlines()
    assert refusal.startswith("detente: '")
    assert "is no PostgreSQL URL" in refusal
    assert expected == "expected: postgresql://USER@HOST:PORT/NAME"
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--terrain", "/nope"], "terrain is '/nope', which cannot be read"),
        (["--tiles", "/nope"], "tiles is '/nope', which cannot be read as MBTiles"),
        (["--public-url", "nonsense"], "public_url is 'nonsense'"),
        (["--workers", "0"], "workers is 0; expected 1 to 64"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(words, said):
    done = detente("serve", *words, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@contextlib.contextmanager
def serving(log, *words, **environment):
    """A ``detente serve`` in a session of its own."""
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "detente", "serve", *map(str, words)],
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    try:
        yield server
    finally:
        server.terminate()
        server.wait(WAIT_S)


def running_in_session(session):
    """The command lines of a session's processes, without those that have ended and wait to be reaped."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, own, *_ = (folder / "stat").read_text().rpartition(") ")[2].split()
            if int(own) == session and state != "Z":
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" "))
    return found


def await_line(server, log, pattern):
    until = time.monotonic() + WAIT_S
    while not re.search(pattern, log.read_text()):
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def data():
    """The folder of an exchange that nobody runs between tests."""
    with temporary_data_dir() as folder:
        detente("init", "--data", folder, "--secret-file", folder.parent / "secret")
        yield folder


@pytest.mark.pg
def test_it_says_where_it_is_only_when_it_answers_there(data, tmp_path):
    log, address = tmp_path / "log", f"127.0.0.1:{free_port()}"
    with serving(log, "--data", data, "--listen", address) as server:
        await_line(server, log, f"Détente at http://{address} ")
        assert httpx.get(f"http://{address}/ready").status_code == 200
    assert server.returncode == 0


@pytest.mark.pg
def test_a_terminal_that_closes_leaves_nothing_running(data, tmp_path):
    log = tmp_path / "log"
    with serving(log, "--data", data, "--listen", f"127.0.0.1:{free_port()}") as server:
        await_line(server, log, "Détente at")
        os.killpg(server.pid, signal.SIGHUP)
        assert server.wait(WAIT_S) == 0
        assert processes_in(data.resolve() / "cluster") == []
        until = time.monotonic() + 5
        while (left := running_in_session(server.pid)) and time.monotonic() < until:
            time.sleep(0.05)
        assert left == []


@pytest.mark.pg
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("after_s", [0.8, 1.1])
def test_a_stop_in_the_middle_of_a_start_leaves_nothing_running(data, tmp_path, number, after_s):
    with serving(tmp_path / "log", "--data", data, "--listen", f"127.0.0.1:{free_port()}") as server:
        time.sleep(after_s)
        server.send_signal(number)
        server.wait(WAIT_S)
        assert processes_in(data.resolve() / "cluster") == []
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.pg
def test_a_second_server_is_told_how_to_run_beside_the_first(data, tmp_path):
    log = tmp_path / "log"
    with serving(log, "--data", data, "--listen", f"127.0.0.1:{free_port()}") as server:
        await_line(server, log, "Détente at")
        done = detente("serve", "--data", data, check=False)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert f"in use by process {server.pid}; stop it, or run a second server beside it: " in line
        assert line.count("--database") == 1
        variable, *words = shlex.split(line.partition("beside it: ")[2])
        name, _, value = variable.partition("=")
        address, second_log = f"127.0.0.1:{free_port()}", tmp_path / "second"
        words = [*words[2:], "--listen", address]
        with serving(second_log, *words, **{name: value}) as second:
            await_line(second, second_log, "Détente at")
            assert httpx.get(f"http://{address}/ready").status_code == 200


@pytest.mark.pg
def test_a_killed_database_leaves_json_without_tracebacks_in_the_log(data, tmp_path):
    log, address = tmp_path / "log", f"127.0.0.1:{free_port()}"
    with serving(log, "--data", data, "--listen", address) as server:
        await_line(server, log, "Détente at")
        for _ in range(2):
            os.kill(recorded_postmaster(data / "cluster"), signal.SIGKILL)
            await_line(server, log, "ended with status -9")
            until = time.monotonic() + WAIT_S
            while httpx.get(f"http://{address}/ready").status_code != 200:
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
    lines = log.read_text().splitlines()
    assert all(json.loads(line)["event"] for line in lines)
    assert any(json.loads(line).get("logger") == "asyncpg.pool" for line in lines)
    assert "Traceback" not in log.read_text()


def test_a_folder_without_an_exchange_is_refused_and_nothing_is_made(tmp_path):
    typo = tmp_path / "typo"
    done = detente("serve", "--data", typo, check=False)
    assert done.returncode == 1
    assert done.stderr == f"detente: There is no exchange in {typo}; run `detente init --data {typo}`\n"
    assert not typo.exists()


@pytest.mark.pg
def test_where_an_authority_is_trusted_the_folder_is_made_and_served(data_dir, tmp_path):
    pem, log, address = tmp_path / "authority.pem", tmp_path / "log", f"127.0.0.1:{free_port()}"
    pem.write_bytes(
        make_private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    words = ("--data", data_dir, "--trust-key", pem, "--listen", address)
    for _ in range(2):  # made the first time, found the second
        with serving(log, *words) as server:
            await_line(server, log, f"Détente at http://{address} ")
            answer = httpx.get(f"http://{address}/ready")
            assert answer.status_code == 200, answer.text
            assert "only the trusted authority's tokens" in answer.json()["checks"]["issuer"]
        assert server.returncode == 0
    inside = data_dir / "other"
    done = detente("serve", "--data", inside, "--trust-key", pem, check=False)
    assert done.returncode == 1
    assert f"lies inside the data folder {data_dir}" in done.stderr
    # An exchange can still be made there; then its own tokens are accepted as well.
    detente("init", "--data", data_dir)
    with serving(log, *words) as server:
        await_line(server, log, f"Détente at http://{address} ")
        assert httpx.get(f"http://{address}/ready").json()["checks"]["issuer"] == "ok"


def test_a_key_that_is_none_is_refused_before_anything_is_made(tmp_path):
    done = detente("serve", "--data", tmp_path / "new", "--trust-key", tmp_path / "none.pem", check=False)
    assert done.returncode == 1
    assert "none.pem cannot be read: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("words", [["serve"], ["init"], ["party", "list"]])
def test_an_empty_folder_name_is_refused(words):
    done = detente(*words, "--data", "", check=False)
    assert done.returncode == 2
    assert "'--data': it is empty" in done.stderr


@pytest.mark.pg
def test_an_exchange_is_not_made_inside_another_ones_folder(data):
    for inside in (data / "other", data / "cluster" / "base" / "other"):
        done = detente("init", "--data", inside, check=False)
        assert done.returncode == 1
        assert f"lies inside the data folder {data}" in done.stderr or "cluster" in done.stderr
        assert not inside.exists()


@pytest.mark.pg
def test_a_database_in_which_no_exchange_was_made_is_told_in_a_line(pg_dsn, tmp_path):
    log = tmp_path / "log"
    with serving(log, "--database", pg_dsn, "--listen", f"127.0.0.1:{free_port()}") as server:
        await_line(server, log, "Détente at")
    told = [line for line in log.read_text().splitlines() if "detente init" in line]
    assert len(told) == 1


def test_an_unreachable_database_is_waited_for_until_ctrl_c(tmp_path):
    log = tmp_path / "log"
    with serving(log, "--database", "postgresql://u:hush@127.0.0.1:1/d") as server:
        await_line(server, log, r"127\.0\.0\.1:1 does not answer.*Ctrl-C")
        assert "hush" not in log.read_text()
        server.send_signal(signal.SIGINT)
        assert server.wait(WAIT_S) == 0
    assert "Traceback" not in log.read_text()
