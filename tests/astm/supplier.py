"""A supplier of another make, for tests: its own server, its own details, tokens of an authority."""

import json
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.astm.house import ALL, intent, volume
from tests.astm.peer_server import Peer
from tests.astm.schemas import check, check_response


class Authority:
    """Gives tokens to whoever asks, as the field's test authorities do."""

    def __init__(self, folder):
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.file = folder / "authority.pem"
        self.file.write_bytes(
            self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        self.server = Peer(self._answer)
        self.asked_by = []

    def token(self, subject, audience="127.0.0.1", scopes=ALL, **more):
        claims = {"iss": "authority", "sub": subject, "aud": audience, "scope": " ".join(scopes)}
        return jwt.encode(claims | {"exp": int(time.time()) + 3_600} | more, self.key, "RS256")

    def _answer(self, asked):
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.target).query).items()}
        self.asked_by.append(query["sub"])
        token = self.token(query["sub"], query["intended_audience"], query["scope"].split())
        return 200, {"access_token": token}


class Supplier:
    """One USS. `told` is what others sent it; `details` what it answers, by id."""

    def __init__(self, name, exchange_url, authority):
        self.name = name
        self.authority = authority
        self.server = Peer(self._answer)
        self.http = httpx.AsyncClient(base_url=exchange_url, timeout=30)
        self.details = {}
        self.told = []
        self.is_silent = False

    async def _answer(self, asked):
        if self.is_silent:
            return None
        claims = jwt.decode(
            asked.headers["authorization"].removeprefix("Bearer "),
            self.authority.key.public_key(),
            ["RS256"],
            audience="127.0.0.1",
        )
        if asked.method == "POST":
            message = json.loads(asked.body)
            check("PutOperationalIntentDetailsParameters", message)
            self.told.append((claims["sub"], message))
            return 204, b""
        entity = asked.target.rpartition("/")[2]
        if entity not in self.details:
            return 404, {"message": "unknown"}
        return 200, {"operational_intent": self.details[entity]}

    def asked_for(self, entity):
        return sum(1 for one in self.server.asked if one.method == "GET" and one.target.endswith(entity))

    async def call(self, method, path, body=None, *, url="", scopes=ALL):
        """One request of the standard, its answer held against the schema."""
        headers = {"authorization": f"Bearer {self.authority.token(self.name, scopes=scopes)}"}
        answer = await self.http.request(method, url + path, json=body, headers=headers)
        check_response(method, path, answer.status_code, answer.content)
        return answer

    async def plan(self, *extents, entity=None, ovn=None, key=(), state="Accepted", priority=0, details=None):
        """Write a reference and keep its details; answers (id, OVN, the answer)."""
        entity = entity or str(uuid.uuid4())
        body = intent(*extents, state=state, key=key, uss_base_url=self.server.url)
        body["new_subscription"] = {"uss_base_url": self.server.url}
        path = f"/dss/v1/operational_intent_references/{entity}" + (f"/{ovn}" if ovn else "")
        answer = await self.call("PUT", path, body)
        if not answer.is_success:
            return entity, None, answer
        reference = answer.json()["operational_intent_reference"]
        is_nominal = state in {"Accepted", "Activated"}
        volumes = list(details or body["extents"])
        self.details[entity] = {
            "reference": reference,
            "details": {
                "volumes": volumes if state != "Contingent" else [],
                "off_nominal_volumes": [] if is_nominal else volumes,
                "priority": priority,
            },
        }
        return entity, reference["ovn"], answer

    async def start(self):
        await self.server.start()

    async def stop(self):
        await self.server.stop()
        await self.http.aclose()


def somewhere(start, **more):
    return volume(start=start, minutes=60, **more)
