"""Tells the user of the party that this server speaks for when a plan of theirs comes into conflict.

Rule 1: every change of a plan is looked at once it is settled; from where the last process left off.
Rule 2: a change of an own plan tells its user of all that the plan meets then.
Rule 3: a change of any plan tells the user of each own plan that it meets.
Rule 4: each meeting of two plans, as they stand, is told once, however many processes look.

Source: ASTM F3548-21, SCD0090 and SCD0095.
"""

import asyncio
from collections.abc import Callable

import structlog

from detente.astm.flight_planning import store, telling
from detente.errors import DetenteError, StoreUnavailable
from detente.plans.events import PLAN_TYPES
from detente.plans.met import Met, MetPlans
from detente.record import Change, Position, changes_after, horizon
from detente.store import Pool

KEPT_MS = 7 * 86_400_000
"""How long requests, answers and notifications are kept."""
_TYPES = PLAN_TYPES - {"plan.ended", "plan.expired"}
_PAGE = 200
_POLL_S = 0.25
_RETRY_S = 1.0
_FORGET_EVERY_MS = 3_600_000
_log = structlog.get_logger()


class ConflictWatch:
    """Looks at the changes of plans for one party.

    Args:
        pool: database connections.
        party: whose user is told.
        met: which plans meet.
        now_ms: the clock, ms since 1970-01-01 UTC.
    """

    def __init__(self, pool: Pool, party: str, met: MetPlans, now_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._party = party
        self._met = met
        self._now_ms = now_ms
        self._since: Position | None = None
        self._forget_ms = 0

    async def look(self) -> bool:
        """Look at the next changes; answers whether there may be more already.

        Raises:
            StoreUnavailable: the same changes are looked at again.
        """
        since = self._since or await self._begin()
        page = await changes_after(self._pool, since, _TYPES, _PAGE)
        for change in page.changes:
            await self._tell(change)
        if page.reached != since or self._since is None:
            await store.advance_reader(self._pool, self._party, page.reached, page.horizon)
        self._since = page.reached
        return page.is_full

    async def keep_looking(self) -> None:
        """Run until cancelled; a database that does not answer is tried again."""
        while True:
            wait_s = _POLL_S
            try:
                if await self.look():
                    wait_s = 0.0
                await self._forget()
            except StoreUnavailable as error:
                _log.warning("conflict_watch_waits", why=error.detail)
                wait_s = _RETRY_S
            await asyncio.sleep(wait_s)

    async def _begin(self) -> Position:
        """Where the last process left off; at the end where none did, or after a backup was put back."""
        end = await horizon(self._pool)
        kept = await store.reader(self._pool, self._party)
        return end if kept is None or kept > end else kept

    async def _tell(self, change: Change) -> None:
        if change.is_overtaken or change.note is not None:
            return
        try:
            for plan_id in await self._concerned(change):
                await self._tell_of(plan_id, change)
        except StoreUnavailable:
            raise
        except DetenteError as error:
            # One plan that cannot be compared must not keep the user from being told of all others.
            _log.warning("conflict_not_told", plan_id=change.subject, why=error.detail)

    async def _concerned(self, change: Change) -> tuple[str, ...]:
        """The plan itself, which may be an own one, and own plans near it."""
        return (change.subject, *await self._met.near(change.subject, self._party))

    async def _tell_of(self, plan_id: str, change: Change) -> None:
        found = await self._met.of_plan(plan_id)
        if found is None or found.standing.party_id != self._party:
            return
        met: tuple[Met, ...] = found.met
        if plan_id != change.subject:
            met = tuple(one for one in met if one.standing.plan_id == change.subject)
        if met:
            told = store.Notification(len(met), telling.notified(plan_id, met), self._now_ms())
            others = tuple(one.standing.ovn for one in met)
            of = store.Meeting(plan_id, found.standing.ovn, others)
            await store.notify(self._pool, self._party, of, told)

    async def _forget(self) -> None:
        now_ms = self._now_ms()
        if now_ms >= self._forget_ms:
            await store.forget(self._pool, now_ms - KEPT_MS)
            self._forget_ms = now_ms + _FORGET_EVERY_MS
