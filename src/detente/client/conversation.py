"""How one call becomes one answer: the token first, a fresh one when it ran out, again when the line broke.

No input, output, clock or sleep here: a conversation is a generator that says what to send or how long to
wait, and is told what came back. The synchronous and the asynchronous client each drive it in ten lines.
"""

from collections.abc import Callable, Generator, Mapping
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct

from detente.client.call import Call
from detente.client.refusals import refusal_of
from detente.errors import BadInput, DetenteError, NotAuthenticated, TooMany, Unavailable
from detente.parties.model import TokenAnswer

T = TypeVar("T")

_RENEW_BEFORE_S = 30.0
_GRANT_PATH = "/v1/token"
_ERROR_FROM = 400
_UNAUTHORIZED = 401


class Send(Struct, frozen=True):
    """Send this; come back with the answer, or with what httpx raised."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes | None


class Wait(Struct, frozen=True):
    """Do nothing for so many seconds."""

    seconds: float


Outcome = httpx.Response | httpx.TransportError | None
Conversation = Generator[Send | Wait, Outcome, T]


class Credentials(Struct, frozen=True):
    """An access token that somebody else renews, or an account and its secret."""

    token: str | None = None
    account_id: str | None = None
    secret: str | None = None

    def __repr__(self) -> str:
        """Name the account, never the token or the secret."""
        return f"Credentials(account_id={self.account_id!r})"


class Retries(Struct, frozen=True):
    """How stubborn the client is with requests that may be repeated."""

    attempts: int = 5
    """In all, the first included."""
    first_wait_s: float = 0.1
    """Doubled each time, and shortened by a random share of up to a half."""
    longest_wait_s: float = 5.0
    """The server's own ``Retry-After`` is followed up to here."""


class Talk:
    """What all conversations of one client share: the credentials and the token in hand.

    Args:
        credentials: who asks.
        retries: how often and how long.
        now_s: seconds of a clock that never goes back.
        draw: a random number from 0 to 1, which spreads the retries of many clients.
        url: the exchange, for what is said when it cannot be reached.
    """

    def __init__(
        self,
        credentials: Credentials,
        retries: Retries,
        *,
        now_s: Callable[[], float],
        draw: Callable[[], float],
        url: str = "",
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._retries = retries
        self._now_s = now_s
        self._draw = draw
        self._token = credentials.token
        self._renew_at_s: float | None = None

    def converse(self, call: Call[T]) -> Conversation[T]:
        """Lead one call to its result.

        Args:
            call: what to ask.

        Yields:
            What to send, or how long to wait.

        Returns:
            The decoded answer.

        Raises:
            DetenteError: the server's refusal, or Unavailable if it cannot be reached.
        """
        response = yield from self.ask(call)
        try:
            return call.read(response.content)
        except msgspec.MsgspecError as unreadable:
            raise DetenteError(
                f"the answer of {call.method} {call.path} cannot be read: {unreadable}"
            ) from unreadable

    def ask(self, call: Call[T]) -> Conversation[httpx.Response]:
        """Lead one call to its answer, whose body is left to the caller.

        Args:
            call: what to ask.

        Yields:
            What to send, or how long to wait.

        Returns:
            An answer of success.

        Raises:
            DetenteError: the server's refusal, or Unavailable if it cannot be reached.
        """
        response = yield from self._insist(call)
        if (
            response.status_code == _UNAUTHORIZED
            and call.needs_token
            and self._credentials.secret is not None
        ):
            # The server may have changed its keys; one fresh token tells that from a wrong account.
            self._token = None
            response = yield from self._insist(call)
        if response.status_code >= _ERROR_FROM:
            raise _token_refusal(response) if call.path == _GRANT_PATH else refusal_of(response)
        return response

    def pause_s(self) -> float:
        """How long to wait before an ended stream is asked for again, so that not all come back at once."""
        return self._retries.first_wait_s * (1 - self._draw() / 2)

    def _insist(self, call: Call[T]) -> Conversation[httpx.Response]:
        wait_s = self._retries.first_wait_s
        for attempt in range(1, self._retries.attempts + 1):
            headers = dict(call.headers)
            if call.content is not None:
                headers["content-type"] = call.media_type
            if call.needs_token and (token := (yield from self._bearer())):
                headers["authorization"] = f"Bearer {token}"
            outcome = yield Send(call.method, call.path, call.query, headers, call.content)
            is_last = attempt == self._retries.attempts
            if isinstance(outcome, httpx.Response):
                asked_s = _asks_to_wait(outcome) if call.waits and call.is_repeatable else None
                if asked_s is None or is_last or asked_s > self._retries.longest_wait_s:
                    return outcome
                pause_s = max(asked_s, wait_s)
            elif isinstance(outcome, httpx.TransportError):
                if isinstance(outcome, httpx.UnsupportedProtocol):
                    raise _no_url(self._url) from outcome
                was_sent = not isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)
                if is_last or (was_sent and not call.is_repeatable):
                    raise _unreachable(outcome, self._url)
                pause_s = wait_s
            else:
                raise TypeError("a conversation was resumed without an outcome")
            yield Wait(min(pause_s, self._retries.longest_wait_s) * (1 - self._draw() / 2))
            wait_s *= 2
        raise ValueError("retries need at least one attempt")

    def _bearer(self) -> Conversation[str | None]:
        is_old = self._renew_at_s is not None and self._now_s() >= self._renew_at_s
        if self._token is None or (is_old and self._credentials.secret is not None):
            if self._credentials.secret is None or self._credentials.account_id is None:
                return None
            answer = yield from self._insist(
                token_call(self._credentials.account_id, self._credentials.secret)
            )
            if answer.status_code >= _ERROR_FROM:
                raise _token_refusal(answer)
            granted = msgspec.json.decode(answer.content, type=TokenAnswer)
            self._token = granted.access_token
            lasts_s = max(granted.expires_in - _RENEW_BEFORE_S, granted.expires_in / 2)
            self._renew_at_s = self._now_s() + lasts_s
        return self._token


def token_call(account_id: str, secret: str) -> Call[TokenAnswer]:
    """Ask for an access token (RFC 6749, section 4.4.2)."""
    form = urlencode({"grant_type": "client_credentials", "client_id": account_id, "client_secret": secret})
    return Call(
        "POST",
        _GRANT_PATH,
        msgspec.json.Decoder(TokenAnswer).decode,
        content=form.encode(),
        media_type="application/x-www-form-urlencoded",
        needs_token=False,
    )


def _token_refusal(answer: httpx.Response) -> DetenteError:
    """A refused token request, which may come in the words of RFC 6749, section 5.2."""
    refusal = refusal_of(answer)
    if type(refusal) is not DetenteError:
        return refusal
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.DecodeError:
        return refusal
    detail = str(said.get("error_description", said.get("error", refusal.detail)))
    return NotAuthenticated(f"no token was given: {detail}")


def _asks_to_wait(response: httpx.Response) -> float | None:
    """Seconds to wait before the same request may succeed; None if it need not be repeated."""
    if response.status_code not in {TooMany.status_hint, Unavailable.status_hint, 502, 504}:
        return None
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else 0.0


def checked_url(url: str) -> str:
    """Refuse what is no URL of an exchange.

    Raises:
        BadInput: naming it.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _no_url(url) from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise _no_url(url)
    return url


def _no_url(url: str) -> BadInput:
    return BadInput(
        f"{url!r} is no URL of an exchange", field="url", expected="such as http://127.0.0.1:8440", actual=url
    )


def _unreachable(error: httpx.TransportError, url: str) -> Unavailable:
    said = str(error) or type(error).__name__
    if "WRONG_VERSION_NUMBER" in said:
        said = "it speaks http where https was asked for; say http:// or name the address of its proxy"
    return Unavailable(f"the exchange at {url} cannot be reached: {said}", cause=type(error).__name__)
