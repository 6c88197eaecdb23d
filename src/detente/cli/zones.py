"""``detente zones``: publishes the zones of a file, lists zones, writes them to a file."""

import time
from collections import Counter
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from detente.cli.access import exchange_options, open_client
from detente.cli.check import printable
from detente.cli.plans import read_area
from detente.cli.words import plain
from detente.cli.zones_filing import WRITTEN, Edition, Filed, file_zones, gone_from, standing_zones
from detente.errors import BadInput, DetenteError
from detente.formats.zone_files import read_zones
from detente.formats.zone_reading import MAX_FILE_BYTES
from detente.formats.zones_ed318_out import write_ed318
from detente.zones.model import MAX_PAGE, ZoneQuery, ZoneView
from detente.zones.model import plain as one_text

DONE, INCOMPLETE, UNREADABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: every zone stands; some were missed or refused; file unreadable or no answer; Ctrl-C."""
_ORDER = ("published", "changed", "stands", "withdrawn", "over", "refused", "missed")


@click.group("zones")
def command() -> None:
    """Publish, list and export zones."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@exchange_options
@click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--source", help="What the file is an edition of.  [default: the file's name]")
@click.option("--keep", "is_partial", is_flag=True, help="Withdraw nothing that the file does not hold.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what became of each zone.")
@click.pass_context
def import_(
    ctx: click.Context,
    *,
    file: Path,
    url: str,
    token_file: Path | None,
    account: str | None,
    secret_file: Path | None,
    is_dry: bool,
    source: str | None,
    is_partial: bool,
    as_json: bool,
) -> None:
    """Publish the zones of an ED-269, ED-318, OpenAir, GeoJSON or KML FILE for the account's party.

    A zone that is over is passed over. One is known again by its country and identifier: importing the same
    file again changes nothing; a new edition changes what is otherwise, and withdraws what was imported from
    the same source and is gone.

    Exit code: 0 every zone stands, 1 some were missed or refused, 2 file unreadable or no answer, 130
    interrupted.
    """
    done: list[Filed] = []
    code = DONE
    try:
        read = read_zones(file.name, _content_of(file))
        for note in read.notes if not as_json else ():
            click.echo(f"{file.name}: {printable(note)}", err=True)
        with open_client(url, token_file, account, secret_file) as client:
            standing = standing_zones(client, client.whoami().party_id)
            edition = Edition(source or file.name, read, standing, is_partial, time.time_ns() // 1_000_000)
            total = len(read.zones) + len(read.misses) + len(list(gone_from(edition)))
            with Progress(console=Console(stderr=True), transient=True) as bar:
                filing = file_zones(client, edition, is_dry=is_dry)
                done.extend(bar.track(filing, total=total, description="publishing"))
    except DetenteError as refused:
        click.echo(f"detente: {printable(refused.detail)}", err=True)
        code = UNREADABLE
    except KeyboardInterrupt:
        click.echo("detente: interrupted; import the same file again to go on", err=True)
        code = INTERRUPTED
    _print_filed(done, is_dry=is_dry, as_json=as_json)
    if code == DONE and any(one.outcome in {"refused", "missed"} for one in done):
        code = INCOMPLETE
    ctx.exit(code)


def _content_of(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"{file} is over {MAX_FILE_BYTES >> 20} MiB", field="file", actual=str(file))
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}", field="file") from error


def _print_filed(done: list[Filed], *, is_dry: bool, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
        return
    for one in done:
        where = "" if one.line is None else f"line {one.line}: "
        if one.outcome in {"refused", "missed"}:
            click.echo(f"{where}{printable(one.identifier) or '-'}: {one.outcome}: {printable(one.detail)}")
    counts = Counter(one.outcome for one in done)
    told = ", ".join(f"{counts[name]} {name}" for name in _ORDER if counts[name]) or "no zones"
    would = "would be: " if is_dry and WRITTEN & counts.keys() else ""
    click.echo(f"{len(done)} zones: {would}{told}")


@command.command("list")
@exchange_options
@click.option("--area", metavar="NUMBERS", help="LAT,LON,RADIUS_M, or three or more pairs LAT,LON.")
@click.option("--party", help="Of this party only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list as the API gives it.")
def list_(
    *,
    url: str,
    token_file: Path | None,
    account: str | None,
    secret_file: Path | None,
    area: str | None,
    party: str | None,
    as_json: bool,
) -> None:
    """List the zones at an exchange."""
    query = ZoneQuery(area=None if area is None else read_area(area), party_id=party, limit=MAX_PAGE)
    with open_client(url, token_file, account, secret_file) as client:
        found = list(client.zones(query))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    table = Table()
    for column in ("zone", "name", "rule", "party", "from (UTC)", "to (UTC)", "version", "id"):
        table.add_column(column, overflow="fold")
    for view in found:
        table.add_row(*_row(view))
    console = Console()
    console.print(table)
    console.print(f"{len(found)} zones")


def _row(view: ZoneView) -> tuple[str, ...]:
    zone = view.zone
    return (
        "-" if zone is None else plain(zone.identifier),
        "-" if zone is None else plain(one_text(zone.name) or ""),
        "-" if zone is None else zone.restriction.value,
        plain(view.party_id),
        "-" if view.start is None else f"{view.start:%Y-%m-%d %H:%M}",
        "-" if view.end is None else f"{view.end:%Y-%m-%d %H:%M}",
        str(view.version),
        view.zone_id,
    )


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@exchange_options
@click.option("--format", "form", type=click.Choice(["ed318"]), default="ed318", show_default=True)
@click.option("--party", help="The zones of this party.  [default: the account's]")
def export(
    *,
    file: Path,
    url: str,
    token_file: Path | None,
    account: str | None,
    secret_file: Path | None,
    form: str,
    party: str | None,
) -> None:
    """Write the zones of a party to a FILE as ED-318."""
    del form  # there is one
    with open_client(url, token_file, account, secret_file) as client:
        query = ZoneQuery(party_id=party or client.whoami().party_id, limit=MAX_PAGE)
        found = [view.zone for view in client.zones(query) if view.zone is not None]
    found.sort(key=lambda zone: (zone.country or "", zone.identifier))
    try:
        file.write_bytes(write_ed318(found))
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}", field="file") from error
    click.echo(f"{len(found)} zones written to {file}")
