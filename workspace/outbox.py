"""Sends events that stand in the outbox (spec §6 'Events'): at least once, each with the id it was written with."""

import contextlib
import logging

from errors import Conflict, TryLater
from storage.document import DocumentRow
from storage.filters import beginning
from storage.queue import MessageQueue
from storage.table import Tables
from storage.transaction import Operation, Verb
from workspace.connection import TABLE, WorkspaceId, partition_of
from workspace.events import OUTBOX_PREFIX, CloudEvent

log = logging.getLogger(__name__)


class Outbox:
    """The queue of events, and the rows that wait for it."""

    def __init__(self, tables: Tables, queue: MessageQueue) -> None:
        self._tables = tables
        self._queue = queue

    async def send(self, workspace: WorkspaceId) -> int:
        """Send what waits, oldest first; how many there were. A crash on the way sends one again.

        Raises:
            TryLater: some still wait.
        """
        sent = 0
        async for rows in self._tables.query(TABLE, beginning(workspace, OUTBOX_PREFIX), DocumentRow):
            for row in rows:
                await self._queue.send(row.read(CloudEvent).json())
                # Another process may have sent it as well.
                with contextlib.suppress(Conflict):
                    await self._tables.transact(partition_of(workspace), [Operation(Verb.DELETE, row.row_key)])
                sent += 1
        return sent

    async def try_to_send(self, workspace: WorkspaceId) -> None:
        """Send what has just been written. Where that fails, the timer's next visit sends it."""
        try:
            await self.send(workspace)
        except TryLater as error:
            log.warning("events_kept workspace=%s reason=%s", workspace, error)
