"""Files of zones to test with: those that are kept here, and those that may not ship and may be absent."""

import gzip
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "vectors" / "zones"
BESIDE = ROOT.parent / "shared" / "data" / "zones"
"""Beside the checkout: data of others that is used in tests and not passed on."""


def content_of(name):
    """The bytes of a file; the test is skipped, naming it, where it is absent."""
    for folder in (KEPT, BESIDE):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    pytest.skip(f"{name} is not here: it may not ship with the project; put it into {BESIDE.name}/ beside it")
    return None


def plain_of(name):
    content = content_of(name)
    return gzip.decompress(content) if name.endswith(".gz") else content
