"""The verbs on subscriptions: who wants to be told of changes, where and when."""

from collections.abc import Callable
from typing import NoReturn

import msgspec
from msgspec.structs import replace

from detente.discovery import store
from detente.discovery.acts import Act
from detente.discovery.areas import band_of, kept_rows_of, reaches_over, rows_of_area
from detente.discovery.model import Area, Subscription, SubscriptionBody
from detente.discovery.rules import require_flags, subscription_window
from detente.discovery.store import SubscriptionWrite
from detente.errors import AlreadyExists, BadInput, NotAllowed, NotFound, StaleVersion, Unavailable
from detente.geo.index import no_rows
from detente.plans.locks import seed_locks
from detente.plans.views import decode_body
from detente.store import Pool

MAX_FOUND = 10_000
KEPT_MS = 86_400_000
"""How long a subscription that is over can still be read and renewed."""
_MAX_ROUNDS = 20
_encode = msgspec.json.Encoder().encode


class Subscriptions:
    """The verbs.

    Args:
        pool: database connections.
        new_version: a fresh opaque version.
    """

    def __init__(self, pool: Pool, *, new_version: Callable[[], str]) -> None:
        self._pool = pool
        self._new_version = new_version

    async def write(
        self, act: Act, subscription_id: str, body: SubscriptionBody, expected: str | None
    ) -> Subscription:
        """Make a subscription, or change the caller's own.

        Args:
            act: who, when, and the words.
            subscription_id: in canonical form.
            body: what it reaches over and tells of.
            expected: the version that a change names; None makes a new one.

        Raises:
            BadInput: an area or time that cannot be used, or that plans which depend on it would lie outside.
            NotFound, AlreadyExists, StaleVersion, NotAllowed, Unavailable.
        """
        require_flags(tells_plans=body.tells_plans, tells_zones=body.tells_zones)
        band = band_of(body.area)
        was = None if expected is None else await store.find_subscription(self._pool, subscription_id)
        lasts = None if was is None else (was.start_ms, was.end_ms)
        start_ms, end_ms = subscription_window(band.start_ms, band.end_ms, act.now_ms, lasts)
        rows = kept_rows_of(body.area, replace(band, start_ms=start_ms, end_ms=end_ms), "extents.volume")
        version = self._new_version()
        write = SubscriptionWrite(
            subscription_id=subscription_id,
            expected=expected,
            version=version,
            uss_base_url=body.uss_base_url,
            tells_plans=body.tells_plans,
            tells_zones=body.tells_zones,
            start_ms=start_ms,
            end_ms=end_ms,
            extents=_encode(body.area),
            rows=rows,
        )
        await self._carry_out(act, write)
        return await self._stands(subscription_id, version)

    async def end(self, act: Act, subscription_id: str, expected: str) -> Subscription:
        """End a subscription of the caller's; answers it as it stood.

        Raises:
            BadInput: plans depend on it.
            NotFound, StaleVersion, NotAllowed.
        """
        was = await self.find(act.who.party_id, subscription_id)
        await self._carry_out(act, SubscriptionWrite(subscription_id=subscription_id, expected=expected))
        return was

    async def find(self, viewer: str, subscription_id: str) -> Subscription:
        """One subscription of the caller's.

        Raises:
            NotFound: there is none.
            NotAllowed: it is another party's.
        """
        found = await store.find_subscription(self._pool, subscription_id)
        if found is None:
            raise NotFound(f"there is no subscription {subscription_id}", subscription_id=subscription_id)
        if found.party_id != viewer:
            raise NotAllowed("the subscription belongs to another party", subscription_id=subscription_id)
        return found

    async def search(self, viewer: str, area: Area, now_ms: int) -> list[Subscription]:
        """The caller's own subscriptions that meet an area and are not over."""
        rows = rows_of_area(area, "area_of_interest.volume")
        return await store.subscriptions_in(self._pool, viewer, rows, now_ms, MAX_FOUND)

    async def _carry_out(self, act: Act, write: SubscriptionWrite) -> None:
        """Write, examining the plans that depend on the subscription until all were found inside."""
        inside: dict[str, str] = {}
        rows = no_rows() if write.rows is None else write.rows
        for _ in range(_MAX_ROUNDS):
            status = await store.write_subscription(self._pool, act, write, inside)
            if status == "written":
                return
            if status == "unlocked":
                await seed_locks(self._pool, rows.locks)
            elif status == "look":
                for one in await store.dependents(self._pool, write.subscription_id):
                    if not reaches_over(rows, decode_body(one.body).volumes, act.now_ms):
                        _refuse("needed", write.subscription_id)
                    inside[one.plan_id] = one.ovn
            else:
                _refuse(status, write.subscription_id)
        raise Unavailable("what depends on the subscription kept changing; try again")

    async def _stands(self, subscription_id: str, version: str) -> Subscription:
        """What was just written; should it have gone on or gone already, that is the caller's own doing."""
        found = await store.find_subscription(self._pool, subscription_id)
        if found is None or found.version != version:
            raise Unavailable("the subscription was changed again at the same moment; read it")
        return found


def _refuse(status: str, subscription_id: str) -> NoReturn:
    if status == "absent":
        raise NotFound(f"there is no subscription {subscription_id}")
    if status == "exists":
        raise AlreadyExists("a subscription with this id exists; name its version to change it")
    if status == "foreign":
        raise NotAllowed("the subscription belongs to another party")
    if status == "stale":
        raise StaleVersion("the version that you name is not the subscription's current one", field="version")
    if status == "implicit":
        raise BadInput(
            "an implicit subscription goes with its plan and is not changed by itself",
            field="subscription_id",
            expected="an explicit one",
        )
    raise BadInput(
        "plans depend on the subscription and would be left without it",
        field="extents",
        expected="an area, heights and a time that hold every plan that depends on it",
    )
