"""A discovery service in the test's hand: routes on a real database, a standing clock, tokens by name."""

import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta

import httpx

from detente.astm.f3548.dss import discovery_routes
from detente.astm.f3548.routing import Wire
from detente.astm.interuss_routes import interuss_routes
from detente.discovery.arbitration import Arbitration
from detente.discovery.references import References
from detente.discovery.subscriptions import Subscriptions
from detente.discovery.zones import ZoneReferences
from detente.errors import NotAuthenticated
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.plans.neighbourhood import Neighbourhood
from detente.web import Limits, make_app
from detente.web.model import Principal
from tests.astm.schemas import check_response

OWN_URL = "https://exchange.example"
SC = "utm.strategic_coordination"
CP = "utm.constraint_processing"
CM = "utm.constraint_management"
CMSA = "utm.conformance_monitoring_sa"
AA = "utm.availability_arbitration"
ALL = (SC, CP, CM, CMSA, AA)
NULL_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
T0 = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
OIR, CR, SUB = "operational_intent_references", "constraint_references", "subscriptions"


class Tokens:
    """A token is ``party scope scope ...``, spelt with commas."""

    async def authenticate(self, token):
        party, *scopes = token.split(",")
        if not party:
            raise NotAuthenticated("no party")
        return Principal(party, f"authority:{party}", "uss", frozenset(scopes), bytes(32))


class House:
    """One exchange; `now` may be moved."""

    def __init__(self, pool, *, allows_http=False, with_aux=False):
        self.pool = pool
        self.now = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
        new_ovn = lambda: secrets.token_urlsafe(24)  # noqa: E731 - one line, handed to three
        new_id = lambda: str(uuid.uuid4())  # noqa: E731 - the same
        self.app = make_app(
            [
                *_aux(pool, with_aux),
                *discovery_routes(
                    Wire(OWN_URL, allows_http=allows_http),
                    References(pool, neighbourhood=Neighbourhood(), new_ovn=new_ovn, new_id=new_id),
                    ZoneReferences(pool, new_ovn=new_ovn),
                    Subscriptions(pool, new_version=new_ovn),
                    Arbitration(pool, new_id=new_id, new_version=new_ovn),
                ),
            ],
            authenticator=Tokens(),
            now_ms=lambda: int(self.now.timestamp() * 1000),
            readiness=self._ready,
            limits=Limits(rate_per_s=0),
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://exchange")

    async def _ready(self):
        return {}

    async def call(self, method, path, body=None, *, who="uss1", scopes=ALL, valid=True):
        """Ask, and hold the answer against the standard's schema."""
        headers = {"authorization": f"Bearer {','.join([who, *scopes])}"}
        content = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await self.http.request(method, f"/dss/v1/{path}", content=content, headers=headers)
        if valid:
            check_response(method, f"/dss/v1/{path}", answer.status_code, answer.content)
        return answer

    async def put(self, kind, entity_id, body, version=None, **more):
        path = f"{kind}/{entity_id}" + ("" if version is None else f"/{version}")
        return await self.call("PUT", path, body, **more)

    async def made(self, kind, body, entity_id=None, **more):
        """Make one that must succeed; answers the parsed answer."""
        answer = await self.put(kind, entity_id or new_id(), body, **more)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def intent(self, body=None, **more):
        """Make a reference that must succeed; answers the reference."""
        return (await self.made(OIR, body or intent(), **more))["operational_intent_reference"]


def _aux(pool, is_wanted):
    if not is_wanted:
        return []
    parties = PartiesService(
        pool, AccessSettings(issuer=OWN_URL, audiences=("exchange",)), clock_ms=lambda: 0
    )
    return interuss_routes(parties)


def new_id():
    return str(uuid.uuid4())


def time(at):
    return {"value": at.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}


def altitude(metres):
    return {"value": metres, "reference": "W84", "units": "M"}


def volume(  # noqa: PLR0917 - a volume in one line
    lat=47.0, lng=8.0, radius=300.0, lower=100.0, upper=200.0, start=T0, minutes=30.0, end=None
):
    made = {"outline_circle": {"center": {"lat": lat, "lng": lng}, "radius": {"value": radius, "units": "M"}}}
    if lower is not None:
        made["altitude_lower"] = altitude(lower)
    if upper is not None:
        made["altitude_upper"] = altitude(upper)
    whole = {"volume": made}
    if start is not None:
        whole["time_start"] = time(start)
        whole["time_end"] = time(end or start + timedelta(minutes=minutes))
    return whole


def intent(*volumes, state="Accepted", key=(), **more):
    return {
        "extents": list(volumes) or [volume()],
        "state": state,
        "key": list(key),
        "uss_base_url": "https://uss1.example/utm",
        **more,
    }


def subscription(extents=None, **more):
    made = {"extents": extents or volume(), "uss_base_url": "https://uss1.example/utm"}
    return made | {"notify_for_operational_intents": True} | more


def new_subscription(url="https://uss1.example/utm", **more):
    return {"new_subscription": {"uss_base_url": url, **more}}


def constraint(*volumes):
    return {"extents": list(volumes) or [volume()], "uss_base_url": "https://uss9.example/utm"}
