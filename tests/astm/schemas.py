"""Holds JSON values against the schemas of the standards, as their YAML files in `tests/standards` have them.

OpenAPI 3.0 schemas are JSON Schema draft 4 (booleans as `exclusiveMinimum`, nothing beside `$ref` counts).
Read around are three quirks: a member that is required and described nowhere, members that are required in
camelCase and described in snake_case, and `nullable`.
"""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import urljoin

import yaml
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

FOLDER = Path(__file__).parent.parent / "standards"
_TESTING = FOLDER / "automated-testing"
DOCUMENTS = {
    "f3548-21": FOLDER / "f3548-21.yaml",
    "flight_planning": _TESTING / "flight_planning/v1/flight_planning.yaml",
    "geospatial_map": _TESTING / "geospatial_map/v1/geospatial_map.yaml",
    "versioning": _TESTING / "versioning/versioning.yaml",
}


class NotAsTheStandardSays(AssertionError):
    """A value that its schema does not allow; the text names each place and what is wrong there."""


class _Loader(yaml.SafeLoader):
    """YAML in which an example of a time stays a text, and YES and NO are words, as OpenAPI wants."""


_LEFT_OUT = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LEFT_OUT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def uri_of(document):
    """The URI of a document that has a name here; that of any other file is given back."""
    return DOCUMENTS[document].as_uri() if document in DOCUMENTS else document


@cache
def load(uri):
    """One YAML file as it is meant, by its URI."""
    path = Path(uri.removeprefix("file://"))
    # The files themselves hold no other constructors; the loader is the safe one.
    return _meant(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506 - derived from SafeLoader


def _meant(node):
    if isinstance(node, list):
        return [_meant(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _meant(value) for key, value in node.items()}
    if isinstance(node.get("required"), list) and isinstance(node.get("properties"), dict):
        names = (re.sub("([A-Z])", lambda m: "_" + m[1].lower(), name) for name in node["required"])
        node["required"] = [name for name in names if name in node["properties"]]
        if not node["required"]:
            del node["required"]
    if node.pop("nullable", False):
        node = {"anyOf": [node, {"type": "null"}]}
    return node


def _retrieve(uri):
    return Resource.from_contents(load(uri), default_specification=DRAFT4)


_REGISTRY = Registry(retrieve=_retrieve)


def resolve(ref, uri):
    """What a `$ref` points at: the node and the URI of its file."""
    target = urljoin(uri, ref)
    file, _, pointer = target.partition("#")
    node = load(file)
    for step in pointer.strip("/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node, file


def components(document):
    """The names of a document's schemas that are objects."""
    schemas = load(uri_of(document))["components"]["schemas"]
    return [name for name, schema in schemas.items() if "properties" in schema]


def reached(document):
    """The object schemas that a document's operations reach in any file: pairs of name and file URI."""
    found = {}
    waiting = [(load(uri_of(document))["paths"], uri_of(document))]
    while waiting:
        node, uri = waiting.pop()
        if isinstance(node, list):
            waiting.extend((one, uri) for one in node)
        elif isinstance(node, dict):
            waiting.extend((one, uri) for name, one in node.items() if name != "$ref")
            if "$ref" in node:
                inner, file = resolve(node["$ref"], uri)
                one = (node["$ref"].rpartition("/")[2], file)
                if one not in found:
                    found[one] = "properties" in inner
                    waiting.append((inner, file))
    return sorted(one for one, is_object in found.items() if is_object)


def check(component, body, *, document="f3548-21"):
    """Hold a value, or the bytes of one, against `#/components/schemas/<component>`; give it back.

    Raises:
        NotAsTheStandardSays: naming all that is wrong.
    """
    uri = uri_of(document)
    resolve(f"#/components/schemas/{component}", uri)
    return _check({"$ref": f"{uri}#/components/schemas/{component}"}, body, component)


def check_response(method, path, status, body, *, document="f3548-21"):
    """Hold an answer against what the operation may answer; give its value back, None where it has no body.

    Args:
        method: of the request, either case.
        path: of the request, as the document has it: without what stands before it, with or without query.
        status: of the answer.
        body: of the answer, bytes.
        document: whose operation it is.

    Raises:
        NotAsTheStandardSays: no such operation, no such status, or a body that its schema does not allow.
    """
    operation = _operation(method.lower(), path.partition("?")[0], document)
    responses = operation["responses"]
    if str(status) not in responses:
        raise NotAsTheStandardSays(f"{method} {path} answers {status}; allowed: {', '.join(responses)}")
    content = responses[str(status)].get("content")
    if content is None:
        if status == 204 and body:
            raise NotAsTheStandardSays(f"{method} {path} answers {status} with a body: {body[:80]!r}")
        return json.loads(body) if body else None
    schema = content["application/json"]["schema"]
    return _check(_absolute(schema, uri_of(document)), body, f"{method} {path} {status}")


def _absolute(schema, uri):
    return {"$ref": urljoin(uri, schema["$ref"])} if "$ref" in schema else schema


def _operation(method, path, document):
    """The operation of the path that has the fewest parameters among those that match."""
    found = []
    for template, operations in load(uri_of(document))["paths"].items():
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method in operations:
            found.append((template.count("{"), operations[method]))
    if not found:
        raise NotAsTheStandardSays(f"{document} has no operation {method.upper()} {path}")
    return min(found, key=lambda one: one[0])[1]


def _check(schema, body, named):
    value = json.loads(body, parse_constant=_no_number) if isinstance(body, bytes | str) else body
    validator = Draft4Validator(schema, registry=_REGISTRY, format_checker=Draft4Validator.FORMAT_CHECKER)
    errors = [
        f"{named}{error.json_path.removeprefix('$')}: {error.message}" for error in _leaves(validator, value)
    ]
    if errors:
        raise NotAsTheStandardSays("\n".join(errors))
    return value


def _leaves(validator, value):
    """All errors, with those inside an `anyOf` in its stead."""
    waiting = list(validator.iter_errors(value))
    while waiting:
        error = waiting.pop()
        if error.context:
            waiting.extend(error.context)
        else:
            yield error


def _no_number(text):
    raise NotAsTheStandardSays(f"{text} is no JSON number")
