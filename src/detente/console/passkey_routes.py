"""HTTP for passkeys: two open routes that sign in, and those of whoever is signed in; all with the header."""

from detente.console.passkey_model import (
    AddBody,
    AddOptions,
    PasskeyList,
    PasskeyView,
    RenameBody,
    SignInBody,
    SignInOptions,
)
from detente.console.passkey_rules import as_listed
from detente.console.passkeys import Passkeys
from detente.console.session_model import SessionRow, SessionView
from detente.console.session_routes import console_route, signed_in
from detente.console.session_rules import HEADER, as_seen, check_header, cookie_header
from detente.console.sessions import ConsoleSessions
from detente.errors import NotFound, Refused, TooMany
from detente.web.model import Reply, Request, Route

_PATH = "/console/passkeys"
_SIGN_IN_BYTES = 8_192
_ADD_BYTES = 16_384
_RENAME_BYTES = 1_024


def passkey_routes(passkeys: Passkeys, sessions: ConsoleSessions, *, is_secure: bool) -> list[Route]:
    """List the routes of passkeys.

    Args:
        passkeys: the verbs.
        sessions: finds who is signed in.
        is_secure: whether browsers reach the exchange by https.

    Returns:
        One entry for each method of each path.
    """
    return [
        *_sign_in_routes(passkeys, is_secure=is_secure),
        *_add_routes(passkeys, sessions),
        *_kept_routes(passkeys, sessions),
    ]


def _sign_in_routes(passkeys: Passkeys, *, is_secure: bool) -> list[Route]:
    async def options(request: Request) -> Reply:
        check_header(request.headers.get(HEADER.lower()))
        return Reply(200, await passkeys.sign_in_options(request.now_ms))

    async def sign_in(request: Request) -> Reply:
        check_header(request.headers.get(HEADER.lower()))
        opened = await passkeys.sign_in(request.decoded(SignInBody), request.now_ms)
        cookie = ("set-cookie", cookie_header(opened.cookie, is_secure=is_secure))
        return Reply(201, as_seen(opened.session), (cookie,))

    path = "/console/session/passkey"
    return [
        console_route(
            "POST",
            f"{path}/challenge",
            options,
            "Ask for a challenge to sign in with a passkey.",
            answers={200: SignInOptions},
            errors=(Refused,),
            session=False,
        ),
        console_route(
            "POST",
            path,
            sign_in,
            "Sign in with a passkey; the answer sets the session's cookie.",
            answers={201: SessionView},
            errors=(Refused,),
            body=SignInBody,
            max_body_bytes=_SIGN_IN_BYTES,
            session=False,
        ),
    ]


def _add_routes(passkeys: Passkeys, sessions: ConsoleSessions) -> list[Route]:
    async def options(request: Request, session: SessionRow) -> Reply:
        return Reply(200, await passkeys.add_options(session, request.now_ms))

    async def add(request: Request, session: SessionRow) -> Reply:
        added = await passkeys.add(session, request.decoded(AddBody), request.now_ms)
        return Reply(201, as_listed(added, session))

    return [
        console_route(
            "POST",
            f"{_PATH}/challenge",
            signed_in(sessions, options),
            "Ask for a challenge to add a passkey to your account.",
            answers={200: AddOptions},
            errors=(Refused,),
        ),
        console_route(
            "POST",
            _PATH,
            signed_in(sessions, add),
            "Add a passkey to your account.",
            answers={201: PasskeyView},
            errors=(Refused, TooMany),
            body=AddBody,
            max_body_bytes=_ADD_BYTES,
        ),
    ]


def _kept_routes(passkeys: Passkeys, sessions: ConsoleSessions) -> list[Route]:
    async def show_all(_request: Request, session: SessionRow) -> Reply:
        found = await passkeys.list_of(session.party_id)
        return Reply(200, PasskeyList(tuple(as_listed(one, session) for one in found)))

    async def rename(request: Request, session: SessionRow) -> Reply:
        name = request.decoded(RenameBody).name
        renamed = await passkeys.rename(request.path["passkey_id"], name, session, request.now_ms)
        return Reply(200, as_listed(renamed, session))

    async def remove(request: Request, session: SessionRow) -> Reply:
        await passkeys.remove(request.path["passkey_id"], session, request.now_ms)
        return Reply(204, None)

    one = f"{_PATH}/{{passkey_id}}"
    return [
        console_route(
            "GET",
            _PATH,
            signed_in(sessions, show_all),
            "The passkeys of your party.",
            answers={200: PasskeyList},
        ),
        console_route(
            "PUT",
            one,
            signed_in(sessions, rename),
            "Rename a passkey of yours.",
            answers={200: PasskeyView},
            errors=(NotFound,),
            body=RenameBody,
            max_body_bytes=_RENAME_BYTES,
        ),
        console_route(
            "DELETE",
            one,
            signed_in(sessions, remove),
            "Remove your passkey, or as an administrator one of your party; the sessions it opened end.",
            answers={204: None},
            errors=(NotFound,),
        ),
    ]
