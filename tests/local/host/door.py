"""A door in front of a storage service that can be shut: connections are refused, or they hang."""

import asyncio
import contextlib


class Door:
    """Passes bytes on to a port of this machine."""

    def __init__(self, port):
        self._inner = port
        self._clear = asyncio.Event()
        self._clear.set()
        self._connections = set()
        self.port = 0

    async def open(self):
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def shut(self):
        """From now on connections are refused, and those that are there are cut."""
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def hang(self):
        """From now on nothing passes, in neither direction; connections are taken."""
        self._clear.clear()

    def go_on(self):
        self._clear.set()

    async def _pass(self, reader, writer):
        self._connections.add(asyncio.current_task())
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._inner)
            try:
                await asyncio.gather(self._copy(reader, inner_writer), self._copy(inner_reader, writer))
            finally:
                inner_writer.close()
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()
            self._connections.discard(asyncio.current_task())

    async def _copy(self, reader, writer):
        while data := await reader.read(65536):
            await self._clear.wait()
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
