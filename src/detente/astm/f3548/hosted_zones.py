"""Zones that are hosted here, as the standard's details: their volumes, and the geographical zone of ED-269.

Rule 1: volumes go out bounded and never smaller: heights in the band above the ellipsoid that holds them, a
    zone without an end until the end of the year 9999.
Rule 2: what has no room is cut, and never the rule: an identifier of more than seven letters becomes one made
    from it, a text its beginning, a country that is not known ``ZZZ``; who publishes stands for an authority.
"""

import hashlib
from base64 import b32encode

import msgspec

from detente.astm.f3548 import wire, wire_details
from detente.astm.f3548.telling import Teller
from detente.astm.f3548.volumes import to_volume4d
from detente.discovery.model import ZoneReference
from detente.discovery.store import find_hosted_zone
from detente.geo import Terrain
from detente.plans.volumes import to_plan_volume
from detente.store import Pool
from detente.zones.model import ZoneAuthority, ZoneBody, ZoneReason, ZoneRestriction, ZoneTexts, plain
from detente.zones.solids import solids_of
from detente.zones.views import decode_zone

_RESTRICTIONS = {
    ZoneRestriction.PROHIBITED: "PROHIBITED",
    ZoneRestriction.CONSENT: "REQ_AUTHORISATION",
    ZoneRestriction.CAUTION: "CONDITIONAL",
    ZoneRestriction.USPACE: "CONDITIONAL",
    ZoneRestriction.NONE: "NO_RESTRICTION",
}
_NO_COUNTRY = "ZZZ"
_MAX_IDENTIFIER, _MAX_TEXT, _MAX_OTHER_REASON, _MAX_CLASS, _MAX_REASONS = 7, 200, 30, 100, 9


class ZoneTeller:
    """Tells hosted zones.

    Args:
        teller: tells references.
        terrain: heights of the ground, for altitudes above it.
    """

    def __init__(self, teller: Teller, terrain: Terrain | None) -> None:
        self._teller = teller
        self._terrain = terrain

    def constraint(self, reference: ZoneReference, body: ZoneBody) -> wire_details.Constraint:
        """A zone in full, its OVN included."""
        return wire_details.Constraint(
            reference=self._teller.zone(reference, None),
            details=wire_details.ConstraintDetails(
                volumes=self._volumes(body),
                type=f"detente.{body.restriction.value}",
                geozone=geozone_of(reference.party_id, body),
            ),
        )

    def _volumes(self, body: ZoneBody) -> tuple[wire.Volume4D, ...]:
        return tuple(
            to_volume4d(to_plan_volume(solid.volume), terrain=self._terrain, field=f"volumes[{index}]")
            for index, solid in enumerate(solids_of(body, self._terrain))
        )


class HostedZones:
    """The reading side: zones in full, for whoever asks and for notices.

    Args:
        pool: database connections.
        teller: tells them.
    """

    def __init__(self, pool: Pool, teller: ZoneTeller) -> None:
        self._pool = pool
        self._teller = teller

    async def find(self, zone_id: str) -> wire_details.Constraint | None:
        """A zone whose details are kept here; None if there is none."""
        found = await find_hosted_zone(self._pool, zone_id)
        return None if found is None else self._teller.constraint(found[0], decode_zone(found[1]))


def geozone_of(party_id: str, body: ZoneBody) -> wire_details.GeoZone:
    """A zone's members as those of ED-269.

    Args:
        party_id: who publishes it: the authority, where the zone names none.
        body: the zone.

    Source: ASTM F3548-21, OpenAPI, GeoZone.
    """
    authorities = tuple(map(_authority, body.authorities))
    exempt = body.regulation_exemption
    return wire_details.GeoZone(
        identifier=short_identifier(body),
        country=body.country or _NO_COUNTRY,
        zone_authority=authorities or (wire_details.Authority(name=party_id, purpose="INFORMATION"),),
        type=body.kind.value,
        restriction=_RESTRICTIONS[body.restriction],
        name=_short(body.name),
        restriction_conditions=body.conditions or None,
        region=body.region,
        reason=_reasons(body.reasons),
        other_reason_info=_short(body.other_reason, _MAX_OTHER_REASON),
        regulation_exemption=None if exempt is None else "YES" if exempt else "NO",
        u_space_class=None if body.u_space_class is None else body.u_space_class[:_MAX_CLASS],
        message=_short(body.message),
    )


def short_identifier(body: ZoneBody) -> str:
    """The identifier, or seven letters made from it: the same each time."""
    if len(body.identifier) <= _MAX_IDENTIFIER:
        return body.identifier
    digest = hashlib.sha256(f"{body.country}/{body.identifier}".encode()).digest()
    return b32encode(digest).decode()[:_MAX_IDENTIFIER]


def _short(texts: ZoneTexts, most: int = _MAX_TEXT) -> str | None:
    text = plain(texts)
    return None if text is None else text[:most]


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:_MAX_TEXT]


def _reasons(reasons: tuple[ZoneReason, ...]) -> tuple[wire_details.ZoneReason, ...] | None:
    words = ["OTHER" if one is ZoneReason.DAR else one.value for one in reasons]  # DAR is of ED-318 only
    told = msgspec.convert(list(dict.fromkeys(words))[:_MAX_REASONS], tuple[wire_details.ZoneReason, ...])
    return told or None


def _authority(one: ZoneAuthority) -> wire_details.Authority:
    return wire_details.Authority(
        name=_short(one.name),
        service=_short(one.service),
        contact_name=_short(one.contact_name),
        site_url=_cut(one.site_url),
        email=_cut(one.email),
        phone=_cut(one.phone),
        purpose=one.purpose.value,
        interval_before=one.interval_before,
    )
