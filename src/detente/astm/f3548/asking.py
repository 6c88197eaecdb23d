"""One question to a manager elsewhere: what stands at a version of its plan or zone, or why none answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from detente.astm.peer_connection import PeerAnswer
from detente.errors import BadInput, PeerUnavailable

_RETRIES: Final = 3
_PAUSE_S: Final = 0.2
"""A manager may still be writing down what the exchange has just answered it."""
_NOT_FOUND: Final = 404

T = TypeVar("T")


class Question(Struct, frozen=True):
    """What is asked, of whom."""

    kind: str
    """``plan`` or ``zone``."""
    subject_id: str
    peer: str
    """The manager's base URL."""

    def unanswered(self, why: str) -> PeerUnavailable:
        """The refusal for want of an answer; ``why`` says what the manager does instead."""
        return PeerUnavailable(
            f"the manager of {self.kind} {self.subject_id}, which is near, {why}; nothing was changed",
            **{"peer": self.peer, "why": why[:500], f"{self.kind}_id": self.subject_id},
        )

    async def once(self, call: Callable[[], Awaitable[PeerAnswer]], read: Callable[[bytes], T]) -> T | None:
        """Ask once.

        Args:
            call: asks.
            read: reads the answer's body; raises BadInput, or what msgspec raises, for what it cannot read.

        Returns:
            What was told; None if the manager knows of nothing.

        Raises:
            PeerUnavailable: no answer, or none as the standard says.
        """
        try:
            answer = await call()
        except BadInput as unusable:
            raise self.unanswered(f"has no usable address: {unusable.detail}") from unusable
        except PeerUnavailable as silent:
            raise self.unanswered(str(silent.members.get("why", silent.detail))) from silent
        if answer.status == _NOT_FOUND:
            return None
        try:
            return read(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, BadInput) as wrong:
            raise self.unanswered(f"tells it not as the standard says: {wrong}") from wrong

    async def until(
        self, ask: Callable[[], Awaitable[T | None]], is_wanted: Callable[[T], bool], else_why: str
    ) -> T:
        """Ask until what is told is what is wanted, a few times.

        Raises:
            PeerUnavailable: it is not, or there is no answer.
        """
        why = ""
        for attempt in range(_RETRIES):
            if attempt:
                await asyncio.sleep(_PAUSE_S * attempt)
            found = await ask()
            if found is not None and is_wanted(found):
                return found
            why = f"knows nothing of the {self.kind}" if found is None else else_why
        raise self.unanswered(why)
