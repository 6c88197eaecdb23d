"""Zones of managers elsewhere, in our words: asked of them, or sent by them.

Rule 1: what is told counts for the version and OVN that it names, and for no other.
Rule 2: the rule of a zone is that of its geographical zone (ED-269); one that is not told, or not known, is a
    caution.
"""

import hashlib
import re
from collections.abc import Callable, Mapping

import msgspec

from detente.astm.f3548 import wire_details
from detente.astm.f3548.asking import Question
from detente.astm.f3548.volumes import to_area
from detente.astm.peer_client import PeerClient
from detente.discovery import peer_details
from detente.discovery.peer_details import Told
from detente.errors import BadInput
from detente.store import Pool
from detente.zones.model import (
    LIMITS,
    AuthorityPurpose,
    ZoneAuthority,
    ZoneBody,
    ZoneKind,
    ZoneReason,
    ZoneRestriction,
    ZoneText,
    ZoneTexts,
)
from detente.zones.views import ellipsoid_volume

_RESTRICTIONS = {
    "PROHIBITED": ZoneRestriction.PROHIBITED,
    "REQ_AUTHORISATION": ZoneRestriction.CONSENT,
    "REQ_AUTHORIZATION": ZoneRestriction.CONSENT,
    "CONDITIONAL": ZoneRestriction.CAUTION,
    "NO_RESTRICTION": ZoneRestriction.NONE,
}
_COUNTRY = re.compile(r"(?!ZZZ)[A-Z]{3}")
_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(wire_details.GetConstraintDetailsResponse)


def told_of_zone(constraint: wire_details.Constraint) -> Told:
    """What a constraint tells, in our words.

    Raises:
        BadInput: naming the member that is not as the standard says.
    """
    reference, details = constraint.reference, constraint.details
    if not reference.ovn:
        raise BadInput("reference.ovn is missing", field="reference.ovn", expected="an OVN", actual="nothing")
    if len(details.volumes) > LIMITS.volumes:
        raise BadInput(
            f"the details have {len(details.volumes)} volumes",
            field="details.volumes",
            expected=f"at most {LIMITS.volumes}",
        )
    return Told(
        subject_id=reference.id.lower(),
        kind="zone",
        party_id=reference.manager,
        version=reference.version,
        ovn=reference.ovn,
        priority=0,
        body=_encode(_zone_of(reference.id.lower(), details)),
        sent_sha256=hashlib.sha256(_encode(details)).digest(),
    )


def _zone_of(zone_id: str, details: wire_details.ConstraintDetails) -> ZoneBody:
    areas = [to_area(one, f"details.volumes[{i}]") for i, one in enumerate(details.volumes)]
    volumes = tuple(
        ellipsoid_volume(one.shape, one.lower_m, one.upper_m, one.start, one.end) for one in areas
    )
    geozone = details.geozone
    if geozone is None:
        return ZoneBody(identifier=zone_id, restriction=ZoneRestriction.CAUTION, volumes=volumes)
    exemption = geozone.regulation_exemption
    return ZoneBody(
        identifier=geozone.identifier or zone_id,
        restriction=_RESTRICTIONS.get(geozone.restriction.upper(), ZoneRestriction.CAUTION),
        volumes=volumes,
        country=geozone.country if _COUNTRY.fullmatch(geozone.country) else None,
        name=_texts(geozone.name),
        kind=ZoneKind.CUSTOMIZED if geozone.type == "CUSTOMIZED" else ZoneKind.COMMON,
        conditions=(geozone.restriction_conditions or ())[: LIMITS.conditions],
        region=geozone.region,
        reasons=tuple(map(ZoneReason, geozone.reason or ())),
        other_reason=_texts(geozone.other_reason_info),
        regulation_exemption=None if exemption is None else exemption == "YES",
        u_space_class=geozone.u_space_class,
        message=_texts(geozone.message),
        authorities=tuple(map(_authority, geozone.zone_authority[: LIMITS.authorities])),
    )


def _texts(text: str | None) -> ZoneTexts:
    return () if text is None else (ZoneText(text),)


def _authority(one: wire_details.Authority) -> ZoneAuthority:
    interval = one.interval_before
    return ZoneAuthority(
        purpose=AuthorityPurpose(one.purpose or "INFORMATION"),
        name=_texts(one.name),
        service=_texts(one.service),
        contact_name=_texts(one.contact_name),
        site_url=one.site_url,
        email=one.email,
        phone=one.phone,
        interval_before=None if interval is None else interval[: LIMITS.text_letters],
    )


class PeerZones:
    """Asks managers for details and keeps them; ``detente.zones`` knows it as ``ZoneDetails``.

    Args:
        pool: database connections.
        client: who speaks to peers.
        clock_ms: the present.
    """

    def __init__(self, pool: Pool, client: PeerClient, clock_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._client = client
        self._clock_ms = clock_ms

    async def remembered(self, wanted: Mapping[str, str]) -> Mapping[str, bytes]:
        """The details that are known at just these OVNs."""
        return await peer_details.known_zones(self._pool, wanted)

    async def ask(self, zone_id: str, ovn: str, uss_base_url: str) -> bytes:
        """The details of a zone at an OVN, asked of its manager.

        Raises:
            PeerUnavailable: it does not answer, or not with these.
        """
        question = Question("zone", zone_id, uss_base_url)

        def read(body: bytes) -> Told:
            told = told_of_zone(_answer.decode(body).constraint)
            if told.subject_id != zone_id:
                raise BadInput("it is of another zone", field="reference.id", expected=zone_id)
            return told

        async def ask() -> Told | None:
            return await question.once(lambda: self._client.fetch_constraint(uss_base_url, zone_id), read)

        why = "tells another version than the one that stands"
        told = await question.until(ask, lambda one: one.ovn == ovn, why)
        await peer_details.keep(self._pool, told, self._clock_ms())
        return told.body
