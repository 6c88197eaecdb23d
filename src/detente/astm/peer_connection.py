"""One peer's server: its connections, how many calls it gets at once, its failures.

Whatever the peer does, a call ends within its time, has read no more than its bound, and went to no other
server.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx
from msgspec import Struct

from detente.astm.peer_address import Lookup, PeerAddresses, PeerBase, PinnedTransport, unavailable
from detente.astm.peer_breaker import Breaker, BreakerSettings
from detente.errors import PeerUnavailable

# A gateway says these of a server that is away: it counts as silent. A 500 is an answer, about one thing.
_AWAY: Final = frozenset({502, 503, 504})
# Shorter than servers keep an idle connection, so that we seldom write into one that is just being closed.
_IDLE_S: Final = 2.0
_CHUNK_BYTES: Final = 65_536


class PeerAnswer(Struct, frozen=True):
    """What a peer answered."""

    status: int
    body: bytes
    """Empty if the status is below 200, from 300 to 399, or 500 and above: it is not read then."""


class PeerTimeouts(Struct, frozen=True):
    """How long a peer may take."""

    connect_s: float = 2.0
    call_s: float = 5.0
    """From the wait for a free connection to the last byte."""


class PeerLimits(Struct, frozen=True):
    """What one peer can take of us."""

    body_bytes: int = 5 * 1024 * 1024
    calls: int = 16
    """To one server at once."""
    peers: int = 1_000
    """Whose connections and failures are remembered."""


class PeerSettings(Struct, frozen=True):
    """How every peer is spoken to."""

    clock_ms: Callable[[], int]
    allows_http: bool
    allows_private: bool
    timeouts: PeerTimeouts
    limits: PeerLimits
    breaker: BreakerSettings
    tls: ssl.SSLContext
    lookup: Lookup


class PeerConnection:
    """One server, by the scheme, host and port of the first base URL that named it."""

    def __init__(self, base: PeerBase, settings: PeerSettings) -> None:
        self.users = 0
        """Calls that hold this connection; it is not to be closed before they are done."""
        self._settings = settings
        self._breaker = Breaker(settings.breaker)
        self._slots = asyncio.Semaphore(settings.limits.calls)
        addresses = PeerAddresses(
            base, settings.lookup, settings.clock_ms, allows_private=settings.allows_private
        )
        limits = httpx.Limits(max_connections=settings.limits.calls, keepalive_expiry=_IDLE_S)
        inner = httpx.AsyncHTTPTransport(verify=settings.tls, limits=limits, trust_env=False)
        self._client = httpx.AsyncClient(
            transport=PinnedTransport(base, addresses, inner),
            timeout=httpx.Timeout(None, connect=settings.timeouts.connect_s),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def is_left_alone(self) -> bool:
        """Whether a call would end at once, because the last ones failed."""
        return self._breaker.blocks(self._settings.clock_ms())

    async def send(
        self, method: str, base: PeerBase, path: str, token: str, body: bytes | None
    ) -> PeerAnswer:
        """Send one request within the time of a call, and count how it went.

        Raises:
            PeerUnavailable: if there is no whole answer, or one that is too large.
        """
        call_s, is_entered = self._settings.timeouts.call_s, False
        try:
            async with asyncio.timeout(call_s), self._slots:
                self._enter(base)
                is_entered = True
                answer = await self._exchange(base, _request(method, base.url + path, token, body))
        except TimeoutError:
            self._breaker.failed(self._settings.clock_ms())
            raise unavailable(base, f"does not answer within {call_s:g} s") from None
        except httpx.HTTPError as error:
            self._breaker.failed(self._settings.clock_ms())
            raise unavailable(base, self._reason(error)) from error
        except BaseException:
            if is_entered:
                self._breaker.left()
            raise
        if answer.status in _AWAY:
            self._breaker.failed(self._settings.clock_ms())
        else:
            self._breaker.answered()
        return answer

    def _enter(self, base: PeerBase) -> None:
        if not self._breaker.enter(self._settings.clock_ms()):
            raise left_alone(base)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _exchange(self, base: PeerBase, request: httpx.Request) -> PeerAnswer:
        """Send a request and read no more of the answer than the bound."""
        most = self._settings.limits.body_bytes
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            if answer.is_success or answer.is_client_error:
                # Packed, a few bytes could become more than we would ever read.
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise unavailable(base, "answered in an encoding that was not asked for")
                async for chunk in answer.aiter_raw(_CHUNK_BYTES):
                    body += chunk
                    if len(body) > most:
                        raise unavailable(base, f"answered more than {most} bytes")
        finally:
            await answer.aclose()
        return PeerAnswer(answer.status_code, bytes(body))

    def _reason(self, error: httpx.HTTPError) -> str:
        """Say what a failed call met."""
        if isinstance(error, httpx.ConnectTimeout):
            return f"takes no connection within {self._settings.timeouts.connect_s:g} s"
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return "has no certificate that is trusted here"
        if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return "refused the connection"
        if isinstance(error, httpx.ConnectError):
            return "cannot be reached"
        return "broke the connection off"


def left_alone(base: PeerBase) -> PeerUnavailable:
    """Say that a peer is not asked at all for now."""
    return unavailable(base, "did not answer several times in a row and is left alone for some seconds")


def _request(method: str, url: str, token: str, body: bytes | None) -> httpx.Request:
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "detente",
    }
    if body is not None:
        headers["content-type"] = "application/json"
    return httpx.Request(method, url, headers=headers, content=body)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error, itself first."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
