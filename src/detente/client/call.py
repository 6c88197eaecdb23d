"""One request to an exchange as plain data: what goes out and how the answer is read."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Call(Struct, Generic[T], frozen=True):
    """A request before anything is known of tokens, connections or retries."""

    method: str
    path: str
    read: Callable[[bytes], T]
    """Turns a successful answer's body into the result."""
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    content: bytes | None = None
    media_type: str = "application/json"
    is_repeatable: bool = True
    """Whether sending it twice does no more than sending it once."""
    needs_token: bool = True
    waits: bool = True
    """Whether a 503 is waited out; False where 503 is the answer that was asked for."""


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """A function that reads a JSON body into ``kind``."""
    return msgspec.json.Decoder(kind).decode


def nothing(_: bytes) -> None:
    """Read an answer that has no body."""
