"""A request for a verb on plans, its outcome, and the answer to one that was carried out before."""

from msgspec import Struct

from detente.errors import KeyReused
from detente.plans import store
from detente.plans.views import decode_version, encode, view
from detente.store import Pool
from detente.web.model import Principal
from detente.web.versions import request_sha256


class Outcome(Struct, frozen=True):
    """What a verb answers: an HTTP status and the plan's view as JSON, with the version it now has."""

    status: int
    body: bytes
    version: int | None


class Request(Struct, frozen=True):
    """The request as it came in: what the statement holds and what a retry is recognised by."""

    content: bytes
    """The body as received."""
    target: str
    """Method and path, so that the same body elsewhere is another request."""
    expected_version: int | None = None
    """From If-Match."""
    key: str | None = None
    """From Idempotency-Key."""
    wants_ways_out: bool = True

    @property
    def sha256(self) -> bytes:
        """What identifies the request: target, version named, and content."""
        return request_sha256(self.target, self.expected_version, self.content)

    @property
    def made_version(self) -> int:
        """The version that the request makes."""
        return (self.expected_version or 0) + 1

    @property
    def made_status(self) -> int:
        """The status of its success."""
        return 201 if self.expected_version is None else 200


async def answered_before(pool: Pool, who: Principal, plan_id: str, request: Request) -> Outcome | None:
    """The answer to a request carried out before: by its key, or because the plan stands as it left it.

    Asked when a verb is about to refuse: what has become impossible since (the plan is over, the party may
    claim less) must not turn the answer to a retry into a refusal.

    Args:
        pool: database connections.
        who: who asks.
        plan_id: the plan.
        request: the request, perhaps a repeated one.

    Returns:
        What the first one was answered, or None if nothing is known of it.

    Raises:
        KeyReused: if the key stands for another request.
    """
    if request.key is not None:
        kept = await store.kept_answer(pool, who.account_id, request.key)
        if kept is not None:
            if kept.request_sha256 != request.sha256:
                raise key_reused(request)
            return Outcome(kept.status, kept.response, decode_version(kept.response))
    row = await store.carried_out(pool, plan_id, who.party_id, request.sha256, request.made_version)
    if row is None:
        return None
    return Outcome(request.made_status, encode(view(who.party_id, row)), row.version)


def key_reused(request: Request) -> KeyReused:
    """The refusal of a key that stands for another request."""
    return KeyReused(
        "the idempotency key was used for another request", field="Idempotency-Key", actual=request.key
    )
