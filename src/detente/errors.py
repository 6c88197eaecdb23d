"""Every refusal Détente can give, one class per thing a caller can do something about.

The tree (``slug`` is the last part of the problem document's ``type``, RFC 9457)::

    DetenteError
      BadInput                400 bad-input: a field is wrong; says which, what was found, what was expected
        InvalidShape          400 invalid-shape: a ground shape that has no defined inside
        UnsupportedDatum      400 unsupported-datum: heights that cannot be compared here
        TooLarge              413 too-large: over a documented limit
        UnsupportedMediaType  415 unsupported-media-type
        TooSlow               408 too-slow: the body did not arrive in time
      NotAuthenticated        401 not-authenticated: no token, or one that does not verify
      NotAllowed              403 not-allowed: the token lacks the scope, or the thing is another's
      NotFound                404 not-found: there is none, or none that you may see
      MethodNotAllowed        405 method-not-allowed: the path exists, the method does not
      Refused                 409 refused: the state of things forbids it
        ConflictingPlan       409 conflicting-plan: carries the conflicts and the ways out
        ClosedZone            409 closed-zone: carries the zones that close the air, and the ways out
        ForbiddenTransition   409 forbidden-transition: a plan cannot go from that state to this one
        AlreadyExists         409 already-exists
        MissingKeys           409 missing-keys: a write does not know of everything that it meets
      PartyDown               412 party-down: a party that is marked as down may do no such thing
      StaleVersion            412 stale-version: the change names a version that is no longer current
      VersionRequired         428 version-required: a change must name the version it saw
      KeyReused               422 key-reused: an idempotency key came back with another request
      TooMany                 429 too-many: a rate or a count limit
      Unavailable             503 unavailable: try again; nothing was changed
        StoreUnavailable      503 store-unavailable: the database does not answer
        PeerUnavailable       503 peer-unavailable: another party's server does not answer as it should
      StoreRefused            500 store-refused: the data folder or schema cannot be used as it is
"""

from collections.abc import Mapping
from typing import ClassVar

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


class DetenteError(Exception):
    """The root of everything Détente refuses; carries fields beside its text.

    Args:
        detail: one sentence for a person, naming the value at fault and what was expected.
        **members: further members of the problem document; None values are dropped.
    """

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "The request could not be carried out"
    status_hint: ClassVar[int] = 500

    def __init__(self, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members: Mapping[str, object] = {k: v for k, v in members.items() if v is not None}


class BadInput(DetenteError):
    """A field is wrong. Members: ``field`` (such as ``volumes[0].lower_m``), ``expected``, ``actual``."""

    slug = "bad-input"
    title = "A field of the request is wrong"
    status_hint = 400


class InvalidShape(BadInput):
    """A ground shape without a defined inside. Member ``fault`` names why (``self-crossing``, ...)."""

    slug = "invalid-shape"
    title = "The ground shape cannot be used"


class UnsupportedDatum(BadInput):
    """Heights whose reference cannot be compared on this exchange."""

    slug = "unsupported-datum"
    title = "The altitude reference is not available here"


class TooLarge(BadInput):
    """Over a documented limit. Members: ``limit``, ``actual``."""

    slug = "too-large"
    title = "The request is over a limit"
    status_hint = 413


class UnsupportedMediaType(BadInput):
    """A body in a form this route does not read."""

    slug = "unsupported-media-type"
    title = "The content type is not supported"
    status_hint = 415


class TooSlow(BadInput):
    """The body did not arrive in time. Member ``limit_s``."""

    slug = "too-slow"
    title = "The request arrived too slowly"
    status_hint = 408


class NotAuthenticated(DetenteError):
    """No token, or one that does not verify."""

    slug = "not-authenticated"
    title = "A valid access token is needed"
    status_hint = 401


class NotAllowed(DetenteError):
    """The token lacks the scope, or the thing belongs to another party."""

    slug = "not-allowed"
    title = "This is not allowed"
    status_hint = 403


class NotFound(DetenteError):
    """There is no such thing, or none that the caller may see; the answer is the same."""

    slug = "not-found"
    title = "There is no such thing here"
    status_hint = 404


class MethodNotAllowed(DetenteError):
    """The path exists, the method does not."""

    slug = "method-not-allowed"
    title = "The path has no such method"
    status_hint = 405


class Refused(DetenteError):
    """The state of things forbids the act."""

    slug = "refused"
    title = "The act is refused"
    status_hint = 409


class ConflictingPlan(Refused):
    """The plan conflicts with plans in force. Members: ``conflicts``, ``ways_out``."""

    slug = "conflicting-plan"
    title = "The plan conflicts with plans in force"


class ClosedZone(Refused):
    """The plan shares a piece with prohibited zones of others. Members: ``zones``, ``ways_out``."""

    slug = "closed-zone"
    title = "A zone closes the air to the plan"


class ForbiddenTransition(Refused):
    """A plan cannot go from its state to the one asked for. Members: ``state``, ``asked``."""

    slug = "forbidden-transition"
    title = "The plan cannot enter that state now"


class AlreadyExists(Refused):
    """Something with that id exists."""

    slug = "already-exists"
    title = "It exists already"


class MissingKeys(Refused):
    """A write knows too few of what it meets. Attributes ``plans`` and ``zones``: their references."""

    slug = "missing-keys"
    title = "The write does not know of everything that it meets"

    def __init__(
        self,
        detail: str,
        *,
        plans: tuple[object, ...] = (),
        zones: tuple[object, ...] = (),
        **members: object,
    ) -> None:
        super().__init__(detail, **members)
        self.plans = plans
        self.zones = zones


class PartyDown(DetenteError):
    """The party is marked as down by availability arbitration."""

    slug = "party-down"
    title = "A party that is down may not do this"
    status_hint = 412


class StaleVersion(DetenteError):
    """The change names a version that is no longer current. Members: ``expected``, ``actual``."""

    slug = "stale-version"
    title = "The version you saw is no longer current"
    status_hint = 412


class VersionRequired(DetenteError):
    """A change must name the version it saw (``If-Match``)."""

    slug = "version-required"
    title = "Name the version that you are changing"
    status_hint = 428


class KeyReused(DetenteError):
    """An idempotency key came back with a different request."""

    slug = "key-reused"
    title = "The idempotency key was used for another request"
    status_hint = 422


class TooMany(DetenteError):
    """A rate or a count limit."""

    slug = "too-many"
    title = "Too many"
    status_hint = 429


class Unavailable(DetenteError):
    """Try again: nothing was changed, or the outcome can be asked for by repeating the request."""

    slug = "unavailable"
    title = "The exchange cannot answer now"
    status_hint = 503


class StoreUnavailable(Unavailable):
    """The database does not answer, or refuses to write (its disk is full)."""

    slug = "store-unavailable"
    title = "The store does not answer"


class PeerUnavailable(Unavailable):
    """Another party's server does not answer, or not as agreed. Members: ``peer`` (base URL), ``why``."""

    slug = "peer-unavailable"
    title = "Another party's server does not answer"


class StoreRefused(DetenteError):
    """The data folder or the schema cannot be used as it is; says what to do about it."""

    slug = "store-refused"
    title = "The store cannot be used as it is"
