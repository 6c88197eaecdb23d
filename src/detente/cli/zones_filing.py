"""Publishes the zones of one file at an exchange, and says of each what became of it."""

import uuid
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from detente.client import Client
from detente.errors import DetenteError, NotAuthenticated, Unavailable
from detente.formats.faults import shown
from detente.formats.zone_reading import ReadZone, ZonesRead
from detente.zones.model import MAX_PAGE, ZonePublication, ZoneQuery, ZoneView
from detente.zones.solids import window_of

WRITTEN = frozenset({"published", "changed", "withdrawn"})


class Filed(Struct, frozen=True):
    """What became of one zone."""

    identifier: str
    outcome: str
    """``published``, ``changed``, ``stands``, ``withdrawn``, ``over``, ``refused`` or ``missed``."""
    line: int | None = None
    """Where the zone begins in the file; None: it is not in there."""
    zone_id: str | None = None
    detail: str = ""


class Edition(Struct, frozen=True):
    """The zones of one file beside those of the party that stand."""

    source: str
    """What the file is an edition of."""
    read: ZonesRead
    standing: Mapping[tuple[str | None, str], ZoneView]
    """By country and identifier."""
    is_partial: bool
    """Whether zones of the source that the file does not hold stay."""
    now_ms: int
    """What has ended by now is not published."""


def standing_zones(client: Client, party_id: str) -> dict[tuple[str | None, str], ZoneView]:
    """The zones of a party that are hosted at the exchange, by country and identifier."""
    query = ZoneQuery(party_id=party_id, limit=MAX_PAGE)
    return {
        (view.zone.country, view.zone.identifier): view
        for view in client.zones(query)
        if view.zone is not None and not view.is_elsewhere
    }


def file_zones(client: Client, edition: Edition, *, is_dry: bool) -> Iterator[Filed]:
    """Publish what is new, change what is otherwise, withdraw what is gone; one after another.

    Args:
        client: speaks for the party.
        edition: what is in the file, and what stands.
        is_dry: say what would be done, and do nothing.

    Yields:
        What became of each zone, in the order of the file; the withdrawn ones last.

    Raises:
        Unavailable, NotAuthenticated: the rest need not be tried either.
    """
    for miss in edition.read.misses:
        yield Filed(miss.identifier or "", "missed", miss.line, detail=miss.reason)
    for entry in edition.read.zones:
        yield _file(client, edition, entry, is_dry=is_dry)
    for view in gone_from(edition):
        yield _withdraw(client, view, is_dry=is_dry)


def gone_from(edition: Edition) -> Iterable[ZoneView]:
    """The zones of the source that the file no longer holds.

    One that was missed in it is not gone; where it cannot be told which was missed, none is.
    """
    missed = {miss.identifier for miss in edition.read.misses}
    if edition.is_partial or None in missed:
        return []
    held = {(entry.zone.country, entry.zone.identifier) for entry in edition.read.zones}
    return [
        view
        for (country, identifier), view in edition.standing.items()
        if view.source == edition.source
        and (country, identifier) not in held
        and shown(identifier).strip('"') not in missed
    ]


def _file(client: Client, edition: Edition, entry: ReadZone, *, is_dry: bool) -> Filed:
    zone = entry.zone
    standing = edition.standing.get((zone.country, zone.identifier))
    said = Filed(zone.identifier, "published", entry.line)
    if standing is not None:
        is_alike = standing.zone == zone and standing.source == edition.source
        said = Filed(zone.identifier, "stands" if is_alike else "changed", entry.line, standing.zone_id)
    if said.outcome != "stands" and window_of(zone)[1] <= edition.now_ms:
        said = Filed(zone.identifier, "over", entry.line, said.zone_id)
    if is_dry or said.outcome in {"stands", "over"}:
        return said
    zone_id = str(uuid.uuid4()) if standing is None else standing.zone_id
    try:
        client.put_zone(
            zone_id,
            ZonePublication(zone, edition.source),
            version=None if standing is None else standing.version,
        )
    except (Unavailable, NotAuthenticated):
        raise
    except DetenteError as refused:
        return Filed(zone.identifier, "refused", entry.line, said.zone_id, refused.detail)
    return Filed(zone.identifier, said.outcome, entry.line, zone_id)


def _withdraw(client: Client, view: ZoneView, *, is_dry: bool) -> Filed:
    identifier = view.zone.identifier if view.zone is not None else view.zone_id
    try:
        if not is_dry:
            client.withdraw_zone(view.zone_id, version=view.version)
    except (Unavailable, NotAuthenticated):
        raise
    except DetenteError as refused:
        return Filed(identifier, "refused", None, view.zone_id, refused.detail)
    return Filed(identifier, "withdrawn", None, view.zone_id)
