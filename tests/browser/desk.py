"""One person at one browser window, and everything that window asked for, refused or failed at."""

import asyncio
import math
from urllib.parse import urlsplit

from playwright.async_api import expect

from tests.browser.texts import Words

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
TILE_PX = 512
"""MapLibre's world is this wide at zoom 0."""
CANARY = "__detente_canary"
WATCH = f"""
window.{CANARY} = [];
window.__policy = [];
addEventListener("securitypolicyviolation", (event) => window.__policy.push(
  `${{event.violatedDirective}} ${{event.blockedURI}} ${{event.sourceFile}}:${{event.lineNumber}}`));
"""
EXPECTED_ERRORS = ("Failed to load resource", "net::ERR_")
"""What Chromium writes for an answer that is no 2xx and for a cut line: those are part of the tests."""


class Desk:
    """A page, its words, and what can be reached on it by role and name.

    Args:
        page: of a browser context of its own.
        url: the exchange's.
        language: of the page.
    """

    def __init__(self, page, url, language):
        self.page = page
        self.url = url
        self.words = Words(language)
        self.say = self.words.say
        self.requests = []
        self.faults = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: asyncio.ensure_future(self._dialog(dialog)))
        page.on("console", self._heard)

    async def _dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _heard(self, message):
        if message.type in {"error", "warning"} and not any(one in message.text for one in EXPECTED_ERRORS):
            self.faults.append(f"{message.type}: {message.text}")

    async def check_itself(self):
        """Holds what is always true: one host only, no broken policy, no script of others, no error."""
        hosts = {
            urlsplit(url).netloc for url in self.requests if urlsplit(url).scheme not in {"data", "blob"}
        }
        assert hosts <= {urlsplit(self.url).netloc}, f"asked another host: {hosts}"
        if not self.page.is_closed() and self.page.url.startswith("http"):
            assert await self.page.evaluate(f"window.{CANARY}") == [], "a foreign script ran"
            assert await self.page.evaluate("window.__policy") == [], "the page broke its own policy"
        noise = [one for one in self.faults if "GPU stall" not in one and "WebGL" not in one]
        assert noise == []

    async def open(self, view=""):
        """Opens the page at its list of plans, with what its address says after the ``#``; waits for them."""
        await self.page.goto("about:blank")
        view = view if "list=" in view else f"{view}&list=plans".lstrip("&")
        await self.page.goto(f"{self.url}/console#{view}")
        await self.is_live()

    async def is_live(self):
        """Waits until the line is up and the plans have been read."""
        await expect(self.line()).to_contain_text(self.say("line.live"))
        first = self.page.get_by_label(self.say("list.attention"))
        await expect(first).to_have_count(1)
        await expect(first.get_by_text(self.say("loading"), exact=True)).to_have_count(0)
        await expect(self.page.get_by_text(self.words.like("list.loading", is_all=True))).to_have_count(0)

    # The parts of the page, by role and name.

    def button(self, key, within=None, **members):
        """A button by its text or label."""
        return (within or self.page).get_by_role("button", name=self.say(key, **members), exact=True)

    def line(self):
        """The lamp of the stream, which is also the button to try again."""
        return self.page.get_by_role("banner").get_by_role("status")

    def row(self, text):
        """A plan's line in the list."""
        return (
            self.page.get_by_role("listbox", name=self.say("list.plans"))
            .get_by_role("option")
            .filter(has_text=text)
        )

    def needs(self, text):
        """A line of what needs the viewer first."""
        return (
            self.page.get_by_role("region", name=self.say("list.attention"))
            .get_by_role("button")
            .filter(has_text=text)
        )

    def detail(self):
        """The drawer with the detail."""
        return self.page.get_by_role("complementary", name=self.say("detail"))

    def heading(self, text):
        """The detail's heading."""
        return self.detail().get_by_role("heading", level=2).filter(has_text=text)

    def notice(self, text):
        """A short message."""
        return self.page.get_by_role("status").or_(self.page.get_by_role("alert")).filter(has_text=text).last

    def tab(self, key):
        """One of the screens at the left."""
        return self.page.get_by_role("tab", name=self.say(key))

    def map(self):
        """The map itself, which takes keys and clicks."""
        return self.page.get_by_label(self.say("map.label"))

    def slider(self):
        """The time bar."""
        return self.page.get_by_role("slider", name=self.say("time.slider"))

    def search(self):
        """The field to find a plan or a position."""
        return self.page.get_by_role("combobox", name=self.say("search"))

    def setting(self, key):
        """One of the choices in the menu."""
        return self.page.get_by_role("combobox", name=self.say(key), exact=True)

    async def open_menu(self):
        """Opens the menu with the viewer's choices."""
        await self.page.get_by_role("banner").get_by_label(self.say("settings")).click()

    async def click_map(self, place, center, zoom):
        """Clicks on a position; the map has to be at ``center`` and ``zoom``, north up, flat.

        Args:
            place: degrees north and east.
            center: likewise, the middle of the map.
            zoom: the map's.
        """
        box = await self.map().bounding_box()
        x0, y0 = mercator(center, zoom)
        x1, y1 = mercator(place, zoom)
        at = {"x": box["width"] / 2 + x1 - x0, "y": box["height"] / 2 + y1 - y0}
        await self.map().click(position=at)


def mercator(place, zoom):
    """Pixels east and south of the corner of the world, as MapLibre counts them."""
    lat, lon = map(math.radians, place)
    world_px = TILE_PX * 2**zoom
    north = math.log(math.tan(math.pi / 4 + lat / 2))
    return (lon + math.pi) / (2 * math.pi) * world_px, (math.pi - north) / (2 * math.pi) * world_px
