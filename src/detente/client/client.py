"""The two clients: the same verbs, one waits in the thread, one in the event loop."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
import msgspec

from detente.client import calls
from detente.client.call import Call
from detente.client.conversation import Conversation, Credentials, Outcome, Retries, Send, Talk, checked_url
from detente.client.events import EventParser, StreamEvent, follow, is_stream
from detente.plans.model import ConflictsPage, ConflictsQuery, PlanConflicts, PlanPage, PlanView, QueryBody
from detente.plans.refusal_model import RefusalPage, RefusalQuery, RefusalView
from detente.zones.model import ZonePage, ZoneQuery, ZoneView

P = ParamSpec("P")
T = TypeVar("T")

Query = TypeVar("Query", QueryBody, ConflictsQuery, RefusalQuery, ZoneQuery)
Page = TypeVar("Page", PlanPage, ConflictsPage, RefusalPage, ZonePage)

DEFAULT_TIMEOUT_S = 30.0


def _pages(ask: Callable[[Query], Page], body: Query) -> Iterator[Page]:
    """Each page of a query, until there is no next."""
    while True:
        page = ask(body)
        yield page
        if page.next is None:
            return
        body = msgspec.structs.replace(body, cursor=page.next)


async def _async_pages(ask: Callable[[Query], Coroutine[Any, Any, Page]], body: Query) -> AsyncIterator[Page]:
    """As ``_pages``."""
    while True:
        page = await ask(body)
        yield page
        if page.next is None:
            return
        body = msgspec.structs.replace(body, cursor=page.next)


def _verb(build: Callable[P, Call[T]]) -> "Callable[Concatenate[Client, P], T]":
    @wraps(build)
    def verb(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return verb


def _async_verb(
    build: Callable[P, Call[T]],
) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]":
    @wraps(build)
    async def verb(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return verb


class Client:
    """An exchange, spoken to from ordinary code. Close it, or use it in a ``with``.

    Args:
        base_url: such as ``https://exchange.example``.
        token: an access token; or instead
        account_id: an account, and
        secret: its secret: tokens are then asked for and renewed.
        retries: how stubborn to be.
        timeout_s: for each attempt.
        transport: httpx's, for proxies, tests and own certificates.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        account_id: str | None = None,
        secret: str | None = None,
        retries: Retries | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._talk = _talk(base_url, token, account_id, secret, retries)
        self._http = httpx.Client(base_url=checked_url(base_url), timeout=timeout_s, transport=transport)

    def send(self, call: Call[T]) -> T:
        """Carry out one call of ``detente.client.calls``, or of your own."""
        return self._lead(self._talk.converse(call), self._exchange)

    def _lead(self, conversation: Conversation[T], exchange: Callable[[Send], Outcome]) -> T:
        outcome: Outcome = None
        try:
            while True:
                step = conversation.send(outcome)
                if isinstance(step, Send):
                    outcome = exchange(step)
                else:
                    time.sleep(step.seconds)
                    outcome = None
        except StopIteration as done:
            result: T = done.value
            return result

    def _exchange(self, step: Send) -> Outcome:
        try:
            return self._http.request(**_request(step))
        except httpx.TransportError as broken:
            return broken

    def plans(self, body: QueryBody) -> Iterator[PlanView]:
        """All plans that a query finds, page after page."""
        for page in _pages(self.query, body):
            yield from page.plans

    def own_conflicts(self, body: ConflictsQuery) -> Iterator[PlanConflicts]:
        """All own plans that stand beside others, as far as a query finds them, page after page."""
        for page in _pages(self.query_conflicts, body):
            yield from page.plans

    def refusals(self, body: RefusalQuery) -> Iterator[RefusalView]:
        """All refusals that a query finds, page after page."""
        for page in _pages(self.query_refusals, body):
            yield from page.refusals

    def zones(self, body: ZoneQuery) -> Iterator[ZoneView]:
        """All zones that a query finds, page after page."""
        for page in _pages(self.query_zones, body):
            yield from page.zones

    def events(self, after: str | None = None) -> Iterator[StreamEvent]:
        """What changes of what you may see, as it happens; goes on when a stream ends or its line breaks.

        Args:
            after: the cursor of the last event that you have seen; None: from now on.

        Yields:
            Events, the first of every stream being a ``Hello``. Close the iterator, or break, to stop.

        Raises:
            BadInput: if the cursor is too old; read the plans anew and begin without one.
            Unavailable: if the exchange cannot be reached, however often it is tried.
        """
        while True:
            response = self._lead(self._talk.ask(follow(after)), self._open)
            parser = EventParser()
            try:
                for chunk in response.iter_bytes():
                    for event in parser.feed(chunk):
                        after = event.cursor or after
                        yield event
            except httpx.TransportError:
                pass
            finally:
                response.close()
            time.sleep(self._talk.pause_s())

    def _open(self, step: Send) -> Outcome:
        """As ``_exchange``, but the body of a stream is left where it is."""
        try:
            response = self._http.send(self._http.build_request(**_request(step)), stream=True)
            if not is_stream(response):
                response.read()
        except httpx.TransportError as broken:
            return broken
        return response

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    declare = _verb(calls.declare)
    change = _verb(calls.change)
    set_state = _verb(calls.set_state)
    activate = _verb(calls.activate)
    report_nonconforming = _verb(calls.report_nonconforming)
    report_contingent = _verb(calls.report_contingent)
    end = _verb(calls.end)
    get = _verb(calls.get)
    history = _verb(calls.history)
    conflicts_of = _verb(calls.conflicts_of)
    query_conflicts = _verb(calls.query_conflicts)
    query = _verb(calls.query)
    check = _verb(calls.check)
    query_refusals = _verb(calls.query_refusals)
    get_refusal = _verb(calls.get_refusal)
    put_zone = _verb(calls.put_zone)
    withdraw_zone = _verb(calls.withdraw_zone)
    get_zone = _verb(calls.get_zone)
    query_zones = _verb(calls.query_zones)
    separations = _verb(calls.separations)
    put_separation = _verb(calls.put_separation)
    delete_separation = _verb(calls.delete_separation)
    parties = _verb(calls.parties)
    put_party = _verb(calls.put_party)
    add_account = _verb(calls.add_account)
    accounts = _verb(calls.accounts)
    change_account = _verb(calls.change_account)
    new_secret = _verb(calls.new_secret)
    whoami = _verb(calls.whoami)
    health = _verb(calls.health)
    ready = _verb(calls.ready)


class AsyncClient:
    """An exchange, spoken to from asyncio. Arguments and verbs as for ``Client``."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        account_id: str | None = None,
        secret: str | None = None,
        retries: Retries | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._talk = _talk(base_url, token, account_id, secret, retries)
        self._http = httpx.AsyncClient(base_url=checked_url(base_url), timeout=timeout_s, transport=transport)

    async def send(self, call: Call[T]) -> T:
        """Carry out one call of ``detente.client.calls``, or of your own."""
        return await self._lead(self._talk.converse(call), self._exchange)

    async def _lead(
        self, conversation: Conversation[T], exchange: Callable[[Send], Coroutine[Any, Any, Outcome]]
    ) -> T:
        outcome: Outcome = None
        try:
            while True:
                step = conversation.send(outcome)
                if isinstance(step, Send):
                    outcome = await exchange(step)
                else:
                    await asyncio.sleep(step.seconds)
                    outcome = None
        except StopIteration as done:
            result: T = done.value
            return result

    async def _exchange(self, step: Send) -> Outcome:
        try:
            return await self._http.request(**_request(step))
        except httpx.TransportError as broken:
            return broken

    async def plans(self, body: QueryBody) -> AsyncIterator[PlanView]:
        """All plans that a query finds, page after page."""
        async for page in _async_pages(self.query, body):
            for plan in page.plans:
                yield plan

    async def own_conflicts(self, body: ConflictsQuery) -> AsyncIterator[PlanConflicts]:
        """As ``Client.own_conflicts``."""
        async for page in _async_pages(self.query_conflicts, body):
            for plan in page.plans:
                yield plan

    async def refusals(self, body: RefusalQuery) -> AsyncIterator[RefusalView]:
        """All refusals that a query finds, page after page."""
        async for page in _async_pages(self.query_refusals, body):
            for refusal in page.refusals:
                yield refusal

    async def zones(self, body: ZoneQuery) -> AsyncIterator[ZoneView]:
        """All zones that a query finds, page after page."""
        async for page in _async_pages(self.query_zones, body):
            for zone in page.zones:
                yield zone

    async def events(self, after: str | None = None) -> AsyncIterator[StreamEvent]:
        """As ``Client.events``."""
        while True:
            response = await self._lead(self._talk.ask(follow(after)), self._open)
            parser = EventParser()
            try:
                async for chunk in response.aiter_bytes():
                    for event in parser.feed(chunk):
                        after = event.cursor or after
                        yield event
            except httpx.TransportError:
                pass
            finally:
                await response.aclose()
            await asyncio.sleep(self._talk.pause_s())

    async def _open(self, step: Send) -> Outcome:
        try:
            response = await self._http.send(self._http.build_request(**_request(step)), stream=True)
            if not is_stream(response):
                await response.aread()
        except httpx.TransportError as broken:
            return broken
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    declare = _async_verb(calls.declare)
    change = _async_verb(calls.change)
    set_state = _async_verb(calls.set_state)
    activate = _async_verb(calls.activate)
    report_nonconforming = _async_verb(calls.report_nonconforming)
    report_contingent = _async_verb(calls.report_contingent)
    end = _async_verb(calls.end)
    get = _async_verb(calls.get)
    history = _async_verb(calls.history)
    conflicts_of = _async_verb(calls.conflicts_of)
    query_conflicts = _async_verb(calls.query_conflicts)
    query = _async_verb(calls.query)
    check = _async_verb(calls.check)
    query_refusals = _async_verb(calls.query_refusals)
    get_refusal = _async_verb(calls.get_refusal)
    put_zone = _async_verb(calls.put_zone)
    withdraw_zone = _async_verb(calls.withdraw_zone)
    get_zone = _async_verb(calls.get_zone)
    query_zones = _async_verb(calls.query_zones)
    separations = _async_verb(calls.separations)
    put_separation = _async_verb(calls.put_separation)
    delete_separation = _async_verb(calls.delete_separation)
    parties = _async_verb(calls.parties)
    put_party = _async_verb(calls.put_party)
    add_account = _async_verb(calls.add_account)
    accounts = _async_verb(calls.accounts)
    change_account = _async_verb(calls.change_account)
    new_secret = _async_verb(calls.new_secret)
    whoami = _async_verb(calls.whoami)
    health = _async_verb(calls.health)
    ready = _async_verb(calls.ready)


def _request(step: Send) -> dict[str, Any]:
    return {
        "method": step.method,
        "url": step.path,
        "params": step.query or None,
        "headers": step.headers,
        "content": step.content,
    }


def _talk(
    url: str, token: str | None, account_id: str | None, secret: str | None, retries: Retries | None
) -> Talk:
    if (account_id is None) != (secret is None):
        raise ValueError("an account_id and its secret come together")
    # The randomness only spreads retries in time; nothing secret comes from it.
    return Talk(
        Credentials(token, account_id, secret),
        retries or Retries(),
        now_s=time.monotonic,
        draw=random.random,
        url=url,
    )
