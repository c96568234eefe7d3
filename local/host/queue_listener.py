"""Queue triggers: polling, leases, retries and the poison queue as measured on the real host.

docs/facts/functions.md 11 (Queues), and 1 for what host.json means.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.host_json import Queues
from local.host.outage import NETWORK_TIMEOUT_SECONDS, through_outage
from local.host.timing import Timing
from local.host.wire import QueueCall
from local.host.workers import FunctionFailed

log = logging.getLogger("host")

type Invoke = Callable[[str, QueueCall], Awaitable[object]]

_SHORTEST_POLL_SECONDS = 0.1
_POISON = "-poison"
_LONGEST_NAME = 63
_SERVER_ERROR = 500


class QueueListener:
    """One function's queue. `running` are the messages in work; `failed` ends the host with its error."""

    def __init__(
        self, function: str, invoke: Invoke, connection: str, queue: str, settings: Queues, timing: Timing
    ) -> None:
        self._function = function
        self._invoke = invoke
        self._connection = connection
        self._name = queue
        self._settings = settings
        self._timing = timing
        self._client = QueueClient.from_connection_string(
            connection, queue, retry_total=0, read_timeout=NETWORK_TIMEOUT_SECONDS
        )
        self._failing = False
        self.running: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def listen(self) -> None:
        """Poll until cancelled: at once while there is work and after each execution, else ever more slowly.

        Raises:
            StorageLost
        """
        pause = _SHORTEST_POLL_SECONDS
        while True:
            if len(self.running) > self._settings.threshold:
                await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
                pause = _SHORTEST_POLL_SECONDS
            elif await self._fetch():
                pause = _SHORTEST_POLL_SECONDS
            else:
                ended = await self._ended_within(pause)
                pause = _SHORTEST_POLL_SECONDS if ended else min(pause * 2, self._settings.polling_seconds)

    async def close(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        await self._client.close()

    async def _ended_within(self, pause_seconds: float) -> bool:
        """Wait; whether an execution ended, which may have queued something."""
        if not self.running:
            await asyncio.sleep(pause_seconds)
            return False
        ended, _ = await asyncio.wait(self.running, timeout=pause_seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(ended)

    async def _fetch(self) -> bool:
        """Receive up to batchSize messages and begin with them; whether there was one."""
        try:
            messages = await through_outage(self._receive, self._timing.outage_seconds)
        except ResourceNotFoundError:
            return False  # The trigger does not make its queue; it waits for it.
        except (HttpResponseError, ServiceResponseError) as error:
            if not self._failing:
                log.warning("The queue '%s' cannot be read (%s); trying again.", self._name, type(error).__name__)
            self._failing = True
            return False
        if self._failing:
            log.info("The queue '%s' can be read again.", self._name)
        self._failing = False
        for message in messages:
            task = asyncio.create_task(self._handle(message))
            self.running.add(task)
            task.add_done_callback(self._over)
        return bool(messages)

    async def _receive(self) -> list[QueueMessage]:
        """One request, and one page of its answer."""
        pages = self._client.receive_messages(
            messages_per_page=self._settings.batch_size, visibility_timeout=self._timing.lease_seconds
        ).by_page()
        async for page in pages:
            return [message async for message in page]
        return []

    def _over(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def _handle(self, message: QueueMessage) -> None:
        """Work on a message to its end. An error other than the function's ends the host."""
        try:
            raw = self._raw(message)
        except binascii.Error:
            log.error("A message of '%s' is not Base64; it goes to the poison queue.", self._name)
            await self._poison(message)
            return
        if self._has_poison and (message.dequeue_count or 0) > self._settings.max_dequeue_count:
            await self._poison(message)
            return
        log.info("Executing 'Functions.%s' (DequeueCount=%s)", self._function, message.dequeue_count)
        began = time.monotonic()
        renewing = asyncio.create_task(self._renew(message))
        try:
            # The real host binds the message as text first: what is not UTF-8 fails before the function is called.
            raw.decode()
            await self._invoke(self._function, _call(message, raw))
        except (FunctionFailed, UnicodeDecodeError) as error:
            renewing.cancel()
            log.error("Executed 'Functions.%s' (Failed): %s", self._function, error)
            await self._after_failure(message)
        else:
            renewing.cancel()
            elapsed = (time.monotonic() - began) * 1000
            log.info("Executed 'Functions.%s' (Succeeded, Duration=%dms)", self._function, elapsed)
            # A lost receipt means that another receiver has the message by now, and deletes it.
            with contextlib.suppress(HttpResponseError, ServiceResponseError):
                await self._surely(lambda: self._client.delete_message(message))
        finally:
            renewing.cancel()

    def _raw(self, message: QueueMessage) -> bytes:
        text: str = message.content or ""
        if self._settings.message_encoding.lower() == "none":
            return text.encode()
        try:
            return base64.b64decode(text.strip(), validate=True)
        except ValueError as error:
            raise binascii.Error from error

    async def _renew(self, message: QueueMessage) -> None:
        """Keep the message hidden while its function runs."""
        while True:
            await asyncio.sleep(self._timing.lease_seconds / 2)
            with contextlib.suppress(AzureError):
                renewed = await self._client.update_message(message, visibility_timeout=self._timing.lease_seconds)
                message.pop_receipt = renewed.pop_receipt

    async def _after_failure(self, message: QueueMessage) -> None:
        """Let the message come back after visibilityTimeout, or give it up.

        A poison queue has neither (docs/facts/functions.md 11): its message comes back when the lease ends.
        """
        if not self._has_poison:
            return
        if (message.dequeue_count or 0) >= self._settings.max_dequeue_count:
            await self._poison(message)
            return
        delay = round(self._settings.visibility_seconds)
        try:
            await self._surely(lambda: self._client.update_message(message, visibility_timeout=delay))
        except (ResourceNotFoundError, ServiceResponseError):
            return  # Another receiver has the message by now.
        except HttpResponseError as error:
            # A delay of more than seven days, for example, is refused: the first failing message ends the real host.
            if (error.status_code or _SERVER_ERROR) < _SERVER_ERROR:
                raise

    @property
    def _has_poison(self) -> bool:
        return not self._name.endswith(_POISON) and len(self._name + _POISON) <= _LONGEST_NAME

    async def _poison(self, message: QueueMessage) -> None:
        """Move a message to the poison queue, as it came."""
        if not self._has_poison:
            return
        async with QueueClient.from_connection_string(self._connection, self._name + _POISON) as poison:
            with contextlib.suppress(ResourceExistsError):
                await self._surely(poison.create_queue)
            await self._surely(lambda: poison.send_message(message.content))
        with contextlib.suppress(HttpResponseError, ServiceResponseError):
            await self._surely(lambda: self._client.delete_message(message))
        log.error("Message has reached MaxDequeueCount, or cannot be read: moved to '%s'.", self._name + _POISON)

    async def _surely[T](self, call: Callable[[], Awaitable[T]]) -> T:
        return await through_outage(call, self._timing.outage_seconds)


def _call(message: QueueMessage, body: bytes) -> QueueCall:
    inserted = message.inserted_on.isoformat() if message.inserted_on else ""
    return QueueCall(body, message.id, message.dequeue_count or 0, message.pop_receipt or "", inserted)
