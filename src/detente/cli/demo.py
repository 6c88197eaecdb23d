"""``detente demo``: one real day of traffic between two parties, or a small story without a download."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
import msgspec
from rich.console import Console

from detente.cli.place import Folder
from detente.demo.day import run_day
from detente.demo.home import DemoHome, choose_root, stop_command, stop_server
from detente.demo.offline import run_story
from detente.demo.report import print_tally
from detente.demo.server import Server, log_tail
from detente.demo.sign_in import SignIn, print_links
from detente.errors import Unavailable
from detente.web.server import stop_signals


@click.command("demo")
@click.option("--offline", is_flag=True, help="A small story of four parties; nothing is fetched.")
@click.option("--exit", "exits", is_flag=True, help="Stop the server after the table and exit.")
@click.option("--background", is_flag=True, help="Leave the server running and exit; see --stop.")
@click.option("--stop", "stops", is_flag=True, help="Stop the server that an earlier demo left running.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
@click.option(
    "--data",
    type=Folder(),
    help="The demo's folder: new, empty or an earlier demo's, whose exchange is made anew at each start.",
)
@click.option("--port", type=click.IntRange(1, 65_535), help="Where the server listens on this machine.")
def command(
    *,
    offline: bool,
    exits: bool,
    background: bool,
    stops: bool,
    as_json: bool,
    data: Path | None,
    port: int | None,
) -> None:
    """Run an exchange with one real day of traffic, declared by two parties."""
    if exits and background:
        raise click.UsageError("--exit and --background exclude each other")
    home = DemoHome(choose_root(data))
    if stops:
        was_running = stop_server(home)
        click.echo("The demo's server has stopped." if was_running else f"No demo runs in {home.root}.")
        return
    console = Console(stderr=as_json)
    with _interruptible(), ExitStack() as stack:
        stack.callback(home.take().release)
        if offline:
            server, story = run_story(home, port, console, stack)
            summary, links = msgspec.json.encode(story), story.links
        else:
            server, day = run_day(home, port, console, stack)
            print_tally(console, day.tally)
            summary, links = msgspec.json.encode(day), day.links
        if as_json:
            click.echo(msgspec.json.format(summary, indent=2))
        if not exits:
            _stay(server, home, console, links, background=background)


def _stay(
    server: Server, home: DemoHome, console: Console, links: Sequence[SignIn], *, background: bool
) -> None:
    lines = (
        f"The exchange runs at {server.url}; its API is described at {server.url}/docs",
        f"Accounts and secrets (readable by you only): {home.credentials}",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    print_links(console, links)
    if background:
        server.leave()
        console.print(f"Stop it with: {stop_command(home)}", highlight=False, soft_wrap=True)
        return
    try:
        console.print("Press Ctrl-C to stop it.")
        code = server.wait()
    except KeyboardInterrupt:
        console.print("Stopping ...")
        return
    if code != 0:
        raise Unavailable(f"the server ended by itself with code {code}; its log says:\n{log_tail(home)}")
    console.print("The server has been stopped.")


@contextmanager
def _interruptible() -> Iterator[None]:
    # An order to end (from a service manager, `kill`, or a terminal that closes) stops server and database as
    # Ctrl-C does; a second one while they stop changes nothing, so that an impatient hand leaves no database
    # behind.
    numbers = stop_signals()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        for later in numbers:
            signal.signal(later, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
