"""The cursor of a page: the place after which the next one begins, as text that callers pass back."""

import base64
import binascii
import uuid
from typing import Annotated

import msgspec

from detente.errors import BadInput

FAR_MS = 253_402_300_799_000
"""The last instant of the year 9999, ms."""
NO_ONE = "00000000-0000-0000-0000-000000000000"
"""Sorts before every id."""
_CURSOR = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=-FAR_MS, le=FAR_MS)], str])


def write_cursor(at_ms: int, one_id: str) -> str:
    """The cursor that continues after an instant and an id."""
    return base64.urlsafe_b64encode(msgspec.json.encode((at_ms, one_id))).decode()


def read_cursor(cursor: str | None) -> tuple[int, str]:
    """The instant and the id to continue after; before everything if there is no cursor.

    Raises:
        BadInput: if it is none that ``write_cursor`` made.
    """
    if cursor is None:
        return -FAR_MS, NO_ONE
    try:
        at_ms, one_id = _CURSOR.decode(base64.urlsafe_b64decode(cursor))
        return at_ms, str(uuid.UUID(one_id))
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise BadInput(
            "the cursor is not one that this exchange gave",
            field="cursor",
            expected="the value of `next` of the page before",
            actual=cursor[:100],
        ) from error
