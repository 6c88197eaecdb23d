"""Runs the application on granian: several workers, several addresses, a stop that finishes what it began.

Any ASGI server can run the application instead; docs/decisions/0003-http-edge.md says what is added here.
"""

import importlib.util
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from msgspec import Struct

from detente.errors import BadInput
from detente.web.log import LogStyle
from detente.web.metrics import MULTIPROCESS_DIR
from detente.web.worker import FACTORY, LOG_LEVEL, LOG_STYLE, STOP_S, SUPERVISOR, stop_with

_WORKER_TARGET: Final = "detente.web.worker:create"
_POLL_S: Final = 0.2
_SLACK_S: Final = 5
"""What a worker whose supervisor is gone gets beyond the patience of an ordinary stop."""
_MAX_PORT: Final = 65_535
# Granian writes to standard output, which belongs to the command that started the server.
_TO_STDERR: Final = {
    "formatter": "generic",
    "class": "logging.StreamHandler",
    "stream": "ext://sys.stderr",
}


class ServerSettings(Struct, frozen=True):
    """How the server runs; docs/limits.md lists what a caller can run into."""

    workers: int = 1
    """Processes for each address."""
    header_timeout_s: float = 10.0
    """How long a request's headers may take to arrive; also how long an unused connection is kept."""
    head_bytes: int = 65_536
    """Request line and headers together."""
    connections: int = 1_024
    """Open connections for each worker; more wait in the backlog."""
    backlog: int = 1_024
    """Connections that wait to be taken up, for each address."""
    stop_s: int = 30
    """How long a stop waits for requests in flight before it cuts them off."""
    log_style: LogStyle = "json"
    log_level: str = "info"


def serve(
    factory: str,
    *,
    listen: Sequence[tuple[str, int]],
    settings: ServerSettings | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight.

    Args:
        factory: ``module:function`` that makes the ASGI application; called once in each worker process.
        listen: addresses and ports; each gets its own workers.
        settings: how the server runs.
        environment: variables for the workers, beside those of this process.

    Returns:
        The exit code: 0 after a stop that was asked for, 1 when workers keep failing.

    Raises:
        BadInput: if an address cannot be used or the factory cannot be found.
    """
    settings = settings or ServerSettings()
    _check(factory, listen, settings)
    counts = tempfile.mkdtemp(prefix="detente-metrics-")
    os.environ.update(
        {
            **(environment or {}),
            FACTORY: factory,
            LOG_STYLE: settings.log_style,
            LOG_LEVEL: settings.log_level,
            MULTIPROCESS_DIR: counts,
            STOP_S: str(settings.stop_s + _SLACK_S),
        }
    )
    # A forked worker would inherit this process' threads, locks and imported counters; a fresh one does not.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        if len(listen) == 1:
            return _serve_one(listen[0], settings)
        return _serve_many(listen, settings)
    finally:
        shutil.rmtree(counts, ignore_errors=True)


def _serve_one(address: tuple[str, int], settings: ServerSettings) -> int:
    os.environ[SUPERVISOR] = str(os.getpid())
    server = Granian(
        _WORKER_TARGET,
        address=address[0],
        port=address[1],
        interface=Interfaces.ASGI,
        workers=settings.workers,
        factory=True,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.header_timeout_s * 1_000), max_buffer_size=settings.head_bytes
        ),
        websockets=False,
        backlog=settings.backlog,
        backpressure=settings.connections,
        workers_kill_timeout=settings.stop_s,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        log_level=LogLevels.warning,
        log_dictconfig={"handlers": {"console": _TO_STDERR, "access": _TO_STDERR}},
    )
    try:
        server.serve()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _serve_child(address: tuple[str, int], settings: ServerSettings, parent: int) -> None:
    stop_with(parent, patience_s=settings.stop_s + 2 * _SLACK_S)
    raise SystemExit(_serve_one(address, settings))


def _serve_many(listen: Sequence[tuple[str, int]], settings: ServerSettings) -> int:
    """One server process an address; when one of them ends, all do."""
    context = multiprocessing.get_context("spawn")
    children: list[BaseProcess] = [
        context.Process(target=_serve_child, args=(address, settings, os.getpid())) for address in listen
    ]
    is_stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        is_stopping = True

    former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for child in children:
            child.start()
        while not is_stopping and all(child.is_alive() for child in children):
            children[0].join(_POLL_S)
        for child in children:
            child.terminate()
        for child in children:
            child.join()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    # A child that is stopped while it starts has no handler yet and ends by the signal itself.
    ended_well = {0, -signal.SIGTERM}
    return 0 if is_stopping and all(child.exitcode in ended_well for child in children) else 1


def _check(factory: str, listen: Sequence[tuple[str, int]], settings: ServerSettings) -> None:
    """Find out now what would otherwise make every worker fail later.

    The factory's module is only looked for: importing it would cost as much time and memory as a worker.
    """
    module, _, name = factory.partition(":")
    try:
        found = importlib.util.find_spec(module) if module and name else None
    except ImportError:
        found = None
    if found is None:
        raise BadInput(
            f"{factory!r} does not name a function as module:function",
            field="factory",
            expected="module:function",
            actual=factory,
        )
    if not listen:
        raise BadInput("no address to listen at", field="listen", expected="at least one address")
    if settings.workers < 1:
        raise BadInput("a server needs a worker", field="workers", expected=">= 1", actual=settings.workers)
    for host, port in listen:
        _check_address(host, port)


def _check_address(host: str, port: int) -> None:
    name = f"{host}:{port}"
    if not 0 < port <= _MAX_PORT:
        raise BadInput(f"{port} is no port", field="listen", expected=f"1..{_MAX_PORT}", actual=port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as refused:
        raise BadInput(
            f"{name} cannot be used: {refused.strerror or refused}",
            field="listen",
            expected="a free address of this machine",
            actual=name,
        ) from refused
