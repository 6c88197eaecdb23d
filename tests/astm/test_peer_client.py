"""Asking peers that answer, are slow, silent, huge, broken, or lead elsewhere."""

import asyncio
import gzip
import socket

import pytest

from detente.astm.peer_client import PeerClient
from detente.astm.peer_connection import PeerLimits, PeerTimeouts
from detente.errors import BadInput, PeerUnavailable

from .peer_server import Tokens, running, until

PLAN = "3f2b1c1e-7a44-4c1e-9a55-6d1f6c9b0001"
SCOPE = "utm.strategic_coordination"


async def why(awaitable):
    with pytest.raises(PeerUnavailable) as caught:
        await awaitable
    assert caught.value.members["peer"] in caught.value.detail
    return caught.value.members["why"]


async def test_each_call_goes_where_the_standard_says_with_a_token_for_that_host(client):
    async with running((200, {"a": 1})) as peer:
        base = peer.url + "/utm/"
        answers = [
            await client.fetch_details(base, PLAN),
            await client.fetch_telemetry(base, PLAN.upper()),
            await client.fetch_constraint(base, PLAN),
            await client.notify_plan(base, b'{"b":2}'),
            await client.notify_zone(base, b"{}"),
            await client.report(base, b"{}"),
            await client.put_json(base, "/x", SCOPE, b"{}"),
            await client.post_json(base, "/x", SCOPE, b"{}"),
            await client.delete_json(base, "/x", SCOPE),
        ]
    assert {(one.status, one.body) for one in answers} == {(200, b'{"a": 1}')}
    said = [(a.method, a.target, a.headers["authorization"].split("+")[1]) for a in peer.asked]
    assert said == [
        ("GET", f"/utm/uss/v1/operational_intents/{PLAN}", "utm.strategic_coordination"),
        ("GET", f"/utm/uss/v1/operational_intents/{PLAN}/telemetry", "utm.conformance_monitoring_sa"),
        ("GET", f"/utm/uss/v1/constraints/{PLAN}", "utm.constraint_processing"),
        ("POST", "/utm/uss/v1/operational_intents", "utm.strategic_coordination"),
        ("POST", "/utm/uss/v1/constraints", "utm.constraint_management"),
        ("POST", "/utm/uss/v1/reports", "utm.strategic_coordination"),
        ("PUT", "/utm/x", SCOPE),
        ("POST", "/utm/x", SCOPE),
        ("DELETE", "/utm/x", SCOPE),
    ]
    assert {a.headers["authorization"].split("+")[0] for a in peer.asked} == {"Bearer 127.0.0.1"}
    assert {a.headers["host"] for a in peer.asked} == {f"127.0.0.1:{peer.port}"}
    assert (peer.asked[3].body, peer.asked[3].headers["content-type"]) == (b'{"b":2}', "application/json")
    assert peer.connections == 1


async def test_what_a_fetch_may_answer(client):
    for status, for_details, for_telemetry in ((404, True, True), (409, False, True), (412, False, True)):
        async with running((status, {"message": "no"})) as peer:
            for fetch, is_allowed in (
                (client.fetch_details, for_details),
                (client.fetch_constraint, for_details),
                (client.fetch_telemetry, for_telemetry),
            ):
                if is_allowed:
                    assert (await fetch(peer.url, PLAN)).status == status
                else:
                    assert await why(fetch(peer.url, PLAN)) == f"answered {status}"


async def test_a_notice_is_received_whatever_the_peer_says_about_it(client):
    for answer in ((204,), (200, b"thanks"), (409, b"newer"), (400, b"")):
        async with running(answer) as peer:
            assert (await client.notify_plan(peer.url, b"{}")).status == answer[0]


@pytest.mark.parametrize("status", [301, 302, 307, 308, 500, 501, 503])
async def test_redirects_and_faults_are_no_answers_and_nothing_goes_elsewhere(client, status):
    async with running((200, {})) as elsewhere:
        headers = (f"location: {elsewhere.url}/uss/v1/operational_intents",)
        async with running((status, b"{}", headers)) as peer:
            assert await why(client.fetch_details(peer.url, PLAN)) == f"answered {status}"
            assert await why(client.notify_plan(peer.url, b"{}")) == f"answered {status}"
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b'{"a":"\xff"}', b"{} {}", b"NaN", b"[" * 1_000_000 + b"]" * 1_000_000]
)
async def test_what_is_no_json_is_said_to_be_none(client, body):
    async with running((200, body)) as peer:
        assert await why(client.fetch_details(peer.url, PLAN)) == "answered what is no JSON"


async def test_silence_ends_with_the_time_of_a_call(client):
    gate = asyncio.Event()

    async def silent(_asked):
        await gate.wait()

    async with running(silent) as peer:
        assert await why(client.fetch_details(peer.url, PLAN)) == "does not answer within 0.5 s"
        gate.set()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"])
async def test_a_trickle_ends_with_the_time_of_a_call_too(client, start):
    async def drip(_reader, writer):
        writer.write(start)
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(10):
        assert await why(client.fetch_details(url, PLAN)) == "does not answer within 0.5 s"
    server.close()


async def test_nobody_there_and_one_who_hangs_up(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert await why(client.fetch_details(url, PLAN)) == "refused the connection"
    async with running(lambda _asked: None) as peer:
        assert await why(client.fetch_details(peer.url, PLAN)) == "broke the connection off"
    async with running(lambda _asked: b"SSH-2.0-other\r\n\r\n") as peer:
        assert await why(client.fetch_details(peer.url, PLAN)) == "broke the connection off"


async def test_no_more_than_the_bound_is_read(tokens, clock):
    client = PeerClient(tokens, clock_ms=clock, allows_http=True, limits=PeerLimits(body_bytes=100_000))
    sent = 0

    async def endless(_reader, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while sent < 500_000_000 and not writer.is_closing():
            writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            await writer.drain()
            sent += 65_536

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert await why(client.fetch_details(url, PLAN)) == "answered more than 100000 bytes"
    assert sent < 50_000_000
    server.close()
    exact = b'"' + b"x" * 99_998 + b'"'
    async with running(lambda asked: (200, exact if "constraints" in asked.target else exact + b" ")) as peer:
        assert (await client.fetch_constraint(peer.url, PLAN)).body == exact
        assert await why(client.fetch_details(peer.url, PLAN)) == "answered more than 100000 bytes"
    await client.close()


async def test_packed_bodies_are_neither_asked_for_nor_unpacked(client):
    packed = gzip.compress(b" " * 100_000_000 + b"{}")
    async with running((200, packed, ("content-encoding: gzip",))) as peer:
        assert await why(client.fetch_details(peer.url, PLAN)) == (
            "answered in an encoding that was not asked for"
        )
    assert peer.asked[0].headers["accept-encoding"] == "identity"


async def test_cookies_are_not_kept(tokens, clock):
    async def lookup(_host, _port):
        return ("127.0.0.1",)

    client = PeerClient(tokens, clock_ms=clock, allows_http=True, lookup=lookup)
    async with running((200, {}, ("set-cookie: who=you; path=/",))) as peer:
        for _ in range(2):
            await client.fetch_details(f"http://peer.test:{peer.port}", PLAN)
    assert ["cookie" in asked.headers for asked in peer.asked] == [False, False]
    assert [len(one._client.cookies.jar) for one in client._peers.values()] == [0]  # else they would pile up
    await client.close()


async def test_a_token_that_is_not_taken_is_changed_once(client, tokens):
    async with running(lambda a: (401 if a.headers["authorization"].endswith("+0") else 204,)) as peer:
        assert (await client.notify_plan(peer.url, b"{}")).status == 204
    assert tokens.forgotten == [("127.0.0.1", SCOPE, f"127.0.0.1+{SCOPE}+0")]
    async with running((401, b"")) as peer:
        assert (await client.notify_plan(peer.url, b"{}")).status == 401
    assert len(peer.asked) == 2


async def test_a_token_that_cannot_be_changed_is_not_sent_again(clock):
    class Fixed(Tokens):
        def forget(self, *_words):
            pass

    client = PeerClient(Fixed(), clock_ms=clock, allows_http=True)
    async with running((401, b"")) as peer:
        assert (await client.notify_plan(peer.url, b"{}")).status == 401
    assert len(peer.asked) == 1
    await client.close()


async def test_a_peer_gets_so_many_calls_at_once(tokens, clock):
    client = PeerClient(
        tokens,
        clock_ms=clock,
        allows_http=True,
        limits=PeerLimits(calls=3),
        timeouts=PeerTimeouts(call_s=20),
    )
    gate, at_once, most = asyncio.Event(), 0, 0

    async def count(_asked):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await gate.wait()
        at_once -= 1
        return 200, {}

    async with running(count) as peer:
        calls = [asyncio.create_task(client.fetch_details(peer.url, PLAN)) for _ in range(10)]
        await until(lambda: at_once == 3)
        await asyncio.sleep(0.1)
        gate.set()
        await asyncio.gather(*calls)
    assert (most, len(peer.asked), peer.connections) == (3, 10, 3)
    await client.close()


async def test_a_dead_peer_is_left_alone_and_found_again(client, clock):
    state = {"dead": True}
    gate = asyncio.Event()

    async def answer(_asked):
        if state["dead"]:
            await gate.wait()
            return None
        return 200, {}

    async with running(answer) as peer, running((200, {})) as other:
        for _ in range(3):
            assert not client.is_left_alone(peer.url)
            assert "within" in await why(client.fetch_details(peer.url, PLAN))
        assert client.is_left_alone(peer.url + "/another/path")
        assert "left alone" in await why(client.fetch_details(peer.url, PLAN))
        assert len(peer.asked) == 3
        assert (await client.fetch_details(other.url, PLAN)).status == 200
        clock.pass_s(5)
        tried = asyncio.create_task(why(client.fetch_details(peer.url, PLAN)))
        await until(lambda: len(peer.asked) == 4)
        assert "left alone" in await why(client.fetch_details(peer.url, PLAN))  # one tries for all
        assert "within" in await tried
        assert client.is_left_alone(peer.url)
        clock.pass_s(5)
        state["dead"] = False
        assert (await client.fetch_details(peer.url, PLAN)).status == 200
        assert not client.is_left_alone(peer.url)
        await asyncio.gather(*(client.fetch_details(peer.url, PLAN) for _ in range(20)))
        gate.set()


async def test_a_trial_that_its_caller_gave_up_does_not_close_the_peer_for_good(client, clock):
    answers = [(503,), (503,), (503,)]

    async def answer(_asked):
        if answers:
            return answers.pop()
        await asyncio.sleep(0.3)
        return 200, {}

    async with running(answer) as peer:
        for _ in range(3):
            await why(client.fetch_details(peer.url, PLAN))
        clock.pass_s(5)
        trial = asyncio.create_task(client.fetch_details(peer.url, PLAN))
        await until(lambda: len(peer.asked) == 4)
        trial.cancel()
        await asyncio.gather(trial, return_exceptions=True)
        assert (await client.fetch_details(peer.url, PLAN)).status == 200


async def test_faults_of_a_peer_that_is_there_do_not_close_it(client):
    for answer in ((500, b""), (200, b"<html>"), (302, b""), (404, b"")):
        async with running(answer) as peer:
            for _ in range(5):
                await asyncio.gather(client.fetch_details(peer.url, PLAN), return_exceptions=True)
            assert not client.is_left_alone(peer.url)
            assert len(peer.asked) == 5


async def test_a_clock_that_goes_back_does_not_leave_a_peer_alone_for_longer(client, clock):
    async with running((503,)) as peer:
        for _ in range(3):
            await why(client.fetch_details(peer.url, PLAN))
        clock.pass_s(-86_400)
        assert await why(client.fetch_details(peer.url, PLAN)) == "answered 503"


async def test_only_so_many_peers_are_remembered(tokens, clock):
    client = PeerClient(tokens, clock_ms=clock, allows_http=True, limits=PeerLimits(peers=2))
    async with running((200, {})) as a, running((200, {})) as b, running((200, {})) as c:
        for peer in (a, b, a, c, a):
            await client.fetch_details(peer.url, PLAN)
        assert (a.connections, len(client._peers)) == (1, 2)
        await client.fetch_details(b.url, PLAN)
        assert b.connections == 2
    await client.close()


@pytest.mark.parametrize("plan_id", ["", "..", "../x", "x?y", "a/b", f"{PLAN}/telemetry"])
async def test_an_id_cannot_become_another_path(client, plan_id):
    with pytest.raises(BadInput):
        await client.fetch_details("http://127.0.0.1:9", plan_id)


@pytest.mark.parametrize(
    "path",
    ["", "x", "//evil.test/x", "/../x", "/%2e%2E/x", "/x?y=1", "/x#y", "/x y", "@evil.test/", "/x\r\nh: y"],
)
async def test_a_path_cannot_leave_the_base(client, path):
    with pytest.raises(BadInput):
        await client.get_json("http://127.0.0.1:9", path, SCOPE)
