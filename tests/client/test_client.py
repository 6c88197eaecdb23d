"""Both clients against a real served application, and the conversation step by step."""

import asyncio
import inspect
import json

import httpx
import msgspec
import pytest

from detente import errors
from detente.client import AsyncClient, Client, ConflictsFound, Retries, calls
from detente.client.conversation import Credentials, Send, Talk, Wait
from detente.client.refusals import refusal_of
from detente.errors import ConflictingPlan, DetenteError, NotAuthenticated, NotFound, TooMany, Unavailable
from detente.geo.model import Circle, Datum, LatLon, Separation
from detente.plans.model import (
    Conflict,
    NoWayOut,
    OwnPlans,
    PlanBody,
    PlanPage,
    PlanState,
    PlanView,
    QueryBody,
    Rule,
    Sharing,
    StateBody,
    WayOutKind,
    WaysOut,
    WaysOutLimits,
)
from detente.plans.refusal_model import (
    RefusalPage,
    RefusalQuery,
    RefusalView,
    RefusedAct,
    Settlement,
    SettlementKind,
)
from detente.web.problems import error_classes
from tests.web import tiny
from tests.web.conftest import Served

PLAN_ID = "7d0c4d4e-52f1-4d0a-9a0b-3f6c1e2d4b5a"
BODY = msgspec.convert(tiny.GOOD_PLAN, PlanBody)
AT = BODY.volumes[0].start
QUICK = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.02)


def view(plan_id=PLAN_ID, version=1):
    return PlanView(
        plan_id, "alpha", PlanState.ACCEPTED, version, 0, Sharing.VOLUMES, AT, AT, BODY.volumes,
        "a survey", "", "ovn-1", OwnPlans.CHECK, AT, True,
    )  # fmt: skip


def conflict():
    place = LatLon(46.9, 7.4)
    return Conflict(
        "beta", Rule.OVERLAP, Separation(), AT, AT, 500.0, 600.0, Datum.WGS84, 10.0, 100.0, 60.0, place,
        ((place, LatLon(46.91, 7.4), LatLon(46.9, 7.41)),), PLAN_ID, PlanState.ACCEPTED, 0, None,
    )  # fmt: skip


WAYS = WaysOut((), (NoWayOut(WayOutKind.TIME, "nothing within 7200 s"),), WaysOutLimits())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Served(tmp_path_factory.mktemp("client") / "log", workers=1).wait()
    yield server
    assert server.stop() == 0


def answer(status, body=b"", **headers):
    headers.setdefault("content_type", "application/json")
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return httpx.Response(
        status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def problem(slug, status, **members):
    document = {
        "type": f"/problems/{slug}",
        "title": "t",
        "status": status,
        "detail": "d",
        "instance": "r1",
        **members,
    }
    return answer(status, document, content_type="application/problem+json")


def client_of(handler, **settings):
    settings.setdefault("retries", QUICK)
    return Client("http://exchange", transport=httpx.MockTransport(handler), **settings)


def test_it_speaks_to_a_real_server(served):
    with Client(served.url, token="writer") as client:
        assert client.health() == {"status": "ok"}
        assert client.ready()["checks"] == {"database": "ok"}
        with pytest.raises(NotFound) as refusal:
            client.get(PLAN_ID)
        assert refusal.value.members["plan_id"] == PLAN_ID
        assert refusal.value.members["request_id"]
    with Client(served.url, token="nobody") as client, pytest.raises(NotAuthenticated):
        client.get(PLAN_ID)


async def test_it_speaks_to_a_real_server_in_asyncio(served):
    async with AsyncClient(served.url, token="writer") as client:
        assert await client.health() == {"status": "ok"}
        answers = await asyncio.gather(*(client.get(PLAN_ID) for _ in range(8)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {NotFound}


def test_every_refusal_of_a_real_server_is_its_own_class(served):
    with httpx.Client(base_url=served.url) as http:
        for kind in error_classes():
            refusal = refusal_of(http.get(f"/v1/refuse/{kind.slug}"))
            assert isinstance(refusal, kind)
            assert refusal.detail == "refused as asked"
            assert refusal.members["field"] == "here"


def test_a_conflict_comes_back_decoded():
    document = {"conflicts": msgspec.to_builtins([conflict()]), "ways_out": msgspec.to_builtins(WAYS)}
    client = client_of(lambda _: problem("conflicting-plan", 409, **document), token="t")
    with pytest.raises(ConflictingPlan) as refusal:
        client.declare(PLAN_ID, BODY)
    assert isinstance(refusal.value, ConflictsFound)
    assert refusal.value.conflicts == (conflict(),)
    assert refusal.value.ways_out == WAYS


def test_a_conflict_without_ways_out():
    client = client_of(lambda _: problem("conflicting-plan", 409, conflicts=[], ways_out=None), token="t")
    with pytest.raises(ConflictsFound) as refusal:
        client.declare(PLAN_ID, BODY, ways_out=False)
    assert (refusal.value.conflicts, refusal.value.ways_out) == ((), None)


def test_a_conflict_in_words_of_a_newer_server_is_still_a_conflict():
    client = client_of(lambda _: problem("conflicting-plan", 409, conflicts=[{"new": 1}]), token="t")
    with pytest.raises(ConflictingPlan):
        client.declare(PLAN_ID, BODY)


def test_requests_say_what_the_api_asks_for():
    seen = []

    def handle(request):
        seen.append(request)
        return answer(200, view())

    client = client_of(handle, token="t")
    assert client.declare(PLAN_ID, BODY, idempotency_key="k1") == view()
    client.change(PLAN_ID, BODY, version=3)
    client.activate(PLAN_ID, version=4, reason="airborne")
    client.end(PLAN_ID, version=5)
    declare, change, activate, end = seen
    assert (declare.method, declare.url.path) == ("PUT", f"/v1/plans/{PLAN_ID}")
    assert declare.url.params["ways_out"] == "true"
    assert declare.headers["idempotency-key"] == "k1"
    assert declare.headers["authorization"] == "Bearer t"
    assert "if-match" not in declare.headers
    assert msgspec.json.decode(declare.content, type=PlanBody) == BODY
    assert change.headers["if-match"] == '"3"'
    assert activate.url.path == f"/v1/plans/{PLAN_ID}/state"
    assert msgspec.json.decode(activate.content, type=StateBody) == StateBody(PlanState.ACTIVATED, "airborne")
    assert json.loads(end.content)["state"] == "ended"


def test_ids_cannot_leave_their_place_in_the_path():
    seen = []
    client = client_of(lambda request: seen.append(request.url.raw_path) or answer(200, view()), token="t")
    client.get("../parties?x=1#y")
    assert seen == [b"/v1/plans/..%2Fparties%3Fx%3D1%23y"]


def pages(request):
    body = json.loads(request.content)
    number = int(body["cursor"] or 0)
    return answer(
        200, PlanPage((view(f"p{number}"), view(f"q{number}")), str(number + 1) if number < 2 else None)
    )


def test_all_pages_are_read():
    assert [plan.plan_id for plan in client_of(pages, token="t").plans(QueryBody())] == [
        "p0", "q0", "p1", "q1", "p2", "q2",
    ]  # fmt: skip


async def test_all_pages_are_read_in_asyncio():
    client = AsyncClient("http://exchange", token="t", transport=httpx.MockTransport(pages))
    assert len([plan async for plan in client.plans(QueryBody(area=Circle(LatLon(0, 0), 1)))]) == 6


def refusal_pages(request):
    body = json.loads(request.content)
    number = int(body["cursor"] or 0)
    # A page may be empty before the last.
    shown = () if number == 1 else (refusal(f"r{number}"),)
    return answer(200, RefusalPage(shown, str(number + 1) if number < 2 else None))


def refusal(refusal_id):
    return RefusalView(
        refusal_id, "alpha", PLAN_ID, RefusedAct.DECLARED, AT, AT, (conflict(),), True, 1, BODY.volumes, "t",
        Settlement(is_settled=True, kind=SettlementKind.TIME, shift_s=60.0, version=1, at=AT), True,
    )  # fmt: skip


async def test_all_pages_of_refusals_are_read():
    client = client_of(refusal_pages, token="t")
    assert list(client.refusals(RefusalQuery())) == [refusal("r0"), refusal("r2")]
    other = AsyncClient("http://exchange", token="t", transport=httpx.MockTransport(refusal_pages))
    assert [one.refusal_id async for one in other.refusals(RefusalQuery(settled=True))] == ["r0", "r2"]


def test_a_refusal_is_read_by_its_id():
    seen = []
    client = client_of(lambda request: seen.append(request.url.path) or answer(200, refusal("r")), token="t")
    assert client.get_refusal("r") == refusal("r")
    assert seen == ["/v1/refusals/r"]


def test_what_may_be_repeated_is_repeated():
    outcomes = iter([httpx.ConnectError("no"), httpx.ReadTimeout("slow"), answer(200, view())])

    def handle(_):
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert client_of(handle, token="t").declare(PLAN_ID, BODY) == view()


def test_an_exchange_that_stays_away_is_unavailable():
    tried = []

    def handle(_):
        tried.append(1)
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable) as refusal:
        client_of(handle, token="t").get(PLAN_ID)
    assert len(tried) == QUICK.attempts
    assert isinstance(refusal.value, DetenteError)


def test_what_must_not_be_repeated_is_not():
    tried = []

    def handle(_):
        tried.append(1)
        raise httpx.ReadTimeout("sent, but no answer")

    with pytest.raises(Unavailable):
        client_of(handle, token="t").new_secret("a")
    assert len(tried) == 1


def test_busy_servers_are_waited_for_and_long_waits_are_left_to_the_caller():
    answers = [problem("unavailable", 503), problem("too-many", 429), answer(200, view())]
    assert client_of(lambda _: answers.pop(0), token="t").get(PLAN_ID) == view()
    long = problem("too-many", 429, retry_after_s=60)
    long.headers["retry-after"] = "60"
    with pytest.raises(TooMany) as refusal:
        client_of(lambda _: long, token="t").get(PLAN_ID)
    assert refusal.value.members["retry_after_s"] == 60


def test_readiness_is_answered_at_once():
    tried = []
    client = client_of(lambda _: tried.append(1) or problem("unavailable", 503, missing={"database": "gone"}))
    with pytest.raises(Unavailable) as refusal:
        client.ready()
    assert refusal.value.members["missing"] == {"database": "gone"}
    assert len(tried) == 1


def token_server(seen, expires_in=3_600, *, wrong_first=False):
    def handle(request):
        if request.url.path == "/v1/token":
            seen.append(dict(httpx.QueryParams(request.content.decode())))
            granted = {
                "access_token": f"t{len(seen)}",
                "token_type": "Bearer",
                "expires_in": expires_in,
                "scope": "",
            }
            return answer(200, granted)
        if wrong_first and request.headers["authorization"] == "Bearer t1":
            return problem("not-authenticated", 401)
        return answer(200, view())

    return handle


def test_tokens_are_asked_for_once_and_renewed_when_refused():
    seen = []
    client = client_of(token_server(seen), account_id="a", secret="s & t")
    client.get(PLAN_ID)
    client.get(PLAN_ID)
    assert seen == [{"grant_type": "client_credentials", "client_id": "a", "client_secret": "s & t"}]
    seen.clear()
    client = client_of(token_server(seen, wrong_first=True), account_id="a", secret="s")
    assert client.get(PLAN_ID) == view()
    assert len(seen) == 2


def test_tokens_are_renewed_before_they_run_out():
    now_s = [0.0]
    seen = []
    talk = Talk(Credentials(account_id="a", secret="s"), QUICK, now_s=lambda: now_s[0], draw=lambda: 0.5)
    respond = token_server(seen, expires_in=100)

    def ask():
        conversation = talk.converse(calls.get(PLAN_ID))
        step = next(conversation)
        while True:
            assert isinstance(step, Send)
            request = httpx.Request(
                step.method, f"http://e{step.path}", headers=step.headers, content=step.content
            )
            try:
                step = conversation.send(respond(request))
            except StopIteration:
                return

    for now_s[0], tokens in ((0, 1), (69, 1), (71, 2), (140, 2), (142, 3)):
        ask()
        assert len(seen) == tokens


def test_a_refused_secret_is_told():
    refusal = {"error": "invalid_client", "error_description": "the secret is wrong"}
    client = client_of(lambda _: answer(401, refusal), account_id="a", secret="s")
    with pytest.raises(NotAuthenticated, match="the secret is wrong"):
        client.get(PLAN_ID)


def test_waits_grow_and_are_bounded():
    talk = Talk(Credentials(token="t"), Retries(6, 0.1, 1.0), now_s=lambda: 0.0, draw=lambda: 0.0)
    waits = []

    def fail_always():
        conversation = talk.converse(calls.get(PLAN_ID))
        step = next(conversation)
        while True:
            if isinstance(step, Wait):
                waits.append(step.seconds)
            step = conversation.send(None if isinstance(step, Wait) else httpx.ConnectError("no"))

    with pytest.raises(Unavailable):
        fail_always()
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0]


def test_answers_from_somebody_else():
    html = httpx.Response(502, text="<html>bad gateway", headers={"content-type": "text/html"})
    with pytest.raises(Unavailable):
        client_of(lambda _: html, token="t").get(PLAN_ID)
    teapot = httpx.Response(418, text="teapot")
    with pytest.raises(DetenteError, match="418"):
        client_of(lambda _: teapot, token="t").get(PLAN_ID)
    with pytest.raises(DetenteError, match="cannot be read"):
        client_of(lambda _: answer(200, {"unexpected": 1}), token="t").get(PLAN_ID)


def test_secrets_are_not_shown():
    assert "hidden" not in repr(Credentials(token="hidden", account_id="a", secret="hidden"))
    with pytest.raises(ValueError, match="together"):
        Client("http://exchange", account_id="a")


def test_both_clients_have_every_call():
    verbs = {
        name
        for name, made in vars(calls).items()
        if inspect.isfunction(made) and made.__module__ == calls.__name__
    }
    verbs = {name for name in verbs if not name.startswith("_")}
    for name in verbs:
        sync, asynchronous = getattr(Client, name), getattr(AsyncClient, name)
        assert not inspect.iscoroutinefunction(sync)
        assert inspect.iscoroutinefunction(asynchronous)
        assert sync.__doc__ == getattr(calls, name).__doc__
    assert {"declare", "query", "put_separation", "add_account"} <= verbs


def test_the_error_classes_are_all_known():
    assert {kind.slug for kind in error_classes()} >= {errors.TooSlow.slug, errors.StoreRefused.slug}
