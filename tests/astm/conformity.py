"""Holds a struct against a schema: it reads what the schema allows, and refuses what the schema refuses."""

import json
from datetime import datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.astm.schema_values import damages, strategy
from tests.astm.schemas import check


def require_reading(struct, component, document):
    """Fail unless everything that a schema allows is read, and written as it came."""

    @settings(max_examples=10, deadline=None)
    @given(st.one_of(strategy(document, component), strategy(document, component, whole=True)))
    def is_read(value):
        message = msgspec.json.decode(json.dumps(value), type=struct)
        written = msgspec.json.encode(message)
        assert _same(check(component, written, document=document), value)
        assert msgspec.json.decode(written, type=struct) == message

    is_read()


def _same(ours, theirs):
    """Equal as JSON; times as instants, since zeros at their end and the zone may be written differently."""
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same(ours[name], theirs[name]) for name in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if isinstance(theirs, str) and theirs.endswith("Z") and ours != theirs:
        return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)
    return ours == theirs


def read_although_wrong(struct, component, document):
    """What was done to a value that is read nevertheless; one place at a time is damaged."""
    read = []

    @settings(max_examples=1, deadline=None, derandomize=True)
    @given(strategy(document, component, whole=True))
    def is_refused(value):
        for what, damaged in damages(document, component, value):
            try:
                msgspec.json.decode(json.dumps(damaged), type=struct)
            except msgspec.ValidationError:
                continue
            read.append(what)

    is_refused()
    return read
