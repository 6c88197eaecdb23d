"""Zones near a plan: their bodies, made ready once, and the pieces that they share with it.

Rule 1: the details of a zone elsewhere are its manager's word, at the version that stands; without them
    nothing is declared beside it.
Rule 2: a manager that is down is not asked, and an exchange that speaks to no peers asks nobody: the zone is
    then a caution as far as its extents reach, and no plan is refused for it.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from detente.errors import PeerUnavailable
from detente.geo import Overlap, Solid, Terrain, find_overlap
from detente.geo.index import Rows
from detente.geo.instants import from_ms
from detente.store import Pool
from detente.zones import store
from detente.zones.model import NearZone, ZoneBody, ZoneNotice, plain
from detente.zones.solids import solids_of
from detente.zones.views import decode_zone, zone_of_extents

_AT_ONCE = 8
_MOST_VOLUMES = 20_000
_ASIDE_BYTES = 20_000
"""Zones that are said in more are made ready in a thread, so that other requests go on."""

_Prepared = tuple[ZoneBody, tuple[Solid, ...]]


class ZoneDetails(Protocol):
    """Who asks managers elsewhere; the application hands it in."""

    async def remembered(self, wanted: Mapping[str, str]) -> Mapping[str, bytes]:
        """The details that are known already, a ZoneBody as JSON by zone id.

        Args:
            wanted: zone id to the OVN at which it stands.
        """
        ...

    async def ask(self, zone_id: str, ovn: str, uss_base_url: str) -> bytes:
        """The details of a zone at an OVN, asked of its manager.

        Raises:
            PeerUnavailable: it does not answer, or not with these.
        """
        ...


class ReadyZone(Struct, frozen=True):
    """A zone near, with what it says and its prepared volumes."""

    near: NearZone
    body: ZoneBody
    solids: tuple[Solid, ...]


class ZoneMeeting(Struct, frozen=True):
    """A zone that shares pieces with a plan."""

    zone: ReadyZone
    pieces: list[Overlap]
    """Deepest first."""


class ZonesNear:
    """Loads zones and compares them; keeps prepared ones, which may be thrown away at any time.

    Args:
        pool: database connections.
        terrain: heights of the ground, if configured.
        details: who asks managers elsewhere, if anybody does.
    """

    def __init__(
        self, pool: Pool, terrain: Terrain | None = None, details: ZoneDetails | None = None
    ) -> None:
        self._pool = pool
        self._terrain = terrain
        self._details = details
        self._ready: OrderedDict[str, _Prepared] = OrderedDict()
        self._held = 0
        self._turn = threading.Lock()

    async def search(self, rows: Rows, limit: int, *, may_close: bool) -> list[NearZone]:
        """Zones that the index finds, a superset of those that meet."""
        return await store.near(self._pool, rows, limit, may_close=may_close)

    async def load(self, near: Sequence[NearZone], *, is_strict: bool) -> list[ReadyZone]:
        """The zones with what they say; one that moved on since it was found is left out.

        Args:
            near: as the index found them.
            is_strict: whether managers elsewhere are asked for what is not known, and one that does not
                answer is an error; else the extents of a zone stand for it.

        Raises:
            PeerUnavailable: naming the manager.
        """
        told = await self._told(near, is_strict=is_strict)
        keys = {one.zone_id: _key(one, told) for one in near}
        held = self._take(keys.values())
        unknown = {
            one.zone_id: one.ovn for one in near if keys[one.zone_id] not in held and one.zone_id not in told
        }
        stored = await store.bodies(self._pool, unknown) if unknown else {}
        ready = []
        for one in near:
            key = keys[one.zone_id]
            words = told.get(one.zone_id) or stored.get(one.ovn)
            if key in held:
                ready.append(ReadyZone(one, *held[key]))
            elif words is not None:
                is_whole = one.zone_id in told or not one.is_elsewhere
                ready.append(
                    ReadyZone(one, *await self._prepared(key, one.zone_id, words, is_whole=is_whole))
                )
        return ready

    async def _told(self, near: Sequence[NearZone], *, is_strict: bool) -> dict[str, bytes]:
        asked = {one.zone_id: one for one in near if one.is_elsewhere and not one.is_down}
        if self._details is None or not asked:
            return {}
        told = dict(await self._details.remembered({one.zone_id: one.ovn for one in asked.values()}))
        if is_strict:
            at_once = asyncio.Semaphore(_AT_ONCE)
            unknown = [one for one in asked.values() if one.zone_id not in told]
            told |= dict(await asyncio.gather(*(self._ask(one, self._details, at_once) for one in unknown)))
        return told

    async def _ask(
        self, one: NearZone, details: ZoneDetails, at_once: asyncio.Semaphore
    ) -> tuple[str, bytes]:
        if one.uss_base_url is None:
            raise PeerUnavailable("a zone elsewhere has no address", why="no address", zone_id=one.zone_id)
        async with at_once:
            return one.zone_id, await details.ask(one.zone_id, one.ovn, one.uss_base_url)

    def _take(self, keys: Iterable[str]) -> dict[str, _Prepared]:
        """What is held of these, in the caller's hand: nothing that is thrown away later is missed."""
        with self._turn:
            held = {key: self._ready[key] for key in keys if key in self._ready}
            for key in held:
                self._ready.move_to_end(key)
        return held

    async def _prepared(self, key: str, zone_id: str, words: bytes, *, is_whole: bool) -> _Prepared:
        body = decode_zone(words) if is_whole else zone_of_extents(zone_id, words)
        if len(words) > _ASIDE_BYTES:
            solids = await asyncio.to_thread(solids_of, body, self._terrain)
        else:
            solids = solids_of(body, self._terrain)
        with self._turn:
            if key not in self._ready:
                self._ready[key] = body, solids
                self._held += len(solids)
            while self._held > _MOST_VOLUMES and len(self._ready) > 1:
                self._held -= len(self._ready.popitem(last=False)[1][1])
        return body, solids


def _key(one: NearZone, told: Mapping[str, bytes]) -> str:
    """What a prepared zone is kept under: an OVN names one version for ever, its extents or its details."""
    return f"{one.ovn}+" if one.zone_id in told else one.ovn


def meetings(solids: Sequence[Solid], zones: Sequence[ReadyZone], most: int) -> list[ZoneMeeting]:
    """The zones that share a piece with volumes, and the pieces; at most ``most``."""
    found: list[ZoneMeeting] = []
    for zone in zones:
        pieces = [
            piece
            for mine in solids
            for theirs in zone.solids
            if (piece := find_overlap(mine, theirs)) is not None
        ]
        if pieces:
            pieces.sort(key=lambda piece: (-piece.horizontal_depth_m, piece.start_ms, piece.lower_m))
            found.append(ZoneMeeting(zone, pieces))
        if len(found) == most:
            break
    return found


def notice_of(meeting: ZoneMeeting, *, is_closed: bool) -> ZoneNotice:
    """Tell whoever plans there of a zone.

    Args:
        meeting: the zone and the pieces. Instants span all of them; heights span those that share the
            deepest one's datum.
        is_closed: whether it refuses the plan.
    """
    near, body = meeting.zone.near, meeting.zone.body
    deepest = meeting.pieces[0]
    alike = [piece for piece in meeting.pieces if piece.datum is deepest.datum]
    return ZoneNotice(
        zone_id=near.zone_id,
        party_id=near.party_id,
        identifier=body.identifier,
        name=plain(body.name),
        restriction=body.restriction,
        is_closed=is_closed,
        message=plain(body.message),
        conditions=body.conditions,
        authorities=body.authorities,
        ovn=near.ovn,
        start=from_ms(min(piece.start_ms for piece in meeting.pieces)),
        end=from_ms(max(piece.end_ms for piece in meeting.pieces)),
        lower_m=min(piece.lower_m for piece in alike),
        upper_m=max(piece.upper_m for piece in alike),
        datum=deepest.datum,
        place=deepest.place,
        outline=tuple(ring for piece in meeting.pieces for ring in piece.outline),
    )
