"""Foreign token issuers: which are trusted, how their tokens name an account, where their keys come from.

Only what an administrator of the host configured is ever fetched; a token cannot name a place to fetch from.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from detente.errors import BadInput, Unavailable
from detente.parties.keycache import KeyCacheTimes
from detente.parties.tokens import MIN_RSA_BITS, VerifyingKey, parse_jwks, parse_pem

MAX_JWKS_BYTES: Final = 262_144
_FETCH_TIMEOUT_S: Final = 5.0

Fetch = Callable[[], Awaitable[tuple[VerifyingKey, ...]]]


class ScopeHandling(StrEnum):
    """Where the scopes of a foreign token come from. Neither gives more than the account's role holds."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    """Those it lists in ``scope`` or ``scp``."""
    ROLE = "role"
    """All of the role's: for an issuer that knows people but not our scopes."""


class ExternalIssuer(Struct, frozen=True):
    """One trusted foreign issuer. Its tokens speak for the accounts that carry its name and subject.

    Exactly one of ``jwks_url`` and ``pem_file`` is given.
    """

    issuer: str
    """Its ``iss``, exactly."""
    audience: str
    """What it puts into ``aud`` for this exchange."""
    jwks_url: str | None = None
    pem_file: Path | None = None
    subject_claim: str = "sub"
    """The claim that names the account's external subject."""
    scope_handling: ScopeHandling = ScopeHandling.TOKEN
    key_cache: KeyCacheTimes = KeyCacheTimes()


def key_fetcher(external: ExternalIssuer) -> Fetch:
    """Choose how an issuer's keys are read.

    Args:
        external: the issuer.

    Returns:
        A coroutine function that reads them once.

    Raises:
        BadInput: if it names no place or two, or a URL that somebody on the way could change.
    """
    if (external.jwks_url is None) == (external.pem_file is None):
        raise BadInput(
            f"The issuer {external.issuer} needs a JWKS URL or a PEM file",
            field="jwks_url",
            expected="one of them",
        )
    if external.pem_file is not None:
        pem_file = external.pem_file
        key = read_pem(pem_file)  # at once, so that a wrong path is met at the start

        async def from_memory() -> tuple[VerifyingKey, ...]:
            return (key,)

        return from_memory
    return jwks_fetcher(external.jwks_url or "")


def jwks_fetcher(url: str, *, field: str = "jwks_url") -> Fetch:
    """Fetch keys from a URL.

    Args:
        url: of a key set.
        field: the setting that named it.

    Raises:
        BadInput: if somebody on the way could change what is fetched from there.
    """
    _check_url(url, field)

    async def from_url() -> tuple[VerifyingKey, ...]:
        return await fetch_jwks(url)

    return from_url


async def fetch_jwks(url: str) -> tuple[VerifyingKey, ...]:
    """Fetch and read a key set.

    Args:
        url: where; redirects are not followed.

    Returns:
        The usable keys.

    Raises:
        Unavailable: if it does not answer within 5 s, or not with 200.
        BadInput: if it is larger than 256 KiB, or no key set.
    """
    body = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=_FETCH_TIMEOUT_S, follow_redirects=False) as client,
            client.stream("GET", url, headers={"accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Unavailable(f"{url} answered {answer.status_code} for the key set")
            async for chunk in answer.aiter_bytes(65_536):
                body += chunk
                if len(body) > MAX_JWKS_BYTES:
                    raise BadInput("The key set is too large", field="keys", expected=MAX_JWKS_BYTES)
    except httpx.HTTPError as error:
        raise Unavailable(f"{url} does not give the key set: {type(error).__name__}") from error
    return parse_jwks(bytes(body))


def read_pem(path: Path, *, field: str = "pem_file", min_rsa_bits: int = MIN_RSA_BITS) -> VerifyingKey:
    """Read a public key from a file.

    Args:
        path: of a SubjectPublicKeyInfo in PEM.
        field: the setting that named it.
        min_rsa_bits: the shortest RSA modulus taken.

    Raises:
        BadInput: if the file cannot be read, or holds no such key.
    """
    try:
        return parse_pem(path.read_bytes(), min_rsa_bits=min_rsa_bits)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", field=field, actual=str(path)) from error
    except BadInput as refused:
        expected = refused.members.get("expected", "a public key in PEM")
        raise BadInput(
            f"{path}: {refused.detail}", field=field, expected=expected, actual=str(path)
        ) from refused


def _check_url(url: str, field: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname or "")):
        return
    raise BadInput(
        "Keys are fetched over https only, or from this machine",
        field=field,
        expected="https://",
        actual=url[:200],
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
