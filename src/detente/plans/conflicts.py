"""Exact conflicts between plans: who, which rule, where, from when to when, how deep."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from detente.geo import Solid, find_overlap
from detente.geo.model import Overlap, Separation
from detente.plans.model import Conflict, Rule, Sharing
from detente.plans.rules import NO_SEPARATION, Standing, may_see_plan, may_see_texts
from detente.plans.volumes import from_ms


class Neighbour(Struct, frozen=True):
    """A plan in force that the index found near: where it stands and the volumes that may meet."""

    standing: Standing
    sharing: Sharing
    solids: tuple[Solid, ...]


def meet(mine: Sequence[Solid], others: Sequence[Solid], separation: Separation) -> list[Overlap]:
    """All pieces that two plans share, volume against volume, deepest on the ground first."""
    pieces = [piece for a in mine for b in others if (piece := find_overlap(a, b, separation)) is not None]
    pieces.sort(key=lambda piece: (-piece.horizontal_depth_m, piece.start_ms, piece.lower_m))
    return pieces


def describe(
    pieces: Sequence[Overlap], neighbour: Neighbour, separation: Separation, viewer: str
) -> Conflict:
    """One conflict out of its pieces, told to one viewer.

    Args:
        pieces: at least one, deepest first. Instants span all pieces; heights span those that share the
            deepest one's datum.
        neighbour: the plan in the way.
        separation: what the rule asks for between the two.
        viewer: the party that reads the answer.
    """
    deepest = pieces[0]
    alike = [piece for piece in pieces if piece.datum is deepest.datum]
    owner = neighbour.standing.party_id
    sees_plan = may_see_plan(viewer, owner, neighbour.sharing)
    return Conflict(
        party_id=owner,
        rule=Rule.OVERLAP if separation == NO_SEPARATION else Rule.SEPARATION,
        separation=separation,
        start=from_ms(min(piece.start_ms for piece in pieces)),
        end=from_ms(max(piece.end_ms for piece in pieces)),
        lower_m=min(piece.lower_m for piece in alike),
        upper_m=max(piece.upper_m for piece in alike),
        datum=deepest.datum,
        horizontal_depth_m=deepest.horizontal_depth_m,
        vertical_depth_m=max(piece.vertical_depth_m for piece in pieces),
        time_depth_s=max(piece.time_depth_s for piece in pieces),
        place=deepest.place,
        outline=tuple(ring for piece in pieces for ring in piece.outline),
        plan_id=neighbour.standing.plan_id if sees_plan else None,
        state=neighbour.standing.state if sees_plan else None,
        priority=neighbour.standing.priority if sees_plan else None,
        ovn=neighbour.standing.ovn if may_see_texts(viewer, owner, neighbour.sharing) else None,
    )


class SolidCache:
    """Prepared volumes of plans by OVN, so that a busy neighbour is prepared once.

    An OVN names one version for ever, so an entry is never wrong; the oldest go first. Threads may share it.

    Args:
        max_volumes: how many volumes are kept.
    """

    def __init__(self, max_volumes: int = 20_000) -> None:
        self._max_volumes = max_volumes
        self._held = 0
        self._turn = threading.Lock()
        self._solids: OrderedDict[str, tuple[Solid, ...]] = OrderedDict()

    def get(self, ovn: str, prepare: Callable[[], tuple[Solid, ...]]) -> tuple[Solid, ...]:
        """The prepared volumes of a version, prepared now if they are not held."""
        with self._turn:
            held = self._solids.get(ovn)
            if held is not None:
                self._solids.move_to_end(ovn)
                return held
        solids = prepare()
        with self._turn:
            if ovn not in self._solids:
                self._solids[ovn] = solids
                self._held += len(solids)
            while self._held > self._max_volumes and len(self._solids) > 1:
                _, dropped = self._solids.popitem(last=False)
                self._held -= len(dropped)
        return solids


def pick(solids: tuple[Solid, ...], volume_ixs: Iterable[int]) -> tuple[Solid, ...]:
    """The volumes that the index found, in their own order."""
    return tuple(solids[i] for i in sorted(set(volume_ixs)))
