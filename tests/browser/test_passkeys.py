"""Passkeys as a person uses them: Chromium with a virtual authenticator, a real server at localhost."""

import asyncio
import contextlib
import re
import shutil

import pytest

from detente.app import now_ms
from detente.console.sessions import ConsoleSessions
from detente.console.static_files import FOLDER
from detente.parties.model import Act, Role
from detente.store import open_pool
from tests.browser import SWITCHES
from tests.invariants.fleet import Server, make_exchange

playwright_api = pytest.importorskip("playwright.async_api", reason="the package playwright is missing")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: install Debian's package `chromium`"),
    pytest.mark.skipif(
        not (FOLDER / "index.html").is_file(),
        reason="the console's page is missing: python console/make_page.py builds it",
    ),
]
PATIENCE_MS = 60_000


class Person:
    """Somebody of alpha at a computer whose authenticator does what a test says."""

    def __init__(self, server, page, line, authenticator_id, link):
        self.server = server
        self.page = page
        self.line = line
        self.authenticator_id = authenticator_id
        self.link = link
        self.here = f"http://localhost:{server.port}"

    def button(self, name):
        return self.page.get_by_role("button", name=name)

    async def come_in_by_link(self, base=None):
        await self.page.goto(f"{base or self.here}/console#link={await self.link()}")
        await expect(self.page.locator(".topbar")).to_be_visible()

    async def open_keyring(self):
        await self.page.locator(".menu > summary").press("Enter")
        await self.button("Passkeys and sessions").press("Enter")
        return self.page.get_by_role("dialog", name="Passkeys and sessions")

    async def add(self, name):
        dialog = await self.open_keyring()
        await dialog.get_by_label("Where it is kept").fill(name)
        await dialog.get_by_label("Where it is kept").press("Enter")
        return dialog

    async def sign_out(self):
        if not await self.page.locator(".menu-body").is_visible():
            await self.page.locator(".menu > summary").press("Enter")
        await self.button("Sign out").press("Enter")
        await expect(self.button("Sign in with a passkey")).to_be_visible()

    async def verify(self, *, is_verified):
        told = {"authenticatorId": self.authenticator_id, "isUserVerified": is_verified}
        await self.line.send("WebAuthn.setUserVerified", told)


def expect(locator):
    playwright_api.expect.set_options(timeout=PATIENCE_MS)
    return playwright_api.expect(locator)


@contextlib.asynccontextmanager
async def at_a_computer(dsn):
    accounts = await asyncio.to_thread(make_exchange, dsn, [("alpha", Role.PLANNER, 0)])
    account_id = accounts["alpha", Role.PLANNER][0]
    # No public URL is said: the exchange is at a loopback address, and passkeys at localhost.
    server = Server(dsn, public_url="").start()
    pool = await open_pool(dsn, max_size=1)

    async def link():
        act = Act("exchange", "local", None, now_ms(), b"{}")
        return (await ConsoleSessions(pool).make_link(account_id, act, good_s=900)).code

    try:
        await asyncio.to_thread(server.await_ready)
        async with playwright_api.async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
            page = await (await browser.new_context(locale="en-GB")).new_page()
            line = await page.context.new_cdp_session(page)
            await line.send("WebAuthn.enable")
            options = {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
            made = await line.send("WebAuthn.addVirtualAuthenticator", {"options": options})
            yield Person(server, page, line, made["authenticatorId"], link)
            await browser.close()
    finally:
        await pool.close()
        await asyncio.to_thread(server.stop)


async def test_a_person_adds_a_passkey_signs_out_and_comes_in_with_it_alone(pg_dsn):
    async with at_a_computer(pg_dsn) as anna:
        await anna.come_in_by_link()
        dialog = await anna.add("<b>phone</b>")
        await expect(dialog.get_by_text("<b>phone</b>")).to_be_visible()
        # The authenticator that has one makes no second, and the page says so.
        await dialog.get_by_label("Where it is kept").fill("again")
        await dialog.get_by_label("Where it is kept").press("Enter")
        await expect(dialog.get_by_role("alert")).to_contain_text("already holds a passkey")
        await dialog.get_by_role("button", name="Rename").press("Enter")
        await (
            dialog.get_by_label("Where it is kept", exact=True)
            .or_(dialog.locator(".keyring input"))
            .first.fill("key")
        )
        await dialog.locator(".keyring input").press("Enter")
        await expect(dialog.locator(".keyring strong").first).to_have_text("key")
        await anna.page.keyboard.press("Escape")
        await anna.sign_out()

        await anna.verify(is_verified=False)
        await anna.button("Sign in with a passkey").press("Enter")
        await expect(anna.page.get_by_role("alert")).to_contain_text("No passkey was used")
        await anna.verify(is_verified=True)
        await anna.button("Sign in with a passkey").press("Enter")
        await expect(anna.page.locator(".topbar")).to_be_visible()

        dialog = await anna.open_keyring()
        await expect(dialog.get_by_text("Last used").first).to_be_visible()
        await dialog.get_by_role("button", name="Remove").press("Enter")
        await dialog.get_by_role("button", name="Remove").press("Enter")
        await expect(dialog.get_by_text("Nobody of your party has one yet")).to_be_visible()
        await dialog.get_by_role("button", name="End").press("Enter")
        await expect(dialog.get_by_text("your own session")).to_be_visible()
        await dialog.get_by_role("button", name="End").press("Enter")
        await expect(anna.button("Sign in with a passkey")).to_be_visible()
        await anna.button("Sign in with a passkey").press("Enter")
        await expect(anna.page.get_by_role("alert")).to_contain_text("opens no session here")


async def test_at_an_address_the_page_says_where_passkeys_work(pg_dsn):
    async with at_a_computer(pg_dsn) as anna:
        await anna.page.goto(f"{anna.server.url}/console")
        await anna.button("Sign in with a passkey").click()
        said = re.compile(rf"only at .?{re.escape(anna.here)}/console")
        await expect(anna.page.get_by_role("alert")).to_contain_text(said)
        await anna.come_in_by_link(anna.server.url)
        dialog = await anna.add("phone")
        await expect(dialog.get_by_role("alert")).to_contain_text(said)
