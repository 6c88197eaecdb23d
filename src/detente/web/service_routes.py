"""The edge's own routes: is it alive and ready, what has it counted, how is it spoken to, what went wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from detente.errors import NotFound, Unavailable
from detente.web.docs_page import docs_page
from detente.web.metrics import CONTENT_TYPE, Metrics
from detente.web.model import Reply, Request, Route
from detente.web.openapi import openapi_document
from detente.web.pages import HTML_TYPE
from detente.web.problem_pages import problem_index, problem_page

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Says of each thing the server needs ``ok``, ``ok:`` with a remark, or in a few words why it is missing."""

OK = "ok"
TAG = "service"


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Ready(Struct, frozen=True):
    """What the server needs, each ``ok`` or ``ok:`` with a remark."""

    status: str
    checks: dict[str, str]


def service_routes(routes: Sequence[Route], *, readiness: Readiness, metrics: Metrics) -> list[Route]:
    """The edge's routes, which describe ``routes`` and themselves.

    Args:
        routes: what the rooms offer.
        readiness: asked at each ``GET /ready``.
        metrics: what ``GET /metrics`` shows.
    """
    description = _Description()
    own = [*_state_routes(readiness, metrics), *_document_routes(description)]
    description.of([*routes, *own])
    return own


class _Description:
    """The documents about the routes; these are routes themselves, so the documents come after them."""

    def of(self, routes: Sequence[Route]) -> None:
        document = openapi_document(routes)
        self.encoded = msgspec.json.encode(document)
        self.page = docs_page(document)


def _state_routes(readiness: Readiness, metrics: Metrics) -> list[Route]:
    async def get_health(_: Request) -> Reply:
        return Reply(status=200, body=Health(status=OK))

    async def get_ready(_: Request) -> Reply:
        checks = dict(await readiness())
        missing = {name: why for name, why in checks.items() if why != OK and not why.startswith(f"{OK}: ")}
        if missing:
            raise Unavailable(f"not ready: {', '.join(sorted(missing))}", missing=missing)
        return Reply(status=200, body=Ready(status=OK, checks=checks))

    async def get_metrics(_: Request) -> Reply:
        return Reply(status=200, body=metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("GET", "/health", None, get_health, "Is the process alive?", TAG, answers={200: Health}),
        Route(
            "GET",
            "/ready",
            None,
            get_ready,
            "Can the server do its work? Names what is missing.",
            TAG,
            answers={200: Ready},
            errors=(Unavailable,),
        ),
        Route(
            "GET",
            "/metrics",
            "metrics.read",
            get_metrics,
            "What was counted, for Prometheus.",
            TAG,
            answers={200: str},
            answer_media_type="text/plain",
        ),
    ]


def _document_routes(description: _Description) -> list[Route]:
    async def get_openapi(_: Request) -> Reply:
        return Reply(status=200, body=description.encoded)

    async def get_docs(_: Request) -> Reply:
        return description.page

    async def get_problem(request: Request) -> Reply:
        return problem_page(request.path["slug"])

    async def get_problems(_: Request) -> Reply:
        return problem_index()

    html = HTML_TYPE.partition(";")[0]
    return [
        Route(
            "GET",
            "/openapi.json",
            None,
            get_openapi,
            "This description, as OpenAPI 3.1.",
            TAG,
            answers={200: dict[str, object]},
        ),
        Route(
            "GET",
            "/docs",
            None,
            get_docs,
            "This description, as a page.",
            TAG,
            answers={200: str},
            answer_media_type=html,
        ),
        Route(
            "GET",
            "/problems",
            None,
            get_problems,
            "Every problem that can be answered.",
            TAG,
            answers={200: str},
            answer_media_type=html,
        ),
        Route(
            "GET",
            "/problems/{slug}",
            None,
            get_problem,
            "What one problem means and what to do about it.",
            TAG,
            answers={200: str},
            errors=(NotFound,),
            answer_media_type=html,
        ),
    ]
