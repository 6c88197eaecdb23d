"""The HTTP edge: a list of routes becomes an ASGI application.

The framework (Falcon) routes and frames; everything that is promised to callers is in this room:
``gate`` admits, ``problems`` refuses, ``metrics`` counts. Nothing outside ``web/`` imports a framework.
"""

import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import falcon
import falcon.asgi
import msgspec
import structlog

from detente.errors import BadInput, DetenteError, MethodNotAllowed, NotFound
from detente.web.call import SCOPE_KEY, Call, Event, Receive, Send, read_headers
from detente.web.gate import Gate
from detente.web.limits import Limits
from detente.web.metrics import Metrics
from detente.web.model import Authenticator, Reply, Request, Route
from detente.web.pages import HTML_TYPE, SECURITY_HEADERS
from detente.web.problems import problem_reply
from detente.web.rate import RateLimit
from detente.web.service_routes import Readiness, service_routes

Hook = Callable[[], Awaitable[None]]
ASGI = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
_log = structlog.get_logger("detente.web")
_encode = msgspec.json.Encoder().encode
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS]
_KEPT_TYPES = frozenset({HTML_TYPE})
"""What a browser may keep; all else is meant for one caller at one moment, unless its handler says so."""
_NOTHING_MORE: Event = {"type": "http.request", "body": b"", "more_body": False}


def make_app(
    routes: Sequence[Route],
    *,
    authenticator: Authenticator,
    now_ms: Callable[[], int],
    readiness: Readiness,
    metrics: Metrics | None = None,
    limits: Limits | None = None,
    on_start: Sequence[Hook] = (),
    on_stop: Sequence[Hook] = (),
) -> "EdgeApp":
    """Build the application: the given routes, and the edge's own (health, documents, problem pages).

    Args:
        routes: what the rooms offer; no two of one method and path.
        authenticator: verifies bearer tokens.
        now_ms: the clock, milliseconds since 1970 UTC.
        readiness: says of each thing the server needs ``ok`` or why it is missing.
        metrics: counters to share with others of this process; made here if None.
        limits: the edge's limits.
        on_start: awaited in order before the first request (ASGI lifespan), in the worker's event loop.
        on_stop: awaited in order after the last.

    Returns:
        An ASGI application that any ASGI server can run.
    """
    limits = limits or Limits()
    metrics = metrics or Metrics()
    rate = RateLimit(rate_per_s=limits.rate_per_s, burst=limits.rate_burst, accounts=limits.rate_accounts)
    every_route = [*routes, *service_routes(routes, readiness=readiness, metrics=metrics)]
    falcon_app = falcon.asgi.App(middleware=[_Lifespan(on_start, on_stop)])
    resources: dict[str, _Resource] = {}
    for route in every_route:
        gate = Gate(route, authenticator=authenticator, now_ms=now_ms, limits=limits, rate=rate)
        resources.setdefault(route.path, _Resource()).serve(route, gate)
    for path, resource in resources.items():
        falcon_app.add_route(path, resource)
    falcon_app.add_error_handler(Exception, _answer_unexpected)
    falcon_app.add_error_handler(falcon.HTTPError, _answer_framework)
    return EdgeApp(falcon_app, metrics)


class _Resource:
    """What Falcon finds at one path: a responder a method, added as ``on_<method>``."""

    def serve(self, route: Route, gate: Gate) -> None:
        responder = _responder(route, gate)
        for method in ("get", "head") if route.method == "GET" else (route.method.lower(),):
            name = f"on_{method}"
            if hasattr(self, name):
                raise ValueError(f"two routes for {route.method} {route.path}")
            setattr(self, name, responder)


class _Lifespan:
    """Runs the application's hooks in the worker's own event loop."""

    def __init__(self, on_start: Sequence[Hook], on_stop: Sequence[Hook]) -> None:
        self._on_start = on_start
        self._on_stop = on_stop

    async def process_startup(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        del scope, event
        for hook in self._on_start:
            await hook()

    async def process_shutdown(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        del scope, event
        for hook in self._on_stop:
            await hook()


class EdgeApp:
    """An ASGI application: Falcon's, with one passage around it (request id, counters, log line, headers)."""

    def __init__(self, inner: ASGI, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Carry one request, or the server's lifespan, as ASGI 3 says."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        call = Call(receive)
        scope[SCOPE_KEY] = call

        async def send_marked(event: Event) -> None:
            if event["type"] == "http.response.start":
                call.status = event["status"]
                event["headers"] = [
                    *event["headers"],
                    *_SECURITY,
                    (b"x-request-id", call.request_id.encode()),
                ]
            await send(event)

        self._metrics.began()
        try:
            # Falcon would read the first piece of the body before it looks at the request; the gate reads
            # it, after the token and under the time limit.
            await self._inner(scope, _nothing_more, send_marked)
        finally:
            self._note_end(scope["method"], call)

    def _note_end(self, method: str, call: Call) -> None:
        seconds = perf_counter() - call.began_s
        self._metrics.ended(
            method=method, route=call.route, status=call.status, seconds=seconds, problem=call.problem
        )
        _log.info(
            "request",
            method=method,
            route=call.route,
            status=call.status,
            duration_ms=round(seconds * 1_000, 3),
            request_id=call.request_id,
        )
        if call.account_id is not None:
            _log.debug("request_by", request_id=call.request_id, account_id=call.account_id)


async def _nothing_more() -> Event:
    return _NOTHING_MORE


def _responder(route: Route, gate: Gate) -> Callable[..., Awaitable[None]]:
    handler = route.handler
    template = route.path

    async def respond(req: falcon.asgi.Request, resp: falcon.asgi.Response, **path: str) -> None:
        call: Call = req.scope[SCOPE_KEY]
        call.route = template
        try:
            headers = read_headers(req.scope["headers"])
            request: Request = await gate.admit(call, headers, path, req.scope["query_string"])
            reply = await handler(request)
        except DetenteError as refusal:
            _refuse(call, resp, refusal)
        else:
            _write(resp, reply)

    return respond


def _write(resp: falcon.asgi.Response, reply: Reply) -> None:
    resp.status = reply.status
    resp.content_type = reply.media_type
    if reply.body is not None:
        resp.data = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
    may_be_kept = reply.media_type in _KEPT_TYPES
    for name, value in reply.headers:
        resp.append_header(name, value)
        may_be_kept = may_be_kept or name.lower() == "cache-control"
    if not may_be_kept:
        resp.set_header("cache-control", "no-store")


def _refuse(call: Call, resp: falcon.asgi.Response, refusal: DetenteError) -> None:
    call.problem = refusal.slug
    _write(resp, problem_reply(refusal, call.request_id))


async def _answer_framework(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: falcon.HTTPError, params: object
) -> None:
    """Say what Falcon refuses (no such path, no such method) in the same words as everything else."""
    del params
    refusal: DetenteError
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        allow = str((error.headers or {}).get("Allow", "")) if isinstance(error.headers, dict) else ""
        refusal = MethodNotAllowed(f"this path has no method {req.method}", allow=allow)
    elif isinstance(error, falcon.HTTPNotFound):
        refusal = NotFound("there is nothing at this path")
    else:
        refusal = BadInput("the request cannot be read", field="", expected="an HTTP request of this API")
    _refuse(req.scope[SCOPE_KEY], resp, refusal)


async def _answer_unexpected(
    req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, params: object
) -> None:
    """The outermost loop: what nobody expected is logged with the request's id and told without innards."""
    del params
    call: Call = req.scope[SCOPE_KEY]
    # The text of the traceback, never its local variables: those hold the token.
    trace = "".join(traceback.format_exception(error))
    _log.error("unexpected", request_id=call.request_id, route=call.route, traceback=trace)
    resp.data = None
    _refuse(call, resp, DetenteError("something went wrong here; nothing is known of the outcome"))
