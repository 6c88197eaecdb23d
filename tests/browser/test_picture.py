"""The picture in the README: the demo's small story with a real conflict, as one of its parties sees it."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from detente.demo.story import CAST, Stage
from tests.browser import MARKS
from tests.browser.exchange import Exchange
from tests.conftest import temporary_data_dir
from tests.docs.test_picture import MOST_BYTES

pytestmark = MARKS
TAKEN = "DETENTE_PICTURE"
"""Where the picture is written; ``make picture`` names the one in the documents."""


@pytest.fixture(scope="module")
def valley():
    """The demo's valley: the fire service flies, the inspection was refused, the ambulance goes first."""
    with temporary_data_dir() as folder:
        exchange = Exchange(folder, CAST)
        desks = {one.party_id: exchange.client(one.party_id) for one in CAST}
        stage = Stage(desks, datetime.now(UTC).replace(microsecond=0), lambda _: None)
        stage.declare("fire")
        stage.enter("fire", "flies", type(desks["fire-service"]).activate)
        assert stage.declare("inspection") is not None
        stage.declare("rescue")
        yield exchange
        exchange.close()


async def test_the_picture_shows_a_conflict_and_its_ways_out(valley, sit, pictures):
    desk = await sit("valley-drones", at=valley, color_scheme="dark", viewport={"width": 1440, "height": 860})
    await desk.open()
    await desk.needs("Power line inspection").click()
    await expect(desk.heading(desk.say("refusal.title"))).to_be_visible()
    await desk.button("way.ask").click()
    await expect(desk.button("way.take").first).to_be_visible()
    # What the documents say of the picture has to be in it.
    for shown in (
        desk.detail().get_by_text("Fire service").first,
        desk.row("Fire service"),
        desk.slider(),
        desk.search(),
        desk.map(),
    ):
        await expect(shown).to_be_in_viewport()
    await desk.page.mouse.move(0, 0)
    await desk.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.then(() => 1)))")
    taken = Path(os.environ.get(TAKEN) or pictures / "console.png")
    shot = await desk.page.screenshot(path=taken)
    assert len(shot) < MOST_BYTES
