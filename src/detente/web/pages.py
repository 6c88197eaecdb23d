"""The look of the pages that the server shows: HTML with one style sheet inside, no script, no other host."""

import base64
import hashlib
from html import escape

from detente.web.model import Reply

HTML_TYPE = "text/html; charset=utf-8"

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
)
"""On every answer."""

STYLE = """
:root { color-scheme: light dark; --ink: #16212b; --paper: #fbfbf9; --quiet: #5a6772; --line: #d9dedf;
  --card: #ffffff; --accent: #0b6e99; --get: #0b6e99; --put: #8a5a00; --post: #2f7d32; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebee; --paper: #11171c; --quiet: #98a6b0;
  --line: #2b353d; --card: #182027; --accent: #6cc4ea; --get: #6cc4ea; --put: #e5b45a; --post: #86d08a;
  --delete: #ff8f86; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; }
header.top { border-bottom: 1px solid var(--line); padding-bottom: 1rem; margin-bottom: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.5rem
  0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .35rem; } p { margin: .4rem 0 .8rem; max-width: 70ch; }
a { color: var(--accent); } .quiet { color: var(--quiet); } nav a { margin-right: 1rem; }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .8rem 1rem; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid
  var(--line); }
th { font-weight: 600; color: var(--quiet); font-size: .85rem; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: .6rem 0; }
details > div { padding: 0 1rem .8rem; border-top: 1px solid var(--line); }
summary { cursor: pointer; padding: .65rem 1rem; display: flex; gap: .8rem; align-items: baseline;
  flex-wrap: wrap; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.method { font: 600 .8rem ui-monospace, monospace; min-width: 4.2rem; }
.get { color: var(--get); } .put { color: var(--put); } .post { color: var(--post); } .delete { color:
  var(--delete); }
.pill { border: 1px solid var(--line); border-radius: 99px; padding: 0 .6rem; font-size: .8rem; color:
  var(--quiet); }
"""

_STYLE_SHA256 = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page(title: str, body: str, *, status: int = 200) -> Reply:
    """A whole page.

    Args:
        title: plain text; escaped here.
        body: HTML; whoever makes it escapes what it holds.
        status: of the answer.
    """
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Détente</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    return Reply(
        status=status,
        body=html.encode(),
        headers=(("Content-Security-Policy", CONTENT_SECURITY_POLICY), ("Cache-Control", "no-cache")),
        media_type=HTML_TYPE,
    )
