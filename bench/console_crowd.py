"""Many consoles at once without their browsers: each asks for what a page asks for, in the page's order."""

import asyncio
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

HEADERS = {"x-detente-console": "1"}
STATES = ["accepted", "activated", "nonconforming", "contingent", "ended"]
_ASSET = re.compile(r"/console/assets/[\w.-]+")


@dataclass(frozen=True)
class Crowd:
    """What came of it; times in s until a page has its plans, refusals and an open stream, sorted."""

    complete_s: tuple[float, ...]
    failures: tuple[str, ...]
    received_bytes: int


async def load_pages(url: str, links: Sequence[str], patience_s: float = 120.0) -> Crowd:
    """Open a page for each link, all at the same moment, and keep their streams until all are there."""
    done = asyncio.Event()
    began_s = time.perf_counter()
    times: list[float] = []
    failures: list[str] = []
    received = 0
    # One for all: making one takes longer than a page's requests.
    trusted = ssl.create_default_context()

    async def page(link: str) -> None:
        nonlocal received
        try:
            async with httpx.AsyncClient(
                base_url=url, headers=HEADERS, timeout=patience_s, verify=trusted
            ) as http:
                one = await _load(http, link)
                received += one
                times.append(time.perf_counter() - began_s)
                if len(times) + len(failures) == len(links):
                    done.set()
                await asyncio.wait_for(done.wait(), patience_s)
        except (httpx.HTTPError, TimeoutError) as error:
            failures.append(repr(error))
            if len(times) + len(failures) >= len(links):
                done.set()

    await asyncio.gather(*(page(link) for link in links))
    return Crowd(tuple(sorted(times)), tuple(failures), received)


async def _load(http: httpx.AsyncClient, link: str) -> int:
    page = await http.get("/console")
    received = len(page.content)
    for asset in sorted(set(_ASSET.findall(page.text))):
        # As it is on the wire: unpacking five hundred pages would measure this program.
        async with http.stream("GET", asset) as answer:
            received += sum([len(part) async for part in answer.aiter_raw()])
    opened = await http.post("/console/session", json={"link": link.rpartition("link=")[2]})
    opened.raise_for_status()
    token = (await http.post("/console/session/token")).raise_for_status().json()["access_token"]
    http.headers["authorization"] = f"Bearer {token}"
    async with http.stream("GET", "/v1/events") as stream:
        await anext(stream.aiter_raw())
        (await http.get("/v1/parties")).raise_for_status()
        received += await _snapshot(http)
    return received


async def _snapshot(http: httpx.AsyncClient) -> int:
    start = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    received, cursor = 0, None
    while True:
        body = {"start": start, "states": STATES, "limit": 1_000, **({"cursor": cursor} if cursor else {})}
        answer = (await http.post("/v1/plans/query", json=body)).raise_for_status()
        received += len(answer.content)
        cursor = answer.json()["next"]
        if cursor is None:
            break
    refusals = (await http.post("/v1/refusals/query", json={})).raise_for_status()
    return received + len(refusals.content)
