"""The console over HTTP: its page, the page's files, and a word to whoever did not build them."""

import re

from detente.console.static_files import StaticFile, StaticFiles
from detente.errors import NotFound
from detente.web import QueryField, Reply, Request, Route
from detente.web.pages import HTML_TYPE, page

TAG = "console"
PATH = "/console"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing inline and no other host. ``data:`` images are the map controls' icons, in MapLibre's style sheet.

A worker is held to the policy of its own script's answer, so the assets carry it too.
"""

_NOT_BUILT = (
    "<h1>The console was not built</h1>"
    "<p>Everything else of this exchange works; programs speak to its <a href='/docs'>API</a>.</p>"
    "<p>The page is built when Détente is installed, unless <code>DETENTE_SKIP_CONSOLE=1</code> is set. "
    "In a checkout, this builds it now:</p><pre>make setup\n.venv/bin/python console/make_page.py</pre>"
    "<p>Then start the exchange again.</p>"
)
_WEIGHT = re.compile(r"^\s*(gzip|\*)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?$", re.IGNORECASE)
_CACHED = (
    QueryField("if-none-match", str, "the ETag of what the asker still has"),
    QueryField("accept-encoding", str, "gzip, if the asker reads it"),
)


def routes(static: StaticFiles) -> list[Route]:
    """The console's own routes.

    Args:
        static: the built page; without one, ``GET /console`` says how to build it.
    """

    async def get_root(_: Request) -> Reply:
        return Reply(303, b"", (("Location", PATH),), media_type="text/plain; charset=utf-8")

    async def get_page(request: Request) -> Reply:
        if static.page is None:
            return page("Console", _NOT_BUILT, status=200)
        return reply_with(static.page, request)

    async def get_asset(request: Request) -> Reply:
        file = static.assets.get(request.path["name"])
        if file is None:
            raise NotFound("the console has no file of this name")
        return reply_with(file, request)

    html = HTML_TYPE.partition(";")[0]
    return [
        Route("GET", "/", None, get_root, "Leads to the console.", TAG, answers={303: None}),
        Route(
            "GET",
            PATH,
            None,
            get_page,
            "The console: a page for people.",
            TAG,
            answers={200: str, 304: None},
            headers_in=_CACHED,
            answer_media_type=html,
        ),
        Route(
            "GET",
            f"{PATH}/assets/{{name}}",
            None,
            get_asset,
            "A file that the console's page asks for.",
            TAG,
            answers={200: str, 304: None},
            errors=(NotFound,),
            headers_in=_CACHED,
            answer_media_type="*/*",
        ),
    ]


def reply_with(file: StaticFile, request: Request) -> Reply:
    """Answer with a file as the request's headers ask: compressed or not, or not again.

    Source: RFC 9110, sections 12.5.3 (Accept-Encoding), 13.1.2 (If-None-Match) and 15.4.5 (304).
    """
    is_packed = file.gzipped is not None and accepts_gzip(request.headers.get("accept-encoding", ""))
    etag = file.gzipped_etag if is_packed else file.etag
    headers = [
        ("Cache-Control", file.cache_control),
        ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ]
    if file.gzipped is not None:
        headers.append(("Vary", "Accept-Encoding"))
    headers.append(("ETag", etag))
    if is_known(etag, request.headers.get("if-none-match", "")):
        return Reply(304, None, tuple(headers), file.media_type)
    if is_packed:
        headers.append(("Content-Encoding", "gzip"))
    return Reply(200, file.gzipped if is_packed else file.body, tuple(headers), file.media_type)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a client reads gzip; what it says of gzip goes before what it says of everything."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.split(","):
        if match := _WEIGHT.match(part):
            weights[match[1].lower()] = match[2] is None or match[2].strip("0.") != ""
    return weights.get("gzip", weights.get("*", False))


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether a client says that it has this very representation; compared weakly, as RFC 9110 asks."""
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return etag in named or named == ["*"]
