"""Other parties' plans, as a node keeps them: found at the exchange, their details asked of their managers.

Rule 1: what the exchange tells of stands; what it tells of no more is over. Nothing else ends a plan here.
Rule 2: the OVN is what the manager tells with the details: the exchange does not tell it.
Rule 3: a manager that the exchange calls down is not asked; its plans reach as far as was asked about.
Rule 4: a plan that the exchange names only to whom it concerns is shown here in its conflicts only.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from detente.astm.f3548 import wire
from detente.astm.f3548.peer_plans import PeerPlans, ToldPlan
from detente.astm.f3548.volumes import to_volume4d
from detente.astm.node.exchange import Exchange
from detente.discovery import node_store
from detente.discovery.node_store import KeptReference, Mirrored, Seen
from detente.discovery.peer_details import Told
from detente.errors import PeerUnavailable
from detente.geo import Solid, Terrain
from detente.geo.index import Reach, no_rows, rows_of
from detente.plans.model import MAX_PRIORITY, PlanBody, PlanState, PlanVolume, Sharing
from detente.plans.neighbourhood import Neighbourhood
from detente.plans.volumes import to_ms
from detente.store import Pool

Reference = wire.OperationalIntentReference
_AT_ONCE: Final = 8
_UNKNOWN: Final = "unknown-"
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)


class Around(Struct, frozen=True):
    """Who this node is, and what it prepares volumes with."""

    party_id: str
    own_url: str
    neighbourhood: Neighbourhood
    terrain: Terrain | None


class Learned(Struct, frozen=True):
    """What is known of the references in a place."""

    ovns: frozenset[str]
    """Of all whose details are known here: what a key is made of."""
    is_settling: bool
    """Whether a plan of our own is just being written there."""


class Mirror:
    """Keeps other parties' plans.

    Args:
        pool: database connections.
        exchange: where references are.
        peers: asks managers for details.
        around: who this node is.
        now_ms: the present.
    """

    def __init__(
        self, pool: Pool, exchange: Exchange, peers: PeerPlans, around: Around, now_ms: Callable[[], int]
    ) -> None:
        self._pool = pool
        self._exchange = exchange
        self._peers = peers
        self._around = around
        self._now_ms = now_ms
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    @property
    def party_id(self) -> str:
        """Whose node this is."""
        return self._around.party_id

    def extents(self, volumes: Sequence[PlanVolume]) -> tuple[wire.Volume4D, ...]:
        """Volumes of ours as the exchange is told of them.

        Raises:
            BadInput: naming the volume.
        """
        return tuple(
            to_volume4d(one, terrain=self._around.terrain, field=f"volumes[{i}]")
            for i, one in enumerate(volumes)
        )

    async def learn(self, volumes: Sequence[PlanVolume], *, is_strict: bool = True) -> Learned:
        """Learn of everything in the cells, heights and times of volumes.

        Args:
            volumes: where to look.
            is_strict: whether a manager that does not answer is an error; else its plan is left out.

        Raises:
            PeerUnavailable: naming the exchange or the manager.
            BadInput: volumes that cannot be asked about.
        """
        areas = self.extents(volumes)
        found = await asyncio.gather(*(self._query(area) for area in areas))
        references = {one.id.lower(): one for some in found for one in some}
        solids = self._around.neighbourhood.prepare(volumes)
        seen = await node_store.mirrored(self._pool, rows_of(solids, Reach()), list(references))
        untold = [await self._look_for(seen[plan_id]) for plan_id in seen.keys() - references.keys()]
        learned = await self._take(
            references.values(), seen, volumes, is_strict=is_strict, sharing=Sharing.VOLUMES
        )
        return Learned(learned.ovns | frozenset(ovn for ovn in untold if ovn), learned.is_settling)

    async def learn_missing(self, references: Sequence[Reference], volumes: Sequence[PlanVolume]) -> Learned:
        """Learn of references that the exchange says we do not know well enough; all managers are asked anew.

        Raises:
            PeerUnavailable: as ``learn``.
        """
        seen = await node_store.mirrored(self._pool, no_rows(), [one.id.lower() for one in references])
        hidden = [one for one in references if one.id.lower() not in seen]
        known = [one for one in references if one.id.lower() in seen]
        first = await self._take(hidden, {}, volumes, is_strict=True, sharing=Sharing.CONFLICTS)
        second = await self._take(known, {}, volumes, is_strict=True, sharing=None)
        return Learned(first.ovns | second.ovns, first.is_settling or second.is_settling)

    async def told(self, reference: Reference, told: Told) -> None:
        """A manager told of its plan unasked."""
        await self._keep(ToldPlan(reference, told), None)

    async def ended(self, plan_id: str) -> None:
        """A plan is no more, says its manager or the exchange."""
        content = _encode({"plan_id": plan_id, "ended": True})
        await node_store.mirror_end(self._pool, plan_id, content, self._now_ms())

    async def _query(self, area: wire.Volume4D) -> tuple[Reference, ...]:
        async with self._at_once:
            return await self._exchange.query(area)

    async def _look_for(self, seen: Seen) -> str | None:
        """A plan that is kept here was not told: it ended, or moved, or is named only to whom it concerns."""
        reference = await self._exchange.find(seen.plan_id)
        if reference is None:
            await self.ended(seen.plan_id)
            return None
        return seen.ovn if reference.version == seen.version else None

    async def _take(
        self,
        references: Iterable[Reference],
        seen: "dict[str, Seen]",
        volumes: Sequence[PlanVolume],
        *,
        is_strict: bool,
        sharing: Sharing | None,
    ) -> Learned:
        own = [one for one in references if one.manager == self._around.party_id]
        others = [one for one in references if one.manager != self._around.party_id]

        async def take(one: Reference) -> str | None:
            try:
                async with self._at_once:
                    return await self._taken(one, seen.get(one.id.lower()), volumes, sharing)
            except PeerUnavailable:
                if is_strict:
                    raise
                return None

        for party_id, availability in {one.manager: one.uss_availability for one in others}.items():
            await node_store.keep_availability(self._pool, party_id, availability.lower(), self._now_ms())
        ovns = await asyncio.gather(*(take(one) for one in others))
        mine, is_settling = await self._own(own)
        return Learned(frozenset(ovn for ovn in ovns if ovn is not None) | mine, is_settling)

    async def _taken(
        self, one: Reference, seen: Seen | None, volumes: Sequence[PlanVolume], sharing: Sharing | None
    ) -> str | None:
        """Keep what a reference says; the OVN of its plan, None if that is not to be had."""
        is_known = seen is not None and seen.version == one.version and not seen.ovn.startswith(_UNKNOWN)
        if seen is not None and is_known:
            return seen.ovn
        if one.uss_availability == "Down":
            await self._keep_unasked(one, volumes, sharing)
            return None
        found = await self._peers.ask_from(one.id.lower(), one.version, one.uss_base_url)
        if found.told.party_id != one.manager:
            raise PeerUnavailable(
                f"the manager of plan {one.id}, which is near, calls itself otherwise than the exchange does",
                peer=one.uss_base_url,
                why="another manager",
                plan_id=one.id,
            )
        await self._keep(found, sharing)
        return found.told.ovn

    async def _keep(self, found: ToldPlan, sharing: Sharing | None) -> None:
        told = found.told
        solids = self._around.neighbourhood.solids_of(f"{told.ovn}+", told.body)
        await self._write(found.reference, told.ovn, told.body, solids, (told.priority, sharing))

    async def _keep_unasked(
        self, one: Reference, volumes: Sequence[PlanVolume], sharing: Sharing | None
    ) -> None:
        body = _encode(PlanBody(volumes=tuple(volumes)))
        ovn = f"{_UNKNOWN}{one.version}-{hashlib.sha256(body).hexdigest()[:32]}"
        solids = self._around.neighbourhood.solids_of(ovn, body)
        await self._write(one, ovn, body, solids, (0, sharing))

    async def _write(
        self,
        one: Reference,
        ovn: str,
        body: bytes,
        solids: tuple[Solid, ...],
        how: tuple[int, Sharing | None],
    ) -> None:
        priority, sharing = how
        mirrored = Mirrored(
            plan_id=one.id.lower(),
            party_id=one.manager,
            version=one.version,
            ovn=ovn,
            state=PlanState(one.state.lower()),
            priority=min(max(priority, 0), MAX_PRIORITY),
            sharing=sharing,
            start_ms=to_ms(one.time_start.value),
            end_ms=to_ms(one.time_end.value),
            body=body,
            uss_base_url=one.uss_base_url,
            told=_encode(one),
            cells=rows_of(solids, Reach()),
        )
        await node_store.mirror(self._pool, mirrored, self._now_ms())

    async def _own(self, references: Sequence[Reference]) -> tuple[frozenset[str], bool]:
        """The OVNs of our own references that are known here, and whether one is just being written."""
        if not references:
            return frozenset(), False
        standings = await node_store.own_standings(self._pool, [one.id.lower() for one in references])
        known: set[str] = set()
        is_settling = False
        for one in references:
            how = standings[one.id.lower()]
            if one.ovn is not None and one.ovn in {how.here_ovn, how.kept_ovn}:
                known.add(one.ovn)
            elif how.is_under_way:
                is_settling = True
            elif how.kept_ovn is None and how.here_ovn is None:
                await self._withdraw(one)
        return frozenset(known), is_settling

    async def _withdraw(self, one: Reference) -> None:
        """Have a reference of ours ended that nobody knows: it was written after its request was given up.

        Only what was merely accepted: of anything else the craft may be in the air, and a person decides.
        """
        _log.warning("reference_unknown_here", plan_id=one.id, state=one.state)
        if one.state == "Accepted" and one.uss_base_url == self._around.own_url and one.ovn is not None:
            kept = KeptReference(one.id.lower(), one.ovn, one.version, one.subscription_id)
            await node_store.keep_reference(self._pool, kept.plan_id, kept)
