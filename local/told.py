"""Shows what emu.chat is told: the events of the queue, as they come (docs/events.md)."""

import json

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy
from rich.console import Console
from rich.markup import escape

from local.azurite import RunningAzurite
from sync.messages import EVENTS_QUEUE


class EventsShown:
    """Stands in for emu.chat: takes each event out of the queue."""

    def __init__(self, azurite: RunningAzurite, console: Console) -> None:
        storage, policy = azurite.connection_string(), TextBase64DecodePolicy()
        self._queue = QueueClient.from_connection_string(storage, EVENTS_QUEUE, message_decode_policy=policy)
        self._console = console

    def show(self) -> None:
        """A line for each event that has come since the last time."""
        try:
            for message in self._queue.receive_messages():
                event = json.loads(message.content)
                told = ", ".join(f"{name} {value}" for name, value in event["data"].items() if value not in (0, None))
                self._console.print(f"  [dim]event[/] {event['type']}  {escape(told)}", soft_wrap=True)
                self._queue.delete_message(message)
        except ResourceNotFoundError:
            return  # The first event makes the queue.

    def close(self) -> None:
        self._queue.close()
