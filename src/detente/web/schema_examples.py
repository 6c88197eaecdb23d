"""An example for a JSON schema: the smallest value it takes, with the examples and defaults that it names."""

from typing import Any

Json = dict[str, Any]

_MAX_DEPTH = 16
_FORMATS = {"date-time": "2026-06-01T12:00:00Z", "uuid": "7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a", "byte": ""}
_SIMPLE: dict[str, object] = {"boolean": True, "null": None, "string": "text"}


def example_of(schema: Json, components: Json, depth: int = 0) -> object:
    """Make a value that the schema takes.

    Args:
        schema: JSON Schema as msgspec writes it.
        components: what its references lead to, by name.
        depth: how many schemas this one lies in; types that contain themselves end somewhere.

    Returns:
        A value of JSON's types.
    """
    if depth > _MAX_DEPTH:
        return None
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    for choice in ("examples", "enum"):
        if schema.get(choice):
            first: object = schema[choice][0]
            return first
    if "const" in schema:
        return schema["const"]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return example_of(
            next((o for o in options if o.get("type") != "null"), options[0]), components, depth + 1
        )
    return _of_type(schema, components, depth)


def _of_type(schema: Json, components: Json, depth: int) -> object:
    kind = schema.get("type")
    if kind == "object":
        properties: dict[str, Json] = schema.get("properties", {})
        return {name: _member(inner, components, depth) for name, inner in properties.items()}
    if kind == "array":
        return _array(schema, components, depth)
    if kind in {"integer", "number"}:
        return schema.get("default", schema.get("minimum", 0))
    if kind == "string" and "format" in schema:
        return _FORMATS.get(schema["format"], "text")
    return _SIMPLE.get(str(kind))


def _array(schema: Json, components: Json, depth: int) -> list[object]:
    if "prefixItems" in schema:
        return [example_of(inner, components, depth + 1) for inner in schema["prefixItems"]]
    if not isinstance(schema.get("items"), dict):
        return []
    return [example_of(schema["items"], components, depth + 1)] * max(1, int(schema.get("minItems", 1)))


def _member(schema: Json, components: Json, depth: int) -> object:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]
    return example_of(schema, components, depth + 1)
