"""``detente console``: links that sign people in, and their passkeys, on the exchange's own database.

Works as ``detente party`` does: whoever can open the database is the host, and may let somebody in.
"""

from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from detente.cli.init import local_act, on_database, opened
from detente.console.passkey_model import PasskeyRow
from detente.console.passkeys import Passkeys
from detente.console.session_rules import LINK_S, MAX_LINK_S, instant, link_url
from detente.console.sessions import ConsoleSessions
from detente.errors import NotFound
from detente.parties.model import Account
from detente.settings import load_settings

_MINUTE_S = 60


@click.group("console")
def command() -> None:
    """Signing in at the console."""


@command.command("link")
@on_database
@click.argument("party_id", metavar="PARTY")
@click.option("--account", "account_id", metavar="ID", help="The account that the link signs in, by its id.")
@click.option("--name", help="The same, by its name in the party.")
@click.option(
    "--minutes",
    type=click.IntRange(1, MAX_LINK_S // _MINUTE_S),
    default=LINK_S // _MINUTE_S,
    show_default=True,
    help="How long the link may be used.",
)
@click.option(
    "--url",
    "public_url",
    metavar="URL",
    help="Where browsers reach the exchange.  [default: as serve has it]",
)
def link(
    *,
    data: Path | None,
    url: str | None,
    party_id: str,
    account_id: str | None,
    name: str | None,
    minutes: int,
    public_url: str | None,
) -> None:
    """Make a link that signs an account of PARTY in at the console, once, and print it."""
    if (account_id is None) == (name is None):
        raise click.UsageError("Name the account, with either --account or --name")
    base = load_settings({"public_url": public_url}).url()
    with opened(data, url) as (runner, pool, service):
        account = _chosen(runner.run(service.list_accounts(party_id)), party_id, account_id, name)
        act = local_act(account_id=account.account_id, minutes=minutes)
        made = runner.run(
            ConsoleSessions(pool).make_link(account.account_id, act, good_s=minutes * _MINUTE_S)
        )
    click.echo(link_url(base, made.code))
    click.echo(
        f"Signs in {account.name!r} of {party_id} ({account.role.value}), once, until "
        f"{made.expires:%Y-%m-%d %H:%M} UTC. Whoever has the link can use it.",
        err=True,
    )


@command.command("passkeys")
@on_database
@click.argument("party_id", metavar="PARTY")
@click.option("--remove", metavar="ID", help="Remove this passkey, such as a lost one; its sessions end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def passkeys(*, data: Path | None, url: str | None, party_id: str, remove: str | None, as_json: bool) -> None:
    """List the passkeys of PARTY's people, or remove one."""
    base = load_settings({}).url()
    with opened(data, url) as (runner, pool, service):
        runner.run(service.find_party(party_id))
        verbs = Passkeys(pool, base)
        if remove is not None:
            ended = runner.run(verbs.remove_as_host(remove, party_id, local_act(passkey_id=remove)))
            click.echo(f"{remove}  removed, {ended} sessions ended")
            return
        found = runner.run(verbs.list_of(party_id))
    if as_json:
        click.echo(msgspec.json.encode([_shown(one) for one in found]).decode())
        return
    for one in found:
        shown = _shown(one)
        suspected = f"  its counter went back {shown['suspected']}" if shown["suspected"] else ""
        used = shown["used"] or "never"
        click.echo(f"{one.passkey_id}  {one.account_name}  {one.name}  used {used}{suspected}")


def _shown(one: PasskeyRow) -> dict[str, str | None]:
    """A passkey without its key, with times as text."""
    times = {"made": one.made_ms, "used": one.used_ms, "suspected": one.suspected_ms}
    return {
        "passkey_id": one.passkey_id,
        "account_id": one.account_id,
        "account_name": one.account_name,
        "name": one.name,
        **{name: None if ms is None else f"{instant(ms):%Y-%m-%dT%H:%M:%SZ}" for name, ms in times.items()},
    }


def _chosen(accounts: Iterable[Account], party_id: str, account_id: str | None, name: str | None) -> Account:
    for account in accounts:
        if account_id in (None, account.account_id) and name in (None, account.name):
            return account
    raise NotFound(
        f"The party {party_id!r} has no such account; see `detente party list --accounts {party_id}`",
        account=account_id,
        name=name,
    )
