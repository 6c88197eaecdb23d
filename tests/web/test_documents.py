"""What is served about the API is true: OpenAPI valid, a page for each problem, nothing from other hosts."""

import re
from html.parser import HTMLParser

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from detente.plans.listening import EventLimits
from detente.plans.model import PlanBody
from detente.web.limits import DEFAULT_BODY_BYTES, Limits
from detente.web.openapi import openapi_document
from detente.web.problem_pages import problem_markdown
from detente.web.problem_texts import TEXTS
from detente.web.problems import error_classes
from detente.web.server import ServerSettings
from tests.web import tiny
from tests.web.conftest import ROOT

DOCS = ROOT / "docs"
SLUGS = [kind.slug for kind in error_classes()]


class Outside(HTMLParser):
    """Collects whatever a page would fetch or run."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.links = []
        self.ids = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in {"script", "iframe", "object", "embed", "link", "img", "base", "form"}:
            self.found.append(tag)
        self.found += [name for name in attrs if name.startswith("on") or name in {"src", "style"}]
        if "href" in attrs:
            self.links.append(attrs["href"])
        if "id" in attrs:
            self.ids.append(attrs["id"])


def read_page(response):
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    page = Outside()
    page.feed(response.text)
    assert page.found == []
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in page.links)
    assert "http://" not in response.text
    assert "https://" not in response.text
    return page


async def test_openapi_is_valid_and_complete(edge):
    document = (await edge.get("/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    for route in tiny.routes():
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["x-scope"] == route.scope
        assert operation["summary"] == route.summary
        assert bool(operation["security"]) == (route.scope is not None)
        assert {"401", "403", "429"} <= set(operation["responses"]) or route.scope is None
        assert ("requestBody" in operation) == (route.body is not None)
        for kind in route.errors:
            content = operation["responses"][str(kind.status_hint)]["content"]
            assert kind.slug in content["application/problem+json"]["examples"]
    assert {"/health", "/ready", "/metrics", "/docs", "/openapi.json"} <= set(document["paths"])
    ids = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))


async def test_examples_are_taken_by_the_server(edge):
    document = (await edge.get("/openapi.json")).json()
    content = document["paths"]["/v1/plans/{plan_id}"]["put"]["requestBody"]["content"]["application/json"]
    msgspec.convert(content["example"], PlanBody)
    form = document["paths"]["/v1/form"]["post"]["requestBody"]["content"]
    example = form["application/x-www-form-urlencoded"]["example"]
    assert (await edge.post("/v1/form", data=example)).status_code == 200


def test_an_example_is_made_where_none_is_given():
    route = msgspec.structs.replace(tiny.routes()[0], example=None)
    made = openapi_document([route])["paths"][route.path]["put"]["requestBody"]["content"]
    msgspec.convert(made["application/json"]["example"], PlanBody)


async def test_the_docs_page_shows_every_route_and_asks_nobody_else(edge):
    response = await edge.get("/docs")
    page = read_page(response)
    for route in tiny.routes():
        assert route.summary in response.text
        assert route.path in response.text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "prefers-color-scheme: dark" in response.text


@pytest.mark.parametrize("slug", SLUGS)
async def test_every_problem_has_a_page(edge, slug):
    response = await edge.get(f"/problems/{slug}")
    read_page(response)
    assert slug in response.text
    assert TEXTS[slug].meaning[:20] in response.text


@pytest.mark.parametrize("slug", SLUGS)
def test_every_problem_is_in_the_documentation(slug):
    assert (DOCS / "problems" / f"{slug}.md").read_text() == problem_markdown(slug)


def test_no_text_and_no_page_without_its_problem():
    assert set(TEXTS) == set(SLUGS)
    assert {path.stem for path in (DOCS / "problems").glob("*.md")} == set(SLUGS)


async def test_the_list_of_problems_leads_to_each(edge):
    page = read_page(await edge.get("/problems"))
    assert {f"/problems/{slug}" for slug in SLUGS} <= set(page.links)
    assert (await edge.get("/problems/no-such")).status_code == 404


def test_the_edges_limits_are_in_the_documentation():
    text = (DOCS / "limits.md").read_text()
    rows = {
        match[1]: match[2].replace(",", "")
        for match in re.finditer(r"^\| `?([a-z_.]+)`? \| ([0-9.,]+)", text, re.MULTILINE)
    }
    for settings in (Limits(), ServerSettings(), EventLimits()):
        for name in settings.__struct_fields__:
            if isinstance(value := getattr(settings, name), int | float):
                assert float(rows[name]) == value, name
    assert float(rows["max_body_bytes"]) == DEFAULT_BODY_BYTES
