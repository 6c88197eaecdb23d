"""The nouns of strategic deconfliction: plans, their states, conflicts and ways out.

These are also the JSON of ``/v1``: members have the same names in code, on the wire and in SQL.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from msgspec import Meta, Struct

from detente.geo.model import Datum, LatLon, Separation, Shape
from detente.zones.model import ZoneNotice

PlanId = NewType("PlanId", str)
"""A UUID in its canonical form, chosen by the declaring party."""
Ovn = NewType("Ovn", str)
"""An opaque version number: changes with every write, cannot be guessed (F3548-21, OVN)."""

MAX_VOLUMES = 256
MAX_KNOWS = 1_000
MAX_AHEAD_DAYS = 400
MAX_BACK_DAYS = 40
"""A plan in force may have begun so long ago; nothing older is declared, changed or asked about."""
MAX_DURATION_DAYS = 31
MAX_PRIORITY = 100

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone; read to the millisecond")]
Title = Annotated[str, Meta(max_length=200)]
Remarks = Annotated[str, Meta(max_length=2_000)]
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^(?![\s\S]*\n)[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        min_length=36,
        max_length=36,
        description="A UUID",
    ),
]
Priority = Annotated[int, Meta(ge=0, le=MAX_PRIORITY)]
# A lookahead rather than `$` alone: Python's `$` also matches before a closing newline.
PartyName = Annotated[
    str, Meta(max_length=63, pattern=r"^(?![\s\S]*\n)[a-z0-9][a-z0-9-]*$", description="A party's id")
]


class PlanState(StrEnum):
    """Where a plan stands. All but ``ended`` are in force."""

    ACCEPTED = "accepted"
    ACTIVATED = "activated"
    NONCONFORMING = "nonconforming"
    CONTINGENT = "contingent"
    ENDED = "ended"


class Sharing(StrEnum):
    """What the owner shows of a plan to other parties. A conflict's shared piece is always shown to both."""

    FULL = "full"
    """Everything, title and remarks included."""
    VOLUMES = "volumes"
    """Where, when, state and priority; no title, no remarks."""
    CONFLICTS = "conflicts"
    """Nothing but the shared piece, and only to a party whose plan conflicts with it."""


class OwnPlans(StrEnum):
    """Whether a plan is checked against the same party's other plans."""

    CHECK = "check"
    IGNORE = "ignore"


class PlanVolume(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """A volume as it stands on the wire: altitudes in metres above ``datum``, times with a zone."""

    shape: Shape
    lower_m: float
    upper_m: float
    start: Instant
    end: Instant
    datum: Datum = Datum.WGS84


class PlanBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a party declares, or changes its plan into."""

    volumes: Annotated[tuple[PlanVolume, ...], Meta(min_length=1, max_length=MAX_VOLUMES)]
    title: Title = ""
    remarks: Remarks = ""
    priority: Priority = 0
    """A plan of higher priority may be declared over one of lower; the party's own limit applies."""
    sharing: Sharing = Sharing.VOLUMES
    own_plans: OwnPlans = OwnPlans.CHECK
    knows: Annotated[tuple[str, ...], Meta(max_length=MAX_KNOWS)] = ()
    """OVNs of plans whose conflict with this one is accepted knowingly (needs scope ``plans.override``)."""


class StateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The state to enter: activated, nonconforming, contingent or ended."""

    state: PlanState
    reason: Remarks = ""
    knows: Annotated[tuple[str, ...], Meta(max_length=MAX_KNOWS)] = ()


class PlanView(Struct, frozen=True):
    """A plan as one viewer may see it; what the viewer may not see is null."""

    plan_id: str
    party_id: str
    state: PlanState
    version: int
    priority: int
    sharing: Sharing
    start: datetime
    end: datetime
    volumes: tuple[PlanVolume, ...] | None
    title: str | None
    remarks: str | None
    ovn: str | None
    own_plans: OwnPlans | None
    """Whether it is checked against its party's other plans; null unless it is the viewer's own."""
    changed: datetime
    is_mine: bool


class PlanPage(Struct, frozen=True):
    """One page of a query, ordered by start and id."""

    plans: tuple[PlanView, ...]
    next: str | None
    """Pass it back as ``cursor`` for the next page; null on the last."""


class PlanVersion(Struct, frozen=True):
    """One entry of a plan's history, shown to its owner."""

    version: int
    state: PlanState
    account_id: str
    at: datetime
    statement_id: int
    type: str
    content_sha256: str


class Rule(StrEnum):
    """Why two plans may not both stand."""

    OVERLAP = "overlap"
    SEPARATION = "separation"


class Conflict(Struct, frozen=True):
    """One plan in the way: who, which rule, where, from when to when, how deep."""

    party_id: str
    rule: Rule
    separation: Separation
    """What the rule asks for between these two parties; zeros for ``overlap``."""
    start: datetime
    end: datetime
    lower_m: float
    upper_m: float
    datum: Datum
    horizontal_depth_m: float
    vertical_depth_m: float
    time_depth_s: float
    place: LatLon
    outline: tuple[tuple[LatLon, ...], ...]
    plan_id: str | None
    """Null where the owner shares conflicts only."""
    state: PlanState | None
    priority: int | None
    ovn: str | None
    """What to name in ``knows``; null where the viewer may not."""


class WayOutKind(StrEnum):
    """How a plan is moved out of a conflict."""

    TIME = "time"
    HEIGHT = "height"
    SIDEWAYS = "sideways"


class WaysOutLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a way out may move a plan."""

    time_s: Annotated[float, Meta(ge=0, le=86_400)] = 7_200.0
    height_m: Annotated[float, Meta(ge=0, le=5_000)] = 600.0
    sideways_m: Annotated[float, Meta(ge=0, le=50_000)] = 10_000.0


class WayOut(Struct, frozen=True):
    """One shift of the whole plan that is free of conflict with everything in force now; re-checked."""

    kind: WayOutKind
    shift_s: float
    shift_up_m: float
    shift_east_m: float
    shift_north_m: float
    volumes: tuple[PlanVolume, ...]
    """The plan's volumes after the shift: declare these."""


class NoWayOut(Struct, frozen=True):
    """Why a kind of shift offers nothing."""

    kind: WayOutKind
    why: str


class WaysOut(Struct, frozen=True):
    """Offers, smallest first within the limits, and the kinds that have none."""

    offers: tuple[WayOut, ...]
    none: tuple[NoWayOut, ...]
    limits: WaysOutLimits


class CheckBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A question before anything is declared: what would be in the way?"""

    volumes: Annotated[tuple[PlanVolume, ...], Meta(min_length=1, max_length=MAX_VOLUMES)]
    priority: Priority = 0
    own_plans: OwnPlans = OwnPlans.CHECK
    ignore_plan_id: Uuid | None = None
    """The caller's own plan that this would change, so that it is not checked against itself."""
    ways_out: WaysOutLimits | None = None
    """Limits within which ways out are looked for; null: none are."""


class CheckResult(Struct, frozen=True):
    """What is in the way, and the ways out that were asked for."""

    conflicts: tuple[Conflict, ...]
    ways_out: WaysOut | None
    zones: tuple[ZoneNotice, ...] = ()
    """Zones that share a piece with the volumes; one that ``is_closed`` refuses them."""


class QueryBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Plans that a viewer may see, by area, time, height, party and state; all members narrow."""

    area: Shape | None = None
    lower_m: float | None = None
    upper_m: float | None = None
    datum: Datum = Datum.WGS84
    start: Instant | None = None
    end: Instant | None = None
    party_id: str | None = None
    states: tuple[PlanState, ...] = (
        PlanState.ACCEPTED,
        PlanState.ACTIVATED,
        PlanState.NONCONFORMING,
        PlanState.CONTINGENT,
    )
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: str | None = None


class ConflictsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The viewer's own plans that stand beside others; all members narrow."""

    start: Instant | None = None
    """Those that end after this instant."""
    end: Instant | None = None
    """Those that begin before this instant."""
    states: tuple[PlanState, ...] = (
        PlanState.ACCEPTED,
        PlanState.ACTIVATED,
        PlanState.NONCONFORMING,
        PlanState.CONTINGENT,
    )
    """A plan that has ended stands beside nothing."""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class PlanConflicts(Struct, frozen=True):
    """One of the viewer's own plans and what it stands beside."""

    plan_id: str
    version: int
    """The version of the plan that was looked at."""
    conflicts: tuple[Conflict, ...]
    is_complete: bool
    """False when the plan stands beside more than is described."""


class ConflictsPage(Struct, frozen=True):
    """One page of a query, ordered by the plans' start and id; it may hold fewer than asked for."""

    plans: tuple[PlanConflicts, ...]
    next: str | None
    """Pass it back as ``cursor`` for the next page; null on the last."""


class SeparationRule(Struct, frozen=True, forbid_unknown_fields=True):
    """How far two parties keep apart. ``party_b`` null: from everyone; a named pair goes before it."""

    party_a: PartyName
    party_b: PartyName | None
    horizontal_m: Annotated[float, Meta(ge=0, le=100_000)]
    vertical_m: Annotated[float, Meta(ge=0, le=10_000)]
    time_s: Annotated[float, Meta(ge=0, le=86_400)]


class Hello(Struct, frozen=True):
    """The first event of a stream: from which position it speaks, and the server's clock."""

    cursor: str
    now: datetime


class Gone(Struct, frozen=True):
    """A plan that its owner no longer shows to the viewer."""

    plan_id: str


class SeparationChange(Struct, frozen=True):
    """A separation that was set or, if it is null, removed. ``party_b`` null: from everyone."""

    party_a: str
    party_b: str | None
    separation: Separation | None


class Beat(Struct, frozen=True):
    """Everything that was settled by now has been told."""

    now: datetime
