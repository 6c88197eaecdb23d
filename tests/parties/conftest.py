"""An initialised exchange on a database of its own, and a clock that tests turn."""

import hashlib
import json

import pytest

from detente.parties.issuer import Issuer
from detente.parties.model import Act, TokenForm
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.parties.verifier import Verifier

ISSUER = "https://exchange.test"
AUDIENCE = "exchange.test"
START_MS = 1_790_000_000_000


class Clock:
    """The present, as the test says."""

    def __init__(self, now_ms=START_MS):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms

    def pass_s(self, seconds):
        self.now_ms += round(seconds * 1_000)


def settings():
    return AccessSettings(issuer=ISSUER, audiences=(AUDIENCE, "other.exchange.test"))


def act(clock, **content):
    return Act(
        party_id="exchange",
        account_id="local",
        token_sha256=hashlib.sha256(b"a token").digest(),
        at_ms=clock(),
        content=json.dumps(content).encode(),
    )


class Exchange:
    """One server process: a service, an issuer and a verifier over a database that others may share."""

    def __init__(self, pool, clock, external=()):
        self.pool = pool
        self.clock = clock
        self.service = PartiesService(pool, settings(), clock_ms=clock)
        self.issuer = Issuer(self.service)
        self.verifier = Verifier(self.service, clock_ms=clock, external=external)

    def act(self, **content):
        return act(self.clock, **content)

    async def token_of(self, answer, **form):
        account = answer.account.account_id
        granted = await self.issuer.issue_token(
            TokenForm("client_credentials", account, answer.secret, **form), None, self.clock()
        )
        return granted.access_token


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def exchange(pg_pool, clock):
    one = Exchange(pg_pool, clock)
    one.administrator = await one.service.begin("The exchange", "first", one.act(name="The exchange"))
    yield one
    await one.verifier.close()
