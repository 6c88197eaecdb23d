"""Settings are put together from three places, and a wrong one is refused by name."""

import pytest

from detente.errors import BadInput
from detente.settings import load_settings


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers is 0; expected 1 to 64"),
        ({"pool_size": 101}, "pool_size is 101; expected 1 to 100"),
        ({"public_url": "nonsense"}, "public_url is 'nonsense'"),
        ({"public_url": "ftp://x"}, "public_url"),
        ({"public_url": "https://x/?a=b"}, "public_url"),
        ({"public_url": "https://x/#a"}, "public_url"),
        ({"public_url": "https:///x"}, "public_url"),
        ({"public_url": "https://x:99999"}, "public_url"),
        ({"terrain": "/nope"}, "terrain is '/nope', which cannot be read: No such file or directory"),
        ({"database": "nonsense"}, "'nonsense' is no PostgreSQL URL"),
        ({"log_level": "loud"}, "log_level is 'LOUD'; expected one of DEBUG, INFO, WARNING, ERROR"),
        ({"log_format": "xml"}, "log_format is 'xml'; expected one of auto, json, console"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, said):
    with pytest.raises(BadInput) as refusal:
        load_settings(options, {})
    assert said in refusal.value.detail


def test_a_wrong_variable_is_refused_by_name():
    with pytest.raises(BadInput, match="workers is many; expected 1 to 64"):
        load_settings({}, {"DETENTE_WORKERS": "many"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workerz = 2", "'workerz' is no setting"),
        ("listen = 3", "listen is 3; expected a list of texts"),
        ("data = 3", "data is 3; expected text"),
        ('[[issuers]]\nissuer = "a"\naudience = "b"\ncolour = "c"', "issuers: 'colour' is no setting"),
        ("[[issuers]]\nissuer = 1", "issuers"),
    ],
)
def test_a_wrong_member_of_the_file_is_refused_by_name(tmp_path, text, said):
    file = tmp_path / "detente.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as refusal:
        load_settings({}, {}, file)
    assert said in refusal.value.detail
    assert refusal.value.detail.count(str(file)) <= 1


def test_what_is_empty_counts_as_not_said(tmp_path):
    file = tmp_path / "detente.toml"
    file.write_text('database = ""')
    assert load_settings({"database": "", "public_url": ""}, {"DETENTE_DATABASE": ""}, file) == load_settings(
        {}, {}
    )


def test_good_settings_are_taken(tmp_path):
    given = {"public_url": "https://exchange.example/detente/", "terrain": str(tmp_path), "log_level": "info"}
    settings = load_settings(given, {})
    assert settings.url() == "https://exchange.example/detente"
    assert settings.terrain == str(tmp_path)
