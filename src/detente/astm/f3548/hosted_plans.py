"""Plans that are hosted here, as the standard's details, and what their subscribers elsewhere are sent."""

from collections.abc import Sequence

import msgspec

from detente.astm.f3548 import wire, wire_details
from detente.astm.f3548.hosted_zones import HostedZones
from detente.astm.f3548.telling import Teller
from detente.astm.f3548.volumes import to_volume4d
from detente.discovery.hosted import HostedPlan, HostedPlans
from detente.discovery.notices import Notice, NoticeKind
from detente.geo import Terrain
from detente.plans.model import PlanState, PlanVolume

_encode = msgspec.json.Encoder().encode
_subscriptions = msgspec.json.Decoder(tuple[wire.SubscriptionState, ...])


class HostedTeller:
    """Tells hosted plans.

    Args:
        teller: tells references.
        terrain: heights of the ground, for altitudes above it.
    """

    def __init__(self, teller: Teller, terrain: Terrain | None) -> None:
        self._teller = teller
        self._terrain = terrain

    def intent(self, plan: HostedPlan) -> wire_details.OperationalIntent:
        """A plan in full, its OVN included.

        Nominal plans have nominal volumes only. One that is nonconforming keeps them, and may be where they
        are; one that is contingent has off-nominal volumes only. Source: F3548-21, OPIN0015.
        """
        state = plan.reference.state
        volumes = self._volumes(plan.body.volumes)
        return wire_details.OperationalIntent(
            reference=self._teller.reference(plan.reference, None),
            details=wire_details.OperationalIntentDetails(
                volumes=() if state is PlanState.CONTINGENT else volumes,
                off_nominal_volumes=(
                    volumes if state in {PlanState.NONCONFORMING, PlanState.CONTINGENT} else ()
                ),
                priority=plan.body.priority,
            ),
        )

    def _volumes(self, volumes: Sequence[PlanVolume]) -> tuple[wire.Volume4D, ...]:
        return tuple(
            to_volume4d(one, terrain=self._terrain, field=f"volumes[{i}]") for i, one in enumerate(volumes)
        )


class NoticeBodies:
    """What subscribers elsewhere are sent: the plan or zone as it stands when it is sent, or that it is gone.

    Args:
        hosted: the plans.
        teller: tells them.
        zones: the zones, and tells them.
    """

    def __init__(self, hosted: HostedPlans, teller: HostedTeller, zones: HostedZones) -> None:
        self._hosted = hosted
        self._teller = teller
        self._zones = zones

    async def make(self, notice: Notice) -> bytes | None:
        """The bytes to send for a notice; None: nothing is to be told."""
        if notice.kind is NoticeKind.ZONE:
            return _encode(
                wire_details.PutConstraintDetailsParameters(
                    constraint_id=notice.subject_id,
                    subscriptions=_subscriptions.decode(notice.subscriptions),
                    constraint=await self._zones.find(notice.subject_id),
                )
            )
        plan = await self._hosted.find(notice.subject_id)
        return _encode(
            wire_details.PutOperationalIntentDetailsParameters(
                operational_intent_id=notice.subject_id,
                subscriptions=_subscriptions.decode(notice.subscriptions),
                operational_intent=None if plan is None else self._teller.intent(plan),
            )
        )
