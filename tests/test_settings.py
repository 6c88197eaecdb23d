"""Settings are put together from three places, and a wrong one is refused by name."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detente.cli.serve import command as serve
from detente.errors import BadInput
from detente.settings import Settings, load_settings


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
        ({"trust_key": ["/nope.pem"]}, "/nope.pem cannot be read: No such file or directory"),
        ({"trust_key": [__file__]}, "test_settings.py: The PEM file holds no public key"),
        ({"audience": ["a,,b"]}, "audience holds an empty name"),
        ({"listen": ["127.0.0.1:1,"]}, " is no address"),
        ({"token_url": "auth.example/token"}, "token_url is 'auth.example/token'"),
        ({"token_url": "ftp://auth.example/token"}, "token_url"),
        ({"exchange": "/dss", "node_of": "alpha"}, "exchange is '/dss'"),
        ({"exchange": "https://x"}, "exchange is set without node_of"),
        ({"node_of": "alpha"}, "node_of is set without exchange"),
        ({"node_of": "exchange", "exchange": "https://x"}, "node_of is 'exchange'"),
        ({"token_client": "x", "token_url": "https://x"}, "token_client is set without token_secret"),
        ({"token_secret": "x", "token_url": "https://x"}, "token_secret is set without token_client"),
        ({"token_client": "x", "token_secret": "x"}, "token_client is set without token_url"),
        ({"trust_key": ["http://keys.example/jwks"]}, "Keys are fetched over https only"),
        ({"node_of": "a", "exchange": "https://x"}, "a node needs tokens that its exchange believes"),
        (
            {"node_of": "a", "exchange": "http://x", "token_url": "https://x"},
            "exchange is 'http://x'",
        ),
        (
            {"node_of": "a", "party": "b", "exchange": "https://x", "token_url": "https://x"},
            "party is 'b', but this is the node of 'a'",
        ),
        ({"party": "a\nb"}, "party is 'a\\nb'"),
        ({"token_subject": "x" * 201}, "token_subject is 'xxx"),
        ({"allow_http_peers": "maybe"}, "allow_http_peers is maybe; expected true or false"),
        ({"test_interfaces": "2"}, "test_interfaces is 2; expected true or false"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, said):
    with pytest.raises(BadInput) as refusal:
        load_settings(options, {})
    assert said in refusal.value.detail


def test_a_secret_that_is_no_text_is_not_shown(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("token_secret = 4711")
    with pytest.raises(BadInput) as refusal:
        load_settings({}, {}, file)
    assert "4711" not in refusal.value.detail + str(refusal.value.members)


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


@pytest.fixture
def pem(tmp_path):
    def make(name):
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        path = tmp_path / name
        path.write_bytes(
            key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return str(path)

    return make


def test_lists_are_repeated_or_separated_by_commas():
    for given in (["a", "b", "c"], ("a,b", "c"), ["a, b,c"]):
        assert load_settings({"audience": given}, {}).audience == ("a", "b", "c")
    assert load_settings({}, {"DETENTE_AUDIENCE": "a, b,c"}).audience == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("True", True), ("false", False), ("0", False)]
)
def test_booleans_come_from_the_environment(text, value):
    settings = load_settings({}, {"DETENTE_TEST_INTERFACES": text, "DETENTE_ALLOW_HTTP_PEERS": text})
    assert (settings.test_interfaces, settings.allow_http_peers) == (value, value)
    assert load_settings({}, settings.environment()) == settings
    assert not load_settings({}, {}).test_interfaces


def test_settings_for_peers_reach_the_workers(pem):
    keys = (pem("one.pem"), pem("two.pem"))
    settings = load_settings(
        {
            "trust_key": keys,
            "audience": ("localhost,exchange.example",),
            "token_url": "http://localhost:8085/token",
            "token_subject": "uss 2",
            "allow_http_peers": True,
            "test_interfaces": True,
            "party": "uss2",
            "node_of": "uss2",
            "exchange": "https://dss.example",
        },
        {},
    )
    assert settings.trust_key == keys
    assert load_settings({}, settings.environment()) == settings
    assert load_settings({}, {"DETENTE_TRUST_KEY": ", ".join(keys)}).trust_key == keys


def test_every_option_of_serve_is_a_setting():
    options = {option.name for option in serve.params}
    fields = set(Settings.__struct_fields__)
    assert options - fields == {"config"}
    assert fields - options == {"rate_per_s", "issuers", "token_client", "token_secret"}
