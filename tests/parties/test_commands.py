"""``detente init`` and ``detente party`` as a person runs them, on a real database."""

import asyncio
import json
import stat

import pytest
from click.testing import CliRunner

from detente.cli import init, party
from detente.errors import AlreadyExists, BadInput, NotFound, Refused, StoreRefused
from detente.store import open_pool


@pytest.fixture
def run(pg_dsn):
    def run_it(command, *words):
        done = CliRunner().invoke(command, [*words[:1], "--database", pg_dsn, *words[1:]] if words else [])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run_it


@pytest.fixture
def begun(pg_dsn, tmp_path):
    secret = tmp_path / "secret"
    done = CliRunner().invoke(
        init.command, ["--database", pg_dsn, "--name", "E", "--secret-file", str(secret)]
    )
    assert done.exit_code == 0, done.output
    return secret


def query(dsn, sql):
    async def ask():
        pool = await open_pool(dsn)
        try:
            return await pool.fetch(sql)
        finally:
            await pool.close()

    return asyncio.run(ask())


def test_init_writes_the_secret_once_and_for_its_owner_only(begun, pg_dsn):
    assert stat.S_IMODE(begun.stat().st_mode) == 0o600
    client = json.loads(begun.read_text())
    rows = query(pg_dsn, "SELECT account_id, secret_sha256 FROM account")
    assert [row["account_id"] for row in rows] == [client["client_id"]]
    assert len(client["client_secret"]) == 43


def test_a_second_init_is_refused_and_leaves_no_file(begun, pg_dsn, tmp_path):
    other = tmp_path / "other"
    done = CliRunner().invoke(init.command, ["--database", pg_dsn, "--secret-file", str(other)])
    assert isinstance(done.exception, Refused)
    assert not other.exists()
    done = CliRunner().invoke(init.command, ["--database", pg_dsn, "--secret-file", str(begun)])
    assert isinstance(done.exception, BadInput)
    assert json.loads(begun.read_text())["client_secret"]


@pytest.mark.parametrize("option", ["--name", "--administrator"])
def test_names_are_held_to_their_limits_before_anything_is_made(option, tmp_path):
    folder = tmp_path / "new"
    for name in ("", "x" * 201, "a\nb"):
        done = CliRunner().invoke(init.command, ["--data", str(folder), option, name])
        assert isinstance(done.exception, BadInput)
    assert not folder.exists()


def test_without_a_file_the_secret_is_printed(pg_dsn):
    done = CliRunner().invoke(init.command, ["--database", pg_dsn])
    assert done.exit_code == 0
    assert "client secret  " in done.output
    assert "not shown again" in done.stderr


@pytest.mark.usefixtures("begun")
def test_a_partys_life_from_the_command_line(run, pg_dsn, tmp_path):
    run(party.command, "add", "alpha", "--name", "Alpha", "--priority-limit", "5", "--language", "fr")
    listed = json.loads(run(party.command, "list", "--json").output)
    assert [one["party_id"] for one in listed] == ["alpha", "exchange"]
    assert (listed[0]["priority_limit"], listed[0]["languages"]) == (5, ["fr"])
    assert "alpha  Alpha  limit 5  active" in run(party.command, "list").output

    key = tmp_path / "key"
    run(party.command, "key", "alpha", "--name", "p", "--role", "planner", "--secret-file", str(key))
    account_id = json.loads(key.read_text())["client_id"]
    outside = ("--issuer", "https://idp.test", "--subject", "anna")
    made = run(
        party.command, "key", "alpha", "--name", "anna", "--role", "observer", "--kind", "person", *outside
    )
    assert "client secret" not in made.output
    assert account_id in run(party.command, "list", "--accounts", "alpha").output
    assert "client secret  " in run(party.command, "key", "--renew", account_id).output

    assert "stopped" in run(party.command, "disable", account_id).output
    assert "active" in run(party.command, "disable", account_id, "--lift").output
    assert "stopped" in run(party.command, "suspend", "alpha").output
    assert "active" in run(party.command, "suspend", "alpha", "--lift").output
    assert run(party.command, "key", "--rotate-signing").output.count("signs from") == 2
    with pytest.raises(Refused):
        run(party.command, "key", "--rotate-signing")
    assert run(party.command, "key", "--rotate-signing", "--at-once").output.count("signs from") == 1

    rows = query(pg_dsn, "SELECT DISTINCT party_id, account_id, token_sha256 FROM statement")
    assert [tuple(row) for row in rows] == [("exchange", "local", None)]
    content = json.loads(query(pg_dsn, "SELECT content FROM statement WHERE type = 'party.added'")[1][0])
    assert content["name"] == "Alpha"


@pytest.mark.usefixtures("begun")
def test_refusals_on_the_command_line(run):
    for refusal, words in (
        (BadInput, ("add", "Alpha", "--name", "A")),
        (BadInput, ("add", "alpha", "--name", "a\tb")),
        (AlreadyExists, ("add", "exchange", "--name", "A")),
        (NotFound, ("suspend", "nobody")),
        (Refused, ("suspend", "exchange")),
        (NotFound, ("disable", "nobody")),
        (BadInput, ("key", "exchange", "--name", "x" * 201, "--role", "planner")),
    ):
        with pytest.raises(refusal):
            run(party.command, *words)
    for words in (("key", "alpha"), ("key", "alpha", "--name", "a", "--role", "planner", "--issuer", "x")):
        assert run(party.command, *words).exit_code == 2


def test_nothing_is_made_where_there_is_no_exchange(run, tmp_path):
    with pytest.raises(StoreRefused):
        run(party.command, "list")
    done = CliRunner().invoke(party.command, ["list", "--data", str(tmp_path / "none")])
    assert isinstance(done.exception, StoreRefused)
    assert not (tmp_path / "none").exists()


def test_on_a_data_folder_while_its_server_runs_and_while_it_does_not(pg_server):
    """The session's own server is the one that runs; the folder is asked where it listens."""
    folder = str(pg_server.data_dir)
    done = CliRunner().invoke(init.command, ["--data", folder, "--name", "Here"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(party.command, ["list", "--data", folder])
    assert "exchange  Here" in done.output
    assert pg_server.pid is not None
