"""A small application behind the real edge: tokens from a table, a few routes, no database."""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from msgspec import Meta, Struct

from detente import errors
from detente.errors import ConflictingPlan, DetenteError, NotAuthenticated, NotFound, StaleVersion
from detente.plans.model import PlanBody
from detente.web import Limits, Principal, QueryField, Reply, Request, Route, make_app
from detente.web.stream import SSE_TYPE, sse

TOKENS = {
    "writer": frozenset({"plans.read", "plans.write"}),
    "reader": frozenset({"plans.read"}),
    "counter": frozenset({"metrics.read"}),
}
GOOD_PLAN: dict[str, Any] = {
    "volumes": [
        {
            "shape": {"kind": "circle", "center": {"lat_deg": 46.9, "lon_deg": 7.4}, "radius_m": 500.0},
            "lower_m": 500.0,
            "upper_m": 900.0,
            "start": "2026-06-01T12:00:00Z",
            "end": "2026-06-01T13:00:00Z",
        }
    ],
    "title": "a survey of the bridge",
}


class TokenTable:
    """Authenticates by looking a token up; the real verifier has its own tests in its own room."""

    async def authenticate(self, token: str) -> Principal:
        if token not in TOKENS:
            raise NotAuthenticated("the access token is not known here")
        return Principal("alpha", f"account-{token}", "planner", TOKENS[token], b"")


class Echo(Struct):
    plan_id: str
    volumes: int
    ways_out: bool
    body_bytes: int


class Form(Struct):
    grant_type: str
    lifetime_s: Annotated[int, Meta(ge=1)] = 60


class Counted(Struct):
    limit: int
    near_m: str
    pid: int


async def put_plan(request: Request) -> Reply:
    volumes = len(request.decoded(PlanBody).volumes)
    ways_out = request.flag("ways_out", default=True)
    echo = Echo(request.path["plan_id"], volumes, ways_out, len(request.body))
    return Reply(200, echo, (("ETag", '"1"'),))


async def get_plan(request: Request) -> Reply:
    raise NotFound("there is no plan with this id", plan_id=request.path["plan_id"])


async def count(request: Request) -> Reply:
    return Reply(
        200, Counted(request.whole("limit", default=7), request.query.get("near_m", ""), os.getpid())
    )


async def sleep(request: Request) -> Reply:
    await asyncio.sleep(request.whole("ms", default=0) / 1_000)
    return Reply(200, {"pid": os.getpid()})


async def tick(request: Request) -> Reply:
    async def ticks() -> AsyncGenerator[bytes, None]:
        size = request.whole("size", default=0)
        for number in itertools.count(1):
            yield sse("tick", b"%d" % number + b" " * size)
            await asyncio.sleep(request.whole("ms", default=10) / 1_000)

    return Reply(200, ticks(), media_type=SSE_TYPE)


async def boom(request: Request) -> Reply:
    raise ZeroDivisionError(f"a secret: {request.headers.get('authorization')}")


async def take_form(request: Request) -> Reply:
    return Reply(200, request.decoded(Form))


async def take_any(request: Request) -> Reply:
    return Reply(200, request.data)


async def remove(_: Request) -> Reply:
    return Reply(204)


async def refuse(request: Request) -> Reply:
    kinds = {
        kind.slug: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, DetenteError)
    }
    raise kinds[request.path["slug"]]("refused as asked", field="here", status=999, none_of_it=None)


def routes() -> list[Route]:
    flag = QueryField("ways_out", bool, "offer ways out")
    return [
        Route(
            "PUT", "/v1/plans/{plan_id}", "plans.write", put_plan, "Declare a plan.", "plans",
            body=PlanBody, answers={200: Echo}, errors=(ConflictingPlan, StaleVersion), query=(flag,),
            headers_in=(QueryField("if-match", str, "the version seen"),), example=GOOD_PLAN,
        ),
        Route("GET", "/v1/plans/{plan_id}", "plans.read", get_plan, "One plan.", "plans", errors=(NotFound,)),
        Route("DELETE", "/v1/plans/{plan_id}", "plans.write", remove, "Forget.", "plans", None, {204: None}),
        Route(
            "GET", "/v1/count", "plans.read", count, "Typed query members.", "plans", answers={200: Counted},
            query=(
                QueryField("limit", int, "how many"),
                QueryField("near_m", float, "how near"),
                QueryField("name", str, "what"),
                flag,
            ),
        ),
        Route(
            "GET", "/v1/needs", "plans.read", count, "A required member.", "plans", answers={200: Counted},
            query=(QueryField("name", str, "what", is_required=True),),
        ),
        Route(
            "GET", "/v1/sleep", None, sleep, "Takes its time.", "plans", answers={200: dict[str, int]},
            query=(QueryField("ms", int, "how long"),),
        ),
        Route(
            "GET", "/v1/ticks", "plans.read", tick, "Goes on.", "plans", answers={200: str},
            query=(QueryField("ms", int, "pause"), QueryField("size", int, "of each")),
            answer_media_type=SSE_TYPE,
        ),
        Route("GET", "/v1/boom", None, boom, "Fails.", "plans"),
        Route(
            "POST", "/v1/form", None, take_form, "A form.", "plans", body=Form, answers={200: Form},
            form=True, max_body_bytes=1_000,
        ),
        Route("POST", "/v1/any", "plans.write", take_any, "Anything.", "plans", body=dict[str, Any]),
        Route("GET", "/v1/refuse/{slug}", None, refuse, "Refuses.", "plans"),
    ]  # fmt: skip


async def readiness() -> dict[str, str]:
    return {"database": os.environ.get("TINY_DATABASE", "ok")}


def create(limits: Limits | None = None, **more: Any) -> Any:
    clock = itertools.count(1_780_000_000_000)
    limits = limits or Limits(body_timeout_s=float(os.environ.get("TINY_BODY_S", "1")))
    return make_app(
        routes(),
        authenticator=TokenTable(),
        now_ms=lambda: next(clock),
        readiness=readiness,
        limits=limits,
        **more,
    )


async def start_marked() -> None:
    os.environ["TINY_STARTED"] = str(time.time())


async def start_refused() -> None:
    raise errors.StoreRefused("the data folder was written by a newer version")


async def raising(*_: Any) -> None:
    raise NotADirectoryError(20, "Not a directory", "/nope")


def create_raising() -> Any:
    return raising


def create_broken() -> Any:
    return create(on_start=[start_refused])
