"""The URL of a given database: refused before anything is tried if it is none, and never shown whole."""

import re
from urllib.parse import parse_qsl, urlsplit

from detente.errors import BadInput

EXPECTED = "postgresql://USER@HOST:PORT/NAME"
_SCHEMES = frozenset({"postgresql", "postgres"})
_USUAL_PORT = "5432"
_MAX_PORT = 65_535


def checked_url(url: str) -> str:
    """Refuse what is no PostgreSQL URL.

    Args:
        url: as somebody wrote it; several hosts may stand in it, separated by commas.

    Returns:
        The same.

    Raises:
        BadInput: naming it without its password.
    """
    why = _fault_of(url)
    if why is not None:
        raise BadInput(
            f"{shown_url(url)!r} is no PostgreSQL URL{why}",
            field="database",
            expected=EXPECTED,
            actual=shown_url(url),
        )
    return url


def shown_url(url: str) -> str:
    """Show a URL, or what was meant as one, without whatever may be a password in it."""
    before, at, after = url.rpartition("@")
    scheme, divider, who = before.rpartition("://") if "://" in before else ("", "", before)
    user, colon, _ = who.partition(":")
    shown = f"{scheme}{divider}{user}{':...' if colon else ''}{at}{after}"
    return re.sub(r"(password=)[^&]*", r"\1...", shown, flags=re.IGNORECASE)


def place_of(url: str) -> str:
    """Say where a database is, such as ``db.example:5432``; several places are separated by commas."""
    query = dict(parse_qsl(urlsplit(url).query))
    places = [_host_and_port(place) for place in _places(url)]
    hosts = [host for host, _ in places if host] or query.get("host", "localhost").split(",")
    usual = query.get("port", _USUAL_PORT)
    ports = [port for _, port in places] if len(places) == len(hosts) else [usual] * len(hosts)
    return ", ".join(
        host if host.startswith("/") else f"{host}:{port or usual}"
        for host, port in zip(hosts, ports, strict=True)
    )


def _places(url: str) -> list[str]:
    return urlsplit(url).netloc.rpartition("@")[2].split(",")


def _host_and_port(place: str) -> tuple[str, str]:
    """Split HOST:PORT; an IPv6 address stands in brackets."""
    end = place.rfind("]")
    host, colon, port = place[end + 1 :].rpartition(":")
    return (place[: end + 1] + host, port) if colon else (place, "")


def _fault_of(url: str) -> str | None:
    try:
        split = urlsplit(url)
    except ValueError:
        return ""
    if split.scheme not in _SCHEMES or "://" not in url:
        return ""
    ports = [_host_and_port(place)[1] for place in _places(url)]
    ports += [port for name, text in parse_qsl(split.query) if name == "port" for port in text.split(",")]
    # A port may be left out. What stands in its place is not shown: it may be half a password.
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT) for port in ports):
        return f": its port is no number from 1 to {_MAX_PORT}"
    return None
