"""Another party writes what it likes into every field it has; the page shows it as text and nothing else."""

import re

import pytest
from playwright.async_api import expect

from detente.demo.people import Enrolment
from detente.errors import ConflictingPlan
from detente.parties.model import Role
from tests.browser import MARKS
from tests.browser.desk import CANARY, NARROW, WIDE
from tests.browser.exchange import Exchange
from tests.browser.layout import cut_off
from tests.conftest import temporary_data_dir

pytestmark = MARKS

RUN = f"window.{CANARY}.push(1)"
NASTY = {
    "script": f"<script>{RUN}</script>",
    "image": f"<img src=x onerror={RUN}>\"'><svg onload={RUN}>",
    "markup": f"</bdi></div><iframe srcdoc='<script>parent.{CANARY}.push(1)</script>'>",
    "link": f"javascript:{RUN}//<a href='javascript:{RUN}'>x</a>",
    "style": "</style><style>*{{display:none}}</style><b style='position:fixed;inset:0;background:red'>",
    "host": "<img src=//evil.example/x><link rel=stylesheet href=//evil.example>@import url(//evil.example)",
    "template": "{{constructor.constructor('" + RUN + "')()}}${" + RUN + "}{n}{who}%s",
    "override": "\u202egnp.exe\u202d \u2067\u2066\u2069\u2069\u2069 abc \u202e",
    "invisible": "\u200b\u200d\ufeff\u2060\u00ad\u034f",
    "controls": "a\u0001b\u001b[31mred\u0007\u0085\u2028\u2029",
    "emoji": "\U0001f469\u200d\U0001f467\U0001f3f4\u200d\u2620\ufe0f\U0001f1fa\U0001f1f3" * 8,
    "right to left": "\u0631\u062d\u0644\u0629 \u200f(100 \u0645) \u202b",
    "stacked": "Z" + "\u0337\u0322\u0316\u0356\u034a" * 30,
    "unbroken": "W" * 200,
}
MOST_TITLE = 200
SECRET = "Untouched neighbour"


@pytest.fixture(scope="module")
def hostile():
    """An exchange of its own: names of parties and accounts are hostile too."""
    with temporary_data_dir() as folder:
        cast = (
            Enrolment("mallory", NASTY["image"] + NASTY["override"], Role.DUTY_OFFICER, priority_limit=50),
            Enrolment("victor", NASTY["unbroken"][:180], Role.DUTY_OFFICER),
        )
        exchange = Exchange(folder, cast)
        exchange.declared = declare_all(exchange)
        yield exchange
        exchange.close()


def declare_all(exchange):
    """One plan for each hostile text, in a row to the east; gives their ids by name."""
    plans = {}
    for number, (name, text) in enumerate(NASTY.items()):
        remarks = (f"{text} {name} " * 200)[:2_000]
        plan = exchange.declare("mallory", (0.0, number / 10), title=text[:MOST_TITLE], remarks=remarks)
        plans[name] = plan.plan_id
    lost = exchange.client("mallory").get(plans["script"])
    exchange.client("mallory").report_contingent(lost.plan_id, version=lost.version, reason=NASTY["image"])
    mine = exchange.declare("victor", (1.0, 0.0), title=SECRET, begins_min=30)
    with pytest.raises(ConflictingPlan):
        exchange.declare("mallory", (1.0, 0.0), title=NASTY["image"], begins_min=35)
    return plans, mine


READS_ON = """(own) => { const range = new Range(); range.selectNodeContents(own);
  const end = own.textContent.length; const lefts = [];
  for (const node of own.childNodes) if (node.nodeType === Node.TEXT_NODE && node.data.trim().length > 2) {
    const at = node.data.search(/\\w\\w/); if (at < 0) continue;
    for (const k of [at, at + 1]) { range.setStart(node, k); range.setEnd(node, k + 1);
      lefts.push(range.getBoundingClientRect().left); } }
  return lefts; }"""
"""Where pairs of neighbouring letters of an element's own texts stand."""


@pytest.mark.parametrize(("language", "viewport"), [("en", WIDE), ("ar", NARROW), ("en", NARROW)])
async def test_texts_of_another_party_stay_texts(hostile, sit, pictures, language, viewport):
    plans, mine = hostile.declared
    desk = await sit("victor", language, at=hostile, viewport=viewport)
    await desk.open()
    unseen = set(plans.values())
    for _ in range(len(plans) + 2):
        await desk.page.keyboard.press("]")
        heading = desk.detail().get_by_role("heading", level=2)
        await expect(heading).to_be_focused()
        text = await desk.detail().text_content()
        unseen -= {plan_id for plan_id in unseen if plan_id in text}
        assert await cut_off(desk.page) == [], f"wider than the window: {text[:80]!r}"
        isolation = await heading.locator("bdi").evaluate("one => getComputedStyle(one).unicodeBidi")
        assert isolation in {"isolate", "plaintext"}
    assert unseen == set()
    await desk.page.screenshot(path=pictures / f"hostile-{language}-{viewport['width']}.png")
    await desk.open(f"sel=plan.{mine.plan_id}")
    await desk.page.keyboard.press("d")
    await expect(desk.heading(SECRET)).to_be_visible()
    await expect(desk.page.locator("iframe, img[src=x], script:not([src]), style")).to_have_count(0)


async def test_a_sentence_reads_on_behind_a_name_that_turns_its_direction(hostile, sit):
    desk = await sit("victor", at=hostile)
    await desk.open("list=conflicts")
    await desk.page.get_by_role("listbox", name=desk.say("list.conflicts")).press("Enter")
    sentence = desk.detail().get_by_role("paragraph").first
    await expect(sentence).to_contain_text(SECRET)
    ends = await sentence.evaluate(
        """one => { const node = one.firstChild; const range = new Range();
        const at = node.data.lastIndexOf("m");
        return [at - 1, at].map((k) => { range.setStart(node, k); range.setEnd(node, k + 1);
          return range.getBoundingClientRect().left; }); }"""
    )
    assert ends == sorted(ends)
    await desk.open()
    for row in await desk.page.get_by_role("option").locator(".by").all():
        lefts = await row.evaluate(READS_ON)
        assert lefts == sorted(lefts)


@pytest.mark.parametrize("name", ["image", "unbroken"])
async def test_problem_texts_and_notices_stay_texts(hostile, sit, name):
    desk = await sit("victor", at=hostile)
    plan = hostile.declare("victor", (5.0 + list(NASTY).index(name), 0.0), title="Asked for")
    await desk.open(f"sel=plan.{plan.plan_id}")
    problem = {
        "type": f"/problems/{NASTY[name]}",
        "title": NASTY[name],
        "detail": (NASTY[name] * 200)[:10_000],
        "status": 422,
        "field": NASTY[name],
    }

    async def refuse(route):
        await route.fulfill(status=422, json=problem, content_type="application/problem+json")

    await desk.page.route(re.compile(r"/v1/plans/[^/]+/state"), refuse)
    await desk.button("act.activated").click()
    notice = desk.notice(NASTY[name])
    await expect(notice).to_be_visible()
    assert await cut_off(desk.page) == []
    await expect(desk.button("dismiss")).to_be_in_viewport(ratio=1)
    await desk.button("dismiss").click()
    await expect(notice).to_have_count(0)


async def test_a_script_that_ran_would_be_seen(sit):
    desk = await sit("alpha")
    await desk.open()
    await desk.page.evaluate(
        """(html) => new Promise((seen) => { addEventListener("securitypolicyviolation", () => seen());
        document.body.insertAdjacentHTML("beforeend", html); })""",
        f"<img src=x onerror={RUN}>",
    )
    with pytest.raises(AssertionError, match="broke its own policy"):
        await desk.check_itself()
    await desk.page.evaluate(f"window.__policy.length = 0; {RUN}")
    with pytest.raises(AssertionError, match="a foreign script ran"):
        await desk.check_itself()
    await desk.page.evaluate(f"window.{CANARY}.length = 0")
    desk.faults.clear()
    desk.requests.append("http://evil.example/x.png")
    with pytest.raises(AssertionError, match="asked another host"):
        await desk.check_itself()
    desk.requests.pop()
