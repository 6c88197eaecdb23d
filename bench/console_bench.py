"""The console in a browser: first paint, answers to a hand, playing, memory; and five hundred at once.

    python -m bench.console_bench [--minutes 1] [--sessions 500] [--only day|area]

Chromium paints by processor (SwiftShader), so that the figures are those of a machine without a graphics
card. Browser, server and database share this machine. "day" is the recorded Swiss day of the demo, "area"
5,000 plans declared into 40 by 40 km and twelve hours, of which some are refused. A latency is from an input
to the presentation of the frame that shows it, as Chromium's own trace has it.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from rich.console import Console

from bench.console_crowd import load_pages
from bench.load import HEADER, declares, run, volume
from detente.demo.day import OBSERVER, PLANNERS, open_server, run_day
from detente.demo.home import DemoHome
from detente.demo.people import Seat
from detente.demo.sign_in import make_links

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLANS = 5_000
Prepare = Callable[[DemoHome, ExitStack], tuple[str, str]]
"""Fills an exchange that runs until the stack closes; its URL and a link."""


def crowded_volume(rng: random.Random, day: datetime) -> dict[str, object]:
    """Ten to forty minutes of a circle of 100 to 500 m, somewhere in 40 by 40 km and twelve hours."""
    start = day + timedelta(hours=6, seconds=rng.uniform(0, 12 * 3_600))
    lower = rng.uniform(300, 3_000)
    lat, lon = 46.5 + rng.uniform(-0.18, 0.18), 7.0 + rng.uniform(-0.26, 0.26)
    end = start + timedelta(minutes=rng.uniform(10, 40))
    return volume(lat, lon, rng.uniform(100, 500), lower, lower + 60, start, end)


def swiss_day(home: DemoHome, stack: ExitStack) -> tuple[str, str]:
    """The demo's day."""
    server, day = run_day(home, None, Console(stderr=True, quiet=True), stack)
    return server.url, day.links[0].link


def one_area(home: DemoHome, stack: ExitStack) -> tuple[str, str]:
    """Five thousand declarations by two parties."""
    quiet = Console(stderr=True, quiet=True)
    server, seats, links = open_server(home, None, (*PLANNERS, OBSERVER), quiet, stack)
    tokens = [take_token(server.url, seats[one.party_id]) for one in PLANNERS]
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    requests = declares(crowded_volume, 7, day, "?ways_out=false")
    loaded = asyncio.run(run("declare", server.url, tokens, requests, 8, PLANS, 0))
    print(HEADER, loaded.row(), sep="\n", flush=True)
    return server.url, links[0].link


def take_token(url: str, seat: Seat) -> str:
    """A token by client credentials."""
    form = {"grant_type": "client_credentials", "client_id": seat.account_id, "client_secret": seat.secret}
    answer = httpx.post(f"{url}/v1/token", data=form)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


@contextmanager
def scratch_home() -> Iterator[DemoHome]:
    """A demo's folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="detente-console-", ignore_cleanup_errors=True) as folder:
        # Root's database is run by another account, which must pass through here.
        Path(folder).chmod(0o711)
        home = DemoHome(Path(folder) / "demo")
        held = home.take()
        try:
            yield home
        finally:
            held.release()


def measure(name: str, running: "Browser", url: str, link: str, minutes: float) -> None:
    """Print the rows of one set of plans."""
    from bench import browser_probe as probe  # noqa: PLC0415 - a run without browser says what is missing

    state = probe.sign_in(running, link)
    context, page, loading = probe.open_console(running, url, state)
    print(
        f"{name}: first paint {loading.first_paint_ms:.0f} ms, plans {loading.plans_ms:.0f} ms, "
        f"received {loading.received_bytes:,} bytes, scripts {loading.script_bytes:,}"
    )
    print(f"{name}: {'input to screen':<16} {'inputs':>6} {'p50 ms':>7} {'p95 ms':>7} {'worst ms':>8}")
    for one in probe.interactions(running, page):
        times = " ".join(f"{one.at(share):>7.0f}" for share in (0.5, 0.95, 1.0)) if one.times_ms else "none"
        print(f"{name}: {one.name:<16} {len(one.times_ms):>6} {times}")
    for speed in (60, 600):
        rate, worst_ms = probe.play(page, speed, 8.0)
        print(f"{name}: playing at {speed}x: {rate:.1f} frames/s, longest {worst_ms:.0f} ms")
    heap = probe.heap_while_playing(context, page, minutes)
    print(f"{name}: heap in MB while playing: " + ", ".join(f"{at:.1f} min {mb:.1f}" for at, mb in heap))
    context.close()


def crowd(home: DemoHome, sessions: int) -> None:
    """Print how five hundred pages load at once."""
    with ExitStack() as stack:
        server, seats, _ = open_server(
            home, None, (*PLANNERS, OBSERVER), Console(stderr=True, quiet=True), stack
        )
        places: Sequence[Seat] = list(seats.values())
        links = make_links(home, server.url, [places[k % len(places)] for k in range(sessions)])
        found = asyncio.run(load_pages(server.url, [one.link for one in links]))
    times = found.complete_s
    print(
        f"{sessions} pages at once: {len(times)} complete, {len(found.failures)} failed; "
        f"p50 {times[len(times) // 2]:.1f} s, worst {times[-1]:.1f} s, {found.received_bytes:,} bytes"
    )
    if found.failures:
        print(f"first failure: {found.failures[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="of playing while the heap is watched")
    parser.add_argument("--sessions", type=int, default=500, help="pages at once; 0: leave that out")
    parser.add_argument("--only", choices=("day", "area"))
    options = parser.parse_args()
    try:
        from bench import browser_probe as probe  # noqa: PLC0415 - as above
    except ImportError:
        sys.exit("playwright is missing: pip install 'detente[dev]'")
    if not Path(probe.CHROMIUM).exists():
        sys.exit(f"{probe.CHROMIUM} is missing: apt-get install chromium")
    sets: dict[str, Prepare] = {"day": swiss_day, "area": one_area}
    for name, prepare in sets.items():
        if options.only not in (None, name):
            continue
        with scratch_home() as home, ExitStack() as stack:
            url, link = prepare(home, stack)
            with probe.browser() as running:
                measure(name, running, url, link, options.minutes)
    if options.sessions:
        with scratch_home() as home:
            crowd(home, options.sessions)


if __name__ == "__main__":
    main()
