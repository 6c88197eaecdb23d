"""An exchange with two parties and people of each, and the console's verbs, on a clock that tests turn."""

import pytest

from detente.console.sessions import ConsoleSessions
from detente.parties.model import AccountBody, AccountKind, PartyBody, Role
from tests.console.passkey_people import Keys
from tests.parties.conftest import Clock, Exchange


class Desk:
    """The verbs of one server process, and who may sign in."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.pool = exchange.pool
        self.clock = exchange.clock
        self.sessions = ConsoleSessions(exchange.pool)
        self.people = {}

    async def enrol(self, party, name, role=Role.PLANNER):
        body = AccountBody(name=name, role=role, kind=AccountKind.PERSON)
        answer = await self.exchange.service.add_account(party, body, self.exchange.act(name=name))
        self.people[name] = answer.account.account_id

    async def link(self, name, good_s=900):
        account_id = self.people[name]
        act = self.exchange.act(account_id=account_id)
        return await self.sessions.make_link(account_id, act, good_s=good_s)

    async def sign_in(self, name):
        return await self.sessions.redeem_link((await self.link(name)).code, self.clock())

    async def find(self, cookie):
        return await self.sessions.find(cookie, self.clock())

    async def statements(self, kinds="('link.made', 'session.opened', 'session.ended')"):
        return await self.pool.fetch(f"SELECT * FROM statement WHERE type IN {kinds} ORDER BY statement_id")


@pytest.fixture
async def desk(pg_pool):
    exchange = Exchange(pg_pool, Clock())
    exchange.administrator = await exchange.service.begin("The exchange", "first", exchange.act())
    one = Desk(exchange)
    for party in ("alpha", "bravo"):
        body = PartyBody(name=party.title(), languages=("fr", "de"))
        await exchange.service.add_party(party, body, exchange.act(name=party))
    for name, party, role in (
        ("anna", "alpha", Role.PLANNER),
        ("albert", "alpha", Role.OBSERVER),
        ("berta", "bravo", Role.DUTY_OFFICER),
    ):
        await one.enrol(party, name, role)
    one.people["first"] = exchange.administrator.account.account_id
    yield one
    await exchange.verifier.close()


@pytest.fixture
def keys(desk):
    return Keys(desk)
