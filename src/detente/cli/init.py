"""``detente init``: makes a new exchange: its database, name, first administrator and first key."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import click
import msgspec

from detente.cli.place import Folder, folder_for_exchange, folder_of_exchange
from detente.errors import BadInput
from detente.parties.model import (
    EXCHANGE_PARTY,
    LOCAL_ACCOUNT,
    AccountBody,
    AccountSecret,
    Act,
    PartyBody,
    Role,
)
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.store import (
    EmbeddedPostgres,
    Pool,
    checked_url,
    default_data_dir,
    migrate,
    open_pool,
    running_dsn,
)

_Body = TypeVar("_Body", PartyBody, AccountBody)
# Commands on the database sign no token, so who would issue it does not matter.
_SETTINGS = AccessSettings(issuer="urn:detente:local", audiences=("urn:detente:local",))


@contextmanager
def database(data: Path | None, url: str | None, *, may_create: bool = False) -> Iterator[str]:
    """Give the URL of the exchange's database: the one given, the one that runs, or one started for now.

    Args:
        data: the data folder; None: the default one.
        url: a given database's URL; goes before the folder.
        may_create: whether a folder without a database gets one.

    Yields:
        The URL. A server started here ends with the block; one that ran goes on.

    Raises:
        BadInput: if the URL is none.
        StoreRefused: if the folder cannot be used.
    """
    folder = default_data_dir() if data is None else data
    found = checked_url(url) if url else (running_dsn(folder) if folder.exists() else None)
    if found is not None:
        yield found
        return
    if may_create:
        folder_for_exchange(data)
    else:
        folder_of_exchange(data)
    with EmbeddedPostgres.start(folder) as server:
        yield server.dsn


@contextmanager
def opened(
    data: Path | None, url: str | None, *, is_new: bool = False
) -> Iterator[tuple[asyncio.Runner, Pool, PartiesService]]:
    """Open an exchange's database, with a loop to run verbs in.

    Args:
        data: as ``database``.
        url: as ``database``.
        is_new: the exchange is about to be made; else there must be one.

    Yields:
        The runner, the database, and the verbs of access on it.

    Raises:
        StoreRefused: if the schema is newer than this program, or there is no exchange.
        StoreUnavailable: if the database does not answer.
    """
    with database(data, url, may_create=is_new) as dsn, asyncio.Runner() as runner:
        runner.run(migrate(dsn))
        pool = runner.run(open_pool(dsn))
        try:
            service = PartiesService(pool, _SETTINGS, clock_ms=now_ms)
            if not is_new:
                runner.run(service.name())
            yield runner, pool, service
        finally:
            runner.run(pool.close())


@contextmanager
def services(
    data: Path | None, url: str | None, *, is_new: bool = False
) -> Iterator[tuple[asyncio.Runner, PartiesService]]:
    """Open the verbs of access alone; see ``opened``."""
    with opened(data, url, is_new=is_new) as (runner, _pool, service):
        yield runner, service


def on_database(function: Callable[..., None]) -> Callable[..., None]:
    """Add the two options that say where the database is."""
    function = click.option(
        "--data",
        type=Folder(),
        envvar="DETENTE_DATA",
        help="The data folder.",
    )(function)
    return click.option(
        "--database",
        "url",
        metavar="URL",
        envvar="DETENTE_DATABASE",
        help="A given PostgreSQL database.",
    )(function)


def now_ms() -> int:
    """The present, in ms since 1970."""
    return time.time_ns() // 1_000_000


def local_act(**content: object) -> Act:
    """State an act as done by whoever can open the database; no token is behind it.

    Args:
        **content: what was asked for.

    Returns:
        The act, now.
    """
    return Act(
        party_id=EXCHANGE_PARTY,
        account_id=LOCAL_ACCOUNT,
        token_sha256=None,
        at_ms=now_ms(),
        content=msgspec.json.encode(content),
    )


def checked(kind: type[_Body], /, **members: object) -> _Body:
    """Hold the command line's words to the same limits as a request's members.

    Args:
        kind: what they make up.
        **members: its members.

    Returns:
        The struct.

    Raises:
        BadInput: if a member is over its limits.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(members), kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"This cannot be used: {error}", field="") from error


class SecretFile:
    """A new file for a secret, readable by its owner only; made before there is a secret to lose.

    Args:
        path: where; None: the secret is printed instead.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise BadInput(
                    f"The secret file {self._path} cannot be made: {error.strerror}",
                    field="secret-file",
                    expected="a path at which there is no file yet",
                ) from error
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        if error is not None and self._path is not None and self._handle >= 0:
            self._path.unlink(missing_ok=True)

    def show(self, answer: AccountSecret) -> None:
        """Write the client id and secret into the file, or print them with a warning."""
        client = {"client_id": answer.account.account_id, "client_secret": answer.secret}
        if self._path is not None:
            os.write(self._handle, msgspec.json.encode(client) + b"\n")
            os.fsync(self._handle)
            click.echo(f"client id      {answer.account.account_id}")
            click.echo(f"client secret  in {self._path}")
            return
        click.echo(f"client id      {answer.account.account_id}")
        if answer.secret is not None:
            click.echo(f"client secret  {answer.secret}")
            click.echo("Keep the secret now: it is not shown again and not stored.", err=True)


@click.command("init")
@click.option(
    "--data",
    type=Folder(),
    envvar="DETENTE_DATA",
    help="The data folder.",
)
@click.option(
    "--database",
    "url",
    metavar="URL",
    envvar="DETENTE_DATABASE",
    help="A given PostgreSQL database, instead of a folder.",
)
@click.option("--name", default="Détente exchange", show_default=True, help="The exchange's name.")
@click.option(
    "--administrator", default="administrator", show_default=True, help="The first administrator's name."
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the secret into this new file (mode 0600) instead of printing it.",
)
def command(
    data: Path | None, url: str | None, name: str, administrator: str, secret_file: Path | None
) -> None:
    """Make a new exchange and its first administrator; refused where there is one already."""
    checked(PartyBody, name=name)
    checked(AccountBody, name=administrator, role=Role.ADMINISTRATOR)
    with SecretFile(secret_file) as file, services(data, url, is_new=True) as (runner, service):
        answer = runner.run(service.begin(name, administrator, local_act(name=name)))
        click.echo(
            f"{name} is ready. Its first administrator is {administrator!r} of the party {EXCHANGE_PARTY!r}:"
        )
        file.show(answer)
