"""The routes through which a test harness plans flights: there only where the operator turned them on.

Source: InterUSS, flight planning automated testing interface v0.7.0. Two things are wider than it says:
closing a flight is open to the scope that plans one, too, since harnesses close with it; and the refusal of
an unknown flight has the members of a success, since harnesses read them.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from detente.astm.f3548.reading import read_id
from detente.astm.flight_planning import telling, wire
from detente.astm.flight_planning.service import FlightPlanning
from detente.errors import BadInput, DetenteError, KeyReused
from detente.parties.model import Scope
from detente.plans.volumes import from_ms
from detente.web.model import Handler, QueryField, RefusalForm, Reply, Request, Route

BASE: Final = "/flight_planning/v1"
TAG: Final = "testing"
API_NAME: Final = "Flight Planning Automated Testing Interface"
API_VERSION: Final = "v0.7.0"
MAX_BODY_BYTES: Final = 4 * 1_048_576
_STATUSES: Final = {KeyReused.slug: 409}
_PLAN: Final = Scope.FLIGHT_PLANNING_PLAN.value
_DIRECT: Final = Scope.FLIGHT_PLANNING_DIRECT.value
_MAX_SHOWN: Final = 200
Prepare = Callable[[], Awaitable[bool]]


class _Instant(Struct, frozen=True):
    at: Annotated[datetime, Meta(tz=True)]


def flight_planning_routes(planning: FlightPlanning, prepare: Prepare) -> list[Route]:
    """All routes of the interface.

    Args:
        planning: the verbs.
        prepare: makes ready what they need; answers whether it is.
    """
    return [
        _route("GET", "/status", (_DIRECT,), _status(prepare), "Whether the interface is ready for a test.",
               {200: wire.StatusResponse}),
        _route("POST", "/clear_area_requests", (_DIRECT,), _clear(planning, prepare),
               "End every plan of the party that this server speaks for in an area.",
               {200: wire.ClearAreaResponse}, body=wire.ClearAreaRequest),
        _route("PUT", "/flight_plans/{flight_plan_id}", (_PLAN,), _upsert(planning, prepare),
               "Plan, change, use or close a flight as a user would.",
               {200: wire.UpsertFlightPlanResponse}, body=wire.UpsertFlightPlanRequest,
               errors=(BadInput, KeyReused)),
        _route("DELETE", "/flight_plans/{flight_plan_id}", (_DIRECT, _PLAN), _delete(planning, prepare),
               "End a flight's plan, in whatever state it is.",
               {200: wire.DeleteFlightPlanResponse, 404: wire.DeleteFlightPlanResponse}),
        _route("GET", "/user_notifications", (_PLAN,), _notifications(planning),
               "What the user was told of conflicts between two instants.",
               {200: wire.QueryUserNotificationsResponse}, errors=(BadInput,),
               query=(QueryField("after", str, "the first instant, RFC 3339", is_required=True),
                      QueryField("before", str, "the last instant; now if absent"))),
    ]  # fmt: skip


def _route(  # noqa: PLR0917 - a route in a few lines
    method: str,
    path: str,
    scopes: Sequence[str],
    handler: Handler,
    summary: str,
    answers: dict[int, object | None],
    body: object | None = None,
    errors: tuple[type[DetenteError], ...] = (),
    query: tuple[QueryField, ...] = (),
) -> Route:
    return Route(
        method=method,
        path=BASE + path,
        scope=scopes[0],
        or_scopes=tuple(scopes[1:]),
        handler=handler,
        summary=summary,
        tag=TAG,
        body=body,
        answers=answers,
        errors=errors,
        query=query,
        max_body_bytes=MAX_BODY_BYTES,
        refusals=RefusalForm.ERROR_RESPONSE,
        statuses=_STATUSES,
    )


def _status(prepare: Prepare) -> Handler:
    async def status(_: Request) -> Reply:
        is_ready = await prepare()
        return Reply(200, wire.StatusResponse("Ready" if is_ready else "Starting", API_NAME, API_VERSION))

    return status


def _clear(planning: FlightPlanning, prepare: Prepare) -> Handler:
    async def clear(request: Request) -> Reply:
        await prepare()
        asked = request.decoded(wire.ClearAreaRequest)
        outcome = await planning.clear(request.who(), asked.extent, request.body)
        return Reply(200, wire.ClearAreaResponse(outcome))

    return clear


def _upsert(planning: FlightPlanning, prepare: Prepare) -> Handler:
    async def upsert(request: Request) -> Reply:
        await prepare()
        flight_plan_id = read_id(request.path["flight_plan_id"], "flight_plan_id")
        flight = request.decoded(wire.UpsertFlightPlanRequest)
        return Reply(200, await planning.upsert(request.who(), flight_plan_id, flight, request.body))

    return upsert


def _delete(planning: FlightPlanning, prepare: Prepare) -> Handler:
    async def delete(request: Request) -> Reply:
        await prepare()
        flight_plan_id = read_id(request.path["flight_plan_id"], "flight_plan_id")
        answer = await planning.close(request.who(), flight_plan_id)
        if answer is None:
            return Reply(404, wire.DeleteFlightPlanResponse("Completed", "Closed", telling.NOT_KNOWN))
        return Reply(200, answer)

    return delete


def _notifications(planning: FlightPlanning) -> Handler:
    async def notifications(request: Request) -> Reply:
        after = _instant(request.query["after"], "after")
        named = request.query.get("before")
        before = from_ms(request.now_ms) if named is None else _instant(named, "before")
        if before < after:
            raise BadInput(
                f"before is {before.isoformat()}, earlier than after",
                field="before",
                expected=f"later than after ({after.isoformat()})",
                actual=before.isoformat(),
            )
        found = await planning.notifications(after, before)
        return Reply(200, wire.QueryUserNotificationsResponse(tuple(found)))

    return notifications


def _instant(text: str, field: str) -> datetime:
    try:
        # In a query a plus sign that nobody escaped is a space.
        return msgspec.convert({"at": text.replace(" ", "+")}, _Instant).at
    except msgspec.ValidationError as wrong:
        raise BadInput(
            f"{field} is no instant",
            field=field,
            expected="RFC 3339 with a zone",
            actual=text[:_MAX_SHOWN],
        ) from wrong
