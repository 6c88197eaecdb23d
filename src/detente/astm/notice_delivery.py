"""The job that tells subscribers elsewhere, until each has received what it is to know.

Rule 1: received is any answer below 300, and 409: the peer knows a newer version.
Rule 2: a definite refusal is given up at once; anything else is tried again after 1, 2, 4, ... 60 s, for
    an hour.
Rule 3: what is given up is kept with its reason (``notice_undelivered``) for a month.

Nothing is lost when the process dies: what is due is found again in the database. Any number of servers may
do it at once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog
from msgspec import Struct

from detente.astm.peer_connection import PeerAnswer
from detente.discovery import notices
from detente.discovery.notices import Notice, NoticeKind
from detente.errors import BadInput, DetenteError, StoreUnavailable
from detente.store import Pool

SenderOf = Callable[[str], "NoticeSender"]
"""Gives who speaks to peers for a party."""
MakeBody = Callable[[Notice], Awaitable[bytes | None]]
"""Gives the bytes to send now for a notice; None if there is nothing to tell any more."""

_REFUSALS: Final = frozenset({400, 403, 404, 405, 410, 413, 415, 422})
_CONFLICT: Final = 409
_FORGET_EVERY_MS: Final = 3_600_000
_BATCH: Final = 500

_log = structlog.get_logger(__name__)


class NoticeSender(Protocol):
    """Who speaks to peers; ``PeerClient`` does."""

    def is_left_alone(self, base_url: str) -> bool:
        """Whether the peer is not to be asked for now."""
        ...

    async def notify_plan(self, base_url: str, body: bytes) -> PeerAnswer:
        """Tell of a plan."""
        ...

    async def notify_zone(self, base_url: str, body: bytes) -> PeerAnswer:
        """Tell of a zone."""
        ...


class DeliverySettings(Struct, frozen=True):
    """How notices are delivered."""

    look_every_s: float = 0.3
    at_once: int = 16
    """Notices under way; of one peer four to seven."""
    of_a_peer: int = 4
    first_pause_ms: int = 1_000
    longest_pause_ms: int = 60_000
    give_up_after_ms: int = 3_600_000
    kept_ms: int = 30 * 86_400_000
    party_id: str | None = None
    """Whose notices; None: everybody's."""
    attempt_s: float = notices.LEASE_MS / 2_000
    """Half a lease: nobody else has taken the notice by then."""


_AS_USUAL: Final = DeliverySettings()


class Delivery:
    """One server's delivery of notices. ``keep_delivering`` runs it."""

    def __init__(
        self,
        pool: Pool,
        sender_of: SenderOf,
        make_body: MakeBody,
        clock_ms: Callable[[], int],
        *,
        wake: asyncio.Event,
        settings: DeliverySettings,
    ) -> None:
        self._pool = pool
        self._sender_of = sender_of
        self._make_body = make_body
        self._clock_ms = clock_ms
        self._wake = wake
        self._settings = settings
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._left_alone: dict[str, NoticeSender] = {}
        self._forgot_ms: int | None = None

    async def run(self) -> None:
        """Deliver until cancelled; a database that does not answer is tried again."""
        try:
            while True:
                self._wake.clear()
                try:
                    is_more = await self._begin()
                    await self._forget()
                except StoreUnavailable as error:
                    is_more = False
                    _log.warning("notices_wait", why=error.detail)
                await self._pause(is_more=is_more)
        finally:
            under_way = list(self._under_way)
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _begin(self) -> bool:
        """Begin to deliver what is due; True if there may be more than there were places."""
        free = self._settings.at_once - len(self._under_way)
        if free <= 0:
            return True
        taken = await notices.take(
            self._pool, self._clock_ms(), free, but_not=self._not_now(), party_id=self._settings.party_id
        )
        for notice in taken:
            task = asyncio.create_task(self._deliver(notice))
            self._under_way[task] = notice.uss_base_url
            task.add_done_callback(self._under_way.pop)
        return len(taken) == free

    def _not_now(self) -> set[str]:
        """Peers that have enough under way, and those that do not answer: nobody waits for them."""
        counted = Counter(self._under_way.values())
        self._left_alone = {url: by for url, by in self._left_alone.items() if by.is_left_alone(url)}
        busy = {url for url, count in counted.items() if count >= self._settings.of_a_peer}
        return busy | self._left_alone.keys()

    async def _pause(self, *, is_more: bool) -> None:
        """Wait until it is time to look again, somebody wakes us, or a place is free that is wanted."""
        woken = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait(
                {woken, *(self._under_way if is_more else ())},
                timeout=self._settings.look_every_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            woken.cancel()

    async def _deliver(self, notice: Notice) -> None:
        """Deliver one notice and write down what came of it."""
        log = _log.bind(notice_id=notice.notice_id, peer=notice.uss_base_url, attempts=notice.attempts)
        try:
            reason, is_final = await self._attempt_whole(notice)
            if reason is None:
                await notices.delivered(self._pool, notice)
                log.info("notice_delivered")
                self._wake.set()  # the next in its line is due
                return
            now_ms = self._clock_ms()
            if is_final or now_ms - notice.made_ms >= self._settings.give_up_after_ms:
                await notices.give_up(self._pool, notice, now_ms, reason)
                log.error("notice_given_up", why=reason, kind=notice.kind.value)
                self._wake.set()
                return
            pause_ms = pause_after(notice.attempts, self._settings)
            await notices.failed(self._pool, notice, now_ms + pause_ms)
            log.warning("notice_failed", why=reason, again_in_ms=pause_ms)
        except StoreUnavailable as error:
            log.warning("notice_not_written_down", why=error.detail)  # its lease ends by itself

    async def _attempt_whole(self, notice: Notice) -> tuple[str | None, bool]:
        """Tell once, whatever breaks: a fault of ours in one notice must not stop the others."""
        try:
            return await self._attempt(notice)
        except Exception as error:  # noqa: BLE001 -- the outermost loop of a notice
            _log.exception("notice_broken", notice_id=notice.notice_id)
            return f"it broke here ({type(error).__name__})", False

    async def _attempt(self, notice: Notice) -> tuple[str | None, bool]:
        """Tell once. None if it was received, or why not; and whether that is final."""
        try:
            async with asyncio.timeout(self._settings.attempt_s):
                body = await self._make_body(notice)
                if body is None:
                    return None, False
                sender = self._sender_of(notice.party_id)
                send = sender.notify_plan if notice.kind is NoticeKind.PLAN else sender.notify_zone
                answer = await send(notice.uss_base_url, body)
        except TimeoutError:
            return f"not done within {self._settings.attempt_s:g} s", False
        except BadInput as error:
            return error.detail, True
        except DetenteError as error:
            sender = self._sender_of(notice.party_id)
            if sender.is_left_alone(notice.uss_base_url):
                self._left_alone[notice.uss_base_url] = sender
            return error.detail, False
        if answer.status < 300 or answer.status == _CONFLICT:  # noqa: PLR2004 -- the classes of HTTP
            return None, False
        return f"the peer answered {answer.status}", answer.status in _REFUSALS

    async def _forget(self) -> None:
        """Once an hour, drop what was given up long ago."""
        now_ms = self._clock_ms()
        if self._forgot_ms is not None and abs(now_ms - self._forgot_ms) < _FORGET_EVERY_MS:
            return
        while await notices.forget_undelivered(self._pool, now_ms - self._settings.kept_ms, _BATCH) == _BATCH:
            pass
        self._forgot_ms = now_ms


def pause_after(attempts: int, settings: DeliverySettings) -> int:
    """Say how long to wait after so many attempts, in ms (rule 2)."""
    return int(min(settings.first_pause_ms * 2 ** min(attempts - 1, 30), settings.longest_pause_ms))


async def keep_delivering(
    pool: Pool,
    sender_of: SenderOf,
    make_body: MakeBody,
    clock_ms: Callable[[], int],
    *,
    wake: asyncio.Event | None = None,
    settings: DeliverySettings = _AS_USUAL,
) -> None:
    """Deliver notices until cancelled.

    Args:
        pool: database connections.
        sender_of: gives who speaks to peers for a party.
        make_body: gives the bytes to send for a notice; called anew for each attempt, so that the
            newest is told.
        clock_ms: the present.
        wake: set by whoever has just written, so that the notice goes at once.
        settings: how they are delivered.
    """
    await Delivery(
        pool, sender_of, make_body, clock_ms, wake=wake or asyncio.Event(), settings=settings
    ).run()
