"""Invariant 5: whatever a party asks, no answer holds what it may not see; searched in the answers' bytes."""

import asyncio
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from detente.parties.model import Role
from tests.web.asgi_stream import Reader

ALPHA = ("alpha", Role.DUTY_OFFICER)
OTHERS = [("bravo", Role.PLANNER), ("bravo", Role.DUTY_OFFICER)]
START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
MISSING = "5e3c1f6a-0000-4000-8000-000000000000"


def volume(*, lat=47.0, lon=8.0, radius_m=700.0, lower_m=123.25, upper_m=456.75, minutes=30):
    return {
        "shape": {"kind": "circle", "center": {"lat_deg": lat, "lon_deg": lon}, "radius_m": radius_m},
        "lower_m": lower_m,
        "upper_m": upper_m,
        "start": START.isoformat(),
        "end": (START + timedelta(minutes=minutes)).isoformat(),
    }


def plan(sharing, *volumes, **more):
    return {
        "volumes": list(volumes) or [volume()],
        "title": f"title-{sharing}",
        "remarks": f"remarks-{sharing}",
        "sharing": sharing,
        **more,
    }


async def declare(house, who, body):
    plan_id = str(uuid.uuid4())
    answer = await house.call("PUT", f"/v1/plans/{plan_id}", who=who, body=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def every_answer(house, who, plan_ids):
    """The bytes of the answers to everything that a party can ask, also about what it may not see."""
    answers = []

    async def ask(method, path, body=None, **headers):
        answer = await house.call(method, path, who=who, body=body, **headers)
        assert answer.status_code < 500
        answers.append((f"{method} {path}", answer.content + repr(answer.headers.raw).encode()))
        return answer

    for plan_id in plan_ids:
        for tail in ("", "/history", "/conflicts"):
            await ask("GET", f"/v1/plans/{plan_id}{tail}")
        await ask("PUT", f"/v1/plans/{plan_id}", plan("full"), if_match='"1"')
        await ask("PUT", f"/v1/plans/{plan_id}", plan("full"))
        for state in ("activated", "ended"):
            await ask("PUT", f"/v1/plans/{plan_id}/state", {"state": state}, if_match='"1"')
    everywhere = volume(radius_m=5_000.0, lower_m=0.0, upper_m=2_000.0, minutes=60)
    states = ["accepted", "activated", "nonconforming", "contingent", "ended"]
    await ask("POST", "/v1/plans/query", {"states": states})
    await ask("POST", "/v1/plans/query", {"states": states, "party_id": "alpha", "limit": 1})
    await ask("POST", "/v1/plans/query", {"states": states, "area": everywhere["shape"]})
    await ask("POST", "/v1/plans/conflicts/query", {"states": states})
    await ask("POST", "/v1/plans/check", {"volumes": [everywhere], "ways_out": {}})
    await ask("POST", "/v1/plans/check", {"volumes": [everywhere], "ignore_plan_id": plan_ids[0]})
    refused = await ask(
        "PUT", f"/v1/plans/{uuid.uuid4()}", plan("full", everywhere, title="mine", remarks="")
    )
    assert refused.status_code == 409
    for query in ({}, {"party_id": "alpha"}, {"settled": True}, {"settled": False}, {"limit": 1}):
        known = await ask("POST", "/v1/refusals/query", query)
        for one in known.json()["refusals"]:
            await ask("GET", f"/v1/refusals/{one['refusal_id']}")
    for plan_id in plan_ids:
        await ask("POST", "/v1/refusals/query", {"plan_id": plan_id})
    for path in ("/v1/parties", "/v1/whoami", "/v1/separations", "/metrics", "/openapi.json", "/docs"):
        await ask("GET", path)
    return answers


@pytest.mark.parametrize("who", OTHERS, ids=lambda who: who[1].value)
async def test_nothing_that_is_not_shared_is_in_any_answer(house, who):
    hidden = await declare(house, ALPHA, plan("conflicts"))
    shown = await declare(house, ALPHA, plan("volumes", volume(lat=47.02)))
    ended = await declare(house, ALPHA, plan("conflicts", volume(lat=47.04, lower_m=777.125, upper_m=888.5)))
    await house.call(
        "PUT", f"/v1/plans/{ended['plan_id']}/state", who=ALPHA, body={"state": "ended"}, if_match='"1"'
    )
    plan_ids = [hidden["plan_id"], shown["plan_id"], ended["plan_id"]]
    secrets = [
        b"title-", b"remarks-", hidden["ovn"].encode(), shown["ovn"].encode(), ended["ovn"].encode(),
        b"777.125", b"888.5", b"700.0",
    ]  # fmt: skip
    for asked, answer in await every_answer(house, who, plan_ids):
        # The volumes and the radius of the shown plan, and what the asker's own body said, are no secret.
        found = [secret for secret in secrets if secret in answer]
        if asked == "POST /v1/plans/query" or asked.endswith(shown["plan_id"]):
            found = [secret for secret in found if secret != b"700.0"]
        assert found == [], asked
        for plan_id in (hidden["plan_id"], ended["plan_id"]):
            if plan_id not in asked:
                assert plan_id.encode() not in answer, asked


@pytest.mark.parametrize("who", OTHERS, ids=lambda who: who[1].value)
async def test_of_a_refusal_the_party_in_the_way_learns_the_shared_piece_and_nothing_else(house, who):
    mine = await declare(house, who, plan("conflicts", volume(lat=47.01, lower_m=200.0, upper_m=300.0)))
    hers, settled, elsewhere = (str(uuid.uuid4()) for _ in range(3))
    secret = plan("conflicts", volume(lat=47.0, lon=8.001, radius_m=1_234.5, lower_m=123.25, upper_m=456.75))
    for plan_id in (hers, settled):
        refused = await house.call("PUT", f"/v1/plans/{plan_id}", who=ALPHA, body=secret)
        assert refused.status_code == 409
        assert mine["plan_id"] not in refused.text
    moved = plan("conflicts", volume(lat=47.5, lon=8.001, radius_m=1_234.5, lower_m=123.25, upper_m=456.75))
    made = await house.call("PUT", f"/v1/plans/{settled}", who=ALPHA, body=moved)
    assert made.status_code == 201
    # What is in the way of another one is hidden, and so that refusal is none of the asker's business.
    await declare(
        house, ("alpha", Role.PLANNER), plan("conflicts", volume(lat=46.0, lower_m=777.125, upper_m=888.5))
    )
    other = plan("volumes", volume(lat=46.0, radius_m=1_234.5, lower_m=780.0, upper_m=888.5))
    assert (await house.call("PUT", f"/v1/plans/{elsewhere}", who=ALPHA, body=other)).status_code == 409
    secrets = [
        b"title-conflicts", b"remarks-conflicts", b"1234.5", b"123.25", b"456.75", b"777.125", b"888.5",
        b"sideways", b"height", hers.encode(), settled.encode(), elsewhere.encode(),
    ]  # fmt: skip
    known = await house.call("POST", "/v1/refusals/query", who=who, body={"party_id": "alpha"})
    ids = [one["refusal_id"] for one in known.json()["refusals"]]
    answers = [known, *[await house.call("GET", f"/v1/refusals/{one}", who=who) for one in ids]]
    assert sorted(one["settlement"]["is_settled"] for one in known.json()["refusals"]) == [False, True]
    for answer in answers:
        text = answer.content + repr(answer.headers.raw).encode()
        assert mine["plan_id"].encode() in text
        assert [one for one in secrets if one in text] == []


async def test_a_refusal_that_one_may_not_see_answers_as_one_that_is_not_there(house):
    await declare(house, ALPHA, plan("volumes"))
    hidden = plan("conflicts", volume(lat=47.001))
    await house.call("PUT", f"/v1/plans/{uuid.uuid4()}", who=ALPHA, body=hidden)
    known = await house.call("POST", "/v1/refusals/query", who=ALPHA, body={})
    refusal_id = known.json()["refusals"][0]["refusal_id"]
    said = []
    for one in (refusal_id, MISSING):
        answer = await house.call("GET", f"/v1/refusals/{one}", who=OTHERS[0])
        assert answer.status_code == 404
        request_id = answer.headers["x-request-id"]
        said.append(answer.text.replace(request_id, "").replace(one, ""))
    assert said[0] == said[1]
    everything = await house.call("POST", "/v1/refusals/query", who=OTHERS[0], body={})
    assert everything.json() == {"refusals": [], "next": None}


@pytest.mark.parametrize("who", OTHERS, ids=lambda who: who[1].value)
async def test_nothing_that_is_not_shared_is_in_any_stream(house, who):
    live = await Reader(house.app, "/v1/events", await house.token(*who)).until_said(b"event: hello")
    silent = await Reader(house.app, "/v1/events", await house.token(*who)).until_said(b"event: hello")
    first = re.search(rb"^id: (\S+)$", live.body, re.MULTILINE)[1].decode()
    hidden = await declare(house, ALPHA, plan("conflicts"))
    for version, state in enumerate(("activated", "nonconforming", "ended"), 1):
        path = f"/v1/plans/{hidden['plan_id']}/state"
        answer = await house.call("PUT", path, who=ALPHA, body={"state": state}, if_match=f'"{version}"')
        assert answer.status_code == 200
    await asyncio.sleep(1.0)
    assert silent.body.count(b"\n\n") == 1, "of what is hidden there is not a byte: no event, no cursor"
    await silent.leave()
    shown = await declare(house, ALPHA, plan("volumes", volume(lat=47.02)))
    await live.until_said(shown["plan_id"].encode())
    again = Reader(house.app, f"/v1/events?after={first}", await house.token(*who))
    await again.until_said(shown["plan_id"].encode())
    secrets = [
        b"title-",
        b"remarks-",
        *(made[name].encode() for made in (hidden, shown) for name in ("ovn",)),
    ]
    for reader in (live, again):
        assert [secret for secret in [*secrets, hidden["plan_id"].encode()] if secret in reader.body] == []
        assert reader.body.count(b"event: ") == 2
        cursors = re.findall(rb"^id: (\S+)$", reader.body, re.MULTILINE)
        assert len({len(cursor) for cursor in cursors}) == 1
        await reader.leave()
    quiet = [await hello(house, who) for _ in range(2)]
    assert quiet[0] != quiet[1], "that two cursors differ says nothing: they do though nothing happened"


async def hello(house, who):
    reader = await Reader(house.app, "/v1/events", await house.token(*who)).until_said(b"\n\n")
    await reader.leave()
    return re.search(rb"^id: (\S+)$", reader.body, re.MULTILINE)[1]


async def test_the_shared_piece_ends_where_the_askers_own_plan_ends(house):
    await declare(house, ALPHA, plan("conflicts", volume(radius_m=5_000.0, lower_m=0.0, upper_m=3_000.0)))
    small = volume(lat=47.01, radius_m=100.0, lower_m=500.0, upper_m=600.0, minutes=10)
    answer = await house.call(
        "POST", "/v1/plans/check", who=OTHERS[0], body={"volumes": [small], "ways_out": None}
    )
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["lower_m"], conflict["upper_m"]) == (500.0, 600.0)
    assert datetime.fromisoformat(conflict["end"]) == START + timedelta(minutes=10)
    lats = [spot["lat_deg"] for ring in conflict["outline"] for spot in ring]
    assert 47.009 < min(lats) < max(lats) < 47.011


REQUESTS = [
    ("GET", "", None, {}),
    ("GET", "/history", None, {}),
    ("GET", "/conflicts", None, {}),
    ("PUT", "", plan("full"), {"if_match": '"1"'}),
    ("PUT", "", plan("full"), {"if_match": '"7"'}),
    ("PUT", "/state", {"state": "ended"}, {"if_match": '"1"'}),
    ("PUT", "/state", {"state": "activated"}, {"if_match": '"9"'}),
    ("PUT", "/state", {"state": "accepted"}, {}),
]


@pytest.mark.parametrize("is_ended", [False, True], ids=["in-force", "ended"])
async def test_a_hidden_plan_answers_exactly_as_one_that_is_not_there(house, is_ended):
    hidden = (await declare(house, ALPHA, plan("conflicts")))["plan_id"]
    if is_ended:
        path = f"/v1/plans/{hidden}/state"
        await house.call("PUT", path, who=ALPHA, body={"state": "ended"}, if_match='"1"')
    before = house.count()
    for method, tail, body, headers in REQUESTS:
        answers = []
        for plan_id in (hidden, MISSING):
            answer = await house.call(
                method, f"/v1/plans/{plan_id}{tail}", who=OTHERS[1], body=body, **headers
            )
            request_id = answer.headers["x-request-id"]
            shown = [
                (name.lower(), value) for name, value in answer.headers.items() if name != "x-request-id"
            ]
            answers.append(
                (
                    answer.status_code,
                    answer.text.replace(request_id, "").replace(plan_id, ""),
                    shown,
                )
            )
        assert answers[0] == answers[1], (method, tail)
        assert answers[0][0] in {404, 428}
    assert house.count() == before
