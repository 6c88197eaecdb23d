"""The picture of the console that ``make picture`` takes is small, and shown with words beside it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "pictures" / "console.png"
MOST_BYTES = 400_000


@pytest.mark.parametrize(
    ("page", "path"),
    [("README.md", "docs/pictures/console.png"), ("docs/console.md", "pictures/console.png")],
)
def test_the_documents_show_the_picture_and_say_what_is_in_it(page, path):
    assert KEPT.read_bytes().startswith(b"\x89PNG")
    assert KEPT.stat().st_size < MOST_BYTES
    before, shown, _ = (ROOT / page).read_text(encoding="utf-8").partition(f"]({path})")
    assert shown
    assert "conflict" in before.rpartition("![")[2]
