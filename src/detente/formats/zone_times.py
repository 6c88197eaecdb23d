"""When a zone applies, as files write it: periods between two instants, and hours of some days.

What cannot be read makes the zone apply longer, never shorter, and is noted.
"""

import re
from datetime import UTC, datetime

from detente.formats.faults import shown
from detente.formats.zone_fields import Fields, Missed
from detente.geo.limits import MAX_INSTANT_MS
from detente.zones.model import LIMITS, DailyPeriod, DaylightEvent, Weekday, ZonePeriod

_MAX_LETTERS = 40
_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_DAYS_END = re.compile(r"T24:?00(:?00)?(\.0+)?(?=Z|[+-]|$)")
_TIME = re.compile(
    r"(?P<hour>[01][0-9]|2[0-4]):?(?P<minute>[0-5][0-9])(?::?(?P<second>[0-5][0-9])(?:\.[0-9]+)?)?"
    r"(?P<zone>Z|[+-][01][0-9]:?[0-5][0-9])?"
)
_YES = {"YES", "TRUE", "1"}
_DAY_MS = 86_400_000


def instant_ms(text: str) -> tuple[int, bool]:
    """Read an instant in any of ISO 8601's shapes.

    Args:
        text: such as ``2026-08-01T06:00:00+00:00``, ``20260801T0600Z``, ``2026-08-01``.

    Returns:
        Milliseconds since 1970, and whether the text said its offset from UTC.

    Raises:
        ValueError: it is none.
    """
    said = text.strip().upper()
    if len(said) > _MAX_LETTERS or not _DATE.match(said):
        raise ValueError(said[:_MAX_LETTERS])
    midnight = _DAYS_END.search(said)
    if midnight:
        said = said[: midnight.start()] + "T00:00" + said[midnight.end() :]
    moment = datetime.fromisoformat(said)
    has_offset = moment.tzinfo is not None
    moment = moment if has_offset else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ms = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    ms += _DAY_MS if midnight else 0
    if abs(ms) > MAX_INSTANT_MS:
        raise ValueError(said)
    return ms, has_offset


def read_instant(fields: Fields, name: str) -> int | None:
    """Read an instant; one that cannot be read is noted and absent, so that the zone applies longer."""
    text = fields.text(name)
    if text is None:
        return None
    try:
        ms, has_offset = instant_ms(text)
    except (ValueError, OverflowError):
        fields.notes.add(f"{fields.at(name)} cannot be read ({shown(text)}): the zone applies without it")
        return None
    if not has_offset:
        fields.notes.add(f"{fields.at(name)} says no time zone; taken as UTC ({shown(text)})")
    return ms


def period_of(
    start_ms: int | None, end_ms: int | None, daily: tuple[DailyPeriod, ...], at: str
) -> ZonePeriod:
    """Build a period.

    Raises:
        Missed: it ends before it begins.
    """
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        raise Missed(at, "an end after the start", f"{(end_ms - start_ms) / 1000:g} s")
    return ZonePeriod(start_ms, end_ms, daily)


def schedule_of(fields: Fields, name: str) -> tuple[ZonePeriod, ...]:
    """Read ED-269's ``applicability`` or ED-318's ``limitedApplicability``.

    Args:
        fields: the object that holds it.
        name: how it is called.

    Returns:
        The periods; none if the zone always applies.

    Raises:
        Missed: a period ends before it begins, or there are too many.
    """
    periods = []
    for item in fields.children(name, LIMITS.periods):
        # ED-269: a permanent period has no bounds, whatever else is written there.
        is_permanent = str(item.raw("permanent")).upper() in _YES
        bounds = (
            (None, None)
            if is_permanent
            else (read_instant(item, "startDateTime"), read_instant(item, "endDateTime"))
        )
        key = next((key for key in ("schedule", "dailyPeriods", "dailyPeriod") if item.raw(key)), "schedule")
        daily = _all_daily(item, key)
        period = period_of(*bounds, daily, item.path)
        if period == ZonePeriod():
            return ()
        periods.append(period)
    return tuple(periods)


def _all_daily(item: Fields, key: str) -> tuple[DailyPeriod, ...]:
    try:
        entries = item.children(key, LIMITS.daily)
    except Missed as reason:
        item.notes.add(f"{reason}: the zone applies all day")
        return ()
    found = tuple(daily for entry in entries if (daily := _daily(entry)) is not None)
    # One that cannot be read would make the others look like all there is.
    return found if len(found) == len(entries) else ()


def _daily(entry: Fields) -> DailyPeriod | None:
    days = []
    for word in entry.words("day") or ["ANY"]:
        day = word.upper()[:3]
        if day not in Weekday.__members__:
            entry.notes.add(f"{entry.at('day')}: {shown(word)} is no day: the zone applies all day")
            return None
        days.append(Weekday(day))
    times = []
    for name in ("startTime", "endTime"):
        text = entry.text(name)
        said = _time(text) if text else None
        if text and said is None:
            entry.notes.add(f"{entry.at(name)}: {shown(text)} is no time: the zone applies all day")
            return None
        times.append(said)
    events = []
    for name in ("startEvent", "endEvent"):
        word = (entry.text(name) or "").upper()
        if word and word not in DaylightEvent.__members__:
            entry.notes.add(f"{entry.at(name)}: {shown(word)} is no event: the zone applies all day")
            return None
        events.append(DaylightEvent(word) if word else None)
    unique = tuple(dict.fromkeys(days))[:8]
    return DailyPeriod(unique, times[0], events[0], times[1], events[1])


def _time(text: str) -> str | None:
    """Write a time of day as RFC 3339 does; one without offset is UTC, as the standards have it."""
    said = _TIME.fullmatch(text.strip().upper().removeprefix("T"))
    if said is None or (said["hour"] == "24" and said["minute"] != "00"):
        return None
    zone = said["zone"] or "Z"
    if zone != "Z" and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    # 24:00 is the day's end, which ED-318 has no time for: the last second of the day stands for it.
    if said["hour"] == "24":
        return f"23:59:59{zone}"
    zone = "Z" if zone in {"+00:00", "-00:00"} else zone
    return f"{said['hour']}:{said['minute']}:{said['second'] or '00'}{zone}"


def outer_bounds(schedule: tuple[ZonePeriod, ...]) -> tuple[int | None, int | None]:
    """Say the first and the last moment of a schedule; None where it is open."""
    starts = [period.start_ms for period in schedule]
    ends = [period.end_ms for period in schedule]
    known_starts = [ms for ms in starts if ms is not None]
    known_ends = [ms for ms in ends if ms is not None]
    return (
        min(known_starts) if known_starts and len(known_starts) == len(starts) else None,
        max(known_ends) if known_ends and len(known_ends) == len(ends) else None,
    )
