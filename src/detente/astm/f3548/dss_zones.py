"""Discovery of constraints: five of the eighteen operations of ASTM F3548-21's discovery service."""

from detente.astm.f3548 import wire
from detente.astm.f3548.dss_references import asked_area
from detente.astm.f3548.reading import CONSTRAINTS, CONSTRAINTS_WRITE, act_of, read_id
from detente.astm.f3548.routing import WRITE_ERRORS, Wire, standard_route
from detente.astm.f3548.volumes import MAX_AREA_KM2, to_area
from detente.discovery.areas import rows_of_area
from detente.discovery.zones import ZoneReferences
from detente.errors import BadInput, NotFound
from detente.web.model import Reply, Request, Route

_PATH = "/dss/v1/constraint_references"
_READ, _WRITE = (CONSTRAINTS_WRITE, CONSTRAINTS), (CONSTRAINTS_WRITE,)
_CHANGED = wire.ChangeConstraintReferenceResponse


def zone_routes(zones: ZoneReferences, at: Wire) -> list[Route]:
    """The routes."""
    return [_query(zones, at), _get(zones, at), *_writes(zones, at), _delete(zones, at)]


def _query(zones: ZoneReferences, at: Wire) -> Route:
    async def query(request: Request) -> Reply:
        asked = asked_area(request.decoded(wire.QueryConstraintReferenceParameters).area_of_interest)
        area = to_area(asked, "area_of_interest", max_area_km2=MAX_AREA_KM2)
        found = await zones.search(rows_of_area(area, "area_of_interest.volume"))
        told = at.teller.zones(found, request.who().party_id)
        return Reply(200, wire.QueryConstraintReferencesResponse(told))

    return standard_route(
        "POST", f"{_PATH}/query", _READ, query, "Constraints that meet an area.",
        {200: wire.QueryConstraintReferencesResponse}, wire.QueryConstraintReferenceParameters,
    )  # fmt: skip


def _get(zones: ZoneReferences, at: Wire) -> Route:
    async def get(request: Request) -> Reply:
        found = await zones.find(read_id(request.path["entityid"], "entityid"))
        return Reply(200, wire.GetConstraintReferenceResponse(at.teller.zone(found, request.who().party_id)))

    return standard_route(
        "GET", f"{_PATH}/{{entityid}}", _READ, get, "One constraint's reference.",
        {200: wire.GetConstraintReferenceResponse}, errors=(BadInput, NotFound),
    )  # fmt: skip


def _writes(zones: ZoneReferences, at: Wire) -> list[Route]:
    async def write(request: Request) -> Reply:
        zone_id = read_id(request.path["entityid"], "entityid")
        expected = request.path.get("ovn")
        body = at.reader.zone(request.decoded(wire.PutConstraintReferenceParameters))
        written = await zones.write(
            act_of(request, f"PUT zone {zone_id}/{expected or ''}"), zone_id, body, expected
        )
        told = at.teller.written_zone(written, request.who().party_id)
        return Reply(201 if expected is None else 200, told)

    body = wire.PutConstraintReferenceParameters
    return [
        standard_route(
            "PUT", f"{_PATH}/{{entityid}}", _WRITE, write, "Make a constraint's reference.",
            {201: _CHANGED}, body, WRITE_ERRORS,
        ),
        standard_route(
            "PUT", f"{_PATH}/{{entityid}}/{{ovn}}", _WRITE, write, "Change a constraint's reference.",
            {200: _CHANGED}, body, WRITE_ERRORS,
        ),
    ]  # fmt: skip


def _delete(zones: ZoneReferences, at: Wire) -> Route:
    async def delete(request: Request) -> Reply:
        zone_id, expected = read_id(request.path["entityid"], "entityid"), request.path["ovn"]
        written = await zones.end(act_of(request, f"DELETE zone {zone_id}/{expected}"), zone_id, expected)
        return Reply(200, at.teller.written_zone(written, request.who().party_id))

    return standard_route(
        "DELETE", f"{_PATH}/{{entityid}}/{{ovn}}", _WRITE, delete, "Withdraw a constraint's reference.",
        {200: _CHANGED}, errors=WRITE_ERRORS,
    )  # fmt: skip
