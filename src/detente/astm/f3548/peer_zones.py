"""Zones of managers elsewhere, in our words."""

import hashlib

import msgspec

from detente.astm.f3548 import wire_details
from detente.astm.f3548.volumes import to_area
from detente.discovery.model import ZoneBody
from detente.discovery.peer_details import Told
from detente.errors import BadInput
from detente.plans.model import MAX_VOLUMES

_encode = msgspec.json.Encoder().encode


def told_of_zone(constraint: wire_details.Constraint) -> Told:
    """What a constraint tells, in our words.

    Raises:
        BadInput: naming the member that is not as the standard says.
    """
    reference, details = constraint.reference, constraint.details
    if not reference.ovn:
        raise BadInput("reference.ovn is missing", field="reference.ovn", expected="an OVN", actual="nothing")
    if len(details.volumes) > MAX_VOLUMES:
        raise BadInput(
            f"the details have {len(details.volumes)} volumes",
            field="details.volumes",
            expected=f"at most {MAX_VOLUMES}",
        )
    areas = tuple(to_area(one, f"details.volumes[{i}]") for i, one in enumerate(details.volumes))
    return Told(
        subject_id=reference.id.lower(),
        kind="zone",
        party_id=reference.manager,
        version=reference.version,
        ovn=reference.ovn,
        priority=0,
        body=_encode(ZoneBody(areas, reference.uss_base_url)),
        sent_sha256=hashlib.sha256(_encode(details)).digest(),
    )
