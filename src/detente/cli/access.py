"""Which exchange, and who asks: the options, and the files that hold an account's secret or a token."""

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from detente.client import Client
from detente.errors import BadInput

_MAX_SECRET_BYTES = 16_384


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
    if not text.startswith("{"):
        if not account:
            raise BadInput(
                f"{secret_file} holds a bare secret, which does not say the account",
                field="secret-file",
                expected="--account beside it",
            )
        return account, text
    try:
        kept = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"{secret_file} begins like JSON but is none: {error}",
            field="secret-file",
            expected="an object with client_id and client_secret",
        ) from error
    return account or _member(kept, "client_id", secret_file), _member(kept, "client_secret", secret_file)


def _member(kept: dict[str, object], name: str, secret_file: Path) -> str:
    found = kept.get(name)
    if isinstance(found, str) and found:
        return found
    # What stands there instead is not shown: it may be a secret.
    why = "is missing" if name not in kept else "is empty" if found == "" else "is no text"
    raise BadInput(
        f"{secret_file}: its member {name} {why}",
        field="secret-file",
        expected="an object with client_id and client_secret, both text",
    )


def _secret_text(path: Path, field: str) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_SECRET_BYTES).decode("ascii").strip()
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} does not exist", field=field, expected="a file with a secret or a token"
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read as a secret: {error.strerror}", field=field) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} cannot be read as a secret: it is no ASCII text", field=field) from error
    if not text:
        raise BadInput(f"{path} is empty", field=field, expected="a secret or a token")
    return text
