"""Starts the exchange as its own process, as any user would, waits until it answers, and ends it."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from detente.demo.home import DemoHome
from detente.errors import Unavailable

HOST = "127.0.0.1"
USUAL_PORT = 8480
START_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0
_POLL_S = 0.05
_LOG_LINES = 15


class Server:
    """A running exchange; leaving the ``with`` block ends it cleanly, unless it was left to run.

    Args:
        process: the started process.
        url: where it answers.
        home: its folder.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, home: DemoHome) -> None:
        self.process = process
        self.url = url
        self._home = home
        self._is_left = False

    def leave(self) -> None:
        """Let the server outlive this process."""
        self._is_left = True

    def wait(self) -> int:
        """Wait until the server ends by itself.

        Returns:
            Its exit code.
        """
        return self.process.wait()

    def stop(self) -> None:
        """Ask the server to end and wait for it; its database ends with it. May be repeated.

        Raises:
            Unavailable: if it does not end in time; it is killed then, and loses nothing acknowledged.
        """
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Unavailable(f"the server did not stop within {STOP_LIMIT_S:.0f} s and was killed") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_left:
            self.stop()


def detente_command(*arguments: str | Path) -> list[str]:
    """Compose a command of this very installation, whatever PATH says."""
    return [sys.executable, "-m", "detente", *map(str, arguments)]


def start_server(home: DemoHome, port: int | None) -> Server:
    """Start the exchange on the home's data folder and wait until it is ready.

    Args:
        home: made fresh and initialised.
        port: where to listen; None: USUAL_PORT, or any free one if that is taken.

    Returns:
        The server, ready.

    Raises:
        Unavailable: if it ends or is not ready in time; tells the end of its log.
    """
    address = f"{HOST}:{_free_port(port)}"
    # A session of its own: Ctrl-C reaches the demo only, which then ends the server in order.
    with home.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
            detente_command("serve", "--data", home.exchange, "--listen", address),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    server = Server(process, f"http://{address}", home)
    try:
        _await_ready(server, home)
    except BaseException:
        server.stop()
        raise
    return server


def _await_ready(server: Server, home: DemoHome) -> None:
    limit_s = time.monotonic() + START_LIMIT_S
    # The loopback is never behind a proxy, whatever the environment says.
    with httpx.Client(trust_env=False, timeout=5.0) as client:
        while time.monotonic() < limit_s:
            if server.process.poll() is not None:
                raise Unavailable(f"the server did not start; its log says:\n{log_tail(home)}")
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{server.url}/ready").status_code == httpx.codes.OK:
                    return
            time.sleep(_POLL_S)
    raise Unavailable(f"the server is not ready after {START_LIMIT_S:.0f} s; its log says:\n{log_tail(home)}")


def log_tail(home: DemoHome) -> str:
    """Give the last lines of the server's log."""
    try:
        lines = home.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(nothing)"
    return "\n".join(lines[-_LOG_LINES:])


def _free_port(wanted: int | None) -> int:
    if wanted is not None:
        return wanted
    for port in (USUAL_PORT, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the server does: a port in TIME_WAIT from the demo before is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return int(probe.getsockname()[1])
    raise Unavailable("no port is free on this machine")
