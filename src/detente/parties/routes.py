"""HTTP for access: each route decodes, calls one verb, and shows the result; who may call is its scope."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from msgspec import Meta, Struct

from detente.errors import (
    AlreadyExists,
    BadInput,
    DetenteError,
    NotAuthenticated,
    NotFound,
    Refused,
    StaleVersion,
    VersionRequired,
)
from detente.parties.issuer import Issuer
from detente.parties.model import (
    Account,
    AccountBody,
    AccountChange,
    AccountList,
    AccountSecret,
    Act,
    KeyView,
    Party,
    PartyBody,
    PartyList,
    PartyView,
    RotateBody,
    Scope,
    TokenAnswer,
    TokenForm,
    WhoAmI,
)
from detente.parties.rules import party_as_seen, version_of
from detente.parties.service import PartiesService
from detente.web.model import QueryField, Reply, Request, Route

_NEVER_STORE: Final = (("cache-control", "no-store"), ("pragma", "no-cache"))
"""For answers with a secret or a token (RFC 6749, section 5.1); nobody may keep them for a retry either."""
_JWKS_CACHE: Final = (("cache-control", "public, max-age=300"),)
"""Half the overlap of a rotation: who keeps to it knows a new key before it signs."""
_FORM_BYTES: Final = 16_384


class KeyList(Struct, frozen=True):
    """The signing keys that verify, oldest first."""

    keys: tuple[KeyView, ...]


class Jwk(Struct, frozen=True):
    """One public key (RFC 7517)."""

    kty: str
    n: str
    e: str
    kid: str
    use: str
    alg: str


class JwkSet(Struct, frozen=True):
    """The published key set (RFC 7517, section 5)."""

    keys: tuple[Jwk, ...]


class IssuerMetadata(Struct, frozen=True):
    """What a client needs to know of the token issuer (RFC 8414, section 2)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ("client_credentials",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic", "client_secret_post")


class TokenRefusal(Struct, frozen=True):
    """A refusal in the form of RFC 6749, section 5.2, and of RFC 9457 as well."""

    error: Annotated[str, Meta(description="invalid_request, invalid_client, invalid_scope, ...")]
    error_description: str
    title: str
    status: int
    detail: str


def routes(service: PartiesService) -> list[Route]:
    """List the routes of access.

    Args:
        service: the verbs.

    Returns:
        One entry for each method of each path.
    """
    return [*_party_routes(service), *_account_routes(service), *_token_routes(service)]


def _party_routes(service: PartiesService) -> list[Route]:
    async def list_parties(request: Request) -> Reply:
        scopes = request.who().scopes
        parties = await service.list_parties()
        return Reply(200, PartyList(tuple(party_as_seen(party, scopes) for party in parties)))

    async def put_party(request: Request) -> Reply:
        party_id, body = request.path["party_id"], request.decoded(PartyBody)
        if_match = request.headers.get("if-match")
        if if_match is None and not await _has(service, party_id):
            return _party_reply(201, await service.add_party(party_id, body, _act(request)))
        version = version_of(if_match)
        return _party_reply(200, await service.change_party(party_id, version, body, _act(request)))

    return [
        Route(
            method="GET",
            path="/v1/parties",
            scope=Scope.PARTIES_READ.value,
            handler=list_parties,
            summary="All parties; contact, priority limit and state are for administrators.",
            tag="parties",
            answers={200: PartyList},
        ),
        Route(
            method="PUT",
            path="/v1/parties/{party_id}",
            scope=Scope.PARTIES_WRITE.value,
            handler=put_party,
            summary="Add a party, or change the version of it that If-Match names.",
            tag="parties",
            body=PartyBody,
            answers={200: PartyView, 201: PartyView},
            errors=(AlreadyExists, NotFound, Refused, StaleVersion, VersionRequired),
            headers_in=(QueryField("if-match", str, 'The version that is changed, such as "3"'),),
        ),
    ]


def _account_routes(service: PartiesService) -> list[Route]:
    async def list_accounts(request: Request) -> Reply:
        return Reply(200, AccountList(await service.list_accounts(request.path["party_id"])))

    async def add_account(request: Request) -> Reply:
        body = request.decoded(AccountBody)
        added = await service.add_account(request.path["party_id"], body, _act(request))
        return Reply(201, added, _NEVER_STORE)

    async def change_account(request: Request) -> Reply:
        change = request.decoded(AccountChange)
        return Reply(200, await service.change_account(request.path["account_id"], change, _act(request)))

    async def new_secret(request: Request) -> Reply:
        answer = await service.new_secret(request.path["account_id"], _act(request))
        return Reply(200, answer, _NEVER_STORE)

    def route(
        method: str,
        path: str,
        handler: Callable[[Request], Awaitable[Reply]],
        summary: str,
        answers: dict[int, object | None],
        *,
        body: object | None = None,
        errors: tuple[type[DetenteError], ...] = (NotFound,),
    ) -> Route:
        scope = Scope.PARTIES_WRITE.value
        return Route(
            method, path, scope, handler, summary, "parties", body=body, answers=answers, errors=errors
        )

    return [
        route(
            "GET",
            "/v1/parties/{party_id}/accounts",
            list_accounts,
            "A party's accounts.",
            {200: AccountList},
        ),
        route(
            "POST",
            "/v1/parties/{party_id}/accounts",
            add_account,
            "Add an account; its secret is in this answer and nowhere else.",
            {201: AccountSecret},
            body=AccountBody,
            errors=(NotFound, AlreadyExists),
        ),
        route(
            "PUT",
            "/v1/accounts/{account_id}",
            change_account,
            "Change an account's role, disable it or enable it again.",
            {200: Account},
            body=AccountChange,
            errors=(NotFound, Refused),
        ),
        route(
            "POST",
            "/v1/accounts/{account_id}/secret",
            new_secret,
            "Replace an account's secret; the new one is in this answer and nowhere else.",
            {200: AccountSecret},
            errors=(NotFound, Refused),
        ),
    ]


def _token_routes(service: PartiesService) -> list[Route]:
    issuer = Issuer(service)

    async def issue_token(request: Request) -> Reply:
        form, authorization = request.decoded(TokenForm), request.headers.get("authorization")
        try:
            answer = await issuer.issue_token(form, authorization, request.now_ms)
        except (BadInput, NotAuthenticated) as refusal:
            return _token_refusal(refusal)
        return Reply(200, answer, _NEVER_STORE)

    async def jwks(_request: Request) -> Reply:
        return Reply(200, await service.signing.jwks(), _JWKS_CACHE)

    async def metadata(_request: Request) -> Reply:
        return Reply(200, metadata_of(service.settings.issuer), _JWKS_CACHE)

    async def rotate(request: Request) -> Reply:
        at_once = request.decoded(RotateBody).at_once
        return Reply(200, KeyList(await service.rotate_signing_key(_act(request), at_once=at_once)))

    async def whoami(request: Request) -> Reply:
        who = request.who()
        return Reply(200, WhoAmI(who.party_id, who.account_id, who.role, tuple(sorted(who.scopes))))

    return [
        Route(
            method="POST",
            path="/v1/token",
            scope=None,
            handler=issue_token,
            summary="Get an access token for a client id and secret (OAuth 2.0 client credentials).",
            tag="access",
            body=TokenForm,
            answers={200: TokenAnswer, 400: TokenRefusal, 401: TokenRefusal},
            errors=(BadInput, NotAuthenticated),
            headers_in=(QueryField("authorization", str, "HTTP Basic with the client id and secret"),),
            max_body_bytes=_FORM_BYTES,
            form=True,
        ),
        Route(
            method="GET",
            path="/.well-known/jwks.json",
            scope=None,
            handler=jwks,
            summary="The public keys that access tokens are verified with.",
            tag="access",
            answers={200: JwkSet},
        ),
        Route(
            method="GET",
            path="/.well-known/oauth-authorization-server",
            scope=None,
            handler=metadata,
            summary="Where tokens and keys are, for OAuth 2.0 clients (RFC 8414).",
            tag="access",
            answers={200: IssuerMetadata},
        ),
        Route(
            method="POST",
            path="/v1/keys/rotate",
            scope=Scope.KEYS_WRITE.value,
            handler=rotate,
            summary="Publish a new signing key, which signs once everybody can know it.",
            tag="access",
            body=RotateBody,
            answers={200: KeyList},
            errors=(Refused,),
        ),
        Route(
            method="GET",
            path="/v1/whoami",
            scope=Scope.PARTIES_READ.value,
            handler=whoami,
            summary="Whom the token in hand speaks for, and what it may be used for.",
            tag="access",
            answers={200: WhoAmI},
        ),
    ]


def metadata_of(issuer: str) -> IssuerMetadata:
    """Describe the token issuer.

    Args:
        issuer: its ``iss``.

    Returns:
        The metadata; its URLs are below the issuer's.
    """
    base = issuer.rstrip("/")
    return IssuerMetadata(
        issuer=issuer,
        token_endpoint=f"{base}/v1/token",
        jwks_uri=f"{base}/.well-known/jwks.json",
        scopes_supported=tuple(scope.value for scope in Scope),
    )


async def _has(service: PartiesService, party_id: str) -> bool:
    try:
        await service.find_party(party_id)
    except NotFound:
        return False
    return True


def _act(request: Request) -> Act:
    who = request.who()
    return Act(who.party_id, who.account_id, who.token_sha256, request.now_ms, request.body)


def _party_reply(status: int, party: Party) -> Reply:
    return Reply(status, party_as_seen(party, {Scope.PARTIES_WRITE}), (("etag", f'"{party.version}"'),))


def _token_refusal(refusal: BadInput | NotAuthenticated) -> Reply:
    error = str(refusal.members.get("error", "invalid_request"))
    body = TokenRefusal(error, refusal.detail, refusal.title, refusal.status_hint, refusal.detail)
    challenge = (("www-authenticate", 'Basic realm="detente"'),) if error == "invalid_client" else ()
    return Reply(refusal.status_hint, body, (*_NEVER_STORE, *challenge))
