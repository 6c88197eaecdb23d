"""Versions and keys of writes as HTTP carries them: ``If-Match``, ``ETag``, ``Idempotency-Key``."""

import hashlib
import re
from typing import Final

from detente.errors import BadInput
from detente.web.model import Request

MAX_KEY: Final = 255
MAX_VERSION: Final = 2**31 - 1
"""A version is a 32 bit integer, and the one that a change makes must still fit."""
_ETAG = re.compile(r'"([1-9][0-9]{0,9})"')


def idempotency_key(request: Request) -> str | None:
    """The request's idempotency key.

    Raises:
        BadInput: if it is too long or empty.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= MAX_KEY:
        raise BadInput(
            f"an idempotency key has 1 to {MAX_KEY} characters",
            field="Idempotency-Key",
            expected=f"1 to {MAX_KEY} characters",
            actual=f"{len(key)} characters",
        )
    return key


def expected_version(request: Request) -> int | None:
    """The version that the request names in If-Match; None if it has none.

    Raises:
        BadInput: if it names none, or several.
    """
    if_match = request.headers.get("if-match")
    if if_match is None:
        return None
    found = _ETAG.fullmatch(if_match.strip())
    version = int(found.group(1)) if found else 0
    if not 0 < version < MAX_VERSION:
        raise BadInput(
            "If-Match names one version",
            field="If-Match",
            expected='a version in quotes, such as "3"',
            actual=if_match[:100],
        )
    return version


def etag(version: int | None) -> tuple[tuple[str, str], ...]:
    """The header that names a version; none without one."""
    return () if version is None else (("etag", f'"{version}"'),)


def request_sha256(target: str, version: int | None, content: bytes) -> bytes:
    """What a repeated request is known by: its target, the version that it names and its content."""
    named = f"{target}\n{version}\n".encode()
    return hashlib.sha256(named + hashlib.sha256(content).digest()).digest()
