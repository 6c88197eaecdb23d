"""A real exchange, served by ``detente serve`` for all tests of this folder, with tokens of every kind."""

import pytest

from detente.parties.model import Role
from detente.store import EmbeddedPostgres
from tests.conftest import temporary_data_dir
from tests.invariants.fleet import fleet, make_exchange, token_of

ACCOUNTS = [("alpha", Role.DUTY_OFFICER, 50), ("alpha", Role.AUTHORITY, 50)]


class Served:
    """Where it is, and who may do what there."""

    def __init__(self, url, dsn, accounts):
        self.url = url
        self.dsn = dsn
        self._accounts = accounts
        self.renew()

    def renew(self):
        """New tokens, as after a signing key was replaced at once."""
        self._tokens = {who: token_of(self.url, account) for who, account in self._accounts.items()}

    def headers(self, path):
        """What a caller who may do it sends along."""
        who = (
            ("alpha", Role.DUTY_OFFICER)
            if "/plans" in path or "/refusals" in path
            else ("exchange", Role.ADMINISTRATOR)
        )
        return {"authorization": f"Bearer {self._tokens[who]}"}


@pytest.fixture(scope="session")
def served():
    with temporary_data_dir() as folder, EmbeddedPostgres.start(folder) as postgres:
        accounts = make_exchange(postgres.dsn, ACCOUNTS)
        with fleet(postgres.dsn, 1) as (server,):
            yield Served(server.url, postgres.dsn, accounts)
