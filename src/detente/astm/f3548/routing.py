"""What all routes of ASTM F3548-21 have in common: several scopes, the standard's refusals, its statuses."""

from collections.abc import Sequence
from typing import Final

from detente.astm.f3548.reading import Reader
from detente.astm.f3548.telling import Teller
from detente.errors import (
    AlreadyExists,
    BadInput,
    DetenteError,
    ForbiddenTransition,
    NotFound,
    PartyDown,
    Refused,
    StaleVersion,
    UnsupportedMediaType,
)
from detente.web.model import Handler, RefusalForm, Route

STATUSES: Final = {
    StaleVersion.slug: 409,
    ForbiddenTransition.slug: 400,
    UnsupportedMediaType.slug: 400,
}
"""Where the standard has another status than our problem."""
CHANGE_STATUSES: Final = STATUSES | {NotFound.slug: 409}
"""The same for changes, which have no 404 there: what is not there does not stand at the version named."""
WRITE_ERRORS: Final[tuple[type[DetenteError], ...]] = (
    BadInput,
    NotFound,
    AlreadyExists,
    Refused,
    StaleVersion,
    ForbiddenTransition,
    PartyDown,
)
MAX_BODY_BYTES: Final = 4 * 1_048_576


class Wire:
    """What handlers read and tell with.

    Args:
        own_url: where parties that are hosted here answer.
        allows_http: whether addresses of peers may be plain http.
    """

    def __init__(self, own_url: str, *, allows_http: bool) -> None:
        self.reader = Reader(allows_http=allows_http)
        self.teller = Teller(own_url)


def standard_route(  # noqa: PLR0917 - a route in a few lines
    method: str,
    path: str,
    scopes: Sequence[str],
    handler: Handler,
    summary: str,
    answers: dict[int, object | None],
    body: object | None = None,
    errors: tuple[type[DetenteError], ...] = (),
) -> Route:
    """A route of the standard.

    Args:
        method: of HTTP.
        path: with variables in braces.
        scopes: any one of which admits.
        handler: what answers.
        summary: one sentence.
        answers: status to type.
        body: the type of the JSON body, if it takes one.
        errors: what the verb may refuse with.
    """
    return Route(
        method=method,
        path=path,
        scope=scopes[0],
        or_scopes=tuple(scopes[1:]),
        handler=handler,
        summary=summary,
        tag="astm-f3548",
        body=body,
        answers=answers,
        errors=errors,
        max_body_bytes=MAX_BODY_BYTES,
        refusals=RefusalForm.ERROR_RESPONSE,
        statuses=CHANGE_STATUSES if method == "PUT" else STATUSES,
    )
