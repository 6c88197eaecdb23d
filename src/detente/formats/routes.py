"""HTTP of files: somebody sends one and is told the plans in it, ready to be looked at and declared."""

import asyncio
import base64
import io
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from detente.errors import TooLarge
from detente.formats.defaults import Defaults
from detente.formats.faults import FaultyFile
from detente.formats.plans import plans_of
from detente.formats.read import Source, read_source
from detente.plans.model import PlanVolume
from detente.web.model import Reply, Request, Route

READ = "plans.read"
MAX_FILE_BYTES = 4 * 1_048_576
MAX_UNPACKED_BYTES = 8 * 1_048_576
MAX_PLANS = 1_000
MAX_TOLD_FAULTS = 100
_MAX_BODY_BYTES = MAX_FILE_BYTES * 4 // 3 + 65_536

_EXAMPLE = {
    "name": "bridge.geojson",
    "content": base64.b64encode(
        b'{"type": "Feature", "properties": {"title": "Rescue at the bridge"},'
        b' "geometry": {"type": "Point", "coordinates": [7.45, 46.95]}}'
    ).decode(),
    "defaults": {
        "start": "2026-07-01T10:00:00Z",
        "end": "2026-07-01T11:00:00Z",
        "lower_m": 0,
        "upper_m": 300,
        "radius_m": 800,
    },
}


class FileBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A file, and what its features may leave out."""

    content: bytes
    """GeoJSON, KML or KMZ as docs/formats.md says; base64 on the wire (RFC 4648, section 4)."""
    name: Annotated[str, Meta(max_length=200)] = "file"
    """For faults."""
    defaults: Defaults = Defaults()


class PlanInFile(Struct, frozen=True):
    """One plan of a file: a body to declare, but for what a file does not hold."""

    id: str
    """As the file calls it; ``#`` and a feature's number where it has no id."""
    party: str
    """Whose plan the file says it is; the asking party where it does not say."""
    title: str
    volumes: tuple[PlanVolume, ...]


class PlansInFile(Struct, frozen=True):
    """The plans of a file, in its order."""

    plans: tuple[PlanInFile, ...]


def routes() -> list[Route]:
    """All routes of the room."""
    one_at_a_time = asyncio.Semaphore()

    async def read(request: Request) -> Reply:
        body, party_id = request.decoded(FileBody), request.who().party_id
        async with one_at_a_time:  # one file must not keep a whole process from its other callers
            return Reply(200, await asyncio.to_thread(read_body, body, party_id))

    return [
        Route(
            "POST", "/v1/files/read", READ, read,
            "The plans in a GeoJSON, KML or KMZ file, ready to be declared; keeps and changes nothing.",
            "files",
            FileBody, {200: PlansInFile}, max_body_bytes=_MAX_BODY_BYTES, example=_EXAMPLE,
        ),
    ]  # fmt: skip


def read_body(body: FileBody, party_id: str) -> PlansInFile:
    """Read a file that was sent.

    Args:
        body: the file and what its features may lack.
        party_id: whose plans they are where neither the file nor the body says so.

    Returns:
        Its plans.

    Raises:
        FaultyFile: anything in it is wrong; the first `MAX_TOLD_FAULTS` faults are listed.
        TooLarge: the file, a plan in it or the number of plans is over its limit.
    """
    _require("content", "bytes", len(body.content), MAX_FILE_BYTES)
    defaults = body.defaults
    if defaults.party is None:
        defaults = msgspec.structs.replace(defaults, party=party_id)
    file = io.BufferedReader(io.BytesIO(body.content))
    try:
        table = read_source(Source(body.name, file, defaults, MAX_UNPACKED_BYTES)).table
    except FaultyFile as faulty:
        raise FaultyFile(faulty.faults[:MAX_TOLD_FAULTS]) from faulty
    _require("content", "plans", len(table), MAX_PLANS)
    return PlansInFile(
        tuple(
            PlanInFile(plan.id, plan.party, plan.body.title, plan.body.volumes)
            for plan in plans_of(table, body.name)
        )
    )


def _require(field: str, what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise TooLarge(
            f"the file holds {actual:,} {what}; the limit is {limit:,}",
            field=field,
            limit=limit,
            actual=actual,
        )
