"""Availability and reports: the last three operations of ASTM F3548-21's discovery service."""

from msgspec.structs import replace

from detente.astm.f3548 import telling, wire, wire_records
from detente.astm.f3548.reading import (
    ARBITRATION,
    CONFORMANCE,
    CONSTRAINTS,
    CONSTRAINTS_WRITE,
    COORDINATION,
    act_of,
)
from detente.astm.f3548.routing import standard_route
from detente.discovery.arbitration import Arbitration
from detente.discovery.model import Availability
from detente.errors import BadInput, Refused
from detente.web.model import Reply, Request, Route

ANY_SCOPE = (COORDINATION, CONSTRAINTS, CONSTRAINTS_WRITE, CONFORMANCE, ARBITRATION)
_PATH = "/dss/v1/uss_availability/{uss_id}"


def arbitration_routes(arbitration: Arbitration) -> list[Route]:
    """The routes."""
    return [
        *_availability(arbitration),
        report_route("/dss/v1/reports", arbitration),
    ]


def _availability(arbitration: Arbitration) -> list[Route]:
    async def get(request: Request) -> Reply:
        now = await arbitration.availability(request.path["uss_id"])
        return Reply(200, telling.availability(now))

    async def put(request: Request) -> Reply:
        party_id = request.path["uss_id"]
        asked = request.decoded(wire.SetUssAvailabilityStatusParameters)
        availability = Availability(wire.read_availability(asked.availability).lower())
        act = act_of(request, f"PUT availability {party_id}")
        now = await arbitration.set_availability(act, party_id, availability, asked.old_version or "")
        return Reply(200, telling.availability(now))

    answers: dict[int, object | None] = {200: wire.UssAvailabilityStatusResponse}
    return [
        standard_route(
            "GET", _PATH, (ARBITRATION, COORDINATION, CONFORMANCE), get,
            "Whether a USS is reachable.", answers,
        ),
        standard_route(
            "PUT", _PATH, (ARBITRATION,), put, "Say whether a USS is reachable.", answers,
            wire.SetUssAvailabilityStatusParameters, (BadInput, Refused),
        ),
    ]  # fmt: skip


def report_route(path: str, arbitration: Arbitration) -> Route:
    """The route that keeps reports of communication problems; discovery and USS have one each."""

    async def report(request: Request) -> Reply:
        sent = request.decoded(wire_records.ErrorReport)
        report_id = await arbitration.report(act_of(request, f"POST {path}"))
        return Reply(201, replace(sent, report_id=report_id))

    return standard_route(
        "POST", path, ANY_SCOPE, report, "Report a problem in an exchange of messages.",
        {201: wire_records.ErrorReport}, wire_records.ErrorReport, (BadInput,),
    )  # fmt: skip
