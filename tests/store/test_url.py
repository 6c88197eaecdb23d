"""A database's URL is refused before it is tried, and no message shows its password."""

import pytest

from detente.errors import BadInput, StoreRefused, StoreUnavailable
from detente.store import checked_url, migrate, open_pool, place_of
from detente.store.url import EXPECTED, shown_url

GOOD = {
    "postgresql://u:p@db.example/d": "db.example:5432",
    "postgres://u@db.example:77/d": "db.example:77",
    "postgresql://a,b:5433/d": "a:5432, b:5433",
    "postgresql://u@[::1]:77/d": "[::1]:77",
    "postgresql://r:p@/d?host=%2Frun%2Fx&port=5432": "/run/x",
    "postgresql:///d?host=a,b&port=9": "a:9, b:9",
    "postgresql:///d": "localhost:5432",
}
BAD = (
    "nonsense",
    "http://x",
    "mysql://u:hush@h/d",
    "postgresql:d",
    "postgresql://u@h:notaport/d",
    "postgresql://u@h:70000/d",
    "postgresql://u@h:0/d",
    "postgresql://u@a:1,b:x/d",
    "postgresql://u@h/d?port=x",
    "postgresql://u:hu#sh@h/d",
    "postgresql://u:hu/sh@h/d",
    "postgresql://u:hush@[::1/d",
    "u:hush@h/d",
    "x://h/d?user=u&PASSWORD=hush",
)


@pytest.mark.parametrize("url", GOOD)
def test_a_url_is_taken_and_its_place_is_known(url):
    assert checked_url(url) == url
    assert place_of(url) == GOOD[url]


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_url_is_refused_without_its_password(url):
    with pytest.raises(BadInput, match="is no PostgreSQL URL") as refusal:
        checked_url(url)
    assert refusal.value.members["expected"] == EXPECTED
    assert "hu" not in str(refusal.value.detail)
    assert "hu" not in str(refusal.value.members)


def test_a_password_is_never_shown():
    assert shown_url("postgresql://u:p@ss@h/d") == "postgresql://u:...@h/d"
    assert shown_url("postgresql://u@h/d?password=x&a=b") == "postgresql://u@h/d?password=...&a=b"


@pytest.mark.parametrize("use", [migrate, open_pool])
async def test_connections_name_the_place_and_refuse_by_the_same_rule(use):
    with pytest.raises(BadInput):
        await use("nonsense")
    with pytest.raises(StoreUnavailable, match=r"at 127\.0\.0\.1:1 does not answer: no server is listening"):
        await use("postgresql://a:hush@127.0.0.1:1/x")
    with pytest.raises(StoreUnavailable, match=r"at no\.such\.host\.invalid:5432 .*host name is not known"):
        await use("postgresql://a:hush@no.such.host.invalid/x")
    with pytest.raises(StoreRefused, match="sslmode"):
        await use("postgresql://a:hush@127.0.0.1:1/x?sslmode=perhaps")
