"""Runs the application on granian: several workers, several addresses, a stop that finishes what it began.

Any ASGI server can run the application instead; docs/decisions/0003-http-edge.md says what is added here.
"""

import importlib.util
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from msgspec import Struct

from detente.errors import BadInput, DetenteError
from detente.web.log import LogStyle, configure_logging
from detente.web.metrics import MULTIPROCESS_DIR
from detente.web.shared import noted_failure, shared_folder
from detente.web.worker import FACTORY, LOG_LEVEL, LOG_STYLE, STOP_S, SUPERVISOR, stop_with

_WORKER_TARGET: Final = "detente.web.worker:create"
_POLL_S: Final = 0.2
_LOOK_S: Final = 0.05
_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a server listens everywhere
_SLACK_S: Final = 5
"""What a worker whose supervisor is gone gets beyond the patience of an ordinary stop."""
_MAX_PORT: Final = 65_535
# Granian writes text to standard output, which belongs to the command that started the server.
_TO_OUR_LOG: Final = {"()": "detente.web.log.Bridge"}


def stop_signals() -> list[signal.Signals]:
    """What stops a server in order: a service manager, Ctrl-C, a closed terminal unless below ``nohup``."""
    stops = [signal.SIGTERM, signal.SIGINT]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        stops.append(signal.SIGHUP)
    return stops


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
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP, then finish the requests in flight.

    A SIGHUP that is ignored when the server starts (``nohup``) stays ignored.

    Args:
        factory: ``module:function`` that makes the ASGI application; called once in each worker process.
        listen: addresses and ports; each gets its own workers.
        settings: how the server runs.
        environment: variables for the workers, beside those of this process.
        on_ready: called once, in a thread of its own, as soon as every address answers.

    Returns:
        The exit code: 0 after a stop that was asked for, 1 when workers keep failing.

    Raises:
        BadInput: if an address cannot be used or the factory cannot be found.
        DetenteError: if the application cannot be built or does not start; says why.
    """
    settings = settings or ServerSettings()
    _check(factory, listen, settings)
    configure_logging(settings.log_style, settings.log_level)
    # A forked worker would inherit this process' threads, locks and imported counters; a fresh one does not.
    multiprocessing.set_start_method("spawn", force=True)
    has_ended = threading.Event()
    with shared_folder() as shared:
        os.environ.update(
            {
                **(environment or {}),
                FACTORY: factory,
                LOG_STYLE: settings.log_style,
                LOG_LEVEL: settings.log_level,
                MULTIPROCESS_DIR: os.fspath(shared),
                STOP_S: str(settings.stop_s + _SLACK_S),
            }
        )
        if on_ready is not None:
            threading.Thread(target=_announce, args=(listen, on_ready, has_ended), daemon=True).start()
        try:
            code = _serve_one(listen[0], settings) if len(listen) == 1 else _serve_many(listen, settings)
        finally:
            has_ended.set()
        if (why := noted_failure(shared)) is not None:
            raise DetenteError(f"the server has ended, for it cannot start: {why}")
        return code


def _announce(
    listen: Sequence[tuple[str, int]], on_ready: Callable[[], None], has_ended: threading.Event
) -> None:
    """Wait until every address takes connections: a worker listens only when its application has started."""
    for host, port in listen:
        while not _answers(_LOCAL.get(host, host), port):
            if has_ended.wait(_LOOK_S):
                return
    on_ready()


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_POLL_S).close()
    except OSError:
        return False
    return True


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
        log_dictconfig={"handlers": {"console": _TO_OUR_LOG, "access": _TO_OUR_LOG}},
    )
    if sys.platform != "win32":
        # Granian would replace its workers at a SIGHUP. It sets its handlers first and calls this hook then.
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            server.on_startup(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        server.signal_handler_reload = server.signal_handler_interrupt  # type: ignore[method-assign]  # its only way
    try:
        server.serve()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _serve_child(address: tuple[str, int], settings: ServerSettings, parent: int) -> None:
    configure_logging(settings.log_style, settings.log_level)
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

    former = {number: signal.signal(number, stop) for number in stop_signals()}
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
