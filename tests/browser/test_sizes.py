"""Zoomed, narrow, with larger type, few colours or no motion: what people set for themselves."""

from itertools import pairwise

import pytest
from playwright.async_api import expect

from tests.browser import MARKS
from tests.browser.layout import cut_off, out_of_reach

pytestmark = MARKS
ZOOMED = {"width": 640, "height": 400}
"""What a window of 1280 by 800 has at 200 %."""
SMALLEST = {"width": 320, "height": 640}
BOXES = """(rows) => rows.map((row) => { const { top, bottom } = row.getBoundingClientRect();
  const low = Math.max(...[...row.children].map((one) => one.getBoundingClientRect().bottom));
  return { top, bottom, low }; }).sort((a, b) => a.top - b.top)"""
MOVING = """() => [...document.querySelectorAll("*")].filter((one) => { const style = getComputedStyle(one);
  return style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0)
    || style.animationName !== "none" || style.scrollBehavior === "smooth"; })
  .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("viewport", [ZOOMED, SMALLEST], ids=["zoomed", "smallest"])
async def test_nothing_is_cut_off_or_out_of_reach(*, sit, exchange, place, pictures, language, viewport):
    plan = exchange.declare("bravo", place, title="Seen through a slit", begins_min=30)
    desk = await sit("bravo", language, viewport=viewport)
    await desk.open(f"sel=plan.{plan.plan_id}")
    await desk.button("pane.detail").click()
    await expect(desk.heading("Seen through a slit")).to_be_visible()
    found = {}
    for pane in ("list", "map", "detail"):
        await desk.button(f"pane.{pane}").click()
        await desk.page.screenshot(path=pictures / f"{viewport['width']}-pixels-{pane}-{language}.png")
        found[pane] = [*await cut_off(desk.page), *await out_of_reach(desk.page)]
    await desk.button("pane.list").click()
    await desk.tab("screen.declare").click()
    await desk.page.screenshot(path=pictures / f"{viewport['width']}-pixels-declare-{language}.png")
    found["declare"] = [*await cut_off(desk.page), *await out_of_reach(desk.page)]
    await desk.open_menu()
    found["menu"] = [*await cut_off(desk.page), *await out_of_reach(desk.page, ".menu")]
    assert {pane: those for pane, those in found.items() if those} == {}


async def test_rows_grow_with_the_type_size_of_the_browser(sit, exchange, place, pictures):
    for north in (0.0, 0.1, 0.2):
        exchange.declare("bravo", (place[0] + north, place[1]), title=f"Large type {north}")
    desk = await sit("bravo")
    await desk.open("q=large type")
    rows = desk.row("Large type")
    await expect(rows).to_have_count(3)
    before = await rows.evaluate_all(BOXES)
    devtools = await desk.page.context.new_cdp_session(desk.page)
    await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    await desk.page.reload()
    await desk.is_live()
    await desk.button("pane.list").click()
    await expect(rows).to_have_count(3)
    boxes = await rows.evaluate_all(BOXES)
    await desk.page.screenshot(path=pictures / "large-type.png")
    assert boxes[0]["bottom"] - boxes[0]["top"] == 2 * (before[0]["bottom"] - before[0]["top"])
    for above, below in pairwise(boxes):
        assert above["bottom"] <= below["top"] + 1
    assert all(box["low"] <= box["bottom"] for box in boxes)
    assert await cut_off(desk.page) == []


async def test_what_is_chosen_and_whose_it_is_is_seen_in_the_systems_colours(sit, exchange, place, pictures):
    for party, north in (("alpha", 0.0), ("bravo", 0.1)):
        exchange.declare(party, (place[0] + north, place[1]), title=f"In few colours of {party}")
    desk = await sit("bravo", forced_colors="active")
    await desk.open("q=in few colours")
    await desk.row("of alpha").click()
    await expect(desk.heading("of alpha")).to_be_visible()
    await expect(desk.row("of alpha")).to_have_attribute("aria-selected", "true")

    async def style(locator, name):
        return await locator.evaluate(f"one => getComputedStyle(one).{name}")

    others = {
        "row": (desk.row("of alpha"), desk.row("of bravo")),
        "tab": (desk.tab("screen.plans"), desk.tab("screen.declare")),
        "list": tuple(
            desk.page.get_by_role("group", name=desk.say("list.what")).get_by_role(
                "button", pressed=is_pressed
            )
            for is_pressed in (True, False)
        ),
        "party": tuple(desk.row(f"of {party}").locator(".dot") for party in ("alpha", "bravo")),
    }
    await desk.page.screenshot(path=pictures / "forced-colors.png")
    for what, (one, other) in others.items():
        assert await style(one, "backgroundColor") != await style(other, "backgroundColor"), what
    await desk.page.keyboard.press("Tab")
    focused = desk.page.locator(":focus-visible")
    assert await style(focused, "outlineStyle") == "solid"
    assert await style(focused, "outlineWidth") == "3px"
    # States are signs and words, which every palette shows.
    await expect(desk.row("of alpha")).to_contain_text(desk.say("state.accepted"))


@pytest.mark.parametrize(("wish", "most"), [("reduce", 1), ("no-preference", None)])
async def test_who_wants_no_motion_gets_none(sit, exchange, place, wish, most):
    plan = exchange.declare("bravo", place, title="Flown to, or not")
    desk = await sit("bravo", reduced_motion=wish)
    await desk.open(f"sel=plan.{plan.plan_id}&at={place[0]},{place[1] + 30},9")
    await expect(desk.heading("Flown to, or not")).to_be_visible()
    await desk.page.evaluate(
        """() => { const shown = document.querySelector(".readout output"); window.__places = new Set();
        new MutationObserver(() => window.__places.add(shown.textContent))
          .observe(shown, { childList: true, characterData: true, subtree: true }); }"""
    )
    await desk.page.keyboard.press("z")
    await expect(desk.page.locator(".readout output")).to_contain_text(f"{place[0]:.3f}")
    await desk.page.wait_for_url(
        lambda url: f"at={place[0]:.2f}"[:5] in url and f"{place[1] + 30:g}," not in url
    )
    places = await desk.page.evaluate("window.__places.size")
    moving = await desk.page.evaluate(MOVING)
    if most is None:
        assert places > 1
        assert moving
    else:
        assert (places, moving) == (most, [])
