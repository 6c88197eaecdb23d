"""One browser and one exchange for all tests here; each desk is a browser context, like a private window."""

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from detente.console.static_files import FOLDER
from detente.plans.model import QueryBody
from tests.browser import SWITCHES
from tests.browser.desk import WATCH, WIDE, Desk
from tests.browser.exchange import Exchange
from tests.conftest import temporary_data_dir

CHROMIUM = "DETENTE_CHROMIUM"
SETTINGS = "detente.console.settings"
"""Where the page keeps its viewer's choices in the browser."""
CHOOSE = "if (location.protocol === 'http:') localStorage['%s'] ??= '%s'"
PATIENCE_MS = 30_000
"""How long a condition may take on a busy machine; no test asserts how long it took."""


def chromium_path():
    """Where the browser is: what the environment names, else Debian's, else another of that name."""
    wanted = os.environ.get(CHROMIUM)
    return wanted or shutil.which("chromium") or shutil.which("chromium-browser")


def missing():
    """What these tests need and do not find, in a sentence; empty: nothing."""
    found = chromium_path()
    if found is None or shutil.which(found) is None:
        return f"no browser: install Debian's package `chromium`, or name one with {CHROMIUM} (now {found!r})"
    if not (FOLDER / "index.html").is_file():
        return "the console's page is missing: python console/make_page.py builds it"
    return ""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    if reason := missing():
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium_path(), args=list(SWITCHES))
        yield started
        await started.close()


@pytest.fixture(scope="session")
def exchange():
    """The exchange that tests share; each declares at places of its own."""
    if reason := missing():
        pytest.skip(reason)
    with temporary_data_dir() as folder:
        started = Exchange(folder)
        yield started
        started.close()


_places = itertools.count()


@pytest.fixture
def place(exchange):
    """A position of the test's own, in degrees, farther from every other test's than anything it declares.

    What stands at the shared exchange ends with the test: a list on the page has only the rows in view.
    """
    number = next(_places)
    yield 20.0 + number // 40, -100.0 + 1.0 * (number % 40)
    for party in ("alpha", "bravo"):
        client = exchange.client(party)
        for plan in list(client.plans(QueryBody(party_id=party))):
            client.end(plan.plan_id, version=plan.version)


@pytest_asyncio.fixture(loop_scope="session")
async def sit(browser, exchange):
    """Gives ``sit(party, language, ...)``: a desk, signed in; checked at the end for what is always true."""
    desks = []

    async def sit_down(party, language="en", *, at=exchange, url=None, signed_in=True, **more):
        options = {"viewport": WIDE, "locale": language, "timezone_id": "Europe/Zurich", **more}
        context = await browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        await context.add_init_script(WATCH)
        await context.add_init_script(
            CHOOSE % (SETTINGS, json.dumps({"language": language, "isIntroduced": True}))
        )
        if signed_in:
            await context.add_cookies([await at.cookie(party)])
        desks.append(Desk(await context.new_page(), url or at.url, language))
        return desks[-1]

    yield sit_down
    try:
        for desk in desks:
            await desk.check_itself()
    finally:
        for desk in desks:
            await desk.page.context.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where pictures of the page go: DETENTE_PICTURES, else a temporary folder."""
    named = os.environ.get("DETENTE_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
