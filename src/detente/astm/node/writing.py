"""How a node writes a plan: the exchange is the lock, this database follows.

Rule 1: a plan is decided here on everything that the exchange tells of, and written there with the OVNs of
    all of it as the key. What the key lacks is learnt, and the plan decided again.
Rule 2: an intention is committed before the exchange is asked; the plan is written here in the transaction
    that takes the intention away. So one request has one outcome, whoever dies.
Rule 3: a report that a plan is off-nominal is written here at once, and told to the exchange when it answers.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from detente import errors
from detente.astm.node.exchange import Exchange, Refused
from detente.astm.node.mirror import Learned, Mirror
from detente.astm.node.settling import Settling, kept_of, refusal_of, uuid7
from detente.discovery import node_store
from detente.discovery.node_store import Pending
from detente.errors import (
    AlreadyExists,
    BadInput,
    DetenteError,
    NotAllowed,
    PartyDown,
    PeerUnavailable,
    TooLarge,
    Unavailable,
)
from detente.geo import Circle, prepare
from detente.geo.limits import MAX_ALTITUDE_M, MIN_ALTITUDE_M
from detente.geo.model import Datum
from detente.plans import writing
from detente.plans.model import PlanState, PlanVolume, WaysOutLimits
from detente.plans.rules import OFF_NOMINAL
from detente.plans.volumes import to_volume
from detente.store import Pool

_MAX_ROUNDS: Final = 12
_PAUSE_S: Final = 0.1
_CONFLICT: Final = 409
_MOVED_ON: Final = frozenset({_CONFLICT, 404})
_MOST_AROUND: Final = 8
_WIDEST_M: Final = 28_000.0
"""A circle of this radius is about as large as one question to the exchange may be."""
_NO_KEY: Final = Learned(frozenset(), False)


class NodeWriter:
    """Writes a node's plans; ``detente.plans`` knows it as ``Writer``.

    Args:
        pool: database connections.
        exchange: where references are.
        mirror: what others plan.
        settling: what is under way.
        now_ms: the present.
    """

    def __init__(
        self,
        pool: Pool,
        exchange: Exchange,
        mirror: Mirror,
        settling: Settling,
        now_ms: Callable[[], int],
    ) -> None:
        self._pool = pool
        self._exchange = exchange
        self._mirror = mirror
        self._settling = settling
        self._now_ms = now_ms

    def new_ovn(self, plan_id: str) -> str:
        """An OVN that the exchange will grant when it is asked for it."""
        return f"{plan_id}_{uuid7(self._now_ms())}"

    async def attempt(
        self, plan_id: str, volumes: Sequence[PlanVolume], state: PlanState
    ) -> "NodeAttempt | Report":
        """Begin an act: settle what is under way for the plan, and learn what is near.

        Raises:
            PeerUnavailable: the exchange, or a manager of a plan that is near, does not answer.
            Unavailable: an earlier request about the plan is not settled yet.
        """
        if state in OFF_NOMINAL:
            return Report(self._pool, self._settling)
        await self._settling.settle_plan(plan_id)
        await self._settling.tell_plan(plan_id)
        learned = _NO_KEY if state is PlanState.ENDED else await self._mirror.learn(volumes)
        return NodeAttempt(self._pool, self._exchange, self._mirror, self._settling, volumes, learned)

    async def look_around(self, volumes: Sequence[PlanVolume], limits: WaysOutLimits | None) -> None:
        """Learn what is near, and where ways out are looked for, as far as the exchange can be asked at once.

        Raises:
            PeerUnavailable: as ``attempt``; of what lies further away, managers need not answer.
        """
        await self._mirror.learn(volumes)
        if limits is not None and len(volumes) <= _MOST_AROUND:
            # An offer with something unknown in its way is refused when it is declared, with other offers.
            with suppress(Unavailable, BadInput):
                await self._mirror.learn([_grown(one, limits) for one in volumes], is_strict=False)


class Report:
    """A report that a plan is off-nominal: written here at once."""

    def __init__(self, pool: Pool, settling: Settling) -> None:
        self._pool = pool
        self._settling = settling

    async def write(
        self, act: writing.Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
    ) -> writing.Answer:
        """Write, and have the exchange told."""
        answer = await writing.write(self._pool, act, known, known_zones, epoch)
        if answer.status == "written":
            self._settling.wake.set()
        return answer


class NodeAttempt:
    """One act on its way to the exchange and from there into this database."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        pool: Pool,
        exchange: Exchange,
        mirror: Mirror,
        settling: Settling,
        volumes: Sequence[PlanVolume],
        learned: Learned,
    ) -> None:
        self._pool = pool
        self._exchange = exchange
        self._mirror = mirror
        self._settling = settling
        self._volumes = volumes
        self._key = learned.ovns

    async def write(
        self, act: writing.Write, known: Mapping[str, str], known_zones: Collection[str], epoch: int
    ) -> writing.Answer:
        """Say what must be examined first, as ``store.write``; else write at the exchange, then here.

        Raises:
            PeerUnavailable: the exchange does not answer: what became of it, the same request repeated tells.
            Unavailable: too much changed meanwhile.
            DetenteError: what the exchange refuses for, in our words.
        """
        for _ in range(_MAX_ROUNDS):
            answer = await writing.try_write(self._pool, act, known, known_zones, epoch)
            if answer.status != "written":
                return answer
            pending = await self._pending(act)
            if await node_store.pend(self._pool, pending, act.decided_version):
                if await self._ask(pending):
                    return answer
            else:
                await self._settling.settle_plan(act.plan_id)
        raise Unavailable(f"what is near changed {_MAX_ROUNDS} times while this was decided; try again")

    async def _pending(self, act: writing.Write) -> Pending:
        """What the exchange is to be asked. What is new here may stand there, if an answer was lost."""
        kept = await node_store.reference_of(self._pool, act.plan_id)
        named = None if kept is None else kept.ovn
        if named is None and act.expected_version is not None:
            raise errors.Refused(
                "the exchange has no reference of this plan; declare it anew under another id",
                plan_id=act.plan_id,
            )
        is_end = act.state is PlanState.ENDED
        suffix = act.ovn.partition("_")[2]
        sent = b"" if is_end else self._settling.message(self._volumes, act.state, self._key, suffix)
        return Pending(act.plan_id, act.ovn, named, is_end, sent, act, act.now_ms)

    async def _ask(self, pending: Pending) -> bool:
        """Ask the exchange and write what it agrees to; False if the plan must be decided again.

        While nobody knows what became of the request, its intention stays.
        """
        try:
            if pending.is_end:
                answer = await self._exchange.delete(pending.plan_id, pending.named_ovn or "")
            else:
                answer = await self._exchange.put(
                    pending.plan_id, pending.named_ovn, pending.sent, is_off=False
                )
        except PeerUnavailable as lost:
            raise PeerUnavailable(
                f"the exchange at {self._exchange.url} {lost.members.get('why', '')}; whether it has the "
                "plan is being found out, and this same request repeated tells",
                **lost.members,
            ) from lost
        if isinstance(answer, Refused):
            return await self._refused(pending, answer)
        if not pending.is_end and answer.reference.ovn != pending.ovn:
            await self._exchange.delete(pending.plan_id, answer.reference.ovn or "")
            await node_store.forget_pending(self._pool, pending)
            raise Unavailable(
                f"the exchange at {self._exchange.url} does not grant the OVN that is asked for; "
                "no node can use it"
            )
        return await self._settling.finish(pending, answer) in {"written", "same"}

    async def _refused(self, pending: Pending, answer: Refused) -> bool:
        """Learn what was missing; raise whatever cannot be learnt."""
        if not answer.missing and answer.status in _MOVED_ON:
            # It stands at another OVN there, or no more. Only this node writes it, so an answer was lost.
            found = await self._exchange.find(pending.plan_id)
            if found is None and pending.is_end:
                await self._settling.finish_gone(pending)
                return True
            await node_store.forget_pending(self._pool, pending)
            if found is None or found.manager == pending.write.party_id:
                kept = None if found is None else kept_of(found)
                await node_store.keep_reference(self._pool, pending.plan_id, kept)
                return False
        await node_store.forget_pending(self._pool, pending)
        if not answer.missing:
            raise _refusal(answer, self._exchange.url, pending.plan_id)
        learned = await self._mirror.learn_missing(answer.missing, self._volumes)
        self._key |= learned.ovns
        if learned.is_settling:
            await asyncio.sleep(_PAUSE_S)
        return False


def _refusal(answer: Refused, url: str, plan_id: str) -> DetenteError:
    """A refusal of the exchange in our words."""
    said = f"the exchange at {url} refuses the plan: {answer.message}"
    if answer.status in {400, 413}:
        return (TooLarge if answer.status == 413 else BadInput)(said, field="volumes")  # noqa: PLR2004 - HTTP's
    if answer.status in {401, 403}:
        return NotAllowed(said, plan_id=plan_id)
    if answer.status == 412:  # noqa: PLR2004 - HTTP's
        return PartyDown(said)
    if answer.missing_zones:
        return errors.Refused(said, plan_id=plan_id)
    if answer.status == _CONFLICT:
        return AlreadyExists(said, field="plan_id", actual=plan_id)
    return refusal_of(answer, url)


def _grown(volume: PlanVolume, limits: WaysOutLimits) -> PlanVolume:
    """What a volume can become by a way out: a circle around it, as far as one question may reach."""
    solid = prepare(to_volume(volume))
    lower_m, upper_m = solid.band_m
    return PlanVolume(
        shape=Circle(solid.center, min(solid.reach_m + limits.sideways_m + 1.0, _WIDEST_M)),
        lower_m=max(lower_m - limits.height_m, MIN_ALTITUDE_M),
        upper_m=min(upper_m + limits.height_m, MAX_ALTITUDE_M),
        start=volume.start - timedelta(seconds=limits.time_s),
        end=volume.end + timedelta(seconds=limits.time_s),
        datum=Datum.WGS84,
    )
