"""HTTP of the plans: what comes in, what goes out, which scope it needs."""

from detente.errors import (
    AlreadyExists,
    ClosedZone,
    ConflictingPlan,
    ForbiddenTransition,
    KeyReused,
    NotFound,
    StaleVersion,
    VersionRequired,
)
from detente.plans.model import (
    CheckBody,
    CheckResult,
    Conflict,
    ConflictsPage,
    ConflictsQuery,
    PlanBody,
    PlanPage,
    PlanVersion,
    PlanView,
    QueryBody,
    SeparationRule,
    StateBody,
)
from detente.plans.questions import Questions
from detente.plans.requests import Outcome
from detente.plans.requests import Request as PlanRequest
from detente.plans.separations import Separations
from detente.plans.service import PlansService
from detente.plans.streams import AFTER, EventStreams
from detente.web.ids import read_uuid
from detente.web.model import QueryField, Reply, Request, Route
from detente.web.stream import SSE_TYPE
from detente.web.versions import MAX_KEY, etag, expected_version, idempotency_key

READ, WRITE = "plans.read", "plans.write"
SEPARATIONS_READ, SEPARATIONS_WRITE = "separations.read", "separations.write"
MAX_PLAN_BYTES = 4 * 1_048_576

_IF_MATCH = QueryField(
    "if-match", str, 'the version that is changed, as `"3"`; absent when a plan is declared'
)
_KEY = QueryField(
    "idempotency-key", str, f"at most {MAX_KEY} characters; the same key and request answer the same"
)
_WAYS_OUT = QueryField("ways_out", bool, "whether a refusal looks for ways out; `true` if absent")


def routes(
    service: PlansService, questions: Questions, separations: Separations, streams: EventStreams
) -> list[Route]:
    """All routes of the room."""
    return [*_writing(service), *_reading(questions), *_separations(separations), _events(streams)]


def _writing(service: PlansService) -> list[Route]:
    async def put_plan(request: Request) -> Reply:
        plan_id = _plan_id(request)
        return _reply(
            await service.declare(
                request.who(), plan_id, request.decoded(PlanBody), _plan_request(request, f"PUT {plan_id}")
            )
        )

    async def put_state(request: Request) -> Reply:
        plan_id = _plan_id(request)
        return _reply(
            await service.enter_state(
                request.who(),
                plan_id,
                request.decoded(StateBody),
                _plan_request(request, f"PUT {plan_id}/state"),
            )
        )

    return [
        Route(
            method="PUT",
            path="/v1/plans/{plan_id}",
            scope=WRITE,
            handler=put_plan,
            summary="Declare a plan, or change it: a change names its version in If-Match.",
            tag="plans",
            body=PlanBody,
            answers={201: PlanView, 200: PlanView},
            errors=(
                ConflictingPlan,
                ClosedZone,
                AlreadyExists,
                VersionRequired,
                StaleVersion,
                KeyReused,
                ForbiddenTransition,
            ),
            query=(_WAYS_OUT,),
            headers_in=(_IF_MATCH, _KEY),
            max_body_bytes=MAX_PLAN_BYTES,
        ),
        Route(
            method="PUT",
            path="/v1/plans/{plan_id}/state",
            scope=WRITE,
            handler=put_state,
            summary="Activate a plan, report it nonconforming or contingent, or end it.",
            tag="plans",
            body=StateBody,
            answers={200: PlanView},
            errors=(
                ConflictingPlan,
                ClosedZone,
                ForbiddenTransition,
                VersionRequired,
                StaleVersion,
                KeyReused,
                NotFound,
            ),
            query=(_WAYS_OUT,),
            headers_in=(_IF_MATCH, _KEY),
        ),
    ]


def _reading(questions: Questions) -> list[Route]:
    async def get_plan(request: Request) -> Reply:
        found = await questions.find(request.who(), _plan_id(request))
        return Reply(200, found, headers=etag(found.version))

    async def get_history(request: Request) -> Reply:
        return Reply(200, await questions.history(request.who(), _plan_id(request)))

    async def get_conflicts(request: Request) -> Reply:
        return Reply(200, await questions.conflicts_of(request.who(), _plan_id(request)))

    async def check(request: Request) -> Reply:
        return Reply(200, await questions.check(request.who(), request.decoded(CheckBody)))

    async def query(request: Request) -> Reply:
        return Reply(200, await questions.query(request.who(), request.decoded(QueryBody)))

    async def query_conflicts(request: Request) -> Reply:
        asked = request.decoded(ConflictsQuery)
        return Reply(200, await questions.query_conflicts(request.who(), asked))

    one = "/v1/plans/{plan_id}"
    return [
        Route(
            "GET", one, READ, get_plan, "One plan, as you may see it.", "plans",
            None, {200: PlanView}, (NotFound,),
        ),
        Route(
            "GET", f"{one}/history", READ, get_history,
            "Every version of your own plan, oldest first.", "plans",
            None, {200: tuple[PlanVersion, ...]}, (NotFound,),
        ),
        Route(
            "GET", f"{one}/conflicts", READ, get_conflicts,
            "What your own plan stands beside: plans that outrank it, or that it outranks or knows.", "plans",
            None, {200: tuple[Conflict, ...]}, (NotFound,),
        ),
        Route(
            "POST", "/v1/plans/check", READ, check,
            "What would refuse these volumes now; changes nothing.", "plans",
            CheckBody, {200: CheckResult}, max_body_bytes=MAX_PLAN_BYTES,
        ),
        Route(
            "POST", "/v1/plans/query", READ, query,
            "Plans that you may see, by area, time, height, party and state, a page at a time.", "plans",
            QueryBody, {200: PlanPage},
        ),
        Route(
            "POST", "/v1/plans/conflicts/query", READ, query_conflicts,
            "Your own plans that stand beside others, and what each stands beside, in pages.", "plans",
            ConflictsQuery, {200: ConflictsPage},
        ),
    ]  # fmt: skip


def _separations(separations: Separations) -> list[Route]:
    async def get_all(request: Request) -> Reply:  # noqa: ARG001 - every handler takes the request
        return Reply(200, await separations.list())

    async def put(request: Request) -> Reply:
        return Reply(200, await separations.put(request.who(), request.decoded(SeparationRule), request.body))

    async def delete(request: Request) -> Reply:
        await separations.delete(request.who(), request.query["party_a"], request.query.get("party_b"))
        return Reply(204)

    pair = (
        QueryField("party_a", str, "one party", is_required=True),
        QueryField("party_b", str, "the other; absent: everyone"),
    )
    path = "/v1/separations"
    return [
        Route(
            "GET", path, SEPARATIONS_READ, get_all, "How far pairs of parties keep apart.", "separations",
            None, {200: tuple[SeparationRule, ...]},
        ),
        Route(
            "PUT", path, SEPARATIONS_WRITE, put,
            "Set how far a pair of parties keeps apart, for plans declared from now on.", "separations",
            SeparationRule, {200: SeparationRule},
        ),
        Route(
            "DELETE", path, SEPARATIONS_WRITE, delete, "Remove the separation of a pair.", "separations",
            None, {204: None}, (NotFound,), pair,
        ),
    ]  # fmt: skip


def _events(streams: EventStreams) -> Route:
    async def get_events(request: Request) -> Reply:
        chunks = streams.stream(request.who(), request.query.get(AFTER))
        # Proxies that gather an answer before they pass it on would hold every event back.
        return Reply(200, chunks, (("x-accel-buffering", "no"),), SSE_TYPE)

    return Route(
        method="GET",
        path="/v1/events",
        scope=READ,
        handler=get_events,
        summary="What changes of the plans and refusals that you may know of (server-sent events).",
        tag="plans",
        answers={200: str},
        query=(QueryField(AFTER, str, "the id of the last event that you have seen; from now on if absent"),),
        answer_media_type=SSE_TYPE,
    )


def _plan_id(request: Request) -> str:
    return read_uuid(request.path["plan_id"], "plan_id")


def _plan_request(request: Request, target: str) -> PlanRequest:
    return PlanRequest(
        content=request.body,
        target=target,
        expected_version=expected_version(request),
        key=idempotency_key(request),
        wants_ways_out=request.flag("ways_out", default=True),
    )


def _reply(outcome: Outcome) -> Reply:
    return Reply(outcome.status, outcome.body, headers=etag(outcome.version))
