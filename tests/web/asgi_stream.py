"""A reader of one stream, in this process: httpx' transport gathers an answer before it gives any of it."""

import asyncio
import contextlib


class Reader:
    """One request to an ASGI application; takes what is sent as fast as the test says."""

    def __init__(self, app, path, token="reader", *, method="GET"):  # noqa: S107 - of a table of tests
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        self.status = None
        self.headers = {}
        self.body = b""
        self.is_ended = False
        self._inbox = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self._takes = asyncio.Event()
        self._takes.set()
        self._news = asyncio.Condition()
        self.task = asyncio.create_task(app(scope, self._inbox.get, self._sent))

    async def _sent(self, event):
        await self._takes.wait()
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = {name.decode(): value.decode() for name, value in event["headers"]}
        else:
            assert not self.is_ended
            self.body += event["body"]
            self.is_ended = not event.get("more_body", False)
        async with self._news:
            self._news.notify_all()

    async def until(self, is_so, wait_s=10):
        async with asyncio.timeout(wait_s), self._news:
            while not is_so(self):
                await self._news.wait()
        return self

    async def until_said(self, text, wait_s=10):
        return await self.until(lambda reader: text in reader.body, wait_s)

    async def end(self, wait_s=10):
        """Wait until the application has done with it."""
        async with asyncio.timeout(wait_s):
            await self.task
        return self

    def pause(self):
        """Take nothing more."""
        self._takes.clear()

    async def leave(self):
        self._inbox.put_nowait({"type": "http.disconnect"})
        with contextlib.suppress(asyncio.CancelledError):
            await self.end()
        return self
