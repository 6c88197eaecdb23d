"""``detente token``: prints an access token, for curl and whatever else speaks HTTP by itself."""

from pathlib import Path

import click

from detente.cli.access import account_options, read_secret
from detente.client import Client
from detente.client.conversation import token_call
from detente.errors import NotAuthenticated


@click.command("token")
@account_options
def command(*, url: str, account: str | None, secret_file: Path | None) -> None:
    """Print an access token of the account; it is good for an hour."""
    if secret_file is None:
        raise click.UsageError("Name --secret-file")
    account_id, secret = read_secret(account, secret_file)
    with Client(url) as client:
        try:
            granted = client.send(token_call(account_id, secret))
        except NotAuthenticated as refused:
            raise NotAuthenticated(
                f"the account {account_id!r} or its secret is not accepted by {url}", **refused.members
            ) from refused
    click.echo(granted.access_token)
