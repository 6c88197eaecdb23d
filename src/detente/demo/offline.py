"""The demonstration without a download: starts an exchange and has the story played on it, readably."""

from contextlib import ExitStack

from msgspec import Struct
from rich.console import Console
from rich.markup import escape

from detente.demo.day import open_server, sit_down
from detente.demo.home import DemoHome
from detente.demo.people import Enrolment
from detente.demo.server import Server
from detente.demo.sign_in import SignIn
from detente.demo.story import CAST, Scene, play
from detente.parties.model import Role

_COLOURS = {"accepted": "green", "refused": "yellow", "nonconforming": "red", "contingent": "red"}


class StorySummary(Struct, frozen=True):
    """What ``--json`` prints."""

    url: str
    credentials: str
    links: tuple[SignIn, ...]
    scenes: tuple[Scene, ...]


def run_story(
    home: DemoHome, port: int | None, console: Console, stack: ExitStack
) -> tuple[Server, StorySummary]:
    """Start an exchange, enrol the cast, play the story.

    Args:
        home: a folder that this process holds.
        port: where to listen; None: chosen.
        console: told the story.
        stack: what stops the server when it is closed.

    Returns:
        The running server and the summary.
    """
    observer = Enrolment("demo-observers", "Demo observers", role=Role.OBSERVER)
    server, seats, links = open_server(home, port, (*CAST, observer), console, stack)
    console.print("A valley with a fire on its slope, a power line, a road and an accident.\n")
    with ExitStack() as clients:
        desks = {
            one.party_id: clients.enter_context(sit_down(server.url, seats[one.party_id])) for one in CAST
        }
        number = iter(range(1, 1_000))
        scenes = play(desks, lambda scene: tell(console, next(number), scene))
    return server, StorySummary(server.url, str(home.credentials), links, tuple(scenes))


def tell(console: Console, number: int, scene: Scene) -> None:
    """Print one scene."""
    colour = _COLOURS.get(scene.answer, "cyan")
    head = (
        f"{number:2}. [bold]{escape(scene.party)}[/] {escape(scene.act)}: [{colour}]{escape(scene.answer)}[/]"
    )
    console.print(head, highlight=False, soft_wrap=True)
    for line in scene.details:
        console.print(f"      {escape(line)}", style="dim", highlight=False, soft_wrap=True)
