"""``detente token``: prints an access token, for curl and whatever else speaks HTTP by itself."""

from pathlib import Path

import click

from detente.cli.declare import account_options, read_secret
from detente.client import Client
from detente.client.conversation import token_call


@click.command("token")
@account_options
def command(*, url: str, account: str | None, secret_file: Path | None) -> None:
    """Print an access token of the account; it is good for an hour."""
    if secret_file is None:
        raise click.UsageError("Name --secret-file")
    account_id, secret = read_secret(account, secret_file)
    with Client(url) as client:
        click.echo(client.send(token_call(account_id, secret)).access_token)
