"""The documents against the code, and the built site against the network."""

import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from msgspec.structs import fields

from detente.settings import PREFIX, Settings
from detente.web.problem_texts import TEXTS
from detente.web.problems import error_classes
from tests.docs.routes_page import PAGE, all_routes, render

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FOLDERS = [DOCS, ROOT / "deploy", ROOT / "src"]
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FETCHED_BY_STYLE = re.compile(r"(url\(|@import)\s*[\"']?(https?:)?//")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def name_of(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """As the site's table of contents makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def broken_links(page):
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page):
    assert list(broken_links(page)) == []


def test_a_broken_link_would_be_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A head\n[a](b.md) [c](#a-head) [d](#e) [f](https://g.example/h)\n`[i](j)`\n")
    assert list(broken_links(page)) == ["b.md", "#e"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    named = re.findall(
        r"`((?:src|tests|bench|docs|deploy|console)/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def table_of(page):
    """First column of a page's tables, without its code marks."""
    return set(re.findall(r"^\| `([^`|]+)`", page.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_is_documented_and_no_other():
    names = {field.name for field in fields(Settings)}
    documented = {name for name in table_of(DOCS / "settings.md") if not name.startswith(PREFIX)}
    assert documented == names


def test_settings_are_documented_with_their_defaults():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    for field in fields(Settings):
        if field.default and field.default not in ((), None):
            shown = field.default[0] if isinstance(field.default, tuple) else field.default
            row = re.search(rf"^\| `{field.name}` \| ([^|]*)\|", page, re.MULTILINE)[1]
            assert f"{shown:g}" in row if isinstance(shown, float) else f"{shown}" in row, field.name


def test_every_variable_is_documented():
    named = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"\bDETENTE_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    settings = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    assert {"DETENTE_POSTGRES_BIN", "DETENTE_WEB_FACTORY"} <= named
    assert [name for name in sorted(named - settings - {"DETENTE_SOME_NAME"}) if name not in page] == []


def test_the_page_of_routes_is_the_programs():
    assert render() == PAGE.read_text(encoding="utf-8"), "run: python -m tests.docs.routes_page"


def test_every_route_of_the_running_application_is_on_the_page():
    names = {(route.method, route.path) for route in all_routes()}
    assert len(names) == len(all_routes())
    assert {("PUT", "/v1/plans/{plan_id}"), ("POST", "/v1/token"), ("GET", "/health")} <= names


def test_every_refusal_has_its_page_and_its_place_in_the_site():
    slugs = {kind.slug for kind in error_classes()}
    assert slugs == set(TEXTS) == {path.stem for path in (DOCS / "problems").glob("*.md")}
    assert {f"problems/{slug}.md" for slug in slugs} <= set(in_nav())


def in_nav():
    def leaves(entry):
        if isinstance(entry, str):
            yield entry
        for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            yield from leaves(inner)

    return list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))


def test_every_decision_is_listed():
    listed = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in (DOCS / "decisions").glob("0*.md"):
        assert f"({page.name})" in listed
        assert f"decisions/{page.name}" in in_nav()


def test_every_dependency_is_justified():
    page = (DOCS / "decisions" / "0005-dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.match(r"[\w-]+", one)[0] for one in needed]
    of_page = json.loads((ROOT / "console" / "package.json").read_text())
    names += [*of_page["dependencies"], *of_page["devDependencies"]]
    assert [name for name in names if not re.search(rf"[|,] {re.escape(name)}[ ,|]", page)] == []


class Requests(HTMLParser):
    """What a browser would fetch by itself when it shows a page."""

    def __init__(self):
        super().__init__()
        self.urls = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        fetched = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
        if tag in fetched and values.get("rel") not in {"canonical", "next", "prev"}:
            self.urls.append(values.get(fetched[tag]) or "")

    def external(self):
        return [url for url in self.urls if re.match(r"([a-z]+:)?//", url)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # Never with --quiet: that keeps the warnings from being counted, and strict lets everything pass.
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_no_other_host(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(in_nav())  # and the page for what is not found
    for page in pages:
        parser = Requests()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.urls
        assert parser.external() == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), (
            sheet
        )


def test_a_request_to_another_host_would_be_seen():
    parser = Requests()
    parser.feed(
        '<script src="//cdn.example/x.js"></script><link rel=stylesheet href="https://f.example/y.css">'
    )
    parser.feed('<a href="https://fine.example/">a</a><img src="pictures/x.svg">')
    assert parser.external() == ["//cdn.example/x.js", "https://f.example/y.css"]
