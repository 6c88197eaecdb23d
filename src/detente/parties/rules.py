"""The decisions of access, on plain values: scopes, who may be what, when a key signs.

Rule 1: a token never holds a scope that its account's role does not hold now.
Rule 2: administrators belong to the exchange's own party, and administrators declare no plans.
Rule 3: a key is published before it signs, and stays published until its last token has expired.
Rule 4: the scopes of the field's standard and those of our own routes never stand for one another.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from detente.errors import BadInput, Refused, VersionRequired
from detente.parties.model import (
    EXCHANGE_PARTY,
    Party,
    PartyId,
    PartyView,
    Role,
    Scope,
)

_PARTY_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IF_MATCH: Final = re.compile(r'"([1-9][0-9]{0,8})"')

STANDARD_PREFIXES: Final = ("utm.", "rid.", "interuss.")
"""How the scopes of the field's standard, and of the interfaces around it, begin; none of ours does."""

_EVERYBODY: Final = frozenset({Scope.READ_SYSTEM_VERSIONS, Scope.POOL_STATUS_READ})
_PLANNER: Final = _EVERYBODY | {
    Scope.PLANS_READ,
    Scope.PLANS_WRITE,
    Scope.ZONES_READ,
    Scope.PARTIES_READ,
    Scope.SEPARATIONS_READ,
    Scope.STRATEGIC_COORDINATION,
    Scope.CONSTRAINT_PROCESSING,
    Scope.CONFORMANCE_MONITORING_SA,
    Scope.FLIGHT_PLANNING_PLAN,
    Scope.GEOSPATIAL_MAP_QUERY,
}
SCOPES_OF_ROLE: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.PLANNER: _PLANNER,
    Role.DUTY_OFFICER: _PLANNER | {Scope.PLANS_OVERRIDE},
    Role.AUTHORITY: _EVERYBODY
    | {
        Scope.PLANS_READ,
        Scope.ZONES_READ,
        Scope.ZONES_WRITE,
        Scope.SEPARATIONS_READ,
        Scope.SEPARATIONS_WRITE,
        Scope.PARTIES_READ,
        Scope.CONSTRAINT_MANAGEMENT,
        Scope.CONSTRAINT_PROCESSING,
        Scope.AVAILABILITY_ARBITRATION,
    },
    Role.OBSERVER: _EVERYBODY
    | {Scope.PLANS_READ, Scope.ZONES_READ, Scope.PARTIES_READ, Scope.SEPARATIONS_READ},
    Role.ADMINISTRATOR: _EVERYBODY
    | {
        Scope.PARTIES_READ,
        Scope.PARTIES_WRITE,
        Scope.KEYS_WRITE,
        Scope.SEPARATIONS_READ,
        Scope.SEPARATIONS_WRITE,
        Scope.METRICS_READ,
        Scope.AVAILABILITY_ARBITRATION,
        Scope.FLIGHT_PLANNING_DIRECT,
        Scope.GEOSPATIAL_MAP_DIRECT,
    },
}
"""Which scopes each role holds."""


def check_party_id(text: str) -> PartyId:
    """Take a party's id as it came in.

    Args:
        text: the id.

    Returns:
        The same text as a party id.

    Raises:
        BadInput: if it is not 1 to 63 of ``a-z``, ``0-9`` and ``-``, beginning with a letter or digit.
    """
    if _PARTY_ID.fullmatch(text) is None:
        raise BadInput(
            "The party id must be 1 to 63 of a-z, 0-9 and -, and begin with a letter or digit",
            field="party_id",
            expected="[a-z0-9][a-z0-9-]{0,62}",
            actual=text[:100],
        )
    return PartyId(text)


def is_account_id(text: str) -> bool:
    """Say whether a text has the form of an account id; what has not must not reach the database.

    Args:
        text: as it came in.

    Returns:
        True for a UUID in lower case.
    """
    return _ACCOUNT_ID.fullmatch(text) is not None


def check_role(party_id: str, role: Role) -> None:
    """Check that an account of this party may have this role.

    Args:
        party_id: whose account it is.
        role: what it is to be.

    Raises:
        BadInput: for an administrator outside the exchange's own party.
    """
    if role is Role.ADMINISTRATOR and party_id != EXCHANGE_PARTY:
        raise BadInput(
            f"Administrators belong to the party {EXCHANGE_PARTY!r} only",
            field="role",
            expected="planner, duty_officer, authority or observer",
            actual=role.value,
        )


def check_suspension(party_id: str, *, is_suspended: bool) -> None:
    """Check that this party may be in this state.

    Args:
        party_id: the party.
        is_suspended: the state asked for.

    Raises:
        Refused: for the exchange's own party, which could let nobody back in.
    """
    if is_suspended and party_id == EXCHANGE_PARTY:
        raise Refused("The exchange's own party cannot be suspended: nobody could lift it again")


def version_of(if_match: str | None) -> int:
    """Read the version that a change names in ``If-Match``.

    Args:
        if_match: the header as received, None if absent.

    Returns:
        The version.

    Raises:
        VersionRequired: if it is absent.
        BadInput: if it is not one quoted number.
    """
    if if_match is None:
        raise VersionRequired('Name the version you saw as If-Match, such as "3"', expected="If-Match")
    found = _IF_MATCH.fullmatch(if_match.strip())
    if found is None:
        raise BadInput(
            "If-Match must be one version in quotes",
            field="if-match",
            expected='"3"',
            actual=if_match[:100],
        )
    return int(found[1])


def granted_scopes(role: Role, asked: Collection[str] | None) -> frozenset[str]:
    """Decide which scopes a token gets (RFC 6749, section 3.3).

    Args:
        role: the account's role.
        asked: the scopes asked for; None: all that the role holds.

    Returns:
        Those of the asked scopes that the role holds; the caller refuses an empty answer.
    """
    held = frozenset(scope.value for scope in SCOPES_OF_ROLE[role])
    return held if asked is None else held & frozenset(asked)


def standard_scopes(listed: Collection[str]) -> frozenset[str]:
    """Take the scopes that another authority may give: those of the field's standard, never ours.

    Args:
        listed: what its token lists.
    """
    return frozenset(scope for scope in listed if scope.startswith(STANDARD_PREFIXES))


def party_as_seen(party: Party, scopes: Collection[str]) -> PartyView:
    """Show a party to a viewer.

    Args:
        party: the party.
        scopes: what the viewer's token holds.

    Returns:
        Id, name and languages; the rest too for who may change it.
    """
    if Scope.PARTIES_WRITE not in scopes:
        return PartyView(party_id=party.party_id, name=party.name, languages=party.languages)
    return PartyView(
        party_id=party.party_id,
        name=party.name,
        languages=party.languages,
        contact=party.contact,
        priority_limit=party.priority_limit,
        is_suspended=party.is_suspended,
        version=party.version,
        created=party.created,
    )


class KeySpan(Struct, frozen=True):
    """When one signing key is used."""

    kid: str
    created_ms: int
    signs_from_ms: int
    retires_ms: int | None
    """When it stops verifying; None while it has no successor."""


class KeyTimes(Struct, frozen=True):
    """The settings that rotation works with."""

    lifetime_s: int = 3_600
    """How long a token is good for."""
    leeway_s: int = 30
    """How far clocks may differ."""
    overlap_s: int = 600
    """How long a new key is published before it signs: longer than anybody caches the key set."""


class Rotation(Struct, frozen=True):
    """What a rotation writes."""

    signs_from_ms: int
    """For the new key."""
    retires_ms: int
    """For every key that has no end yet."""
    at_once: bool


def plan_rotation(keys: Iterable[KeySpan], now_ms: int, times: KeyTimes, *, at_once: bool) -> Rotation:
    """Decide when a new key begins to sign and the others cease to verify.

    Args:
        keys: all keys there are.
        now_ms: the present.
        times: the settings.
        at_once: the old keys are no longer to be trusted.

    Returns:
        The two instants. With no key yet, or ``at_once``, the new one signs from now.

    Raises:
        Refused: if a new key is published already and does not sign yet (not for ``at_once``).
    """
    spans = tuple(keys)
    if at_once or not spans:
        return Rotation(signs_from_ms=now_ms, retires_ms=now_ms, at_once=True)
    newest_ms = max(span.signs_from_ms for span in spans)
    if newest_ms > now_ms:
        raise Refused(
            "A new signing key is published already and signs from the instant given",
            signs_from_ms=newest_ms,
        )
    signs_from_ms = now_ms + times.overlap_s * 1_000
    last_expiry_ms = signs_from_ms + (times.lifetime_s + times.leeway_s) * 1_000
    return Rotation(signs_from_ms=signs_from_ms, retires_ms=last_expiry_ms, at_once=False)


def is_verifying(key: KeySpan, now_ms: int) -> bool:
    """Say whether tokens of this key are accepted.

    Args:
        key: the key.
        now_ms: the present.

    Returns:
        True until it retires. A key that does not sign yet verifies too, so that a server
        whose clock is behind accepts what its neighbour signed.
    """
    return key.retires_ms is None or now_ms < key.retires_ms


def signing_key(keys: Sequence[KeySpan], now_ms: int) -> KeySpan | None:
    """Choose the key that signs now.

    Args:
        keys: all keys there are.
        now_ms: the present.

    Returns:
        Of the verifying keys whose time has come, the one whose time came last; if the clock is
        behind the very first key, that one; None if there is no verifying key.
    """
    usable = [key for key in keys if is_verifying(key, now_ms)]
    begun = [key for key in usable if key.signs_from_ms <= now_ms]
    if begun:
        return max(begun, key=lambda key: (key.signs_from_ms, key.kid))
    return min(usable, key=lambda key: (key.signs_from_ms, key.kid), default=None)


def token_expiry_ms(key: KeySpan, now_ms: int, times: KeyTimes, lifetime_s: int | None = None) -> int:
    """Decide when a token issued now expires.

    Args:
        key: the key that signs it.
        now_ms: the present.
        times: the settings.
        lifetime_s: how long it was asked to be good for; None: as long as the settings say.

    Returns:
        The end of the shorter lifetime, or the key's retirement less the leeway if that comes first:
        rotation counts on no token outliving the settings' lifetime.
    """
    lived_s = times.lifetime_s if lifetime_s is None else min(lifetime_s, times.lifetime_s)
    expiry_ms = now_ms + lived_s * 1_000
    if key.retires_ms is not None:
        expiry_ms = min(expiry_ms, key.retires_ms - times.leeway_s * 1_000)
    return expiry_ms
