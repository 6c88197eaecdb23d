"""Values that a schema allows, drawn by Hypothesis, and values that it does not, one damage each.

Reads the part of OpenAPI 3.0 that the documents in `tests/standards` use, and fails on any other.
"""

import copy
from datetime import UTC, datetime, timedelta
from itertools import chain

from hypothesis import strategies as st

from tests.astm.schemas import resolve, uri_of

_TIMES = st.integers(-(10**12), 10**13).map(
    lambda ms: (
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat().replace("+00:00", "Z")
    )
)
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
_LEAST, _MOST = -(2**31), 2**31 - 1


def settled(schema, uri):
    """A schema without references and without an `anyOf` of one."""
    while True:
        if "$ref" in schema:
            schema, uri = resolve(schema["$ref"], uri)
        elif len(schema.get("anyOf", ())) == 1:
            schema = schema["anyOf"][0]
        else:
            assert "type" in schema, schema
            return schema, uri


def values(schema, uri, *, whole=False):
    """A strategy for what a schema allows; ``whole``: with every member that may be left out."""
    schema, uri = settled(schema, uri)
    kind = schema["type"]
    if kind == "object":
        return _objects(schema, uri, whole)
    if kind == "array":
        least = max(schema.get("minItems", 0), 1 if whole else 0)
        most = max(least, 2)
        return st.lists(values(schema["items"], uri, whole=whole), min_size=least, max_size=most)
    return {"string": _texts, "boolean": _booleans, "integer": _whole, "number": _numbers}[kind](schema)


def _booleans(_schema):
    return st.booleans()


def _whole(schema):
    return st.integers(schema.get("minimum", _LEAST), schema.get("maximum", _MOST))


def _numbers(schema):
    if schema.get("format") == "int32":
        return _whole(schema)
    return st.floats(
        schema.get("minimum", -1e9),
        schema.get("maximum", 1e9),
        exclude_min=schema.get("exclusiveMinimum", False),
        allow_nan=False,
    )


def _objects(schema, uri, whole):
    required = set(schema.get("required", ()))
    members = {name: values(one, uri, whole=whole) for name, one in schema.get("properties", {}).items()}
    always = {name: one for name, one in members.items() if whole or name in required}
    return st.fixed_dictionaries(
        always, optional={name: one for name, one in members.items() if name not in always}
    )


def _texts(schema):
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "uuid":
        return st.uuids(version=4).map(str)
    if schema.get("format") == "date-time":
        return _TIMES
    least, most = schema.get("minLength", 1), schema.get("maxLength", 20)
    return st.one_of(_TEXT.map(lambda text: (text * least)[:most]), st.just("é" * most), st.just("y" * least))


def strategy(document, component, *, whole=False):
    """What a component allows, as JSON values."""
    return values({"$ref": f"#/components/schemas/{component}"}, uri_of(document), whole=whole)


def damages(document, component, value):
    """Every way in which one place of a value can be wrong: what was done, and the value with it.

    ``value`` is not changed; each place that a schema describes and the value has is damaged.
    """
    uri = uri_of(document)
    for path, what, wrong in _damages({"$ref": f"#/components/schemas/{component}"}, uri, value, ()):
        damaged = copy.deepcopy(value)
        *steps, last = path
        place = damaged
        for step in steps:
            place = place[step]
        if wrong is ...:
            del place[last]
        else:
            place[last] = wrong
        yield f"{'.'.join(map(str, path))}: {what}", damaged


def _damages(schema, uri, value, path):
    schema, uri = settled(schema, uri)
    kind = schema["type"]
    if path:
        yield from ((path, what, wrong) for what, wrong in _wrong(schema, kind))
    if kind == "object":
        for name in schema.get("required", ()):
            yield (*path, name), "missing", ...
        for name, one in schema.get("properties", {}).items():
            if name in value:
                yield from _damages(one, uri, value[name], (*path, name))
    if kind == "array":
        yield from chain.from_iterable(
            _damages(schema["items"], uri, one, (*path, index)) for index, one in enumerate(value)
        )


def _wrong(schema, kind):
    yield "of another type", {"object": 1, "array": {}, "string": 5, "boolean": "no"}.get(kind, "7")
    if "enum" in schema:
        yield "no word of the list", "nonsense"
    elif kind == "string":
        yield from _wrong_texts(schema)
    if "minimum" in schema:
        yield "too small", schema["minimum"] - (0 if schema.get("exclusiveMinimum") else 1)
    if "maximum" in schema:
        yield "too large", schema["maximum"] + 1
    if kind == "integer":
        yield "not whole", 1.5
    if schema.get("minItems"):
        yield "empty", []
    if "maxItems" in schema:
        yield "too many", [None] * (schema["maxItems"] + 1)


def _wrong_texts(schema):
    if schema.get("format") in {"uuid", "date-time"}:
        yield f"no {schema['format']}", "x" * 36
    elif "minLength" in schema:
        yield "too short", "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield "too long", "x" * (schema["maxLength"] + 1)
