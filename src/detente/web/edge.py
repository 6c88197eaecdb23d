"""The HTTP edge: a list of routes becomes an ASGI application.

Everything that is promised to callers is in this room: ``gate`` admits, ``problems`` refuses, ``metrics``
counts. Nothing outside ``web/`` imports a framework.
"""

import traceback
from collections.abc import AsyncGenerator, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import Any

import msgspec
import structlog
from falcon.routing import CompiledRouter

from detente.errors import DetenteError, MethodNotAllowed, NotFound
from detente.web.call import Call, Event, Receive, Send, read_headers
from detente.web.gate import Gate
from detente.web.lifespan import Hook, Lifespan
from detente.web.limits import Limits
from detente.web.metrics import Metrics
from detente.web.model import Authenticator, RefusalForm, Reply, Route
from detente.web.pages import HTML_TYPE, SECURITY_HEADERS
from detente.web.problems import refusal_reply
from detente.web.rate import RateLimit
from detente.web.service_routes import Readiness, service_routes
from detente.web.stopping import STOPPING, Stopping
from detente.web.stream import Outflow

_encode = msgspec.json.Encoder().encode
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS]
_KEPT_TYPES = frozenset({HTML_TYPE})
"""What a browser may keep; all else is meant for one caller at one moment, unless its handler says so."""
_NOTHING: tuple[object, object, dict[str, str], str] = (None, None, {}, "")
_NO_STORE = (b"cache-control", b"no-store")
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


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
    paths: dict[str, _Path] = {}
    for route in every_route:
        _check(route)
        gate = Gate(route, authenticator=authenticator, now_ms=now_ms, limits=limits, rate=rate)
        paths.setdefault(route.path, _Path()).offer(route, gate)
    router = CompiledRouter()
    for template, path in paths.items():
        router.add_route(template, path, _asgi=True)
    return EdgeApp(router, metrics, limits, on_start, on_stop)


def _check(route: Route) -> None:
    """Refuse a route that would not do what it says."""
    if route.or_scopes and route.scope is None:
        raise ValueError(f"{route.method} {route.path} is open, so other scopes mean nothing")
    if route.statuses and route.refusals is RefusalForm.PROBLEM:
        raise ValueError(f"{route.method} {route.path}: a problem's status is the one that its page names")


class _Path:
    """The methods of one path template."""

    def __init__(self) -> None:
        self.methods: dict[str, tuple[Gate, Route]] = {}
        self.allow = ""

    def offer(self, route: Route, gate: Gate) -> None:
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            if method in self.methods:
                raise ValueError(f"two routes for {route.method} {route.path}")
            self.methods[method] = (gate, route)
        self.allow = ", ".join([*self.methods, "OPTIONS"])


class EdgeApp:
    """An ASGI application: finds the route, lets its gate and handler answer, counts, logs, sends.

    Falcon's compiled router finds; its request and response objects are not used, because of what they cost
    (docs/decisions/0003-http-edge.md).
    """

    def __init__(
        self,
        router: CompiledRouter,
        metrics: Metrics,
        limits: Limits,
        on_start: Sequence[Hook],
        on_stop: Sequence[Hook],
    ) -> None:
        # Bound once: finding the logger anew costs more than writing the line.
        self._log = structlog.get_logger("detente.web").bind()
        self._router = router
        self._metrics = metrics
        self._limits = limits
        self._stopping = Stopping()
        self._lifespan = Lifespan(on_start, [self._end_streams, *on_stop])

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Carry one request, or the server's lifespan, as ASGI 3 says."""
        if scope["type"] == "lifespan":
            if (word := scope.get(STOPPING)) is not None:
                word.tell(self._stopping.set)
            await self._lifespan.run(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        call = Call(receive)
        self._metrics.began()
        try:
            reply = await self._answer(scope, call)
            if call.outflow is None:
                await _send(send, reply, call, is_head=scope["method"] == "HEAD")
                call.status = reply.status
            else:
                await self._stream(send, reply, call, call.outflow, is_head=scope["method"] == "HEAD")
        finally:
            self._note_end(scope["method"], call)

    async def _stream(self, send: Send, reply: Reply, call: Call, outflow: Outflow, *, is_head: bool) -> None:
        try:
            await send(_head(reply, call, length=None))
            call.status = reply.status
            if is_head:
                await send({"type": "http.response.body", "body": b""})
            else:
                await outflow.pour(send, call.receive, self._stopping, self._limits)
        except DetenteError as broken:
            # Too late for a problem document; who comes back is told by the next answer.
            self._log.info("stream_ended", request_id=call.request_id, route=call.route, why=broken.slug)
        except Exception as unexpected:  # noqa: BLE001 - the outermost loop: logged, and the stream has ended
            self._log_unexpected(unexpected, call)
        finally:
            await outflow.close()

    async def _end_streams(self) -> None:
        self._stopping.set()

    async def _answer(self, scope: Mapping[str, Any], call: Call) -> Reply:
        try:
            return await self._reply(scope, call)
        except DetenteError as refusal:
            call.problem = refusal.slug
            return refusal_reply(refusal, call.request_id, call.found)
        except Exception as unexpected:  # noqa: BLE001 - the outermost loop: logged, counted, told without innards
            self._log_unexpected(unexpected, call)
            call.problem = DetenteError.slug
            told = DetenteError("something went wrong here; nothing is known of the outcome")
            return refusal_reply(told, call.request_id, call.found)

    def _log_unexpected(self, unexpected: Exception, call: Call) -> None:
        # The text of the traceback, never its local variables: those hold the token.
        trace = "".join(traceback.format_exception(unexpected))
        self._log.error("unexpected", request_id=call.request_id, route=call.route, traceback=trace)

    async def _reply(self, scope: Mapping[str, Any], call: Call) -> Reply:
        path: str = scope["path"]
        # The router takes several slashes at the start for one; two names for one thing are one too many.
        found = None if path.startswith("//") else self._router.find(path)
        offered, _, variables, template = found or _NOTHING
        if not isinstance(offered, _Path):
            raise NotFound("there is nothing at this path")
        call.route = template or path
        method = scope["method"]
        endpoint = offered.methods.get(method)
        if endpoint is None:
            if method == "OPTIONS":
                return Reply(204, None, (("Allow", offered.allow),))
            raise MethodNotAllowed(f"this path has no method {method[:20]}", allow=offered.allow)
        gate, route = endpoint
        call.found = route
        headers = read_headers(scope["headers"])
        reply = await route.handler(await gate.admit(call, headers, variables, scope["query_string"]))
        if isinstance(reply.body, AsyncGenerator):
            call.outflow = await Outflow.open(reply.body, partial(gate.still_admits, headers))
        return reply

    def _note_end(self, method: str, call: Call) -> None:
        seconds = perf_counter() - call.began_s
        self._metrics.ended(
            method=method, route=call.route, status=call.status, seconds=seconds, problem=call.problem
        )
        self._log.info(
            "request",
            method=method,
            route=call.route,
            status=call.status,
            duration_ms=round(seconds * 1_000, 3),
            request_id=call.request_id,
        )
        if call.account_id is not None:
            self._log.debug("request_by", request_id=call.request_id, account_id=call.account_id)


async def _send(send: Send, reply: Reply, call: Call, *, is_head: bool) -> None:
    body = b""
    if reply.status not in _WITHOUT_BODY and reply.body is not None:
        body = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
    await send(_head(reply, call, length=len(body)))
    await send({"type": "http.response.body", "body": b"" if is_head else body})


def _head(reply: Reply, call: Call, *, length: int | None) -> Event:
    """The status and the headers; ``length`` None: nobody knows how long the body becomes."""
    headers = [*_SECURITY, (b"x-request-id", call.request_id.encode())]
    may_be_kept = reply.media_type in _KEPT_TYPES
    for name, value in reply.headers:
        low = name.lower()
        headers.append((low.encode(), value.encode("latin-1")))
        may_be_kept = may_be_kept or low == "cache-control"
    if not may_be_kept:
        headers.append(_NO_STORE)
    if reply.status not in _WITHOUT_BODY:
        headers.append((b"content-type", reply.media_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
