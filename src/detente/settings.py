"""What a server is told: by options, environment variables or a file; the first that says it wins.

Every setting ``some_name`` is the option ``--some-name``, the variable ``DETENTE_SOME_NAME`` and, in the file
(TOML), ``some_name``. ``docs/settings.md`` lists them; a test holds the two together.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from detente.console.tiles import check_tiles
from detente.errors import BadInput
from detente.parties.authority import read_authority
from detente.parties.claims import is_party_name
from detente.store.url import checked_url

PREFIX = "DETENTE_"
_MAX_PORT = 65_535
_LISTS = frozenset({"listen", "audience", "trust_key"})
_BOOLEANS = frozenset({"allow_http_peers", "test_interfaces"})
_SECRETS = frozenset({"token_secret"})
_LOG_FORMATS = ("auto", "json", "console")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class IssuerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A foreign token issuer: its name, what it calls this exchange, and where its keys are."""

    issuer: str
    audience: str
    jwks_url: str | None = None
    pem_file: str | None = None
    subject_claim: str = "sub"
    scopes: str = "token"


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one server process."""

    data: str | None = None
    """The data folder of the embedded PostgreSQL; the platform's usual place if absent."""
    database: str | None = None
    """URL of a given PostgreSQL; none is started."""
    listen: tuple[str, ...] = ("127.0.0.1:8440",)
    """Addresses, HOST:PORT, separated by commas in the environment."""
    public_url: str | None = None
    """The URL at which clients reach the exchange: the issuer of its tokens. The first address if absent."""
    audience: tuple[str, ...] = ()
    """Names the exchange goes by in tokens; the public URL's host if absent."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Server processes."""
    pool_size: Annotated[int, Meta(ge=1, le=100)] = 8
    """Database connections of each process."""
    rate_per_s: Annotated[float, Meta(ge=0)] = 5_000.0
    """Requests a second that one account may send to one process; 0: no limit."""
    terrain: str | None = None
    """A folder of terrain heights (SRTM .hgt); without it altitudes above ground are refused."""
    tiles: str | None = None
    """An MBTiles file with images: the console's ground map; without it coasts and borders only."""
    log_format: str = "auto"
    """`json`, `console`, or `auto`: console on a terminal."""
    log_level: str = "INFO"
    """`DEBUG` also names accounts."""
    trust_key: tuple[str, ...] = ()
    """PEM files: public keys of an authority whose tokens name parties by their subject."""
    token_url: str | None = None
    """Where this server gets its tokens for peers."""
    token_subject: str | None = None
    """Whom it asks tokens for there."""
    token_client: str | None = None
    """What this server is known by where it gets tokens: a client id. In the file or the environment only."""
    token_secret: str | None = None
    """That client's secret. In the file or the environment only."""
    allow_http_peers: bool = False
    """Whether peers may be reached over plain http: for development and tests."""
    test_interfaces: bool = False
    """Whether the interfaces are served through which a test harness drives this server."""
    party: str | None = None
    """The party that this server speaks for among peers."""
    node_of: str | None = None
    """The party whose node this server is: it keeps the details of its plans, ``exchange`` the references."""
    exchange: str | None = None
    """The URL of the exchange that a node declares to."""
    issuers: tuple[IssuerSettings, ...] = ()
    """Foreign token issuers; in the file only."""

    def url(self) -> str:
        """The public URL."""
        return (self.public_url or f"http://{self.listen[0]}").rstrip("/")

    def speaks_for(self) -> str | None:
        """The one party that this server speaks for among peers; None: for all that are hosted here."""
        return self.party or self.node_of or self.token_subject

    def environment(self) -> dict[str, str]:
        """These settings as the environment of a worker process."""
        values: Mapping[str, Any] = msgspec.to_builtins(self)
        named = {name: value for name, value in values.items() if value is not None and name != "issuers"}
        texts = {name: _text_of(name, value) for name, value in named.items()}
        encoded = {f"{PREFIX}{name.upper()}": text for name, text in texts.items() if text}
        return {**encoded, f"{PREFIX}ISSUERS": msgspec.json.encode(self.issuers).decode()}


def load_settings(
    options: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Settings:
    """Put settings together.

    Args:
        options: from the command line; None, empty texts and empty lists count as not said.
        environment: variables; those that start with DETENTE_ and name a setting are read.
        file: a TOML file; DETENTE_CONFIG names one too.

    Raises:
        BadInput: naming the setting, what was found and what was expected.
    """
    named = environment.get(f"{PREFIX}CONFIG")
    file = file or (Path(named) if named else None)
    merged: dict[str, Any] = {**_from_file(file), **_from_environment(environment)}
    merged.update({name: value for name, value in options.items() if value not in (None, "", (), [])})
    merged = {name: _parts(name, value) for name, value in merged.items() if value != ""}
    try:
        settings = msgspec.convert(merged, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal_of(str(error), merged, file) from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """Refuse what no server can run with, by name."""
    for address in settings.listen:
        parse_address(address)
    if settings.database is not None:
        checked_url(settings.database)
    if settings.public_url is not None:
        _check_url("public_url", settings.public_url)
    if "" in settings.audience:
        raise BadInput("audience holds an empty name", field="audience", expected="names of this exchange")
    read_authority(settings.trust_key)
    _check_peers(settings)
    if settings.terrain is not None:
        _check_terrain(Path(settings.terrain))
    if settings.tiles is not None:
        check_tiles(Path(settings.tiles))
    for name, value, known in (
        ("log_format", settings.log_format, _LOG_FORMATS),
        ("log_level", settings.log_level.upper(), _LOG_LEVELS),
    ):
        if value not in known:
            raise BadInput(f"{name} is {value!r}; expected one of {', '.join(known)}", field=name)


def _check_peers(settings: Settings) -> None:
    """Refuse what no server can deal with its peers with, by name."""
    for name in ("token_url", "exchange"):
        if (url := getattr(settings, name)) is not None:
            _check_url(name, url)
    for name in ("party", "node_of", "token_subject"):
        if (named := getattr(settings, name)) is not None:
            _check_party_name(name, named)
    if (settings.token_client is None) != (settings.token_secret is None):
        given, missing = _pair("token_client", "token_secret", settings.token_client)
        raise BadInput(f"{given} is set without {missing}", field=missing, expected=f"{missing} too")
    if settings.token_client is not None and settings.token_url is None:
        raise BadInput("token_client is set without token_url", field="token_url", expected="token_url too")
    _check_node(settings)


def _pair(first: str, second: str, first_value: str | None) -> tuple[str, str]:
    """Which of two settings is given, and which is missing."""
    return (second, first) if first_value is None else (first, second)


def _check_node(settings: Settings) -> None:
    """Refuse what no node can run with, by name."""
    if (settings.node_of is None) != (settings.exchange is None):
        given, missing = _pair("node_of", "exchange", settings.node_of)
        raise BadInput(
            f"{given} is set without {missing}; a node needs both", field=missing, expected=f"{missing} too"
        )
    if settings.node_of is None or settings.exchange is None:
        return
    if settings.party not in {None, settings.node_of}:
        raise BadInput(
            f"party is {settings.party!r}, but this is the node of {settings.node_of!r}",
            field="party",
            expected=settings.node_of,
            actual=settings.party,
        )
    if settings.token_url is None:
        raise BadInput(
            "a node needs tokens that its exchange believes",
            field="token_url",
            expected=f"where to get them, such as {settings.exchange.rstrip('/')}/v1/token",
        )
    if settings.exchange.startswith("http://") and not settings.allow_http_peers:
        raise BadInput(
            f"exchange is {settings.exchange!r}",
            field="exchange",
            expected="an https URL (or allow_http_peers, for development)",
            actual=settings.exchange,
        )


def _check_party_name(name: str, value: str) -> None:
    if not is_party_name(value):
        raise BadInput(
            f"{name} is {value[:100]!r}",
            field=name,
            expected="a party: 1 to 200 printable characters, and not exchange",
            actual=value[:100],
        )


def _check_url(name: str, url: str) -> None:
    try:
        split = urlsplit(url)
        is_good = split.scheme in {"http", "https"} and split.hostname is not None and split.port != 0
    except ValueError:
        is_good = False
    if not is_good or "?" in url or "#" in url or "@" in split.netloc or not url.isprintable() or " " in url:
        raise BadInput(
            f"{name} is {url!r}",
            field=name,
            expected="an absolute http or https URL without query and fragment, such as https://exchange.example",
            actual=url,
        )


def _check_terrain(folder: Path) -> None:
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise BadInput(
            f"terrain is {str(folder)!r}, which cannot be read: {error.strerror}",
            field="terrain",
            expected="a folder with terrain heights (SRTM .hgt)",
            actual=str(folder),
        ) from error


def _refusal_of(said: str, given: Mapping[str, Any], file: Path | None) -> BadInput:
    """Say in words of our own which setting is wrong; unknown ones can only come from the file."""
    unknown = re.search(r"unknown field `([^`]*)`", said)
    if unknown is not None:
        inside = "issuers: " if "$.issuers" in said else ""
        return BadInput(f"{file}: {inside}{unknown[1]!r} is no setting", field=unknown[1])
    found = re.search(r"\$\.(\w+)(.*)`", said)
    name, inner = (found[1], found[2]) if found else ("", "")
    if not name or inner:
        return BadInput(f"a setting is wrong: {said}", field=name or "settings")
    limits = {"workers": "1 to 64", "pool_size": "1 to 100", "rate_per_s": "0 or more"}
    kind = "a list of texts" if name in _LISTS else "true or false" if name in _BOOLEANS else "text"
    expected = limits.get(name, kind)
    shown = "something else" if name in _SECRETS else str(given.get(name))[:100]
    return BadInput(f"{name} is {shown}; expected {expected}", field=name, actual=shown)


def parse_address(address: str) -> tuple[str, int]:
    """Read HOST:PORT.

    Raises:
        BadInput: if it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= _MAX_PORT:
        raise BadInput(
            f"{address} is no address", field="listen", expected="HOST:PORT, port 1 to 65535", actual=address
        )
    return host.strip("[]"), int(port)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = msgspec.toml.decode(file.read_bytes())
    except OSError as error:
        raise BadInput(
            f"the settings file cannot be read: {error}", field="config", actual=str(file)
        ) from error
    except msgspec.DecodeError as error:
        raise BadInput(f"{file} is no TOML: {error}", field="config", expected="TOML") from error
    if not isinstance(found, dict):
        raise BadInput(f"{file} holds no table", field="config", expected="TOML")
    return found


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in Settings.__struct_fields__:
        text = environment.get(f"{PREFIX}{field.upper()}")
        if not text:
            continue
        if field == "issuers":
            found[field] = msgspec.json.decode(text)
        else:
            found[field] = [text] if field in _LISTS else text
    return found


def _parts(name: str, value: Any) -> Any:  # noqa: ANN401 - what somebody wrote, not checked yet
    """The parts of a list, of which some may be written as one text with commas: so a variable has to."""
    if name not in _LISTS or not isinstance(value, list | tuple):
        return value
    texts = [part for text in value for part in (text.split(",") if isinstance(text, str) else (text,))]
    return [part.strip() if isinstance(part, str) else part for part in texts]


def _text_of(name: str, value: Any) -> str:  # noqa: ANN401 - any setting's
    if name in _LISTS:
        return ",".join(value)
    return str(value).lower() if name in _BOOLEANS else str(value)
