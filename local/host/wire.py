"""What the host process and its worker process tell each other, over one socket pair (the real ones speak gRPC).

A frame is four bytes of length (big endian) and a MessagePack document.
"""

import asyncio
from typing import Any

import msgspec

_LENGTH_BYTES = 4
_BUFFER_BYTES = 1 << 20


class Function(msgspec.Struct, frozen=True, tag="function"):
    """An indexed function: its trigger's settings as in function.json."""

    name: str
    trigger: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])


class HttpCall(msgspec.Struct, frozen=True, tag="http"):
    """A request as the function gets it."""

    method: str
    url: str
    headers: dict[str, str]
    params: dict[str, str]
    query: dict[str, str]
    body: bytes


class QueueCall(msgspec.Struct, frozen=True, tag="queue"):
    """A message as the function gets it; `inserted` is an ISO 8601 time or empty."""

    body: bytes
    id: str
    dequeue_count: int
    pop_receipt: str
    inserted: str


class TimerCall(msgspec.Struct, frozen=True, tag="timer"):
    """An occurrence of a schedule."""

    past_due: bool


type Call = HttpCall | QueueCall | TimerCall


class HttpAnswer(msgspec.Struct, frozen=True, tag="answer"):
    """What a function answered, field by field. Cookies are whole `Set-Cookie` values."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes


class Invocation(msgspec.Struct, frozen=True, tag="invocation"):
    """To the worker: run a function."""

    id: int
    function: str
    call: Call


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """From the worker, once: the functions that it indexed."""

    functions: list[Function]


class NotLoaded(msgspec.Struct, frozen=True, tag="not loaded"):
    """From the worker, instead: why the app cannot be loaded."""

    reason: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """From the worker: an execution ended. `answer` is text where the function returned text."""

    id: int
    answer: HttpAnswer | str | None = None
    error: str | None = None


type FromWorker = Loaded | NotLoaded | Ended

_ENCODER = msgspec.msgpack.Encoder()
_FROM_WORKER: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(Loaded | NotLoaded | Ended)
_FROM_HOST: msgspec.msgpack.Decoder[Invocation] = msgspec.msgpack.Decoder(Invocation)


class Channel:
    """One end of the socket pair, inside an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, connected: Any) -> "Channel":
        """A channel over a connected socket, which it owns from now on."""
        return cls(*await asyncio.open_connection(sock=connected, limit=_BUFFER_BYTES))

    def send(self, message: Invocation | FromWorker) -> None:
        """Write a frame; what the other side does not take yet waits in memory. Nothing happens once it has gone."""
        body = _ENCODER.encode(message)
        self._writer.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)

    async def from_worker(self) -> FromWorker | None:
        """The worker's next message; None once it has gone."""
        frame = await self._frame()
        return None if frame is None else _FROM_WORKER.decode(frame)

    async def from_host(self) -> Invocation | None:
        """The host's next message; None once it has gone."""
        frame = await self._frame()
        return None if frame is None else _FROM_HOST.decode(frame)

    def close(self) -> None:
        self._writer.close()

    async def _frame(self) -> bytes | None:
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
