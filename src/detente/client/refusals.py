"""A problem document becomes the exception that the server raised: the same class, the same members."""

from collections.abc import Mapping

import httpx
import msgspec

from detente import errors
from detente.errors import ConflictingPlan, DetenteError, Unavailable
from detente.plans.model import Conflict, WaysOut

PROBLEM_TYPE = "application/problem+json"
_STANDARD = frozenset({"type", "title", "status", "detail", "instance"})
_SHOWN_CHARS = 200


class ConflictsFound(ConflictingPlan):
    """A conflict as the client meets it, decoded.

    Args:
        detail: the server's sentence.
        conflicts: each plan in the way.
        ways_out: the shifts on offer; None if they were not asked for.
        **members: further members of the problem document.
    """

    def __init__(
        self, detail: str, *, conflicts: tuple[Conflict, ...], ways_out: WaysOut | None, **members: object
    ) -> None:
        super().__init__(detail, conflicts=conflicts, ways_out=ways_out, **members)
        self.conflicts = conflicts
        self.ways_out = ways_out


def refusal_of(response: httpx.Response) -> DetenteError:
    """Read what the server refused with.

    Args:
        response: an answer of status 400 or above.

    Returns:
        The exception to raise; its ``request_id`` member finds the request in the server's log.
        An answer that is no problem document (a proxy's, say) becomes Unavailable for 502 to 504, else the
        root class.
    """
    document = _document_of(response)
    if document is None:
        kind = Unavailable if response.status_code in {502, 503, 504} else DetenteError
        shown = response.text[:_SHOWN_CHARS]
        return kind(
            f"the server answered {response.status_code} without saying why: {shown!r}",
            status=response.status_code,
        )
    slug = str(document.get("type", "")).rpartition("/")[2]
    detail = str(document.get("detail", document.get("title", "")))
    members = {name: value for name, value in document.items() if name not in _STANDARD}
    members["request_id"] = document.get("instance")
    kind = _classes().get(slug, DetenteError)
    if kind is ConflictingPlan:
        return _conflicts(detail, members)
    return kind(detail, **members)


def _document_of(response: httpx.Response) -> dict[str, object] | None:
    if response.headers.get("content-type", "").partition(";")[0] != PROBLEM_TYPE:
        return None
    try:
        return msgspec.json.decode(response.content, type=dict[str, object])
    except msgspec.DecodeError:
        return None


def _conflicts(detail: str, members: dict[str, object]) -> DetenteError:
    conflicts, ways_out = members.pop("conflicts", ()), members.pop("ways_out", None)
    try:
        return ConflictsFound(
            detail,
            conflicts=msgspec.convert(conflicts, tuple[Conflict, ...]),
            ways_out=msgspec.convert(ways_out, WaysOut | None),
            **members,
        )
    except msgspec.ValidationError as unknown:
        # A newer server may say more than this client knows; the refusal itself must not get lost over it.
        return ConflictingPlan(f"{detail} (not readable here: {unknown})", **members)


def _classes() -> Mapping[str, type[DetenteError]]:
    return {
        kind.slug: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, DetenteError)
    }
