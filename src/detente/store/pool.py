"""Connections: the pool, readiness, and the boundary at which a database error becomes one of ours."""

import functools
import inspect
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeAlias, TypeVar, cast

import asyncpg

from detente.errors import StoreRefused, StoreUnavailable
from detente.store.url import checked_url, place_of

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
"""Database connections, as every room's store takes them."""

_Function = TypeVar("_Function", bound=Callable[..., object])

# SQLSTATE classes and codes after which the same request may succeed, and what to say of them.
_TRY_AGAIN = {
    "08": "the connection was lost",
    "53": "it has too few resources",
    "57": "it was interrupted or is stopping",
    "58": "its system failed",
}
_TRY_AGAIN_EXACT = {
    "25006": "it takes no writes here (a standby?)",
    "25P03": "the transaction was idle too long",
    "40001": "transactions collided",
    "40P01": "transactions blocked each other",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55P03": "a lock was not free in time",
    "57014": "the statement took too long",
}
_REFUSED = {"28": "it does not let this role in", "3D": "there is no such database"}


async def open_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    statement_timeout_ms: int = 10_000,
    lock_timeout_ms: int = 5_000,
    idle_in_transaction_timeout_ms: int = 30_000,
    connect_timeout_s: float = 10.0,
    application_name: str = "detente",
) -> "asyncpg.Pool[asyncpg.Record]":
    """Open a pool of connections that give up rather than hang.

    On two cores eight connections are as fast as more and wait less. The pool outlives a restart of the
    database: broken connections are replaced when next asked for.

    Args:
        dsn: a PostgreSQL URL.
        min_size: connections kept open.
        max_size: connections at most.
        statement_timeout_ms: the server ends a statement that takes longer.
        lock_timeout_ms: the server ends a wait for a lock that takes longer.
        idle_in_transaction_timeout_ms: the server ends a session that leaves a transaction open for longer.
        connect_timeout_s: how long one connection may take to open.
        application_name: how the connections are called in the server's own lists.

    Returns:
        The open pool; close it with ``await pool.close()``.

    Raises:
        BadInput: if the URL is none.
        StoreUnavailable: if the database does not answer.
        StoreRefused: if it does not let this role in, or there is no such database.
    """
    with wrap_errors(place_of(checked_url(dsn))):
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=connect_timeout_s,
            # The server's own limit comes first; this one is for a server that has fallen silent.
            command_timeout=statement_timeout_ms / 1000 + 5,
            reset=_leave_as_is,
            server_settings={
                "application_name": application_name,
                "statement_timeout": str(statement_timeout_ms),
                "lock_timeout": str(lock_timeout_ms),
                "idle_in_transaction_session_timeout": str(idle_in_transaction_timeout_ms),
                "jit": "off",
                "enable_seqscan": "off",
                "timezone": "UTC",
            },
        )


async def _leave_as_is(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Spare the round trip that clears a session's state at each release: our verbs leave none behind."""
    del connection


async def is_ready(pool: "asyncpg.Pool[asyncpg.Record]", *, timeout_s: float = 1.0) -> float | None:
    """Ask the database for a sign of life.

    Args:
        pool: the pool to ask through.
        timeout_s: how long to wait for a connection and for the answer.

    Returns:
        How long it took in ms, or None when it does not answer in time.
    """
    started = time.perf_counter()
    try:
        with wrap_errors():
            async with pool.acquire(timeout=timeout_s) as connection:
                await connection.fetchval("SELECT 1", timeout=timeout_s)
    except (StoreUnavailable, StoreRefused):
        return None
    return (time.perf_counter() - started) * 1000


class wrap_errors:  # noqa: N801 -- used as a verb: `with wrap_errors():` and `@wrap_errors()`
    """The boundary of the store: database and connection errors leave it as ours.

    Use it as a context manager (also around ``await``) or as a decorator of a function or a coroutine
    function. What the caller can only wait out becomes StoreUnavailable; a role or database that does not
    exist becomes StoreRefused; our own errors pass. An error in a query or a broken constraint is a fault of
    ours and passes too, because answering "try again" would hide it: a room that expects one catches it.

    Args:
        place: where the database is, for whoever starts a server; not for callers of a running one.
    """

    def __init__(self, place: str | None = None) -> None:
        self._place = place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        translated = translate_error(error, self._place)
        if translated is not None:
            raise translated from error

    def __call__(self, function: _Function) -> _Function:
        """Decorate a function or a coroutine function."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: object, **kwargs: object) -> object:
                with wrap_errors():
                    return await function(*args, **kwargs)

            return cast("_Function", awaited)

        @functools.wraps(function)
        def called(*args: object, **kwargs: object) -> object:
            with wrap_errors():
                return function(*args, **kwargs)

        return cast("_Function", called)


def translate_error(
    error: BaseException | None, place: str | None = None
) -> StoreUnavailable | StoreRefused | None:
    """Decide what a caller can do about an error from the driver or the operating system.

    Args:
        error: what was raised; None when nothing was.
        place: where the database is, if the sentence is to say so.

    Returns:
        The error to raise instead, or None to let it pass.
    """
    what = "the database" if place is None else f"the database at {place}"
    if isinstance(error, asyncpg.PostgresError):
        return _translate_state(error, what)
    reason = None
    if isinstance(error, asyncpg.exceptions.ClientConfigurationError):
        return StoreRefused(f"{what} cannot be used: its URL says what no connection can be: {error}")
    if isinstance(error, asyncpg.InterfaceError):
        # The driver uses one class for a lost connection and for its misuse; only the text tells them apart.
        lost = any(word in str(error) for word in ("closed", "closing", "released", "unexpected connection"))
        reason = "the connection was lost" if lost else None
    elif isinstance(error, asyncpg.InternalClientError):
        # What the driver says when a connection breaks while it is being handed back to the pool.
        reason = "the connection was lost"
    elif isinstance(error, TimeoutError):
        reason = "no reply in time"
    elif isinstance(error, socket.gaierror):
        reason = "its host name is not known here"
    elif isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        reason = "no server is listening"
    elif isinstance(error, OSError):
        reason = error.strerror or str(error)
    return None if reason is None else StoreUnavailable(f"{what} does not answer: {reason}")


def _translate_state(error: "asyncpg.PostgresError", what: str) -> StoreUnavailable | StoreRefused | None:
    """Decide by SQLSTATE."""
    state = error.sqlstate or ""
    reason = _TRY_AGAIN_EXACT.get(state) or _TRY_AGAIN.get(state[:2])
    if "No space left on device" in str(error):
        # A server that cannot write its log panics: the state then speaks of the connection only.
        reason = _TRY_AGAIN_EXACT["53100"]
    if reason is not None:
        # The server's own words name files and tables, which are no caller's business; they are in the cause.
        return StoreUnavailable(f"{what} does not answer: {reason}", sqlstate=state)
    refusal = _REFUSED.get(state[:2])
    if refusal is not None:
        return StoreRefused(f"{what} cannot be used: {refusal} ({error.args[0]})", sqlstate=state)
    return None
