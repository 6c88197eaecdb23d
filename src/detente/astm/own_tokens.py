"""Tokens for peers from the exchange's own issuer: for where no other authority is named."""

from collections.abc import Callable

from msgspec import Struct

from detente.errors import StoreRefused, Unavailable
from detente.parties.issuer import Issuer

_SPARE_MS = 60_000


class _Kept(Struct, frozen=True):
    token: str
    until_ms: int


class OwnTokens:
    """Tokens that name one party as their subject; a ``TokenSource``.

    Args:
        issuer: the built-in one.
        party_id: for whom is spoken.
        clock_ms: the present.
    """

    def __init__(self, issuer: Issuer, party_id: str, clock_ms: Callable[[], int]) -> None:
        self._issuer = issuer
        self._party_id = party_id
        self._clock_ms = clock_ms
        self._kept: dict[tuple[str, str], _Kept] = {}

    async def get(self, audience: str, scope: str) -> str:
        """Give a token.

        Raises:
            Unavailable: there is no key to sign with yet.
        """
        now_ms = self._clock_ms()
        kept = self._kept.get((audience, scope))
        if kept is not None and now_ms < kept.until_ms:
            return kept.token
        try:
            made = await self._issuer.issue_for_peer(self._party_id, audience, scope, now_ms)
        except StoreRefused as missing:
            raise Unavailable(f"no token for peers can be signed: {missing.detail}") from missing
        until_ms = now_ms + made.expires_in * 1_000 - _SPARE_MS
        self._kept = {pair: one for pair, one in self._kept.items() if now_ms < one.until_ms}
        self._kept[audience, scope] = _Kept(made.access_token, until_ms)
        return made.access_token

    def forget(self, audience: str, scope: str, token: str) -> None:
        """A peer did not take this token."""
        kept = self._kept.get((audience, scope))
        if kept is not None and kept.token == token:
            del self._kept[audience, scope]
