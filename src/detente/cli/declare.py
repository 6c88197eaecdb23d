"""``detente declare``: declares the plans of files at an exchange, and says of each what became of it."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import click
import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from detente.cli.check import printable
from detente.client import Client, ConflictsFound
from detente.errors import BadInput, DetenteError, NotAuthenticated, Unavailable
from detente.formats.faults import FaultyFile
from detente.formats.plans import FilePlan, read_plans
from detente.plans.model import Conflict, PlanBody, PlanVolume, WayOut, WaysOut

ACCEPTED, REFUSED, UNREADABLE = 0, 1, 2
"""Exit codes: all plans stand; some do not; nothing could be read, or the exchange does not answer."""
_MAX_SECRET_BYTES = 16_384


class ToDeclare(Struct, frozen=True):
    """One plan of the files: its name there, the UUID it is declared under, its content."""

    name: str
    plan_id: str
    body: PlanBody


class Declared(Struct, frozen=True):
    """What became of one plan."""

    id: str
    plan_id: str
    outcome: Literal["accepted", "moved", "refused"]
    conflicts: tuple[Conflict, ...] = ()
    """What was in the way when it was last refused."""
    ways_out: WaysOut | None = None
    taken: WayOut | None = None
    """The way out by which it stands."""
    problem: str | None = None
    """The slug of the problem."""
    detail: str | None = None


def account_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which exchange and which account; secrets come from files only."""
    for option in (
        click.option(
            "--secret-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The file that `--secret-file` of init or party key wrote, or one with a bare secret.",
        ),
        click.option("--account", help="The client id, where the secret file does not say it."),
        click.option("--url", required=True, help="The exchange, such as http://127.0.0.1:8440."),
    ):
        function = option(function)
    return function


def exchange_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which exchange and who asks: by an account's secret, or by a token."""
    token = click.option(
        "--token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file with an access token, instead of a secret.",
    )
    return account_options(token(function))


def open_client(url: str, token_file: Path | None, account: str | None, secret_file: Path | None) -> Client:
    """Make a client from the options.

    Raises:
        BadInput: if a file cannot be read, or says too little.
        click.UsageError: unless exactly one of the files is named.
    """
    if token_file is not None and secret_file is None:
        return Client(url, token=_secret_text(token_file, "token-file"))
    if secret_file is None or token_file is not None:
        raise click.UsageError("Name --token-file, or --secret-file")
    account_id, secret = read_secret(account, secret_file)
    return Client(url, account_id=account_id, secret=secret)


def read_secret(account: str | None, secret_file: Path) -> tuple[str, str]:
    """Read an account and its secret out of a file, so that no process list shows the secret.

    Args:
        account: the account, if the file does not say it, or says another.
        secret_file: JSON with ``client_id`` and ``client_secret``, or the bare secret.

    Returns:
        The account and its secret.

    Raises:
        BadInput: if the file cannot be read, or says too little.
    """
    text = _secret_text(secret_file, "secret-file")
    if text.startswith("{"):
        try:
            kept = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise BadInput("The secret file cannot be read", field="secret-file", expected="JSON") from error
        account, text = account or kept.get("client_id"), kept.get("client_secret", "")
    if not account or not text:
        raise BadInput(
            "The secret file does not say the account",
            field="secret-file",
            expected="client_id and client_secret, or --account beside a bare secret",
        )
    return account, text


def _secret_text(path: Path, field: str) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_SECRET_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a secret", field=field, expected="ASCII text") from error
    if not text:
        raise BadInput(f"{path} is empty", field=field, expected="a secret or a token")
    return text


@click.command("declare")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@exchange_options
@click.option("--take-way-out", is_flag=True, help="Move a plan that is refused by the smallest way out.")
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
    as_json: bool,
) -> None:
    """Declare the plans of GeoJSON or KML FILES for the account's party.

    Plans of other parties in the files are passed over. An id that is no UUID becomes one that is made from
    the party and the id, so that declaring the same file again is harmless.

    Exit code: 0 all accepted, 1 some refused, 2 files unreadable or no answer.
    """
    done: list[Declared] = []
    try:
        found = [plan for file in files for plan in read_plans(file)]
        with open_client(url, token_file, account, secret_file) as client:
            party = client.whoami().party_id
            plans = plans_of(found, party)
            if others := {(plan.party, plan.id) for plan in found if plan.party != party}:
                click.echo(f"passed over: {len(others)} plans of other parties than {party}", err=True)
            progress = track(plans, "declaring", console=Console(stderr=True), transient=True)
            # When one raises, those before it stay in the list and are shown.
            done.extend(declare(client, plan, take_way_out=take_way_out) for plan in progress)
    except FaultyFile as faulty:
        for fault in faulty.faults:
            click.echo(f"{fault.file}: {fault.sentence()}", err=True)
        ctx.exit(UNREADABLE)
    except DetenteError as refused:
        _print(done, as_json=as_json)
        click.echo(f"detente: {printable(refused.detail)}", err=True)
        ctx.exit(UNREADABLE)
    _print(done, as_json=as_json)
    ctx.exit(REFUSED if any(one.outcome == "refused" for one in done) else ACCEPTED)


def plans_of(plans: Iterable[FilePlan], party: str) -> list[ToDeclare]:
    """One party's plans, in the order of the files; an id that stands in several files is one plan.

    Args:
        plans: what was read.
        party: whose plans are taken.

    Returns:
        The plans.

    Raises:
        BadInput: if there is none.
    """
    volumes: dict[str, tuple[PlanVolume, ...]] = {}
    others: dict[str, None] = {}
    for plan in plans:
        if plan.party == party:
            volumes[plan.id] = volumes.get(plan.id, ()) + plan.body.volumes
        else:
            others[plan.party] = None
    if not volumes:
        raise BadInput(
            f"the files hold no plan of {party}, the party of this account",
            field="party",
            expected=party,
            actual=", ".join(list(others)[:10]),
        )
    return [ToDeclare(name, plan_id_of(party, name), PlanBody(found)) for name, found in volumes.items()]


def plan_id_of(party: str, name: str) -> str:
    """The UUID of a plan that a file calls by some name; a UUID stays what it is.

    Source: RFC 9562, section 5.5 (name-based UUID), in the URL namespace.
    """
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:detente:plan:{party}:{name}"))


def declare(client: Client, plan: ToDeclare, *, take_way_out: bool) -> Declared:
    """Declare one plan.

    Args:
        client: speaks for the plan's party.
        plan: what to declare.
        take_way_out: whether a refused plan is declared again, moved by the smallest offer that still stands.

    Returns:
        What became of it.

    Raises:
        Unavailable, NotAuthenticated: if the rest need not be tried either.
    """
    said = Declared(plan.name, plan.plan_id, "refused")
    try:
        client.declare(plan.plan_id, plan.body)
    except ConflictsFound as found:
        said = replace(
            said, conflicts=found.conflicts, ways_out=found.ways_out, problem=found.slug, detail=found.detail
        )
        return _move(client, plan, said) if take_way_out else said
    except (Unavailable, NotAuthenticated):
        raise
    except DetenteError as refused:
        return replace(said, problem=refused.slug, detail=refused.detail)
    return replace(said, outcome="accepted")


def _move(client: Client, plan: ToDeclare, said: Declared) -> Declared:
    for way in () if said.ways_out is None else said.ways_out.offers:
        try:
            client.declare(plan.plan_id, replace(plan.body, volumes=way.volumes), ways_out=False)
        except ConflictsFound:
            continue  # somebody else took the place since it was offered
        return replace(said, outcome="moved", taken=way)
    return said


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
    counts = {kind: sum(one.outcome == kind for one in done) for kind in ("accepted", "moved", "refused")}
    console.print(", ".join(f"{count} {kind}" for kind, count in counts.items() if count))


def _rows(one: Declared) -> Iterator[tuple[str, ...]]:
    outcome = {"accepted": "[green]accepted[/]", "refused": "[red]refused[/]"}.get(one.outcome, "")
    if one.taken is not None:
        outcome = f"[yellow]moved[/] {shift_text(one.taken)}"
    if not one.conflicts:
        yield plain(one.id), outcome, plain(one.detail or ""), "", "", ""
    for number, conflict in enumerate(one.conflicts):
        first = (plain(one.id), outcome) if number == 0 else ("", "")
        yield (*first, *(plain(text) for text in conflict_texts(conflict)))


def plain(text: str) -> str:
    """Make text of a file or of another party safe to print: it neither steers the terminal nor marks up."""
    return escape(printable(text))


def conflict_texts(conflict: Conflict) -> tuple[str, str, str, str]:
    """Say whom, where, when and how deep, each in a few words."""
    whom = conflict.party_id + (f" {conflict.plan_id[:8]}" if conflict.plan_id else "")
    if conflict.rule == "separation":
        whom += " (separation)"
    where = (
        f"{conflict.place.lat_deg:.4f} {conflict.place.lon_deg:.4f}, "
        f"{conflict.lower_m:.0f} to {conflict.upper_m:.0f} m {conflict.datum.value}"
    )
    when = f"{conflict.start:%Y-%m-%d %H:%M:%S} to {conflict.end:%H:%M:%S}"
    depth = (
        f"{conflict.horizontal_depth_m:.0f} m across, {conflict.vertical_depth_m:.0f} m high, "
        f"{conflict.time_depth_s:.0f} s"
    )
    return whom, where, when, depth


def shift_text(way: WayOut) -> str:
    """Say a shift in a few words, such as ``120 s later``."""
    parts: list[tuple[float, str, str, str]] = [
        (way.shift_s, "s", "later", "earlier"),
        (way.shift_up_m, "m", "up", "down"),
        (way.shift_north_m, "m", "north", "south"),
        (way.shift_east_m, "m", "east", "west"),
    ]
    return ", ".join(
        f"{abs(value):.0f} {unit} {more if value > 0 else less}" for value, unit, more, less in parts if value
    )


def ways_out_text(ways: WaysOut) -> str:
    """Say what is offered, smallest first, and what is not, with the reason."""
    offers = "ways out: " + "; ".join(shift_text(way) for way in ways.offers) if ways.offers else "no way out"
    none = "; ".join(f"{one.kind.value}: {one.why}" for one in ways.none)
    return f"{offers} ({none})" if none else offers
