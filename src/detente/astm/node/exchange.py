"""The discovery service as a node calls it: ASTM F3548-21, ``/dss/v1``, in the standard's own messages."""

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from detente.astm.f3548 import wire
from detente.astm.peer_client import CONFORMANCE_MONITORING, STRATEGIC_COORDINATION, PeerClient
from detente.astm.peer_connection import PeerAnswer
from detente.errors import BadInput, PeerUnavailable, Unavailable

_REFERENCES: Final = "/dss/v1/operational_intent_references"
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_TOO_LARGE: Final = 413
_NOT_TAKEN: Final = frozenset({401, 403})
_MAX_SHOWN: Final = 300
_encode = msgspec.json.Encoder().encode
_found = msgspec.json.Decoder(wire.QueryOperationalIntentReferenceResponse)
_one = msgspec.json.Decoder(wire.GetOperationalIntentReferenceResponse)
_changed = msgspec.json.Decoder(wire.ChangeOperationalIntentReferenceResponse)
_missing = msgspec.json.Decoder(wire.AirspaceConflictResponse)
_Message = TypeVar("_Message")


class Written(Struct, frozen=True):
    """The exchange has it."""

    reference: wire.OperationalIntentReference
    subscribers: tuple[wire.SubscriberToNotify, ...]


class Refused(Struct, frozen=True):
    """The exchange does not take it, and why; with references, those that the key does not know."""

    status: int
    message: str
    missing: tuple[wire.OperationalIntentReference, ...] = ()
    missing_zones: tuple[wire.ConstraintReference, ...] = ()


class Exchange:
    """Calls one exchange.

    Args:
        url: its base URL.
        client: who speaks.
    """

    def __init__(self, url: str, client: PeerClient) -> None:
        self.url = url
        self._client = client

    async def query(self, area: wire.Volume4D) -> tuple[wire.OperationalIntentReference, ...]:
        """The references that meet an area.

        Raises:
            PeerUnavailable: the exchange does not answer as it should.
            BadInput: it cannot use the area; in its words.
        """
        body = _encode(wire.QueryOperationalIntentReferenceParameters(area))
        answer = await self._call("POST", f"{_REFERENCES}/query", body)
        if answer.status in {400, _TOO_LARGE}:
            raise BadInput(f"the exchange cannot use the area: {_message(answer)}", field="volumes")
        if answer.status != 200:  # noqa: PLR2004 - the only success
            raise self._unexpected(answer)
        return self._read(_found, answer).operational_intent_references

    async def find(self, plan_id: str) -> wire.OperationalIntentReference | None:
        """One reference; None if there is none.

        Raises:
            PeerUnavailable: the exchange does not answer as it should.
        """
        answer = await self._call("GET", f"{_REFERENCES}/{plan_id}", None)
        if answer.status == _NOT_FOUND:
            return None
        if answer.status != 200:  # noqa: PLR2004 - the only success
            raise self._unexpected(answer)
        return self._read(_one, answer).operational_intent_reference

    async def put(
        self, plan_id: str, named_ovn: str | None, body: bytes, *, is_off: bool
    ) -> Written | Refused:
        """Make a reference, or change the one that stands at an OVN.

        Args:
            plan_id: of the reference.
            named_ovn: what a change names; None makes a new one.
            body: the message; the same one sent again has one outcome.
            is_off: whether it is of an off-nominal state, which takes another scope.

        Raises:
            PeerUnavailable: no answer, so nobody knows whether it was written.
        """
        path = f"{_REFERENCES}/{plan_id}" + ("" if named_ovn is None else f"/{named_ovn}")
        scope = CONFORMANCE_MONITORING if is_off else STRATEGIC_COORDINATION
        return self._outcome(await self._call("PUT", path, body, scope))

    async def delete(self, plan_id: str, named_ovn: str) -> Written | Refused:
        """End the reference that stands at an OVN.

        Raises:
            PeerUnavailable: as ``put``.
        """
        return self._outcome(await self._call("DELETE", f"{_REFERENCES}/{plan_id}/{named_ovn}", None))

    async def _call(
        self, method: str, path: str, body: bytes | None, scope: str = STRATEGIC_COORDINATION
    ) -> PeerAnswer:
        client, url = self._client, self.url
        try:
            if method == "GET":
                return await client.get_json(url, path, scope)
            if method == "DELETE":
                return await client.delete_json(url, path, scope)
            send = client.put_json if method == "PUT" else client.post_json
            return await send(url, path, scope, body or b"")
        except PeerUnavailable as silent:
            raise self._unavailable(str(silent.members.get("why", silent.detail))) from silent
        except BadInput as unusable:
            raise self._unavailable(f"has no usable address: {unusable.detail}") from unusable
        except Unavailable as no_token:
            raise self._unavailable(f"cannot be spoken to: {no_token.detail}") from no_token

    def _outcome(self, answer: PeerAnswer) -> Written | Refused:
        if answer.status in {200, 201}:
            read = self._read(_changed, answer)
            return Written(read.operational_intent_reference, read.subscribers)
        if answer.status in _NOT_TAKEN:
            return Refused(answer.status, _message(answer))
        if answer.status == _CONFLICT:
            told = self._read(_missing, answer)
            return Refused(
                _CONFLICT,
                (told.message or "")[:_MAX_SHOWN],
                told.missing_operational_intents or (),
                told.missing_constraints or (),
            )
        return Refused(answer.status, _message(answer))

    def _read(self, decoder: "msgspec.json.Decoder[_Message]", answer: PeerAnswer) -> _Message:
        try:
            return decoder.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise self._unavailable(f"answered not as the standard says: {wrong}") from wrong

    def _unexpected(self, answer: PeerAnswer) -> PeerUnavailable:
        return self._unavailable(f"answered {answer.status}: {_message(answer)}")

    def _unavailable(self, why: str) -> PeerUnavailable:
        return PeerUnavailable(
            f"the exchange at {self.url} {why}; nothing was changed here", peer=self.url, why=why[:500]
        )


def _message(answer: PeerAnswer) -> str:
    """What an answer says of itself, for a person."""
    try:
        said = msgspec.json.decode(answer.body, type=wire.ErrorResponse).message
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = None
    return (said or f"status {answer.status}")[:_MAX_SHOWN]
