"""Queue triggers: polling, leases, retries and the poison queue as the real host has them (facts/functions.md 1)."""

import asyncio
import base64
import binascii
import contextlib
import logging
import time

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient
from azure_functions_runtime.bindings.datumdef import Datum

from local.host.app import Function, FunctionFailed
from local.host.host_json import Queues, seconds

log = logging.getLogger("host")

_LEASE_SECONDS = 600
_SHORTEST_POLL_SECONDS = 0.1
_POISON = "-poison"


class QueueListener:
    """One function's queue."""

    def __init__(
        self, function: Function, connection_string: str, queue: str, settings: Queues, timeout: float
    ) -> None:
        self._function = function
        self._connection_string = connection_string
        self._name = queue
        self._settings = settings
        self._timeout = timeout
        self._client = QueueClient.from_connection_string(connection_string, queue, retry_total=0)
        self._running: set[asyncio.Task[None]] = set()
        self._failing = False

    async def listen(self) -> None:
        """Poll until cancelled: at once while there is work, ever slower while there is none."""
        longest = seconds(self._settings.max_polling_interval)
        pause = _SHORTEST_POLL_SECONDS
        while True:
            found = await self._poll()
            pause = _SHORTEST_POLL_SECONDS if found else min(pause * 2, longest)
            if self._running:
                # A finished function makes room, and may have queued something.
                await asyncio.wait(self._running, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0 if found else pause)

    async def drain(self, patience_seconds: float) -> None:
        """Let the functions that run end, for a while."""
        if self._running:
            await asyncio.wait(self._running, timeout=patience_seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._client.close()

    async def _poll(self) -> int:
        room = self._settings.most_at_once - len(self._running)
        if room <= 0 or len(self._running) > self._settings.most_at_once - self._settings.batch_size:
            return 0
        most = min(room, self._settings.batch_size)
        found = 0
        try:
            async for message in self._client.receive_messages(max_messages=most, visibility_timeout=_LEASE_SECONDS):
                found += 1
                task = asyncio.create_task(self._handle(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                if found == most:
                    break
        except ResourceNotFoundError:
            return found  # The trigger does not make its queue; it waits for it.
        except AzureError as error:
            if not self._failing:
                log.warning("The queue '%s' cannot be read (%s); trying again.", self._name, type(error).__name__)
            self._failing = True
            return found
        if self._failing:
            log.info("The queue '%s' can be read again.", self._name)
        self._failing = False
        return found

    async def _handle(self, message: QueueMessage) -> None:
        try:
            body = self._decoded(message)
        except (binascii.Error, ValueError):
            log.error("A message of '%s' is not Base64; it goes to the poison queue.", self._name)
            await self._poison(message)
            return
        if (message.dequeue_count or 0) > self._settings.max_dequeue_count:
            await self._poison(message)
            return
        log.info("Executing 'Functions.%s' (DequeueCount=%s)", self._function.name, message.dequeue_count)
        began = time.monotonic()
        renewing = asyncio.create_task(self._renew(message))
        try:
            async with asyncio.timeout(self._timeout):
                await self._function.invoke(Datum(body, "bytes"), _metadata(message))
        except (FunctionFailed, TimeoutError) as error:
            renewing.cancel()
            log.error("Executed 'Functions.%s' (Failed): %s", self._function.name, error or "timed out")
            await self._after_failure(message)
        else:
            renewing.cancel()
            elapsed = (time.monotonic() - began) * 1000
            log.info("Executed 'Functions.%s' (Succeeded, Duration=%dms)", self._function.name, elapsed)
            # A lost receipt means that somebody else took the message: he deletes it.
            with contextlib.suppress(AzureError):
                await self._client.delete_message(message)

    def _decoded(self, message: QueueMessage) -> bytes:
        text: str = message.content or ""
        if self._settings.message_encoding == "none":
            return text.encode()
        return base64.b64decode(text, validate=True)

    async def _renew(self, message: QueueMessage) -> None:
        """Keep the message hidden while its function runs."""
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 2)
            with contextlib.suppress(AzureError):
                renewed = await self._client.update_message(message, visibility_timeout=_LEASE_SECONDS)
                message.pop_receipt = renewed.pop_receipt

    async def _after_failure(self, message: QueueMessage) -> None:
        if (message.dequeue_count or 0) >= self._settings.max_dequeue_count:
            await self._poison(message)
            return
        with contextlib.suppress(AzureError):
            delay = round(seconds(self._settings.visibility_timeout))
            await self._client.update_message(message, visibility_timeout=delay)

    async def _poison(self, message: QueueMessage) -> None:
        """Move a message to the poison queue. A poison queue has none: there it stays hidden until its lease ends."""
        if self._name.endswith(_POISON):
            return
        async with QueueClient.from_connection_string(self._connection_string, self._name + _POISON) as poison:
            with contextlib.suppress(ResourceExistsError):
                await poison.create_queue()
            await poison.send_message(message.content)
        with contextlib.suppress(AzureError):
            await self._client.delete_message(message)
        log.error("Message has reached MaxDequeueCount, or cannot be read: moved to '%s'.", self._name + _POISON)


def _metadata(message: QueueMessage) -> dict[str, Datum]:
    inserted = message.inserted_on.isoformat() if message.inserted_on else ""
    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(str(message.dequeue_count), "json"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "InsertionTime": Datum(f'"{inserted}"', "json"),
    }
