"""What a feature of a file does not say of itself and somebody else says for it: when, how high, how wide."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from detente.formats.json_spans import Batch
from detente.geo.model import Datum

Instant = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    """Properties for the features that lack them; what is not given here has to be in the file."""

    party: Name | None = None
    start: Instant | None = None
    end: Instant | None = None
    lower_m: float | None = None
    upper_m: float | None = None
    datum: Datum | None = None
    """Of the heights given here; a feature that has heights says above what, or means the ellipsoid."""
    radius_m: float | None = None
    """Of points."""
    width_m: float | None = None
    """Of lines, from border to border."""


def with_defaults(batch: Batch, defaults: Defaults, first: int) -> Batch:
    """Complete a batch of features.

    Args:
        batch: the features' texts, whatever they hold: what is no feature is left for the reader to refuse.
        defaults: what they may lack.
        first: the number of the first feature; a feature without an id is called ``#`` and its number.

    Returns:
        The completed texts.
    """
    parts = [_completed(part, defaults, number) for number, part in enumerate(batch.parts, first)]
    return Batch(text=b"[" + b",".join(parts) + b"]", parts=parts)


def _completed(part: bytes, defaults: Defaults, number: int) -> bytes:
    try:
        feature = msgspec.json.decode(part)
    except (msgspec.DecodeError, RecursionError):
        return part
    if not isinstance(feature, dict):
        return part
    given = feature.get("properties") or {}
    if not isinstance(given, dict):
        return part
    properties = {name: value for name, value in given.items() if value is not None}
    for name in ("party", "start", "end", "radius_m", "width_m"):
        _fill(properties, name, getattr(defaults, name))
    if "lower_m" not in properties and "upper_m" not in properties:
        for name in ("lower_m", "upper_m", "datum"):
            _fill(properties, name, getattr(defaults, name))
    if feature.get("id") is None:
        _fill(properties, "id", f"#{number}")
    return msgspec.json.encode({**feature, "properties": properties})


def _fill(properties: dict[str, object], name: str, value: object) -> None:
    if value is not None:
        properties.setdefault(name, value)
