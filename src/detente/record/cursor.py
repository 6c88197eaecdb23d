"""Positions in the feed as they are given out: sealed, so that they tell nothing and cannot be made up.

Transaction numbers count every act of everybody, hidden ones too. So a cursor is encrypted under a fresh
nonce: two cursors of one position differ, and not even whether anything happened between two can be told.
"""

import base64
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from detente.errors import BadInput
from detente.record.feed import Position

KEPT_MS = 3_600_000
"""How old a cursor may be; to read all that happened since then costs more than a fresh snapshot."""
_LAYOUT = struct.Struct(">QQQ")
_NONCE_BYTES = 12
_PURPOSE = b"detente/feed/1"
_MAX_CHARS = 200


class Cursors:
    """Writes and reads cursors.

    Args:
        secret: 32 bytes that all servers of the exchange share.
    """

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def write(self, position: Position, now_ms: int) -> str:
        """Seal a position.

        Args:
            position: where the reader stands.
            now_ms: the present.

        Returns:
            70 characters that may stand in a query.
        """
        nonce = os.urandom(_NONCE_BYTES)
        text = _LAYOUT.pack(position.xact, position.statement_id, now_ms)
        return _spell(nonce + self._cipher.encrypt(nonce, text, _PURPOSE))

    def read(self, cursor: str, now_ms: int, *, field: str) -> Position:
        """Open a cursor.

        Args:
            cursor: as ``write`` made it.
            now_ms: the present.
            field: where it came in.

        Raises:
            BadInput: if it is not one of ours, or older than an hour.
        """
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            # One spelling: base64 has others of the same bytes.
            if len(cursor) > _MAX_CHARS or len(sealed) <= _NONCE_BYTES or _spell(sealed) != cursor:
                raise foreign(cursor, field)
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
            xact, statement_id, at_ms = _LAYOUT.unpack(text)
        except (ValueError, struct.error, InvalidTag) as error:
            raise foreign(cursor, field) from error
        if now_ms - at_ms > KEPT_MS:
            raise BadInput(
                "the cursor is too old; read the plans anew and follow from a fresh stream",
                field=field,
                expected=f"a cursor of the last {KEPT_MS // 60_000} minutes",
                actual=f"{(now_ms - at_ms) // 60_000} minutes old",
            )
        return Position(xact, statement_id)


def foreign(cursor: str, field: str) -> BadInput:
    """The refusal of a cursor that this exchange, as it stands, did not give."""
    return BadInput(
        "the cursor is not one that this exchange gave",
        field=field,
        expected="the id of an event, or the cursor of a hello",
        actual=cursor[:100],
    )


def _spell(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
