"""A node and its exchange without any other authority: it gives the tokens, and its keys are fetched."""

import asyncio

import httpx
import jwt
import pytest
import pytest_asyncio

from detente.parties.model import Role
from tests.astm.flotilla import AIR, HOST, Desk, Place, area
from tests.astm.peer_server import until
from tests.conftest import temporary_database
from tests.invariants.fleet import make_exchange, token_of


@pytest_asyncio.fixture
async def pair(pg_server, pg_template, tmp_path):
    """An exchange with a hosted party, the node of another, and the node's account at the exchange."""
    with (
        temporary_database(pg_server, pg_template) as first,
        temporary_database(pg_server, pg_template) as second,
    ):
        at_exchange = await asyncio.to_thread(
            make_exchange, first, [(HOST, Role.PLANNER, 50), (AIR, Role.PLANNER, 50)]
        )
        at_node = await asyncio.to_thread(make_exchange, second, [(AIR, Role.PLANNER, 50)])
        client, secret = at_exchange[AIR, Role.PLANNER]
        exchange = Place("127.0.0.1", first, tmp_path / "exchange.log", allow_http_peers="true", party=HOST)
        node = Place(
            "127.0.0.2", second, tmp_path / "node.log", allow_http_peers="true", node_of=AIR,
            exchange=exchange.url, token_url=f"{exchange.url}/v1/token", token_client=client,
            token_secret=secret, trust_key=f"{exchange.url}/.well-known/jwks.json",
        )  # fmt: skip
        for server in (exchange, node):
            server.start()
        try:
            for server in (exchange, node):
                await asyncio.to_thread(server.await_ready)
            yield exchange, node, at_exchange, at_node
        finally:
            for server in (exchange, node):
                await asyncio.to_thread(server.stop)


async def test_an_exchange_and_a_node_need_no_other_authority(pair):
    exchange, node, at_exchange, at_node = pair
    air = await asyncio.to_thread(Desk, node, at_node[AIR, Role.PLANNER])
    harbour = await asyncio.to_thread(Desk, exchange, at_exchange[HOST, Role.PLANNER])

    # The node writes with an account's token; the exchange asks it for details with a token of its own.
    plan = await air.declared(area(), title="confidential")
    assert (await harbour.declare(area())).status_code == 409
    assert (await air.declare(area(lat=47.001))).status_code == 409

    # And the exchange tells the node, which fetched its keys.
    beside = await harbour.declared(area(lower_m=200.0, upper_m=300.0))
    await until(lambda: node.sql("SELECT 1 FROM plan WHERE plan_id = %s", beside["plan_id"]))
    await air.enter(plan, "activated")

    # Nothing of this is in the logs, and the title never left the node.
    client, secret = at_exchange[AIR, Role.PLANNER]
    for server in (exchange, node):
        log = server.log.read_text()
        assert log
        assert secret not in log
        assert "eyJ" not in log
    having = "SELECT count(*) FROM plan WHERE convert_from(body, 'UTF8') LIKE '%%confidential%%'"
    assert (node.sql(having), exchange.sql(having)) == ([(1,)], [(0,)])
    assert client


async def test_a_token_for_a_peer_speaks_for_the_party_and_opens_nothing_here(pair):
    exchange, node, at_exchange, _ = pair
    account = at_exchange[AIR, Role.PLANNER]
    form = {"audience": "127.0.0.2", "scope": "utm.strategic_coordination plans.write parties.write"}
    token = await asyncio.to_thread(token_of, exchange.url, account, **form)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["aud"], claims["scope"]) == (AIR, "127.0.0.2", "utm.strategic_coordination")
    assert "party" not in claims

    def knock(server, path):
        return httpx.get(server.url + path, headers={"authorization": f"Bearer {token}"}).status_code

    path = "/uss/v1/operational_intents/2f8343be-6482-4d1b-a474-16847e01af1e"
    assert await asyncio.to_thread(knock, node, path) == 404
    assert await asyncio.to_thread(knock, node, "/v1/parties") == 403
    assert await asyncio.to_thread(knock, exchange, path) == 401


COORDINATION = "utm.strategic_coordination"


@pytest.mark.parametrize(
    ("who", "audience", "scope", "error"),
    [
        ((AIR, Role.PLANNER), "127.0.0.2", None, "invalid_target"),
        ((AIR, Role.PLANNER), "https://127.0.0.2", COORDINATION, "invalid_target"),
        ((AIR, Role.PLANNER), "127.0.0.2", "plans.write", "invalid_scope"),
        ((AIR, Role.PLANNER), "127.0.0.2", "utm.constraint_management", "invalid_scope"),
        (("exchange", Role.ADMINISTRATOR), "127.0.0.2", "utm.availability_arbitration", "invalid_target"),
    ],
)
async def test_what_no_token_is_given_for(pair, who, audience, scope, error):
    exchange, _, at_exchange, _ = pair
    client_id, secret = at_exchange[who]
    data = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    data |= {"audience": audience} | ({} if scope is None else {"scope": scope})
    answer = await asyncio.to_thread(httpx.post, f"{exchange.url}/v1/token", data=data)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_keys_that_cannot_be_fetched_again_stay(pair):
    exchange, node, at_exchange, at_node = pair
    form = {"audience": "127.0.0.2", "scope": "utm.strategic_coordination"}
    token = await asyncio.to_thread(token_of, exchange.url, at_exchange[AIR, Role.PLANNER], **form)
    other = await asyncio.to_thread(token_of, exchange.url, at_exchange[HOST, Role.PLANNER], **form)

    def knock(text):
        url = f"{node.url}/uss/v1/operational_intents/2f8343be-6482-4d1b-a474-16847e01af1e"
        return httpx.get(url, headers={"authorization": f"Bearer {text}"}).status_code

    assert await asyncio.to_thread(knock, token) == 404
    exchange.kill()
    assert await asyncio.to_thread(knock, other) == 404
    assert await asyncio.to_thread(knock, other[:-8] + "AAAAAAAA") == 401
    assert at_node
