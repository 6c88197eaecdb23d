"""When to leave a peer alone: after some failures in a row nobody waits for it, for a while.

Rule 1: after ``failures`` in a row the peer rests for ``rest_ms``; calls end at once.
Rule 2: after the rest one call at a time is let through; it ends the failures, or begins the next rest.
Rule 3: a clock that jumps never makes a rest longer than ``rest_ms``.
"""

from msgspec import Struct


class BreakerSettings(Struct, frozen=True):
    """When a peer is left alone, and for how long."""

    failures: int = 3
    rest_ms: int = 5_000


class Breaker:
    """One peer's failures in a row. Belongs to one event loop."""

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._failures = 0
        self._rests_until_ms = 0
        self._is_trying = False

    def blocks(self, now_ms: int) -> bool:
        """Whether a call would be turned away now (rules 1 and 2)."""
        if self._failures < self._settings.failures:
            return False
        return self._rests(now_ms) or self._is_trying

    def enter(self, now_ms: int) -> bool:
        """Let a call through or not; one that was let through says ``answered``, ``failed`` or ``left``."""
        if self.blocks(now_ms):
            return False
        self._is_trying = self._failures >= self._settings.failures
        return True

    def answered(self) -> None:
        """The peer answered: all is well again."""
        self._failures = 0
        self._is_trying = False

    def failed(self, now_ms: int) -> None:
        """The peer did not answer. A failure of a call that began before the rest does not make it longer."""
        self._failures += 1
        self._is_trying = False
        if self._failures >= self._settings.failures and not self._rests(now_ms):
            self._rests_until_ms = now_ms + self._settings.rest_ms

    def left(self) -> None:
        """The caller gave up before anything was known."""
        self._is_trying = False

    def _rests(self, now_ms: int) -> bool:
        return 0 < self._rests_until_ms - now_ms <= self._settings.rest_ms
