"""Discovery of operational intents: five of the eighteen operations of ASTM F3548-21's discovery service."""

from detente.astm.f3548 import wire
from detente.astm.f3548.reading import CONFORMANCE, COORDINATION, act_of, read_id
from detente.astm.f3548.routing import WRITE_ERRORS, Wire, standard_route
from detente.astm.f3548.volumes import MAX_AREA_KM2, to_area
from detente.discovery.areas import rows_of_area
from detente.discovery.references import References
from detente.errors import BadInput, MissingKeys, NotFound
from detente.web.model import Reply, Request, Route

_PATH = "/dss/v1/operational_intent_references"
_SCOPES = (COORDINATION, CONFORMANCE)
_CHANGED = wire.ChangeOperationalIntentReferenceResponse
_FOUND = wire.QueryOperationalIntentReferenceResponse


def reference_routes(references: References, at: Wire) -> list[Route]:
    """The routes."""
    return [_query(references, at), _get(references, at), *_writes(references, at), _delete(references, at)]


def asked_area(volume: wire.Volume4D | None) -> wire.Volume4D:
    """The area that a query must name.

    Raises:
        BadInput: if it does not.
    """
    if volume is None:
        raise BadInput(
            "area_of_interest is missing", field="area_of_interest", expected="a volume", actual="nothing"
        )
    return volume


def _query(references: References, at: Wire) -> Route:
    async def query(request: Request) -> Reply:
        asked = asked_area(request.decoded(wire.QueryOperationalIntentReferenceParameters).area_of_interest)
        area = to_area(asked, "area_of_interest", max_area_km2=MAX_AREA_KM2)
        viewer = request.who().party_id
        found = await references.search(viewer, rows_of_area(area, "area_of_interest.volume"))
        return Reply(200, _FOUND(at.teller.references(found, viewer)))

    return standard_route(
        "POST", f"{_PATH}/query", _SCOPES, query, "Operational intents that meet an area.",
        {200: wire.QueryOperationalIntentReferenceResponse}, wire.QueryOperationalIntentReferenceParameters,
    )  # fmt: skip


def _get(references: References, at: Wire) -> Route:
    async def get(request: Request) -> Reply:
        found = await references.find(read_id(request.path["entityid"], "entityid"))
        told = at.teller.reference(found, request.who().party_id)
        return Reply(200, wire.GetOperationalIntentReferenceResponse(told))

    return standard_route(
        "GET", f"{_PATH}/{{entityid}}", _SCOPES, get, "One operational intent's reference.",
        {200: wire.GetOperationalIntentReferenceResponse}, errors=(BadInput, NotFound),
    )  # fmt: skip


def _writes(references: References, at: Wire) -> list[Route]:
    async def write(request: Request) -> Reply:
        plan_id = read_id(request.path["entityid"], "entityid")
        expected = request.path.get("ovn")
        who = request.who()
        body = at.reader.reference(request.decoded(wire.PutOperationalIntentReferenceParameters), who)
        act = act_of(request, f"PUT {plan_id}/{expected or ''}")
        try:
            written = await references.write(act, plan_id, body, expected)
        except MissingKeys as refusal:
            return Reply(409, at.teller.missing(refusal, who.party_id))
        return Reply(201 if expected is None else 200, at.teller.written(written, who.party_id))

    body = wire.PutOperationalIntentReferenceParameters
    refused = wire.AirspaceConflictResponse
    return [
        standard_route(
            "PUT", f"{_PATH}/{{entityid}}", _SCOPES, write, "Make an operational intent's reference.",
            {201: _CHANGED, 409: refused}, body, WRITE_ERRORS,
        ),
        standard_route(
            "PUT", f"{_PATH}/{{entityid}}/{{ovn}}", _SCOPES, write,
            "Change an operational intent's reference.",
            {200: _CHANGED, 409: refused}, body, WRITE_ERRORS,
        ),
    ]  # fmt: skip


def _delete(references: References, at: Wire) -> Route:
    async def delete(request: Request) -> Reply:
        plan_id, expected = read_id(request.path["entityid"], "entityid"), request.path["ovn"]
        written = await references.end(act_of(request, f"DELETE {plan_id}/{expected}"), plan_id, expected)
        return Reply(200, at.teller.written(written, request.who().party_id))

    return standard_route(
        "DELETE", f"{_PATH}/{{entityid}}/{{ovn}}", _SCOPES, delete, "End an operational intent's reference.",
        {200: _CHANGED}, errors=WRITE_ERRORS,
    )  # fmt: skip
