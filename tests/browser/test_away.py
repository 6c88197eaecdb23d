"""The exchange goes away and comes back, answers late, ends the session; the computer's clock is wrong."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser import MARKS
from tests.browser.exchange import Exchange
from tests.conftest import temporary_data_dir

pytestmark = MARKS
HOUR = timedelta(hours=1)
SIGN_OUT = """fetch("/console/session", { method: "DELETE", headers: { "X-Detente-Console": "1" } })
  .then((answer) => answer.status)"""


@pytest.fixture(scope="module")
def mortal():
    """An exchange of its own, to be killed."""
    with temporary_data_dir() as folder:
        exchange = Exchange(folder)
        yield exchange
        exchange.close()


async def begin_declaration(desk, title):
    """Fills in half of a declaration."""
    await desk.tab("screen.declare").click()
    point = desk.page.get_by_role("textbox", name=desk.say("declare.point"), exact=True)
    await point.fill("12.5 34.5")
    await point.press("Enter")
    await desk.page.get_by_label(desk.say("title"), exact=True).fill(title)
    await desk.page.get_by_label(desk.say("title"), exact=True).press("Tab")


async def has_begun_declaration(desk, title):
    await expect(desk.page.get_by_label(desk.say("title"), exact=True)).to_have_value(title)
    point = desk.page.get_by_role("textbox", name=desk.words.like("edit.point", is_all=True))
    await expect(point).to_have_value("12.50000°N 34.50000°E")


async def test_a_killed_server_is_missed_and_what_changed_meanwhile_comes_by_itself(mortal, sit, place):
    desk = await sit("bravo", at=mortal)
    await desk.open()
    await begin_declaration(desk, "Half filled in")
    mortal.kill()
    await expect(desk.line()).to_have_text(desk.say("line.lost"))
    # Pressed while nobody answers: it says so, and keeps what was typed.
    await desk.line().click()
    await expect(desk.line()).to_have_text(desk.say("line.lost"))
    mortal.start_again()
    mortal.declare("alpha", place, title="Declared while away")
    await desk.line().click()
    await expect(desk.line()).to_have_text(desk.say("line.live"))
    await has_begun_declaration(desk, "Half filled in")
    await desk.tab("screen.plans").click()
    await expect(desk.row("Declared while away")).to_be_visible()


async def test_a_frozen_server_is_missed_too_though_its_line_stays_open(mortal, sit, place):
    desk = await sit("bravo", at=mortal)
    await desk.page.clock.install()
    await desk.open()
    await begin_declaration(desk, "Typed in the silence")
    mortal.freeze()
    try:
        # A minute in which nothing comes, on the page's clock.
        await desk.page.clock.run_for(60_000)
        await expect(desk.line()).to_have_text(desk.say("line.lost"))
    finally:
        mortal.thaw()
    mortal.declare("alpha", place, title="Declared after the thaw")
    await desk.line().click()
    await expect(desk.line()).to_have_text(desk.say("line.live"))
    await has_begun_declaration(desk, "Typed in the silence")
    await desk.tab("screen.plans").click()
    await expect(desk.row("Declared after the thaw")).to_be_visible()


async def test_a_session_that_was_ended_elsewhere_says_so(sit):
    desk = await sit("alpha")
    await desk.open()
    # What the other window's sign-out does, with the same cookie.
    assert await desk.page.evaluate(SIGN_OUT) < 300
    await desk.page.reload()
    await expect(desk.page.get_by_role("heading", name=desk.say("signed_out.title"))).to_be_visible()


async def test_an_open_page_whose_session_ends_says_so_at_its_next_token(sit):
    desk = await sit("alpha")
    await desk.page.clock.install()
    await desk.open()
    await desk.page.evaluate(SIGN_OUT)
    # Its token is good for ten minutes; after that a new one has to be bought.
    await desk.page.clock.fast_forward(11 * 60_000)
    await expect(desk.page.get_by_role("heading", name=desk.say("signed_out.title"))).to_be_visible()
    await expect(desk.tab("screen.plans")).to_have_count(0)


async def test_a_token_that_ends_in_an_open_page_is_renewed_unseen(exchange, sit, place):
    plan = exchange.declare("alpha", place, title="Longer than a token")
    desk = await sit("alpha")
    await desk.page.clock.install()
    await desk.open(f"sel=plan.{plan.plan_id}")
    bought = sum(url.endswith("/console/session/token") for url in desk.requests)
    await desk.page.clock.fast_forward(11 * 60_000)
    await desk.button("act.activated").click()
    await expect(desk.detail()).to_contain_text(desk.say("state.activated"))
    assert sum(url.endswith("/console/session/token") for url in desk.requests) > bought


@pytest.mark.parametrize(("off", "key"), [(-HOUR, "clock.behind"), (HOUR, "clock.ahead")])
async def test_a_computer_whose_clock_is_wrong_shows_the_exchanges_time(exchange, sit, place, off, key):
    exchange.declare("alpha", place, title="At the right time", begins_min=-2)
    desk = await sit("alpha", timezone_id="Asia/Kathmandu")
    await desk.page.clock.install(time=datetime.now(UTC) + off)
    await desk.open()
    await expect(desk.page.get_by_role("alert").filter(has_text=desk.words.like(key))).to_be_visible()
    shown = await desk.page.get_by_role("banner").get_by_role("time").inner_text()
    hours, minutes = map(int, re.search(r"(\d\d):(\d\d):\d\dZ", shown).groups())
    now = datetime.now(UTC)
    away_min = (hours * 60 + minutes - now.hour * 60 - now.minute) % 1440
    assert min(away_min, 1440 - away_min) <= 5
    slider_s = int(await desk.slider().get_attribute("aria-valuenow"))
    assert abs(slider_s - now.timestamp()) < HOUR.total_seconds() / 4


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again(exchange, sit, place, status):
    plan = exchange.declare("alpha", place, title=f"Asked again after {status}")
    desk = await sit("alpha")
    refused = []

    async def busy_once(route):
        if refused:
            return await route.continue_()
        refused.append(route.request.url)
        headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
        return await route.fulfill(status=status, headers=headers, body='{"title": "busy"}')

    await desk.page.route("**/v1/plans/query", busy_once)
    await desk.open()
    await expect(desk.row(f"Asked again after {status}")).to_be_visible()
    assert len(refused) == 1
    refused.clear()
    await desk.page.route(f"**/v1/plans/{plan.plan_id}/state", busy_once)
    await desk.row(f"Asked again after {status}").click()
    await desk.button("act.activated").click()
    await expect(desk.detail()).to_contain_text(desk.say("state.activated"))


async def test_a_server_that_stays_busy_is_told_of_and_nothing_is_lost(exchange, sit, place):
    plan = exchange.declare("alpha", place, title="Stays as it is")
    desk = await sit("alpha")
    await desk.open(f"sel=plan.{plan.plan_id}")

    async def busy(route):
        headers = {"Retry-After": "0", "Content-Type": "application/problem+json"}
        body = (
            '{"type": "/problems/unavailable", "title": "Unavailable", "status": 503, "detail": "come back"}'
        )
        await route.fulfill(status=503, headers=headers, body=body)

    await desk.page.route(f"**/v1/plans/{plan.plan_id}/state", busy)
    await desk.button("act.activated").click()
    await expect(desk.notice("come back")).to_be_visible()
    await expect(desk.button("act.activated")).to_be_enabled()


async def test_a_slow_line_shows_what_is_there_so_far(exchange, sit, place):
    exchange.declare("alpha", place, title="Slow but there")
    desk = await sit("alpha")
    devtools = await desk.page.context.new_cdp_session(desk.page)
    await desk.open()
    slow = {"offline": False, "latency": 400, "downloadThroughput": 40_000, "uploadThroughput": 20_000}
    await devtools.send("Network.emulateNetworkConditions", slow)
    exchange.declare("bravo", (place[0] + 0.2, place[1]), title="Over the slow line")
    await expect(desk.row("Over the slow line")).to_be_visible()
    await desk.row("Slow but there").click()
    await desk.button("act.activated").click()
    await expect(desk.detail()).to_contain_text(desk.say("state.activated"))
