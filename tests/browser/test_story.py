"""Two parties at two screens, from the sign-in link to the end of a plan, in every language."""

import re

import pytest
from playwright.async_api import expect

from detente.errors import ConflictingPlan
from tests.browser import MARKS
from tests.browser.exchange import circle
from tests.browser.texts import LANGUAGES

pytestmark = MARKS
ZOOM = 12
SELECTED = re.compile(r"sel=plan\.([0-9a-f-]{36})")


def short(plan_id):
    """The beginning of an id as the page writes it."""
    return f"{plan_id[:4]} {plan_id[4:8]}"


def at(place):
    return f"at={place[0]},{place[1]},{ZOOM}"


async def draw_circle(desk, place, title):
    """Draws a circle with one click on the map, as it stands, and gives it a title."""
    await desk.tab("screen.declare").click()
    await desk.click_map(place, place, ZOOM)
    await desk.page.get_by_label(desk.say("title"), exact=True).fill(title)
    await desk.page.get_by_label(desk.say("title"), exact=True).press("Tab")


async def declare(desk):
    """Declares what is drawn once nothing is in the way; gives the plan's id."""
    await expect(desk.page.get_by_text(desk.say("declare.free"))).to_be_visible()
    await desk.button("declare.send").click()
    await expect(desk.notice(desk.say("declare.done"))).to_be_visible()
    await desk.page.wait_for_url(SELECTED)
    await desk.tab("screen.plans").click()
    return SELECTED.search(desk.page.url)[1]


async def sign_in_by_link(desk, exchange, party, place):
    await desk.page.goto(await exchange.link(party))
    await desk.is_live()
    assert "link=" not in desk.page.url
    assert await desk.page.evaluate("document.documentElement.dir") == desk.words.direction
    await desk.open(at(place))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_two_parties_declare_meet_make_way_fly_and_end(exchange, sit, place, pictures, language):
    alpha = await sit("alpha", language, signed_in=False)
    bravo = await sit("bravo", language, signed_in=False)
    await sign_in_by_link(alpha, exchange, "alpha", place)
    await sign_in_by_link(bravo, exchange, "bravo", place)

    await draw_circle(alpha, place, f"Rescue {language}")
    first = await declare(alpha)
    await expect(alpha.heading(f"Rescue {language}")).to_be_visible()
    # Its title is not shared by default: the other party sees where and when, and the beginning of the id.
    await expect(bravo.row(short(first))).to_be_visible()
    await expect(bravo.row(f"Rescue {language}")).to_have_count(0)

    await draw_circle(bravo, place, f"Survey {language}")
    await expect(bravo.page.get_by_text(bravo.words.like("declare.in_the_way"))).to_be_visible()
    await expect(bravo.button("declare.send")).to_be_disabled()
    await bravo.page.screenshot(path=pictures / f"declare-{language}.png")
    await bravo.button("way.take").first.click()
    second = await declare(bravo)
    await expect(alpha.row(short(second))).to_be_visible()

    await alpha.button("act.activated").click()
    await expect(bravo.row(short(first))).to_contain_text(bravo.say("state.activated"))
    await alpha.button("act.ended").click()
    await alpha.page.get_by_role("textbox", name=alpha.say("reason")).fill("landed")
    await alpha.detail().get_by_role("button", name=alpha.say("act.ended"), exact=True).click()
    await expect(alpha.detail()).to_contain_text(alpha.say("state.ended"))
    # Plans that have ended are not listed unless they are asked for.
    await expect(bravo.row(short(first))).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refusal_is_explained_and_its_way_out_taken_with_one_press(
    exchange, sit, place, pictures, language
):
    standing = exchange.declare("alpha", place, title=f"Standing {language}", begins_min=30)
    with pytest.raises(ConflictingPlan):
        exchange.declare("bravo", place, title=f"Wanted {language}", begins_min=40, sharing="volumes")
    bravo = await sit("bravo", language)
    await bravo.open()
    await bravo.needs(f"Wanted {language}").click()
    await expect(bravo.heading(bravo.say("refusal.title"))).to_be_visible()
    await expect(bravo.detail().get_by_text("Alpha air rescue").first).to_be_visible()
    await expect(bravo.detail().get_by_role("button", name=f"Standing {language}")).to_be_visible()
    await expect(bravo.detail()).to_contain_text(bravo.say("settled.none"))

    alpha = await sit("alpha", language)
    await alpha.open()
    await alpha.needs(bravo.say("attention.in_my_way")).filter(has_text="Bravo drones").first.click()
    await expect(alpha.heading(alpha.say("refusal.title_other"))).to_be_visible()
    await expect(alpha.detail()).not_to_contain_text(f"Wanted {language}")

    await bravo.button("way.ask").click()
    await expect(bravo.button("way.take").first).to_be_visible()
    await bravo.page.screenshot(path=pictures / f"refusal-{language}.png")
    await bravo.button("way.take").first.click()
    await expect(bravo.notice(bravo.say("plan.moved"))).to_be_visible()
    await expect(bravo.heading(f"Wanted {language}")).to_be_visible()
    await bravo.page.wait_for_url(SELECTED)
    moved = SELECTED.search(bravo.page.url)[1]
    await expect(alpha.row(short(moved))).to_be_visible()
    await expect(bravo.needs(f"Wanted {language}")).to_have_count(0)
    exchange.client("alpha").end(standing.plan_id, version=standing.version)


async def test_who_was_faster_at_the_other_desk_is_told(exchange, sit, place):
    plan = exchange.declare("alpha", place, title="Two hands on it")
    late = await sit("alpha")
    await late.open(f"sel=plan.{plan.plan_id}")
    await expect(late.heading("Two hands on it")).to_be_visible()

    async def other_desk_first(route):
        if route.request.method == "PUT":
            body = circle(place, title="Changed at the other desk")
            exchange.client("alpha").change(plan.plan_id, body, version=1)
        await route.continue_()

    await late.page.route(f"**/v1/plans/{plan.plan_id}/state", other_desk_first)
    await late.button("act.activated").click()
    await expect(late.notice(late.say("error.stale"))).to_be_visible()
    await expect(late.heading("Changed at the other desk")).to_be_visible()
    await late.page.unroute(f"**/v1/plans/{plan.plan_id}/state")
    await late.button("act.activated").click()
    await expect(late.detail()).to_contain_text(late.say("state.activated"))
