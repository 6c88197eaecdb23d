"""Adding, naming and removing passkeys on a real PostgreSQL: by whom, how many, and what is refused."""

import asyncio
import json

import pytest

from detente.console.passkey_model import AddBody, SignInBody
from detente.console.passkey_rules import MAX_PASSKEYS
from detente.console.passkeys import Passkeys
from detente.console.session_rules import no_session
from detente.errors import BadInput, NotAllowed, NotAuthenticated, NotFound, Refused, TooMany
from detente.parties.model import AccountChange, Role
from tests.console.authenticator import EDDSA, ES256, PRESENT, RS256, VERIFIED, Authenticator, spelled
from tests.console.test_sessions import NOBODY

KINDS = "('passkey.added', 'passkey.removed', 'passkey.renamed', 'passkey.suspected', 'session.ended')"


async def test_whatever_is_wrong_with_a_new_passkey_is_refused_and_leaves_nothing(keys):
    _, _, berta = await keys.enrol("berta", known := Authenticator())
    anna = (await keys.desk.sign_in("anna")).session
    albert = (await keys.desk.sign_in("albert")).session
    key = Authenticator()
    options, theirs, sign_in = (
        await keys.add_options(anna),
        await keys.add_options(albert),
        await keys.options(),
    )
    good = key.make(options)
    x = 2**256 - 1
    off_curve = {1: 2, 3: ES256, -1: 1, -2: x.to_bytes(32, "big"), -3: x.to_bytes(32, "big")}
    small = {1: 3, 3: RS256, -1: b"\xff" * 64, -2: b"\x01\x00\x01"}
    slow = {1: 3, 3: RS256, -1: b"\xff" * 512, -2: b"\xff" * 256}
    bad = {
        "another challenge": key.make({**options, "challenge": spelled(bytes(56))}),
        "the challenge of another session": key.make({**options, "challenge": theirs["challenge"]}),
        "the challenge of signing in": key.make({**options, "challenge": sign_in["challenge"]}),
        "another origin": key.make(options, origin="https://evil.example"),
        "another name": key.make(options, rp_id="evil.example"),
        "inside another page": key.make(options, crossOrigin=True),
        "another kind": key.make(options, kind="webauthn.get"),
        "not verified": key.make(options, flags=PRESENT),
        "not present": key.make(options, flags=VERIFIED),
        "another's credential": Authenticator(credential_id=known.credential_id).make(options),
        "a short id": Authenticator(credential_id=b"short").make(options),
        "a long id": Authenticator(credential_id=bytes(1_024)).make(options),
        "another format": key.make(options, fmt="fido-u2f"),
        "no key": key.make(options, cose={}),
        "another algorithm": key.make(options, cose={1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)}),
        "a curve it does not say": key.make(options, cose={1: 2, 3: ES256, -1: 2, -2: b"1", -3: b"1"}),
        "off the curve": key.make(options, cose=off_curve),
        "a small RSA key": key.make(options, cose=small),
        "a slow RSA key": key.make(options, cose=slow),
        "an even exponent": key.make(options, cose={**small, -1: b"\xff" * 256, -2: b"\x03"}),
        "text for a key": key.make(options, cose="key"),
        "a number for a key": key.make(options, cose=4),
        "nested without end": {**good, "attestation_object": spelled(b"\x81" * 8_000)},
        "a size that is not there": {**good, "attestation_object": spelled(b"\x5b" + b"\x7f" * 8)},
        "nothing": {**good, "attestation_object": ""},
        "no client data": {**good, "client_data_json": ""},
        "no base64url": {**good, "attestation_object": good["attestation_object"] + "\n"},
    }
    for name, body in bad.items():
        try:
            await keys.refused_to_add(anna, body)
        except pytest.fail.Exception as failed:
            raise AssertionError(name) from failed
    assert [row.account_id for row in await keys.passkeys.list_of("alpha")] == []
    assert len(await keys.desk.statements(KINDS)) == 1
    assert await keys.desk.pool.fetchval("SELECT count(*) FROM console_challenge_used") == 1
    await keys.add(anna, good)
    assert berta.account_id == keys.desk.people["berta"]


async def test_of_answers_at_once_to_one_challenge_one_adds_a_passkey(keys):
    anna = (await keys.desk.sign_in("anna")).session
    options = await keys.add_options(anna)
    bodies = [Authenticator().make(options) for _ in range(8)]
    answers = await asyncio.gather(*(keys.add(anna, body) for body in bodies), return_exceptions=True)
    assert sum(isinstance(answer, BadInput) for answer in answers) == 7, answers
    assert len(await keys.passkeys.list_of("alpha")) == 1


async def test_an_account_has_twenty_passkeys_at_most_also_when_they_come_at_once(keys):
    anna = (await keys.desk.sign_in("anna")).session
    bodies = [Authenticator(EDDSA).make(await keys.add_options(anna)) for _ in range(MAX_PASSKEYS + 4)]
    answers = await asyncio.gather(*(keys.add(anna, body) for body in bodies), return_exceptions=True)
    assert sum(isinstance(answer, TooMany) for answer in answers) == 4, answers
    assert len(await keys.passkeys.list_of("alpha")) == MAX_PASSKEYS
    await keys.enrol("albert")


async def test_only_a_young_session_that_is_still_open_adds_a_passkey(keys):
    opened = await keys.desk.sign_in("anna")
    body = Authenticator().make(await keys.add_options(opened.session))
    await keys.desk.sessions.end(opened.session.session_id, opened.session, keys.now())
    with pytest.raises(NotAuthenticated) as ended:
        await keys.add(opened.session, body)
    assert ended.value.detail == no_session().detail
    anna = (await keys.desk.sign_in("anna")).session
    body = Authenticator().make(await keys.add_options(anna))
    change = AccountChange(is_disabled=True)
    await keys.desk.exchange.service.change_account(anna.account_id, change, keys.desk.exchange.act())
    with pytest.raises(NotAuthenticated):
        await keys.add(anna, body)
    albert = (await keys.desk.sign_in("albert")).session
    keys.desk.clock.pass_s(3_599)
    body = Authenticator().make(await keys.add_options(albert))
    keys.desk.clock.pass_s(2)
    for verb in (keys.add_options(albert), keys.add(albert, body)):
        with pytest.raises(NotAllowed):
            await verb
    assert await keys.passkeys.list_of("alpha") == ()


async def test_a_removed_passkey_ends_the_sessions_it_opened_but_for_the_one_that_asks(keys):
    key, added, by_link = await keys.enrol("anna")
    second, _, _ = await keys.enrol("anna")
    asking, elsewhere, other = [await keys.sign_in(one) for one in (key, key, second)]
    ended = await keys.passkeys.remove(added.passkey_id, asking.session, keys.now())
    assert ended == 1
    with pytest.raises(NotAuthenticated):
        await keys.desk.find(elsewhere.cookie)
    for still in (asking, other):
        await keys.desk.find(still.cookie)
    await keys.refused(key.answer(await keys.options()))
    with pytest.raises(NotFound):
        await keys.passkeys.remove(added.passkey_id, by_link, keys.now())


async def test_who_sees_renames_and_removes_what(keys):
    await keys.desk.enrol("exchange", "second", Role.ADMINISTRATOR)
    _, anna_key, anna = await keys.enrol("anna")
    _, _, berta = await keys.enrol("berta")
    albert = (await keys.desk.sign_in("albert")).session
    _, first_key, first = await keys.enrol("first")
    second = (await keys.desk.sign_in("second")).session
    assert [one.name for one in await keys.passkeys.list_of("alpha")] == ["phone"]
    for session in (albert, berta, first):
        with pytest.raises(NotFound) as foreign:
            await keys.passkeys.remove(anna_key.passkey_id, session, keys.now())
        with pytest.raises(NotFound) as none:
            await keys.passkeys.remove(NOBODY, session, keys.now())
        assert (foreign.value.detail, foreign.value.members) == (none.value.detail, none.value.members)
        with pytest.raises(NotFound):
            await keys.passkeys.rename(anna_key.passkey_id, "mine", session, keys.now())
    for malformed in ("x", "\0", "\ud800", ""):
        for verb in (keys.passkeys.remove, lambda one, by, at: keys.passkeys.rename(one, "n", by, at)):
            with pytest.raises(NotFound):
                await verb(malformed, anna, keys.now())
    assert await keys.desk.statements("('passkey.removed', 'passkey.renamed')") == []
    await keys.passkeys.remove(first_key.passkey_id, second, keys.now())
    (row,) = await keys.desk.statements("('passkey.removed')")
    assert row["account_id"] == second.account_id
    assert json.loads(row["content"])["account_id"] == first.account_id
    act = keys.desk.exchange.act(passkey_id=anna_key.passkey_id)
    with pytest.raises(NotFound):
        await keys.passkeys.remove_as_host(anna_key.passkey_id, "bravo", act)
    await keys.passkeys.remove_as_host(anna_key.passkey_id, "alpha", act)
    assert await keys.passkeys.list_of("alpha") == ()
    removed = (await keys.desk.statements("('passkey.removed')"))[-1]
    assert (removed["party_id"], removed["account_id"]) == ("exchange", "local")


async def test_at_an_address_where_browsers_allow_none_it_says_so(keys):
    anna = (await keys.desk.sign_in("anna")).session
    key = Authenticator()
    answer, body = key.answer(await keys.options()), key.make(await keys.add_options(anna))
    nowhere = Passkeys(keys.desk.pool, "http://exchange.test")
    for verb in (
        nowhere.sign_in_options(keys.now()),
        nowhere.sign_in(SignInBody(**answer), keys.now()),
        nowhere.add_options(anna, keys.now()),
        nowhere.add(anna, AddBody(**body), keys.now()),
    ):
        with pytest.raises(Refused, match=r"https .* is http://exchange\.test") as refused:
            await verb
        assert refused.value.members["reason"] == "no-secure-name"
