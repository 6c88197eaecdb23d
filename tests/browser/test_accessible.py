"""Every state of the page against WCAG 2.2 AA, as a machine can tell, and what people set for themselves."""

import pytest
from playwright.async_api import expect

from detente.errors import ConflictingPlan
from tests.browser import MARKS
from tests.browser.axe import SOURCE, TAGS, violations
from tests.browser.desk import NARROW

pytestmark = [
    *MARKS,
    pytest.mark.skipif(not SOURCE.is_file(), reason="axe-core is missing: python console/make_page.py check"),
]


@pytest.fixture(scope="module")
def full(exchange):
    """Plans in every state, a refusal and a conflict between plans that stand."""
    north, east = 10.0, -60.0
    states = ("activate", "report_nonconforming", "report_contingent")
    for number, act in enumerate(states):
        plan = exchange.declare("alpha", (north + number / 10, east), title=f"Here to {act}")
        getattr(exchange.client("alpha"), act)(plan.plan_id, version=plan.version)
    low = exchange.declare("bravo", (north, east + 1), title="Made way for", begins_min=20, remarks="Below")
    exchange.declare("alpha", (north, east + 1), title="Goes first", begins_min=30, priority=20)
    with pytest.raises(ConflictingPlan):
        exchange.declare("bravo", (north, east + 1), title="Refused here", begins_min=40)
    return low


async def states_of_the_page(desk, plan):
    """Goes through the page's states; gives the name of each once it is there."""
    await desk.open()
    yield "list"
    await desk.page.get_by_text(desk.say("filter"), exact=True).click()
    yield "filters"
    await desk.open("list=conflicts")
    await expect(desk.page.get_by_role("listbox", name=desk.say("list.conflicts"))).to_be_visible()
    yield "conflicts"
    await desk.open(f"sel=plan.{plan.plan_id}")
    await expect(desk.heading("Made way for")).to_be_visible()
    yield "plan"
    await desk.detail().get_by_role("button", name=desk.say("act.ended"), exact=True).click()
    yield "confirm"
    await desk.open()
    await desk.needs("Refused here").first.click()
    await desk.button("way.ask").click()
    await expect(desk.button("way.take").first).to_be_visible()
    yield "refusal"
    await desk.button("print").first.click()
    await desk.page.emulate_media(media="print")
    yield "print"
    await desk.page.emulate_media(media="screen")
    await desk.open_menu()
    yield "menu"
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("?")
    await expect(desk.page.get_by_role("dialog")).to_be_visible()
    yield "keys"
    await desk.button("intro.again").click()
    await expect(desk.button("intro.done")).to_be_visible()
    yield "introduction"
    await desk.button("intro.done").click()
    await desk.tab("screen.declare").click()
    yield "declare, empty"
    point = desk.page.get_by_role("textbox", name=desk.say("declare.point"), exact=True)
    volume = plan.volumes[0]
    await desk.page.locator("#draft-start_ms").fill(f"{volume.start:%Y-%m-%d %H:%M}")
    await desk.page.locator("#draft-end_ms").fill(f"{volume.end:%Y-%m-%d %H:%M}")
    await point.fill(f"{volume.shape.center.lat_deg} {volume.shape.center.lon_deg}")
    await point.press("Enter")
    await desk.page.locator("#draft-upper_m").fill("250")
    await desk.page.locator("#draft-upper_m").press("Tab")
    await expect(desk.page.get_by_text(desk.words.like("declare.in_the_way"))).to_be_visible()
    yield "declare, in the way"


# Colours and directions do not act on each other: two rounds see both of each.
@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("ar", "light")])
async def test_no_state_of_the_page_breaks_a_rule(sit, full, pictures, language, theme):
    desk = await sit("bravo", language, color_scheme=theme)
    found = {}
    async for state in states_of_the_page(desk, full):
        found[state] = await violations(desk.page)
        await desk.page.screenshot(path=pictures / f"{state.replace(', ', '-')}-{language}-{theme}.png")
    assert "\n".join(f"{state}: {rule}" for state, rules in found.items() for rule in rules) == ""


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_nor_on_a_narrow_screen_nor_signed_out(sit, full, pictures, language):
    desk = await sit("bravo", language, viewport=NARROW)
    await desk.open(f"sel=plan.{full.plan_id}")
    found = {}
    for pane in ("list", "map", "detail"):
        await desk.button(f"pane.{pane}").click()
        found[pane] = await violations(desk.page)
        await desk.page.screenshot(path=pictures / f"narrow-{pane}-{language}.png")
    await desk.open_menu()
    await desk.button("sign_out").click()
    await expect(desk.page.get_by_role("heading", name=desk.say("goodbye.title"))).to_be_visible()
    found["signed out"] = await violations(desk.page)
    await desk.page.screenshot(path=pictures / f"signed-out-{language}.png")
    assert "\n".join(f"{state}: {rule}" for state, rules in found.items() for rule in rules) == ""


async def test_a_broken_rule_would_be_found(sit):
    desk = await sit("bravo")
    await desk.open()
    await desk.page.evaluate("document.querySelector('#search').removeAttribute('aria-label')")
    await desk.page.evaluate("document.querySelector('#search').removeAttribute('placeholder')")
    assert any(one.startswith("label: ") for one in await violations(desk.page))
    assert "wcag22aa" in TAGS
