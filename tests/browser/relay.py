"""A road between one browser and the exchange that keeps every byte that came along it."""

import asyncio
import contextlib


class Relay:
    """Listens on a port of its own and hands all on, both ways, as it is.

    Args:
        url: the exchange's.
    """

    def __init__(self, url):
        self._target = url.rpartition("/")[2]
        self._server = None
        self._tasks = set()
        self.url = None
        self.answers = bytearray()
        """What the exchange sent to the browser, all connections one after the other as it came."""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connect(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        host, _, port = self._target.partition(":")
        with contextlib.suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            try:
                await asyncio.gather(
                    self._hand_on(reader, there_writer, None),
                    self._hand_on(there_reader, writer, self.answers),
                )
            finally:
                there_writer.close()
                writer.close()

    @staticmethod
    async def _hand_on(reader, writer, kept):
        while piece := await reader.read(65_536):
            if kept is not None:
                kept += piece
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
