"""What a killed launcher or server left behind: processes that still run in the cluster, a stale pid file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from detente.errors import StoreUnavailable

_POLL_S = 0.01


def clear_leftovers(
    cluster: Path, *, socket_folder: Path | None = None, patience_s: float = 30.0
) -> list[int]:
    """Stop every server process that still works in a cluster which no launcher holds.

    The caller holds the folder's lock, so nobody alive is responsible for these processes. The postmaster is
    asked to end cleanly; whoever is left when half the patience is over is killed. Stale lock files
    go last: their number may meanwhile be another process's, or that of a zombie which nobody reaps, and the
    server would then refuse to start.

    Args:
        cluster: the server's folder.
        socket_folder: where its sockets are.
        patience_s: how long to wait at most.

    Returns:
        The process ids that were found.

    Raises:
        StoreUnavailable: if some process cannot be ended in that time.
    """
    found = processes_in(cluster)
    postmaster = recorded_postmaster(cluster)
    started = time.monotonic()
    if postmaster in found:
        _signal(postmaster, signal.SIGINT)
    killed = False
    while left := processes_in(cluster):
        waited_s = time.monotonic() - started
        if waited_s > patience_s:
            raise StoreUnavailable(f"processes {left} of an earlier server in {cluster} cannot be ended")
        if waited_s > patience_s / 2 and not killed:
            killed = True
            for process in left:
                _signal(process, signal.SIGKILL)
        time.sleep(_POLL_S)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for stale in socket_folder.glob(".s.PGSQL.*") if socket_folder else ():
        stale.unlink(missing_ok=True)
    return found


def recorded_postmaster(cluster: Path) -> int:
    """Read the postmaster's process id from its pid file; 0 when there is none."""
    try:
        return int((cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")[0])
    except (OSError, ValueError):
        return 0


def processes_in(cluster: Path) -> list[int]:
    """List the live server processes whose working folder is the cluster, as every server process's is.

    A shell that somebody left in that folder is no server process and stays alone.

    Where there is no ``/proc``, only the recorded postmaster is looked at, by its program's name.
    """
    if not Path("/proc/self").exists():
        return _recorded_and_alive(cluster)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # A zombie has no working folder, so a dead and unreaped server does not count as alive.
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == cluster and _program_name(entry) == "postgres":
                    found.append(int(entry.name))
    return found


def _program_name(process: Path) -> str:
    """Read which program a process runs; its title may say something else."""
    return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()


def _recorded_and_alive(cluster: Path) -> list[int]:
    """Check the recorded postmaster by asking ``ps`` for its program."""
    process = recorded_postmaster(cluster)
    if process <= 0 or sys.platform == "win32":
        return []
    command = ["ps", "-o", "comm=", "-p", str(process)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- constant but for a number
    return [process] if "postgres" in asked.stdout else []


def _signal(process: int, number: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)
