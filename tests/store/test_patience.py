"""A database that is not there yet is waited for; one that stays away is told of."""

import pytest

from detente.errors import StoreRefused, StoreUnavailable
from detente.store import when_available


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
