"""One console in a browser that paints by processor: its loading, its answers to a hand, its playing."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SCREEN = {"width": 1440, "height": 900}
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--enable-unsafe-swiftshader")
"""As its users have it, but for leave to draw without a graphics card, which newer ones ask for."""
HAS_ROWS = "() => document.querySelector('.rows')?.childElementCount > 0 && performance.now()"
FRAMES = """seconds => new Promise(done => {
  let count = 0, worst = 0, last = performance.now();
  const began = last;
  const frame = now => {
    count += 1; worst = Math.max(worst, now - last); last = now;
    if (now - began < seconds * 1000) requestAnimationFrame(frame);
    else done([count / (now - began) * 1000, worst]);
  };
  requestAnimationFrame(frame);
})"""
SPEED, PLAY, BAR = ".time-controls select >> nth=0", ".time-controls .play", ".density"


@dataclass(frozen=True)
class Loading:
    """One load with nothing kept from before; times in ms from the navigation."""

    first_paint_ms: float
    plans_ms: float
    received_bytes: int
    script_bytes: int


@dataclass(frozen=True)
class Latency:
    """From an input to the frame that shows it on the screen, in ms."""

    name: str
    times_ms: tuple[float, ...]

    def at(self, share: float) -> float:
        """The time that a share of the inputs took at most."""
        return self.times_ms[min(len(self.times_ms) - 1, int(len(self.times_ms) * share))]


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium; Playwright's own is never fetched."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield running
        running.close()


def sign_in(running: Browser, link: str) -> Any:  # noqa: ANN401 - Playwright's own shape
    """Use a link up, and give what a browser keeps of it."""
    context = running.new_context()
    page = context.new_page()
    page.goto(link)
    page.wait_for_selector(BAR)
    state = context.storage_state()
    context.close()
    return state


def open_console(
    running: Browser,
    url: str,
    state: Any,  # noqa: ANN401 - Playwright's own shape
) -> tuple[BrowserContext, Page, Loading]:
    """Open the console with a session and an empty cache, and wait for its plans."""
    context = running.new_context(viewport=SCREEN, storage_state=state)
    page = context.new_page()
    network = context.new_cdp_session(page)
    scripts: set[str] = set()
    sizes: dict[str, int] = {}
    network.on(
        "Network.responseReceived",
        lambda event: scripts.add(event["requestId"]) if event["type"] == "Script" else None,
    )
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.__setitem__(event["requestId"], int(event["encodedDataLength"])),
    )
    network.send("Network.enable")
    page.goto(f"{url}/console", wait_until="commit")
    plans_ms = float(page.wait_for_function(HAS_ROWS, timeout=60_000).json_value())
    page.wait_for_timeout(3_000)
    painted = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    loading = Loading(
        float(painted), plans_ms, sum(sizes.values()), sum(sizes.get(one, 0) for one in scripts)
    )
    return context, page, loading


def latency(running: Browser, page: Page, name: str, act: Callable[[], None]) -> Latency:
    """Do something by hand and read from Chromium's trace when each input was on the screen."""
    running.start_tracing(page=page, categories=["input", "benchmark", "latencyInfo"])
    act()
    page.wait_for_timeout(700)
    return Latency(name, tuple(sorted(_presented(json.loads(running.stop_tracing())["traceEvents"]))))


def _presented(events: list[dict[str, Any]]) -> Iterator[float]:
    begun: dict[tuple[int, str], float] = {}
    for event in events:
        if event.get("name") != "EventLatency":
            continue
        key = (event["pid"], str(event.get("id2", event.get("id"))))
        if event["ph"] == "b":
            kind = event.get("args", {}).get("event_latency", {}).get("event_type")
            if kind in {"MOUSE_DRAGGED", "MOUSE_WHEEL"}:
                begun[key] = event["ts"]
        elif event["ph"] == "e" and key in begun:
            yield (event["ts"] - begun.pop(key)) / 1000


def drag(page: Page, start: tuple[float, float], step: tuple[float, float], *, tilts: bool = False) -> None:
    """Drag in 40 steps, one every 30 ms."""
    page.mouse.move(*start)
    page.mouse.down(button="right" if tilts else "left")
    for number in range(40):
        page.mouse.move(start[0] + step[0] * number, start[1] + step[1] * number)
        page.wait_for_timeout(30)
    page.mouse.up(button="right" if tilts else "left")


def turn_wheel(page: Page, at: tuple[float, float]) -> None:
    """Zoom in and out again."""
    page.mouse.move(*at)
    for number in range(40):
        page.mouse.wheel(0, -60 if number < 20 else 60)
        page.wait_for_timeout(40)


def interactions(running: Browser, page: Page) -> list[Latency]:
    """Pan, tilt, pan tilted, zoom, and drag the time bar."""
    box = page.locator(BAR).bounding_box()
    if box is None:
        raise SystemExit("the console shows no time bar")
    middle = (800.0, 400.0)
    bar = (box["x"] + box["width"] * 0.3, box["y"] + 20)
    acts: list[tuple[str, Callable[[], None]]] = [
        ("pan", lambda: drag(page, middle, (6, 3))),
        ("tilt", lambda: drag(page, middle, (1, -4), tilts=True)),
        ("pan, tilted", lambda: drag(page, middle, (-6, -3))),
        ("zoom", lambda: turn_wheel(page, middle)),
        ("time bar", lambda: drag(page, bar, (8, 0))),
    ]
    found = [latency(running, page, name, act) for name, act in acts]
    page.keyboard.press("a")
    page.wait_for_timeout(1_500)
    return found


def play(page: Page, speed: int, seconds: float) -> tuple[float, float]:
    """Play from a fifth of the bar on.

    Returns:
        Frames a second, and the longest of them in ms.
    """
    start_playing(page, speed)
    rate, worst_ms = page.evaluate(FRAMES, seconds)
    page.click(PLAY)
    return float(rate), float(worst_ms)


def start_playing(page: Page, speed: int) -> None:
    """Begin at a fifth of the bar."""
    box = page.locator(BAR).bounding_box()
    if box is None:
        raise SystemExit("the console shows no time bar")
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + 20)
    page.select_option(SPEED, str(speed))
    page.click(PLAY)


def heap_while_playing(context: BrowserContext, page: Page, minutes: float) -> list[tuple[float, float]]:
    """Play at 600x, over and over.

    Returns:
        Minutes since the start and MB of heap after garbage was collected, some ten times.
    """
    session = context.new_cdp_session(page)
    began_s = time.monotonic()
    found = []
    for _ in range(11):
        session.send("HeapProfiler.collectGarbage")
        used = session.send("Runtime.getHeapUsage")["usedSize"]
        found.append(((time.monotonic() - began_s) / 60, used / 1e6))
        if page.locator(PLAY).text_content() == "▶":
            start_playing(page, 600)
        page.wait_for_timeout(minutes * 6_000)
    return found
