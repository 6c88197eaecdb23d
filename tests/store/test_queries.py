"""Named queries: each with a purpose, none twice."""

import importlib.resources
import pkgutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import detente
from detente.errors import StoreRefused
from detente.store import load_queries
from detente.store.queries import parse_queries

GOOD = """-- Queries.

-- name: one
-- Find one.
SELECT 1

-- name: two_more
-- Find two.
-- Slowly.
SELECT 2;
"""


def test_names_purposes_and_texts():
    queries = parse_queries(GOOD, "x")
    assert list(queries) == ["one", "two_more"]
    assert queries["one"] == "-- Find one.\nSELECT 1"
    assert queries["two_more"].endswith("SELECT 2;")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-- name: a\n-- A.\nSELECT 1\n-- name: a\n-- B.\nSELECT 2", "twice"),
        ("-- name: a\nSELECT 1", "purpose"),
        ("-- name: a\n--\nSELECT 1", "purpose"),
        ("-- name: a\n-- A.\n", "no text"),
        ("-- name: a\n-- A.\n-- only words\n", "no text"),
        ("-- name: A-b\n-- A.\nSELECT 1", "no query name"),
        ("-- name:\n-- A.\nSELECT 1", "no query name"),
        ("SELECT 1\n-- name: a\n-- A.\nSELECT 1", "before the first"),
    ],
)
def test_malformed_files_are_refused(text, why):
    with pytest.raises(StoreRefused, match=why):
        parse_queries(text, "room/queries.sql")


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z"),
        st.from_regex(r"\ASELECT [a-z0-9, ]{1,20}[a-z]\Z"),
        max_size=6,
    )
)
def test_what_is_written_is_read(queries):
    source = "\n\n".join(f"-- name: {name}\n-- Purpose.\n{sql}" for name, sql in queries.items())
    assert parse_queries(source, "x") == {name: f"-- Purpose.\n{sql}" for name, sql in queries.items()}


def test_loaded_once_and_not_to_be_changed(tmp_path, monkeypatch):
    room = tmp_path / "room_of_queries"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "queries.sql").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    queries = load_queries("room_of_queries")
    assert load_queries("room_of_queries") is queries
    with pytest.raises(TypeError):
        queries["one"] = "DROP TABLE statement"
    sys.modules.pop("room_of_queries", None)


def test_every_rooms_queries_load():
    found = 0
    for package in pkgutil.iter_modules(detente.__path__, "detente."):
        if package.ispkg and importlib.resources.files(package.name).joinpath("queries.sql").is_file():
            assert load_queries(package.name)
            found += 1
    assert found > 0
