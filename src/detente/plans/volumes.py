"""Volumes on the wire into volumes that geometry decides on, and back."""

from collections.abc import Sequence
from datetime import datetime

from detente.errors import BadInput
from detente.geo import Solid, Terrain, prepare
from detente.geo.instants import from_ms as from_ms  # noqa: PLC0414 - told on
from detente.geo.instants import to_ms as to_ms  # noqa: PLC0414 - told on
from detente.geo.model import Volume
from detente.plans.model import MAX_AHEAD_DAYS, MAX_BACK_DAYS, MAX_DURATION_DAYS, PlanVolume

_DAY_MS = 86_400_000


def to_volume(volume: PlanVolume) -> Volume:
    """The same volume with its times in milliseconds."""
    return Volume(
        shape=volume.shape,
        lower_m=volume.lower_m,
        upper_m=volume.upper_m,
        start_ms=to_ms(volume.start),
        end_ms=to_ms(volume.end),
        datum=volume.datum,
    )


def to_plan_volume(volume: Volume) -> PlanVolume:
    """The same volume with its times as instants."""
    return PlanVolume(
        shape=volume.shape,
        lower_m=volume.lower_m,
        upper_m=volume.upper_m,
        start=from_ms(volume.start_ms),
        end=from_ms(volume.end_ms),
        datum=volume.datum,
    )


def prepare_all(volumes: Sequence[PlanVolume], *, terrain: Terrain | None = None) -> tuple[Solid, ...]:
    """Prepare every volume of a plan for exact comparison.

    Raises:
        BadInput: naming the volume and the field, also for InvalidShape and UnsupportedDatum.
    """
    return tuple(
        prepare(to_volume(volume), terrain=terrain, field=f"volumes[{i}]") for i, volume in enumerate(volumes)
    )


def latest_end_ms(now_ms: int) -> int:
    """The latest instant at which a plan may end, ms since 1970-01-01 UTC."""
    return now_ms + MAX_AHEAD_DAYS * _DAY_MS


def require_times(volumes: Sequence[PlanVolume], now_ms: int) -> None:
    """Refuse volumes that are over, too far ahead or too long.

    Raises:
        BadInput: naming the volume, its time and the limit; ``volumes`` if all together last too long.
    """
    for i, volume in enumerate(volumes):
        start_ms, end_ms = to_ms(volume.start), to_ms(volume.end)
        if end_ms <= start_ms:
            raise BadInput(
                f"volumes[{i}] ends at {volume.end.isoformat()}, not after it starts",
                field=f"volumes[{i}].end",
                expected=f"later than start ({volume.start.isoformat()})",
                actual=volume.end.isoformat(),
            )
        if end_ms - start_ms > MAX_DURATION_DAYS * _DAY_MS:
            raise BadInput(
                f"volumes[{i}] lasts longer than {MAX_DURATION_DAYS} days",
                field=f"volumes[{i}].end",
                expected=f"at most {MAX_DURATION_DAYS} days after start",
                actual=volume.end.isoformat(),
            )
        if start_ms < now_ms - MAX_BACK_DAYS * _DAY_MS:
            raise BadInput(
                f"volumes[{i}] begins more than {MAX_BACK_DAYS} days ago",
                field=f"volumes[{i}].start",
                expected=f"at most {MAX_BACK_DAYS} days before now",
                actual=volume.start.isoformat(),
            )
        if end_ms > latest_end_ms(now_ms):
            raise BadInput(
                f"volumes[{i}] lies more than {MAX_AHEAD_DAYS} days ahead",
                field=f"volumes[{i}].end",
                expected=f"at most {MAX_AHEAD_DAYS} days from now",
                actual=volume.end.isoformat(),
            )

    first, last = min(volume.start for volume in volumes), max(volume.end for volume in volumes)
    if to_ms(last) - to_ms(first) > MAX_DURATION_DAYS * _DAY_MS:
        raise BadInput(
            f"the plan lasts longer than {MAX_DURATION_DAYS} days from its first volume to its last",
            field="volumes",
            expected=f"at most {MAX_DURATION_DAYS} days from the first start to the last end",
            actual=f"{first.isoformat()} to {last.isoformat()}",
        )


def require_not_over(volumes: Sequence[PlanVolume], now_ms: int) -> None:
    """Refuse a plan whose last volume has ended.

    Raises:
        BadInput: naming the last end.
    """
    last = max(volume.end for volume in volumes)
    if to_ms(last) <= now_ms:
        raise BadInput(
            f"the plan is over: its last volume ended at {last.isoformat()}",
            field="volumes",
            expected=f"an end later than now ({from_ms(now_ms).isoformat()})",
            actual=last.isoformat(),
        )


def require_in_order(start: datetime | None, end: datetime | None) -> None:
    """Refuse a time to be asked about that ends before it starts.

    Raises:
        BadInput: naming both.
    """
    if start is not None and end is not None and to_ms(end) <= to_ms(start):
        raise BadInput(
            "the time asked about ends before it starts",
            field="end",
            expected=f"later than start ({start.isoformat()})",
            actual=end.isoformat(),
        )
