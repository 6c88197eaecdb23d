"""The authority that is trusted to name parties: its keys, from files and URLs that the host named.

Its tokens speak for the party that their subject names, whether or not that party is registered here.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from detente.parties.external import jwks_fetcher, read_pem
from detente.parties.keycache import KeyCache, KeyCacheTimes
from detente.parties.tokens import MIN_RSA_BITS, VerifyingKey

FIELD: Final = "trust_key"
MIN_AUTHORITY_RSA_BITS: Final = 1_024
"""Authorities of test environments publish keys as short as this; whoever trusts one is told so."""
_log = structlog.get_logger(__name__)


def read_authority(paths: Sequence[str]) -> tuple[VerifyingKey, ...]:
    """Read the keys of the trusted authority.

    Args:
        paths: PEM files with one public key each: RSA of 1,024 to 8,192 bits, or P-256. URLs among them are
            checked and left to ``key_sets``.

    Returns:
        A key for each file, in their order; a token may name any key or none.

    Raises:
        BadInput: if a file cannot be read or holds no such key.
    """
    for path in paths:
        if is_key_url(path):
            jwks_fetcher(path, field=FIELD)
    return tuple(
        read_pem(Path(path), field=FIELD, min_rsa_bits=MIN_AUTHORITY_RSA_BITS)
        for path in paths
        if not is_key_url(path)
    )


def is_key_url(text: str) -> bool:
    """Whether what the host named is a URL of a key set, and no file."""
    return text.startswith(("https://", "http://"))


def key_sets(paths: Sequence[str], clock_ms: Callable[[], int]) -> tuple[KeyCache, ...]:
    """The key sets of the trusted authority that are fetched: from each URL, again and again.

    Args:
        paths: as for ``read_authority``; files are left out.
        clock_ms: the present.

    Raises:
        BadInput: for a URL that is neither https nor of this machine.
    """
    urls = [path for path in paths if is_key_url(path)]
    return tuple(KeyCache(jwks_fetcher(url, field=FIELD), KeyCacheTimes(), clock_ms) for url in urls)


def tell_of_weak_keys(keys: Sequence[VerifyingKey]) -> None:
    """Warn of keys short enough that somebody with means could make tokens for any party."""
    for found in keys:
        if isinstance(found.key, RSAPublicKey) and found.key.key_size < MIN_RSA_BITS:
            _log.warning("weak_trust_key", bits=found.key.key_size, expected_bits=MIN_RSA_BITS)
