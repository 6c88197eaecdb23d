"""Turns a bearer token into whom it speaks for, or says which check it failed. Fails closed.

Rule 1: nothing of a token is believed before its signature, issuer, audience and times are verified.
Rule 2: whom it speaks for comes from the database, not from the token: an account that was disabled, a
    party that was suspended, a role that was changed count within ``cache_s``.
Rule 3: only success is remembered, for a bounded number of tokens; a flood of bad ones displaces nothing.
Rule 4: a token whose issuer is known here by name is verified with that issuer's keys alone. All others are
    tried with the keys of a trusted authority: its tokens name parties, and hold none of our own scopes.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from detente.errors import BadInput, NotAuthenticated, Unavailable
from detente.parties.claims import check_claims, check_claims_of_authority
from detente.parties.external import ExternalIssuer, ScopeHandling, key_fetcher
from detente.parties.keycache import KeyCache
from detente.parties.model import AUTHORITY_ACCOUNT, AUTHORITY_ROLE
from detente.parties.rules import granted_scopes, standard_scopes
from detente.parties.service import PartiesService
from detente.parties.tokens import (
    MAX_TOKEN_CHARS,
    Header,
    UnverifiedToken,
    VerifyingKey,
    keys_for,
    read_token,
    verify_signature,
)
from detente.web.model import Principal


class VerifierSettings(Struct, frozen=True):
    """How tokens are checked."""

    leeway_s: int = 30
    """How far an issuer's clock may differ."""
    cache_s: int = 60
    """How long a verified token is believed without another look."""
    cache_tokens: int = 10_000
    """How many are remembered; the one longest unused goes first."""


class _Trusted(Struct, frozen=True):
    """An issuer as the checks see it."""

    issuer: str
    audiences: tuple[str, ...]
    keys: KeyCache
    subject_claim: str
    scope_handling: ScopeHandling
    is_own: bool


class Verifier:
    """The exchange's authenticator: its own tokens, those of foreign issuers, those of a trusted authority.

    Safe for many coroutines of one loop. What it remembers can be thrown away at any moment.

    Args:
        service: the accounts and the own keys.
        clock_ms: the present, in ms since 1970.
        external: trusted foreign issuers.
        authority: the keys of the authority whose tokens name parties by their subject; none: there is none.
        authority_sets: its keys that are fetched.
        settings: leeway and cache.

    Raises:
        BadInput: if an issuer comes twice or is configured wrongly.
    """

    def __init__(
        self,
        service: PartiesService,
        *,
        clock_ms: Callable[[], int],
        external: Sequence[ExternalIssuer] = (),
        authority: Sequence[VerifyingKey] = (),
        authority_sets: Sequence[KeyCache] = (),
        settings: VerifierSettings = VerifierSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._service = service
        self._clock_ms = clock_ms
        self._settings = settings
        self._authority = tuple(authority)
        self._authority_sets = tuple(authority_sets)
        own = service.settings
        self._trusted = {
            own.issuer: _Trusted(
                issuer=own.issuer,
                audiences=own.audiences,
                keys=service.signing.cache,
                subject_claim="sub",
                scope_handling=ScopeHandling.TOKEN,
                is_own=True,
            ),
        }
        for one in external:
            if one.issuer in self._trusted:
                raise BadInput("An issuer is configured twice", field="issuer", actual=one.issuer)
            self._trusted[one.issuer] = _Trusted(
                issuer=one.issuer,
                audiences=(one.audience,),
                keys=KeyCache(key_fetcher(one), one.key_cache, clock_ms),
                subject_claim=one.subject_claim,
                scope_handling=one.scope_handling,
                is_own=False,
            )
        self._known: OrderedDict[bytes, tuple[int, Principal]] = OrderedDict()

    async def authenticate(self, token: str) -> Principal:
        """Verify a token.

        Args:
            token: what follows ``Bearer`` in the request.

        Returns:
            Whom it speaks for, and the scopes that both the token and the account's role hold.

        Raises:
            NotAuthenticated: with ``reason``: ``malformed``, ``algorithm``, ``wrong-issuer``,
                ``unknown-key``, ``bad-signature``, ``missing-claim``, ``bad-claim``, ``wrong-audience``,
                ``expired``, ``not-yet-valid``, ``unknown-account`` or ``disabled``.
            Unavailable: if the keys or the account cannot be looked up.
        """
        # Bounded before hashing; what is not ASCII is no token and must not meet the encoder.
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise NotAuthenticated("The access token is not a signed token", reason="malformed")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._clock_ms() < known[0]:
            self._known.move_to_end(digest)
            return known[1]
        self._known.pop(digest, None)
        return await self._verify(read_token(token), digest)

    async def close(self) -> None:
        """End fetches that are under way."""
        for keys in (*(trusted.keys for trusted in self._trusted.values()), *self._authority_sets):
            await keys.close()

    def cached(self) -> int:
        """How many tokens are remembered; for the metrics."""
        return len(self._known)

    async def _verify(self, token: UnverifiedToken, digest: bytes) -> Principal:
        claims = token.claims
        trusted = self._trusted.get(claims.iss or "")
        if trusted is None and (self._authority or self._authority_sets):
            return await self._verify_by_authority(token, digest)
        if trusted is None:
            reason = "wrong-issuer" if claims.iss else "missing-claim"
            raise NotAuthenticated("The token is from no issuer that is trusted here", reason=reason)
        candidates = await trusted.keys.find(token.header)
        if not candidates:
            raise NotAuthenticated(
                "The token names a key that its issuer does not have", reason="unknown-key"
            )
        key = verify_signature(token, candidates)
        started_ms = self._clock_ms()
        expires_ms = check_claims(
            claims,
            issuer=trusted.issuer,
            audiences=trusted.audiences,
            now_ms=started_ms,
            leeway_s=self._settings.leeway_s,
        )
        principal = await self._principal(token, trusted, digest)
        self._remember(digest, principal, expires_ms, key, started_ms)
        return principal

    async def _principal(self, token: UnverifiedToken, trusted: _Trusted, digest: bytes) -> Principal:
        subject = _subject(token, trusted.subject_claim)
        standing = await self._service.find_standing(trusted.issuer, subject)
        if standing is None or (trusted.is_own and token.claims.party != standing.party_id):
            raise NotAuthenticated(
                "The token speaks for no account of this exchange", reason="unknown-account"
            )
        if standing.is_disabled or standing.is_suspended:
            raise NotAuthenticated("The account is disabled or its party suspended", reason="disabled")
        asked = token.claims.scopes() if trusted.scope_handling is ScopeHandling.TOKEN else None
        return Principal(
            party_id=standing.party_id,
            account_id=standing.account_id,
            role=standing.role.value,
            scopes=granted_scopes(standing.role, asked),
            token_sha256=digest,
        )

    async def _verify_by_authority(self, token: UnverifiedToken, digest: bytes) -> Principal:
        started_ms = self._clock_ms()
        candidates = await self._keys_of_authority(token.header, started_ms)
        if not candidates:
            raise NotAuthenticated("The token's algorithm fits no trusted key", reason="unknown-key")
        key = verify_signature(token, candidates)
        party_id, expires_ms = check_claims_of_authority(
            token.claims,
            audiences=self._service.settings.audiences,
            now_ms=started_ms,
            leeway_s=self._settings.leeway_s,
        )
        if await self._service.is_suspended(party_id):
            raise NotAuthenticated("The party is suspended", reason="disabled")
        principal = Principal(
            party_id=party_id,
            account_id=AUTHORITY_ACCOUNT + party_id,
            role=AUTHORITY_ROLE,
            scopes=standard_scopes(token.claims.scopes()),
            token_sha256=digest,
        )
        self._remember(digest, principal, expires_ms, key, started_ms)
        return principal

    async def _keys_of_authority(self, header: Header, now_ms: int) -> tuple[VerifyingKey, ...]:
        """The authority's keys that may have signed a token.

        Raises:
            Unavailable: there is none, and some could not be fetched.
        """
        found = list(keys_for(header, self._authority, now_ms))
        missing: Unavailable | None = None
        for keys in self._authority_sets:
            try:
                found += await keys.find(header)
            except Unavailable as unavailable:
                missing = unavailable
        if missing is not None and not found:
            raise missing
        return tuple(found)

    def _remember(
        self, digest: bytes, principal: Principal, expires_ms: int, key: VerifyingKey, now_ms: int
    ) -> None:
        """Remember a success until the first of its expiry, its key's retirement and the cache's time.

        ``now_ms`` is from before the database was asked: what changes meanwhile counts in time.
        """
        until_ms = min(expires_ms, now_ms + self._settings.cache_s * 1_000)
        if key.retires_ms is not None:
            until_ms = min(until_ms, key.retires_ms)
        self._known[digest] = (until_ms, principal)
        while len(self._known) > self._settings.cache_tokens:
            self._known.popitem(last=False)


def _subject(token: UnverifiedToken, claim: str) -> str:
    """Read the claim that names the account."""
    subject = token.claims.sub if claim == "sub" else msgspec.json.decode(token.payload).get(claim)
    if not isinstance(subject, str) or not subject or "\x00" in subject:
        raise NotAuthenticated(f"The token lacks {claim}", reason="missing-claim")
    return subject
