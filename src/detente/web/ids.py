"""Ids as callers write them."""

import re
import uuid

from detente.errors import BadInput

_V4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def read_uuid(text: str, field: str) -> str:
    """A UUID in its canonical form.

    Raises:
        BadInput: naming the field, if it is none.
    """
    try:
        canonical = str(uuid.UUID(text))
    except ValueError:
        canonical = ""
    if canonical != text.lower():
        raise BadInput(
            f"{field} must be a UUID",
            field=field,
            expected="a UUID such as " + str(uuid.UUID(int=0)),
            actual=text[:100],
        )
    return canonical


def read_uuid_v4(text: str, field: str) -> str:
    """A random UUID in its canonical form, as the field's standard wants the ids of what is told to others.

    Raises:
        BadInput: naming the field, if it is none.

    Source: ASTM F3548-21, UUIDv4Format.
    """
    canonical = read_uuid(text, field)
    if _V4.fullmatch(canonical) is None:
        raise BadInput(
            f"{field} must be a UUID of version 4",
            field=field,
            expected="a UUID of version 4 (random)",
            actual=text[:100],
        )
    return canonical
