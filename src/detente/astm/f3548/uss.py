"""Party to party: what the server of each party that is hosted here answers under ``/uss/v1``.

Source: ASTM F3548-21, OpenAPI, tag p2p_utm.
"""

from collections.abc import Callable
from typing import Protocol

from detente.astm.f3548 import wire, wire_details
from detente.astm.f3548.dss_arbitration import report_route
from detente.astm.f3548.hosted_plans import HostedTeller
from detente.astm.f3548.hosted_zones import HostedZones
from detente.astm.f3548.peer_plans import told_of
from detente.astm.f3548.peer_zones import told_of_zone
from detente.astm.f3548.reading import CONFORMANCE, CONSTRAINTS, CONSTRAINTS_WRITE, COORDINATION, read_id
from detente.astm.f3548.routing import standard_route
from detente.discovery import peer_details
from detente.discovery.arbitration import Arbitration
from detente.discovery.hosted import HostedPlans
from detente.discovery.managers import manager_of_plan, manager_of_zone
from detente.discovery.peer_details import Told
from detente.errors import BadInput, NotAllowed, NotFound, Refused
from detente.plans.model import PlanState
from detente.store import Pool
from detente.web.model import Reply, Request, Route

_PLANS = "/uss/v1/operational_intents"
_ZONES = "/uss/v1/constraints"
_OFF_NOMINAL = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})


class Listener(Protocol):
    """Who follows what managers tell of their plans; a node does."""

    async def told(self, reference: wire.OperationalIntentReference, told: Told) -> None:
        """A manager told of its plan."""
        ...

    async def ended(self, plan_id: str) -> None:
        """A manager told that its plan is no more."""
        ...


def uss_routes(  # noqa: PLR0917 - what the operations stand on, in their order
    pool: Pool,
    hosted: HostedPlans,
    teller: HostedTeller,
    zones: HostedZones,
    arbitration: Arbitration,
    now_ms: Callable[[], int],
    listener: Listener | None = None,
) -> list[Route]:
    """All routes under ``/uss/v1``.

    Args:
        pool: database connections, for what peers tell.
        hosted: plans whose details are kept here.
        teller: tells them.
        zones: zones whose details are kept here.
        arbitration: keeps reports.
        now_ms: the present.
        listener: who follows what is told, too.
    """
    return [
        _details(hosted, teller),
        _telemetry(hosted),
        _told_plan(pool, now_ms, listener),
        _zone_details(zones),
        _told_zone(pool, now_ms),
        report_route("/uss/v1/reports", arbitration),
    ]


def _details(hosted: HostedPlans, teller: HostedTeller) -> Route:
    async def details(request: Request) -> Reply:
        plan_id = read_id(request.path["entityid"], "entityid")
        plan = await hosted.tell(plan_id, request.who().party_id)
        return Reply(200, wire_details.GetOperationalIntentDetailsResponse(teller.intent(plan)))

    return standard_route(
        "GET", f"{_PLANS}/{{entityid}}", (COORDINATION,), details,
        "Details of an operational intent that is kept here.",
        {200: wire_details.GetOperationalIntentDetailsResponse}, errors=(BadInput, NotFound),
    )  # fmt: skip


def _telemetry(hosted: HostedPlans) -> Route:
    async def telemetry(request: Request) -> Reply:
        plan_id = read_id(request.path["entityid"], "entityid")
        plan = await hosted.tell(plan_id, request.who().party_id)
        if plan.reference.state not in _OFF_NOMINAL:
            return Reply(409, wire.ErrorResponse("the plan is nominal: where its craft is, is where it says"))
        return Reply(412, wire.ErrorResponse("the craft of this plan reports no positions here"))

    return standard_route(
        "GET", f"{_PLANS}/{{entityid}}/telemetry", (CONFORMANCE,), telemetry,
        "Where the craft of an off-nominal operational intent is.",
        {
            200: wire_details.GetOperationalIntentTelemetryResponse,
            409: wire.ErrorResponse,
            412: wire.ErrorResponse,
        },
        errors=(BadInput, NotFound),
    )  # fmt: skip


def _told_plan(pool: Pool, now_ms: Callable[[], int], listener: Listener | None) -> Route:
    async def told(request: Request) -> Reply:
        message = request.decoded(wire_details.PutOperationalIntentDetailsParameters)
        plan_id = read_id(message.operational_intent_id, "operational_intent_id")
        _require_manager(await manager_of_plan(pool, plan_id), request.who().party_id)
        if message.operational_intent is None:
            await peer_details.drop(pool, plan_id)
            if listener is not None:
                await listener.ended(plan_id)
        else:
            told = told_of(message.operational_intent)
            await _keep(pool, told, plan_id, request.who().party_id, now_ms())
            if listener is not None:
                await listener.told(message.operational_intent.reference, told)
        return Reply(204)

    return standard_route(
        "POST", _PLANS, (COORDINATION,), told, "Tell that an operational intent changed.", {204: None},
        wire_details.PutOperationalIntentDetailsParameters, (BadInput, Refused),
    )  # fmt: skip


def _zone_details(zones: HostedZones) -> Route:
    async def details(request: Request) -> Reply:
        zone_id = read_id(request.path["entityid"], "entityid")
        zone = await zones.find(zone_id)
        if zone is None:
            raise NotFound(f"no details of a constraint {zone_id} are kept here", zone_id=zone_id)
        return Reply(200, wire_details.GetConstraintDetailsResponse(zone))

    return standard_route(
        "GET", f"{_ZONES}/{{entityid}}", (CONSTRAINTS,), details,
        "Details of a constraint that is kept here.",
        {200: wire_details.GetConstraintDetailsResponse}, errors=(BadInput, NotFound),
    )  # fmt: skip


def _told_zone(pool: Pool, now_ms: Callable[[], int]) -> Route:
    async def told(request: Request) -> Reply:
        message = request.decoded(wire_details.PutConstraintDetailsParameters)
        zone_id = read_id(message.constraint_id, "constraint_id")
        _require_manager(await manager_of_zone(pool, zone_id), request.who().party_id)
        if message.constraint is None:
            await peer_details.drop(pool, zone_id)
        else:
            told = told_of_zone(message.constraint)
            await _keep(pool, told, zone_id, request.who().party_id, now_ms())
        return Reply(204)

    return standard_route(
        "POST", _ZONES, (CONSTRAINTS_WRITE,), told, "Tell that a constraint changed.", {204: None},
        wire_details.PutConstraintDetailsParameters, (BadInput, Refused),
    )  # fmt: skip


def _require_manager(known: str | None, sender: str) -> None:
    """Refuse who tells of what another party manages, by our own records.

    Raises:
        NotAllowed: naming neither.
    """
    if known is not None and known != sender:
        raise NotAllowed("you are not the manager of this, by our records")


async def _keep(pool: Pool, told: Told, subject_id: str, sender: str, now_ms: int) -> None:
    if told.subject_id != subject_id:
        raise BadInput(
            "the reference is of another entity than the message",
            field="reference.id",
            expected=subject_id,
            actual=told.subject_id,
        )
    if told.party_id != sender:
        raise NotAllowed("the manager in the reference is not who sends this")
    if not await peer_details.keep(pool, told, now_ms):
        raise Refused("a newer version, or other words of the same one, was told before")
