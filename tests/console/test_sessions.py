"""The verbs on a real PostgreSQL: once, in time, for whoever may act, and never a secret on the way."""

import asyncio
import json

import pytest

from detente.console.sessions import ConsoleSessions
from detente.errors import BadInput, NotAuthenticated, NotFound
from detente.parties.model import AccountChange, AccountId, PartyBody, Role
from detente.parties.rules import granted_scopes

NOBODY = "00000000-0000-0000-0000-000000000000"
HOUR_S = 3_600


async def refused(verb):
    """The one answer, whatever was wrong."""
    with pytest.raises(NotAuthenticated) as caught:
        await verb
    return caught.value.detail, dict(caught.value.members)


async def all_text(pool):
    """Every row of every table as text, to look for what must not be there."""
    names = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [await pool.fetch(f"SELECT t::text FROM {name} t") for (name,) in names]
    contents = await pool.fetch("SELECT convert_from(content, 'UTF8') FROM statement")
    return "\n".join(row[0] for found in [*rows, contents] for row in found)


async def test_a_link_opens_a_session_that_is_found_by_its_cookie(desk):
    opened = await desk.sign_in("anna")
    session = await desk.find(opened.cookie)
    assert session == opened.session
    assert (session.account_name, session.role, session.party_id) == ("anna", "planner", "alpha")
    assert (session.party_name, session.exchange_name) == ("Alpha", "The exchange")
    assert session.languages == ("fr", "de")
    assert session.expires_ms == desk.clock() + 12 * HOUR_S * 1_000


async def test_statements_name_who_and_what_and_hold_no_secret(desk):
    link = await desk.link("anna")
    opened = await desk.sessions.redeem_link(link.code, desk.clock())
    await desk.sessions.end(opened.session.session_id, opened.session, desk.clock())
    made, began, ended = await desk.statements()
    session_id = opened.session.session_id
    assert [row["type"] for row in (made, began, ended)] == ["link.made", "session.opened", "session.ended"]
    assert (made["party_id"], made["account_id"]) == ("exchange", "local")
    assert made["subject"] == f"link/{link.link_id}"
    assert json.loads(made["content"]) == {"account_id": desk.people["anna"]}
    for row in (began, ended):
        assert (row["party_id"], row["account_id"]) == ("alpha", desk.people["anna"])
        assert (row["subject"], row["token_sha256"], row["at_ms"]) == (
            f"session/{session_id}",
            None,
            desk.clock(),
        )
    assert json.loads(began["content"]) == {
        "session_id": session_id,
        "link_id": link.link_id,
        "expires_ms": opened.session.expires_ms,
    }
    assert json.loads(ended["content"]) == {
        "session_id": session_id,
        "account_id": desk.people["anna"],
        "by_session_id": session_id,
    }
    waiting = await desk.pool.fetchval("SELECT count(*) FROM statement_queue")
    assert waiting == await desk.pool.fetchval("SELECT count(*) FROM statement")
    kept = await all_text(desk.pool)
    assert link.link_id in kept
    for secret in (link.code, opened.cookie):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_a_link_is_good_once(desk):
    link = await desk.link("anna")
    await desk.sessions.redeem_link(link.code, desk.clock())
    await refused(desk.sessions.redeem_link(link.code, desk.clock()))
    assert await desk.pool.fetchval("SELECT count(*) FROM console_session") == 1


async def test_of_sixteen_who_use_a_link_at_once_one_gets_a_session(desk):
    for _ in range(5):
        await desk.pool.execute("DELETE FROM console_session")
        code = (await desk.link("anna")).code
        servers = [ConsoleSessions(desk.pool) for _ in range(16)]
        answers = await asyncio.gather(
            *(one.redeem_link(code, desk.clock()) for one in servers), return_exceptions=True
        )
        assert sum(isinstance(answer, NotAuthenticated) for answer in answers) == 15, answers
        assert await desk.pool.fetchval("SELECT count(*) FROM console_session") == 1
    assert len(await desk.statements("('session.opened')")) == 5


async def test_a_link_expires_to_the_millisecond(desk):
    early, late = await desk.link("anna", good_s=60), await desk.link("anna", good_s=60)
    desk.clock.pass_s(59.999)
    await desk.sessions.redeem_link(early.code, desk.clock())
    desk.clock.pass_s(0.001)
    await refused(desk.sessions.redeem_link(late.code, desk.clock()))


async def test_every_bad_link_gets_one_answer_and_leaves_no_trace(desk):
    used, expired, stopped = (
        await desk.link("anna"),
        await desk.link("anna", good_s=1),
        await desk.link("albert"),
    )
    await desk.sessions.redeem_link(used.code, desk.clock())
    desk.clock.pass_s(2)
    change = AccountChange(is_disabled=True)
    await desk.exchange.service.change_account(desk.people["albert"], change, desk.exchange.act())
    bad = [
        used.code,
        expired.code,
        stopped.code,
        "A" * 43,
        "",
        "x",
        "é" * 43,
        "\ud800",
        "A" * 200,
        f"{used.code}\n",
    ]
    before = len(await desk.statements())
    answers = [await refused(desk.sessions.redeem_link(code, desk.clock())) for code in bad]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][1] == {"reason": "no-link"}
    assert len(await desk.statements()) == before


async def test_links_are_made_only_for_accounts_that_may_act(desk):
    service, act = desk.exchange.service, desk.exchange.act
    await service.change_account(desk.people["anna"], AccountChange(is_disabled=True), act())
    await service.suspend_party("bravo", act())
    before = len(await desk.statements())
    for account_id in (desk.people["anna"], desk.people["berta"], NOBODY, "anna", "\0", "\ud800"):
        with pytest.raises(NotFound):
            await desk.sessions.make_link(AccountId(account_id), act(), good_s=60)
    for good_s in (0, -1, 86_401):
        with pytest.raises(BadInput):
            await desk.sessions.make_link(desk.people["albert"], act(), good_s=good_s)
    assert len(await desk.statements()) == before


async def test_a_session_ends_an_hour_after_its_last_use(desk):
    cookie = (await desk.sign_in("anna")).cookie
    for _ in range(5):
        desk.clock.pass_s(HOUR_S - 0.001)
        await desk.find(cookie)
    desk.clock.pass_s(HOUR_S)
    await refused(desk.find(cookie))
    assert await desk.sessions.list_of("alpha", desk.clock()) == ()


async def test_a_session_ends_after_twelve_hours_however_busy(desk):
    cookie = (await desk.sign_in("anna")).cookie
    for _ in range(23):
        desk.clock.pass_s(HOUR_S / 2)
        await desk.find(cookie)
    desk.clock.pass_s(HOUR_S / 2 - 0.001)
    await desk.find(cookie)
    desk.clock.pass_s(0.001)
    await refused(desk.find(cookie))
    assert await desk.sessions.list_of("alpha", desk.clock()) == ()


async def test_a_use_is_written_once_a_minute(desk):
    opened = await desk.sign_in("anna")

    async def written():
        return await desk.pool.fetchval("SELECT seen_ms FROM console_session")

    desk.clock.pass_s(59)
    await desk.find(opened.cookie)
    assert await written() == opened.session.made_ms
    desk.clock.pass_s(1)
    await desk.find(opened.cookie)
    assert await written() == desk.clock()
    assert await desk.statements("('session.seen')") == []


async def test_no_cookie_that_is_not_exactly_the_one_finds_a_session(desk):
    opened = await desk.sign_in("anna")
    link = await desk.link("anna")
    swapped = opened.cookie.swapcase()
    bad = ["", "x", "\0", "\ud800", swapped, opened.cookie[:-1], f"{opened.cookie}A", link.code]
    bad += [opened.session.session_id, f" {opened.cookie}"]
    answers = [await refused(desk.find(cookie)) for cookie in bad]
    assert all(answer == answers[0] for answer in answers)


async def test_signing_out_ends_it_at_once_and_is_stated_once(desk):
    opened = await desk.sign_in("anna")
    ends = [desk.sessions.end(opened.session.session_id, opened.session, desk.clock()) for _ in range(8)]
    answers = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(isinstance(answer, NotFound) for answer in answers) == 7
    await refused(desk.find(opened.cookie))
    assert len(await desk.statements("('session.ended')")) == 1


async def test_a_party_sees_and_ends_its_own_sessions_and_no_others(desk):
    anna, albert, berta = [await desk.sign_in(name) for name in ("anna", "albert", "berta")]
    listed = await desk.sessions.list_of("alpha", desk.clock())
    assert {one.account_name for one in listed} == {"anna", "albert"}
    with pytest.raises(NotFound) as foreign:
        await desk.sessions.end(anna.session.session_id, berta.session, desk.clock())
    with pytest.raises(NotFound) as none:
        await desk.sessions.end(NOBODY, berta.session, desk.clock())
    assert (foreign.value.detail, foreign.value.members) == (none.value.detail, none.value.members)
    for malformed in ("x", "\0", "\ud800", ""):
        with pytest.raises(NotFound):
            await desk.sessions.end(malformed, berta.session, desk.clock())
    await desk.find(anna.cookie)
    await desk.sessions.end(anna.session.session_id, albert.session, desk.clock())
    await refused(desk.find(anna.cookie))
    await desk.find(albert.cookie)
    (ended,) = await desk.statements("('session.ended')")
    assert ended["account_id"] == desk.people["albert"]
    assert json.loads(ended["content"])["account_id"] == desk.people["anna"]


async def test_disabling_an_account_ends_its_sessions_and_links_for_good(desk):
    anna, albert, link = await desk.sign_in("anna"), await desk.sign_in("albert"), await desk.link("anna")
    service, act = desk.exchange.service, desk.exchange.act
    for is_disabled in (True, False):
        change = AccountChange(is_disabled=is_disabled)
        await service.change_account(desk.people["anna"], change, act())
        await refused(desk.find(anna.cookie))
        await refused(desk.sessions.redeem_link(link.code, desk.clock()))
    await desk.find(albert.cookie)
    assert (await desk.sign_in("anna")).session.account_name == "anna"


@pytest.mark.parametrize("by", ["command", "route"])
async def test_suspending_a_party_ends_its_sessions_and_links_for_good(desk, by):
    anna, berta, link = await desk.sign_in("anna"), await desk.sign_in("berta"), await desk.link("albert")
    service, act = desk.exchange.service, desk.exchange.act
    for is_suspended in (True, False):
        if by == "command":
            await service.suspend_party("alpha", act(), is_suspended=is_suspended)
        else:
            version = (await service.find_party("alpha")).version
            body = PartyBody(name="Alpha", is_suspended=is_suspended)
            await service.change_party("alpha", version, body, act())
        await refused(desk.find(anna.cookie))
        await refused(desk.sessions.redeem_link(link.code, desk.clock()))
        assert await desk.sessions.list_of("alpha", desk.clock()) == ()
    await desk.find(berta.cookie)


async def test_a_stop_and_a_sign_in_at_once_leave_no_session(desk):
    """Whichever comes first: no session outlives the stop, also once it is lifted."""
    service, act = desk.exchange.service, desk.exchange.act
    stops = {
        "anna": lambda on: service.change_account(desk.people["anna"], AccountChange(is_disabled=on), act()),
        "berta": lambda on: service.suspend_party("bravo", act(), is_suspended=on),
        "second": lambda on: service.change_account(
            desk.people["second"], AccountChange(is_disabled=on), act()
        ),
    }
    await desk.enrol("exchange", "second", Role.ADMINISTRATOR)
    for name, stop in stops.items():
        for _ in range(10):
            codes = [(await desk.link(name)).code for _ in range(6)]
            redeems = [desk.sessions.redeem_link(code, desk.clock()) for code in codes]
            answers = await asyncio.gather(*redeems[:3], stop(True), *redeems[3:], return_exceptions=True)
            odd = [
                one for one in answers if isinstance(one, Exception) and not isinstance(one, NotAuthenticated)
            ]
            assert odd == []
            await stop(False)
            rows = "SELECT count(*) FROM console_session WHERE ended_ms IS NULL"
            assert await desk.pool.fetchval(rows) == 0
            assert await desk.pool.fetchval("SELECT count(*) FROM console_link WHERE used_ms IS NULL") == 0


async def test_a_sign_in_that_met_a_stop_under_way_sees_it(desk):
    """The stop is made but not committed when the link is used: the sign-in waits and is refused."""
    # Without the triggers, which would remove the link: what is tried here is the lock alone.
    await desk.pool.execute("ALTER TABLE account DISABLE TRIGGER console_stop")
    await desk.pool.execute("ALTER TABLE party DISABLE TRIGGER console_stop")
    for name, sql in (
        ("anna", f"UPDATE account SET is_disabled = true WHERE account_id = '{desk.people['anna']}'"),
        ("berta", "UPDATE party SET is_suspended = true WHERE party_id = 'bravo'"),
    ):
        link = await desk.link(name)
        async with desk.pool.acquire() as other:
            transaction = other.transaction()
            await transaction.start()
            await other.execute(sql)
            signing_in = asyncio.create_task(desk.sessions.redeem_link(link.code, desk.clock()))
            await asyncio.sleep(0.2)
            assert not signing_in.done()
            await transaction.commit()
        await refused(signing_in)


async def test_a_changed_role_counts_with_the_next_look_and_token(desk):
    opened = await desk.sign_in("anna")
    service = desk.exchange.service

    async def scope():
        answer = await desk.exchange.issuer.issue_for(
            desk.people["anna"], lifetime_s=600, now_ms=desk.clock()
        )
        return answer.scope

    assert "plans.write" in await scope()
    change = AccountChange(role=Role.OBSERVER)
    await service.change_account(desk.people["anna"], change, desk.exchange.act())
    assert (await desk.find(opened.cookie)).role == "observer"
    assert await scope() == " ".join(sorted(granted_scopes(Role.OBSERVER, None)))


async def test_rows_are_forgotten_a_day_after_their_end_and_statements_stay(desk):
    opened = await desk.sign_in("anna")
    await desk.sessions.end(opened.session.session_id, opened.session, desk.clock())
    stated = len(await desk.statements())
    desk.clock.pass_s(24 * HOUR_S)
    await desk.link("anna")
    assert await desk.pool.fetchval("SELECT count(*) FROM console_session") == 1
    desk.clock.pass_s(HOUR_S)
    await desk.link("anna")
    assert await desk.pool.fetchval("SELECT count(*) FROM console_session") == 0
    assert await desk.pool.fetchval("SELECT count(*) FROM console_link") == 2
    assert len(await desk.statements()) == stated + 2
