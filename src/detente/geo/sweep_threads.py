"""Work on pieces in a few threads, answers in the order of the pieces; NumPy and GEOS let go of the lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Piece = TypeVar("_Piece")
_Answer = TypeVar("_Answer")
_MOST = 8


def in_threads(work: Callable[[_Piece], _Answer], pieces: Iterable[_Piece]) -> Iterator[_Answer]:
    """Apply a function to pieces, a few at a time; only so many pieces are taken as are being worked on.

    Args:
        work: safe to be called from several threads.
        pieces: made in the caller's thread.

    Yields:
        The answers, in the order of the pieces.
    """
    threads = min(_MOST, os.cpu_count() or 1)
    running: deque[Future[_Answer]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for piece in pieces:
            running.append(pool.submit(work, piece))
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
