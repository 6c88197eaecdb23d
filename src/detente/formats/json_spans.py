"""Where the objects of a JSON text begin and end, without building them.

A file of a million features is taken apart in pieces of a few megabytes: brackets outside strings are
counted with vectors, and whole objects are handed to the decoder, which checks everything else.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from detente.formats.faults import FileFault, shown
from detente.geo.sweep_columns import Bools, Bytes, Longs

CHUNK_BYTES = 4 << 20
BLOCK_BYTES = 1 << 20
MAX_OBJECT_BYTES = 64 << 20
MAX_DEPTH = 64
_QUOTE, _BACKSLASH, _OPEN, _CLOSE, _LETTER_CASE = 34, 92, 123, 125, 32
_BLANK = b" \t\r\n"
_BETWEEN = _BLANK + b"\x1e"
# Possessive throughout: a repetition that could be taken back is remembered at a hundred bytes a step.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEY = re.compile(rb"[ \t\r\n]*+(" + _STRING + rb")[ \t\r\n]*+:[ \t\r\n]*+")
_SCALAR = re.compile(_STRING + rb"|[-+.\w]++(?=[ \t\r\n,}\]])")


@dataclass(frozen=True, slots=True)
class Spans:
    """The outermost objects and arrays that are complete in a buffer.

    Attributes:
        begin: offset of each one's opening bracket, shape (k,).
        end: offset behind each one's closing bracket, shape (k,).
        closed_at: offset of a bracket that closes something opened before the buffer, if there is one.
    """

    begin: Longs
    end: Longs
    closed_at: int | None


@dataclass(slots=True)
class _Scan:
    """Goes through a text block by block, and knows what stands open between two of them."""

    depth: int = 0
    is_quoted: bool = False
    is_escaped: bool = False

    def brackets(self, block: bytes) -> tuple[Longs, Bools, Longs]:
        """Find the brackets outside strings: their places, which of them open, the depth behind each."""
        text = np.frombuffer(block, np.uint8)
        # Square and curly brackets differ in one bit; the decoder sees to it that they match.
        folded = text | _LETTER_CASE
        marks = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE) | (text == _QUOTE))
        is_quote = text[marks] == _QUOTE
        if self.is_escaped or b"\\" in block:
            keep = ~is_quote
            keep[is_quote] = self._unescaped(text, marks[is_quote])
            marks, is_quote = marks[keep], is_quote[keep]
            run = len(block) - len(block.rstrip(b"\\"))
            self.is_escaped = bool((run + (self.is_escaped and run == len(block))) & 1)
        outside = ((np.cumsum(is_quote) + self.is_quoted) & 1) == 0
        self.is_quoted ^= bool(np.count_nonzero(is_quote) & 1)
        places = marks[outside & ~is_quote]
        opens = folded[places] == _OPEN
        depth = self.depth + np.cumsum(np.where(opens, 1, -1))
        if len(depth):
            self.depth = int(depth[-1])
        return places, opens, depth

    def _unescaped(self, text: Bytes, quotes: Longs) -> Bools:
        """Say before which quotes an even number of backslashes stands."""
        start = -2 if self.is_escaped else -1
        other = np.where(text != _BACKSLASH, np.arange(len(text), dtype=np.int64), start)
        before = np.concatenate(([start], np.maximum.accumulate(other)[:-1]))
        even: Bools = (quotes - before[quotes]) % 2 == 1
        return even


def spans_in(buffer: bytes) -> Spans:
    """Find the complete outermost values of a buffer that begins outside any string.

    Args:
        buffer: JSON text, cut anywhere at its end.

    Returns:
        The spans; nothing after ``closed_at`` is looked at.

    Raises:
        FileFault: something is nested deeper than `MAX_DEPTH`.
    """
    scan, closed_at = _Scan(), None
    begins, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for low in range(0, len(buffer), BLOCK_BYTES):
        brackets, opens, depth = scan.brackets(buffer[low : low + BLOCK_BYTES])
        below = np.flatnonzero(depth < 0)
        if len(below):
            closed_at = low + int(brackets[below[0]])
            brackets, opens, depth = brackets[: below[0]], opens[: below[0]], depth[: below[0]]
        if len(depth) and depth.max() > MAX_DEPTH:
            raise FileFault("nesting", f"at most {MAX_DEPTH} levels", f"{int(depth.max())}")
        begins.append(low + brackets[opens & (depth == 1)])
        ends.append(low + brackets[~opens & (depth == 0)] + 1)
        if closed_at is not None:
            break
    end = np.concatenate(ends)
    return Spans(begin=np.concatenate(begins)[: len(end)], end=end, closed_at=closed_at)


class Source:
    """A file that is read forward; holds the piece that is not yet consumed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self.buffer = b""
        self.at_end = False
        self.read_bytes = 0

    def more(self) -> bool:
        """Read another piece.

        Returns:
            Whether there was one.

        Raises:
            FileFault: it is not UTF-8, or one object is larger than `MAX_OBJECT_BYTES`.
        """
        if len(self.buffer) > MAX_OBJECT_BYTES:
            raise FileFault("size", f"objects of at most {MAX_OBJECT_BYTES >> 20} MiB", "a larger one")
        # Objects larger than a piece are looked at again with each: growing pieces keep that linear.
        piece = self._file.read(max(CHUNK_BYTES, len(self.buffer)))
        try:
            self._utf8.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            place = self.read_bytes + error.start
            raise FileFault("encoding", "UTF-8", f"another byte at {place:,}") from error
        if self.read_bytes == 0:
            piece = piece.removeprefix(codecs.BOM_UTF8)
        self.at_end = not piece
        self.read_bytes += len(piece)
        self.buffer += piece
        return not self.at_end

    def skip(self, blank: bytes = _BLANK) -> bytes:
        """Pass over blanks.

        Args:
            blank: which bytes are.

        Returns:
            The next byte, empty at the end of the file.
        """
        while True:
            self.buffer = self.buffer.lstrip(blank)
            if self.buffer or not self.more():
                return self.buffer[:1]

    def expect(self, wanted: bytes, where: str) -> bytes:
        """Take the next byte that is not blank.

        Args:
            wanted: the bytes that may stand there.
            where: what was being read, for the fault.

        Returns:
            The byte.

        Raises:
            FileFault: it is another, or the file ends.
        """
        found = self.skip()
        if not found or found not in wanted:
            expected = " or ".join(f'"{chr(byte)}"' for byte in wanted)
            raise FileFault(
                where, expected, shown(found.decode("latin-1")) if found else "the end of the file"
            )
        self.buffer = self.buffer[1:]
        return found

    def take_value(self, where: str) -> bytes:
        """Take one whole value.

        Args:
            where: what was being read, for the fault.

        Returns:
            Its text.

        Raises:
            FileFault: the file ends inside it, or it begins like no value.
        """
        first = self.skip()
        while True:
            if first in b"{[" and first:
                end = spans_in(self.buffer).end
                stop = int(end[0]) if len(end) else 0
            else:
                match = _SCALAR.match(self.buffer)
                stop = match.end() if match else 0
            if stop:
                value, self.buffer = self.buffer[:stop], self.buffer[stop:]
                return value
            if not self.more():
                raise FileFault(where, "a JSON value", shown(self.buffer[:40].decode("utf-8", "replace")))

    def take_key(self) -> bytes:
        """Take a member's name and the colon behind it.

        Returns:
            The name with its quotes.

        Raises:
            FileFault: there is none.
        """
        while True:
            match = _KEY.match(self.buffer)
            # A match that ends with the buffer could have more blanks to come; that is harmless.
            if match:
                self.buffer = self.buffer[match.end() :]
                return match.group(1)
            if not self.more():
                found = shown(self.buffer[:40].decode("utf-8", "replace"))
                raise FileFault("JSON", "a member's name in quotes and a colon", found)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of consecutive objects.

    Attributes:
        text: a JSON array of them all.
        parts: the text of each.
    """

    text: bytes
    parts: list[bytes]


def elements(source: Source) -> Iterator[Batch]:
    """Stream the elements of an array whose opening bracket has been taken, up to its end.

    Args:
        source: where the array stands.

    Yields:
        Its objects, some megabytes at a time.

    Raises:
        FileFault: the array does not end, or holds something else than objects.
    """
    is_first = True
    while True:
        if source.skip() == b"]":
            source.buffer = source.buffer[1:]
            return
        if not is_first:
            source.expect(b",", "features")
        if source.skip() != b"{":
            raise FileFault("features", "an object", shown(source.buffer[:40].decode("utf-8", "replace")))
        found = spans_in(source.buffer)
        while not len(found.end):
            if not source.more():
                raise FileFault("features", "an object that ends", "the end of the file")
            found = spans_in(source.buffer)
        yield _batch(source.buffer, found, b",")
        source.buffer = source.buffer[int(found.end[-1]) :]
        is_first = False


def sequence(source: Source) -> Iterator[Batch]:
    """Stream objects that stand one after the other: newline-delimited, or after RS (RFC 8142).

    Args:
        source: where they stand.

    Yields:
        The objects, some megabytes at a time.

    Raises:
        FileFault: something else stands between them.
    """
    while source.skip(_BETWEEN):
        if source.buffer[:1] != b"{":
            raise FileFault("JSON", "an object", shown(source.buffer[:40].decode("utf-8", "replace")))
        found = spans_in(source.buffer)
        if not len(found.end):
            if not source.more():
                raise FileFault("JSON", "an object that ends", "the end of the file")
            continue
        yield _batch(source.buffer, found, b"")
        source.buffer = source.buffer[int(found.end[-1]) :]


def _batch(buffer: bytes, found: Spans, between: bytes) -> Batch:
    begins, ends = found.begin.tolist(), found.end.tolist()
    parts = [buffer[begin:end] for begin, end in zip(begins, ends, strict=True)]
    gaps = {buffer[end:begin].strip(_BETWEEN) for end, begin in zip(ends, begins[1:], strict=False)}
    for gap in gaps - {between}:
        raise FileFault(
            "JSON", f'"{between.decode()}" between objects', shown(gap.decode("utf-8", "replace"))
        )
    return Batch(text=b"[" + b",".join(parts) + b"]", parts=parts)
