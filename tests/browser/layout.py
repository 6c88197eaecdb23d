"""What of a page is out of sight or out of reach, in its own browser's measure."""

CONTROLS = "button, input, select, textarea, summary, h1, h2, h3"
CUT_OFF = """(controls) => [...document.querySelectorAll(controls)]
  .filter((one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
  .filter((one) => { const box = one.getBoundingClientRect();
    return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1); })
  .filter((one) => !one.closest('[tabindex="0"]:not([role=listbox])') && !one.classList.contains('sr'))
  .map((one) => one.outerHTML.slice(0, 120))"""
OUT_OF_REACH = """([within, controls]) => [...document.querySelector(within).querySelectorAll(controls)]
  .filter((one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
  .filter((one) => !one.classList.contains('sr') && !one.closest('[role=listbox]'))
  .filter((one) => { one.scrollIntoView({ block: 'center', behavior: 'instant' });
    const box = one.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !hit || !(one.contains(hit) || hit.contains(one)); })
  .map((one) => one.outerHTML.slice(0, 120))"""


async def cut_off(page):
    """Controls and headings that reach out of the window sideways, where nothing scrolls them in."""
    found = await page.evaluate(CUT_OFF, CONTROLS)
    is_wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*(["the page"] if is_wide else []), *found]


async def out_of_reach(page, within="body"):
    """Controls and headings in a part that no scrolling brings to where a pointer meets them."""
    return await page.evaluate(OUT_OF_REACH, [within, CONTROLS])
