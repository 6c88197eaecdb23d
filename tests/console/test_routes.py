"""The page and its files over HTTP: what may be kept, what is compressed, what a browser lets run."""

import gzip
from urllib.parse import unquote

import httpx
import pytest

from detente.console.routes import accepts_gzip, is_known, routes
from detente.console.static_files import StaticFiles, read_static_files
from detente.web import make_app
from tests.web.tiny import TokenTable, readiness

SCRIPT = b"console.log('a');\n" * 200
NAME = "index-O9c_TDRN.js"
ASSET = f"/console/assets/{NAME}"
PAGE = f'<!doctype html><title>Détente</title><script src="{ASSET}"></script>'.encode()


@pytest.fixture
def folder(tmp_path):
    """A built page, with a file beside it that nobody may read over HTTP."""
    assets = tmp_path / "static" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("a secret")
    (tmp_path / "static" / "licenses.md").write_text("in the package, and not over HTTP")
    (tmp_path / "static" / "index.html").write_bytes(PAGE)
    (assets / NAME).write_bytes(SCRIPT)
    (assets / f"{NAME}.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (assets / "worker-CZtFQQIV.mjs").write_bytes(b"1")
    (assets / "thing-CZtFQQIV.unknown").write_bytes(b"<script>")
    return tmp_path / "static"


def client_of(static):
    app = make_app(routes(static), authenticator=TokenTable(), now_ms=lambda: 0, readiness=readiness)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://edge", headers={"accept-encoding": "identity"}
    )


@pytest.fixture
async def console(folder):
    async with client_of(read_static_files(folder)) as client:
        yield client


async def test_the_root_leads_to_the_console(console):
    answer = await console.get("/")
    assert (answer.status_code, answer.headers["location"], answer.content) == (303, "/console", b"")
    assert (await console.get("/", follow_redirects=True)).content == PAGE


async def test_the_page_is_asked_after_each_time_and_its_files_never_again(console):
    page, script = await console.get("/console"), await console.get(ASSET)
    assert (page.status_code, page.content) == (200, PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert (script.status_code, script.content) == (200, SCRIPT)
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["x-content-type-options"] == "nosniff"


async def test_types_go_by_the_extension_and_an_unknown_one_is_never_run(console):
    worker = await console.get("/console/assets/worker-CZtFQQIV.mjs")
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    unknown = await console.get("/console/assets/thing-CZtFQQIV.unknown")
    assert unknown.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("path", ["/console", ASSET])
async def test_the_policy_lets_nothing_inline_and_no_other_host_in(console, path):
    # Written out: a change of it has to be meant. Assets too: a worker is held to its own answer's policy.
    assert (await console.get(path)).headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


async def test_gzip_goes_to_whoever_reads_it_and_caches_are_told(console):
    plain = await console.get(ASSET)
    packed = await console.get(ASSET, headers={"accept-encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) == int(plain.headers["content-length"])
    assert packed.content == plain.content == SCRIPT
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != packed.headers["etag"]
    small = await console.get("/console/assets/worker-CZtFQQIV.mjs", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers
    assert "vary" not in small.headers


ACCEPTED = {
    "": False,
    "identity": False,
    "gzip": True,
    "GZIP": True,
    "br, gzip;q=0.5": True,
    "gzip;q=0": False,
    "gzip; q=0.000": False,
    "*": True,
    "*;q=0": False,
    "gzip;q=0, *": False,
    "xgzip": False,
}


@pytest.mark.parametrize("said", ACCEPTED)
def test_what_a_client_accepts(said):
    assert accepts_gzip(said) is ACCEPTED[said]


@pytest.mark.parametrize("path", ["/console", ASSET])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_what_the_client_still_has_is_not_sent_again(console, path, encoding):
    first = await console.get(path, headers={"accept-encoding": encoding})
    named = {"accept-encoding": encoding, "if-none-match": first.headers["etag"]}
    again = await console.get(path, headers=named)
    assert (again.status_code, again.content) == (304, b"")
    assert {"content-length", "content-type", "content-encoding"} & set(again.headers) == set()
    for name in ("etag", "cache-control", "vary", "content-security-policy"):
        assert again.headers.get(name) == first.headers.get(name)
    other = await console.get(path, headers={**named, "if-none-match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_tags_are_compared_as_caches_send_them():
    assert all(is_known('"a"', said) for said in ('"a"', 'W/"a"', '"b", "a"', "*"))
    assert not any(is_known('"a"', said) for said in ("", '"b"', '"a-gzip"', "a", '"b", *'))


async def test_head_says_the_same_without_a_body(console):
    whole, head = await console.get(ASSET), await console.head(ASSET)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


OUTSIDE = [
    "nothing.js",
    "..",
    "../index.html",
    "../../secret.txt",
    "..%2f..%2fsecret.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "%2e%2e%2findex.html",
    "..%5c..%5csecret.txt",
    "%252e%252e%252fsecret.txt",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    f"{NAME}.gz",
    f"{NAME}/",
    f"./{NAME}",
    f"{NAME}%00",
    NAME.upper(),
    "",
]


@pytest.mark.parametrize("name", OUTSIDE)
async def test_nothing_else_can_be_named(folder, name):
    sent = []

    async def send(event):
        sent.append(event)

    async def receive():
        return {"type": "http.request", "body": b""}

    # As a server hands it on: decoded once, and never put straight by a client's library.
    for one in {f"/console/assets/{name}", unquote(f"/console/assets/{name}")}:
        scope = {"type": "http", "method": "GET", "path": one, "query_string": b"", "headers": []}
        app = make_app(
            routes(read_static_files(folder)),
            authenticator=TokenTable(),
            now_ms=lambda: 0,
            readiness=readiness,
        )
        await app(scope, receive, send)
    answers = [event for event in sent if event["type"] == "http.response.start"]
    assert {answer["status"] for answer in answers} <= {400, 404}
    bodies = b"".join(event.get("body", b"") for event in sent)
    assert b"secret" not in bodies.replace(b"secret.txt", b"")
    assert b"console.log" not in bodies


async def test_an_exchange_whose_page_was_not_built_says_how_to_build_it(tmp_path):
    static = read_static_files(tmp_path / "nowhere")
    assert static == StaticFiles(None, {})
    async with client_of(static) as console:
        answer = await console.get("/console")
        assert answer.status_code == 200
        assert "The console was not built" in answer.text
        assert "python console/make_page.py" in answer.text
        assert "unsafe" not in answer.headers["content-security-policy"]
        missing = await console.get(ASSET)
        assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")


NOT_IT = {
    "older": gzip.compress(b"older", mtime=0),
    "empty": b"",
    "no-gzip": b"\x1f\x8bnot gzip",
    "cut-short": gzip.compress(SCRIPT, mtime=0)[:-9],
}


@pytest.mark.parametrize("packed", NOT_IT.values(), ids=NOT_IT)
async def test_what_is_not_the_file_compressed_is_not_sent(folder, packed):
    (folder / "assets" / f"{NAME}.gz").write_bytes(packed)
    async with client_of(read_static_files(folder)) as client:
        answer = await client.get(ASSET, headers={"accept-encoding": "gzip"})
    assert (answer.content, "content-encoding" in answer.headers) == (SCRIPT, False)


async def test_the_etag_of_the_unpacked_file_is_that_of_its_bytes(console, folder):
    plain = await console.get(ASSET)
    (folder / "assets" / f"{NAME}.gz").unlink()
    async with client_of(read_static_files(folder)) as client:
        assert (await client.get(ASSET)).headers["etag"] == plain.headers["etag"]
