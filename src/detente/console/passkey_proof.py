"""What an authenticator's answer proves; the only file that knows the library ``webauthn``.

The library is imported when the first passkey is used: it weighs 9 MB in each process, and an exchange whose
people have no passkeys does without it. Whatever it raises on what a stranger sent is one refusal here.
"""

from typing import Final

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from detente.console.passkey_model import (
    MAX_CLIENT_DATA,
    MAX_CREDENTIAL_ID,
    MIN_CREDENTIAL_ID,
    Assertion,
    NewCredential,
    RelyingParty,
)
from detente.console.passkey_rules import ALGORITHMS, EDDSA, ES256, RS256, octets_of, text_of

_FORMATS: Final = frozenset({"none", "packed"})
"""What browsers send where no attestation is asked for; the parsers of the others stay out of reach."""
_RSA_BITS: Final = range(2_048, 4_097)
_RSA_EXPONENT: Final = 65_537
_MAX_KEY_BYTES: Final = 1_024
_UNKNOWN_KEY: Final = bytes.fromhex(
    "a5010203262001215820"
    "57d9ce36aaaa5f961f1d07ff40d1e47ab2e1eb1dc7ed1d4ec0dd0737a43d9bba"
    "225820"
    "59c8fb16158259941e7dd33df525208d6b96f6147b28e60f980dd4239a43f6fa"
)
"""A key for credentials that are not known, so that their answers take as long; nobody has its other half."""
_log = structlog.get_logger("detente")


class _ClientData(Struct, frozen=True, rename="camel"):
    challenge: str
    cross_origin: bool = False


def challenge_in(client_data_json: bytes) -> bytes | None:
    """Read the challenge that an authenticator was asked to sign.

    Args:
        client_data_json: as it came in.

    Returns:
        None if there is none, or if a page inside another site's page asked.

    Source: WebAuthn, section 5.8.1.
    """
    try:
        data = msgspec.json.decode(client_data_json, type=_ClientData)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if data.cross_origin else octets_of(data.challenge, MAX_CLIENT_DATA)


def check_assertion(
    assertion: Assertion, challenge: bytes, party: RelyingParty, public_key: bytes | None
) -> int | None:
    """Check that an authenticator signed, for this page and now, and that it verified the person.

    Args:
        assertion: what it says.
        challenge: one of ours, as it stands in the client data.
        party: for whom.
        public_key: the credential's COSE key; None if it is not known: then as much work is done for nothing.

    Returns:
        The signature counter, which the caller compares; None if anything does not hold.

    Source: WebAuthn, section 7.2.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - see the head
    from webauthn.helpers.structs import (  # noqa: PLC0415 - see the head
        AuthenticationCredential,
        AuthenticatorAssertionResponse,
    )

    try:
        verified = verify_authentication_response(
            credential=AuthenticationCredential(
                id=text_of(assertion.credential_id),
                raw_id=assertion.credential_id,
                response=AuthenticatorAssertionResponse(
                    client_data_json=assertion.client_data_json,
                    authenticator_data=assertion.authenticator_data,
                    signature=assertion.signature,
                    user_handle=assertion.user_handle,
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=_UNKNOWN_KEY if public_key is None else public_key,
            # Compared where the passkey's row is held, not here, where two servers may read the same.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001 - whatever a parser makes of a stranger's octets
        _tell("sign-in", error)
        return None
    return None if public_key is None else verified.new_sign_count


def check_attestation(
    client_data_json: bytes, attestation_object: bytes, challenge: bytes, party: RelyingParty
) -> NewCredential | None:
    """Check that an authenticator made a credential, for this page and now, and that it verified the person.

    Who made the authenticator is not asked: any that verifies its person will do.

    Args:
        client_data_json: as the browser wrote it.
        attestation_object: CBOR.
        challenge: one of ours, as it stands in the client data.
        party: for whom.

    Returns:
        The credential; None if anything does not hold, or its key is of a kind that is not accepted.

    Source: WebAuthn, section 7.1.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - see the head
    from webauthn.helpers import parse_attestation_object  # noqa: PLC0415 - see the head
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415 - see the head
    from webauthn.helpers.structs import (  # noqa: PLC0415 - see the head
        AuthenticatorAttestationResponse,
        RegistrationCredential,
    )

    try:
        if parse_attestation_object(attestation_object).fmt not in _FORMATS:
            return None
        made = verify_registration_response(
            # The id that counts is the one inside, which the authenticator wrote.
            credential=RegistrationCredential(
                id="",
                raw_id=b"",
                response=AuthenticatorAttestationResponse(client_data_json, attestation_object),
            ),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        )
        algorithm = _algorithm_of(made.credential_public_key)
    except Exception as error:  # noqa: BLE001 - whatever a parser makes of a stranger's octets
        _tell("add", error)
        return None
    if algorithm is None or not MIN_CREDENTIAL_ID <= len(made.credential_id) <= MAX_CREDENTIAL_ID:
        return None
    return NewCredential(made.credential_id, made.credential_public_key, algorithm, made.sign_count)


def _algorithm_of(public_key: bytes) -> int | None:
    """The COSE number of a key that can be used as it says, of a size that is neither weak nor slow."""
    from webauthn.helpers import (  # noqa: PLC0415 - see the head
        decode_credential_public_key,
        decoded_public_key_to_cryptography,
    )

    if len(public_key) > _MAX_KEY_BYTES:
        return None
    decoded = decode_credential_public_key(public_key)
    algorithm = int(decoded.alg)
    match decoded_public_key_to_cryptography(decoded):
        case EllipticCurvePublicKey() as key:
            is_good = algorithm == ES256 and isinstance(key.curve, SECP256R1)
        case RSAPublicKey() as key:
            is_exponent = key.public_numbers().e == _RSA_EXPONENT
            is_good = algorithm == RS256 and key.key_size in _RSA_BITS and is_exponent
        case key:
            is_good = algorithm == EDDSA and isinstance(key, Ed25519PublicKey)
    return algorithm if is_good else None


def _tell(act: str, error: Exception) -> None:
    """Say in the log why, for who runs the exchange; its text may hold what a stranger sent."""
    _log.info("passkey_refused", act=act, why=f"{type(error).__name__}: {ascii(str(error))[:200]}")
