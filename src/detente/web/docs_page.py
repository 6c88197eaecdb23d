"""The readable page of the API, rendered from the OpenAPI document: no script, nothing from anywhere else."""

import re
from html import escape
from typing import Any

import msgspec

from detente.web.model import Reply
from detente.web.pages import page

Json = dict[str, Any]

_CODE = re.compile(r"`([^`]+)`")


def docs_page(document: Json) -> Reply:
    """Render the document.

    Args:
        document: as ``openapi_document`` makes it.

    Returns:
        A page with the operations grouped by tag, then the types.
    """
    tags = [tag["name"] for tag in document["tags"]]
    schemas: dict[str, Json] = document["components"]["schemas"]
    links = "".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in tags)
    groups = "".join(_group(tag, document) for tag in tags)
    types = "".join(_type(name, schema) for name, schema in sorted(schemas.items()))
    info = document["info"]
    return page(
        "API",
        f'<header class="top"><h1>{escape(info["title"])} API <span class="quiet">'
        f"{escape(info['version'])}</span></h1>"
        f"<p>{_html(info['description'])}</p>"
        f'<nav>{links}<a href="#types">types</a><a href="/problems">problems</a><a '
        'href="/openapi.json">OpenAPI</a></nav>'
        f'</header>{groups}<h2 id="types">types</h2>{types}',
    )


def _group(tag: str, document: Json) -> str:
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    )
    return f'<h2 id="{escape(tag)}">{escape(tag)}</h2>{operations}'


def _operation(path: str, method: str, operation: Json) -> str:
    scope = operation["x-scope"]
    pill = f'<span class="pill">{escape(scope)}</span>' if scope else '<span class="pill">open</span>'
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><span class="method '
        f'{method}">{method.upper()}</span>'
        f"<code>{escape(path)}</code><span>{escape(operation['summary'])}</span>{pill}</summary><div>"
        f"<p>{_html(operation['description'])}</p>{_parameters(operation['parameters'])}"
        f"{_body(operation.get('requestBody'))}{_answers(operation['responses'])}</div></details>"
    )


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td><td>{p['schema']['type']}</td>"
        f"<td>{'required' if p['required'] else ''}</td><td>{_html(p.get('description', ''))}</td></tr>"
        for p in parameters
    )
    return (
        f"<h3>Parameters</h3><table><tr><th>name</th><th>in</th><th>type</th><th></th><th></th>"
        f"</tr>{rows}</table>"
    )


def _body(body: Json | None) -> str:
    if body is None:
        return ""
    media_type, content = next(iter(body["content"].items()))
    return (
        f"<h3>Body</h3><p>{escape(media_type)}: {_kind(content['schema'])}</p>"
        f"{_example(content.get('example'))}"
    )


def _answers(answers: Json) -> str:
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{_answer_kind(answer)}</td><td>"
        f"{_html(answer['description'])}</td></tr>"
        for status, answer in answers.items()
    )
    return f"<h3>Answers</h3><table><tr><th>status</th><th>type</th><th></th></tr>{rows}</table>"


def _answer_kind(answer: Json) -> str:
    return " ".join(_kind(content["schema"]) for content in answer.get("content", {}).values())


def _kind(schema: Json) -> str:
    """A schema in a few words, with links to the types it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(_kind(option) for option in options)
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_kind(schema['items'])}"
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    return escape(str(schema.get("format", schema.get("type", "anything"))))


def _type(name: str, schema: Json) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(member)}</code></td><td>{_kind(inner)}</td>"
        f"<td>{'required' if member in schema.get('required', ()) else ''}</td>"
        f"<td>{_html(_bounds(inner))}</td></tr>"
        for member, inner in schema.get("properties", {}).items()
    )
    table = f"<table>{rows}</table>" if rows else f"<p>{_kind(schema)}</p>"
    return (
        f'<details id="type-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<div><p>{_html(schema.get('description', ''))}</p>{table}</div></details>"
    )


def _bounds(schema: Json) -> str:
    names = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
    words = [f"{name} {schema[name]}" for name in names if name in schema]
    return ", ".join([*([schema["description"]] if "description" in schema else []), *words])


def _example(example: object) -> str:
    if example is None:
        return ""
    shown = msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
    return f"<pre>{escape(shown)}</pre>"


def _html(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False).replace("``", "`"))
