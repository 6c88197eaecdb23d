"""The built-in token issuer: a client's secret against a signed token that is good for an hour.

Also for an account that was authenticated otherwise, for a shorter time.

Source: RFC 6749, sections 2.3.1, 4.4 and 5; RFC 9068 (the token's claims); RFC 8707 (``invalid_target``).
"""

import base64
import binascii
import re
import uuid
from typing import Final
from urllib.parse import unquote_plus

from msgspec import Struct

from detente.errors import BadInput, DetenteError, NotAuthenticated
from detente.parties.claims import is_party_name
from detente.parties.model import TokenAnswer, TokenForm
from detente.parties.rules import granted_scopes, is_account_id, standard_scopes, token_expiry_ms
from detente.parties.service import PartiesService
from detente.parties.store import Standing
from detente.parties.tokens import private_from_der, sign_token

_NO_ACCOUNT: Final = "00000000-0000-0000-0000-000000000000"
_MAX_SECRET_CHARS: Final = 200
PEER_TOKEN_S: Final = 600
"""How long a token for a peer is good for."""
_MAX_SCOPE_CHARS: Final = 2_000
_HOST: Final = re.compile(r"[a-z0-9._:-]{1,253}")
"""The host of a peer, as tokens name it: without scheme, port and path."""


class ClientSecret(Struct, frozen=True):
    """Who asks for a token, as claimed."""

    client_id: str
    client_secret: str


class Issuer:
    """Issues tokens. Keeps nothing: every token is decided on the database's state.

    Args:
        service: the accounts and keys.
    """

    def __init__(self, service: PartiesService) -> None:
        self._service = service

    async def issue_token(self, form: TokenForm, authorization: str | None, now_ms: int) -> TokenAnswer:
        """Issue a token for the client credentials grant.

        Args:
            form: the request's form.
            authorization: the ``Authorization`` header, for ``client_secret_basic``.
            now_ms: the present.

        Returns:
            The token and what it is good for.

        Raises:
            BadInput: with ``error`` as RFC 6749, section 5.2 names it.
            NotAuthenticated: with ``error="invalid_client"``: one answer for an unknown account, a wrong
                secret, a disabled account and a suspended party.

        An audience that is none of the exchange's own names is a peer's: the token is then one with which the
        account's party speaks to that peer, and holds scopes of the standard only, those that were named.
        """
        if form.grant_type != "client_credentials":
            error = "unsupported_grant_type" if form.grant_type else "invalid_request"
            raise _refuse(error, "grant_type must be client_credentials", field="grant_type")
        client = client_of(form, authorization)
        standing = await self._authenticated(client)
        asked = asked_scopes(form.scope)
        scopes = granted_scopes(standing.role, asked)
        if self._is_for_peer(standing, form, asked):
            scopes = standard_scopes(scopes)
        if not scopes:
            raise _refuse("invalid_scope", "The account's role holds none of these scopes", field="scope")
        if form.audience is not None and self._is_for_peer(standing, form, asked):
            scope = " ".join(sorted(scopes))
            return await self.issue_for_peer(standing.party_id, form.audience, scope, now_ms)
        return await self._sign(standing, scopes, self._audience(form.audience), now_ms)

    def _is_for_peer(self, standing: Standing, form: TokenForm, asked: frozenset[str] | None) -> bool:
        """Whether a token is asked for with which a party speaks to a peer; the exchange itself has none."""
        audience = form.audience
        if audience is None or audience in self._service.settings.audiences:
            return False
        is_host = _HOST.fullmatch(audience) is not None
        return is_host and asked is not None and is_party_name(standing.party_id)

    async def issue_for(self, account_id: str, *, lifetime_s: int, now_ms: int) -> TokenAnswer:
        """Issue a token for an account that was authenticated otherwise, with all that its role holds now.

        Args:
            account_id: the account; the caller has made sure that it is the one asking.
            lifetime_s: how long the token is good for; never longer than one for a client's secret.
            now_ms: the present.

        Returns:
            The token and what it is good for, for the exchange's first audience.

        Raises:
            NotAuthenticated: if there is no such account, or it or its party may not act now.
        """
        standing = await self._service.find_standing(self._service.settings.issuer, account_id)
        if standing is None or standing.is_disabled or standing.is_suspended:
            raise NotAuthenticated("The account may not act now", reason="disabled")
        scopes = granted_scopes(standing.role, None)
        return await self._sign(standing, scopes, self._audience(None), now_ms, lifetime_s)

    async def issue_for_peer(self, party_id: str, audience: str, scope: str, now_ms: int) -> TokenAnswer:
        """Issue a token with which a party's own server here speaks to a peer: its subject is the party.

        It is no key to this exchange: its subject is no account, so it is refused here.

        Args:
            party_id: for whom is spoken.
            audience: the peer's host name.
            scope: what it is to allow.
            now_ms: the present.

        Source: F3548-21, where the subject of a token names the manager.
        """
        row = await self._service.signing.signing_row(now_ms)
        settings = self._service.settings
        expires_s = token_expiry_ms(row.span, now_ms, settings.key_times, PEER_TOKEN_S) // 1_000
        now_s = now_ms // 1_000
        claims = {
            "iss": settings.issuer,
            "sub": party_id,
            "scope": scope,
            "aud": audience,
            "iat": now_s,
            "nbf": now_s,
            "exp": expires_s,
            "jti": str(uuid.uuid4()),
        }
        token = sign_token(private_from_der(row.private_pkcs8), row.span.kid, claims)
        return TokenAnswer(token, "Bearer", expires_s - now_s, scope)

    def _audience(self, asked: str | None) -> str:
        audiences = self._service.settings.audiences
        if asked is not None and asked not in audiences:
            raise _refuse(
                "invalid_target",
                "This exchange has no such audience; a token for a peer names its scopes",
                field="audience",
            )
        return audiences[0] if asked is None else asked

    async def _authenticated(self, client: ClientSecret) -> Standing:
        # A malformed id goes the same way as an unknown one, without reaching the database as it is.
        account_id = client.client_id if is_account_id(client.client_id) else _NO_ACCOUNT
        standing = await self._service.check_secret(account_id, client.client_secret[:_MAX_SECRET_CHARS])
        if standing is None:
            raise NotAuthenticated("The client or its secret is not accepted", error="invalid_client")
        return standing

    async def _sign(
        self,
        standing: Standing,
        scopes: frozenset[str],
        audience: str,
        now_ms: int,
        lifetime_s: int | None = None,
    ) -> TokenAnswer:
        row = await self._service.signing.signing_row(now_ms)
        settings = self._service.settings
        now_s = now_ms // 1_000
        expires_s = token_expiry_ms(row.span, now_ms, settings.key_times, lifetime_s) // 1_000
        scope = " ".join(sorted(scopes))
        claims = {
            "iss": settings.issuer,
            "sub": standing.account_id,
            "client_id": standing.account_id,
            "party": standing.party_id,
            "scope": scope,
            "aud": audience,
            "iat": now_s,
            "nbf": now_s,
            "exp": expires_s,
            "jti": str(uuid.uuid4()),
        }
        token = sign_token(private_from_der(row.private_pkcs8), row.span.kid, claims)
        return TokenAnswer(token, "Bearer", expires_s - now_s, scope)


def client_of(form: TokenForm, authorization: str | None) -> ClientSecret:
    """Find out who asks, by either of the two ways of RFC 6749, section 2.3.1.

    Args:
        form: the request's form.
        authorization: the ``Authorization`` header.

    Returns:
        The client's id and secret as claimed.

    Raises:
        BadInput: if it uses both ways.
        NotAuthenticated: if it uses neither, or the header cannot be read.
    """
    if authorization is None:
        if form.client_id is None or form.client_secret is None:
            raise NotAuthenticated("A client id and its secret are needed", error="invalid_client")
        return ClientSecret(form.client_id, form.client_secret)
    if form.client_secret is not None:
        raise _refuse("invalid_request", "Send the secret in the header or in the form, not in both")
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated("The Authorization header is not HTTP Basic", error="invalid_client")
    try:
        client_id, separator, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        )
    except (binascii.Error, ValueError) as error:
        raise NotAuthenticated(
            "The Authorization header cannot be decoded", error="invalid_client"
        ) from error
    if not separator:
        raise NotAuthenticated("The Authorization header has no secret", error="invalid_client")
    return ClientSecret(unquote_plus(client_id), unquote_plus(secret))


def asked_scopes(text: str | None) -> frozenset[str] | None:
    """Read the ``scope`` member.

    Args:
        text: space-separated scopes.

    Returns:
        The scopes; None if it is absent or blank.

    Raises:
        BadInput: if it is far too long.
    """
    if text is not None and len(text) > _MAX_SCOPE_CHARS:
        raise _refuse("invalid_scope", "The scope is too long", field="scope")
    asked = frozenset((text or "").split())
    return asked or None


def _refuse(error: str, detail: str, field: str | None = None) -> DetenteError:
    """One of RFC 6749's refusals with status 400."""
    return BadInput(detail, error=error, field=field)
