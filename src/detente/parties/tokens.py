"""Signed tokens and public keys: made, read and verified; who may hold one is decided elsewhere.

Rule 1: the algorithm comes from a fixed list and must fit the key; a token never chooses freely.
Rule 2: a token has one spelling: base64url that decodes to the same bytes in another way is refused.
Rule 3: sizes and counts are bounded before anything is decoded.

Source: RFC 7515, 7517, 7519, 7638 and 8725.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct

from detente.errors import BadInput, NotAuthenticated
from detente.parties.claims import Claims
from detente.parties.model import KeyId

RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512"})
EC_ALGORITHMS: Final = frozenset({"ES256"})
MAX_TOKEN_CHARS: Final = 8_192
MAX_JWKS_KEYS: Final = 100
MIN_RSA_BITS: Final = 2_048
MAX_RSA_BITS: Final = 8_192
"""Above, one verification would cost a request's whole time."""

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")
_JWS: Final = jwt.PyJWS()

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class VerifyingKey(Struct, frozen=True):
    """A public key that tokens are verified with."""

    kid: str | None
    """None for a key given as PEM: tokens of its issuer are tried against it whatever they name."""
    algorithms: frozenset[str]
    key: PublicKey
    retires_ms: int | None = None


class Header(Struct, frozen=True):
    """What a token's header says that matters here."""

    alg: str
    kid: str | None = None
    crit: list[str] | None = None
    b64: bool | None = None


class UnverifiedToken(Struct, frozen=True):
    """A token taken apart; nothing in it may be believed yet."""

    text: str
    header: Header
    claims: Claims
    payload: bytes


def make_private_key(bits: int = MIN_RSA_BITS) -> rsa.RSAPrivateKey:
    """Make a signing key from the operating system's randomness.

    Args:
        bits: the modulus' size.

    Returns:
        A new RSA key; takes some tenths of a second.
    """
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


def private_to_der(key: rsa.RSAPrivateKey) -> bytes:
    """Encode a signing key for the database.

    Args:
        key: the key.

    Returns:
        PKCS #8 in DER, without a password: docs/access.md says who can read it.
    """
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def private_from_der(der: bytes) -> rsa.RSAPrivateKey:
    """Decode a signing key from the database.

    Args:
        der: what ``private_to_der`` wrote.

    Returns:
        The key.

    Raises:
        BadInput: if it is no RSA key.
    """
    # Checking the primes again takes a hundred times as long as a signature, and the key is our own.
    key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadInput("A stored signing key is not an RSA key", field="private_pkcs8", expected="RSA")
    return key


def public_jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    """Write a public key as a member of a JWK set.

    Args:
        key: the public half of a signing key.

    Returns:
        ``kty``, ``n``, ``e``, ``kid``, ``use`` and ``alg``.
    """
    numbers = key.public_numbers()
    jwk = {"e": _encode_number(numbers.e), "kty": "RSA", "n": _encode_number(numbers.n)}
    return {**jwk, "kid": thumbprint(jwk), "use": "sig", "alg": "RS256"}


def thumbprint(jwk: Mapping[str, str]) -> KeyId:
    """Name a key by its content.

    Args:
        jwk: the required members of an RSA key: ``e``, ``kty``, ``n``.

    Returns:
        43 characters, the same for the same key everywhere.

    Source: RFC 7638, section 3.
    """
    required = {name: jwk[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return KeyId(_encode(hashlib.sha256(canonical).digest()))


def sign_token(key: rsa.RSAPrivateKey, kid: str, claims: Mapping[str, Any]) -> str:
    """Sign a token with RS256.

    Args:
        key: the signing key.
        kid: its name.
        claims: what the token says.

    Returns:
        The compact form.
    """
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid, "typ": "at+jwt"})


def read_token(text: str) -> UnverifiedToken:
    """Take a token apart without believing it.

    Args:
        text: the compact form as received.

    Returns:
        Its parts.

    Raises:
        NotAuthenticated: if it is not one, not in its only spelling, uses an algorithm that is not
            accepted, or asks for extensions.
    """
    segments = text.split(".", 3)
    if len(text) > MAX_TOKEN_CHARS or len(segments) != 3:  # noqa: PLR2004 - header, payload, signature
        raise NotAuthenticated("The access token is not a signed token", reason="malformed")
    header_bytes, payload, _signature = (_decode(segment) for segment in segments)
    try:
        header = msgspec.json.decode(header_bytes, type=Header)
        claims = msgspec.json.decode(payload, type=Claims)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotAuthenticated(f"The access token cannot be read: {error}", reason="malformed") from error
    if header.alg not in RSA_ALGORITHMS | EC_ALGORITHMS:
        raise NotAuthenticated(
            "The token's algorithm is not accepted",
            reason="algorithm",
            expected=", ".join(sorted(RSA_ALGORITHMS | EC_ALGORITHMS)),
        )
    if header.crit is not None or header.b64 is not None:
        raise NotAuthenticated("The token asks for extensions that are not known here", reason="malformed")
    return UnverifiedToken(text=text, header=header, claims=claims, payload=payload)


def keys_for(header: Header, keys: Iterable[VerifyingKey], now_ms: int) -> tuple[VerifyingKey, ...]:
    """Choose the keys that a token may be verified with.

    Args:
        header: the token's header.
        keys: the issuer's keys.
        now_ms: the present.

    Returns:
        Those with its name (or without a name), of its algorithm, that have not retired.
    """
    return tuple(
        key
        for key in keys
        if (key.kid is None or key.kid == header.kid)
        and header.alg in key.algorithms
        and (key.retires_ms is None or now_ms < key.retires_ms)
    )


def verify_signature(token: UnverifiedToken, keys: Sequence[VerifyingKey]) -> VerifyingKey:
    """Verify a token's signature.

    Args:
        token: the token.
        keys: from ``keys_for``.

    Returns:
        The key that made it.

    Raises:
        NotAuthenticated: if none did.
    """
    for candidate in keys:
        try:
            _JWS.decode_complete(token.text, key=candidate.key, algorithms=[token.header.alg])
        except jwt.InvalidTokenError:
            continue
        return candidate
    raise NotAuthenticated("The token's signature does not verify", reason="bad-signature")


class _Jwks(Struct, frozen=True):
    keys: list[dict[str, Any]]


def parse_jwks(body: bytes) -> tuple[VerifyingKey, ...]:
    """Read an issuer's key set; keys that cannot verify tokens here are passed over.

    Args:
        body: the document, whose size the caller has bounded.

    Returns:
        The usable keys: named, for signatures, RSA of 2048 to 8192 bits or P-256.

    Raises:
        BadInput: if it is no key set, or holds no usable key, or more than 100.
    """
    try:
        members = msgspec.json.decode(body, type=_Jwks).keys
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"The key set cannot be read: {error}", field="keys", expected="a JWK set") from error
    if len(members) > MAX_JWKS_KEYS:
        raise BadInput("The key set is too long", field="keys", expected=MAX_JWKS_KEYS, actual=len(members))
    keys = tuple(key for member in members if (key := _usable_key(member)) is not None)
    if not keys:
        raise BadInput("The key set holds no usable key", field="keys", expected="RSA or P-256, with kid")
    return keys


def parse_pem(pem: bytes, *, min_rsa_bits: int = MIN_RSA_BITS) -> VerifyingKey:
    """Read an issuer's public key.

    Args:
        pem: a SubjectPublicKeyInfo in PEM.
        min_rsa_bits: the shortest RSA modulus taken.

    Returns:
        The key, without a name.

    Raises:
        BadInput: if it is something else, or too short to be safe.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(f"The PEM file holds no public key: {error}", field="pem") from error
    algorithms = _algorithms_of(key, min_rsa_bits)
    if not algorithms or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadInput(
            "The key cannot be used",
            field="pem",
            expected=f"RSA of {min_rsa_bits} to {MAX_RSA_BITS} bits, or P-256",
        )
    return VerifyingKey(kid=None, algorithms=algorithms, key=key)


def _usable_key(member: Mapping[str, Any]) -> VerifyingKey | None:
    """Read one member of a key set; None if it is not for us."""
    kid = member.get("kid")
    is_for_signatures = member.get("use", "sig") == "sig" and member.get("kty") in ("RSA", "EC")
    if not isinstance(kid, str) or not is_for_signatures:
        return None
    public = {name: value for name, value in member.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        key = jwt.PyJWK(public, algorithm="ES256" if member["kty"] == "EC" else "RS256").key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    algorithms = _algorithms_of(key)
    if "alg" in member:
        algorithms &= {str(member["alg"])}
    return VerifyingKey(kid=kid, algorithms=algorithms, key=key) if algorithms else None


def _algorithms_of(key: object, min_rsa_bits: int = MIN_RSA_BITS) -> frozenset[str]:
    """Which algorithms fit a key; none if it is not to be used."""
    if isinstance(key, rsa.RSAPublicKey) and min_rsa_bits <= key.key_size <= MAX_RSA_BITS:
        return RSA_ALGORITHMS
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return EC_ALGORITHMS
    return frozenset()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _decode(segment: str) -> bytes:
    """Decode one part of a token, refusing every spelling but the one an encoder writes."""
    if _SEGMENT.fullmatch(segment) is not None and len(segment) % 4 != 1:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        if _encode(data) == segment:
            return data
    raise NotAuthenticated("The access token is not base64url", reason="malformed")
