"""Tokens with which we speak to peers: asked of the authority, remembered until shortly before they end."""

import asyncio
import base64
import binascii
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Struct

from detente.errors import BadInput, Unavailable

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NOT_THIS_FORM: Final = frozenset({404, 405, 501})
_MAX_ANSWER_BYTES: Final = 65_536
_MARGIN_MS: Final = 30_000
_LONGEST_KEPT_MS: Final = 3_600_000
_UNKNOWN_LIFE_MS: Final = 60_000
# A dead authority is asked once in this time, not once by every caller.
_RETRY_MS: Final = 1_000
# A peer that takes no token at all must not make us fetch a new one at each call.
_NEW_MS: Final = 10_000


class TokenSource(Protocol):
    """Where tokens for peers come from."""

    async def get(self, audience: str, scope: str) -> str:
        """Give a token.

        Args:
            audience: the host name of the peer.
            scope: what it is to allow, as one word.

        Raises:
            Unavailable: if there is none to be had now.
        """
        ...

    def forget(self, audience: str, scope: str, token: str) -> None:
        """A peer did not take this token: the next ``get`` should give another, unless it is quite new."""
        ...


class ClientSecret(Struct, frozen=True):
    """What an authority knows us by, where it asks."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        return f"ClientSecret({self.client_id!r}, ...)"


class _Answer(Struct):
    """What an authority answers (RFC 6749, 5.1)."""

    access_token: str
    expires_in: float | str | None = None


class _Claims(Struct):
    exp: float | None = None


class _Token(Struct, frozen=True):
    text: str
    from_ms: int
    renew_ms: int
    until_ms: int


class _Refused(Exception):
    """The authority did not give a token; says why."""


class PeerTokens:
    """Tokens of one authority. Safe for many coroutines of one loop; nothing in it must survive.

    Rule 1: one request at a time for an audience and a scope; whoever asks meanwhile gets its result.
    Rule 2: a token is renewed half a minute before its end. While that fails, it is used until its end.
    Rule 3: the secret goes only into the body's request form, never into a URL.
    """

    def __init__(
        self,
        token_url: str,
        subject: str,
        clock_ms: Callable[[], int],
        *,
        issuer: str | None = None,
        client: ClientSecret | None = None,
        allows_http: bool = False,
        timeout_s: float = 5.0,
        most: int = 1_000,
    ) -> None:
        """Name the authority; nothing is fetched yet.

        Args:
            token_url: where tokens are given.
            subject: who we are to the authority.
            clock_ms: the present.
            issuer: the member ``issuer`` of the request, which test authorities put into the token; the host
                of the URL if not said.
            client: sent by HTTP Basic with the POST form.
            allows_http: plain http too; for development.
            timeout_s: how long the authority may take.
            most: tokens that are remembered.

        Raises:
            BadInput: if the URL cannot be used.
        """
        parts = urlsplit(token_url)
        if (
            parts.scheme not in ({"https", "http"} if allows_http else {"https"})
            or not parts.hostname
            or "@" in parts.netloc
        ):
            raise BadInput(
                "Tokens are fetched over https only",
                field="token_url",
                expected="https://HOST[:PORT]/PATH, without credentials",
            )
        self._url = token_url
        self._shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self._subject = subject
        self._clock_ms = clock_ms
        self._issuer = issuer or parts.hostname
        self._client = client
        self._timeout_s = timeout_s
        self._most = most
        self._tls = httpx.create_ssl_context()
        self._forms = ("GET", "POST")
        """The form that worked last comes first."""
        self._tokens: OrderedDict[tuple[str, str], _Token] = OrderedDict()
        self._fetching: dict[tuple[str, str], asyncio.Task[_Token]] = {}
        self._failed: OrderedDict[tuple[str, str], tuple[int, str]] = OrderedDict()

    async def get(self, audience: str, scope: str) -> str:
        """Give a token for a peer.

        Args:
            audience: the host name of the peer.
            scope: what it is to allow, as one word.

        Raises:
            Unavailable: if the authority gives none; names it and says why.
        """
        key = (audience, scope)
        known, now_ms = self._tokens.get(key), self._clock_ms()
        # Before its beginning: the clock was set back, and nobody knows how old the token is.
        if known is not None and known.from_ms <= now_ms < known.renew_ms:
            self._tokens.move_to_end(key)
            return known.text
        try:
            return (await self._renewed(key)).text
        except _Refused as refused:
            if known is not None and known.from_ms <= now_ms < known.until_ms:
                return known.text
            raise Unavailable(
                f"the authority {self._shown} gives no token for {audience}: {refused}",
                authority=self._shown,
                why=str(refused),
            ) from refused

    def forget(self, audience: str, scope: str, token: str) -> None:
        """A peer did not take this token: give another one next time, unless it is quite new."""
        known = self._tokens.get((audience, scope))
        if known is not None and known.text == token and self._clock_ms() - known.from_ms >= _NEW_MS:
            del self._tokens[audience, scope]

    async def _renewed(self, key: tuple[str, str]) -> _Token:
        """Fetch, or wait for whoever fetches already (rule 1)."""
        task = self._fetching.get(key)
        if task is None:
            failed = self._failed.get(key)
            if failed is not None and 0 <= self._clock_ms() - failed[0] < _RETRY_MS:
                raise _Refused(failed[1])
            task = self._fetching[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda done: self._fetched(key, done))
        # One caller's hanging up must not end the fetch for the others.
        return await asyncio.shield(task)

    def _fetched(self, key: tuple[str, str], task: asyncio.Task[_Token]) -> None:
        """Remember how a fetch ended."""
        del self._fetching[key]
        if task.cancelled():
            return
        refused = task.exception()
        if refused is not None:
            _remember(self._failed, key, (self._clock_ms(), str(refused)), self._most)
            return
        self._failed.pop(key, None)
        _remember(self._tokens, key, task.result(), self._most)

    async def _fetch(self, key: tuple[str, str]) -> _Token:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx.AsyncClient(verify=self._tls, timeout=None, follow_redirects=False) as http,  # noqa: S113 -- the timeout is around it
            ):
                return self._read(await self._ask(http, *key))
        except TimeoutError:
            raise _Refused(f"it does not answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Refused(f"it cannot be reached ({type(error).__name__})") from error

    async def _ask(self, http: httpx.AsyncClient, audience: str, scope: str) -> bytes:
        """Ask in the form that the authority understands."""
        members = {
            "grant_type": "client_credentials",
            "scope": scope,
            "intended_audience": audience,
            "issuer": self._issuer,
            "sub": self._subject,
        }
        status = 0
        for form in self._forms:
            status, body = await _answer(http, self._request(form, members))
            if status in _NOT_THIS_FORM:
                continue
            if status != httpx.codes.OK:
                break
            self._forms = ("GET", "POST") if form == "GET" else ("POST", "GET")
            return body
        raise _Refused(f"it answered {status}")

    def _request(self, form: str, members: Mapping[str, str]) -> httpx.Request:
        accept = {"accept": "application/json"}
        if form == "GET":
            url = httpx.URL(self._url)
            return httpx.Request("GET", url.copy_merge_params(members), headers=accept)
        request = httpx.Request(
            "POST", self._url, data={**members, "audience": members["intended_audience"]}, headers=accept
        )
        if self._client is not None:
            pair = f"{self._client.client_id}:{self._client.secret}".encode()
            request.headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return request

    def _read(self, body: bytes) -> _Token:
        """Read a token out of an answer and decide how long it is good for."""
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Refused("it answered what is no token") from None
        text = answer.access_token
        if not text or not all("!" <= letter <= "~" for letter in text):
            raise _Refused("it answered what is no token")
        now_ms = self._clock_ms()
        ends = [now_ms + _LONGEST_KEPT_MS]
        exp_s = _exp_of(text)
        if exp_s is not None:
            ends.append(round(exp_s * 1_000))
        life_s = _seconds(answer.expires_in)
        if life_s is not None:
            ends.append(now_ms + round(life_s * 1_000))
        if len(ends) == 1:
            ends.append(now_ms + _UNKNOWN_LIFE_MS)
        until_ms = min(ends)
        margin_ms = min(_MARGIN_MS, max(until_ms - now_ms, 0) // 2)
        return _Token(text, now_ms, until_ms - margin_ms, until_ms)


async def _answer(http: httpx.AsyncClient, request: httpx.Request) -> tuple[int, bytes]:
    """Send a request and read no more of the answer than a token needs."""
    answer = await http.send(request, stream=True)
    try:
        body = bytearray()
        async for chunk in answer.aiter_bytes(4_096):
            body += chunk
            if len(body) > _MAX_ANSWER_BYTES:
                raise _Refused("it answers too much")
    finally:
        await answer.aclose()
    return answer.status_code, bytes(body)


def _exp_of(token: str) -> float | None:
    """Read when a token ends, without verifying it: that is for the peer to do. None if it does not say."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 -- header, claims, signature
        return None
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return _seconds(msgspec.json.decode(claims, type=_Claims).exp)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def _seconds(value: float | str | None) -> float | None:
    """Read a number of seconds; None for what is none."""
    try:
        number = math.nan if value is None else float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e12 else None  # noqa: PLR2004 -- far beyond any year


def _remember(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Keep the newest of a bounded number."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
