"""What one server process has to speak to peers with: a client for each party that it speaks for."""

from collections.abc import Callable

from msgspec import Struct

from detente.astm.f3548.hosted_plans import NoticeBodies
from detente.astm.f3548.peer_plans import PeerPlans
from detente.astm.f3548.peer_zones import PeerZones
from detente.astm.notice_delivery import DeliverySettings, keep_delivering
from detente.astm.own_tokens import OwnTokens
from detente.astm.peer_client import PeerClient
from detente.astm.peer_tokens import ClientSecret, PeerTokens, TokenSource
from detente.parties.issuer import Issuer
from detente.parties.model import EXCHANGE_PARTY
from detente.store import Pool


class PeeringSettings(Struct, frozen=True):
    """How a process speaks to peers."""

    token_url: str | None = None
    """Where an authority gives tokens; None: the exchange's own issuer signs them."""
    token_subject: str | None = None
    """Who the process is to that authority; None: the party."""
    client: ClientSecret | None = None
    party_id: str | None = None
    """The one party that the process speaks for; None: all that are hosted here."""
    asks_as: str = EXCHANGE_PARTY
    """The subject that asks for details where it speaks for all; to peers ``exchange`` is nobody's name."""
    allows_http: bool = False


class Peering:
    """Clients by party, made when they are needed.

    Args:
        pool: database connections.
        issuer: the built-in one.
        clock_ms: the present.
        settings: how to speak.
    """

    def __init__(
        self, pool: Pool, issuer: Issuer, clock_ms: Callable[[], int], settings: PeeringSettings
    ) -> None:
        self._pool = pool
        self._issuer = issuer
        self._clock_ms = clock_ms
        self._settings = settings
        self._clients: dict[str, PeerClient] = {}
        self._exchange: PeerClient | None = None
        asking = self.client(settings.party_id or settings.asks_as)
        self.plans = PeerPlans(pool, asking, clock_ms)
        self.zones = PeerZones(pool, asking, clock_ms)

    def client(self, party_id: str) -> PeerClient:
        """Who speaks to peers for a party."""
        subject = self._settings.token_subject or party_id
        if subject not in self._clients:
            self._clients[subject] = PeerClient(
                self._tokens(subject), clock_ms=self._clock_ms, allows_http=self._settings.allows_http
            )
        return self._clients[subject]

    def exchange_client(self) -> PeerClient:
        """Who speaks to the exchange that the host named: wherever that is, on a private network too."""
        if self._exchange is None:
            subject = self._settings.token_subject or self._settings.party_id or EXCHANGE_PARTY
            self._exchange = PeerClient(
                self._tokens(subject),
                clock_ms=self._clock_ms,
                allows_http=self._settings.allows_http,
                allows_private=True,
            )
        return self._exchange

    async def keep_delivering(self, bodies: NoticeBodies) -> None:
        """Deliver notices until cancelled."""
        settings = DeliverySettings(party_id=self._settings.party_id)
        await keep_delivering(self._pool, self.client, bodies.make, self._clock_ms, settings=settings)

    async def close(self) -> None:
        """Close all connections."""
        for client in (*self._clients.values(), *([] if self._exchange is None else [self._exchange])):
            await client.close()

    def _tokens(self, subject: str) -> TokenSource:
        settings = self._settings
        if settings.token_url is None:
            return OwnTokens(self._issuer, subject, self._clock_ms)
        return PeerTokens(
            settings.token_url,
            subject,
            self._clock_ms,
            client=settings.client,
            allows_http=settings.allows_http,
        )
