"""The nouns of passkeys: what an authenticator says, what it is asked, and the passkeys that an account has.

Octets travel as base64url without padding. The names are those of WebAuthn, in the spelling of this API.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from detente.parties.model import Name

MAX_CREDENTIAL_ID: Final = 1_023
"""Bytes; WebAuthn, section 4 (credential ID)."""
MIN_CREDENTIAL_ID: Final = 16
MAX_CLIENT_DATA: Final = 2_048
MAX_AUTHENTICATOR_DATA: Final = 1_024
MAX_ATTESTATION: Final = 8_192
MAX_SIGNATURE: Final = 512
"""Bytes; that of a 4,096 bit RSA key."""
MAX_USER_HANDLE: Final = 64
"""Bytes; WebAuthn, section 5.4.3."""


def _chars(octets: int) -> int:
    return (octets * 4 + 2) // 3


CredentialId = Annotated[str, Meta(max_length=_chars(MAX_CREDENTIAL_ID))]
ClientData = Annotated[
    str, Meta(max_length=_chars(MAX_CLIENT_DATA), description="clientDataJSON, as the browser signed it")
]
AuthenticatorData = Annotated[str, Meta(max_length=_chars(MAX_AUTHENTICATOR_DATA))]
Signature = Annotated[str, Meta(max_length=_chars(MAX_SIGNATURE))]
UserHandle = Annotated[
    str, Meta(max_length=_chars(MAX_USER_HANDLE), description="The user id that the passkey was made with")
]
Attestation = Annotated[
    str, Meta(max_length=_chars(MAX_ATTESTATION), description="attestationObject, formats none and packed")
]


class RelyingParty(Struct, frozen=True):
    """Whom passkeys are made for: the name that browsers bind them to, and the only page that may ask."""

    rp_id: str
    """A host name."""
    origin: str
    """Scheme, host and port, as browsers spell it."""


class SignInOptions(Struct, frozen=True):
    """What to ask an authenticator to sign in; the same for everybody, as nobody has said who they are."""

    challenge: str
    rp_id: str
    origin: str
    """The page has to be there: browsers use a passkey at this origin alone."""
    timeout_ms: int


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An authenticator's assertion: WebAuthn's AuthenticatorAssertionResponse and the credential's id."""

    credential_id: CredentialId
    client_data_json: ClientData
    authenticator_data: AuthenticatorData
    signature: Signature
    user_handle: UserHandle


class AddOptions(Struct, frozen=True):
    """What to ask an authenticator to make a passkey for the account that is signed in."""

    challenge: str
    rp_id: str
    rp_name: str
    origin: str
    user_id: str
    user_name: str
    algorithms: tuple[int, ...]
    """COSE numbers, the preferred one first."""
    exclude: tuple[str, ...]
    """Ids of credentials that the account has: the authenticator that holds one makes no second."""
    timeout_ms: int


class AddBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey that was just made: its name here, and WebAuthn's AuthenticatorAttestationResponse."""

    name: Name
    client_data_json: ClientData
    attestation_object: Attestation


class RenameBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Another name for a passkey."""

    name: Name


class PasskeyView(Struct, frozen=True):
    """A passkey as people of its party see it."""

    passkey_id: str
    account_id: str
    account_name: str
    name: str
    made: datetime
    used: datetime | None
    suspected: datetime | None
    """When its signature counter last went back: there may be a copy of it. Such an answer is refused."""
    is_mine: bool
    """Whether it signs in the account that asks; only then may it be renamed."""
    may_remove: bool


class PasskeyList(Struct, frozen=True):
    """The passkeys of a party, by account and age."""

    passkeys: tuple[PasskeyView, ...]


class Assertion(Struct, frozen=True):
    """A sign-in body's octets."""

    credential_id: bytes
    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes


class NewCredential(Struct, frozen=True):
    """What a checked attestation holds."""

    credential_id: bytes
    public_key: bytes
    """A COSE key."""
    algorithm: int
    sign_count: int


class PasskeyRow(Struct, frozen=True):
    """A passkey as it is kept, with whose it is."""

    passkey_id: str
    account_id: str
    account_name: str
    party_id: str
    name: str
    credential_id: bytes
    made_ms: int
    used_ms: int | None
    suspected_ms: int | None


class KnownCredential(Struct, frozen=True):
    """What is needed to check an assertion."""

    passkey_id: str
    account_id: str
    public_key: bytes
