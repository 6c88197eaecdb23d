"""``detente console passkeys`` as a host runs it, on a real database."""

import json

import pytest
from click.testing import CliRunner

from detente.app import now_ms
from detente.cli import console
from detente.console.passkey_model import AddBody
from detente.console.passkeys import Passkeys
from detente.console.sessions import ConsoleSessions
from detente.errors import NotFound
from detente.parties.model import Act, Role
from tests.console.authenticator import Authenticator
from tests.console.passkey_people import as_json
from tests.console.test_command import ask
from tests.invariants.fleet import make_exchange


@pytest.fixture
def passkey_id(pg_dsn):
    account_id = make_exchange(pg_dsn, [("alpha", Role.PLANNER, 0)])["alpha", Role.PLANNER][0]

    async def enrol(pool):
        act = Act("exchange", "local", None, now_ms(), b"{}")
        link = await ConsoleSessions(pool).make_link(account_id, act, good_s=60)
        session = (await ConsoleSessions(pool).redeem_link(link.code, now_ms())).session
        passkeys = Passkeys(pool, "https://exchange.test")
        made = Authenticator().make(as_json(await passkeys.add_options(session, now_ms())))
        return (await passkeys.add(session, AddBody(**made), now_ms())).passkey_id

    return ask(pg_dsn, enrol)


def run(dsn, *words):
    done = CliRunner().invoke(console.command, ["passkeys", "--database", dsn, *words])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_a_host_lists_a_partys_passkeys_and_removes_a_lost_one(pg_dsn, passkey_id):
    assert run(pg_dsn, "alpha") == f"{passkey_id}  planner  phone  used never\n"
    (shown,) = json.loads(run(pg_dsn, "alpha", "--json"))
    assert (shown["passkey_id"], shown["used"], shown["suspected"]) == (passkey_id, None, None)
    assert run(pg_dsn, "exchange") == ""
    with pytest.raises(NotFound):
        run(pg_dsn, "exchange", "--remove", passkey_id)
    assert run(pg_dsn, "alpha", "--remove", passkey_id) == f"{passkey_id}  removed, 0 sessions ended\n"
    assert run(pg_dsn, "alpha") == ""
    for words in (("alpha", "--remove", passkey_id), ("alpha", "--remove", "x"), ("nobody",)):
        with pytest.raises(NotFound):
            run(pg_dsn, *words)
    stated = ask(pg_dsn, lambda pool: pool.fetch("SELECT * FROM statement WHERE type = 'passkey.removed'"))
    assert [(row["party_id"], row["account_id"]) for row in stated] == [("exchange", "local")]
