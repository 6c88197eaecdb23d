"""What one person does with the page: looks for, filters, moves in time, prints, copies, chooses units."""

import re

import pytest
from playwright.async_api import expect

from detente.errors import ConflictingPlan
from tests.browser import MARKS
from tests.browser.desk import TILE_PX

pytestmark = MARKS


async def test_filters_are_kept_in_the_address_and_work_for_a_colleague(exchange, sit, place):
    for party, north in (("alpha", 0.0), ("bravo", 0.1)):
        exchange.declare(party, (place[0] + north, place[1]), title=f"Filtered of {party}")
    alpha = await sit("alpha")
    await alpha.open()
    field = alpha.page.get_by_role("searchbox", name=alpha.say("filter.text"))
    await field.fill("filtered of")
    await expect(alpha.row("Filtered of bravo")).to_be_visible()
    # With a filter on, the choices stand open.
    await alpha.button("filter.mine").click()
    await expect(alpha.row("Filtered of alpha")).to_be_visible()
    await expect(alpha.row("Filtered of bravo")).to_have_count(0)
    await alpha.page.wait_for_url(re.compile(r"mine=1"))

    await alpha.page.reload()
    await expect(alpha.row("Filtered of alpha")).to_be_visible()
    await expect(alpha.row("Filtered of bravo")).to_have_count(0)
    await expect(field).to_have_value("filtered of")

    bravo = await sit("bravo")
    await bravo.open(alpha.page.url.partition("#")[2])
    # "Ours" is theirs now: an address carries what is looked at, not who looks.
    await expect(bravo.row("Filtered of bravo")).to_be_visible()
    await expect(bravo.row("Filtered of alpha")).to_have_count(0)
    await bravo.button("filter.reset").click()
    await expect(bravo.row("Filtered of alpha").or_(bravo.row("Filtered of bravo")).first).to_be_visible()


async def test_the_bar_moves_the_instant_by_keys_and_pointer_and_back_to_now(exchange, sit, place):
    exchange.declare("alpha", place, title="In time")
    desk = await sit("alpha")
    await desk.open()
    slider = desk.slider()

    async def instant_s():
        return int(await slider.get_attribute("aria-valuenow"))

    await slider.press("ArrowRight")
    first_s = await instant_s()
    await slider.press("ArrowRight")
    assert await instant_s() == first_s + 60
    await slider.press("Shift+ArrowDown")
    assert await instant_s() == first_s + 60 - 6_000
    await desk.page.wait_for_url(re.compile(r"[#&]t="))

    await desk.button("time.now").click()
    await expect(desk.button("time.now")).to_have_attribute("aria-pressed", "true")
    live_s = await instant_s()
    box = await slider.bounding_box()
    await slider.click(position={"x": box["width"] * 0.9, "y": box["height"] / 2})
    await expect(desk.button("time.now")).to_have_attribute("aria-pressed", "false")
    assert await instant_s() > live_s
    await desk.button("time.play").click()
    before_s = await instant_s()
    await expect(slider).not_to_have_attribute("aria-valuenow", str(before_s))
    await desk.button("time.pause").click()


async def test_a_plan_and_a_position_are_found_and_copied(exchange, sit, place):
    exchange.declare("bravo", place, title="Needle in the sky")
    desk = await sit("alpha")
    await desk.open()
    await desk.search().fill("needle in")
    await desk.search().press("Enter")
    await expect(desk.heading("Needle in the sky")).to_be_visible()

    await desk.search().fill("46.95 7.45")
    await desk.search().press("Enter")
    await desk.page.wait_for_url(re.compile(r"at=46\.95,7\.45,"))
    await desk.map().hover()
    await desk.button("map.copy").click()
    await expect(desk.notice(desk.say("copied"))).to_be_visible()
    copied = await desk.page.evaluate("navigator.clipboard.readText()")
    north, east = re.fullmatch(r"([\d.]+)°N ([\d.]+)°E", copied).groups()
    assert (float(north), float(east)) == (pytest.approx(46.95, abs=0.01), pytest.approx(7.45, abs=0.01))

    await desk.search().fill("no such thing at all")
    await expect(desk.page.get_by_text(desk.say("search.none"))).to_be_visible()


async def test_the_map_follows_a_drag_to_its_end_and_after_a_rest_in_it(exchange, sit, place):
    exchange.declare("alpha", place, title="Beside the drag")
    desk = await sit("alpha")
    zoom = 9.0
    await desk.open(f"at={place[0]},{place[1]},{zoom}")
    box = await desk.map().bounding_box()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2
    mouse = desk.page.mouse
    await mouse.move(x, y)
    await mouse.down()
    # Coarse drawing begins with the first steps and ends with the rest; neither may end the drag.
    for step in range(1, 31):
        await mouse.move(x + 10 * step, y)
        await desk.page.wait_for_timeout(1_000 if step == 15 else 30)
    await desk.page.wait_for_timeout(300)  # a hand that stands still throws nothing
    await mouse.up()
    await desk.page.wait_for_url(lambda url: camera_lon(url) != pytest.approx(place[1]))
    moved_px = (place[1] - camera_lon(desk.page.url)) * TILE_PX * 2**zoom / 360
    assert moved_px == pytest.approx(300, abs=15)


def camera_lon(url):
    """The longitude that the address says the map looks at."""
    return float(re.search(r"[#&]at=[^,]+,([^,]+)", url)[1])


async def test_units_zone_notation_colours_and_language_change_at_once_and_stay(exchange, sit, place):
    plan = exchange.declare("alpha", place, title="Many units", lower_m=304.8, upper_m=609.6, begins_min=30)
    desk = await sit("alpha")
    await desk.open(f"sel=plan.{plan.plan_id}")
    detail = desk.detail()
    await expect(detail).to_contain_text("m AMSL")
    await desk.open_menu()
    await desk.setting("units.height").select_option("ft")
    await expect(detail).to_contain_text(re.compile(r"1.?000.2.?000 ft AMSL"))
    await desk.setting("units.zone").select_option("local")
    await expect(detail).not_to_contain_text(f"{plan.start:%H:%M}")
    await desk.setting("units.notation").select_option("mgrs")
    await expect(desk.page.get_by_role("main")).to_contain_text(
        re.compile(r"\d{1,2}[A-Z] [A-Z]{2} \d{5} \d{5}")
    )
    await desk.setting("theme").select_option("dark")
    assert await desk.page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    for language in ("ar", "ru", "fr", "en"):
        await desk.page.locator("#setting-language").select_option(language)
        desk.words = type(desk.words)(language)
        desk.say = desk.words.say
        await expect(desk.tab("screen.plans")).to_be_visible()
        direction = await desk.page.evaluate("[document.documentElement.dir, document.documentElement.lang]")
        assert direction == [desk.words.direction, language]
    await desk.page.reload()
    await expect(detail).to_contain_text(re.compile(r"1.?000.2.?000 ft AMSL"))
    assert await desk.page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"


async def test_a_conflict_is_printed_on_a_sheet_of_its_own(exchange, sit, place, pictures):
    exchange.declare("alpha", place, title="Printed, standing", begins_min=30)
    with pytest.raises(ConflictingPlan):
        exchange.declare("bravo", place, title="Printed, refused", begins_min=40)
    desk = await sit("bravo")
    await desk.open()
    await desk.needs("Printed, refused").click()
    # The dialog belongs to the browser, and while it is open nothing else can be printed.
    await desk.page.evaluate("window.print = () => { window.asked = true }")
    await desk.button("print").first.click()
    await desk.page.wait_for_function("window.asked")
    await desk.page.emulate_media(media="print")
    sheet = desk.page.get_by_role("article").filter(
        has=desk.page.get_by_role("img", name=desk.say("print.map"))
    )
    for text in ("Printed, refused", "Alpha air rescue", "Bravo drones", desk.say("rule.overlap")):
        await expect(sheet.get_by_text(text).first).to_be_visible()
    await expect(desk.tab("screen.plans")).not_to_be_visible()
    await desk.page.screenshot(path=pictures / "print.png")
    # One sheet: whoever signs it signs all of it.
    assert len(re.findall(rb"/Type\s*/Page\b", await desk.page.pdf(format="A4"))) == 1


async def test_all_main_steps_work_without_a_pointer(exchange, sit, place):
    exchange.declare("bravo", place, title="Reached by keys", begins_min=30)
    desk = await sit("alpha")
    await desk.open()
    keyboard = desk.page.keyboard
    await keyboard.press("/")
    await expect(desk.search()).to_be_focused()
    await keyboard.type("Reached by keys")
    await keyboard.press("Enter")
    await expect(desk.heading("Reached by keys")).to_be_visible()
    await keyboard.press("Escape")
    await expect(desk.heading("Reached by keys")).to_have_count(0)
    await keyboard.press("l")
    await expect(desk.page.get_by_role("listbox", name=desk.say("list.plans"))).to_be_focused()
    await keyboard.press("Home")
    await keyboard.press("Enter")
    await expect(desk.detail().get_by_role("heading", level=2)).to_be_focused()
    await keyboard.press("t")
    await expect(desk.slider()).to_be_focused()
    await keyboard.press("?")
    await expect(desk.page.get_by_role("dialog", name=desk.say("keys"))).to_be_visible()
    await keyboard.press("Escape")
    await expect(desk.page.get_by_role("dialog")).to_have_count(0)

    # Declaring: to the tabs, along them, through the form, all by Tab and Enter.
    await reach(desk, desk.tab("screen.plans"))
    await keyboard.press("ArrowRight")
    await expect(desk.tab("screen.declare")).to_be_focused()
    await reach(desk, desk.page.get_by_role("textbox", name=desk.say("declare.point"), exact=True))
    await keyboard.type(f"{place[0] + 0.3} {place[1]}")
    await keyboard.press("Enter")
    await expect(desk.page.get_by_text(desk.say("declare.free"))).to_be_visible()
    await reach(desk, desk.page.get_by_label(desk.say("title"), exact=True))
    await keyboard.type("By keys alone")
    await reach(desk, desk.button("declare.send"))
    await keyboard.press("Enter")
    await expect(desk.heading("By keys alone")).to_be_visible()
    await reach(desk, desk.button("act.activated"))
    await keyboard.press("Enter")
    await expect(desk.detail()).to_contain_text(desk.say("state.activated"))
    await reach(desk, desk.button("act.ended"))
    await keyboard.press("Enter")
    await expect(desk.page.get_by_role("textbox", name=desk.say("reason"))).to_be_focused()
    await keyboard.type("done")
    await keyboard.press("Enter")
    await expect(desk.detail()).to_contain_text(desk.say("state.ended"))


async def test_brackets_go_on_in_the_list_that_is_shown(exchange, sit, place):
    for number in range(3):
        at = (place[0] + 0.1 * number, place[1])
        exchange.declare("alpha", at, title=f"Held {number}", begins_min=30 + number)
        with pytest.raises(ConflictingPlan):
            exchange.declare("bravo", at, title=f"Asked {number}", begins_min=30 + number)
    desk = await sit("bravo")
    await desk.open("q=Asked&list=conflicts")
    for key, number in (("]", 0), ("]", 1), ("]", 2), ("]", 2), ("[", 1)):
        await desk.page.keyboard.press(key)
        await expect(desk.detail()).to_contain_text(f"Asked {number}")


async def test_the_second_conflict_of_a_refusal_opens_as_itself_and_from_the_plan_in_its_way(
    exchange, sit, place
):
    for number in range(2):
        at = (place[0], place[1] + 0.03 * number)
        exchange.declare("alpha", at, title=f"In the way {number}", begins_min=30 + 5 * number)
    with pytest.raises(ConflictingPlan):
        exchange.declare("bravo", (place[0], place[1] + 0.015), title="Wide", begins_min=30, radius_m=2_000)
    desk = await sit("alpha")
    await desk.open("q=In the way 1&list=conflicts")
    await desk.page.get_by_role("option").filter(has_text="In the way 1").click()
    first = desk.detail().locator("article > p").first
    await expect(first).to_contain_text("In the way 1")
    selected = desk.page.get_by_role("option", selected=True)
    await expect(selected.filter(has_text="In the way 1")).to_have_count(1)
    await desk.page.wait_for_url(re.compile(r"sel=refusal"))  # the address follows a moment later
    await desk.page.reload()
    await expect(first).to_contain_text("In the way 1")

    await desk.open("q=In the way 1&list=plans")
    await desk.row("In the way 1").click()
    because = desk.detail().get_by_role("heading", name=desk.say("plan.refused_for_it"))
    await because.locator("..").get_by_role("button").first.click()
    await expect(first).to_contain_text("In the way 1")


async def test_escape_closes_the_menu_before_the_detail(exchange, sit, place):
    plan = exchange.declare("alpha", place, title="Stays open")
    desk = await sit("alpha")
    await desk.open(f"sel=plan.{plan.plan_id}")
    await expect(desk.heading("Stays open")).to_be_visible()
    await desk.open_menu()
    language = desk.setting("language")
    await expect(language).to_be_visible()
    await desk.page.get_by_role("banner").get_by_label(desk.say("settings")).press("Escape")
    await expect(language).not_to_be_visible()
    await expect(desk.heading("Stays open")).to_be_visible()
    await desk.page.keyboard.press("Escape")
    await expect(desk.heading("Stays open")).to_have_count(0)


async def test_the_browsers_own_print_prints_what_is_looked_at(exchange, sit, place):
    exchange.declare("alpha", place, title="Held on paper", begins_min=30)
    with pytest.raises(ConflictingPlan):
        exchange.declare("bravo", place, title="Asked on paper", begins_min=30)
    desk = await sit("bravo")
    await desk.open("q=Asked on paper&list=conflicts")
    await expect(desk.page.get_by_role("option").filter(has_text="Asked on paper")).to_be_visible()
    await desk.page.emulate_media(media="print")
    await desk.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = desk.page.locator("#print")
    await expect(printed.get_by_role("listitem")).to_have_count(1)
    await expect(printed.get_by_role("listitem")).to_contain_text("Held on paper")
    await desk.page.emulate_media(media="screen")
    await desk.page.get_by_role("option").filter(has_text="Asked on paper").click()
    await expect(desk.detail()).to_contain_text("Held on paper")
    await desk.page.emulate_media(media="print")
    await desk.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await expect(printed.get_by_role("img", name=desk.say("print.map"))).to_be_visible()


MOST_STOPS = 80


async def reach(desk, target):
    """Presses Tab until ``target`` has the focus: fails if it is no stop or the focus is caught before."""
    for _ in range(MOST_STOPS):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await desk.page.keyboard.press("Tab")
    await expect(target).to_be_focused()
