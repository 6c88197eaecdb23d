"""axe-core, out of the page's own development packages: finds what keeps people from using a page."""

from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@cache
def source():
    return SOURCE.read_text(encoding="utf-8")


async def violations(page):
    """What axe finds on the page as it is: one line for each place, with the rule and why."""
    await page.evaluate(f"window.axe || ({{ run() {{ {source()} }} }}).run()")
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:100]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
