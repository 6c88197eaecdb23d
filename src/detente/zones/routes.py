"""HTTP of the zones: what comes in, what goes out, which scope it needs."""

from detente.errors import (
    AlreadyExists,
    KeyReused,
    NotFound,
    StaleVersion,
    VersionRequired,
)
from detente.web.ids import read_uuid, read_uuid_v4
from detente.web.model import QueryField, Reply, Request, Route
from detente.web.versions import MAX_KEY, etag, expected_version, idempotency_key
from detente.zones.model import ZonePage, ZonePublication, ZoneQuery, ZoneView
from detente.zones.service import ZoneOutcome, ZoneRequest, ZonesService

READ, WRITE = "zones.read", "zones.write"
MAX_ZONE_BYTES = 8 * 1_048_576
_ONE = "/v1/zones/{zone_id}"
_IF_MATCH = QueryField("if-match", str, 'the version that is changed, as `"3"`; absent when one is published')
_KEY = QueryField(
    "idempotency-key", str, f"at most {MAX_KEY} characters; the same key and request answer the same"
)


def routes(service: ZonesService) -> list[Route]:
    """All routes of the room."""
    return [*_writing(service), *_reading(service)]


def _writing(service: ZonesService) -> list[Route]:
    async def put(request: Request) -> Reply:
        zone_id = read_uuid_v4(request.path["zone_id"], "zone_id")
        asked = request.decoded(ZonePublication)
        return _reply(
            await service.publish(
                request.who(), zone_id, asked, _zone_request(request, f"PUT zone {zone_id}")
            )
        )

    async def delete(request: Request) -> Reply:
        zone_id = _zone_id(request)
        return _reply(
            await service.withdraw(request.who(), zone_id, _zone_request(request, f"DELETE zone {zone_id}"))
        )

    return [
        Route(
            method="PUT",
            path=_ONE,
            scope=WRITE,
            handler=put,
            summary="Publish a zone, or change it: a change names its version in If-Match.",
            tag="zones",
            body=ZonePublication,
            answers={201: ZoneView, 200: ZoneView},
            errors=(AlreadyExists, NotFound, VersionRequired, StaleVersion, KeyReused),
            headers_in=(_IF_MATCH, _KEY),
            max_body_bytes=MAX_ZONE_BYTES,
        ),
        Route(
            method="DELETE",
            path=_ONE,
            scope=WRITE,
            handler=delete,
            summary="Withdraw your zone at the version that If-Match names.",
            tag="zones",
            answers={204: None},
            errors=(NotFound, VersionRequired, StaleVersion, KeyReused),
            headers_in=(_IF_MATCH, _KEY),
        ),
    ]


def _reading(service: ZonesService) -> list[Route]:
    async def get(request: Request) -> Reply:
        found = await service.find(_zone_id(request))
        return Reply(200, found, headers=etag(found.version))

    async def query(request: Request) -> Reply:
        return Reply(200, await service.query(request.decoded(ZoneQuery)))

    return [
        Route("GET", _ONE, READ, get, "One zone.", "zones", None, {200: ZoneView}, (NotFound,)),
        Route(
            "POST", "/v1/zones/query", READ, query,
            "Zones by area, time, party and source, a page at a time.", "zones",
            ZoneQuery, {200: ZonePage},
        ),
    ]  # fmt: skip


def _zone_id(request: Request) -> str:
    return read_uuid(request.path["zone_id"], "zone_id")


def _zone_request(request: Request, target: str) -> ZoneRequest:
    return ZoneRequest(request.body, target, expected_version(request), idempotency_key(request))


def _reply(outcome: ZoneOutcome) -> Reply:
    return Reply(outcome.status, outcome.body or None, headers=etag(outcome.version))
