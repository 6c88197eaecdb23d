"""Signing in with passkeys on a real PostgreSQL: what holds, and the one answer to whatever does not."""

import asyncio
import json

import pytest

from detente.console.passkeys import Passkeys
from detente.errors import NotAuthenticated
from detente.parties.model import AccountChange
from tests.console.authenticator import EDDSA, ES256, PRESENT, RS256, VERIFIED, Authenticator, spelled
from tests.console.passkey_people import URL
from tests.console.test_sessions import all_text

KINDS = "('passkey.added', 'passkey.removed', 'passkey.renamed', 'passkey.suspected', 'session.ended')"
OPENED = "('session.opened')"


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
@pytest.mark.parametrize("fmt", ["none", "packed"])
async def test_a_passkey_that_was_added_signs_in_alone(keys, algorithm, fmt):
    anna = (await keys.desk.sign_in("anna")).session
    key = Authenticator(algorithm)
    options = await keys.add_options(anna)
    assert (options["rp_id"], options["origin"]) == ("exchange.test", "https://exchange.test")
    assert options["exclude"] == ()
    added = await keys.add(anna, key.make(options, fmt=fmt))
    keys.desk.clock.pass_s(60)
    opened = await keys.sign_in(key)
    assert await keys.desk.find(opened.cookie) == opened.session
    assert (opened.session.account_name, opened.session.party_id) == ("anna", "alpha")
    assert opened.session.expires_ms == keys.now() + 12 * 3_600_000
    (listed,) = await keys.passkeys.list_of("alpha")
    assert (listed.passkey_id, listed.used_ms, listed.suspected_ms) == (added.passkey_id, keys.now(), None)
    again = await keys.add_options(anna)
    assert again["exclude"] == (spelled(key.credential_id),)


async def test_each_act_is_stated_and_holds_no_cookie(keys):
    key, added, anna = await keys.enrol("anna")
    opened = await keys.sign_in(key)
    await keys.passkeys.rename(added.passkey_id, "key", anna, keys.now())
    await keys.passkeys.remove(added.passkey_id, anna, keys.now())
    rows = await keys.desk.statements(KINDS)
    assert [row["type"] for row in rows] == [
        "passkey.added",
        "passkey.renamed",
        "passkey.removed",
        "session.ended",
    ]
    for row in rows:
        assert (row["party_id"], row["account_id"]) == ("alpha", keys.desk.people["anna"])
        assert row["at_ms"] == keys.now()
    assert {row["subject"] for row in rows[:3]} == {f"passkey/{added.passkey_id}"}
    said = [json.loads(row["content"]) for row in rows]
    assert (said[0]["name"], said[0]["algorithm"], said[0]["session_id"]) == ("phone", ES256, anna.session_id)
    assert (said[1]["before"], said[1]["name"]) == ("phone", "key")
    assert said[2]["by_session_id"] == said[3]["by_session_id"] == anna.session_id
    assert said[3]["session_id"] == opened.session.session_id
    session = [json.loads(row["content"]) for row in await keys.desk.statements(OPENED)][-1]
    assert session["passkey_id"] == added.passkey_id
    waiting = await keys.desk.pool.fetchval("SELECT count(*) FROM statement_queue")
    assert waiting == await keys.desk.pool.fetchval("SELECT count(*) FROM statement")
    assert opened.cookie not in await all_text(keys.desk.pool)


async def test_whatever_is_wrong_when_signing_in_gets_one_answer_and_leaves_nothing(keys):
    key, _, anna = await keys.enrol("anna")
    other, _, _ = await keys.enrol("berta")
    stranger = Authenticator()
    stranger.user_handle = key.user_handle
    await keys.sign_in(key)
    used = key.answer(await keys.options())
    await keys.send(used)
    options = await keys.options()
    adding = await keys.add_options(anna)
    good = key.answer(options)
    foreign = {**options, "challenge": spelled(bytes(56))}
    handle = {**good, "user_handle": other.answer(options)["user_handle"]}
    swapped = {**good, "credential_id": spelled(other.credential_id)}
    theirs = {**swapped, "user_handle": spelled(other.user_handle)}
    extended = spelled(b"\x00" * 37)
    bad = {
        "replayed": used,
        "another challenge": key.answer(foreign),
        "the challenge of adding": key.answer({**options, "challenge": adding["challenge"]}),
        "another origin": key.answer(options, origin="https://exchange.test.evil.example"),
        "another port": key.answer(options, origin="https://exchange.test:8443"),
        "http": key.answer(options, origin="http://exchange.test"),
        "another name": key.answer(options, rp_id="evil.example"),
        "inside another page": key.answer(options, crossOrigin=True),
        "another kind": key.answer(options, kind="webauthn.create"),
        "not verified": key.answer(options, flags=PRESENT),
        "not present": key.answer(options, flags=VERIFIED),
        "unknown credential": stranger.answer(options),
        "another's credential": swapped,
        "another's credential and handle": theirs,
        "another's handle": handle,
        "no handle": {**good, "user_handle": ""},
        "bent signature": {**good, "signature": spelled(b"\x30\x06\x02\x01\x01\x02\x01\x01")},
        "no signature": {**good, "signature": ""},
        "other data than was signed": {**good, "authenticator_data": extended},
        "no data": {**good, "authenticator_data": ""},
        "no client data": {**good, "client_data_json": ""},
        "no base64url": {**good, "signature": good["signature"] + "="},
        "padded id": {**good, "credential_id": good["credential_id"] + "\n"},
        "surrogates": {**good, "credential_id": "\ud800"},
    }
    before = len(await keys.desk.statements("(SELECT type FROM statement)"))
    sessions = await keys.desk.pool.fetchval("SELECT count(*) FROM console_session")
    challenges = await keys.desk.pool.fetchval("SELECT count(*) FROM console_challenge_used")
    answers = {name: await keys.refused(body) for name, body in bad.items()}
    assert {str(answer) for answer in answers.values()} == {str(answers["replayed"])}
    assert answers["replayed"][1] == {"reason": "no-passkey"}
    assert len(await keys.desk.statements("(SELECT type FROM statement)")) == before
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_session") == sessions
    # What strangers try leaves no row: only a proved passkey uses up a challenge.
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_challenge_used") == challenges
    # And the one of which all those are bent copies is good.
    assert (await keys.send(key.answer(options))).session.account_name == "anna"


async def test_a_challenge_is_good_for_five_minutes(keys):
    key, _, _ = await keys.enrol("anna")
    early, late = await keys.options(), await keys.options()
    keys.desk.clock.pass_s(299.999)
    await keys.send(key.answer(early))
    keys.desk.clock.pass_s(0.001)
    await keys.refused(key.answer(late))


async def test_of_sixteen_answers_at_once_to_one_challenge_one_opens_a_session(keys):
    for algorithm in (ES256, EDDSA):
        key, _, _ = await keys.enrol("anna", Authenticator(algorithm, counts=False))
        body = key.answer(await keys.options())
        servers = [Passkeys(keys.desk.pool, URL) for _ in range(16)]
        answers = await asyncio.gather(*(keys.send(body, one) for one in servers), return_exceptions=True)
        assert sum(isinstance(answer, NotAuthenticated) for answer in answers) == 15, answers
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_session WHERE passkey_id NOTNULL") == 2


async def test_of_answers_at_once_with_one_count_one_opens_a_session(keys):
    """A copy used at the same instant: the challenges differ, the counter is the same."""
    key, added, _ = await keys.enrol("anna")
    bodies = []
    for _ in range(8):
        key.count = 6
        bodies.append(key.answer(await keys.options()))
    answers = await asyncio.gather(*(keys.send(body) for body in bodies), return_exceptions=True)
    assert sum(isinstance(answer, NotAuthenticated) for answer in answers) == 7, answers
    assert len(await keys.desk.statements("('passkey.suspected')")) == 7
    assert await keys.desk.pool.fetchval("SELECT sign_count FROM console_passkey") == 7
    assert (await keys.passkeys.list_of("alpha"))[0].passkey_id == added.passkey_id


async def test_a_counter_that_goes_back_is_refused_and_stated(keys):
    key, added, _ = await keys.enrol("anna")
    key.count = 41
    await keys.sign_in(key)
    for back in (41, 10, -1):
        key.count = back
        options = await keys.options()
        body = key.answer(options)
        detail, members = await keys.refused(body)
        assert (detail, members) == await keys.refused({**body, "signature": ""})
        await keys.refused(body)
    rows = await keys.desk.statements("('passkey.suspected')")
    assert [json.loads(row["content"]) for row in rows] == [
        {"passkey_id": added.passkey_id, "known_count": 42, "shown_count": shown} for shown in (42, 11, 0)
    ]
    assert (await keys.passkeys.list_of("alpha"))[0].suspected_ms == keys.now()
    key.count = 42
    await keys.sign_in(key)


async def test_an_authenticator_that_does_not_count_is_believed(keys):
    key, _, _ = await keys.enrol("anna", Authenticator(EDDSA, counts=False))
    for _ in range(3):
        await keys.sign_in(key)
    assert await keys.desk.statements("('passkey.suspected')") == []


@pytest.mark.parametrize("by", ["account", "party"])
async def test_a_stopped_account_does_not_sign_in_and_one_that_was_enabled_does(keys, by):
    key, _, _ = await keys.enrol("anna")
    opened = await keys.sign_in(key)
    service, act = keys.desk.exchange.service, keys.desk.exchange.act

    async def stop(on):
        if by == "party":
            return await service.suspend_party("alpha", act(), is_suspended=on)
        return await service.change_account(keys.desk.people["anna"], AccountChange(is_disabled=on), act())

    await stop(True)
    detail = await keys.refused(key.answer(await keys.options()))
    assert detail == await keys.refused({**key.answer(await keys.options()), "signature": ""})
    await stop(False)
    with pytest.raises(NotAuthenticated):
        await keys.desk.find(opened.cookie)
    await keys.sign_in(key)


async def test_a_stop_or_a_removal_and_a_sign_in_at_once_leave_no_session(keys):
    service, act = keys.desk.exchange.service, keys.desk.exchange.act
    open_rows = "SELECT count(*) FROM console_session WHERE passkey_id NOTNULL AND ended_ms IS NULL"
    for _ in range(10):
        key, added, anna = await keys.enrol("anna", Authenticator(EDDSA, counts=False))
        bodies = [key.answer(await keys.options()) for _ in range(6)]
        stop = service.change_account(anna.account_id, AccountChange(is_disabled=True), act())
        answers = await asyncio.gather(
            *map(keys.send, bodies[:3]), stop, *map(keys.send, bodies[3:]), return_exceptions=True
        )
        odd = [one for one in answers if isinstance(one, Exception) and not isinstance(one, NotAuthenticated)]
        assert odd == []
        assert await keys.desk.pool.fetchval(open_rows) == 0
        await service.change_account(anna.account_id, AccountChange(is_disabled=False), act())
        bodies = [key.answer(await keys.options()) for _ in range(6)]
        remove = keys.passkeys.remove(added.passkey_id, anna, keys.now())
        await asyncio.gather(
            *map(keys.send, bodies[:3]), remove, *map(keys.send, bodies[3:]), return_exceptions=True
        )
        assert await keys.desk.pool.fetchval(open_rows) == 0


async def test_used_challenges_are_forgotten_a_day_after_their_end(keys):
    key, _, _ = await keys.enrol("anna")
    await keys.sign_in(key)
    keys.desk.clock.pass_s(24 * 3_600 + 300)
    await keys.sign_in(key)
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_challenge_used") == 3
    keys.desk.clock.pass_s(1)
    await keys.sign_in(key)
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_challenge_used") == 2


async def test_a_sign_in_that_met_another_under_way_compares_with_its_count(keys):
    """The other's count is written but not committed yet: the copy waits for it, and is refused."""
    key, _, _ = await keys.enrol("anna")
    body = key.answer(await keys.options())
    async with keys.desk.pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("UPDATE console_passkey SET sign_count = 1")
        signing_in = asyncio.create_task(keys.send(body))
        await asyncio.sleep(0.2)
        assert not signing_in.done()
        await transaction.commit()
    with pytest.raises(NotAuthenticated):
        await signing_in
    assert len(await keys.desk.statements("('passkey.suspected')")) == 1
