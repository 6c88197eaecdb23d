"""What a node and its exchange must agree on, and how it comes to that after either was away.

Rule 1: what was asked of the exchange is written here once it has it; forgotten once it certainly has not.
Rule 2: what stands otherwise here than there (a report, an end by time) is told until the exchange takes it.
Rule 3: both are found in the database, by any process of the node, at any time.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from detente.astm.f3548 import wire
from detente.astm.node.exchange import Exchange, Refused, Written
from detente.astm.node.mirror import Mirror
from detente.discovery import node_store
from detente.discovery.node_store import KeptReference, Pending, Subscriber, Told, Untold
from detente.errors import DetenteError, PeerUnavailable, StoreUnavailable, Unavailable
from detente.plans.model import PlanState, PlanVolume
from detente.plans.rules import OFF_NOMINAL
from detente.plans.views import decode_body
from detente.store import Pool

MOMENT_MS: Final = 15_000
"""After so long no request that was sent is still on its way: calls end within 5 s."""
SUFFIX_GOOD_MS: Final = 240_000
"""How old a chosen OVN may be; the exchange takes none that is older than five minutes."""
_EVERY_S: Final = 2.0
_BATCH: Final = 100
_POLLS: Final = 50
_POLL_S: Final = 0.1
_MAX_ROUNDS: Final = 5
_NOT_FOUND: Final = 404
_NOT_KNOWN: Final = ""
"""Stands for the OVN of a reference of which the exchange must be asked first."""
_CONFLICT: Final = 409
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)


def uuid7(now_ms: int) -> str:
    """A fresh UUID of version 7. Source: RFC 9562, section 5.7."""
    value = (now_ms & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Settling:
    """Brings what stands here and what stands at the exchange together.

    Args:
        pool: database connections.
        exchange: where references are.
        mirror: what others plan.
        own_url: where this node answers.
        now_ms: the present.
    """

    def __init__(
        self, pool: Pool, exchange: Exchange, mirror: Mirror, own_url: str, now_ms: Callable[[], int]
    ) -> None:
        self._pool = pool
        self._exchange = exchange
        self._mirror = mirror
        self._own_url = own_url
        self._now_ms = now_ms
        self.wake = asyncio.Event()
        """Set by whoever has just written what the exchange is to be told."""

    async def keep_settling(self) -> None:
        """Settle and tell until cancelled; whoever does not answer is asked again."""
        while True:
            self.wake.clear()
            try:
                await self.settle_due()
                await self.tell_due()
            except StoreUnavailable as error:
                _log.warning("node_waits", why=error.detail)
            except Exception:  # noqa: BLE001 - the outermost loop: a fault in one plan must not end the job
                _log.exception("node_settling_broken")
            try:
                await asyncio.wait_for(self.wake.wait(), _EVERY_S)
            except TimeoutError:
                continue

    async def settle_due(self) -> None:
        """Settle everything that has been under way for longer than a moment."""
        for pending in await node_store.pending_before(self._pool, self._now_ms() - MOMENT_MS, _BATCH):
            try:
                await self._settle(pending)
            except Unavailable as away:
                _log.warning("node_cannot_settle", plan_id=pending.plan_id, why=away.detail)
                return

    async def settle_plan(self, plan_id: str) -> None:
        """Wait for what is under way for a plan, and settle it where nobody does.

        What is forgotten may still come to be, if it is on its way; then it stands at an OVN that the next
        request does not name, and is found out.

        Raises:
            PeerUnavailable: the exchange does not answer.
        """
        pending = await node_store.pending_of(self._pool, plan_id)
        for _ in range(_POLLS):
            if pending is None or self._now_ms() - pending.made_ms >= _POLLS * _POLL_S * 1_000:
                break
            await asyncio.sleep(_POLL_S)
            pending = await node_store.pending_of(self._pool, plan_id)
        if pending is not None:
            await self._settle(pending)

    async def tell_plan(self, plan_id: str) -> None:
        """Tell the exchange of a plan that stands otherwise there.

        Raises:
            Unavailable: it does not take it now.
        """
        for plan in await node_store.untold(self._pool, 1, plan_id):
            await self._tell(plan)

    async def tell_due(self) -> None:
        """Tell the exchange of everything that stands otherwise there."""
        for plan in await node_store.untold(self._pool, _BATCH):
            try:
                await self._tell(plan)
            except DetenteError as refused:
                _log.warning(
                    "exchange_not_told", plan_id=plan.kept.plan_id, state=plan.state.value, why=refused.detail
                )

    async def finish(self, pending: Pending, written: Written) -> str:
        """Write here what the exchange has agreed to; answers the status of the write."""
        kept = None if pending.is_end else kept_of(written.reference)
        told = self._subscribers(written.subscribers)
        status = await node_store.finish(self._pool, pending, kept, told, self._now_ms())
        if status not in {"written", "same", "replayed", "finished"}:
            _log.warning("node_overtaken", plan_id=pending.plan_id, status=status)
            self.wake.set()
        return status

    async def finish_gone(self, pending: Pending) -> None:
        """Write here that a plan has ended of which the exchange has no reference any more."""
        await node_store.finish(self._pool, pending, None, (), self._now_ms())

    async def _settle(self, pending: Pending) -> None:
        """Find out what became of a request, and write it here or forget it."""
        reference = await self._exchange.find(pending.plan_id)
        if pending.is_end and reference is None:
            await self.finish_gone(pending)
        elif reference is not None and reference.ovn == pending.ovn and not pending.is_end:
            await self.finish(pending, await self._told_again(pending, reference))
        else:
            _log.info("request_forgotten", plan_id=pending.plan_id, named_ovn=pending.named_ovn)
            await node_store.forget_pending(self._pool, pending)

    async def _told_again(self, pending: Pending, reference: wire.OperationalIntentReference) -> Written:
        """The answer to a request that was carried out: sent again word for word, it is answered again.

        Where it is too old for that, the plan counts as one that the exchange has otherwise: so it is told
        of it anew, and names everybody who is to know.
        """
        is_off = pending.write.state in OFF_NOMINAL
        answer = await self._exchange.put(pending.plan_id, pending.named_ovn, pending.sent, is_off=is_off)
        if isinstance(answer, Written):
            return answer
        _log.warning("subscribers_not_told_again", plan_id=pending.plan_id, why=answer.message)
        return Written(replace(reference, ovn=_NOT_KNOWN), ())

    async def _tell(self, plan: Untold) -> None:
        """Bring the exchange to where the plan stands here."""
        plan_id, kept, extra = plan.kept.plan_id, plan.kept, frozenset[str]()
        for _ in range(_MAX_ROUNDS):
            answer = None if kept.ovn == _NOT_KNOWN else await self._tell_once(plan, kept, extra)
            if isinstance(answer, Written):
                now = None if plan.state is PlanState.ENDED else kept_of(answer.reference)
                await self._write_told(plan, Told(now, self._subscribers(answer.subscribers)))
                _log.info("exchange_told", plan_id=plan_id, state=plan.state.value)
                return
            if answer is not None and answer.status not in {_NOT_FOUND, _CONFLICT}:
                raise refusal_of(answer, self._exchange.url)
            if answer is not None and answer.missing:
                learned = await self._mirror.learn_missing(answer.missing, decode_body(plan.body).volumes)
                extra |= learned.ovns
            reference = await self._exchange.find(plan_id)
            if reference is None:
                if plan.state is not PlanState.ENDED:
                    _log.error("exchange_forgot_plan", plan_id=plan_id, state=plan.state.value)
                await self._write_told(plan, Told(None))
                return
            kept = kept_of(reference)
        raise Unavailable(f"the exchange at {self._exchange.url} has not taken plan {plan_id} yet")

    async def _tell_once(self, plan: Untold, kept: KeptReference, extra: frozenset[str]) -> Written | Refused:
        plan_id, is_off = kept.plan_id, plan.state in OFF_NOMINAL
        if plan.state is PlanState.ENDED:
            return await self._exchange.delete(plan_id, kept.ovn)
        volumes = decode_body(plan.body).volumes
        key = extra if is_off else extra | (await self._mirror.learn(volumes)).ovns
        sent = self.message(volumes, plan.state, key, self._suffix_of(plan, kept))
        return await self._exchange.put(plan_id, kept.ovn, sent, is_off=is_off)

    async def _write_told(self, plan: Untold, now: Told) -> None:
        await node_store.told(self._pool, self._mirror.party_id, plan, now, self._now_ms())

    def _suffix_of(self, plan: Untold, kept: KeptReference) -> str:
        """The OVN that the plan has here already, if the exchange would still take it; else a fresh one."""
        head, _, suffix = plan.here_ovn.partition("_")
        is_ours = head == plan.kept.plan_id and len(suffix) == 36  # noqa: PLR2004 - a UUID
        if (
            is_ours
            and plan.here_ovn != kept.ovn
            and abs(self._now_ms() - int(suffix.replace("-", "")[:12], 16)) < SUFFIX_GOOD_MS
        ):
            return suffix
        return uuid7(self._now_ms())

    def message(
        self, volumes: Sequence[PlanVolume], state: PlanState, key: frozenset[str], suffix: str
    ) -> bytes:
        """The body of a request that makes or changes a reference of ours.

        Raises:
            BadInput: volumes that the standard cannot say.
        """
        return _encode(
            wire.PutOperationalIntentReferenceParameters(
                extents=self._mirror.extents(volumes),
                state=STATES[state],
                uss_base_url=self._own_url,
                key=tuple(sorted(key)),
                new_subscription=wire.ImplicitSubscriptionParameters(self._own_url, False),
                requested_ovn_suffix=suffix,
            )
        )

    def _subscribers(self, told: Sequence[wire.SubscriberToNotify]) -> tuple[Subscriber, ...]:
        """Whom to tell: everybody but this node."""
        return tuple(
            Subscriber(one.uss_base_url, _encode(one.subscriptions))
            for one in told
            if one.uss_base_url.rstrip("/") != self._own_url
        )


STATES: Final[dict[PlanState, wire.OperationalIntentState]] = {
    PlanState.ACCEPTED: "Accepted",
    PlanState.ACTIVATED: "Activated",
    PlanState.NONCONFORMING: "Nonconforming",
    PlanState.CONTINGENT: "Contingent",
}


def kept_of(reference: wire.OperationalIntentReference) -> KeptReference:
    """How the exchange has a plan of ours, as it tells."""
    return KeptReference(
        reference.id.lower(), reference.ovn or "", reference.version, reference.subscription_id
    )


def refusal_of(answer: Refused, url: str) -> DetenteError:
    """What a caller is told of a refusal of the exchange that is nobody's fault here."""
    return PeerUnavailable(
        f"the exchange at {url} does not take it ({answer.status}): {answer.message}",
        peer=url,
        why=answer.message,
    )
