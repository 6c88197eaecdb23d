"""``detente party``: parties, accounts and keys, on the exchange's own database.

Works while the server runs and while it does not: the database is reached through the data folder, or
``--database``. Whoever can open it is the host; each act is stated as done by its account ``local``.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from detente.cli.init import SecretFile, checked, local_act, services
from detente.cli.place import Folder
from detente.parties.model import (
    Account,
    AccountBody,
    AccountChange,
    AccountKind,
    ExternalSubject,
    KeyView,
    Party,
    PartyBody,
    Role,
)


def _on_database(function: Callable[..., None]) -> Callable[..., None]:
    """Add the two options that say where the database is."""
    function = click.option(
        "--data",
        type=Folder(),
        envvar="DETENTE_DATA",
        help="The data folder.",
    )(function)
    return click.option(
        "--database", "url", metavar="URL", envvar="DETENTE_DATABASE", help="A given PostgreSQL database."
    )(function)


@click.group("party")
def command() -> None:
    """Parties, accounts and keys."""


@command.command("add")
@_on_database
@click.argument("party_id", metavar="ID")
@click.option("--name", required=True, help="The party's name.")
@click.option("--contact", default="", help="How to reach its duty desk.")
@click.option(
    "--language", "languages", multiple=True, default=("en",), show_default=True, help="Repeatable."
)
@click.option("--priority-limit", type=click.IntRange(0, 100), default=0, show_default=True)
def add(
    *,
    data: Path | None,
    url: str | None,
    party_id: str,
    name: str,
    contact: str,
    languages: tuple[str, ...],
    priority_limit: int,
) -> None:
    """Add a party."""
    body = checked(PartyBody, name=name, contact=contact, languages=languages, priority_limit=priority_limit)
    with services(data, url) as (runner, service):
        added = runner.run(service.add_party(party_id, body, local_act(**msgspec.to_builtins(body))))
    click.echo(f"{added.party_id}  {added.name}")


@command.command("list")
@_on_database
@click.option("--accounts", "party_id", metavar="PARTY", help="List this party's accounts instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, data: Path | None, url: str | None, party_id: str | None, as_json: bool) -> None:
    """List parties, or one party's accounts."""
    with services(data, url) as (runner, service):
        if party_id is None:
            found: Sequence[Party | Account] = runner.run(service.list_parties())
        else:
            found = runner.run(service.list_accounts(party_id))
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for one in found:
        click.echo(_line_of(one))


@command.command("key")
@_on_database
@click.argument("party_id", metavar="PARTY", required=False)
@click.option("--name", help="The account's name, unique in its party.")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="What it is for.")
@click.option("--kind", type=click.Choice([kind.value for kind in AccountKind]), default="service")
@click.option("--issuer", help="Sign in at this foreign issuer; no secret is made.")
@click.option("--subject", help="Whom that issuer's tokens name.")
@click.option(
    "--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="A new file (mode 0600)."
)
@click.option("--renew", metavar="ACCOUNT", help="Replace the secret of this account instead.")
@click.option("--rotate-signing", is_flag=True, help="Replace the key that signs tokens instead.")
@click.option("--at-once", is_flag=True, help="With --rotate-signing, after a leak: every token ends now.")
def key(
    *,
    data: Path | None,
    url: str | None,
    party_id: str | None,
    name: str | None,
    role: str | None,
    kind: str,
    issuer: str | None,
    subject: str | None,
    secret_file: Path | None,
    renew: str | None,
    rotate_signing: bool,
    at_once: bool,
) -> None:
    """Make an account of PARTY and show its secret once; or renew a secret; or rotate the signing key."""
    if rotate_signing:
        _rotate(data, url, at_once=at_once)
        return
    if renew is not None:
        with SecretFile(secret_file) as file, services(data, url) as (runner, service):
            file.show(runner.run(service.new_secret(renew, local_act(account_id=renew))))
        return
    if party_id is None or name is None or role is None:
        raise click.UsageError("Name the PARTY, --name and --role; or use --renew or --rotate-signing")
    if (issuer is None) != (subject is None):
        raise click.UsageError("--issuer and --subject go together")
    outside = None if issuer is None or subject is None else ExternalSubject(issuer, subject)
    body = checked(AccountBody, name=name, role=Role(role), kind=AccountKind(kind), external_subject=outside)
    with SecretFile(secret_file) as file, services(data, url) as (runner, service):
        file.show(runner.run(service.add_account(party_id, body, local_act(**msgspec.to_builtins(body)))))


@command.command("suspend")
@_on_database
@click.argument("party_id", metavar="PARTY")
@click.option("--lift", is_flag=True, help="Let it act again.")
def suspend(*, data: Path | None, url: str | None, party_id: str, lift: bool) -> None:
    """Stop all accounts of a party within a minute, or let them act again."""
    with services(data, url) as (runner, service):
        act = local_act(is_suspended=not lift)
        party = runner.run(service.suspend_party(party_id, act, is_suspended=not lift))
    click.echo(f"{party.party_id}  {_state(party.is_suspended)}")


@command.command("disable")
@_on_database
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--lift", is_flag=True, help="Enable it again.")
def disable(*, data: Path | None, url: str | None, account_id: str, lift: bool) -> None:
    """Stop one account within a minute, or enable it again."""
    change = AccountChange(is_disabled=not lift)
    with services(data, url) as (runner, service):
        act = local_act(is_disabled=not lift)
        account = runner.run(service.change_account(account_id, change, act))
    click.echo(f"{account.account_id}  {account.name}  {_state(account.is_disabled)}")


def _rotate(data: Path | None, url: str | None, *, at_once: bool) -> None:
    with services(data, url) as (runner, service):
        keys = runner.run(service.rotate_signing_key(local_act(at_once=at_once), at_once=at_once))
    for found in keys:
        click.echo(_life_of(found))


def _line_of(one: Party | Account) -> str:
    if isinstance(one, Party):
        return f"{one.party_id}  {one.name}  limit {one.priority_limit}  {_state(one.is_suspended)}"
    return f"{one.account_id}  {one.name}  {one.role.value}  {_state(one.is_disabled)}"


def _life_of(key_view: KeyView) -> str:
    end = "" if key_view.retires is None else f", verifies until {key_view.retires.isoformat()}"
    return f"{key_view.kid}  signs from {key_view.signs_from.isoformat()}{end}"


def _state(is_stopped: bool) -> str:  # noqa: FBT001 - a value to be shown
    return "stopped" if is_stopped else "active"
