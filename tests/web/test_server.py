"""Real granian: workers and addresses, slow clients, large bodies, a stop that finishes what it began."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from detente.errors import BadInput
from detente.web.server import ServerSettings, serve
from tests.web import tiny
from tests.web.conftest import MARK, bearer

PLAN = "/v1/plans/7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a"
HEAD = (
    f"PUT {PLAN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer writer\r\nContent-Type: application/json\r\n"
).encode()


def talk(port, *pieces, pause_s=0.0, wait_s=15.0):
    """Send pieces with pauses; return everything that came back until the server closed, and the seconds."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause_s)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while part := line.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
    return answer, time.monotonic() - began


def test_headers_that_do_not_come_are_not_waited_for(served):
    _, took_s = talk(served.port, b"GET /health HTTP/1.1\r\nHost: x\r\n")
    assert 1.0 < took_s < 12.0


def test_headers_that_drip_are_not_waited_for(served):
    _, took_s = talk(served.port, *[b"GET /health HTTP/1.1\r\n", *[b"X: y\r\n"] * 30], pause_s=0.25)
    assert took_s < 20.0


def test_a_body_that_does_not_come_is_told_so(served):
    answer, took_s = talk(served.port, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"/problems/too-slow" in answer
    assert 0.8 < took_s < 12.0


def test_a_body_that_drips_is_told_so(served):
    answer, _ = talk(served.port, HEAD + b"Content-Length: 100\r\n\r\n", *[b"{"] * 12, pause_s=0.2)
    assert answer.startswith(b"HTTP/1.1 408")


def test_unused_connections_are_closed(served):
    answer, took_s = talk(served.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert took_s < 12.0


def test_a_head_beyond_the_limit_is_refused(served):
    answer, _ = talk(served.port, b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 900_000 + b"\r\n\r\n")
    assert b"200 OK" not in answer


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_five_megabytes_get_their_problem(served, framing):
    body = b"x" * 5_000_000
    content = body if framing == "length" else (body[i : i + 50_000] for i in range(0, len(body), 50_000))
    response = httpx.put(
        served.url + PLAN, content=content, headers={**bearer("writer"), "content-type": "application/json"}
    )
    assert response.status_code == 413
    assert response.json()["type"] == "/problems/too-large"
    assert httpx.put(served.url + PLAN, json=tiny.GOOD_PLAN, headers=bearer("writer")).status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
    ],
)
def test_broken_requests_get_no_success_and_no_500(served, raw):
    answer, _ = talk(served.port, raw)
    status = answer.split(b" ", 2)[1] if answer else b"closed"
    assert status == b"closed" or status.startswith(b"4"), answer
    assert httpx.get(served.url + "/health").status_code == 200


def test_a_client_that_leaves_in_the_middle_harms_nobody(served):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    assert httpx.put(served.url + PLAN, json=tiny.GOOD_PLAN, headers=bearer("writer")).status_code == 200


def test_many_slow_clients_do_not_keep_others_out(served):
    lines = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(300)]
    try:
        for line in lines:
            line.sendall(b"GET /health HTTP/1.1\r\n")
        began = time.monotonic()
        assert httpx.get(served.url + "/health").status_code == 200
        assert time.monotonic() - began < 6.0
    finally:
        for line in lines:
            line.close()


async def test_several_workers_answer_and_count_together(served):
    async with httpx.AsyncClient(base_url=served.url) as client:
        before = await counted(client)
        answers = await asyncio.gather(*(client.get("/v1/sleep?ms=50") for _ in range(40)))
        pids = {answer.json()["pid"] for answer in answers}
        for _ in range(5):
            assert await counted(client) == before + 40
    assert len(pids) == 2


async def counted(client):
    text = (await client.get("/metrics", headers=bearer("counter"))).text
    marker = 'detente_http_requests_total{method="GET",route="/v1/sleep",status="200"} '
    return sum(float(line[len(marker) :]) for line in text.splitlines() if line.startswith(marker))


def ask_until(url, end_s):
    while time.monotonic() < end_s:
        httpx.get(f"{url}/health", timeout=2)
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_finishes_what_it_began(serve_one, number):
    server = serve_one(workers=1).wait()
    results = []
    asked = threading.Thread(
        target=lambda: results.append(httpx.get(f"{server.url}/v1/sleep?ms=4000", timeout=60))
    )
    asked.start()
    time.sleep(1.0)
    began = time.monotonic()
    server.process.send_signal(number)
    with pytest.raises(httpx.TransportError):
        ask_until(server.url, began + 3.5)
    asked.join()
    assert results[0].status_code == 200
    assert server.stop() == 0
    assert time.monotonic() - began < 25


def test_a_request_that_never_ends_does_not_stop_the_stop(serve_one):
    server = serve_one(workers=1, stop_s=1).wait()
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(b"GET /v1/sleep?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 25


def test_a_terminal_that_closes_stops_the_whole_group(serve_one):
    server = serve_one(workers=1, start_new_session=True).wait()
    os.killpg(server.process.pid, signal.SIGHUP)
    assert server.process.wait(30) == 0
    assert workers_of(server) == []
    assert "crash" not in server.log.read_text()
    assert "Unexpected exit" not in server.log.read_text()


@pytest.mark.parametrize("addresses", [1, 2])
def test_a_hangup_that_is_ignored_at_the_start_stays_ignored(serve_one, addresses):
    server = serve_one(workers=1, addresses=addresses, before=["nohup"]).wait()
    os.kill(server.process.pid, signal.SIGHUP)
    time.sleep(1)
    assert httpx.get(f"{server.url}/health").status_code == 200
    assert server.stop() == 0


def test_it_says_that_it_is_ready_when_it_answers_and_only_once(serve_one):
    server = serve_one(workers=1, addresses=2)
    said = []
    while "ready" not in said:
        said = server.log.read_text().splitlines()
        assert server.process.poll() is None, said
        time.sleep(0.01)
    for port in server.ports:
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    assert server.stop() == 0
    assert server.log.read_text().splitlines().count("ready") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_two_addresses_and_their_stop(serve_one, number):
    server = serve_one(workers=1, addresses=2).wait()
    for port in server.ports:
        assert httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    assert server.stop(number) == 0
    for port in server.ports:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/health")


def test_a_killed_worker_is_replaced(serve_one):
    server = serve_one(workers=1).wait()
    os.kill(httpx.get(f"{server.url}/v1/sleep").json()["pid"], signal.SIGKILL)
    server.wait()
    assert httpx.get(f"{server.url}/v1/sleep").status_code == 200
    text = httpx.get(f"{server.url}/metrics", headers=bearer("counter")).text
    assert "detente_http_in_flight 1.0" in text
    assert server.stop() == 0


def test_workers_do_not_outlive_a_killed_server(serve_one):
    server = serve_one(workers=2).wait()
    assert_ends_with_its_supervisor(server)


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9, 1.2])
def test_workers_do_not_outlive_a_server_killed_while_they_start(serve_one, after_s):
    server = serve_one(workers=3)
    time.sleep(after_s)
    assert_ends_with_its_supervisor(server)


def assert_ends_with_its_supervisor(server):
    """Kill the supervisor outright; whatever it had started must let go of the address."""
    server.stop(signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until and (left := workers_of(server)):
        time.sleep(0.2)
    assert not left, server.log.read_text()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health", timeout=1)


def workers_of(server):
    """The processes that stand in the environment of this server's log, as /proc tells."""
    mark = f"{MARK}={server.log}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_an_application_that_cannot_start_ends_the_server(serve_one):
    server = serve_one(factory="tests.web.tiny:create_broken", workers=1)
    assert server.process.wait(60) == 1
    assert "newer version" in server.log.read_text()
    assert "ready" not in server.log.read_text().splitlines()


@pytest.mark.parametrize("addresses", [1, 2])
def test_an_application_that_raises_while_it_is_built_ends_the_server(serve_one, addresses):
    server = serve_one(factory="tests.web.tiny:create_raising", workers=2, addresses=addresses)
    assert server.process.wait(60) == 1
    last = server.log.read_text().splitlines()[-1]
    assert "cannot start: NotADirectoryError: [Errno 20] Not a directory: '/nope'" in last
    assert "continuing without" not in server.log.read_text()


@pytest.mark.parametrize("name", ["no_such", "GOOD_PLAN"])
def test_a_factory_that_is_no_function_ends_the_server(serve_one, name):
    server = serve_one(factory=f"tests.web.tiny:{name}", workers=1)
    assert server.process.wait(60) == 1
    assert "does not name a function as module:function" in server.log.read_text().splitlines()[-1]


def test_whatever_is_logged_is_json(serve_one):
    server = serve_one(workers=1).wait()
    os.kill(httpx.get(f"{server.url}/v1/sleep").json()["pid"], signal.SIGKILL)
    server.wait()
    assert server.stop() == 0
    lines = [line for line in server.log.read_text().splitlines() if line != "ready"]
    assert any("Unexpected exit" in json.loads(line)["event"] for line in lines)


def test_what_cannot_be_served_is_refused_at_once(served):
    with pytest.raises(BadInput, match="cannot be used") as refusal:
        serve("tests.web.tiny:create", listen=[("127.0.0.1", served.port)])
    assert refusal.value.members["field"] == "listen"
    for factory in ("no.such.module:create", "tests.web.no_such:create", "tests.web.tiny", ":create", ""):
        with pytest.raises(BadInput) as refusal:
            serve(factory, listen=[("127.0.0.1", 1)])
        assert refusal.value.members["field"] == "factory"
    for listen in ([], [("127.0.0.1", 0)], [("127.0.0.1", 70_000)], [("no.such.host.invalid", 80)]):
        with pytest.raises(BadInput):
            serve("tests.web.tiny:create", listen=listen)
    with pytest.raises(BadInput):
        serve("tests.web.tiny:create", listen=[("127.0.0.1", 1)], settings=ServerSettings(workers=0))
