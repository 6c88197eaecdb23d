"""Invariant 4: every route with every role, and with tokens that are none: who may, who may not, by name."""

import base64
import time
from datetime import UTC, datetime, timedelta

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from detente.parties.model import Role
from tests.astm.house import constraint, intent, volume
from tests.astm.house import time as time_of
from tests.invariants.fleet import AUDIENCE, URL

# Written out here, not read from the code: a change of either has to be meant.
READERS = {Role.PLANNER, Role.DUTY_OFFICER, Role.AUTHORITY, Role.OBSERVER}
PLANNERS = {Role.PLANNER, Role.DUTY_OFFICER}
EVERYBODY = set(Role)
ADMINISTRATOR = {Role.ADMINISTRATOR}
SEPARATORS = {Role.AUTHORITY, Role.ADMINISTRATOR}
MAY = {
    ("GET", "/v1/plans/{plan_id}"): READERS,
    ("GET", "/v1/plans/{plan_id}/history"): READERS,
    ("GET", "/v1/plans/{plan_id}/conflicts"): READERS,
    ("POST", "/v1/plans/check"): READERS,
    ("POST", "/v1/plans/conflicts/query"): READERS,
    ("POST", "/v1/plans/query"): READERS,
    ("POST", "/v1/refusals/query"): READERS,
    ("GET", "/v1/refusals/{refusal_id}"): READERS,
    ("GET", "/v1/events"): READERS,
    ("POST", "/v1/files/read"): READERS,
    ("PUT", "/v1/plans/{plan_id}"): PLANNERS,
    ("PUT", "/v1/plans/{plan_id}/state"): PLANNERS,
    ("GET", "/v1/zones/{zone_id}"): READERS,
    ("POST", "/v1/zones/query"): READERS,
    ("PUT", "/v1/zones/{zone_id}"): {Role.AUTHORITY},
    ("DELETE", "/v1/zones/{zone_id}"): {Role.AUTHORITY},
    ("GET", "/v1/separations"): EVERYBODY,
    ("PUT", "/v1/separations"): SEPARATORS,
    ("DELETE", "/v1/separations"): SEPARATORS,
    ("GET", "/v1/parties"): EVERYBODY,
    ("PUT", "/v1/parties/{party_id}"): ADMINISTRATOR,
    ("GET", "/v1/parties/{party_id}/accounts"): ADMINISTRATOR,
    ("POST", "/v1/parties/{party_id}/accounts"): ADMINISTRATOR,
    ("PUT", "/v1/accounts/{account_id}"): ADMINISTRATOR,
    ("POST", "/v1/accounts/{account_id}/secret"): ADMINISTRATOR,
    ("POST", "/v1/keys/rotate"): ADMINISTRATOR,
    ("GET", "/v1/whoami"): EVERYBODY,
    ("GET", "/metrics"): ADMINISTRATOR,
    ("GET", "/aux/v1/validate_oauth"): EVERYBODY,
    ("GET", "/aux/v1/pool"): EVERYBODY,
    ("GET", "/aux/v1/pool/dss_instances"): EVERYBODY,
    ("GET", "/versions/{system_identity}"): EVERYBODY,
    ("GET", "/versioning/versions/{system_identity}"): EVERYBODY,
}
# ASTM F3548-21: who coordinates, who processes zones, who publishes them, who arbitrates.
ZONE_READERS = {Role.PLANNER, Role.DUTY_OFFICER, Role.AUTHORITY}
ARBITERS = {Role.AUTHORITY, Role.ADMINISTRATOR}
REPORTERS = ZONE_READERS | ARBITERS
OIR, CR, SUB = (
    f"/dss/v1/{kind}" for kind in ("operational_intent_references", "constraint_references", "subscriptions")
)
MAY |= {
    ("POST", f"{OIR}/query"): PLANNERS,
    ("GET", f"{OIR}/{{entityid}}"): PLANNERS,
    ("PUT", f"{OIR}/{{entityid}}"): PLANNERS,
    ("PUT", f"{OIR}/{{entityid}}/{{ovn}}"): PLANNERS,
    ("DELETE", f"{OIR}/{{entityid}}/{{ovn}}"): PLANNERS,
    ("POST", f"{CR}/query"): ZONE_READERS,
    ("GET", f"{CR}/{{entityid}}"): ZONE_READERS,
    ("PUT", f"{CR}/{{entityid}}"): {Role.AUTHORITY},
    ("PUT", f"{CR}/{{entityid}}/{{ovn}}"): {Role.AUTHORITY},
    ("DELETE", f"{CR}/{{entityid}}/{{ovn}}"): {Role.AUTHORITY},
    ("POST", f"{SUB}/query"): ZONE_READERS,
    ("GET", f"{SUB}/{{subscriptionid}}"): ZONE_READERS,
    ("PUT", f"{SUB}/{{subscriptionid}}"): ZONE_READERS,
    ("PUT", f"{SUB}/{{subscriptionid}}/{{version}}"): ZONE_READERS,
    ("DELETE", f"{SUB}/{{subscriptionid}}/{{version}}"): ZONE_READERS,
    ("POST", "/dss/v1/reports"): REPORTERS,
    ("GET", "/dss/v1/uss_availability/{uss_id}"): PLANNERS | ARBITERS,
    ("PUT", "/dss/v1/uss_availability/{uss_id}"): ARBITERS,
    ("GET", "/uss/v1/operational_intents/{entityid}"): PLANNERS,
    ("GET", "/uss/v1/operational_intents/{entityid}/telemetry"): PLANNERS,
    ("POST", "/uss/v1/operational_intents"): PLANNERS,
    ("GET", "/uss/v1/constraints/{entityid}"): ZONE_READERS,
    ("POST", "/uss/v1/constraints"): {Role.AUTHORITY},
    ("POST", "/uss/v1/reports"): REPORTERS,
}
OPEN = {
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/problems"),
    ("GET", "/problems/{slug}"),
    ("POST", "/v1/token"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/"),
    ("GET", "/console"),
    ("GET", "/console/assets/{name}"),
    ("GET", "/console/tiles"),
    ("GET", "/console/tiles/{z}/{x}/{y}"),
    ("GET", "/healthy"),
    ("GET", "/aux/v1/version"),
}
OPEN_ANSWERS = {"/v1/token": 415, "/": 303, "/console/assets/{name}": 404, "/console/tiles/{z}/{x}/{y}": 404}
"""Where it is not 200: an empty form, the way to the console, a file and a tile that it does not have."""
COOKIE = {
    ("GET", "/console/session"),
    ("DELETE", "/console/session"),
    ("POST", "/console/session/token"),
    ("GET", "/console/sessions"),
    ("DELETE", "/console/sessions/{session_id}"),
    ("POST", "/console/passkeys/challenge"),
    ("POST", "/console/passkeys"),
    ("GET", "/console/passkeys"),
    ("PUT", "/console/passkeys/{passkey_id}"),
    ("DELETE", "/console/passkeys/{passkey_id}"),
}
"""These ask for a console session; a token of whatever role is none. Signing in asks for a link instead."""
SIGN_IN = ("POST", "/console/session")
BY_PASSKEY = {("POST", "/console/session/passkey/challenge"), ("POST", "/console/session/passkey")}
"""Signing in with a passkey; at this exchange's plain http name there is none, and all are told so."""
PATH = {
    "entityid": "00000000-0000-4000-8000-00000000000e",
    "subscriptionid": "00000000-0000-4000-8000-00000000000f",
    "ovn": "an-ovn-that-is-none",
    "version": "none",
    "uss_id": "nobody",
    "plan_id": "00000000-0000-4000-8000-00000000000a",
    "zone_id": "00000000-0000-4000-8000-0000000000aa",
    "refusal_id": "00000000-0000-4000-8000-00000000000c",
    "party_id": "nobody",
    "account_id": "00000000-0000-4000-8000-00000000000b",
    "session_id": "00000000-0000-4000-8000-00000000000c",
    "passkey_id": "00000000-0000-4000-8000-00000000000d",
    "slug": "bad-input",
    "system_identity": "astm.f3548.v21",
    "name": "nothing.js",
    "z": "1",
    "x": "0",
    "y": "0",
}
START = datetime.now(UTC) + timedelta(days=2)
PLAN = {
    "volumes": [
        {
            "shape": {"kind": "circle", "center": {"lat_deg": 47.0, "lon_deg": 8.0}, "radius_m": 100.0},
            "lower_m": 0.0,
            "upper_m": 100.0,
            "start": START.isoformat(),
            "end": (START + timedelta(minutes=5)).isoformat(),
        }
    ]
}
PUBLICATION = {
    "zone": {
        "identifier": "P1",
        "restriction": "caution",
        "volumes": [{"shape": PLAN["volumes"][0]["shape"], "upper_m": 100.0}],
    }
}
SEPARATION = {"party_a": "alpha", "party_b": "bravo", "horizontal_m": 1, "vertical_m": 1, "time_s": 1}
FILE = {"content": base64.b64encode(b'{"type": "FeatureCollection", "features": []}').decode()}
BODIES = {
    ("PUT", "/v1/plans/{plan_id}"): PLAN,
    ("PUT", "/v1/plans/{plan_id}/state"): {"state": "ended"},
    ("POST", "/v1/plans/check"): PLAN,
    ("POST", "/v1/plans/query"): {},
    ("POST", "/v1/refusals/query"): {},
    ("POST", "/v1/zones/query"): {},
    ("PUT", "/v1/zones/{zone_id}"): PUBLICATION,
    ("POST", "/v1/files/read"): FILE,
    ("PUT", "/v1/separations"): SEPARATION,
    ("PUT", "/v1/parties/{party_id}"): {"name": "Nobody"},
    ("POST", "/v1/parties/{party_id}/accounts"): {"name": "n", "role": "planner"},
    ("PUT", "/v1/accounts/{account_id}"): {"is_disabled": True},
    ("POST", "/v1/keys/rotate"): {"at_once": True},
    SIGN_IN: {"link": "A" * 43},
    ("POST", "/console/passkeys"): {"name": "n", "client_data_json": "", "attestation_object": ""},
    ("PUT", "/console/passkeys/{passkey_id}"): {"name": "n"},
    ("POST", "/console/session/passkey"): {
        "credential_id": "",
        "client_data_json": "",
        "authenticator_data": "",
        "signature": "",
        "user_handle": "",
    },
}


ENTITY = PATH["entityid"]
AREA = {"area_of_interest": volume(start=START)}
INTENT, ZONE = intent(volume(start=START)), constraint(volume(start=START))
ZONE_WATCH = {
    "extents": volume(start=START, minutes=60),
    "uss_base_url": "https://alpha.example",
    "notify_for_constraints": True,
}
GONE = [{"subscription_id": ENTITY, "notification_index": 1}]
REPORT = {
    "exchange": {
        "url": "https://a",
        "method": "GET",
        "recorder_role": "Client",
        "request_time": time_of(START),
    }
}
BODIES |= {("POST", f"{kind}/query"): AREA for kind in (OIR, CR, SUB)}
BODIES |= {("PUT", f"{OIR}/{{entityid}}{more}"): INTENT for more in ("", "/{ovn}")}
BODIES |= {("PUT", f"{CR}/{{entityid}}{more}"): ZONE for more in ("", "/{ovn}")}
BODIES |= {("PUT", f"{SUB}/{{subscriptionid}}{more}"): ZONE_WATCH for more in ("", "/{version}")}
BODIES |= {
    ("POST", "/dss/v1/reports"): REPORT,
    ("POST", "/uss/v1/reports"): REPORT,
    ("PUT", "/dss/v1/uss_availability/{uss_id}"): {"old_version": "", "availability": "Normal"},
    ("POST", "/uss/v1/operational_intents"): {"operational_intent_id": ENTITY, "subscriptions": GONE},
    ("POST", "/uss/v1/constraints"): {"constraint_id": ENTITY, "subscriptions": GONE},
}


def party_of(role):
    return "exchange" if role is Role.ADMINISTRATOR else "alpha"


async def routes_of(house):
    document = (await house.call("GET", "/openapi.json")).json()
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


async def send(house, method, path, **more):
    query = "?party_a=alpha&party_b=bravo" if (method, path) == ("DELETE", "/v1/separations") else ""
    if path == "/v1/events":
        query = "?after=x"  # whoever may listen is refused for this; an open stream would not end
    return await house.call(method, path.format(**PATH) + query, body=BODIES.get((method, path)), **more)


async def test_every_route_is_in_the_table_and_says_so_itself(house):
    routes = await routes_of(house)
    assert set(routes) == set(MAY) | OPEN | COOKIE | BY_PASSKEY | {SIGN_IN}
    for route, operation in routes.items():
        kinds = {kind for one in operation["security"] for kind in one}
        assert kinds == ({"bearer"} if route in MAY else {"session"} if route in COOKIE else set()), route


async def test_every_role_may_what_its_table_says_and_nothing_else(house):
    for (method, path), may in MAY.items():
        for role in sorted(set(Role) - may):
            before = house.count()
            answer = await send(house, method, path, who=(party_of(role), role))
            assert answer.status_code == 403, (method, path, role)
            assert answer.json()["type"] == "/problems/not-allowed"
            assert "insufficient_scope" in answer.headers["www-authenticate"]
            assert house.count() == before, (method, path, role)
    # Last what changes something, so that nothing refused above was refused for another reason.
    for (method, path), may in sorted(MAY.items(), key=lambda item: item[0] == ("POST", "/v1/keys/rotate")):
        for role in sorted(may):
            answer = await send(house, method, path, who=(party_of(role), role))
            assert answer.status_code not in {401, 403, 500}, (method, path, role, answer.text)


async def test_open_routes_ask_for_no_token(house):
    for method, path in OPEN:
        answer = await send(house, method, path)
        assert answer.status_code == OPEN_ANSWERS.get(path, 200), (method, path)


async def test_console_routes_refuse_whoever_has_no_session_and_take_no_token_for_one(house):
    administrator = await house.token("exchange", Role.ADMINISTRATOR)
    before = house.count()
    for method, path in sorted(COOKIE | {SIGN_IN}):
        for token in (None, administrator):
            answer = await send(house, method, path, token=token)
            assert answer.status_code == 403, (method, path)
            assert answer.json()["header"] == "X-Detente-Console"
            answer = await send(house, method, path, token=token, x_detente_console="1")
            assert answer.status_code == 401, (method, path)
            assert "set-cookie" not in answer.headers
        for cookie in ("detente_session", f"detente_session={administrator}", f"detente_session={'A' * 43}"):
            answer = await send(house, method, path, x_detente_console="1", cookie=cookie)
            assert answer.status_code == 401, (method, path, cookie)
    assert house.count() == before


async def test_signing_in_by_passkey_takes_no_token_for_one(house):
    administrator = await house.token("exchange", Role.ADMINISTRATOR)
    before = house.count()
    for method, path in sorted(BY_PASSKEY):
        for token in (None, administrator):
            answer = await send(house, method, path, token=token)
            assert answer.status_code == 403, (method, path)
            assert answer.json()["header"] == "X-Detente-Console"
            answer = await send(house, method, path, token=token, x_detente_console="1")
            assert answer.status_code == 409, (method, path)
            assert answer.json()["reason"] == "no-secure-name"
            assert "set-cookie" not in answer.headers
    assert house.count() == before


def bad_tokens(house, good):
    """Tokens that must not be believed, each but for one thing as the good one."""
    claims = jwt.decode(good, options={"verify_signature": False})
    head = jwt.get_unverified_header(good)
    with psycopg.connect(house.dsn) as connection:
        (der,) = connection.execute("SELECT private_pkcs8 FROM signing_key").fetchone()
    key = load_der_private_key(der, None)
    now = int(time.time())

    def signed(**changed):
        named = {"kid": head["kid"], "typ": head.get("typ", "JWT")}
        return jwt.encode({**claims, **changed}, key, "RS256", headers=named)

    first, payload, signature = good.split(".")
    return {
        "none": None,
        "empty": "",
        "no token": "x",
        "three dots": "a.b.c",
        "wrong audience": signed(aud="somewhere.else"),
        "wrong issuer": signed(iss="https://somewhere.else"),
        "expired": signed(iat=now - 7_200, exp=now - 3_600),
        "from the future": signed(iat=now + 7_200, nbf=now + 7_200, exp=now + 9_000),
        "another account": signed(sub="00000000-0000-4000-8000-00000000dead"),
        "unsigned": jwt.encode(claims, None, "none"),
        "signed with a word": jwt.encode(claims, "x" * 64, "HS256", headers={"kid": head["kid"]}),
        "cut": f"{first}.{payload}.",
        "bent": f"{first}.{payload}.{'A' * len(signature)}",
    }, signed()


@pytest.mark.parametrize("route", sorted(MAY), ids=" ".join)
async def test_without_a_token_that_holds_nobody_gets_anywhere(house, route):
    role = min(MAY[route])
    good = await house.token(party_of(role), role)
    bad, same = bad_tokens(house, good)
    # Made by the same tool with nothing changed it is believed: so it is the change that is refused.
    assert (await house.call("GET", "/v1/whoami", token=same)).status_code == 200
    before = house.count()
    for name, token in bad.items():
        answer = await send(house, *route, token=token)
        assert answer.status_code == 401, (name, answer.text)
        assert answer.json()["type"] == "/problems/not-authenticated"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert house.count() == before


async def test_a_token_of_fewer_scopes_is_held_to_them(house):
    token = await house.token("alpha", Role.DUTY_OFFICER, scope="plans.read")
    assert (await send(house, "POST", "/v1/plans/query", token=token)).status_code == 200
    assert (await send(house, "PUT", "/v1/plans/{plan_id}", token=token)).status_code == 403
    assert (await send(house, "GET", "/v1/separations", token=token)).status_code == 403


def test_the_audience_is_what_the_fleet_says():
    assert URL.endswith(AUDIENCE)
