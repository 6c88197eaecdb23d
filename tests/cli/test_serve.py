"""``detente serve`` and what it refuses before anything runs, each in a line with what was expected."""

import pytest

from tests.cli.conftest import detente


@pytest.mark.parametrize("words", [["serve"], ["init"], ["party", "list"]])
@pytest.mark.parametrize(
    "url", ["nonsense", "http://x", "mysql://u:hush@h/d", "postgresql://u:hush@h:70000/d"]
)
def test_what_is_no_database_url_is_refused_in_a_line(words, url):
    done = detente(*words, "--database", url, check=False)
    assert done.returncode == 1
    refusal, expected = done.stderr.splitlines()
    assert refusal.startswith("detente: '")
    assert "is no PostgreSQL URL" in refusal
    assert expected == "expected: postgresql://USER@HOST:PORT/NAME"
    assert "hush" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--terrain", "/nope"], "terrain is '/nope', which cannot be read"),
        (["--public-url", "nonsense"], "public_url is 'nonsense'"),
        (["--workers", "0"], "workers is 0; expected 1 to 64"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(words, said):
    done = detente("serve", *words, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
