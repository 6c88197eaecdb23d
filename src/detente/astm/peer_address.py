"""Where a peer is: its base URL checked, its host looked up, and only addresses that may be reached used.

Base URLs come from other parties, so each could name a machine inside our own walls. The address that is
checked is the one that is connected to: a name that is looked up again later could lead elsewhere.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from detente.errors import BadInput, PeerUnavailable

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses, in the order in which to try them; raises OSError if there are none."""

MAX_URL_LENGTH: Final = 2_000
_ADDRESS_KEPT_MS: Final = 30_000
_MOST_TRIED: Final = 3
_URL: Final = re.compile(r"[A-Za-z0-9._~:/\[\]%-]+")
_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~%-]+)*")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class PeerBase(Struct, frozen=True):
    """A checked base URL."""

    url: str
    """As given, without a closing slash."""
    scheme: str
    host: str
    """In lower case, without port: what a token for this peer names as its audience."""
    port: int

    @property
    def origin(self) -> str:
        """What two base URLs of one server have in common."""
        return f"{self.scheme}://{self.host}:{self.port}"


def checked_base(url: str, *, allows_http: bool, allows_private: bool) -> PeerBase:
    """Check a base URL that another party gave.

    Args:
        url: such as ``https://uss.example.org/utm``.
        allows_http: plain http too; for development.
        allows_private: addresses of this machine and of private networks too. Names are not looked up here.

    Raises:
        BadInput: if it is no such URL.
    """
    fault = BadInput(
        "The base URL of a peer cannot be used",
        field="uss_base_url",
        expected="https://HOST[:PORT][/PATH] without credentials, query or fragment, on a public address",
        actual=url[:200],
    )
    if len(url) > MAX_URL_LENGTH or not _URL.fullmatch(url):
        raise fault
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise fault from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allows_http):
        raise fault
    literal = _literal(host)
    if port == 0 or (literal is None and not _HOST.fullmatch(host)):
        raise fault
    if not allows_private and (host == "localhost" or (literal is not None and not is_public(literal))):
        raise fault
    path = parts.path.rstrip("/")
    if not is_plain_path(path):
        raise fault
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    default = 443 if parts.scheme == "https" else 80
    return PeerBase(f"{parts.scheme}://{place}{path}", parts.scheme, host, port or default)


def is_plain_path(path: str) -> bool:
    """Whether a path is empty or made of plain segments, none of which leads upwards."""
    steps = path.lower().replace("%2e", ".").split("/")
    return _PATH.fullmatch(path) is not None and not {".", ".."} & set(steps)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public network, also where it carries another one inside."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class PeerAddresses:
    """The addresses of one peer that may be connected to, remembered for half a minute."""

    def __init__(
        self, base: PeerBase, lookup: Lookup, clock_ms: Callable[[], int], *, allows_private: bool
    ) -> None:
        self._base = base
        self._lookup = lookup
        self._clock_ms = clock_ms
        self._allows_private = allows_private
        self._lock = asyncio.Lock()
        self._found: tuple[str, ...] = ()
        self._found_ms = 0

    async def get(self) -> tuple[str, ...]:
        """The addresses to try, in order.

        Raises:
            PeerUnavailable: if the name is not known, or has no address that may be reached.
        """
        async with self._lock:
            age_ms = abs(self._clock_ms() - self._found_ms)
            if not self._found or age_ms >= _ADDRESS_KEPT_MS:
                self._found, self._found_ms = await self._look_up(), self._clock_ms()
            return self._found

    async def _look_up(self) -> tuple[str, ...]:
        literal = _literal(self._base.host)
        if literal is not None:
            named: Sequence[str] = [str(literal)]
        else:
            try:
                named = await self._lookup(self._base.host, self._base.port)
            except OSError as error:
                raise unavailable(self._base, "has a host name that is not known here") from error
        pairs = [(text, _literal(text)) for text in named]
        usable = [text for text, one in pairs if one and (self._allows_private or is_public(one))]
        if not usable:
            raise unavailable(self._base, "has no public address")
        return tuple(usable[:_MOST_TRIED])


class PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to the checked addresses of one peer, whatever its name means by then.

    The certificate is checked against the name. One instance serves one peer only: two names on one address
    must not share a connection, on which only the first one's certificate was checked.
    """

    def __init__(self, base: PeerBase, addresses: PeerAddresses, inner: httpx.AsyncBaseTransport) -> None:
        self._base = base
        self._addresses = addresses
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address that takes a connection.

        Raises:
            PeerUnavailable: as ``PeerAddresses.get``, or if the request is for another server.
            httpx.TransportError: from the last address that was tried.
        """
        if (request.url.scheme, request.url.host) != (self._base.scheme, self._base.host):
            raise unavailable(self._base, "is not where the request leads")
        # The header Host was set from the name already; this is what the certificate is checked against.
        request.extensions = {**request.extensions, "sni_hostname": self._base.host}
        failed: httpx.TransportError | None = None
        for address in await self._addresses.get():
            request.url = request.url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or unavailable(self._base, "has no address")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def system_lookup(executor: Executor | None = None) -> Lookup:
    """Look names up as the system does.

    Args:
        executor: whose threads wait; a few of their own, so that slow names hold up nobody else's work.
    """

    async def look_up(host: str, port: int) -> list[str]:
        def ask() -> list[str]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(one[4][0]) for one in found))

        return await asyncio.get_running_loop().run_in_executor(executor, ask)

    return look_up


def unavailable(base: PeerBase, why: str) -> PeerUnavailable:
    """Say of a peer what it does instead of answering."""
    return PeerUnavailable(f"{base.url} {why}", peer=base.url, why=why)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """Read an address; None for a name, and for an address that is only one on some interface of ours."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None
