"""The nouns of refusals that are remembered: what was refused, what was in the way, what settled it.

Those of the first part are also the JSON of ``/v1``; ``Blocking`` and ``Refused`` are what is kept.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.plans.model import Conflict, Instant, PartyName, PlanVolume, Sharing, Uuid

MAX_PAGE = 200
"""The most refusals on one page."""


class RefusedAct(StrEnum):
    """What was asked for and refused."""

    DECLARED = "declared"
    CHANGED = "changed"
    ACTIVATED = "activated"


class SettlementKind(StrEnum):
    """What became of a refused plan: how the plan of that id differs now from what was refused."""

    NONE = "none"
    """Still refused: no such plan is in force, or it stands as it stood."""
    TIME = "time"
    """Declared at another time, everything else the same."""
    HEIGHT = "height"
    """Declared higher or lower, everything else the same."""
    SIDEWAYS = "sideways"
    """Declared elsewhere over the ground, stiffly moved, everything else the same."""
    AS_DECLARED = "as_declared"
    """Accepted later with the same volumes: what was in the way had gone, or no longer counted."""
    CHANGED = "changed"
    """Declared with volumes that are no single shift of the refused ones."""
    ENDED = "ended"
    """The plan that stood ended without having been changed again."""


class Settlement(Struct, frozen=True):
    """What settled a refusal. All but ``is_settled`` is null for a viewer who may not see the plan."""

    is_settled: bool
    kind: SettlementKind | None = None
    shift_s: float | None = None
    """Seconds later than refused; null unless ``kind`` is ``time``."""
    shift_up_m: float | None = None
    """Metres higher than refused; null unless ``kind`` is ``height``."""
    shift_east_m: float | None = None
    """Metres east of what was refused, to 0.1 m; null unless ``kind`` is ``sideways``."""
    shift_north_m: float | None = None
    version: int | None = None
    """The version of the plan that settled it; null while nothing has."""
    at: datetime | None = None
    """When that version was made."""


class RefusalView(Struct, frozen=True):
    """A refusal as one viewer may know it; what the viewer may not see is null."""

    refusal_id: str
    party_id: str
    """Who was refused."""
    plan_id: str | None
    act: RefusedAct | None
    at: datetime
    """When it was first refused."""
    last_at: datetime
    """When the same request was last refused."""
    conflicts: tuple[Conflict, ...]
    """What was in the way, as far as the viewer may know, each as it stood then; first instant first."""
    is_complete: bool | None
    """False when more was in the way than is described; null unless it is the viewer's own."""
    attempts: int | None
    """How often the same request was refused; null unless it is the viewer's own."""
    volumes: tuple[PlanVolume, ...] | None
    title: str | None
    settlement: Settlement
    is_mine: bool


class RefusalGone(Struct, frozen=True):
    """A refusal that the viewer may no longer know of, or that is no longer remembered."""

    refusal_id: str


class RefusalPage(Struct, frozen=True):
    """One page of a query, ordered by ``at`` and id; it may hold fewer than asked for, even none."""

    refusals: tuple[RefusalView, ...]
    next: str | None
    """Pass it back as ``cursor`` for the next page; null on the last."""


class RefusalQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Refusals that a viewer may know of; all members narrow."""

    start: Instant | None = None
    """Those with a conflict, as the viewer knows it, after this instant."""
    end: Instant | None = None
    """Those with a conflict before this instant."""
    party_id: PartyName | None = None
    """Refused to this party."""
    plan_id: Uuid | None = None
    """Refused to the plan of this id, where the viewer may see that."""
    settled: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    cursor: str | None = None


class Blocking(Struct, frozen=True):
    """A plan that was in the way: the conflict as its owner may know it, and what the owner shared then."""

    conflict: Conflict
    sharing: Sharing

    @property
    def plan_id(self) -> str:
        """The plan in the way; its owner always knows it."""
        return self.conflict.plan_id or ""


class RefusedBody(Struct, frozen=True):
    """What is kept of a refused plan's body."""

    volumes: tuple[PlanVolume, ...]
    title: str


class Refused(Struct, frozen=True):
    """A refusal as it is kept, but for whom it may be shown to."""

    refusal_id: str
    party_id: str
    plan_id: str
    act: RefusedAct
    seen_version: int | None
    """The version that the refused request named; None if it declared a new plan."""
    at_ms: int
    last_ms: int
    attempts: int
    sharing: Sharing
    is_complete: bool
    body: RefusedBody
    blocking: tuple[Blocking, ...]
