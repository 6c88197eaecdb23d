"""``detente plans``: lists the plans that an account may see, or what was refused; table, JSON or GeoJSON."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from detente.cli.access import exchange_options, open_client
from detente.cli.refused import print_refusals
from detente.cli.words import plain
from detente.errors import BadInput
from detente.formats.plans import plans_to_geojson
from detente.geo.model import Circle, LatLon, Polygon, Shape
from detente.plans.model import PlanState, PlanView, QueryBody
from detente.plans.refusal_model import MAX_PAGE, RefusalQuery

_CIRCLE_NUMBERS = 3
_POLYGON_NUMBERS = 6
_ALL_COLUMNS_WIDTH = 125
"""Terminals narrower than this get fewer columns and shorter times, so that an id stays on one line."""


@click.command("plans")
@exchange_options
@click.option(
    "--area",
    metavar="NUMBERS",
    help="LAT,LON,RADIUS_M: a circle; or three or more LAT,LON pairs, all separated by commas: a polygon.",
)
@click.option("--from", "start", metavar="TIME", help="In force at or after this instant (RFC 3339).")
@click.option("--to", "end", metavar="TIME", help="In force before this instant.")
@click.option("--party", help="Of this party only.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in PlanState]),
    help="Repeatable.  [default: all but ended]",
)
@click.option(
    "--refused", is_flag=True, help="List refused plans instead: what was in the way, what settled it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list as the API gives it.")
@click.option("--geojson", "as_geojson", is_flag=True, help="Print GeoJSON that `detente check` reads.")
def command(
    *,
    url: str,
    token_file: Path | None,
    account: str | None,
    secret_file: Path | None,
    area: str | None,
    start: str | None,
    end: str | None,
    party: str | None,
    states: tuple[str, ...],
    refused: bool,
    as_json: bool,
    as_geojson: bool,
) -> None:
    """List the plans at an exchange that the account may see."""
    if as_json and as_geojson:
        raise click.UsageError("--json and --geojson exclude each other")
    since = None if start is None else _instant(start, "from")
    until = None if end is None else _instant(end, "to")
    if refused:
        if area is not None or states or as_geojson:
            raise click.UsageError("--refused takes --from, --to, --party and --json only")
        asked = RefusalQuery(start=since, end=until, party_id=party, limit=MAX_PAGE)
        with open_client(url, token_file, account, secret_file) as client:
            refusals = list(client.refusals(asked))
        print_refusals(refusals, as_json=as_json)
        return
    query = QueryBody(
        area=None if area is None else read_area(area),
        start=since,
        end=until,
        party_id=party,
        limit=1_000,
    )
    if states:
        query = msgspec.structs.replace(query, states=tuple(PlanState(state) for state in states))
    with open_client(url, token_file, account, secret_file) as client:
        found = list(client.plans(query))
    if as_geojson:
        click.echo(plans_to_geojson(found).decode())
    elif as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _print(found)


def read_area(text: str) -> Shape:
    """Read an area from the command line.

    Args:
        text: ``LAT,LON,RADIUS_M``, or three or more pairs ``LAT,LON``, in degrees and metres.

    Returns:
        A circle or a polygon.

    Raises:
        BadInput: if it is neither.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == _CIRCLE_NUMBERS:
        return Circle(center=LatLon(numbers[0], numbers[1]), radius_m=numbers[2])
    if len(numbers) >= _POLYGON_NUMBERS and len(numbers) % 2 == 0:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return Polygon(vertices=tuple(LatLon(lat, lon) for lat, lon in pairs))
    raise BadInput(
        f"{text!r} is no area",
        field="area",
        expected="LAT,LON,RADIUS_M, or three or more pairs LAT,LON",
        actual=text[:100],
    )


def _instant(text: str, field: str) -> datetime:
    try:
        instant = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise BadInput(
            f"{text!r} is no instant",
            field=field,
            expected="RFC 3339 with a zone, such as 2026-07-01T10:00:00Z",
            actual=text[:100],
        )
    return instant


def _print(plans: Sequence[PlanView]) -> None:
    console = Console()
    table = _wide_table(plans) if console.width >= _ALL_COLUMNS_WIDTH else _narrow_table(plans)
    console.print(table)
    console.print(f"{len(plans)} plans")


def _wide_table(plans: Sequence[PlanView]) -> Table:
    table = Table()
    table.add_column("plan", no_wrap=True)
    for column in ("party", "state", "start (UTC)", "end (UTC)"):
        table.add_column(column, overflow="fold")
    for column in ("priority", "volumes"):
        table.add_column(column, justify="right")
    table.add_column("title", overflow="fold")
    for plan in plans:
        table.add_row(
            plan.plan_id,
            _party(plan),
            plan.state.value,
            f"{plan.start:%Y-%m-%d %H:%M:%S}",
            f"{plan.end:%Y-%m-%d %H:%M:%S}",
            str(plan.priority),
            "-" if plan.volumes is None else str(len(plan.volumes)),
            plain(plan.title or ""),
        )
    return table


def _narrow_table(plans: Sequence[PlanView]) -> Table:
    """The id is what one copies from here: in 80 columns it stays whole, and the rest gives way."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for column in ("plan", "state", "start (UTC)", "end (UTC)"):
        table.add_column(column, no_wrap=True)
    table.add_column("party", overflow="fold")
    for plan in plans:
        start, end = f"{plan.start:%m-%d %H:%M}", f"{plan.end:%m-%d %H:%M}"
        table.add_row(plan.plan_id, plan.state.value, start, end, _party(plan))
    return table


def _party(plan: PlanView) -> str:
    return plain(plan.party_id) + (" (you)" if plan.is_mine else "")
