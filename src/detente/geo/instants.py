"""Instants as whole milliseconds, which code compares, and as aware times, which edges show."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware time; what is finer than a millisecond is cut off."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_ms(at_ms: int) -> datetime:
    """The aware UTC time of milliseconds since 1970-01-01."""
    return _EPOCH + timedelta(milliseconds=at_ms)
