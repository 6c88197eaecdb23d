"""Challenges for authenticators: sealed with a key of the database, so that nothing is kept for a stranger.

A challenge is good at every server of the exchange, for one purpose, for five minutes. That it was used
is written with what it was used for (``use_challenge``): only who proves a passkey writes a row.
"""

import os
import struct
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from msgspec import Struct

from detente.console.passkey_rules import CHALLENGE_S

SIGN_IN: Final = "sign-in"
_LAYOUT: Final = struct.Struct(">16sQ32s")
_NONCE_BYTES: Final = 16
_NAME: Final = b"detente/passkey/1"


class Challenge(Struct, frozen=True):
    """A challenge of ours that is still good; its nonce names it."""

    nonce: bytes
    expires_ms: int


def adding(session_id: str) -> str:
    """Name the purpose of adding a passkey in one session."""
    return f"add/{session_id}"


class Challenges:
    """Seals and opens challenges.

    Args:
        secret: 32 bytes that all servers of the exchange share.
        random: makes so many random bytes.
    """

    def __init__(self, secret: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._secret = secret
        self._random = random

    def seal(self, purpose: str, now_ms: int) -> bytes:
        """Make a challenge.

        Args:
            purpose: SIGN_IN or ``adding``.
            now_ms: the present.

        Returns:
            56 bytes, 128 of their bits random.
        """
        nonce, expires_ms = self._random(_NONCE_BYTES), now_ms + CHALLENGE_S * 1_000
        return _LAYOUT.pack(nonce, expires_ms, self._mac(purpose, nonce, expires_ms).finalize())

    def open(self, sealed: bytes, purpose: str, now_ms: int) -> Challenge | None:
        """Read a challenge that came back.

        Args:
            sealed: as an authenticator signed it.
            purpose: what it is used for.
            now_ms: the present.

        Returns:
            None if it is not ours, of another purpose, or too old.
        """
        if len(sealed) != _LAYOUT.size:
            return None
        nonce, expires_ms, mac = _LAYOUT.unpack(sealed)
        try:
            self._mac(purpose, nonce, expires_ms).verify(mac)
        except InvalidSignature:
            return None
        return Challenge(nonce, expires_ms) if now_ms < expires_ms else None

    def _mac(self, purpose: str, nonce: bytes, expires_ms: int) -> HMAC:
        mac = HMAC(self._secret, SHA256())
        mac.update(b"\0".join((_NAME, purpose.encode(), nonce + expires_ms.to_bytes(8, "big"))))
        return mac
