"""What the InterUSS ecosystem asks beside the standard, of a whole exchange that trusts an authority."""

import re
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from detente import __version__
from detente.parties.model import Scope
from detente.parties.rules import standard_scopes
from detente.parties.tokens import make_private_key
from detente.settings import Settings
from detente.store import migrate
from tests.invariants.fleet import URL
from tests.test_app import running

KEY = make_private_key()
VERSIONS, POOL = "interuss.versioning.read_system_versions", "interuss.pool_status.read"
STRATEGIC = "utm.strategic_coordination"


def bearer(scope, audience="localhost"):
    claims = {"iss": "dummy", "sub": "uss1", "aud": audience, "scope": scope, "exp": int(time.time()) + 600}
    return {"authorization": f"Bearer {jwt.encode(claims, KEY, 'RS256')}"}


@pytest.fixture
def settings(pg_dsn, tmp_path):
    pem = tmp_path / "authority.pem"
    pem.write_bytes(
        KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return Settings(database=pg_dsn, public_url=URL, trust_key=(str(pem),), audience=("localhost", "second"))


@pytest.fixture
async def http(settings):
    async with running(settings) as one:
        yield one


def refused(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["message"]
    return answer.json()


async def test_an_exchange_that_only_trusts_an_authority_is_ready(http):
    answer = await http.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["checks"]["issuer"].startswith("ok: ")
    assert "only the trusted authority's tokens" in answer.json()["checks"]["issuer"]


async def test_health_and_version_are_open(http):
    healthy = await http.get("/healthy")
    assert (healthy.status_code, healthy.text) == (200, "ok")
    version = (await http.get("/aux/v1/version")).json()["version"]
    assert __version__ in version
    assert "undefined" not in version


async def test_a_token_is_believed_for_its_own_party_only(http):
    path = "/aux/v1/validate_oauth"
    for query in ("", "?owner=uss1", "?owner="):
        answer = await http.get(path + query, headers=bearer(STRATEGIC))
        assert (answer.status_code, answer.json()) == (200, {}), query
    assert (await http.get(path, headers=bearer(STRATEGIC, "second"))).status_code == 200
    refused(await http.get(f"{path}?owner=uss2", headers=bearer(STRATEGIC)), 403)
    refused(await http.get(path, headers=bearer(STRATEGIC, "third")), 401)
    refused(await http.get(path), 401)
    refused(await http.get(path, headers=bearer("utm.unheard_of")), 403)
    for nothing_at_all in ("plans.read", ""):
        refused(await http.get(path, headers=bearer(nothing_at_all)), 401)


@pytest.mark.parametrize("base", ["", "/versioning"])
async def test_versions_of_the_systems_that_run_here(http, base):
    for system in ("astm.f3548.v21", "us.utm_implementation", "uspace.ussp", "dss"):
        answer = await http.get(f"{base}/versions/{system}", headers=bearer(VERSIONS))
        assert answer.status_code == 200
        assert answer.json() == {"system_identity": system, "system_version": f"v{__version__}"}
    refused(await http.get(f"{base}/versions/gov.other", headers=bearer(VERSIONS)), 404)
    refused(await http.get(f"{base}/versions/", headers=bearer(VERSIONS)), 400)
    refused(await http.get(f"{base}/versions/dss", headers=bearer(POOL)), 403)
    refused(await http.get(f"{base}/versions/dss"), 401)


async def test_no_route_of_our_own_takes_an_authoritys_token(http):
    """Whatever scopes it lists: the authority names parties on the standard's routes and nowhere else."""
    every = bearer(" ".join(Scope))
    document = (await http.get("/openapi.json")).json()
    ours = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            scopes = [scope for one in operation["security"] for scope in one.get("bearer", [])]
            if scopes and not standard_scopes(scopes):
                ours += 1
                answer = await http.request(method.upper(), re.sub(r"{\w+}", "x", path), headers=every)
                assert answer.status_code == 403, (method, path, answer.text)
    assert ours > 20


async def test_every_server_of_one_database_is_of_one_pool(http, settings):
    pool = (await http.get("/aux/v1/pool", headers=bearer(POOL))).json()
    assert uuid.UUID(pool["dar_id"]).version == 4
    other = Settings(database=settings.database, public_url="https://b.test:1", trust_key=settings.trust_key)
    async with running(other) as beside:
        assert (await beside.get("/aux/v1/pool", headers=bearer(POOL, "b.test"))).json() == pool
        (one,) = (await beside.get("/aux/v1/pool/dss_instances", headers=bearer(POOL, "b.test"))).json()[
            "dss_instances"
        ]
        assert one == {"id": "b.test:1", "public_endpoint": "https://b.test:1"}
    assert await migrate(settings.database) == 0
    assert (await http.get("/aux/v1/pool", headers=bearer(POOL))).json() == pool
    for path in ("/aux/v1/pool", "/aux/v1/pool/dss_instances"):
        refused(await http.get(path, headers=bearer(STRATEGIC)), 403)
        refused(await http.get(path), 401)
