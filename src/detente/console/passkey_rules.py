"""The decisions of passkeys, on plain values: where they work, what holds, who may remove, what is refused.

Rule 1: a passkey is bound to one origin, that of the exchange's public URL; no other is ever accepted.
Rule 2: a signature counter goes up, or stays at zero for ever; one that goes back may be that of a copy.
Rule 3: whoever removes a passkey owns it, or administrates its party. The host's command removes any.
Rule 4: a passkey outlives the session it was made in, so only a session opened within the hour may add one.
"""

import base64
import binascii
import ipaddress
import re
import uuid
from typing import Final
from urllib.parse import urlsplit

from detente.console.passkey_model import (
    MAX_AUTHENTICATOR_DATA,
    MAX_CLIENT_DATA,
    MAX_CREDENTIAL_ID,
    MAX_SIGNATURE,
    MAX_USER_HANDLE,
    Assertion,
    PasskeyRow,
    PasskeyView,
    RelyingParty,
    SignInBody,
)
from detente.console.session_model import SessionRow
from detente.console.session_rules import instant
from detente.errors import BadInput, NotAllowed, NotAuthenticated, Refused
from detente.parties.model import Role, Scope
from detente.parties.rules import granted_scopes

CHALLENGE_S: Final = 300
"""How long a person has to touch or unlock an authenticator; WebAuthn, section 15.1."""
ADD_S: Final = 3_600
"""How old the session may be that adds a passkey (rule 4)."""
MAX_PASSKEYS: Final = 20
"""Of an account."""
MAX_LISTED: Final = 1_000
ES256: Final = -7
EDDSA: Final = -8
RS256: Final = -257
ALGORITHMS: Final = (EDDSA, ES256, RS256)
"""COSE numbers: what phones, keys and Windows make."""

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOCAL: Final = "localhost"


def relying_party(url: str) -> RelyingParty | None:
    """Say for which name and page passkeys are made.

    Args:
        url: where browsers reach the exchange.

    Returns:
        None where browsers allow none: over http other than on this machine, and at an IP address. An
        exchange at a loopback address over http is also at ``localhost``: it is there that passkeys work.

    Source: WebAuthn, sections 5.1.3 (relying party id) and 13.4.9 (origin); Secure Contexts, section 3.1.
    """
    split = urlsplit(url)
    host, port = split.hostname or "", split.port
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    else:
        if split.scheme != "http" or not address.is_loopback:
            return None
        host = _LOCAL
    if split.scheme != "https" and host != _LOCAL and not host.endswith(f".{_LOCAL}"):
        return None
    place = host if port in (None, _DEFAULT_PORTS.get(split.scheme)) else f"{host}:{port}"
    return RelyingParty(host, f"{split.scheme}://{place}")


def octets_of(text: str, at_most: int) -> bytes | None:
    """Read base64url in its only spelling, without padding.

    Args:
        text: as it came in.
        at_most: how many bytes it may be.

    Returns:
        None if it is none, or more than that.
    """
    if not _BASE64URL.fullmatch(text):
        return None
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return octets if len(octets) <= at_most and text_of(octets) == text else None


def text_of(octets: bytes) -> str:
    """Spell octets in base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def assertion_of(body: SignInBody) -> Assertion | None:
    """Read the octets of a sign-in; None if a member is not base64url of an allowed length."""
    credential_id = octets_of(body.credential_id, MAX_CREDENTIAL_ID)
    client_data = octets_of(body.client_data_json, MAX_CLIENT_DATA)
    authenticator_data = octets_of(body.authenticator_data, MAX_AUTHENTICATOR_DATA)
    signature = octets_of(body.signature, MAX_SIGNATURE)
    user_handle = octets_of(body.user_handle, MAX_USER_HANDLE)
    if (
        credential_id is None
        or client_data is None
        or authenticator_data is None
        or signature is None
        or user_handle is None
    ):
        return None
    return Assertion(credential_id, client_data, authenticator_data, signature, user_handle)


def user_handle_of(account_id: str) -> bytes:
    """Give what a passkey remembers of its account: the 16 bytes of its id, which say nothing of a person."""
    return uuid.UUID(account_id).bytes


def counter_holds(known: int, shown: int) -> bool:
    """Say whether a signature counter may follow another (rule 2).

    Args:
        known: the last one that was believed.
        shown: that of the signature at hand.

    Source: WebAuthn, section 7.2, step 22; zero and zero is an authenticator that does not count.
    """
    return shown > known or shown == known == 0


def check_may_add(session: SessionRow, now_ms: int) -> None:
    """Let only a session add a passkey that was opened within the hour (rule 4).

    Raises:
        NotAllowed: if it is older.
    """
    if now_ms - session.made_ms > ADD_S * 1_000:
        raise NotAllowed(
            "sign in again, then add the passkey: this session is older than an hour",
            reason="sign-in-too-old",
            expected=f"a session of the last {ADD_S // 60} minutes",
        )


def may_remove_all(role: str) -> bool:
    """Say whether a role may remove its party's passkeys, not only its own (rule 3)."""
    return Scope.PARTIES_WRITE in granted_scopes(Role(role), None)


def as_listed(passkey: PasskeyRow, asking: SessionRow) -> PasskeyView:
    """Show a passkey to somebody of its party.

    Args:
        passkey: the passkey.
        asking: whose session asks.
    """
    is_mine = passkey.account_id == asking.account_id
    return PasskeyView(
        passkey_id=passkey.passkey_id,
        account_id=passkey.account_id,
        account_name=passkey.account_name,
        name=passkey.name,
        made=instant(passkey.made_ms),
        used=None if passkey.used_ms is None else instant(passkey.used_ms),
        suspected=None if passkey.suspected_ms is None else instant(passkey.suspected_ms),
        is_mine=is_mine,
        may_remove=is_mine or may_remove_all(asking.role),
    )


def no_passkey() -> NotAuthenticated:
    """One answer for whatever is wrong when signing in: origin, challenge, signature, counter, account."""
    return NotAuthenticated(
        "this passkey opens no session here: it is not known, its answer does not hold or came too late, "
        "or its account is stopped",
        reason="no-passkey",
    )


def bad_passkey() -> BadInput:
    """One answer for whatever is wrong with a passkey that is to be added."""
    return BadInput(
        "this passkey cannot be added: it was made for another page, too late or without verifying the "
        "person, is known already, or of a kind that is not accepted",
        field="attestation_object",
        reason="bad-passkey",
    )


def no_place(url: str) -> Refused:
    """Say why there are no passkeys at an exchange.

    Args:
        url: where browsers reach it.
    """
    return Refused(
        f"browsers allow passkeys only at https or http://localhost; this exchange's public URL is {url}",
        reason="no-secure-name",
        public_url=url,
    )
