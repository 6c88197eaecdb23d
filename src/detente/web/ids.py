"""Ids as callers write them."""

import uuid

from detente.errors import BadInput


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
