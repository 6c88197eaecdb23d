"""The verbs on a real PostgreSQL: what they change, what they state, what they refuse."""

import asyncio
import hashlib
import json

import asyncpg
import pytest

from detente.errors import (
    AlreadyExists,
    BadInput,
    NotAllowed,
    NotFound,
    Refused,
    StaleVersion,
    StoreRefused,
    StoreUnavailable,
)
from detente.parties.directory import PartyDirectory
from detente.parties.model import (
    AccountBody,
    AccountChange,
    AccountKind,
    ExternalSubject,
    PartyBody,
    Role,
)

from .conftest import Exchange

ALPHA = PartyBody(name="Alpha", contact="+41 44", languages=("de", "fr-CH"), priority_limit=7)
NOBODY = "00000000-0000-0000-0000-000000000000"


async def statements(pool):
    return await pool.fetch("SELECT * FROM statement ORDER BY statement_id")


async def rows_of_all_tables(pool):
    names = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name: await pool.fetch(f"SELECT * FROM {name} t ORDER BY t::text") for (name,) in names}


async def test_begin_makes_the_exchange_its_administrator_and_its_key(exchange):
    account = exchange.administrator.account
    assert (account.party_id, account.role) == ("exchange", Role.ADMINISTRATOR)
    assert await exchange.service.name() == "The exchange"
    types = [row["type"] for row in await statements(exchange.pool)]
    assert types == ["exchange.begun", "party.added", "account.added", "key.rotated"]
    assert await exchange.pool.fetchval("SELECT count(*) FROM statement_queue") == 4


async def test_begin_twice_changes_nothing(exchange):
    before = await rows_of_all_tables(exchange.pool)
    with pytest.raises(Refused):
        await exchange.service.begin("Another", "second", exchange.act())
    assert await rows_of_all_tables(exchange.pool) == before


async def test_of_many_who_begin_at_once_one_does(pg_pool, clock):
    one = Exchange(pg_pool, clock)
    answers = await asyncio.gather(
        *(one.service.begin("E", f"a{n}", one.act()) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 5
    assert await pg_pool.fetchval("SELECT count(*) FROM account") == 1
    assert await pg_pool.fetchval("SELECT count(*) FROM signing_key") == 1


async def test_nothing_works_before_begin(pg_pool, clock):
    one = Exchange(pg_pool, clock)
    with pytest.raises(StoreRefused):
        await one.service.name()
    with pytest.raises(StoreRefused):
        await one.service.rotate_signing_key(one.act())
    with pytest.raises(StoreRefused):
        await one.service.signing.signing_row(clock())


async def test_a_party_is_added_with_its_statement(exchange):
    act = exchange.act(name="Alpha")
    added = await exchange.service.add_party("alpha", ALPHA, act)
    assert (added.name, added.contact, added.languages, added.priority_limit, added.version) == (
        "Alpha", "+41 44", ("de", "fr-CH"), 7, 1,
    )  # fmt: skip
    assert await exchange.service.find_party("alpha") == added
    stated = (await statements(exchange.pool))[-1]
    assert (stated["type"], stated["subject"], stated["subject_version"]) == ("party.added", "party/alpha", 1)
    assert (stated["party_id"], stated["account_id"], stated["at_ms"]) == ("exchange", "local", act.at_ms)
    assert stated["content"] == act.content
    assert stated["content_sha256"] == hashlib.sha256(act.content).digest()
    assert stated["token_sha256"] == act.token_sha256


async def test_refusals_of_a_party_change_nothing(exchange):
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    before = await rows_of_all_tables(exchange.pool)
    for refusal, attempt in (
        (AlreadyExists, exchange.service.add_party("alpha", ALPHA, exchange.act())),
        (BadInput, exchange.service.add_party("Alpha", ALPHA, exchange.act())),
        (NotFound, exchange.service.change_party("beta", 1, ALPHA, exchange.act())),
        (StaleVersion, exchange.service.change_party("alpha", 2, ALPHA, exchange.act())),
        (Refused, exchange.service.suspend_party("exchange", exchange.act())),
        (NotFound, exchange.service.suspend_party("beta", exchange.act())),
        (NotFound, exchange.service.add_account("beta", AccountBody("b", Role.PLANNER), exchange.act())),
        (NotFound, exchange.service.list_accounts("beta")),
        (
            BadInput,
            exchange.service.add_account("alpha", AccountBody("b", Role.ADMINISTRATOR), exchange.act()),
        ),
        (NotFound, exchange.service.change_account(NOBODY, AccountChange(), exchange.act())),
        (NotFound, exchange.service.change_account("a\x00b", AccountChange(), exchange.act())),
        (NotFound, exchange.service.new_secret(NOBODY, exchange.act())),
        (NotFound, exchange.service.new_secret("a\x00b", exchange.act())),
    ):
        with pytest.raises(refusal):
            await attempt
    assert await rows_of_all_tables(exchange.pool) == before


async def test_of_many_changes_of_one_version_one_holds(exchange):
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    answers = await asyncio.gather(
        *(
            exchange.service.change_party("alpha", 1, PartyBody(name=f"Alpha {n}"), exchange.act())
            for n in range(8)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, StaleVersion) for answer in answers) == 7
    types = [row["type"] for row in await statements(exchange.pool)]
    assert types.count("party.changed") == 1


async def test_suspending_is_stated_once_however_often_it_is_asked(exchange):
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    assert (await exchange.service.suspend_party("alpha", exchange.act())).is_suspended
    assert (await exchange.service.suspend_party("alpha", exchange.act())).version == 2
    assert not (
        await exchange.service.suspend_party("alpha", exchange.act(), is_suspended=False)
    ).is_suspended
    types = [row["type"] for row in await statements(exchange.pool)]
    assert types[-2:] == ["party.suspended", "party.resumed"]


async def test_accounts_are_unique_in_their_party(exchange):
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    body = AccountBody("desk", Role.PLANNER, AccountKind.PERSON, ExternalSubject("https://idp.test", "anna"))
    added = await exchange.service.add_account("alpha", body, exchange.act())
    assert added.secret is None
    assert await exchange.service.list_accounts("alpha") == (added.account,)
    with pytest.raises(AlreadyExists):
        await exchange.service.add_account("alpha", AccountBody("desk", Role.OBSERVER), exchange.act())
    twin = AccountBody("other desk", Role.PLANNER, AccountKind.PERSON, body.external_subject)
    with pytest.raises(AlreadyExists):
        await exchange.service.add_account("alpha", twin, exchange.act())
    with pytest.raises(Refused):
        await exchange.service.new_secret(added.account.account_id, exchange.act())


async def test_two_administrators_who_disable_each_other_leave_one(exchange):
    second = await exchange.service.add_account(
        "exchange", AccountBody("second", Role.ADMINISTRATOR), exchange.act()
    )
    both = [exchange.administrator.account.account_id, second.account.account_id]
    answers = await asyncio.gather(
        *(
            exchange.service.change_account(one, AccountChange(is_disabled=True), exchange.act())
            for one in both
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 1
    assert await exchange.pool.fetchval("SELECT count(*) FROM account WHERE NOT is_disabled") == 1


async def test_an_administrator_whom_a_foreign_issuer_signs_in_is_not_the_one_who_is_left(exchange):
    foreign = AccountBody(
        "far away",
        Role.ADMINISTRATOR,
        AccountKind.PERSON,
        ExternalSubject("https://nowhere.invalid", "someone"),
    )
    added = await exchange.service.add_account("exchange", foreign, exchange.act())
    first = exchange.administrator.account.account_id
    with pytest.raises(Refused, match="signs in here"):
        await exchange.service.change_account(first, AccountChange(is_disabled=True), exchange.act())
    with pytest.raises(Refused, match="signs in here"):
        await exchange.service.change_account(first, AccountChange(role=Role.OBSERVER), exchange.act())
    gone = await exchange.service.change_account(
        added.account.account_id, AccountChange(is_disabled=True), exchange.act()
    )
    assert gone.is_disabled


async def test_disabling_an_administrator_waits_for_another_that_is_not_committed_yet(exchange):
    """Another server has disabled the second administrator and not committed: the first must not go too."""
    await exchange.service.add_account("exchange", AccountBody("second", Role.ADMINISTRATOR), exchange.act())
    first = exchange.administrator.account.account_id
    async with exchange.pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM party WHERE party_id = 'exchange' FOR UPDATE")
        await other.execute("UPDATE account SET is_disabled = true WHERE name = 'second'")
        waiting = asyncio.create_task(
            exchange.service.change_account(first, AccountChange(is_disabled=True), exchange.act())
        )
        await asyncio.sleep(0.3)
        await transaction.commit()
    with pytest.raises(Refused):
        await waiting


async def test_the_last_administrator_cannot_become_an_observer(exchange):
    account_id = exchange.administrator.account.account_id
    with pytest.raises(Refused):
        await exchange.service.change_account(account_id, AccountChange(role=Role.OBSERVER), exchange.act())


async def test_a_new_secret_ends_the_old_one(exchange):
    old = exchange.administrator
    new = await exchange.service.new_secret(old.account.account_id, exchange.act())
    assert new.account.version == 2
    assert await exchange.service.check_secret(old.account.account_id, old.secret) is None
    assert await exchange.service.check_secret(old.account.account_id, new.secret) is not None


async def test_secrets_and_private_keys_are_in_no_statement_and_secrets_in_no_row_or_log(
    exchange, caplog, capfd
):
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    added = await exchange.service.add_account("alpha", AccountBody("p", Role.PLANNER), exchange.act())
    renewed = await exchange.service.new_secret(added.account.account_id, exchange.act())
    exchange.clock.pass_s(1)
    await exchange.service.rotate_signing_key(exchange.act())
    token = await exchange.token_of(renewed)
    await exchange.verifier.authenticate(token)
    secrets = [one.secret.encode() for one in (exchange.administrator, added, renewed)] + [token.encode()]
    keys = [row[0] for row in await exchange.pool.fetch("SELECT private_pkcs8 FROM signing_key")]
    said = "".join([caplog.text, *capfd.readouterr()]).encode()
    for table, rows in (await rows_of_all_tables(exchange.pool)).items():
        for row in rows:
            stored = b"|".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values())
            assert not any(secret in stored or secret in said for secret in secrets), table
            assert table == "signing_key" or not any(key in stored for key in keys), table


async def test_the_database_holds_the_rules_too(exchange):
    for broken in (
        "UPDATE party SET is_suspended = true WHERE party_id = 'exchange'",
        "UPDATE party SET priority_limit = 101",
        "UPDATE account SET secret_sha256 = NULL, secret_salt = NULL",
        "INSERT INTO exchange VALUES (false, 'two', 0)",
        "INSERT INTO signing_key SELECT repeat('a', 43), private_pkcs8, 0, 0, NULL FROM signing_key",
        "INSERT INTO party VALUES ('Bad id', 'n', '', '{en}', 0, false, 1, 0)",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await exchange.pool.execute(broken)


async def test_the_directory_for_other_rooms(exchange, clock):
    directory = PartyDirectory(exchange.pool, clock_ms=clock)
    assert not await directory.exists("alpha")
    await exchange.service.add_party("alpha", ALPHA, exchange.act())
    assert await directory.priority_limit("alpha") == 7
    assert not await directory.exists("a\x00")
    await exchange.service.change_party("alpha", 1, PartyBody(name="A", priority_limit=9), exchange.act())
    clock.pass_s(6)
    assert await directory.priority_limit("alpha") == 9
    await exchange.service.suspend_party("alpha", exchange.act())
    clock.pass_s(6)
    for nobody in ("alpha", "beta"):
        with pytest.raises(NotAllowed):
            await directory.priority_limit(nobody)
    assert await directory.exists("alpha")


async def test_a_database_that_is_gone_is_said_so(exchange):
    await exchange.pool.close()
    with pytest.raises(StoreUnavailable):
        await exchange.service.list_parties()


async def test_statements_are_made_in_the_same_transaction(exchange):
    """A statement that cannot be written takes its act with it."""
    await exchange.pool.execute("ALTER TABLE statement ADD CHECK (type <> 'party.added') NOT VALID")
    with pytest.raises(asyncpg.CheckViolationError):
        await exchange.service.add_party("alpha", ALPHA, exchange.act())
    with pytest.raises(NotFound):
        await exchange.service.find_party("alpha")
    assert json.loads((await statements(exchange.pool))[0]["content"]) == {"name": "The exchange"}
