"""The nouns of zones: where a zone is, what its rule is, whom to ask, when it applies.

Nothing here is checked when it is built in the program; the bounds hold for whatever is decoded, and
whoever builds a zone from elsewhere keeps to `LIMITS`.

Source: EUROCAE ED-269 (UASZoneVersion), ED-318 (UASZone); ASTM F3548-21 OpenAPI, GeoZone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.geo.model import Datum, LatLon, Shape


class ZoneLimits(Struct, frozen=True):
    """How much a zone may hold."""

    identifier_letters: int = 100
    text_letters: int = 500
    message_letters: int = 4_000
    condition_letters: int = 10_000
    languages: int = 20
    conditions: int = 20
    authorities: int = 20
    volumes: int = 200
    vertices: int = 50_000
    """Positions of all volumes together; one shape is bounded by `detente.geo.limits`."""
    periods: int = 500
    daily: int = 100


LIMITS = ZoneLimits()
MAX_PAGE = 200
"""Zones on one page of a query."""

Identifier = Annotated[str, Meta(min_length=1, max_length=LIMITS.identifier_letters)]
Line = Annotated[str, Meta(max_length=LIMITS.text_letters)]
Message = Annotated[str, Meta(max_length=LIMITS.message_letters)]
Condition = Annotated[str, Meta(max_length=LIMITS.condition_letters)]
Country = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
UNKNOWN_LANGUAGE = "und"
"""BCP 47: undetermined."""


class ZoneRestriction(StrEnum):
    """The rule of a zone."""

    PROHIBITED = "prohibited"
    """No flight."""
    CONSENT = "consent"
    """Flights need somebody's authorisation."""
    CAUTION = "caution"
    """Flights must meet conditions, or take care of something."""
    USPACE = "uspace"
    """Flights need the services of a U-space (ED-318 only)."""
    NONE = "none"
    """Flights are free: an exemption from a rule around it."""


class ZoneKind(StrEnum):
    """For whom a zone is defined."""

    COMMON = "COMMON"
    CUSTOMIZED = "CUSTOMIZED"
    """For one operator or one aircraft."""


class ZoneReason(StrEnum):
    """Why a zone exists: the codes of ED-269 and ED-318 together."""

    AIR_TRAFFIC = "AIR_TRAFFIC"
    SENSITIVE = "SENSITIVE"
    PRIVACY = "PRIVACY"
    POPULATION = "POPULATION"
    NATURE = "NATURE"
    NOISE = "NOISE"
    FOREIGN_TERRITORY = "FOREIGN_TERRITORY"
    EMERGENCY = "EMERGENCY"
    DAR = "DAR"
    OTHER = "OTHER"


class AuthorityPurpose(StrEnum):
    """What an authority is to be asked for."""

    AUTHORIZATION = "AUTHORIZATION"
    NOTIFICATION = "NOTIFICATION"
    INFORMATION = "INFORMATION"


class Weekday(StrEnum):
    """A day of the week, or any."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"
    ANY = "ANY"


class DaylightEvent(StrEnum):
    """A moment that the sun sets."""

    BMCT = "BMCT"
    """Beginning of morning civil twilight."""
    SR = "SR"
    SS = "SS"
    EECT = "EECT"
    """End of evening civil twilight."""


class ZoneText(Struct, frozen=True, forbid_unknown_fields=True):
    """A text in one language (BCP 47)."""

    text: Message
    lang: Annotated[str, Meta(min_length=1, max_length=20)] = UNKNOWN_LANGUAGE


ZoneTexts = Annotated[tuple[ZoneText, ...], Meta(max_length=LIMITS.languages)]


class ZoneAuthority(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask or to tell about a zone."""

    purpose: AuthorityPurpose
    name: ZoneTexts = ()
    service: ZoneTexts = ()
    contact_name: ZoneTexts = ()
    site_url: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    interval_before: Line | None = None
    """How long before the flight, as an ISO 8601 duration such as ``P1DT2H``."""


class DailyPeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """From when to when on some days: by the clock (``16:00:00Z``) or by the sun; None is the day's edge."""

    days: tuple[Weekday, ...]
    start_time: Line | None = None
    start_event: DaylightEvent | None = None
    end_time: Line | None = None
    end_event: DaylightEvent | None = None


class ZonePeriod(Struct, frozen=True, forbid_unknown_fields=True):
    """When a zone applies: between two instants (None: without end), and then only on ``daily``, if any."""

    start_ms: int | None = None
    end_ms: int | None = None
    daily: Annotated[tuple[DailyPeriod, ...], Meta(max_length=LIMITS.daily)] = ()


class ZoneVolume(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a zone: where, between which heights, and at most from when to when.

    Floor and ceiling have a datum each, because files do: a floor on the ground under a ceiling above the
    sea is the common case. `detente.zones.bands.one_band` says it in one datum.
    """

    shape: Shape
    lower_m: float = 0.0
    upper_m: float | None = None
    """None: no ceiling."""
    lower_datum: Datum = Datum.AGL
    upper_datum: Datum = Datum.AGL
    """Of no meaning without a ceiling."""
    start_ms: int | None = None
    """The first moment of the zone's schedule; None: always."""
    end_ms: int | None = None
    """The last moment of the zone's schedule; None: without end."""


class ZoneBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A zone as its publisher says it."""

    identifier: Identifier
    """Unique within the country (and within a file)."""
    restriction: ZoneRestriction
    volumes: Annotated[tuple[ZoneVolume, ...], Meta(min_length=1, max_length=LIMITS.volumes)]
    country: Country | None = None
    """ISO 3166-1, three letters."""
    name: ZoneTexts = ()
    kind: ZoneKind = ZoneKind.COMMON
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=LIMITS.conditions)] = ()
    """Coded conditions, such as ``PERMITTED/OPERATOR=POLICE``."""
    region: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    reasons: Annotated[tuple[ZoneReason, ...], Meta(max_length=10)] = ()
    other_reason: ZoneTexts = ()
    regulation_exemption: bool | None = None
    u_space_class: Line | None = None
    message: ZoneTexts = ()
    authorities: Annotated[tuple[ZoneAuthority, ...], Meta(max_length=LIMITS.authorities)] = ()
    schedule: Annotated[tuple[ZonePeriod, ...], Meta(max_length=LIMITS.periods)] = ()
    """When it applies: in any of these; none: always."""


class ZonePublication(Struct, frozen=True, forbid_unknown_fields=True):
    """What a party publishes, or changes its zone into."""

    zone: ZoneBody
    source: Line = ""
    """The file or data set that it comes from: a new edition of that withdraws what it no longer holds."""


class ZoneView(Struct, frozen=True):
    """A zone as it stands, for whoever may read zones."""

    zone_id: str
    party_id: str
    version: int
    ovn: str
    """What a plan names in ``knows`` to stand in it all the same."""
    start: datetime | None
    """None: since ever."""
    end: datetime | None
    """None: without end."""
    changed: datetime
    source: str
    is_elsewhere: bool
    """Its manager's own server keeps the details."""
    is_told: bool
    """Whether ``zone`` is what the manager said; else it holds the extents, as a caution."""
    zone: ZoneBody | None
    """None in an event that would be too large: ask for the zone by its id."""


class ZoneGone(Struct, frozen=True):
    """A zone that was withdrawn."""

    zone_id: str


class ZonePage(Struct, frozen=True):
    """One page of a query, ordered by id."""

    zones: tuple[ZoneView, ...]
    next: str | None
    """Pass it back as ``cursor`` for the next page; null on the last."""


class ZoneQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Zones by area, time, party and source; all members narrow."""

    area: Shape | None = None
    start: Annotated[datetime, Meta(tz=True)] | None = None
    """Those that end after this instant."""
    end: Annotated[datetime, Meta(tz=True)] | None = None
    """Those that begin before this instant."""
    party_id: Line | None = None
    source: Line | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    cursor: Line | None = None


class NearZone(Struct, frozen=True):
    """A zone that the index found, before its body is looked at."""

    zone_id: str
    ovn: str
    party_id: str
    is_elsewhere: bool
    uss_base_url: str | None
    is_down: bool
    """Its manager is elsewhere and marked as down."""


class ZoneNotice(Struct, frozen=True):
    """A zone that shares a piece with a plan: whose, its rule, where and when they meet."""

    zone_id: str
    party_id: str
    identifier: str
    name: str | None
    restriction: ZoneRestriction
    is_closed: bool
    """Whether it refuses the plan."""
    message: str | None
    conditions: tuple[str, ...]
    authorities: tuple[ZoneAuthority, ...]
    ovn: str
    start: datetime
    end: datetime
    lower_m: float
    upper_m: float
    datum: Datum
    place: LatLon
    """A point inside the shared piece."""
    outline: tuple[tuple[LatLon, ...], ...]


def plain(texts: tuple[ZoneText, ...]) -> str | None:
    """Choose one text of several languages, for a place that has room for one.

    Args:
        texts: as their publisher ordered them.

    Returns:
        The first; None if there is none.
    """
    return texts[0].text if texts else None
