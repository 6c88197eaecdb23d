"""Zones as rows and as they are shown."""

from datetime import datetime

import msgspec
from msgspec import Struct

from detente.geo import Datum, Shape
from detente.geo.instants import from_ms, to_ms
from detente.geo.limits import MIN_ALTITUDE_M
from detente.zones.model import Identifier, ZoneBody, ZoneRestriction, ZoneView, ZoneVolume
from detente.zones.solids import FIRST_MS, LAST_MS
from detente.zones.store import ZoneRow

_ENCODER = msgspec.json.Encoder()
_BODY = msgspec.json.Decoder(ZoneBody)


class _Extent(Struct, frozen=True):
    """One of a reference's extents, as the discovery service stores it."""

    shape: Shape
    lower_m: float | None = None
    upper_m: float | None = None
    start: datetime | None = None
    end: datetime | None = None


class _Extents(Struct, frozen=True):
    extents: tuple[_Extent, ...]


_EXTENTS = msgspec.json.Decoder(_Extents)


def encode(value: object) -> bytes:
    """JSON of an answer."""
    return _ENCODER.encode(value)


def decode_zone(body: bytes) -> ZoneBody:
    """A zone out of its stored JSON, which this program wrote."""
    return _BODY.decode(body)


def zone_of_extents(zone_id: Identifier, body: bytes) -> ZoneBody:
    """A zone elsewhere of which nothing is known but its extents: a caution there.

    Args:
        zone_id: its id, for want of an identifier.
        body: the stored body of its reference.
    """
    return ZoneBody(
        identifier=zone_id,
        restriction=ZoneRestriction.CAUTION,
        volumes=tuple(
            ellipsoid_volume(one.shape, one.lower_m, one.upper_m, one.start, one.end)
            for one in _EXTENTS.decode(body).extents
        ),
    )


def ellipsoid_volume(
    shape: Shape, lower_m: float | None, upper_m: float | None, start: datetime | None, end: datetime | None
) -> ZoneVolume:
    """A volume of a zone in heights above the ellipsoid; None is without an end."""
    return ZoneVolume(
        shape=shape,
        lower_m=MIN_ALTITUDE_M if lower_m is None else lower_m,
        upper_m=upper_m,
        lower_datum=Datum.WGS84,
        upper_datum=Datum.WGS84,
        start_ms=None if start is None else to_ms(start),
        end_ms=None if end is None else to_ms(end),
    )


def body_of(row: ZoneRow) -> ZoneBody | None:
    """What is known of a zone; None where the row came without."""
    if not row.is_elsewhere:
        return None if row.body is None else decode_zone(row.body)
    if row.told is not None:
        return decode_zone(row.told)
    return None if row.body is None else zone_of_extents(row.zone_id, row.body)


def view(row: ZoneRow, body: ZoneBody | None = None) -> ZoneView:
    """The zone as it is shown; ``body`` spares decoding the row's own again."""
    return ZoneView(
        zone_id=row.zone_id,
        party_id=row.party_id,
        version=row.version,
        ovn=row.ovn,
        start=None if row.start_ms <= FIRST_MS else from_ms(row.start_ms),
        end=None if row.end_ms >= LAST_MS else from_ms(row.end_ms),
        changed=from_ms(row.changed_ms),
        source=row.source or "",
        is_elsewhere=row.is_elsewhere,
        is_told=not row.is_elsewhere or row.told is not None,
        zone=body or body_of(row),
    )
