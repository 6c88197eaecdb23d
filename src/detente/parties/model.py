"""The nouns of access: parties, accounts, roles, scopes, and what travels over ``/v1`` about them.

Members have the same names in code, on the wire and in SQL.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, NewType

from msgspec import Meta, Struct

PartyId = NewType("PartyId", str)
"""A short name chosen by the exchange: ``[a-z0-9][a-z0-9-]{0,62}``; never reused."""
AccountId = NewType("AccountId", str)
"""A UUID made by the exchange; also the OAuth ``client_id``."""
KeyId = NewType("KeyId", str)
"""The RFC 7638 thumbprint of a signing key's public half."""

EXCHANGE_PARTY: Final = PartyId("exchange")
"""The reserved party of the exchange's own host; administrators belong to it and to no other."""
LOCAL_ACCOUNT: Final = AccountId("local")
"""Who acts when a command works on the database itself: whoever can open it. No account has this id."""

AUTHORITY_ACCOUNT: Final = "authority:"
"""How the account begins under which a party acts whom the trusted authority names; the subject follows."""
AUTHORITY_ROLE: Final = "uss"
"""The role of such an account: it holds what its token lists of the field's standard, and nothing of ours."""

MAX_PRIORITY_LIMIT: Final = 100
MAX_LANGUAGES: Final = 8

# A lookahead rather than `$` alone: Python's `$` also matches before a closing newline.
_PLAIN: Final = r"^(?![\s\S]*[\x00-\x1f\x7f])"
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN, description="No control characters")]
Contact = Annotated[str, Meta(max_length=500, pattern=_PLAIN, description="How to reach the duty desk")]
Language = Annotated[
    str,
    Meta(
        pattern=r"^(?![\s\S]*\n)[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        max_length=35,
        description="A language tag in the form of BCP 47, such as fr or pt-BR",
    ),
]
Languages = Annotated[tuple[Language, ...], Meta(min_length=1, max_length=MAX_LANGUAGES)]
PriorityLimit = Annotated[
    int, Meta(ge=0, le=MAX_PRIORITY_LIMIT, description="The highest priority that its plans may ask for")
]
Identifier = Annotated[str, Meta(min_length=1, max_length=500, pattern=_PLAIN)]


class Role(StrEnum):
    """What an account is for; ``rules.SCOPES_OF_ROLE`` says what it may do."""

    PLANNER = "planner"
    DUTY_OFFICER = "duty_officer"
    AUTHORITY = "authority"
    OBSERVER = "observer"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """What a token may be used for; each route names those that admit."""

    PLANS_READ = "plans.read"
    PLANS_WRITE = "plans.write"
    PLANS_OVERRIDE = "plans.override"
    SEPARATIONS_READ = "separations.read"
    SEPARATIONS_WRITE = "separations.write"
    ZONES_READ = "zones.read"
    ZONES_WRITE = "zones.write"
    PARTIES_READ = "parties.read"
    PARTIES_WRITE = "parties.write"
    KEYS_WRITE = "keys.write"
    METRICS_READ = "metrics.read"
    # Those of ASTM F3548-21 and of the interfaces around it, by the names that they have there.
    STRATEGIC_COORDINATION = "utm.strategic_coordination"
    CONSTRAINT_MANAGEMENT = "utm.constraint_management"
    CONSTRAINT_PROCESSING = "utm.constraint_processing"
    CONFORMANCE_MONITORING_SA = "utm.conformance_monitoring_sa"
    AVAILABILITY_ARBITRATION = "utm.availability_arbitration"
    READ_SYSTEM_VERSIONS = "interuss.versioning.read_system_versions"
    POOL_STATUS_READ = "interuss.pool_status.read"
    FLIGHT_PLANNING_DIRECT = "interuss.flight_planning.direct_automated_test"
    FLIGHT_PLANNING_PLAN = "interuss.flight_planning.plan"
    GEOSPATIAL_MAP_DIRECT = "interuss.geospatial_map.direct_automated_test"
    GEOSPATIAL_MAP_QUERY = "interuss.geospatial_map.query"


class AccountKind(StrEnum):
    """Whether a person or a machine holds the account."""

    PERSON = "person"
    SERVICE = "service"


class ExternalSubject(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom another issuer's tokens name, and so which account they speak for here."""

    issuer: Identifier
    """The ``iss`` of a configured external issuer, exactly."""
    subject: Identifier
    """Its ``sub`` (or the configured subject claim), exactly."""


class PartyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What an administrator writes about a party."""

    name: Name
    contact: Contact = ""
    languages: Languages = ("en",)
    priority_limit: PriorityLimit = 0
    is_suspended: bool = False


class Party(Struct, frozen=True):
    """An organisation that takes part, as its host keeps it."""

    party_id: PartyId
    name: str
    contact: str
    languages: tuple[str, ...]
    priority_limit: int
    is_suspended: bool
    version: int
    created: datetime


class PartyView(Struct, frozen=True):
    """A party as one viewer may see it; what only administrators see is null to others."""

    party_id: str
    name: str
    languages: tuple[str, ...]
    contact: str | None = None
    priority_limit: int | None = None
    is_suspended: bool | None = None
    version: int | None = None
    created: datetime | None = None


class PartyList(Struct, frozen=True):
    """All parties, ordered by id."""

    parties: tuple[PartyView, ...]


class AccountBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new account of a party. One with an external subject gets no secret: its own issuer knows it."""

    name: Name
    role: Role
    kind: AccountKind = AccountKind.SERVICE
    external_subject: ExternalSubject | None = None


class AccountChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change of an account; absent members stay as they are."""

    role: Role | None = None
    is_disabled: bool | None = None


class Account(Struct, frozen=True):
    """A person or a service that acts for a party."""

    account_id: AccountId
    party_id: PartyId
    kind: AccountKind
    name: str
    role: Role
    is_disabled: bool
    version: int
    created: datetime
    external_subject: ExternalSubject | None


class AccountList(Struct, frozen=True):
    """A party's accounts, ordered by name."""

    accounts: tuple[Account, ...]


class AccountSecret(Struct, frozen=True):
    """An account with the secret that was just made for it; the secret is never shown again."""

    account: Account
    secret: str | None
    """Null where the account signs in at an external issuer."""


class TokenForm(Struct, frozen=True):
    """The token request of RFC 6749, section 4.4.2; other members are ignored, as section 3.2 asks."""

    grant_type: str = ""
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None
    audience: str | None = None


class TokenAnswer(Struct, frozen=True):
    """The access token answer of RFC 6749, section 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds."""
    scope: str


class RotateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How the signing key is replaced."""

    at_once: bool = False
    """True after a leak: the old keys stop verifying now, and every token has to be asked for again."""


class KeyView(Struct, frozen=True):
    """A signing key's public life; the key itself is in the JWKS."""

    kid: str
    created: datetime
    signs_from: datetime
    retires: datetime | None
    """When tokens it signed stop being accepted; null while it has no successor."""


class WhoAmI(Struct, frozen=True):
    """Whom the token in hand speaks for."""

    party_id: str
    account_id: str
    role: str
    scopes: tuple[str, ...]


class Act(Struct, frozen=True):
    """Who does something and with which words: what each statement is made from."""

    party_id: str
    account_id: str
    token_sha256: bytes | None
    """None when a command works on the database itself."""
    at_ms: int
    content: bytes
    """The request body exactly as received."""
