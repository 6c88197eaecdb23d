"""``detente console link`` as a person runs it, on a real database."""

import asyncio
import re

import pytest
from click.testing import CliRunner

from detente.app import now_ms
from detente.cli import console, party
from detente.console.sessions import ConsoleSessions
from detente.errors import NotFound, StoreRefused
from detente.parties.model import Role
from detente.store import open_pool
from tests.invariants.fleet import make_exchange

LINK = re.compile(r"http://127\.0\.0\.1:8440/console#link=([A-Za-z0-9_-]{43})\n")


@pytest.fixture
def accounts(pg_dsn):
    return make_exchange(pg_dsn, [("alpha", Role.PLANNER, 0), ("alpha", Role.OBSERVER, 0)])


@pytest.fixture
def run(pg_dsn, monkeypatch):
    for name in ("DETENTE_PUBLIC_URL", "DETENTE_LISTEN", "DETENTE_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def run_it(*words):
        done = CliRunner().invoke(console.command, ["link", "--database", pg_dsn, *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run_it


def ask(dsn, verb):
    async def asking():
        pool = await open_pool(dsn, max_size=1)
        try:
            return await verb(pool)
        finally:
            await pool.close()

    return asyncio.run(asking())


def test_a_link_is_printed_alone_and_signs_in_whom_it_names(run, pg_dsn, accounts):
    account_id = accounts["alpha", Role.OBSERVER][0]
    for chosen in (("--account", account_id), ("--name", "observer")):
        done = run("alpha", *chosen)
        found = LINK.fullmatch(done.stdout)
        assert found, done.stdout
        assert "'observer' of alpha (observer), once, until" in done.stderr
        assert found[1] not in done.stderr
        code = found[1]
        opened = ask(pg_dsn, lambda pool, code=code: ConsoleSessions(pool).redeem_link(code, now_ms()))
        assert opened.session.account_id == account_id
    made = ask(pg_dsn, lambda pool: pool.fetch("SELECT * FROM statement WHERE type = 'link.made'"))
    assert [(row["party_id"], row["account_id"]) for row in made] == [("exchange", "local")] * 2
    assert made[0]["content"] == f'{{"account_id":"{account_id}","minutes":15}}'.encode()


@pytest.mark.usefixtures("accounts")
def test_time_and_place_can_be_said(run, pg_dsn, monkeypatch):
    done = run("alpha", "--name", "planner", "--minutes", "1440", "--url", "https://e.example/")
    assert done.stdout.startswith("https://e.example/console#link=")
    good_ms = "SELECT expires_ms - made_ms FROM console_link"
    assert ask(pg_dsn, lambda pool: pool.fetchval(good_ms)) == 86_400_000
    monkeypatch.setenv("DETENTE_PUBLIC_URL", "https://other.example")
    assert run("alpha", "--name", "planner").stdout.startswith("https://other.example/console#link=")


@pytest.mark.usefixtures("accounts")
def test_refusals(run, pg_dsn):
    for words in (
        ("alpha",),
        ("alpha", "--name", "planner", "--account", "x"),
        ("alpha", "--name", "planner", "--minutes", "0"),
        ("alpha", "--name", "planner", "--minutes", "1441"),
    ):
        assert run(*words).exit_code == 2
    for words in (
        ("alpha", "--name", "nobody"),
        ("nobody", "--name", "planner"),
        ("alpha", "--account", "x"),
    ):
        with pytest.raises(NotFound):
            run(*words)
    # An account of another party is none of this one.
    with pytest.raises(NotFound):
        run("alpha", "--name", "administrator")
    CliRunner().invoke(party.command, ["suspend", "--database", pg_dsn, "alpha"])
    with pytest.raises(NotFound, match="may act"):
        run("alpha", "--name", "planner")


def test_where_there_is_no_exchange_it_says_so(run):
    with pytest.raises(StoreRefused, match="detente init"):
        run("alpha", "--name", "planner")
