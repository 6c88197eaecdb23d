"""What a request passes before its handler: token, rate, scope, path, query, type, size, body.

In that order, so that nobody without a token makes the server read a body.
"""

from collections.abc import Callable, Mapping
from time import monotonic

from detente.errors import (
    BadInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unavailable,
    UnsupportedMediaType,
)
from detente.web.call import Call, read_body
from detente.web.decode import form_decoder, json_decoder, read_query, refuse_controls
from detente.web.limits import Limits
from detente.web.model import Authenticator, Principal, RefusalForm, Request, Route
from detente.web.rate import RateLimit

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
_MIN_SECRET_PARTS = 2


class Gate:
    """Turns what came in into the ``Request`` of one route, or refuses it by name.

    Args:
        route: what may come in.
        authenticator: who verifies tokens.
        now_ms: the clock that handlers are given.
        limits: the edge's own limits.
        rate: the rate limit that all routes of this process share.
    """

    def __init__(
        self,
        route: Route,
        *,
        authenticator: Authenticator,
        now_ms: Callable[[], int],
        limits: Limits,
        rate: RateLimit,
    ) -> None:
        self._route = route
        self._scopes = frozenset(route.scopes())
        self._authenticator = authenticator
        self._now_ms = now_ms
        self._limits = limits
        self._rate = rate
        self._query = {field.name: field for field in route.query}
        self._media_type = FORM_TYPE if route.form else JSON_TYPE
        self._decode = None
        if route.body is not None:
            form = form_decoder(route.body, limits.form_fields)
            self._decode = form if route.form else json_decoder(route.body)

    async def admit(
        self, call: Call, headers: Mapping[str, str], path: Mapping[str, str], raw_query: bytes
    ) -> Request:
        """Check one request and read it.

        Args:
            call: the request's passage; learns the account.
            headers: lower-case names.
            path: the path's variables.
            raw_query: the query string as received.

        Raises:
            DetenteError: whatever the first check that fails says.
        """
        principal = await self._authenticate(call, headers)
        for name, value in path.items():
            self._check_path(name, value)
        query = read_query(raw_query, self._query, self._limits.query_bytes)
        body, data = b"", None
        if self._decode is not None:
            self._check_media_type(headers.get("content-type"))
            if "content-encoding" in headers:
                raise UnsupportedMediaType(
                    "a compressed body is not read",
                    field="content-encoding",
                    expected="no content-encoding",
                    actual=headers["content-encoding"],
                )
            body = await self._body(call, headers, self._route.max_body_bytes)
            data = self._decode(body)
        elif headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            await self._refuse_body(call, headers)
        return Request(
            principal=principal,
            path=path,
            query=query,
            headers=headers,
            body=body,
            data=data,
            now_ms=self._now_ms(),
        )

    async def still_admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request that was admitted, and whose answer goes on, would still get in.

        A database that does not answer changes nothing: who may listen is not decided by its absence.

        Args:
            headers: of the request.
        """
        if not self._scopes:
            return True
        token = _bearer_token(headers.get("authorization"), self._limits.token_bytes)
        try:
            return not self._scopes.isdisjoint((await self._authenticator.authenticate(token)).scopes)
        except (NotAuthenticated, NotAllowed):
            return False
        except Unavailable:
            return True

    async def _authenticate(self, call: Call, headers: Mapping[str, str]) -> Principal | None:
        if not self._scopes:
            return None
        token = _bearer_token(headers.get("authorization"), self._limits.token_bytes)
        principal = await self._authenticator.authenticate(token)
        call.account_id = principal.account_id
        self._rate.spend(principal.account_id, monotonic())
        if self._scopes.isdisjoint(principal.scopes):
            scopes = self._route.scopes()
            if not principal.scopes and self._route.refusals is RefusalForm.ERROR_RESPONSE:
                # What the field's conformance tests take for a token that grants nothing.
                raise NotAuthenticated(f"the access token lists no scope; this needs {' or '.join(scopes)}")
            raise NotAllowed(
                f"this needs a token with the scope {' or '.join(scopes)}", scope=" ".join(scopes)
            )
        return principal

    def _check_path(self, name: str, value: str) -> None:
        if not value and self._route.refusals is RefusalForm.ERROR_RESPONSE:
            raise BadInput(f"{name} is empty", field=name, expected="a value in the path", actual="nothing")
        if not value:
            raise NotFound("there is nothing at this path")
        if len(value) > self._limits.path_variable_chars:
            raise BadInput(
                f"{name} is longer than {self._limits.path_variable_chars} characters",
                field=name,
                expected=f"at most {self._limits.path_variable_chars} characters",
                actual=f"{len(value)} characters",
            )
        refuse_controls(name, value)

    def _check_media_type(self, content_type: str | None) -> None:
        if content_type == self._media_type:
            return
        sent, _, parameters = (content_type or "").partition(";")
        charset = parameters.replace(" ", "").replace('"', "").lower()
        if sent.strip().lower() == self._media_type and charset in {"", "charset=utf-8", "charset=utf8"}:
            return
        raise UnsupportedMediaType(
            f"this reads {self._media_type} in UTF-8",
            field="content-type",
            expected=self._media_type,
            actual=(content_type or "none")[:200],
        )

    async def _body(self, call: Call, headers: Mapping[str, str], max_bytes: int) -> bytes:
        return await read_body(call, headers, max_bytes=max_bytes, timeout_s=self._limits.body_timeout_s)

    async def _refuse_body(self, call: Call, headers: Mapping[str, str]) -> None:
        sent = await self._body(call, headers, self._route.max_body_bytes)
        if sent and self._route.refusals is RefusalForm.PROBLEM:  # others' clients send bodies with deletions
            raise BadInput(
                f"{self._route.method} {self._route.path} takes no body",
                field="",
                expected="no body",
                actual="a body",
            )


def _bearer_token(authorization: str | None, max_bytes: int) -> str:
    if authorization is None:
        raise NotAuthenticated("send an access token: Authorization: Bearer <token>", token_was_sent=False)
    parts = authorization.split(" ", 1)
    if len(parts) < _MIN_SECRET_PARTS or parts[0].lower() != "bearer":
        raise NotAuthenticated("only bearer tokens are read: Authorization: Bearer <token>")
    token = parts[1].strip()
    if not token or len(token) > max_bytes or not token.isascii():
        raise NotAuthenticated(f"the access token is empty, not ASCII, or longer than {max_bytes} bytes")
    return token
