"""A database that is not there yet is waited for; one that stays away is told of."""

import itertools

import pytest

from detente.errors import StoreRefused, StoreUnavailable
from detente.store import patience, when_available


async def test_it_is_tried_again_until_it_answers():
    tries = []

    async def act():
        tries.append(1)
        if len(tries) < 3:
            raise StoreUnavailable("starting")
        return "there"

    assert await when_available(act) == "there"
    assert len(tries) == 3


async def test_patience_ends_and_a_refusal_is_not_repeated():
    async def away():
        raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        await when_available(away, patience_s=0.0)

    tries = []

    async def refused():
        tries.append(1)
        raise StoreRefused("newer schema")

    with pytest.raises(StoreRefused):
        await when_available(refused)
    assert len(tries) == 1


async def test_it_is_said_at_most_every_few_seconds_and_the_pauses_grow(monkeypatch):
    now, said, pauses = 0.0, [], []

    async def sleep(pause_s):
        nonlocal now
        pauses.append(pause_s)
        now += pause_s

    async def act():
        if now < 40:
            raise StoreUnavailable("the database at db.example:5432 does not answer")
        return "there"

    monkeypatch.setattr(patience.time, "monotonic", lambda: now)
    monkeypatch.setattr(patience.asyncio, "sleep", sleep)
    monkeypatch.setattr(
        patience._log, "warning", lambda _, **members: said.append((now, members)), raising=False
    )
    assert await when_available(act) == "there"
    assert pauses[:6] == [0.5, 1, 2, 4, 5, 5]
    instants = [instant for instant, _ in said]
    assert all(later - earlier >= 5 for earlier, later in itertools.pairwise(instants))
    assert len(said) >= 5
    assert said[0][1]["tries_on"] == "until Ctrl-C"
