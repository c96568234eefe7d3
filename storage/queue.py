"""The queue of runs. Messages are JSON in Base64, the host's default (spec §8)."""

import asyncio

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

import limits
from errors import TryLater


class MessageQueue:
    """One queue. The first message that finds no queue makes it."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    async def send(self, text: str, delay_seconds: float = 0) -> None:
        """Put a message into the queue, visible after a delay, which is cut to the longest that the queue takes.

        Raises:
            TryLater: it may or may not be in the queue.
        """
        # The service takes whole seconds, and refuses a delay as long as a message's life.
        delay = round(min(max(0.0, delay_seconds), limits.LONGEST_DELAY_SECONDS))
        try:
            async with asyncio.timeout(limits.QUEUE_CALL_SECONDS):
                await self._send(text, delay)
        except (AzureError, TimeoutError) as error:
            raise TryLater(f"the queue did not answer ({type(error).__name__})") from error

    async def _send(self, text: str, delay: int) -> None:
        try:
            await self._client.send_message(text, visibility_timeout=delay)
        except ResourceNotFoundError:
            # Asking before each message whether the queue is there would double the requests.
            await self.make()
            await self._client.send_message(text, visibility_timeout=delay)

    async def make(self) -> None:
        """Make the queue: the trigger does not, it waits for it (facts/functions.md 1)."""
        try:
            await self._client.create_queue()
        except ResourceExistsError:
            return  # Another process made it at the same time.

    async def close(self) -> None:
        await self._client.close()
