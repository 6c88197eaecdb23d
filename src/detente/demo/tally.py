"""What a day of declarations adds up to: counts, sizes, the nearest misses, a fingerprint. Pure."""

import hashlib
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from detente.demo.filing import Filed, Outcome
from detente.geo.model import LatLon
from detente.plans.model import Conflict, WayOut, WayOutKind


class Shifts(Struct, frozen=True):
    """How often one kind of way out was taken, and how large it was: seconds for time, else metres."""

    count: int
    median: float
    largest: float
    unit: str


class Meeting(Struct, frozen=True):
    """One plan refused because of one other: the row that a reader sees."""

    plan: str
    party_id: str
    with_party_id: str
    with_plan_id: str | None
    place: LatLon
    start: datetime
    end: datetime
    lower_m: float
    upper_m: float
    datum: str
    horizontal_depth_m: float
    vertical_depth_m: float
    time_depth_s: float
    outcome: Outcome
    settled_by: str
    """The way out that was taken, such as ``time +50 s``; empty if none was."""


class Open(Struct, frozen=True):
    """One plan that found no way out, and why."""

    plan: str
    party_id: str
    conflicts: int
    why: tuple[str, ...]


class Tally(Struct, frozen=True):
    """The closing table as data."""

    declared: Mapping[str, int]
    """Plans by party."""
    volumes: int
    accepted: int
    in_conflict: int
    settled: int
    unresolved: int
    conflicts: int
    """Pairs of plans: one refused plan may have met several."""
    conflicts_between_parties: int
    shifts: Mapping[str, Shifts]
    """By kind of way out."""
    meetings: tuple[Meeting, ...]
    """All conflicts, the largest shared piece first."""
    open: tuple[Open, ...]
    fingerprint: str
    """SHA-256 over every plan's id, outcome and shift: equal where two runs ended equally."""


def add_up(results: Sequence[Filed]) -> Tally:
    """Count what became of a day's filings.

    Args:
        results: in the order of declaration.

    Returns:
        The counts; the same results always give the same tally.
    """
    outcomes = Counter(result.outcome for result in results)
    meetings = [_meeting(result, conflict) for result in results for conflict in result.conflicts]
    return Tally(
        declared=dict(sorted(Counter(result.filing.party_id for result in results).items())),
        volumes=sum(len(result.filing.body.volumes) for result in results),
        accepted=outcomes[Outcome.ACCEPTED],
        in_conflict=outcomes[Outcome.SETTLED] + outcomes[Outcome.UNRESOLVED],
        settled=outcomes[Outcome.SETTLED],
        unresolved=outcomes[Outcome.UNRESOLVED],
        conflicts=len(meetings),
        conflicts_between_parties=sum(meeting.party_id != meeting.with_party_id for meeting in meetings),
        shifts=_shifts([result.taken for result in results if result.taken is not None]),
        meetings=tuple(sorted(meetings, key=_largest_first)),
        open=tuple(_open(result) for result in results if result.outcome is Outcome.UNRESOLVED),
        fingerprint=_fingerprint(results),
    )


def size_of(way_out: WayOut) -> tuple[float, str]:
    """Measure a way out: s for a shift in time, m for one in height or sideways; never negative."""
    if way_out.kind is WayOutKind.TIME:
        return abs(way_out.shift_s), "s"
    if way_out.kind is WayOutKind.HEIGHT:
        return abs(way_out.shift_up_m), "m"
    return (way_out.shift_east_m**2 + way_out.shift_north_m**2) ** 0.5, "m"


def _shifts(taken: Sequence[WayOut]) -> dict[str, Shifts]:
    found = {}
    for kind in WayOutKind:
        sizes = [size_of(way_out) for way_out in taken if way_out.kind is kind]
        if sizes:
            lengths = [length for length, _ in sizes]
            median = round(statistics.median(lengths), 1)
            found[kind.value] = Shifts(len(lengths), median, round(max(lengths), 1), sizes[0][1])
    return found


def _meeting(result: Filed, conflict: Conflict) -> Meeting:
    return Meeting(
        plan=result.filing.callsign,
        party_id=result.filing.party_id,
        with_party_id=conflict.party_id,
        with_plan_id=conflict.plan_id,
        place=conflict.place,
        start=conflict.start,
        end=conflict.end,
        lower_m=conflict.lower_m,
        upper_m=conflict.upper_m,
        datum=conflict.datum.value,
        horizontal_depth_m=conflict.horizontal_depth_m,
        vertical_depth_m=conflict.vertical_depth_m,
        time_depth_s=conflict.time_depth_s,
        outcome=result.outcome,
        settled_by="" if result.taken is None else say_way_out(result.taken),
    )


def say_way_out(way_out: WayOut) -> str:
    """Say in a few words where a way out moves a plan."""
    if way_out.kind is WayOutKind.TIME:
        return f"time {way_out.shift_s:+,.0f} s"
    if way_out.kind is WayOutKind.HEIGHT:
        return f"height {way_out.shift_up_m:+,.1f} m"
    bearing_deg = math.degrees(math.atan2(way_out.shift_east_m, way_out.shift_north_m)) % 360
    return f"sideways {size_of(way_out)[0]:,.0f} m towards {bearing_deg:03.0f}°"


def _largest_first(meeting: Meeting) -> tuple[float, datetime, str, str]:
    size = meeting.horizontal_depth_m * meeting.vertical_depth_m * meeting.time_depth_s
    return (-size, meeting.start, meeting.plan, meeting.with_plan_id or "")


def _open(result: Filed) -> Open:
    why = tuple(f"{reason.kind.value}: {reason.why}" for reason in result.none)
    return Open(result.filing.callsign, result.filing.party_id, len(result.conflicts), why)


def _fingerprint(results: Sequence[Filed]) -> str:
    # Shifts and not instants: the day that the demo is moved to changes no fingerprint.
    rows = [
        (result.filing.plan_id, result.outcome.value, len(result.conflicts), _shift_row(result.taken))
        for result in results
    ]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def _shift_row(taken: WayOut | None) -> tuple[float, ...]:
    if taken is None:
        return ()
    shifts = (taken.shift_s, taken.shift_up_m, taken.shift_east_m, taken.shift_north_m)
    # Tenths: below them lies the rounding of one machine's arithmetic against another's.
    return tuple(round(shift, 1) + 0.0 for shift in shifts)
