"""The OpenAPI 3.1 document, made from the route list and the types: what is served is what is checked.

Source: OpenAPI Specification 3.1; its schemas are JSON Schema 2020-12, which msgspec writes.
"""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from detente import __version__
from detente.errors import (
    BadInput,
    DetenteError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooMany,
    TooSlow,
    Unavailable,
    UnsupportedMediaType,
)
from detente.web.model import QueryField, RefusalForm, Route
from detente.web.problem_pages import example_json
from detente.web.problem_texts import TEXTS
from detente.web.problems import ERROR_RESPONSE_TYPE, PROBLEM_TYPE, error_classes
from detente.web.schema_examples import example_of

Json = dict[str, Any]

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_KINDS: dict[type, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_REF = "#/components/schemas/{name}"
_ALWAYS: tuple[type[DetenteError], ...] = (BadInput, Unavailable)
_WITH_SCOPE: tuple[type[DetenteError], ...] = (NotAuthenticated, NotAllowed, TooMany)
_WITH_BODY: tuple[type[DetenteError], ...] = (TooLarge, UnsupportedMediaType, TooSlow)
_INTRO = (
    "A deconfliction exchange: parties declare what they will do, where and when; overlaps are found "
    "before they happen, and ways out offered. Altitudes in metres, times RFC 3339, "
    "positions in degrees WGS 84. "
    "Every refusal is a problem document (RFC 9457), or says the same as plain JSON where the standard of "
    "the field asks for that."
)


def openapi_document(routes: Sequence[Route]) -> Json:
    """Describe all routes.

    Args:
        routes: in the order in which they shall be read.

    Returns:
        The document, ready to be encoded as JSON.
    """
    schemas, components = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, components)
    tags = list(dict.fromkeys(route.tag for route in routes))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Détente",
            "version": __version__,
            "description": _INTRO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": {
                **components,
                "Problem": _problem_schema(),
                "Refusal": _error_response_schema(),
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": "detente_session"},
            },
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[int, Json], Json]:
    """The schema of each type that a route names, by the type's identity, and the components they lead to."""
    kinds: list[object] = [route.body for route in routes if route.body is not None]
    kinds += [kind for route in routes for kind in route.answers.values() if kind is not None]
    found, components = msgspec.json.schema_components(kinds, schema_hook=_anything, ref_template=_REF)
    return {id(kind): schema for kind, schema in zip(kinds, found, strict=True)}, components


def _anything(kind: type) -> Json:
    """The schema of a member that may be any JSON value."""
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError(f"{kind} has no JSON schema")


def _operation(route: Route, schemas: dict[int, Json], components: Json) -> Json:
    operation: Json = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": list(_parameters(route)),
        "responses": _answers(route, schemas, components),
        "security": _security(route),
        "x-scope": route.scope,
        "description": _who_may(route),
    }
    if route.body is not None:
        schema = schemas[id(route.body)]
        example = route.example if route.example is not None else example_of(schema, components)
        media_type = "application/x-www-form-urlencoded" if route.form else "application/json"
        operation["requestBody"] = {
            "required": True,
            "content": {media_type: {"schema": schema, "example": msgspec.to_builtins(example)}},
        }
    return operation


def _security(route: Route) -> list[Json]:
    if route.session:
        return [{"session": []}]
    return [{"bearer": [scope]} for scope in route.scopes()]


def _who_may(route: Route) -> str:
    if route.session:
        return "Needs the cookie of a console session; a token is not read."
    named = " or ".join(f"`{scope}`" for scope in route.scopes())
    return f"Needs the scope {named}." if named else "Open to everyone; needs no token."


def operation_id(route: Route) -> str:
    """Name an operation by its method and path, such as ``put_v1_plans_by_plan_id``."""
    path = _VARIABLE.sub(r"by_\1", route.path)
    return f"{route.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', path.lower()).strip('_')}".rstrip("_")


def _parameters(route: Route) -> Iterable[Json]:
    for name in _VARIABLE.findall(route.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 256},
        }
    for field in route.query:
        yield _parameter(field, "query")
    for field in route.headers_in:
        yield _parameter(field, "header")


def _parameter(field: QueryField, place: str) -> Json:
    return {
        "name": field.name,
        "in": place,
        "required": field.is_required,
        "description": field.summary,
        "schema": _KINDS[field.kind],
    }


def _answers(route: Route, schemas: dict[int, Json], components: Json) -> Json:
    answers: Json = {}
    for status, kind in (route.answers or {200: None}).items():
        answer: Json = {"description": _description(status)}
        if kind is not None:
            schema = schemas[id(kind)]
            content: Json = {"schema": schema}
            if route.answer_media_type == "application/json":
                content["example"] = example_of(schema, components)
            answer["content"] = {route.answer_media_type: content}
        answers[str(status)] = answer
    by_status: dict[int, list[type[DetenteError]]] = {}
    for kind_of_error in problems_of(route):
        by_status.setdefault(route.status_of(kind_of_error), []).append(kind_of_error)
    for status, kinds in sorted(by_status.items()):
        problem = _problem_answer(kinds, route)
        # A route may also refuse in a form of its own, as RFC 6749 asks of the token route.
        problem["content"].update(answers.get(str(status), {}).get("content", {}))
        answers[str(status)] = problem
    return answers


def _description(status: int) -> str:
    return "Done." if status < HTTPStatus.MULTIPLE_CHOICES else "See the headers."


def problems_of(route: Route) -> list[type[DetenteError]]:
    """What a route may refuse with: its own errors, and those that the edge adds."""
    kinds = [*route.errors, *_ALWAYS]
    if route.scope is not None:
        kinds += _WITH_SCOPE
    if route.body is not None:
        kinds += _WITH_BODY
    if "{" in route.path and route.refusals is RefusalForm.PROBLEM:
        kinds.append(NotFound)
    return list(dict.fromkeys([*kinds, DetenteError]))


def _problem_answer(kinds: Sequence[type[DetenteError]], route: Route) -> Json:
    is_problem = route.refusals is RefusalForm.PROBLEM
    examples = {kind.slug: {"value": _example(kind, route)} for kind in kinds}
    schema = {"$ref": _REF.format(name="Problem" if is_problem else "Refusal")}
    return {
        "description": "; ".join(f"`{kind.slug}`: {kind.title}" for kind in kinds),
        "content": {
            PROBLEM_TYPE if is_problem else ERROR_RESPONSE_TYPE: {"schema": schema, "examples": examples}
        },
    }


def _example(kind: type[DetenteError], route: Route) -> Json:
    example: Json = msgspec.json.decode(example_json(kind))
    if route.refusals is RefusalForm.ERROR_RESPONSE:
        example |= {"status": route.status_of(kind), "message": example["detail"]}
    return example


def _error_response_schema() -> Json:
    schema = _problem_schema()
    message = {"type": "string", "description": "The same as detail."}
    return {
        **schema,
        "title": "Refusal",
        "description": "A refusal in the form of the field's standard: a problem document with a message.",
        "properties": {**schema["properties"], "message": message},
        "required": [*schema["required"], "message"],
    }


def _problem_schema() -> Json:
    slugs = sorted({kind.slug for kind in error_classes()} & set(TEXTS))
    return {
        "title": "Problem",
        "description": "A refusal (RFC 9457); further members depend on the type.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": [f"/problems/{slug}" for slug in slugs]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string", "description": "The request's id, also in X-Request-Id."},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    }
