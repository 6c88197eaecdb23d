"""A file out of a map program, dropped onto the form: read by the exchange, faults told, then declared."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.browser import MARKS

pytestmark = MARKS
SELECTED = re.compile(r"sel=plan\.([0-9a-f-]{36})")
DROP = """([name, text]) => {
  const moved = new DataTransfer(); moved.items.add(new File([text], name)); return moved; }"""


async def drop(desk, name, text):
    moved = await desk.page.evaluate_handle(DROP, [name, text])
    await desk.page.locator(".declare-screen").dispatch_event("drop", {"dataTransfer": moved})


def geojson(place, **properties):
    point = {"type": "Point", "coordinates": [place[1], place[0]]}
    return json.dumps({"type": "Feature", "properties": properties, "geometry": point})


def kml(place, title):
    return f"""<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>{title}</name>
      <Point><coordinates>{place[1]},{place[0]}</coordinates></Point></Placemark></kml>"""


@pytest.mark.parametrize("kind", ["geojson", "kml"])
async def test_a_dropped_file_is_declared(exchange, sit, place, kind):
    title = f"Dropped as {kind}"
    desk = await sit("alpha")
    await desk.open()
    await desk.tab("screen.declare").click()
    text = geojson(place, title=title, radius_m=250) if kind == "geojson" else kml(place, title)
    await drop(desk, f"flight.{kind}", text)
    await expect(desk.page.get_by_label(desk.say("title"), exact=True)).to_have_value(title)
    await expect(desk.page.get_by_text(desk.say("declare.free"))).to_be_visible()
    await desk.button("declare.send").click()
    await expect(desk.heading(title)).to_be_visible()
    await desk.page.wait_for_url(SELECTED)
    center = exchange.client("alpha").get(SELECTED.search(desk.page.url)[1]).volumes[0].shape.center
    assert (center.lat_deg, center.lon_deg) == pytest.approx(place)


async def test_what_is_wrong_with_a_file_is_told_and_its_texts_stay_texts(sit, place):
    desk = await sit("alpha")
    await desk.open()
    await desk.tab("screen.declare").click()
    nasty = "<img src=x onerror=window.__detente_canary.push(1)>"
    await drop(desk, f"{nasty}.geojson", geojson(place, radius_m=nasty))
    told = desk.page.get_by_role("listitem").filter(has_text="radius_m").first
    await expect(told).to_be_visible()
    await expect(desk.page.get_by_text(desk.say("file.faults"))).to_contain_text(nasty)
    await drop(desk, "empty.geojson", "")
    await expect(told).to_have_count(0)
    await expect(desk.page.locator("img[src=x]")).to_have_count(0)
