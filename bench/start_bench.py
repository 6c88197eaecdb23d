"""How long `detente init` and `detente serve` take to the first answer, and the memory of an idle server.

    python -m bench.start_bench [--starts 5]

A folder of its own; memory is that of the server's processes without PostgreSQL's, read from /proc (Linux).
"""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

IDLE_S = 3.0


def detente(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "detente", *arguments]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def await_ready(url: str) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/ready", trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.01)


def memory_mib(session: int) -> tuple[float, float]:
    """Resident and proportional memory of a session's processes that are not PostgreSQL's, MiB."""
    resident, proportional = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session or b"postgres" in (folder / "cmdline").read_bytes():
                continue
            lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
            sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
            resident += sizes["Rss"]
            proportional += sizes["Pss"]
    return resident / 1024, proportional / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="detente-bench-"))
    folder.chmod(0o755)
    data, url = str(folder / "data"), f"http://127.0.0.1:{free_port()}"
    try:
        began = time.perf_counter()
        command = detente("init", "--data", data, "--secret-file", str(folder / "secret.json"))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        print(f"init                 {time.perf_counter() - began:6.2f} s", flush=True)
        for number in range(options.starts):
            began = time.perf_counter()
            command = detente("serve", "--data", data, "--listen", url.removeprefix("http://"))
            server = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                await_ready(url)
                print(f"serve to first answer {time.perf_counter() - began:5.2f} s", flush=True)
                if number == options.starts - 1:
                    time.sleep(IDLE_S)
                    resident, proportional = memory_mib(os.getsid(server.pid))
                    print(f"idle memory           {resident:5.0f} MiB, shared once {proportional:.0f} MiB")
            finally:
                server.terminate()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
