"""A small made day on the real server: accepted, settled, unresolved, and the same at every run."""

import io
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from detente.demo.day import PLANNERS, open_server, sit_down
from detente.demo.filing import LIMITS, Filing, Outcome, file_all, prepare_filings
from detente.demo.flights import Flight, Sample
from detente.demo.home import DemoHome
from detente.demo.report import print_tally
from detente.demo.tally import add_up
from detente.plans.model import WayOutKind

HOUR_MS = 3_600_000
DAY_MS = int(datetime(2018, 8, 1, tzinfo=UTC).timestamp() * 1_000)


def cruise(icao24: str, start_ms: int, *, lat_deg: float = 47.0, height_m: float = 11_000.0) -> Flight:
    """Five minutes eastwards, in steps of ten seconds."""
    samples = tuple(
        Sample(DAY_MS + start_ms + 10_000 * step, lat_deg, round(7 + 0.03 * step, 6), height_m)
        for step in range(31)
    )
    return Flight(icao24, icao24.upper(), samples)


def block(icao24: str, start_ms: int) -> Flight:
    """Two hours up and down over one place: no shift within the limits gets past it."""
    samples = tuple(
        Sample(
            DAY_MS + start_ms + 600_000 * step, 48.0, 9.0 + 0.001 * (step % 2), 9_000.0 + 4_000 * (step % 2)
        )
        for step in range(13)
    )
    return Flight(icao24, icao24.upper(), samples)


def small_day() -> list[Flight]:
    return [
        block("c0ffee", HOUR_MS),
        cruise("aaaaaa", 6 * HOUR_MS),
        cruise("bbbbbb", 6 * HOUR_MS + 60_000, height_m=11_304.8),
        cruise("cccccc", 6 * HOUR_MS + 60_000),
    ]


def filings() -> list[Filing]:
    crossing = cruise("dddddd", 2 * HOUR_MS, lat_deg=48.0)
    crossing = Flight("dddddd", "DDDDDD", tuple(
        Sample(s.at_ms, s.lat_deg, round(s.lon_deg + 1.6, 6), s.pressure_alt_m) for s in crossing.samples
    ))  # fmt: skip
    day = sorted([*small_day(), crossing], key=lambda flight: flight.departs_ms)
    return prepare_filings(day, [one.party_id for one in PLANNERS], datetime.now(UTC))


def run(folder: Path):
    home = DemoHome(folder)
    with ExitStack() as stack:
        stack.callback(home.take().release)
        console = Console(file=io.StringIO())
        server, seats, _links = open_server(home, None, PLANNERS, console, stack)
        desks = {
            one.party_id: stack.enter_context(sit_down(server.url, seats[one.party_id])) for one in PLANNERS
        }
        told = []
        results = file_all(filings(), desks, told.append)
        assert told == results
        return results


@pytest.mark.slow
def test_a_day_is_accepted_settled_or_unresolved_and_ends_the_same_at_every_run(data_dir: Path):
    results = run(data_dir)
    found = {result.filing.callsign: result for result in results}
    assert {call: result.outcome for call, result in found.items()} == {
        "C0FFEE": Outcome.ACCEPTED,
        "DDDDDD": Outcome.UNRESOLVED,
        "AAAAAA": Outcome.ACCEPTED,
        "BBBBBB": Outcome.ACCEPTED,  # 1,000 ft above: the buffers leave 200 ft between them
        "CCCCCC": Outcome.SETTLED,
    }
    assert {none.kind for none in found["DDDDDD"].none} == set(WayOutKind)
    settled = found["CCCCCC"]
    assert [conflict.party_id for conflict in settled.conflicts] == [found["AAAAAA"].filing.party_id]
    assert abs(settled.taken.shift_s) <= LIMITS.time_s
    assert settled.taken.volumes[0].datum == settled.filing.body.volumes[0].datum

    tally = add_up(results)
    assert (tally.accepted, tally.in_conflict, tally.settled, tally.unresolved) == (3, 2, 1, 1)
    assert tally.conflicts == 2
    assert sum(tally.declared.values()) == len(results)
    screen = io.StringIO()
    print_tally(Console(file=screen, width=120), tally)
    for word in ("CCCCCC", "DDDDDD", "unresolved", "within the limits"):
        assert word in screen.getvalue()

    again = add_up(run(data_dir))
    assert again.fingerprint == tally.fingerprint
    changed = add_up(results[:-1])
    assert changed.fingerprint != tally.fingerprint
