"""``detente serve``: runs the exchange on an embedded PostgreSQL, or on a given one."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import click
import structlog
from msgspec.structs import replace

from detente.cli.place import Folder, folder_for_exchange, folder_of_exchange
from detente.errors import StoreRefused
from detente.parties.directory import PartyDirectory
from detente.settings import Settings, load_settings, parse_address
from detente.store import (
    EmbeddedPostgres,
    FolderInUse,
    migrate,
    open_pool,
    running_url,
    when_available,
)
from detente.web.log import LogStyle, configure_logging
from detente.web.server import ServerSettings, serve, stop_signals


@click.command("serve")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file (TOML).")
@click.option("--data", type=Folder(), help="The data folder of the embedded PostgreSQL; see `init`.")
@click.option("--database", metavar="URL", help="A given PostgreSQL; none is started then.")
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Repeatable.  [default: 127.0.0.1:8440]")
@click.option("--public-url", metavar="URL", help="The URL at which clients reach the exchange.")
@click.option(
    "--audience",
    multiple=True,
    metavar="HOST",
    help="Names the exchange goes by in tokens; with commas, or repeated.",
)
@click.option(
    "--trust-key",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="A public key (PEM), or the URL of a key set, of an authority that names the parties; repeatable.",
)
@click.option("--token-url", metavar="URL", help="Where to get tokens for peers.")
@click.option("--token-subject", metavar="PARTY", help="Whom to ask tokens for there.")
@click.option(
    "--allow-http-peers", is_flag=True, default=None, help="Reach peers over plain http: for tests."
)
@click.option("--test-interfaces", is_flag=True, default=None, help="Let a test harness drive this server.")
@click.option("--party", metavar="PARTY", help="The party that this server speaks for among peers.")
@click.option("--node-of", metavar="PARTY", help="Be this party's node; needs --exchange.")
@click.option("--exchange", metavar="URL", help="The exchange that a node declares to.")
@click.option("--workers", type=int, help="Server processes.  [default: 1]")
@click.option("--pool-size", type=int, help="Database connections of each process.  [default: 8]")
@click.option("--terrain", type=click.Path(file_okay=False), help="Folder of terrain heights (SRTM .hgt).")
@click.option("--tiles", type=click.Path(dir_okay=False), help="Map tiles for the console (MBTiles).")
@click.option("--log-format", type=click.Choice(["auto", "json", "console"]))
@click.option("--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False))
def command(config: Path | None, data: Path | None, **options: Any) -> None:  # noqa: ANN401 - the options above, checked by Settings
    """Run the exchange until Ctrl-C or SIGTERM.

    Every option is also a variable DETENTE_... and a member of the settings file.
    """
    settings = load_settings({**options, "data": None if data is None else str(data)}, file=config)
    style: LogStyle = _style(settings)
    configure_logging(style, settings.log_level.lower())
    with _stopping_in_order(), _database(settings) as dsn:
        asyncio.run(when_available(lambda: migrate(dsn)))
        if settings.node_of is not None:
            asyncio.run(_require_party(dsn, settings.node_of))
        try:
            code = serve(
                "detente.app:create",
                listen=[parse_address(address) for address in settings.listen],
                settings=ServerSettings(
                    workers=settings.workers, log_style=style, log_level=settings.log_level.lower()
                ),
                environment=replace(settings, database=dsn).environment(),
                on_ready=lambda: _announce(settings.url(), style),
            )
        finally:
            _ignore_stops()
    sys.exit(code)


async def _require_party(dsn: str, party_id: str) -> None:
    """Refuse to be the node of a party that nobody could act for here.

    Raises:
        StoreRefused: saying how to add it.
    """
    pool = await when_available(lambda: open_pool(dsn, max_size=1))
    try:
        is_there = await PartyDirectory(pool, clock_ms=lambda: 0).exists(party_id)
    finally:
        await pool.close()
    if not is_there:
        raise StoreRefused(
            f"this node's database has no party {party_id!r}: run `detente init` if nobody has yet, then "
            f"`detente party add {party_id} --name NAME`, with an account for each of its people",
            field="node_of",
        )


def _announce(url: str, style: LogStyle) -> None:
    """Say where the exchange is: to a person, or as one more line of a log that machines read."""
    said = f"Détente at {url} (documents at {url}/docs)"
    if style == "json":
        structlog.get_logger("detente").info(said, url=url)
    else:
        click.echo(said, err=True)


@contextlib.contextmanager
def _stopping_in_order() -> Iterator[None]:
    """Have whatever stops the server end its database too, also while neither has quite started yet."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        # A second hand must not cut short what the first one began.
        _ignore_stops()
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_stops() -> None:
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _style(settings: Settings) -> LogStyle:
    if settings.log_format == "auto":
        return "console" if sys.stderr.isatty() else "json"
    return "console" if settings.log_format == "console" else "json"


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The given database, or one of our own for as long as the block runs."""
    if settings.database is not None:
        yield settings.database
        return
    named = None if settings.data is None else Path(settings.data)
    # Where an authority names the parties there is nothing to make first, so the store is made on the way.
    data = folder_for_exchange(named) if settings.trust_key else folder_of_exchange(named)
    try:
        postgres = EmbeddedPostgres.start(data)
    except FolderInUse as used:
        url = running_url(data)
        if url is None:
            raise
        raise StoreRefused(
            f"{used.detail}; stop it, or run a second server beside it: "
            f"PGPASSFILE={data.absolute()}/pgpass detente serve --database '{url}'",
            **used.members,
        ) from used
    with postgres:
        yield postgres.dsn
