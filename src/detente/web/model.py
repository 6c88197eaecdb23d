"""The nouns of the HTTP edge: who asks, what a route is, what goes out. Nothing here knows the framework."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Protocol, TypeVar

from msgspec import Struct

from detente.errors import DetenteError, NotFound

T = TypeVar("T")


class Principal(Struct, frozen=True):
    """Who a verified token speaks for. An act is tied to this and nothing else."""

    party_id: str
    account_id: str
    role: str
    scopes: frozenset[str]
    token_sha256: bytes
    """SHA-256 of the access token as received: what an attested statement names."""


class Authenticator(Protocol):
    """Turns a bearer token into a principal, or raises NotAuthenticated; never returns None."""

    async def authenticate(self, token: str) -> Principal:
        """Verify signature, issuer, audience and times of ``token``; cached."""
        ...


class Request(Struct, frozen=True):
    """One request after the edge has checked token, scope, size and content type."""

    principal: Principal | None
    """None only on routes without a scope."""
    path: Mapping[str, str]
    """The path's variables, percent-decoded."""
    query: Mapping[str, str]
    """The query's members; the edge refuses repeated, undeclared and ill-typed ones."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    """The body exactly as received: what a statement's hash is taken of."""
    data: object | None
    """The body decoded into the route's ``body`` type."""
    now_ms: int

    def who(self) -> Principal:
        """The principal of a route that has a scope."""
        if self.principal is None:
            raise NotFound("this route has no principal")
        return self.principal

    def flag(self, name: str, *, default: bool) -> bool:
        """A query member declared as ``bool``."""
        value = self.query.get(name)
        return default if value is None else value == "true"

    def whole(self, name: str, *, default: int) -> int:
        """A query member declared as ``int``."""
        value = self.query.get(name)
        return default if value is None else int(value)

    def decoded(self, kind: type[T]) -> T:
        """The decoded body, as the type that the route declared."""
        if not isinstance(self.data, kind):
            raise TypeError(f"the route did not declare {kind.__name__} as its body")
        return self.data


class Reply(Struct, frozen=True):
    """What a handler answers: a struct is encoded as JSON, bytes go out as they are.

    An asynchronous generator of bytes is sent chunk by chunk, and closed when the reader leaves or the server
    stops. What it raises before its first chunk is a refusal like any other.
    """

    status: int
    body: object | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json"


Handler = Callable[[Request], Awaitable[Reply]]


class RefusalForm(StrEnum):
    """How the refusals of a route are told."""

    PROBLEM = "problem"
    """A problem document (RFC 9457)."""
    ERROR_RESPONSE = "error-response"
    """Plain JSON: the members of the problem document, and ``message``, where others' clients look."""


class QueryField(Struct, frozen=True):
    """One member of a route's query, as the OpenAPI document shows it and the edge checks it."""

    name: str
    kind: type
    """str, int, float (finite) or bool (``true``/``false``)."""
    summary: str
    is_required: bool = False


class Route(Struct, frozen=True):
    """One method of one path: the OpenAPI document, the scope check and the decoding all come from here."""

    method: str
    path: str
    """With variables in braces: ``/v1/plans/{plan_id}``."""
    scope: str | None
    """The scope a token must hold; None: open to everyone (stated in the documentation)."""
    handler: Handler
    summary: str
    """One sentence; becomes the OpenAPI summary."""
    tag: str
    """The room, for grouping in the document."""
    body: object | None = None
    """The msgspec type of the JSON body (a Struct or a union), None if the route takes no body."""
    answers: Mapping[int, object | None] = {}
    """Status to msgspec type for every success (200 alone if empty), and for refusals of its own form."""
    errors: tuple[type[DetenteError], ...] = ()
    """What the verb may refuse with, beyond what every route may (401, 403, 400, 413, 415, 429, 503)."""
    query: tuple[QueryField, ...] = ()
    headers_in: tuple[QueryField, ...] = ()
    """Request headers that the handler reads, such as ``if-match``."""
    max_body_bytes: int = 1_048_576
    form: bool = False
    """The body is application/x-www-form-urlencoded (the token route) rather than JSON."""
    example: object | None = None
    """A body that works, as it stands on the wire; None: one is made from the type."""
    answer_media_type: str = "application/json"
    """What a success carries."""
    session: bool = False
    """The handler asks for the console's session cookie by itself; such a route has no scope."""
    or_scopes: tuple[str, ...] = ()
    """Scopes any one of which admits as well as ``scope``, which then must be given."""
    refusals: RefusalForm = RefusalForm.PROBLEM
    """The form of every refusal once the route is found: those of the gate and of the handler alike."""
    statuses: Mapping[str, int] = {}
    """Slug of a problem to the status that an error response has instead of the problem's own."""

    def scopes(self) -> tuple[str, ...]:
        """Every scope that admits by itself; none for a route that is open, or asks for a session."""
        return () if self.scope is None else (self.scope, *self.or_scopes)

    def status_of(self, error: DetenteError | type[DetenteError]) -> int:
        """The status with which this route refuses."""
        return self.statuses.get(error.slug, error.status_hint)
