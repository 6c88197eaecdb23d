"""Puts the rooms together into one application; the only file that knows them all."""

import asyncio
import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog

from detente.astm.f3548.dss import discovery_routes
from detente.astm.f3548.hosted_plans import HostedTeller, NoticeBodies
from detente.astm.f3548.hosted_zones import HostedZones, ZoneTeller
from detente.astm.f3548.routing import Wire
from detente.astm.f3548.uss import uss_routes
from detente.astm.harness import NAMELESS, Harness, PlansRoom
from detente.astm.interuss_routes import interuss_routes
from detente.astm.node.mirror import Around
from detente.astm.node.node import Node
from detente.astm.peer_tokens import ClientSecret
from detente.astm.peering import Peering, PeeringSettings
from detente.console.passkey_routes import passkey_routes
from detente.console.passkeys import Passkeys
from detente.console.routes import routes as console_routes
from detente.console.session_routes import session_routes
from detente.console.sessions import ConsoleSessions
from detente.console.static_files import read_static_files
from detente.console.tile_routes import tile_routes
from detente.console.tiles import TileFile
from detente.discovery.arbitration import Arbitration
from detente.discovery.hosted import HostedPlans
from detente.discovery.references import References
from detente.discovery.subscriptions import Subscriptions
from detente.discovery.sweep import keep_sweeping
from detente.discovery.zones import ZoneReferences
from detente.errors import StoreRefused, Unavailable
from detente.formats.routes import routes as files_routes
from detente.geo import HgtTerrain, Terrain
from detente.parties.authority import key_sets, read_authority, tell_of_weak_keys
from detente.parties.directory import PartyDirectory
from detente.parties.external import ExternalIssuer, ScopeHandling
from detente.parties.issuer import Issuer
from detente.parties.model import MAX_PRIORITY_LIMIT
from detente.parties.routes import routes as parties_routes
from detente.parties.service import PartiesService
from detente.parties.signing import AccessSettings
from detente.parties.verifier import Verifier
from detente.plans.expiry import keep_expiring
from detente.plans.met import MetPlans
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.questions import Questions
from detente.plans.refusal_routes import refusal_routes
from detente.plans.refusals import Refusals
from detente.plans.routes import SEPARATIONS_READ, SEPARATIONS_WRITE
from detente.plans.routes import routes as plans_routes
from detente.plans.separations import Separations
from detente.plans.service import PlansService
from detente.plans.streams import EventStreams
from detente.plans.writing import WritesHere
from detente.settings import Settings, load_settings
from detente.store import Pool, is_ready, open_pool, when_available
from detente.web import Limits, Route, make_app
from detente.zones.near import ZonesNear
from detente.zones.routes import WRITE as ZONES_WRITE
from detente.zones.routes import routes as zones_routes
from detente.zones.service import ZonesService

_OVN_BYTES = 24
_NOT_AT_A_NODE = frozenset({SEPARATIONS_WRITE, ZONES_WRITE})
_PATIENCE_S = 60.0
"""How long a process waits for its database when it starts; the server has waited before, without an end."""
_AUTHORITY_ALONE = "no exchange was made here, so only the trusted authority's tokens are accepted"
_log = structlog.get_logger("detente")


def now_ms() -> int:
    """The clock of the process: ms since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def new_ovn() -> str:
    """A fresh OVN: 32 characters that nobody can guess."""
    return secrets.token_urlsafe(_OVN_BYTES)


def new_id() -> str:
    """A fresh UUID of version 4."""
    return str(uuid.uuid4())


class Exchange:
    """One server process of an exchange, as an ASGI application.

    It is built when the server starts it, inside the event loop that will run it.

    Args:
        settings: with the URL of a migrated database.
        clock: ms since 1970-01-01 UTC.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        self._settings = settings
        self._clock = clock
        self._building = asyncio.Lock()
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own shapes
        """Serve one connection, as ASGI 3 says."""
        if self._app is None:
            async with self._building:
                if self._app is None:
                    self._app = await self._build()
        await self._app(scope, receive, send)

    async def _build(self) -> Any:  # noqa: ANN401 - an ASGI application
        settings, clock = self._settings, self._clock
        if settings.database is None:
            raise StoreRefused("no database is named", expected="DETENTE_DATABASE")
        database = settings.database
        pool = await when_available(
            lambda: open_pool(database, max_size=settings.pool_size), patience_s=_PATIENCE_S
        )
        parties = PartiesService(
            pool,
            AccessSettings(issuer=settings.url(), audiences=_audiences(settings)),
            clock_ms=clock,
        )
        authority = read_authority(settings.trust_key)
        tell_of_weak_keys(authority)
        verifier = Verifier(
            parties,
            clock_ms=clock,
            external=external_issuers(settings),
            authority=authority,
            authority_sets=key_sets(settings.trust_key, clock),
        )
        await _tell_of_a_missing_exchange(parties, has_authority=bool(settings.trust_key))
        peering = _peering(pool, parties, clock, settings)
        at = Wire(settings.url(), allows_http=settings.allow_http_peers)
        node = _node(pool, peering, clock, settings)
        hosted = HostedPlans(pool, clock, hides=node is None)
        teller = HostedTeller(at.teller, _terrain(settings))
        zones = HostedZones(pool, ZoneTeller(at.teller, _terrain(settings)))
        jobs = _Jobs(pool, clock)
        jobs.add(lambda: keep_sweeping(pool, clock))
        if peering is not None:
            jobs.add(lambda: peering.keep_delivering(NoticeBodies(hosted, teller, zones)))
        if node is not None:
            jobs.add(node.keep_settling)
        streams = EventStreams(pool, clock, separations_scope=SEPARATIONS_READ)
        plans, routes_of_plans = _plans(pool, clock, settings, streams, peering, node)
        harness = None
        if settings.test_interfaces:
            harness = Harness(pool, parties, plans, party=settings.speaks_for(), now_ms=clock, new_id=new_id)
            jobs.add(harness.work)
        return make_app(
            [
                *parties_routes(parties),
                *routes_of_plans,
                *([] if harness is None else harness.routes),
                *files_routes(),
                *([] if node is not None else [*_discovery(pool, settings, at), *interuss_routes(parties)]),
                *uss_routes(pool, hosted, teller, zones, _arbitration(pool), clock, node),
                *_console(pool, parties, settings),
            ],
            authenticator=verifier,
            now_ms=clock,
            readiness=lambda: readiness(pool, parties, has_authority=bool(settings.trust_key)),
            limits=Limits(rate_per_s=settings.rate_per_s, rate_burst=max(1, int(2 * settings.rate_per_s))),
            on_start=[*([] if harness is None else [harness.start]), jobs.start],
            on_stop=[
                streams.stop,
                jobs.stop,
                *([] if peering is None else [peering.close]),
                verifier.close,
                lambda: _close(pool),
            ],
        )


def _plans(  # noqa: PLR0917 - called in one place
    pool: Pool,
    clock: Callable[[], int],
    settings: Settings,
    streams: EventStreams,
    peering: Peering | None,
    node: Node | None,
) -> tuple[PlansRoom, list[Route]]:
    neighbourhood = Neighbourhood(_terrain(settings), None if peering is None else peering.plans)
    zones = ZonesNear(pool, _terrain(settings), None if peering is None else peering.zones)
    own = settings.speaks_for()
    # A harness may call its party what it likes, also what no party that is registered here can be called.
    guests = {own or NAMELESS: MAX_PRIORITY_LIMIT} if settings.test_interfaces else {}
    directory = PartyDirectory(pool, clock_ms=clock, guests=guests)
    addresses = {} if own is None else {own: settings.url()}
    separations = Separations(pool, directory, clock)
    refusals = Refusals(pool, clock)
    service = PlansService(
        pool,
        neighbourhood=neighbourhood,
        separations=separations,
        directory=directory,
        refusals=refusals,
        now_ms=clock,
        writer=WritesHere(pool, new_ovn) if node is None else node.writer,
        addresses=addresses,
        zones=zones,
    )
    questions = Questions(
        pool,
        neighbourhood=neighbourhood,
        separations=separations,
        directory=directory,
        now_ms=clock,
        zones=zones,
        writer=None if node is None else node.writer,
    )
    hosted_zones = ZonesService(
        pool, now_ms=clock, new_ovn=new_ovn, terrain=_terrain(settings), addresses=addresses
    )
    room = PlansRoom(service, questions, MetPlans(pool, neighbourhood, separations), directory)
    routes = [
        *plans_routes(service, questions, separations, streams),
        *refusal_routes(refusals),
        *zones_routes(hosted_zones),
    ]
    # A node asks the exchange about just the place of a plan, and publishes no zones: both are set there.
    kept = [route for route in routes if node is None or route.scope not in _NOT_AT_A_NODE]
    return room, kept


def _node(pool: Pool, peering: Peering | None, clock: Callable[[], int], settings: Settings) -> Node | None:
    """What makes this server a node; None where it is an exchange."""
    if settings.node_of is None or settings.exchange is None or peering is None:
        return None
    terrain = _terrain(settings)
    around = Around(settings.node_of, settings.url(), Neighbourhood(terrain), terrain)
    return Node(pool, peering, settings.exchange, around, clock)


def _discovery(pool: Pool, settings: Settings, at: Wire) -> list[Route]:
    return discovery_routes(
        at,
        References(pool, neighbourhood=Neighbourhood(_terrain(settings)), new_ovn=new_ovn, new_id=new_id),
        ZoneReferences(pool, new_ovn=new_ovn),
        Subscriptions(pool, new_version=new_ovn),
        _arbitration(pool),
    )


def _arbitration(pool: Pool) -> Arbitration:
    return Arbitration(pool, new_id=new_id, new_version=new_ovn)


def _peering(
    pool: Pool, parties: PartiesService, clock: Callable[[], int], settings: Settings
) -> Peering | None:
    """What this process speaks to peers with; None where no peer would take its tokens."""
    if settings.token_url is None and settings.trust_key:
        return None  # peers trust the same authority, which is not this exchange
    return Peering(
        pool,
        Issuer(parties),
        clock,
        PeeringSettings(
            token_url=settings.token_url,
            token_subject=settings.token_subject or settings.speaks_for(),
            client=_token_client(settings),
            party_id=settings.speaks_for(),
            asks_as=_audiences(settings)[0],
            allows_http=settings.allow_http_peers,
        ),
    )


def _token_client(settings: Settings) -> ClientSecret | None:
    if settings.token_client is None or settings.token_secret is None:
        return None
    return ClientSecret(settings.token_client, settings.token_secret)


def _terrain(settings: Settings) -> Terrain | None:
    return None if settings.terrain is None else HgtTerrain(Path(settings.terrain))


def _console(pool: Pool, parties: PartiesService, settings: Settings) -> list[Route]:
    sessions, is_secure = ConsoleSessions(pool), settings.url().startswith("https://")
    return [
        *console_routes(read_static_files()),
        *tile_routes(None if settings.tiles is None else TileFile(Path(settings.tiles))),
        *session_routes(sessions, Issuer(parties), is_secure=is_secure),
        *passkey_routes(Passkeys(pool, settings.url()), sessions, is_secure=is_secure),
    ]


class _Jobs:
    """What runs beside the requests; stops with the process and finds its work again in the database."""

    def __init__(self, pool: Pool, clock: Callable[[], int]) -> None:
        self._work: list[Callable[[], Coroutine[Any, Any, None]]] = [lambda: keep_expiring(pool, clock)]
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work.append(work)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(work()) for work in self._work]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _close(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()


async def _tell_of_a_missing_exchange(parties: PartiesService, *, has_authority: bool) -> None:
    """A server without an exchange runs, so that one can be made beside it; but nobody gets a token here."""
    try:
        await parties.name()
    except StoreRefused as missing:
        if has_authority:
            _log.info("no_exchange_here", what=_AUTHORITY_ALONE)
        else:
            _log.warning("no_exchange_yet", why=missing.detail)
    except Unavailable:
        return  # it is waited for, and readiness tells


async def readiness(pool: Pool, parties: PartiesService, *, has_authority: bool = False) -> Mapping[str, str]:
    """Say of each thing that the server needs ``ok``, or why it is missing.

    Args:
        pool: the database.
        parties: knows whether an exchange was made, and its keys.
        has_authority: an authority's tokens are accepted too, so nothing is missing without an exchange.
    """
    if await is_ready(pool) is None:
        return {"database": "does not answer", "issuer": "waits for the database"}
    try:
        await parties.name()  # refused, with what to do, where no exchange was made yet
        await parties.signing.cache.keys()
    except (Unavailable, StoreRefused) as error:
        is_enough = has_authority and isinstance(error, StoreRefused)
        return {"database": "ok", "issuer": f"ok: {_AUTHORITY_ALONE}" if is_enough else error.detail}
    return {"database": "ok", "issuer": "ok"}


def _audiences(settings: Settings) -> tuple[str, ...]:
    if settings.audience:
        return settings.audience
    host = settings.url().split("://", 1)[-1].split("/", 1)[0]
    return (host.rsplit(":", 1)[0].strip("[]"),)


def external_issuers(settings: Settings) -> list[ExternalIssuer]:
    """The foreign issuers of the settings."""
    return [
        ExternalIssuer(
            issuer=one.issuer,
            audience=one.audience,
            jwks_url=one.jwks_url,
            pem_file=None if one.pem_file is None else Path(one.pem_file),
            subject_claim=one.subject_claim,
            scope_handling=ScopeHandling(one.scopes),
        )
        for one in settings.issuers
    ]


def create() -> Exchange:
    """The application of a worker process; its settings are in the environment."""
    return Exchange(load_settings({}))
