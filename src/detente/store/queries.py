"""Named SQL queries that live in a file beside the room that uses them."""

import functools
import importlib.resources
import re
from collections.abc import Mapping
from types import MappingProxyType

from detente.errors import StoreRefused

_NAME = re.compile(r"^--\s*name:\s*(.*)$")
_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")


@functools.cache
def load_queries(package: str, filename: str = "queries.sql") -> Mapping[str, str]:
    """Load a room's named queries, once.

    The form of the file: ``-- name: find_plan``, then one comment line that says what the query is for,
    then the SQL up to the next name.

    Args:
        package: the room, such as ``detente.plans``.
        filename: the file in it.

    Returns:
        Name to SQL text, the purpose line included, which then shows in the database's own log.

    Raises:
        StoreRefused: if a name is malformed or comes twice, or a query has no purpose line or no text.
    """
    source = importlib.resources.files(package).joinpath(filename).read_text(encoding="utf-8")
    return MappingProxyType(parse_queries(source, f"{package}/{filename}"))


def parse_queries(source: str, where: str) -> dict[str, str]:
    """Split the text of a query file into its named queries.

    Args:
        source: the file's text.
        where: what to call the file in a refusal.

    Returns:
        Name to SQL text, in the file's order.

    Raises:
        StoreRefused: as ``load_queries``.
    """
    gathered: dict[str, list[str]] = {}
    name: str | None = None
    for line in source.splitlines():
        heading = _NAME.match(line)
        if heading is None:
            if name is not None:
                gathered[name].append(line)
            elif line.strip() and not line.lstrip().startswith("--"):
                raise StoreRefused(f"{where}: SQL before the first '-- name:' line: {line.strip()!r}")
            continue
        name = heading[1].strip()
        if not _IDENTIFIER.match(name):
            raise StoreRefused(f"{where}: {name!r} is no query name (lower case, digits, underscores)")
        if name in gathered:
            raise StoreRefused(f"{where}: the query name {name!r} comes twice")
        gathered[name] = []
    return {name: _checked("\n".join(lines).strip(), name, where) for name, lines in gathered.items()}


def _checked(text: str, name: str, where: str) -> str:
    """Insist on a purpose line and on some SQL."""
    first, _, rest = text.partition("\n")
    if not first.startswith("--") or not first.lstrip("-").strip():
        raise StoreRefused(f"{where}: the query {name!r} lacks its one-line purpose ('-- ...')")
    if not any(line.strip() and not line.lstrip().startswith("--") for line in rest.splitlines()):
        raise StoreRefused(f"{where}: the query {name!r} has no text")
    return text
