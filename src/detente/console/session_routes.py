"""HTTP for the console's sessions: the only routes that read a cookie, each guarded by a header as well."""

from collections.abc import Awaitable, Callable

from detente.console.routes import TAG
from detente.console.session_model import LinkBody, SessionList, SessionRow, SessionView
from detente.console.session_rules import (
    HEADER,
    TOKEN_S,
    as_listed,
    as_seen,
    check_header,
    cookie_header,
    forget_header,
    session_cookie,
)
from detente.console.sessions import ConsoleSessions
from detente.errors import DetenteError, NotAllowed, NotAuthenticated, NotFound
from detente.parties.issuer import Issuer
from detente.parties.model import TokenAnswer
from detente.web.model import QueryField, Reply, Request, Route

_BODY_BYTES = 1_024
_HEADERS_IN = (QueryField(HEADER.lower(), str, "Always 1: no form and no foreign page can send it", True),)
_REFUSALS = (NotAuthenticated, NotAllowed)

_Signed = Callable[[Request, SessionRow], Awaitable[Reply]]


def session_routes(sessions: ConsoleSessions, issuer: Issuer, *, is_secure: bool) -> list[Route]:
    """List the routes of the console's sessions.

    Args:
        sessions: the verbs.
        issuer: signs the tokens that a session buys.
        is_secure: whether browsers reach the exchange by https.

    Returns:
        One entry for each method of each path.
    """
    return [
        _sign_in(sessions, is_secure=is_secure),
        *_own_routes(sessions, issuer, is_secure=is_secure),
        *_party_routes(sessions, is_secure=is_secure),
    ]


def _sign_in(sessions: ConsoleSessions, *, is_secure: bool) -> Route:
    async def sign_in(request: Request) -> Reply:
        check_header(request.headers.get(HEADER.lower()))
        opened = await sessions.redeem_link(request.decoded(LinkBody).link, request.now_ms)
        cookie = ("set-cookie", cookie_header(opened.cookie, is_secure=is_secure))
        return Reply(201, as_seen(opened.session), (cookie,))

    return console_route(
        "POST",
        "/console/session",
        sign_in,
        "Sign in with a one-time link; the answer sets the session's cookie.",
        answers={201: SessionView},
        body=LinkBody,
        max_body_bytes=_BODY_BYTES,
        session=False,
    )


def _own_routes(sessions: ConsoleSessions, issuer: Issuer, *, is_secure: bool) -> list[Route]:
    async def show(_request: Request, session: SessionRow) -> Reply:
        return Reply(200, as_seen(session))

    async def token(request: Request, session: SessionRow) -> Reply:
        answer = await issuer.issue_for(session.account_id, lifetime_s=TOKEN_S, now_ms=request.now_ms)
        return Reply(200, answer)

    async def sign_out(request: Request, session: SessionRow) -> Reply:
        await sessions.end(session.session_id, session, request.now_ms)
        return Reply(204, None, (("set-cookie", forget_header(is_secure=is_secure)),))

    path = "/console/session"
    return [
        console_route(
            "GET", path, signed_in(sessions, show), "Who is signed in.", answers={200: SessionView}
        ),
        console_route(
            "DELETE",
            path,
            signed_in(sessions, sign_out),
            "Sign out.",
            answers={204: None},
            errors=(NotFound,),
        ),
        console_route(
            "POST",
            f"{path}/token",
            signed_in(sessions, token),
            "Get an access token of ten minutes for the session's account.",
            answers={200: TokenAnswer},
        ),
    ]


def _party_routes(sessions: ConsoleSessions, *, is_secure: bool) -> list[Route]:
    async def show_all(request: Request, session: SessionRow) -> Reply:
        found = await sessions.list_of(session.party_id, request.now_ms)
        return Reply(200, SessionList(tuple(as_listed(one, session.session_id) for one in found)))

    async def end(request: Request, session: SessionRow) -> Reply:
        session_id = request.path["session_id"]
        await sessions.end(session_id, session, request.now_ms)
        is_own = session_id == session.session_id
        forget = (("set-cookie", forget_header(is_secure=is_secure)),)
        return Reply(204, None, forget if is_own else ())

    return [
        console_route(
            "GET",
            "/console/sessions",
            signed_in(sessions, show_all),
            "The open sessions of your party.",
            answers={200: SessionList},
        ),
        console_route(
            "DELETE",
            "/console/sessions/{session_id}",
            signed_in(sessions, end),
            "End a session of your party.",
            answers={204: None},
            errors=(NotFound,),
        ),
    ]


def signed_in(sessions: ConsoleSessions, handler: _Signed) -> Callable[[Request], Awaitable[Reply]]:
    """Let a handler see only requests with the header and the cookie of an open session."""

    async def guarded(request: Request) -> Reply:
        check_header(request.headers.get(HEADER.lower()))
        cookie = session_cookie(request.headers.get("cookie"))
        return await handler(request, await sessions.find(cookie, request.now_ms))

    return guarded


def console_route(
    method: str,
    path: str,
    handler: Callable[[Request], Awaitable[Reply]],
    summary: str,
    *,
    answers: dict[int, object | None],
    errors: tuple[type[DetenteError], ...] = (),
    body: object | None = None,
    max_body_bytes: int = 1_048_576,
    session: bool = True,
) -> Route:
    """A route of the console's own: no scope, the header, and the session's cookie unless it signs in."""
    return Route(
        method=method,
        path=path,
        scope=None,
        handler=handler,
        summary=summary,
        tag=TAG,
        body=body,
        answers=answers,
        errors=(*_REFUSALS, *errors),
        headers_in=_HEADERS_IN,
        max_body_bytes=max_body_bytes,
        session=session,
    )
