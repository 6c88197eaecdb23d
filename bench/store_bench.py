"""How long the embedded database takes to start, to come back after a kill, and to commit one row.

    python bench/store_bench.py [--runs N] [--folder DIR]

Prints a table: best and median of the runs, and the CPU time of all ended children where it is known.
The folder decides which disk is measured; by default the one for temporary files.
"""

import argparse
import asyncio
import os
import resource
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
from rich.console import Console
from rich.table import Table

from detente.store import EmbeddedPostgres
from detente.store.leftovers import processes_in

_Result = TypeVar("_Result")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    parent = Path(tempfile.mkdtemp(prefix="detente-bench-", dir=arguments.folder))
    parent.chmod(0o755)
    table = Table("what", "best", "median", "CPU of children", title="Embedded PostgreSQL")
    try:
        for name, wall_ms, cpu_ms in measure_starts(parent, arguments.runs):
            best, median = f"{min(wall_ms):.0f} ms", f"{statistics.median(wall_ms):.0f} ms"
            table.add_row(name, best, median, f"{min(cpu_ms):.0f} ms" if max(cpu_ms) > 0 else "-")
        for clients in (1, 8):
            rates = measure_commits(parent / "0", clients, arguments.runs)
            table.add_row(
                f"one-row commits, {clients} clients",
                f"{max(rates):,.0f}/s",
                f"{statistics.median(rates):,.0f}/s",
                "-",
            )
    finally:
        shutil.rmtree(parent, ignore_errors=True)
    Console().print(table)


def measure_starts(parent: Path, runs: int) -> list[tuple[str, list[float], list[float]]]:
    """Time each kind of start; gives wall and child CPU times in ms."""
    kinds: list[tuple[str, list[float], list[float]]] = [
        ("first start, initdb included", [], []),
        ("stop", [], []),
        ("later start", [], []),
        ("start after kill -9 of all", [], []),
    ]
    for run in range(runs):
        folder = parent / str(run)
        server = timed(kinds[0], lambda folder=folder: EmbeddedPostgres.start(folder))
        timed(kinds[1], server.stop)
        server = timed(kinds[2], lambda folder=folder: EmbeddedPostgres.start(folder))
        asyncio.run(write_rows(server.dsn, 1, 0.3))
        # The keeper would bring it back by itself: what is timed is a start by a new launcher.
        server._stopping.set()  # noqa: SLF001 -- stands for the death of the launcher
        for process in processes_in(folder / "cluster"):
            os.kill(process, signal.SIGKILL)
        server.stop()
        server = timed(kinds[3], lambda folder=folder: EmbeddedPostgres.start(folder))
        server.stop()
    return kinds


def timed(kind: tuple[str, list[float], list[float]], act: Callable[[], _Result]) -> _Result:
    """Run one act and note its wall time and the CPU time of the children that ended in it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    result = act()
    kind[1].append((time.perf_counter() - started) * 1000)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    kind[2].append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    return result


def measure_commits(folder: Path, clients: int, runs: int) -> list[float]:
    """Count acknowledged one-row transactions a second."""
    with EmbeddedPostgres.start(folder) as server:
        return [asyncio.run(write_rows(server.dsn, clients, 1.0)) for _ in range(runs)]


async def write_rows(dsn: str, clients: int, seconds: float) -> float:
    """Insert single rows from several connections; gives commits a second."""
    connections = [await asyncpg.connect(dsn) for _ in range(clients)]
    await connections[0].execute("CREATE TABLE IF NOT EXISTS bench_row (a bigint, b text)")
    started = time.perf_counter()
    until = started + seconds

    async def write(connection: asyncpg.Connection) -> int:
        count = 0
        while time.perf_counter() < until:
            await connection.execute("INSERT INTO bench_row VALUES ($1, $2)", count, "sixteen letters.")
            count += 1
        return count

    done = sum(await asyncio.gather(*map(write, connections)))
    elapsed_s = time.perf_counter() - started
    for connection in connections:
        await connection.close()
    return done / elapsed_s


if __name__ == "__main__":
    main()
