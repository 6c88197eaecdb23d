"""The session of ``docs/join.md``, sent as it stands; the table of ``docs/astm-f3548.md``, file by file."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from tests.astm.house import House, volume
from tests.astm.schemas import check_response

PAGE = Path(__file__).parents[2] / "docs" / "join.md"
BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Exchange:
    """One request of the page: what is sent, as whom, and what is answered."""

    def __init__(self, text):
        first, *lines = text.strip().splitlines()
        self.method, self.path = first.split(" ", 1)
        self.who, self.scopes, body, self.captures = None, (), [], {}
        self.status = None
        for line in lines:
            if line.startswith("as "):
                self.who, _, scopes = line.removeprefix("as ").partition(" with ")
                self.scopes = scopes.split()
            elif re.fullmatch(r"\d{3}", line):
                self.status = int(line)
            elif self.status is not None and " = " in line:
                name, _, place = line.partition(" = ")
                self.captures[name] = place.split(".")
            elif line:
                body.append(line)
        self.body = "\n".join(body)


def filled(text, values):
    return re.sub(r"\$([A-Z]+\d*)", lambda found: values[found[1]], text)


def dug(value, place):
    for step in place:
        value = value[int(step)] if step.isdecimal() else value[step]
    return value


@pytest_asyncio.fixture
async def house(pg_pool):
    made = House(pg_pool, with_aux=True)
    yield made
    await made.http.aclose()


async def test_the_session_is_as_the_page_says(house):
    exchanges = [Exchange(text) for text in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(exchanges) >= 10
    house.now = datetime.now(UTC)
    values = {"AREA": json.dumps(volume(start=house.now + timedelta(hours=1)))}
    for one in exchanges:
        headers = {"authorization": f"Bearer {','.join([one.who, *one.scopes])}"} if one.who else {}
        path, content = filled(one.path, values), filled(one.body, values) or None
        if content:
            headers["content-type"] = "application/json"
        answer = await house.http.request(one.method, path, content=content, headers=headers)
        assert answer.status_code == one.status, (one.method, one.path, answer.text)
        if path.startswith("/dss/"):
            check_response(one.method, path, answer.status_code, answer.content)
        for name, place in one.captures.items():
            values[name] = dug(answer.json(), place)
    assert values["TOLD"] == values["URL1"] == "https://uss1.example/utm"


def test_every_clause_names_a_file_and_a_test():
    page = (PAGE.parent / "astm-f3548.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests)/[^`]+)`", page)
    root = PAGE.parents[1]
    assert [name for name in named if not (root / name).is_file()] == []
    tests = {name for name in named if name.startswith("tests/")}
    assert [one for one in tests if "def test_" not in (root / one).read_text(encoding="utf-8")] == []
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)]
    assert numbers == list(range(1, 51))
