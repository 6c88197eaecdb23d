"""The routes through the real HTTP edge: scopes, forms, versions, what is shown to whom."""

import base64

import httpx
import jwt
import pytest

from detente.parties.model import AccountBody, PartyBody, Role
from detente.parties.routes import routes
from detente.parties.rules import SCOPES_OF_ROLE
from detente.web import make_app

from .conftest import ISSUER

ALPHA = {"name": "Alpha", "contact": "+41 44", "languages": ["de"], "priority_limit": 3}


class Http:
    """A client of one exchange, and a token for each role."""

    def __init__(self, client, accounts):
        self.client = client
        self.accounts = accounts
        self.tokens = {}

    async def as_role(self, role, method, path, **request):
        headers = {"authorization": f"Bearer {self.tokens[role]}", **request.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **request)


@pytest.fixture
async def http(exchange):
    async def ready():
        return {}

    app = make_app(
        routes(exchange.service), authenticator=exchange.verifier, now_ms=exchange.clock, readiness=ready
    )
    await exchange.service.add_party("bravo", PartyBody(name="Bravo", contact="secret desk"), exchange.act())
    accounts = {"administrator": exchange.administrator}
    for role in set(Role) - {Role.ADMINISTRATOR}:
        body = AccountBody(role.value, role)
        accounts[role.value] = await exchange.service.add_account("bravo", body, exchange.act())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        one = Http(client, accounts)
        for name, added in accounts.items():
            one.tokens[name] = await exchange.token_of(added)
        yield one


def form(added, **members):
    return {
        "grant_type": "client_credentials",
        "client_id": added.account.account_id,
        "client_secret": added.secret,
        **members,
    }


async def test_every_route_answers_every_role_by_its_scope(http, exchange):
    """Who lacks the scope gets 403, who has no token 401; who has it gets past the gate."""
    listed = routes(exchange.service)
    assert {f"{one.method} {one.path}": one.scope for one in listed} == {
        "POST /v1/token": None,
        "GET /.well-known/jwks.json": None,
        "GET /.well-known/oauth-authorization-server": None,
        "GET /v1/whoami": "parties.read",
        "GET /v1/parties": "parties.read",
        "PUT /v1/parties/{party_id}": "parties.write",
        "GET /v1/parties/{party_id}/accounts": "parties.write",
        "POST /v1/parties/{party_id}/accounts": "parties.write",
        "PUT /v1/accounts/{account_id}": "parties.write",
        "POST /v1/accounts/{account_id}/secret": "parties.write",
        "POST /v1/keys/rotate": "keys.write",
    }
    for one in listed:
        path = one.path.replace("{party_id}", "nobody").replace("{account_id}", "nobody")
        if one.scope is None:
            continue
        assert (await http.client.request(one.method, path, json={})).status_code == 401
        for role in Role:
            request = {} if one.body is None else {"json": {"unknown": 1}}
            answer = await http.as_role(role.value, one.method, path, **request)
            is_allowed = one.scope in SCOPES_OF_ROLE[role]
            assert (answer.status_code != 403) == is_allowed, (one.path, role, answer.text)


async def test_both_ways_of_the_token_request(http):
    added = http.accounts["planner"]
    by_post = await http.client.post("/v1/token", data=form(added))
    basic = base64.b64encode(f"{added.account.account_id}:{added.secret}".encode()).decode()
    by_basic = await http.client.post(
        "/v1/token",
        data={"grant_type": "client_credentials", "scope": "plans.read"},
        headers={"authorization": f"Basic {basic}"},
    )
    for answer in (by_post, by_basic):
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    assert by_basic.json()["scope"] == "plans.read"
    keys = (await http.client.get("/.well-known/jwks.json")).json()
    text = by_post.json()["access_token"]
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(text)["kid"]]
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    claims = jwt.decode(text, key, ["RS256"], audience="exchange.test", issuer=ISSUER, options=options)
    assert claims["party"] == "bravo"


async def test_token_refusals_are_both_kinds_of_document(http):
    wrong = form(http.accounts["planner"], client_secret="wrong")
    answer = await http.client.post("/v1/token", data=wrong)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["www-authenticate"].startswith("Basic")
    said = answer.json()
    assert (said["error"], said["status"], said["detail"]) == (
        "invalid_client",
        401,
        said["error_description"],
    )
    answer = await http.client.post("/v1/token", data={"grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    unread = [
        {"content": b"{}", "headers": {"content-type": "application/json"}},
        {"content": b"a=%00", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"a=" + b"x" * 20_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
    ]
    for request in unread:
        assert 400 <= (await http.client.post("/v1/token", **request)).status_code < 500


async def test_metadata_leads_to_the_token_and_the_keys(http):
    found = (await http.client.get("/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == ISSUER
    assert (await http.client.get(found["jwks_uri"])).status_code == 200
    assert (await http.client.post(found["token_endpoint"], data={"a": "b"})).status_code == 400


async def test_no_private_half_is_published(http):
    for key in (await http.client.get("/.well-known/jwks.json")).json()["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


async def test_a_party_is_put_and_changed_by_version(http):
    added = await http.as_role("administrator", "PUT", "/v1/parties/alpha", json=ALPHA)
    assert (added.status_code, added.headers["etag"]) == (201, '"1"')
    again = await http.as_role("administrator", "PUT", "/v1/parties/alpha", json=ALPHA)
    assert again.status_code == 428
    for version, status in (('"1"', 200), ('"1"', 412), ("1", 400)):
        changed = await http.as_role(
            "administrator",
            "PUT",
            "/v1/parties/alpha",
            json={**ALPHA, "name": "A"},
            headers={"if-match": version},
        )
        assert changed.status_code == status, changed.text
    missing = await http.as_role(
        "administrator", "PUT", "/v1/parties/gamma", json=ALPHA, headers={"if-match": '"1"'}
    )
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"priority_limit": 101}, "priority_limit"),
        ({"priority_limit": -1}, "priority_limit"),
        ({"priority_limit": True}, "priority_limit"),
        ({"languages": []}, "languages"),
        ({"languages": ["de"] * 9}, "languages"),
        ({"languages": ["de\n"]}, "languages[0]"),
        ({"languages": ["d"]}, "languages[0]"),
        ({"more": 1}, "more"),
    ],
)
async def test_bad_parties_name_the_field(http, change, field):
    answer = await http.as_role("administrator", "PUT", "/v1/parties/alpha", json={**ALPHA, **change})
    assert answer.status_code == 400, answer.text
    assert answer.json()["field"].startswith(field), answer.text


async def test_only_administrators_see_contacts(http):
    for role in Role:
        seen = (await http.as_role(role.value, "GET", "/v1/parties")).json()["parties"]
        bravo = next(one for one in seen if one["party_id"] == "bravo")
        assert (bravo["contact"] == "secret desk") == (role is Role.ADMINISTRATOR)
        assert bravo["name"] == "Bravo"


async def test_an_accounts_life(http, exchange):
    added = await http.as_role(
        "administrator", "POST", "/v1/parties/bravo/accounts", json={"name": "desk", "role": "planner"}
    )
    assert added.status_code == 201
    assert added.headers["cache-control"] == "no-store"
    account, secret = added.json()["account"], added.json()["secret"]
    credentials = {
        "client_id": account["account_id"],
        "client_secret": secret,
        "grant_type": "client_credentials",
    }
    assert (await http.client.post("/v1/token", data=credentials)).status_code == 200

    path = f"/v1/accounts/{account['account_id']}"
    renewed = await http.as_role("administrator", "POST", f"{path}/secret")
    assert (await http.client.post("/v1/token", data=credentials)).status_code == 401
    credentials["client_secret"] = renewed.json()["secret"]
    assert (await http.client.post("/v1/token", data=credentials)).status_code == 200

    disabled = await http.as_role("administrator", "PUT", path, json={"is_disabled": True})
    assert disabled.json()["is_disabled"] is True
    assert (await http.client.post("/v1/token", data=credentials)).status_code == 401
    shown = await http.as_role("administrator", "GET", "/v1/parties/bravo/accounts")
    assert "secret" not in shown.text
    types = [row[0] for row in await exchange.pool.fetch("SELECT type FROM statement ORDER BY statement_id")]
    assert types[-3:] == ["account.added", "account.secret-changed", "account.changed"]
    stated = await exchange.pool.fetchrow("SELECT * FROM statement ORDER BY statement_id DESC LIMIT 1")
    assert stated["account_id"] == exchange.administrator.account.account_id
    assert stated["content"] == b'{"is_disabled":true}'


async def test_rotation_and_whoami(http, exchange):
    exchange.clock.pass_s(1)
    rotated = await http.as_role("administrator", "POST", "/v1/keys/rotate", json={})
    assert rotated.status_code == 200
    assert len(rotated.json()["keys"]) == 2
    assert (await http.as_role("administrator", "POST", "/v1/keys/rotate", json={})).status_code == 409
    who = (await http.as_role("observer", "GET", "/v1/whoami")).json()
    assert (who["party_id"], who["role"]) == ("bravo", "observer")
