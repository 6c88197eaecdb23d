"""The page behind a problem's ``type``, as HTML for the browser and as Markdown for the documentation."""

import re
from html import escape

import msgspec

from detente.errors import DetenteError, NotFound
from detente.web.model import Reply
from detente.web.pages import page
from detente.web.problem_texts import TEXTS
from detente.web.problems import PROBLEM_PATH, error_classes

_CODE = re.compile(r"`([^`]+)`")


def problem_page(slug: str) -> Reply:
    """The page of one problem.

    Args:
        slug: the last part of the problem's ``type``.

    Raises:
        NotFound: if no problem has it.
    """
    kind = _kinds().get(slug)
    text = TEXTS.get(slug)
    if kind is None or text is None:
        raise NotFound("there is no problem of this name")
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_html(what)}</td></tr>" for name, what in text.members
    )
    members = f"<h2>Members</h2><table><tr><th>member</th><th>says</th></tr>{rows}</table>" if rows else ""
    return page(
        kind.title,
        '<header class="top"><nav><a href="/problems">All problems</a><a href="/docs">API</a></nav></header>'
        f'<h1>{escape(kind.title)}</h1><p class="quiet"><code>{escape(slug)}</code> · status '
        f"{kind.status_hint}</p>"
        f"<p>{_html(text.meaning)}</p><h2>What to do</h2><p>{_html(text.remedy)}</p>{members}"
        f"<h2>Example</h2><pre>{escape(example_json(kind))}</pre>",
    )


def problem_index() -> Reply:
    """The list of all problems."""
    rows = "".join(
        f'<tr><td><a href="{PROBLEM_PATH}{slug}">{slug}</a></td><td>{kind.status_hint}</td>'
        f"<td>{escape(kind.title)}</td></tr>"
        for slug, kind in _kinds().items()
    )
    return page(
        "Problems",
        '<header class="top"><nav><a href="/docs">API</a></nav></header><h1>Problems</h1>'
        "<p>Every refusal is a problem document (RFC 9457) whose <code>type</code> leads to "
        "one of these pages.</p>"
        f"<table><tr><th>type</th><th>status</th><th>title</th></tr>{rows}</table>",
    )


def problem_markdown(slug: str) -> str:
    """What ``docs/problems/<slug>.md`` holds."""
    kind, text = _kinds()[slug], TEXTS[slug]
    rows = "".join(f"| `{name}` | {what} |\n" for name, what in text.members)
    members = f"## Members\n\n| member | says |\n| --- | --- |\n{rows}\n" if rows else ""
    return (
        f"# {kind.title}\n\n`{slug}`, status {kind.status_hint}\n\n{text.meaning}\n\n## What "
        f"to do\n\n{text.remedy}\n\n"
        f"{members}## Example\n\n```json\n{example_json(kind)}\n```\n"
    )


def example_json(kind: type[DetenteError]) -> str:
    """A problem document of one kind, as it may be answered."""
    document = {
        "type": PROBLEM_PATH + kind.slug,
        "title": kind.title,
        "status": kind.status_hint,
        "detail": TEXTS[kind.slug].example,
        "instance": "9f2c4b7a1d0e8853",
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _kinds() -> dict[str, type[DetenteError]]:
    return {kind.slug: kind for kind in error_classes()}


def _html(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
