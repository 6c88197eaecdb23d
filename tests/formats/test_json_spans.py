"""Where objects begin and end, wherever the text is cut, and in memory a few times the text."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.formats import json_spans
from detente.formats.faults import FaultyFile
from detente.formats.json_spans import spans_in
from detente.formats.read import read_files

LONG = 20 << 20
MOST_TIMES = 6
BEGIN = b'{"type":"FeatureCollection",'
END = b',"features":[]}'
LARGE = {
    "a name that does not end": BEGIN + b'"' + b"a" * LONG,
    "a name": BEGIN + b'"' + b"a" * LONG + b'":1' + END,
    "a text": BEGIN + b'"name":"' + b"a" * LONG + b'"' + END,
    "a text of escapes": BEGIN + b'"name":"' + b'\\"' * (LONG // 2) + b'"' + END,
    "a text in an object": BEGIN + b'"crs":{"\\"":"' + b"a" * LONG + b'"}' + END,
    "brackets": BEGIN + b'"crs":[' + b"[]," * (LONG // 3) + b"1]" + END,
    "a text in a feature": BEGIN + b'"features":[{"\\"":"' + b"a" * LONG + b'"}]}',
}


@pytest.mark.parametrize("name", LARGE)
def test_memory_is_a_few_times_the_file(tmp_path, name):
    path = tmp_path / "large.geojson"
    path.write_bytes(LARGE[name])
    tracemalloc.start()
    try:
        read_files([path])
    except FaultyFile:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST_TIMES * LONG


def spans_one_by_one(text):
    """The same as `spans_in`, a byte at a time."""
    found, begin, depth, is_quoted, is_escaped = [], 0, 0, False, False
    for place, mark in enumerate(text):
        if mark == ord('"') and not is_escaped:
            is_quoted = not is_quoted
        is_escaped = mark == ord("\\") and not is_escaped
        if not is_quoted and mark in b"[{":
            depth += 1
            begin = place if depth == 1 else begin
        if not is_quoted and mark in b"]}":
            depth -= 1
            if depth < 0:
                return found, place
            if depth == 0:
                found.append((begin, place + 1))
    return found, None


@given(text=st.text(alphabet='[]{}"\\a', max_size=40), block=st.integers(1, 9))
def test_blocks_of_any_length_give_the_same_spans(text, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_spans, "BLOCK_BYTES", block)
        spans = spans_in(text.encode())
    found = list(zip(spans.begin.tolist(), spans.end.tolist(), strict=True))
    assert (found, spans.closed_at) == spans_one_by_one(text.encode())
