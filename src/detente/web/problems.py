"""The one place where a refusal becomes a problem document.

Source: RFC 9457 (problem details), RFC 6750 section 3 (bearer challenges), RFC 9110 section 10.2.3
(Retry-After).
"""

from collections.abc import Iterator

import msgspec

from detente import errors
from detente.errors import DetenteError, MethodNotAllowed, NotAllowed, NotAuthenticated, TooMany, Unavailable
from detente.web.model import RefusalForm, Reply, Route

PROBLEM_TYPE = "application/problem+json"
ERROR_RESPONSE_TYPE = "application/json"
PROBLEM_PATH = "/problems/"
_RESERVED = frozenset({"type", "title", "status", "detail", "instance"})


def error_classes() -> Iterator[type[DetenteError]]:
    """Every class of ``detente.errors`` that a caller can meet, the root included, in the file's order."""
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, DetenteError):
            yield value


def document_of(error: DetenteError, request_id: str) -> dict[str, object]:
    """The members of the problem document.

    Args:
        error: what was refused; its members are added beside the standard ones, which they cannot replace.
        request_id: goes into ``instance``, so that a report can be found in the log.

    Returns:
        A mapping ready to be encoded as JSON.
    """
    document: dict[str, object] = {
        "type": PROBLEM_PATH + error.slug,
        "title": error.title,
        "status": error.status_hint,
        "detail": error.detail,
        "instance": request_id,
    }
    document.update((name, value) for name, value in error.members.items() if name not in _RESERVED)
    return document


def refusal_reply(error: DetenteError, request_id: str, route: Route | None) -> Reply:
    """The whole answer to a refusal: the document, and the headers that its kind asks for.

    Args:
        error: what was refused.
        request_id: as for ``document_of``.
        route: says the form; None where the request met none: a problem document.
    """
    if route is not None and route.refusals is RefusalForm.ERROR_RESPONSE:
        status = route.status_of(error)
        told = {**document_of(error, request_id), "status": status, "message": error.detail}
        return Reply(status, msgspec.json.encode(told), tuple(_headers_of(error)), ERROR_RESPONSE_TYPE)
    return Reply(
        status=error.status_hint,
        body=msgspec.json.encode(document_of(error, request_id)),
        headers=tuple(_headers_of(error)),
        media_type=PROBLEM_TYPE,
    )


def _headers_of(error: DetenteError) -> Iterator[tuple[str, str]]:
    if isinstance(error, NotAuthenticated):
        reason = ', error="invalid_token"' if error.members.get("token_was_sent", True) else ""
        yield "WWW-Authenticate", f'Bearer realm="detente"{reason}'
    elif isinstance(error, NotAllowed) and "scope" in error.members:
        challenge = f'Bearer realm="detente", error="insufficient_scope", scope="{error.members["scope"]}"'
        yield "WWW-Authenticate", challenge
    elif isinstance(error, MethodNotAllowed) and isinstance(error.members.get("allow"), str):
        yield "Allow", str(error.members["allow"])
    elif isinstance(error, TooMany | Unavailable):
        yield "Retry-After", str(error.members.get("retry_after_s", 1))
