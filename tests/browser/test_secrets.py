"""What a party does not share is in no byte that other parties' browsers receive, whatever they click."""

import re
import uuid

import pytest
from playwright.async_api import expect

from detente.errors import ConflictingPlan
from tests.browser import MARKS
from tests.browser.exchange import circle
from tests.browser.relay import Relay

pytestmark = MARKS
SHARINGS = ("full", "volumes", "conflicts")
RADIUS_M = {"full": 911.125, "volumes": 922.125, "conflicts": 933.125}
LOWER_M = {"full": 101.375, "volumes": 102.375, "conflicts": 103.375}


def canaries(plan, sharing):
    """Byte strings that stand in each field of a plan, by the field."""
    return {
        "title": f"canary-title-{sharing}".encode(),
        "remarks": f"canary-remarks-{sharing}".encode(),
        "volumes": str(RADIUS_M[sharing]).encode(),
        "plan_id": plan.plan_id.encode(),
        "ovn": plan.ovn.encode(),
    }


HIDDEN = {
    "full": (),
    "volumes": ("title", "remarks", "ovn"),
    "conflicts": ("title", "remarks", "volumes", "plan_id", "ovn"),
}


def declare(exchange, place, sharing):
    return exchange.declare(
        "alpha",
        place,
        title=f"canary-title-{sharing}",
        remarks=f"canary-remarks-{sharing}",
        radius_m=RADIUS_M[sharing],
        lower_m=LOWER_M[sharing],
        sharing=sharing,
        begins_min=-1,
    )


@pytest.mark.parametrize("viewer", ["bravo", "oscar"])
async def test_no_byte_tells_what_is_not_shared(exchange, sit, place, viewer):
    north, east = place
    places = {sharing: (north + 0.2 * k, east) for k, sharing in enumerate(SHARINGS)}
    before = {sharing: declare(exchange, places[sharing], sharing) for sharing in SHARINGS[:2]}
    async with Relay(exchange.url) as relay:
        desk = await sit(viewer, url=relay.url)
        await desk.open()
        # While the page is open: a plan comes, all change state, and what was shared is not any more.
        plans = {**before, "conflicts": declare(exchange, places["conflicts"], "conflicts")}
        versions = {}
        for sharing, plan in plans.items():
            versions[sharing] = exchange.client("alpha").activate(plan.plan_id, version=plan.version)
        await expect(desk.row("canary-title-full")).to_contain_text(desk.say("state.activated"))
        for sharing in ("full", "volumes"):
            await desk.open(f"sel=plan.{plans[sharing].plan_id}")
            await expect(desk.detail()).to_contain_text(plans[sharing].plan_id)
        if viewer == "bravo":
            await meet_them(exchange, desk, places)
        for name in ("query", plans["conflicts"].plan_id):
            await desk.search().fill(name)
        await desk.search().fill("")
        for plan in versions.values():
            exchange.client("alpha").end(plan.plan_id, version=plan.version)
        await expect(desk.row("canary-title-full")).to_have_count(0)
        got = bytes(relay.answers)
    found = {
        f"{sharing}: {field}"
        for sharing, plan in plans.items()
        for field, secret in canaries(plan, sharing).items()
        if secret in got and field in HIDDEN[sharing]
    }
    # The page itself is asked for by addresses; an id that is only in them is not in an answer.
    assert found == set()
    # And the road was listened to: what is shared did come along it.
    assert canaries(plans["full"], "full")["title"] in got
    assert canaries(plans["volumes"], "volumes")["plan_id"] in got
    assert b"text/event-stream" in got


async def meet_them(exchange, desk, places):
    """Draws over all of them, is refused by each, and looks at every refusal."""
    await desk.tab("screen.declare").click()
    for sharing, (north, east) in places.items():
        point = desk.page.get_by_role("textbox", name=desk.say("declare.point"), exact=True)
        drawn = desk.page.get_by_role("textbox", name=desk.words.like("edit.point", is_all=True))
        if await drawn.count():
            await desk.button("declare.clear").click()
        # The form is made anew soon after: what is typed before that is typed into the old one.
        await expect(drawn).to_have_count(0)
        await point.fill(f"{north} {east}")
        await point.press("Enter")
        await desk.page.locator("#draft-upper_m").fill("250")
        await desk.page.locator("#draft-upper_m").press("Tab")
        await expect(desk.page.get_by_text(desk.words.like("declare.in_the_way"))).to_be_visible()
        with pytest.raises(ConflictingPlan):
            exchange.client("bravo").declare(
                str(uuid.uuid4()), circle((north, east), title=f"Refused by {sharing}", begins_min=10)
            )
    await desk.open()
    for sharing in SHARINGS:
        await desk.needs(f"Refused by {sharing}").click()
        await expect(desk.heading(desk.say("refusal.title"))).to_be_visible()
        await desk.button("way.ask").click()
        await expect(desk.button("way.take").first).to_be_visible()
        await expect(desk.detail()).to_contain_text(re.compile("Alpha air rescue"))
