"""From bytes to types, or to a refusal that names the field.

JSON is read by msgspec into the route's type. Beyond what msgspec refuses, a body may not name a
member twice: two readers of the same signed bytes could otherwise take different values from it (RFC 8259,
section 4).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from urllib.parse import parse_qsl

import msgspec

from detente.errors import BadInput
from detente.web.model import QueryField

Decode = Callable[[bytes], object]

_AT_PATH = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?", re.DOTALL)
_EXPECTED_GOT = re.compile(r"Expected (?P<expected>.*), got (?P<actual>.*)", re.DOTALL)
_EXPECTED = re.compile(r"Expected (?P<expected>.*)", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_INVALID = re.compile(r"Invalid (?:enum )?value (?P<actual>.*)", re.DOTALL)
_MAX_SHOWN = 200
_decode_any = msgspec.json.Decoder().decode
_encode_any = msgspec.json.Encoder().encode


def json_decoder(kind: object) -> Decode:
    """A function that reads a JSON body into ``kind``.

    Args:
        kind: a msgspec type: a struct, a union of structs, or a container of them.

    Returns:
        A function of the body's bytes; it raises BadInput naming ``field``, ``expected`` and ``actual``.
    """
    decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(kind)

    def decode(body: bytes) -> object:
        try:
            value = decoder.decode(body)
            _refuse_repeated_members(body)
        except msgspec.ValidationError as refusal:
            raise invalid_value(refusal, body) from refusal
        except UnicodeDecodeError as refusal:
            raise BadInput(
                f"the body is not UTF-8: byte 0x{refusal.object[refusal.start]:02x} cannot stand there",
                field="",
                expected="UTF-8",
                actual=f"byte 0x{refusal.object[refusal.start]:02x}",
            ) from refusal
        except RecursionError as refusal:
            raise BadInput(
                "the body is nested too deeply", field="", expected="a few levels", actual="too many levels"
            ) from refusal
        except msgspec.DecodeError as refusal:
            raise _not_json(refusal, body) from refusal
        _refuse_nul(body)
        return value

    return decode


def form_decoder(kind: object, max_fields: int) -> Decode:
    """A function that reads an ``application/x-www-form-urlencoded`` body into ``kind``; see json_decoder."""

    def decode(body: bytes) -> object:
        try:
            pairs = parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=max_fields
            )
        except UnicodeDecodeError as refusal:
            raise BadInput("the form is not UTF-8", field="", expected="UTF-8") from refusal
        except ValueError as refusal:
            raise BadInput(
                f"the form has more than {max_fields} fields",
                field="",
                expected=f"at most {max_fields} fields",
            ) from refusal
        fields = _once_each(pairs, "form field")
        try:
            return msgspec.convert(fields, type=kind, strict=False)
        except msgspec.ValidationError as refusal:
            raise invalid_value(refusal, b"") from refusal

    return decode


def read_query(raw: bytes, declared: Mapping[str, QueryField], max_bytes: int) -> dict[str, str]:
    """The query's members, each declared, each once, each readable as its type.

    Args:
        raw: the query string as received, percent-encoded.
        declared: the route's members by name.
        max_bytes: how long ``raw`` may be.

    Returns:
        Names to decoded text; a member declared as ``int`` is text that ``int`` reads, and so on.

    Raises:
        BadInput: naming the member at fault.
    """
    if not raw:
        pairs: list[tuple[str, str]] = []
    elif len(raw) > max_bytes:
        raise BadInput(
            f"the query is longer than {max_bytes} bytes",
            field="query",
            expected=f"at most {max_bytes} bytes",
            actual=f"{len(raw)} bytes",
        )
    else:
        pairs = _pairs_of(raw)
    members = _once_each(pairs, "query member")
    for name, value in members.items():
        known = declared.get(name)
        if known is None:
            raise BadInput(
                f"the query has no member {name[:_MAX_SHOWN]!r}",
                field=name[:_MAX_SHOWN],
                expected=f"one of {', '.join(sorted(declared)) or 'no members at all'}",
                actual=name[:_MAX_SHOWN],
            )
        _check_kind(known, value)
    for known in declared.values():
        if known.is_required and known.name not in members:
            raise BadInput(
                f"the query member {known.name!r} is missing", field=known.name, expected=known.kind.__name__
            )
    return members


def refuse_controls(name: str, value: str) -> None:
    """Refuse a NUL: no store and no log can hold it, and no name needs it."""
    if "\0" in value or "\ufffd" in value:
        raise BadInput(
            f"{name} contains a character that no text here may hold",
            field=name,
            expected="text in UTF-8 without NUL",
        )


def invalid_value(refusal: msgspec.ValidationError, body: bytes) -> BadInput:
    """Put msgspec's sentence into ``field``, ``expected`` and ``actual``.

    Args:
        refusal: what msgspec raised.
        body: where it was found; used to show the value at fault if it is short.
    """
    whole = _AT_PATH.fullmatch(str(refusal))
    what, path = (whole["what"], whole["path"] or "") if whole else (str(refusal), "")
    field = path.lstrip(".")
    if match := _MISSING.fullmatch(what):
        field = f"{field}.{match['name']}".lstrip(".")
        return BadInput(f"{field} is missing", field=field, expected="a value", actual="nothing")
    if match := _UNKNOWN.fullmatch(what):
        field = f"{field}.{match['name']}".lstrip(".")[:_MAX_SHOWN]
        return BadInput(f"{field} is not a member here", field=field, expected="no such member", actual=field)
    expected, actual = _expected_and_actual(what)
    if actual is None:
        actual = _value_at(body, field)
    named = field or "the body"
    return BadInput(f"{named}: {what[:_MAX_SHOWN]}", field=field, expected=expected, actual=actual)


def _expected_and_actual(what: str) -> tuple[str, str | None]:
    if match := _EXPECTED_GOT.fullmatch(what):
        return match["expected"].replace("`", ""), match["actual"].replace("`", "")[:_MAX_SHOWN]
    if match := _EXPECTED.fullmatch(what):
        return match["expected"].replace("`", ""), None
    if match := _INVALID.fullmatch(what):
        return "one of the values that the documentation lists", match["actual"][:_MAX_SHOWN]
    return "a value in range" if "out of range" in what else "a valid value", None


def _value_at(body: bytes, field: str) -> str | None:
    """What stands at ``field``, as text of bounded length; None where it cannot be found."""
    try:
        value: object = _decode_any(body)
    except (ValueError, RecursionError):
        return None
    for step in re.findall(r"\[(\d+)\]|([^.\[\]]+)", field):
        if step[0] and isinstance(value, list) and int(step[0]) < len(value):
            value = value[int(step[0])]
        elif step[1] and isinstance(value, dict) and step[1] in value:
            value = value[step[1]]
        else:
            return None
    if isinstance(value, list | dict | str):
        return f"{len(value)} {'characters' if isinstance(value, str) else 'members'}"
    return json.dumps(value)[:_MAX_SHOWN]


def _not_json(refusal: msgspec.DecodeError, body: bytes) -> BadInput:
    if not body.strip():
        return BadInput("the body is empty", field="", expected="a JSON document", actual="nothing")
    return BadInput(
        f"the body is not JSON: {refusal}", field="", expected="a JSON document", actual=str(refusal)
    )


def _refuse_repeated_members(body: bytes) -> None:
    # A member that is named twice loses at least one colon when the body is decoded and encoded again, and
    # nothing can gain one unless a colon was written as an escape. Counting is fifty times cheaper than
    # looking at each member, so that is done only when the counts differ or an escape is there.
    if b"\\u" not in body and body.count(b":") == _encode_any(_decode_any(body)).count(b":"):
        return
    json.loads(body, object_pairs_hook=_members_once)


def _members_once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise BadInput(
                f"the member {name[:_MAX_SHOWN]!r} is named twice in one object",
                field=name[:_MAX_SHOWN],
                expected="each member once",
                actual="twice",
            )
        seen.add(name)


def _refuse_nul(body: bytes) -> None:
    # PostgreSQL's text cannot hold it; an escaped backslash before "u0000" is harmless, hence the
    # second look.
    if b"\\u0000" in body and re.search(rb"(?<!\\)(?:\\\\)*\\u0000", body):
        raise BadInput(
            "a text in the body holds NUL", field="", expected="text without NUL", actual="\\u0000"
        )


def _pairs_of(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=64,
        )
    except UnicodeError as refusal:
        raise BadInput(
            "the query is not percent-encoded UTF-8", field="query", expected="percent-encoded UTF-8"
        ) from refusal
    except ValueError as refusal:
        raise BadInput(
            f"the query cannot be read: {str(refusal)[:_MAX_SHOWN]}",
            field="query",
            expected="name=value pairs",
        ) from refusal


def _once_each(pairs: Sequence[tuple[str, str]], what: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for name, value in pairs:
        shown = name[:_MAX_SHOWN]
        if name in members:
            raise BadInput(
                f"the {what} {shown!r} is repeated", field=shown, expected="once", actual="repeated"
            )
        refuse_controls(shown, value)
        members[name] = value
    return members


def _check_kind(known: QueryField, value: str) -> None:
    if known.kind is str:
        return
    if known.kind is bool:
        is_readable = value in {"true", "false"}
    elif known.kind is int:
        is_readable = re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII) is not None
    else:
        is_readable = (
            re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?(e-?[0-9]{1,3})?", value, re.ASCII | re.IGNORECASE)
            is not None
        ) and isfinite(float(value))
    if not is_readable:
        expected = {bool: "true or false", int: "a whole number", float: "a finite number"}[known.kind]
        raise BadInput(
            f"the query member {known.name!r} must be {expected}",
            field=known.name,
            expected=expected,
            actual=value[:_MAX_SHOWN],
        )
