"""Whether the claims of a token hold, on plain values; its signature is verified elsewhere.

Rule 1: a claim that is absent is a claim that failed.
Rule 2: an authority's token names a party by its subject; nothing else in it says whom it speaks for.
"""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from detente.errors import NotAuthenticated
from detente.parties.model import EXCHANGE_PARTY

MAX_SUBJECT_CHARS: Final = 200
_LAST_INSTANT_S: Final = 253_402_300_799.0
"""The end of the year 9999: beyond it, a number is a mistake or an attack on whoever converts it."""


class Claims(Struct, frozen=True):
    """What a token says, decoded; absent claims are None, and other claims are ignored."""

    iss: str | None = None
    sub: str | None = None
    aud: str | tuple[str, ...] | None = None
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    jti: str | None = None
    scope: str | tuple[str, ...] | None = None
    scp: str | tuple[str, ...] | None = None
    party: str | None = None

    def scopes(self) -> frozenset[str]:
        """The scopes it lists, in either of the two forms and under either of the two names in use."""
        listed = self.scope if self.scope is not None else self.scp
        if listed is None:
            return frozenset()
        return frozenset(listed.split(" ") if isinstance(listed, str) else listed) - {""}


def check_claims(
    claims: Claims,
    *,
    issuer: str,
    audiences: Collection[str],
    now_ms: int,
    leeway_s: int,
) -> int:
    """Check who a token is from, whom it is for, and when it holds.

    Args:
        claims: the token's claims.
        issuer: the only issuer accepted.
        audiences: names this exchange goes by; one of them must be in ``aud``.
        now_ms: the present.
        leeway_s: how far the issuer's clock may differ.

    Returns:
        When it expires, in ms, without leeway.

    Raises:
        NotAuthenticated: with ``reason`` naming the claim that failed.

    Source: RFC 7519, section 4.1; RFC 8725, sections 3.8 and 3.9.
    """
    _check_presence(claims, ("iss", "sub", "aud", "exp", "iat"))
    if claims.iss != issuer:
        raise NotAuthenticated("The token is from another issuer", reason="wrong-issuer", expected=issuer)
    return _check_audience_and_times(claims, audiences, now_ms, leeway_s)


def check_claims_of_authority(
    claims: Claims, *, audiences: Collection[str], now_ms: int, leeway_s: int
) -> tuple[str, int]:
    """Check a token of the trusted authority, which may call itself anything.

    Args:
        claims: the token's claims; the caller has made sure that ``iss`` is no issuer known here by name.
        audiences: names this exchange goes by; one of them must be in ``aud``.
        now_ms: the present.
        leeway_s: how far the authority's clock may differ.

    Returns:
        The party that it names, and when it expires, in ms, without leeway.

    Raises:
        NotAuthenticated: with ``reason`` naming the claim that failed.

    Source: RFC 7519, section 4.1; ASTM F3548-21, the security scheme of its OpenAPI (``Authority``).
    """
    _check_presence(claims, ("sub", "aud", "exp"))
    expires_ms = _check_audience_and_times(claims, audiences, now_ms, leeway_s)
    subject = claims.sub or ""
    if not is_party_name(subject):
        raise NotAuthenticated(
            "The token's subject is no name that a party may have",
            reason="bad-claim",
            expected=f"1 to {MAX_SUBJECT_CHARS} printable characters, and not {EXCHANGE_PARTY}",
        )
    return subject, expires_ms


def is_party_name(text: str) -> bool:
    """Say whether another authority may name a party so.

    Args:
        text: the name.

    Returns:
        True for 1 to 200 printable characters without spaces around them, but for the exchange's own party.
    """
    # Printable leaves out control characters, those that only change how the rest looks, and lone surrogates.
    is_name = 0 < len(text) <= MAX_SUBJECT_CHARS and text.isprintable() and text == text.strip()
    return is_name and text != EXCHANGE_PARTY


def _check_presence(claims: Claims, names: Iterable[str]) -> None:
    missing = [name for name in names if not getattr(claims, name)]
    if missing:
        raise NotAuthenticated(f"The token lacks {', '.join(missing)}", reason="missing-claim")


def _check_audience_and_times(claims: Claims, audiences: Collection[str], now_ms: int, leeway_s: int) -> int:
    named = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud or ())
    if named.isdisjoint(audiences):
        raise NotAuthenticated("The token is for another audience", reason="wrong-audience")
    leeway_ms = leeway_s * 1_000
    expires_ms = _instant_ms(claims.exp)
    if now_ms >= expires_ms + leeway_ms:
        raise NotAuthenticated("The token has expired", reason="expired")
    for begins in (claims.nbf, claims.iat):
        if begins is not None and now_ms + leeway_ms < _instant_ms(begins):
            raise NotAuthenticated("The token is not valid yet", reason="not-yet-valid")
    return expires_ms


def _instant_ms(seconds: float | None) -> int:
    """Convert a NumericDate to ms, refusing what is no date."""
    if seconds is None or not 0 <= seconds <= _LAST_INSTANT_S:
        raise NotAuthenticated("A time in the token is not a date", reason="bad-claim")
    return int(seconds * 1_000)
