"""One request's passage through the edge: reading its body, and what the log and the counters say of it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from detente.errors import BadInput, TooLarge, TooSlow
from detente.web.metrics import UNMATCHED

if TYPE_CHECKING:
    from detente.web.model import Route
    from detente.web.stream import Outflow

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

_ONCE = ("authorization", "content-type", "content-length", "idempotency-key", "host")


class Call:
    """What is known of a request besides what the handler sees; lives as long as the request."""

    __slots__ = (
        "account_id",
        "began_s",
        "found",
        "outflow",
        "problem",
        "receive",
        "request_id",
        "route",
        "status",
    )

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.request_id = os.urandom(8).hex()
        self.began_s = perf_counter()
        self.route = UNMATCHED
        self.found: Route | None = None
        """Once it is known: it says in which form a refusal is told."""
        self.status = 0
        self.problem: str | None = None
        self.account_id: str | None = None
        self.outflow: Outflow | None = None
        """The body of an answer that goes on."""


def read_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names to values; repeated ones are joined as RFC 9110, section 5.3 says.

    Raises:
        BadInput: if a header that has one value only comes twice.
    """
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name = name_bytes.decode("latin-1").lower()
        value = value_bytes.decode("latin-1")
        if name in headers:
            if name in _ONCE:
                raise BadInput(
                    f"the header {name} is repeated", field=name, expected="once", actual="repeated"
                )
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


async def read_body(call: Call, headers: Mapping[str, str], *, max_bytes: int, timeout_s: float) -> bytes:
    """Read the whole body, never more than ``max_bytes`` of it.

    Args:
        call: whose ``receive`` gives the body.
        headers: for the declared length, which is refused before anything is read.
        max_bytes: the route's limit.
        timeout_s: for all of it: a client that sends a byte now and then is not waited for.

    Raises:
        TooLarge: if it is longer.
        TooSlow: if it does not arrive in time.
        BadInput: if it breaks off.
    """
    declared = headers.get("content-length")
    if declared is not None and declared.isdecimal() and int(declared) > max_bytes:
        raise too_large(max_bytes, f"{declared} bytes")
    # asyncio.timeout says the same at four times the price, which every request would pay.
    task = cast("asyncio.Task[object]", asyncio.current_task())
    is_late = False

    def cut_off() -> None:
        nonlocal is_late
        is_late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(timeout_s, cut_off)
    try:
        return await _all_of(call.receive, max_bytes)
    except asyncio.CancelledError as cancelled:
        if not is_late or task.uncancel() > 0:
            raise
        raise TooSlow(
            f"the body did not arrive within {timeout_s:g} s", field="", limit_s=timeout_s
        ) from cancelled
    finally:
        timer.cancel()


async def _all_of(receive: Receive, max_bytes: int) -> bytes:
    event = await receive()
    first: bytes = event.get("body", b"")
    if event["type"] == "http.request" and not event.get("more_body", False) and len(first) <= max_bytes:
        return first
    parts: list[bytes] = []
    length = 0
    while True:
        if event["type"] != "http.request":
            raise BadInput("the body broke off", field="", expected="a whole body", actual=f"{length} bytes")
        part: bytes = event.get("body", b"")
        length += len(part)
        if length > max_bytes:
            raise too_large(max_bytes, f"over {max_bytes} bytes")
        parts.append(part)
        if not event.get("more_body", False):
            return b"".join(parts)
        event = await receive()


def too_large(max_bytes: int, actual: str) -> TooLarge:
    """The refusal of a body over the route's limit."""
    return TooLarge(
        f"the body is over the limit of {max_bytes} bytes", field="", limit=max_bytes, actual=actual
    )
