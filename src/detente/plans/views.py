"""Plans as rows and as one viewer may see them."""

import msgspec
from msgspec import Struct

from detente.plans.model import PlanBody, PlanView
from detente.plans.rules import Standing, may_see_plan, may_see_texts
from detente.plans.store import PlanRow
from detente.plans.volumes import from_ms, to_ms

_ENCODER = msgspec.json.Encoder()
_BODY = msgspec.json.Decoder(PlanBody)


class _Versioned(Struct, frozen=True):
    version: int


_VERSIONED = msgspec.json.Decoder(_Versioned)


def decode_body(body: bytes) -> PlanBody:
    """The plan's body out of its stored JSON, which this program wrote."""
    return _BODY.decode(body)


def decode_version(answer: bytes) -> int:
    """The version that an answer kept for a repeated request speaks of."""
    return _VERSIONED.decode(answer).version


def encode(value: object) -> bytes:
    """JSON of an answer."""
    return _ENCODER.encode(value)


def row_of(standing: Standing, version: int, body: PlanBody, now_ms: int) -> PlanRow:
    """The row that a plan will have once it is written."""
    return PlanRow(
        plan_id=standing.plan_id,
        version=version,
        ovn=standing.ovn,
        party_id=standing.party_id,
        state=standing.state,
        priority=body.priority,
        sharing=body.sharing,
        start_ms=min(to_ms(volume.start) for volume in body.volumes),
        end_ms=max(to_ms(volume.end) for volume in body.volumes),
        changed_ms=now_ms,
        body=_ENCODER.encode(body),
    )


def view(viewer: str, row: PlanRow, body: PlanBody | None = None) -> PlanView:
    """The plan as a viewer sees it who may see it at all; ``body`` spares decoding the row's own again."""
    body = body or decode_body(row.body)
    is_mine = viewer == row.party_id
    sees_texts = may_see_texts(viewer, row.party_id, row.sharing)
    return PlanView(
        plan_id=row.plan_id,
        party_id=row.party_id,
        state=row.state,
        version=row.version,
        priority=row.priority,
        sharing=row.sharing,
        start=from_ms(row.start_ms),
        end=from_ms(row.end_ms),
        volumes=body.volumes if may_see_plan(viewer, row.party_id, row.sharing) else None,
        title=body.title if sees_texts else None,
        remarks=body.remarks if sees_texts else None,
        ovn=row.ovn if sees_texts else None,
        own_plans=body.own_plans if is_mine else None,
        changed=from_ms(row.changed_ms),
        is_mine=is_mine,
    )
