"""The verbs of passkeys for the people of a desk, each with an authenticator in software."""

import pytest

from detente.console.passkey_model import AddBody, SignInBody
from detente.console.passkeys import Passkeys
from detente.errors import BadInput, NotAuthenticated
from tests.console.authenticator import Authenticator

URL = "https://exchange.test"


class Keys:
    """Passkeys of one server process, for the people of a desk."""

    def __init__(self, desk):
        self.desk = desk
        self.passkeys = Passkeys(desk.pool, URL)

    def now(self):
        return self.desk.clock()

    async def options(self):
        return as_json(await self.passkeys.sign_in_options(self.now()))

    async def add_options(self, session):
        return as_json(await self.passkeys.add_options(session, self.now()))

    async def add(self, session, body):
        return await self.passkeys.add(session, AddBody(**body), self.now())

    async def enrol(self, name, key=None):
        """A new passkey of a person who has just used a link."""
        key = key or Authenticator()
        session = (await self.desk.sign_in(name)).session
        return key, await self.add(session, key.make(await self.add_options(session))), session

    async def send(self, body, server=None):
        return await (server or self.passkeys).sign_in(SignInBody(**body), self.now())

    async def sign_in(self, key):
        return await self.send(key.answer(await self.options()))

    async def refused(self, body):
        with pytest.raises(NotAuthenticated) as caught:
            await self.send(body)
        return caught.value.detail, dict(caught.value.members)

    async def refused_to_add(self, session, body):
        with pytest.raises(BadInput) as caught:
            await self.add(session, body)
        assert caught.value.members["reason"] == "bad-passkey"


def as_json(options):
    return {name: getattr(options, name) for name in options.__struct_fields__}
