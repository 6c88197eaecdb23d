"""``detente declare``: declares the plans of files at an exchange, and says of each what became of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from detente.cli.access import exchange_options, open_client
from detente.cli.check import printable
from detente.cli.filing import Declared, ToDeclare, file_plan, plans_of
from detente.cli.words import conflict_texts, plain, shift_text, ways_out_text
from detente.client import Client
from detente.errors import DetenteError
from detente.formats.faults import FaultyFile
from detente.formats.plans import read_plans

ACCEPTED, REFUSED, UNREADABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all plans stand; some do not; files unreadable or no answer; Ctrl-C."""
_COUNTED = {
    "accepted": "accepted",
    "moved": "moved",
    "changed": "changed",
    "stands": "stands already",
    "refused": "refused",
}


@click.command("declare")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@exchange_options
@click.option("--take-way-out", is_flag=True, help="Move a plan that is refused by the smallest way out.")
@click.option("--update", is_flag=True, help="Change a plan that stands otherwise than the files have it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    files: tuple[Path, ...],
    url: str,
    token_file: Path | None,
    account: str | None,
    secret_file: Path | None,
    take_way_out: bool,
    update: bool,
    as_json: bool,
) -> None:
    """Declare the plans of GeoJSON or KML FILES for the account's party.

    Plans of other parties in the files are passed over. An id that is no UUID becomes one that is made from
    the party and the id, so that declaring the same file again is harmless: a plan that stands as the file
    has it, or moved from there by a way out, is told as standing already. One that stands otherwise is
    refused, or with --update changed.

    Exit code: 0 all stand, 1 some refused, 2 files unreadable or no answer, 130 interrupted.
    """
    done: list[Declared] = []
    plans: list[ToDeclare] = []
    try:
        found = [plan for file in files for plan in read_plans(file)]
        with open_client(url, token_file, account, secret_file) as client:
            party = client.whoami().party_id
            plans = plans_of(found, party)
            if others := {(plan.party, plan.id) for plan in found if plan.party != party}:
                click.echo(f"passed over: {len(others)} plans of other parties than {party}", err=True)
            _declare_all(client, plans, done, take_way_out=take_way_out, update=update)
    except FaultyFile as faulty:
        for fault in faulty.faults:
            click.echo(f"{fault.file}: {fault.sentence()}", err=True)
        ctx.exit(UNREADABLE)
    except DetenteError as refused:
        _print(done, as_json=as_json)
        click.echo(f"detente: {printable(refused.detail)}", err=True)
        ctx.exit(UNREADABLE)
    except KeyboardInterrupt:
        _print(done, as_json=as_json)
        click.echo(f"detente: {_interruption(plans, done)}", err=True)
        ctx.exit(INTERRUPTED)
    _print(done, as_json=as_json)
    ctx.exit(REFUSED if any(one.outcome == "refused" for one in done) else ACCEPTED)


def _declare_all(
    client: Client, plans: Sequence[ToDeclare], done: list[Declared], *, take_way_out: bool, update: bool
) -> None:
    """Declare one after another; whatever ends this, those that are done are in the list and are shown."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        done.extend(
            file_plan(client, plan, take_way_out=take_way_out, update=update)
            for plan in bar.track(plans, description="declaring")
        )


def _interruption(plans: Sequence[ToDeclare], done: Sequence[Declared]) -> str:
    if len(done) >= len(plans):
        return "interrupted"
    return (
        f"interrupted: {len(plans) - len(done)} of {len(plans)} plans are not in the table, and the first of "
        f"them, {printable(plans[len(done)].name)}, may stand or not; declare the same files again to go on"
    )


def _print(done: Sequence[Declared], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
        return
    if not done:
        return
    console = Console()
    table = Table(title="Declared", title_justify="left")
    for column in ("plan", "outcome", "with whom", "where", "when (UTC)", "how deep"):
        table.add_column(column, overflow="fold")
    for one in done:
        for row in _rows(one):
            table.add_row(*row)
    console.print(table)
    for one in done:
        if one.outcome == "refused" and one.ways_out is not None:
            console.print(f"{plain(one.id)}: {plain(ways_out_text(one.ways_out))}")
    counts = {kind: sum(one.outcome == kind for one in done) for kind in _COUNTED}
    console.print(", ".join(f"{count} {_COUNTED[kind]}" for kind, count in counts.items() if count))


def _rows(one: Declared) -> Iterator[tuple[str, ...]]:
    colour = {"refused": "red", "moved": "yellow"}.get(one.outcome, "green")
    outcome = f"[{colour}]{_COUNTED[one.outcome]}[/]"
    if one.taken is not None:
        outcome += f"{', [yellow]moved[/]' if one.outcome == 'stands' else ''} {shift_text(one.taken)}"
    if not one.conflicts:
        yield plain(one.id), outcome, plain(one.detail or ""), "", "", ""
    for number, conflict in enumerate(one.conflicts):
        first = (plain(one.id), outcome) if number == 0 else ("", "")
        yield (*first, *(plain(text) for text in conflict_texts(conflict)))
