"""The client that speaks to peers: ASTM F3548-21, party to party, in bytes.

No peer can hold a caller for longer than the time of a call, make it read more than a bound, lead it to
another server, or get a token that was made for somebody else.
"""

import ssl
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import httpx
import msgspec

from detente.astm.peer_address import (
    Lookup,
    PeerBase,
    checked_base,
    is_plain_path,
    system_lookup,
    unavailable,
)
from detente.astm.peer_breaker import BreakerSettings
from detente.astm.peer_connection import (
    PeerAnswer,
    PeerConnection,
    PeerLimits,
    PeerSettings,
    PeerTimeouts,
    left_alone,
)
from detente.astm.peer_tokens import TokenSource
from detente.errors import BadInput

STRATEGIC_COORDINATION: Final = "utm.strategic_coordination"
CONSTRAINT_MANAGEMENT: Final = "utm.constraint_management"
CONSTRAINT_PROCESSING: Final = "utm.constraint_processing"
CONFORMANCE_MONITORING: Final = "utm.conformance_monitoring_sa"

_PLANS: Final = "/uss/v1/operational_intents"
_ZONES: Final = "/uss/v1/constraints"
_REPORTS: Final = "/uss/v1/reports"
_LOOKUP_THREADS: Final = 4
_TIMEOUTS: Final = PeerTimeouts()
_LIMITS: Final = PeerLimits()
_BREAKER: Final = BreakerSettings()


class PeerClient:
    """Asks and tells peers. Belongs to one event loop; ``close`` it at the end."""

    def __init__(
        self,
        tokens: TokenSource,
        *,
        clock_ms: Callable[[], int],
        allows_http: bool = False,
        allows_private: bool | None = None,
        timeouts: PeerTimeouts = _TIMEOUTS,
        limits: PeerLimits = _LIMITS,
        breaker: BreakerSettings = _BREAKER,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        """Make a client that has no connection yet.

        Args:
            tokens: where tokens for peers come from.
            clock_ms: the present.
            allows_http: plain http too; for development.
            allows_private: this machine and private networks too; as ``allows_http`` if not said.
            timeouts: how long a peer may take.
            limits: what one peer can take of us.
            breaker: when a peer is left alone.
            tls: which certificates to trust; the public ones if not said.
            lookup: how names become addresses; as the system does if not said.
        """
        self._tokens = tokens
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, "peer-names")
        self._settings = PeerSettings(
            clock_ms=clock_ms,
            allows_http=allows_http,
            allows_private=allows_http if allows_private is None else allows_private,
            timeouts=timeouts,
            limits=limits,
            breaker=breaker,
            tls=tls or httpx.create_ssl_context(),
            lookup=lookup or system_lookup(self._threads),
        )
        self._peers: OrderedDict[str, PeerConnection] = OrderedDict()

    def checked(self, base_url: str) -> PeerBase:
        """Check a base URL by this client's settings.

        Raises:
            BadInput: if it cannot be used.
        """
        settings = self._settings
        return checked_base(
            base_url, allows_http=settings.allows_http, allows_private=settings.allows_private
        )

    def is_left_alone(self, base_url: str) -> bool:
        """Whether a call to this peer would end at once, because it failed too often a moment ago."""
        peer = self._peers.get(self.checked(base_url).origin)
        return peer is not None and peer.is_left_alone()

    async def get_json(self, base_url: str, path: str, scope: str) -> PeerAnswer:
        """Ask a peer.

        Args:
            base_url: the peer's.
            path: what is appended to it, beginning with a slash.
            scope: what the token is to allow.

        Returns:
            The answer. If its status is below 300, its body is JSON.

        Raises:
            BadInput: if the base URL or the path cannot be used.
            PeerUnavailable: if the peer does not answer in time, or answers 3xx, 5xx, too much, or no JSON.
            Unavailable: if the authority gives no token.
        """
        return await self._call_json("GET", base_url, path, scope, None)

    async def post_json(self, base_url: str, path: str, scope: str, body: bytes) -> PeerAnswer:
        """Tell a peer; as ``get_json``, with an empty answer allowed."""
        return await self._call_json("POST", base_url, path, scope, body)

    async def put_json(self, base_url: str, path: str, scope: str, body: bytes) -> PeerAnswer:
        """Put something at a peer; as ``post_json``."""
        return await self._call_json("PUT", base_url, path, scope, body)

    async def delete_json(self, base_url: str, path: str, scope: str) -> PeerAnswer:
        """Delete something at a peer; as ``post_json``."""
        return await self._call_json("DELETE", base_url, path, scope, None)

    async def fetch_details(self, base_url: str, plan_id: str) -> PeerAnswer:
        """Ask a peer for the details of its plan.

        Returns:
            200 with JSON, or 404: it knows of none.

        Raises:
            BadInput, PeerUnavailable, Unavailable: as ``get_json``; also for any other answer.

        Source: ASTM F3548-21, getOperationalIntentDetails.
        """
        return await self._fetch(base_url, f"{_PLANS}/{_uuid(plan_id)}", STRATEGIC_COORDINATION, {404})

    async def fetch_telemetry(self, base_url: str, plan_id: str) -> PeerAnswer:
        """Ask a peer where the craft of its off-nominal plan is.

        Returns:
            200 with JSON, 404: it knows of none, 409: the plan's state has no telemetry, 412: there is none.

        Raises:
            BadInput, PeerUnavailable, Unavailable: as ``fetch_details``.

        Source: ASTM F3548-21, getOperationalIntentTelemetry.
        """
        path = f"{_PLANS}/{_uuid(plan_id)}/telemetry"
        return await self._fetch(base_url, path, CONFORMANCE_MONITORING, {404, 409, 412})

    async def fetch_constraint(self, base_url: str, zone_id: str) -> PeerAnswer:
        """Ask a peer for the details of its zone; as ``fetch_details``.

        Source: ASTM F3548-21, getConstraintDetails.
        """
        return await self._fetch(base_url, f"{_ZONES}/{_uuid(zone_id)}", CONSTRAINT_PROCESSING, {404})

    async def notify_plan(self, base_url: str, body: bytes) -> PeerAnswer:
        """Tell a peer that a plan changed; 204 is expected.

        Raises:
            BadInput, PeerUnavailable, Unavailable: as ``get_json``.

        Source: ASTM F3548-21, notifyOperationalIntentDetailsChanged.
        """
        return await self._call("POST", base_url, _PLANS, STRATEGIC_COORDINATION, body)

    async def notify_zone(self, base_url: str, body: bytes) -> PeerAnswer:
        """Tell a peer that a zone changed; as ``notify_plan``.

        Source: ASTM F3548-21, notifyConstraintDetailsChanged.
        """
        return await self._call("POST", base_url, _ZONES, CONSTRAINT_MANAGEMENT, body)

    async def report(self, base_url: str, body: bytes, scope: str = STRATEGIC_COORDINATION) -> PeerAnswer:
        """Tell a peer of an error in speaking with it; 201 is expected. Raises as ``notify_plan``.

        Source: ASTM F3548-21, makeUssReport.
        """
        return await self._call("POST", base_url, _REPORTS, scope, body)

    async def close(self) -> None:
        """Close all connections."""
        peers, self._peers = list(self._peers.values()), OrderedDict()
        for peer in peers:
            await peer.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _fetch(self, base_url: str, path: str, scope: str, also: Collection[int]) -> PeerAnswer:
        answer = await self.get_json(base_url, path, scope)
        if answer.status != httpx.codes.OK and answer.status not in also:
            raise unavailable(self.checked(base_url), f"answered {answer.status}")
        return answer

    async def _call_json(
        self, method: str, base_url: str, path: str, scope: str, body: bytes | None
    ) -> PeerAnswer:
        answer = await self._call(method, base_url, path, scope, body)
        may_be_empty = method != "GET" and not answer.body
        if answer.status < httpx.codes.BAD_REQUEST and not may_be_empty and not _is_json(answer.body):
            raise unavailable(self.checked(base_url), "answered what is no JSON")
        return answer

    async def _call(
        self, method: str, base_url: str, path: str, scope: str, body: bytes | None
    ) -> PeerAnswer:
        """Call, and once more with another token if the first one is not taken."""
        base = self.checked(base_url)
        if not path or not is_plain_path(path):
            raise BadInput(
                "The path cannot be used", field="path", expected="/plain/steps", actual=path[:200]
            )
        with self._peer(base) as peer:
            await self._close_surplus()
            if peer.is_left_alone():
                raise left_alone(base)
            token = await self._tokens.get(base.host, scope)
            answer = await peer.send(method, base, path, token, body)
            if answer.status == httpx.codes.UNAUTHORIZED:
                # The peer may have learnt of new keys before we did; a token that is quite new stays, though.
                self._tokens.forget(base.host, scope, token)
                again = await self._tokens.get(base.host, scope)
                if again != token:
                    answer = await peer.send(method, base, path, again, body)
        if answer.status in range(300, 400) or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise unavailable(base, f"answered {answer.status}")
        return answer

    @contextmanager
    def _peer(self, base: PeerBase) -> Iterator[PeerConnection]:
        """The peer's connections, kept while they are in use."""
        peer = self._peers.get(base.origin)
        if peer is None:
            peer = self._peers[base.origin] = PeerConnection(base, self._settings)
        self._peers.move_to_end(base.origin)
        peer.users += 1
        try:
            yield peer
        finally:
            peer.users -= 1

    async def _close_surplus(self) -> None:
        """Forget the peers that were not asked for longest."""
        surplus = len(self._peers) - self._settings.limits.peers
        idle = [origin for origin, peer in self._peers.items() if not peer.users][: max(surplus, 0)]
        for peer in [self._peers.pop(origin) for origin in idle]:
            await peer.close()


def _is_json(body: bytes) -> bool:
    """Whether bytes are JSON in UTF-8; nothing is made of it."""
    try:
        body.decode()
        msgspec.json.decode(body, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True


def _uuid(text: str) -> str:
    """Insist on an id, so that it cannot become another path.

    Raises:
        BadInput: if it is none.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise BadInput("This is no id", field="id", expected="a UUID", actual=text[:200]) from None
