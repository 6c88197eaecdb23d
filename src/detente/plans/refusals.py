"""Refusals that are remembered: written beside the deciding transaction, read as each viewer may know them.

A refusal changes no state, so it is no act and has no statement; what is kept here decides nothing.
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec import Struct

from detente.errors import DetenteError, NotFound
from detente.plans import refusal_store
from detente.plans.conflicts import describe
from detente.plans.cursor import read_cursor, write_cursor
from detente.plans.model import PlanBody, Sharing
from detente.plans.neighbourhood import Examined
from detente.plans.refusal_model import (
    Blocking,
    RefusalPage,
    RefusalQuery,
    RefusalView,
    RefusedAct,
    RefusedBody,
)
from detente.plans.refusal_now import as_they_stand, points_of
from detente.plans.refusal_store import Bounds
from detente.plans.volumes import require_in_order, to_ms
from detente.store import Pool
from detente.web.ids import read_uuid
from detente.web.model import Principal

KEPT_MS = 7 * 86_400_000
"""How long after the refused plan's end a refusal is remembered."""
WRITE_S = 2.0
"""How long the answer to a refused request waits for the memory of it."""
MAX_READ = 1_000
"""The most refusals that one page looks through."""
MAX_POINTS = 500_000
"""Positions of volumes and outlines beyond which a page ends."""
_BATCH = 50

_log = structlog.get_logger()


class Attempt(Struct, frozen=True):
    """A request that was refused."""

    who: Principal
    plan_id: str
    act: RefusedAct
    seen_version: int | None
    request_sha256: bytes
    body: PlanBody
    found: Examined


class Refusals:
    """Writes refusals, and answers questions about them.

    Args:
        pool: database connections.
        now_ms: the clock, ms since 1970-01-01 UTC.
        bounds: how much is remembered.
    """

    def __init__(self, pool: Pool, now_ms: Callable[[], int], bounds: Bounds | None = None) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._bounds = bounds or Bounds()

    async def remember(self, attempt: Attempt) -> None:
        """Remember a refusal, committed and synced when this returns; if that fails, only the log knows.

        The caller has been decided against already, and is told so whether or not it is remembered.
        """
        try:
            async with asyncio.timeout(WRITE_S):
                await refusal_store.write(self._pool, _write_of(attempt, self._now_ms()), self._bounds)
        except (DetenteError, TimeoutError) as error:
            _log.warning("refusal_not_remembered", why=getattr(error, "detail", f"not within {WRITE_S} s"))

    async def find(self, who: Principal, refusal_id: str) -> RefusalView:
        """One refusal as the caller may know it.

        Raises:
            NotFound: there is none, or none that the caller may know of; the answer is the same.
        """
        refused = await refusal_store.find(self._pool, who.party_id, refusal_id)
        now = [] if refused is None else await as_they_stand(self._pool, [refused])
        shown = now[0].view(who.party_id) if now else None
        if shown is None:
            raise NotFound(f"there is no refusal {refusal_id} that you may see", refusal_id=refusal_id)
        return shown

    async def query(self, who: Principal, body: RefusalQuery) -> RefusalPage:
        """One page of the refusals that the caller may know of, ordered by instant and id.

        Raises:
            BadInput: a time, an id or a cursor that cannot be used.
        """
        wanted = _filter(who, body)
        after = read_cursor(body.cursor)
        found: list[RefusalView] = []
        read = points = 0
        while True:
            batch = await refusal_store.page(self._pool, wanted, after)
            for now in await as_they_stand(self._pool, batch):
                shown = now.view(who.party_id)
                after = (now.refused.at_ms, now.refused.refusal_id)
                if shown is not None and _is_wanted(shown, body, wanted.plan_id):
                    found.append(shown)
                    points += points_of(now.refused)
                if len(found) == body.limit or points > MAX_POINTS:
                    return RefusalPage(refusals=tuple(found), next=write_cursor(*after))
            read += len(batch)
            if len(batch) < wanted.limit:
                return RefusalPage(refusals=tuple(found), next=None)
            if read >= MAX_READ:
                return RefusalPage(refusals=tuple(found), next=write_cursor(*after))


def _write_of(attempt: Attempt, now_ms: int) -> refusal_store.RefusalWrite:
    # Told as to its owner: what others may know of it is decided when they ask.
    blocking = [
        Blocking(
            describe(met.pieces, met.neighbour, met.separation, met.neighbour.standing.party_id),
            met.neighbour.sharing,
        )
        for met in attempt.found.blocking
    ]
    return refusal_store.RefusalWrite(
        party_id=attempt.who.party_id,
        account_id=attempt.who.account_id,
        plan_id=attempt.plan_id,
        act=attempt.act,
        seen_version=attempt.seen_version,
        now_ms=now_ms,
        request_sha256=attempt.request_sha256,
        sharing=attempt.body.sharing,
        end_ms=max(to_ms(volume.end) for volume in attempt.body.volumes),
        conflict_start_ms=min(to_ms(one.conflict.start) for one in blocking),
        conflict_end_ms=max(to_ms(one.conflict.end) for one in blocking),
        way_parties=sorted({one.conflict.party_id for one in blocking}),
        shared_plan_ids=sorted(one.plan_id for one in blocking if one.sharing is not Sharing.CONFLICTS),
        is_complete=attempt.found.is_complete,
        body=RefusedBody(attempt.body.volumes, attempt.body.title),
        blocking=blocking,
    )


def _filter(who: Principal, body: RefusalQuery) -> refusal_store.RefusalFilter:
    require_in_order(body.start, body.end)
    return refusal_store.RefusalFilter(
        viewer=who.party_id,
        start_ms=None if body.start is None else to_ms(body.start),
        end_ms=None if body.end is None else to_ms(body.end),
        party_id=body.party_id,
        plan_id=None if body.plan_id is None else read_uuid(body.plan_id, "plan_id"),
        limit=_BATCH,
    )


def _is_wanted(shown: RefusalView, body: RefusalQuery, plan_id: str | None) -> bool:
    """Whether a refusal is asked for, by what its viewer may know and nothing else."""
    if plan_id is not None and shown.plan_id != plan_id:
        return False
    if body.settled is not None and shown.settlement.is_settled is not body.settled:
        return False
    return (body.start is None and body.end is None) or any(
        (body.start is None or one.end > body.start) and (body.end is None or one.start < body.end)
        for one in shown.conflicts
    )
