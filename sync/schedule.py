"""The hourly timer: a start message for every workspace that syncs, spread over the first minutes (spec §6).

The workspaces stand in a small table of their own, so that the timer reads a row a workspace and nothing else. The
worker looks at the connection itself, so a row too many does no harm; a row too few cannot be, because a workspace is
enrolled before its connection becomes active.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from errors import Conflict
from storage.filters import within
from storage.queue import MessageQueue
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from sync.messages import SCHEDULE, Start, write_message
from workspace.connection import WorkspaceId
from workspace.run import Mode

TABLE = "Schedule"
_PARTITION = Partition(TABLE, "active")
_STARTS_PER_SECOND = 25
_LONGEST_DELAY_SECONDS = 900
_AT_ONCE = 16


class _Enrolled(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


class Schedule:
    """Which workspaces the timer visits."""

    def __init__(self, tables: Tables, queue: MessageQueue) -> None:
        self._tables = tables
        self._queue = queue

    async def enrol(self, workspace: WorkspaceId) -> None:
        """Let the timer visit a workspace; repeating it changes nothing."""
        await self._tables.transact(_PARTITION, [Operation(Verb.PUT, workspace, {})])

    async def leave(self, workspace: WorkspaceId) -> None:
        """End the visits; repeating it changes nothing."""
        try:
            await self._tables.transact(_PARTITION, [Operation(Verb.DELETE, workspace)])
        except Conflict:
            return  # It was not enrolled.

    async def start_all(self) -> int:
        """Queue an hourly run for every workspace; how many."""
        gate = asyncio.Semaphore(_AT_ONCE)
        started = 0

        async def start(workspace: WorkspaceId, delay: float) -> None:
            async with gate:
                await self._queue.send(write_message(Start(workspace, Mode.DELTA, SCHEDULE)), delay)

        async for workspaces in self._enrolled():
            # Spread, so that Graph and storage are not asked for every workspace in the same second.
            delays = (min((started + i) // _STARTS_PER_SECOND, _LONGEST_DELAY_SECONDS) for i in range(len(workspaces)))
            await asyncio.gather(*map(start, workspaces, delays))
            started += len(workspaces)
        return started

    async def _enrolled(self) -> AsyncIterator[list[WorkspaceId]]:
        async for rows in self._tables.query(TABLE, within(_PARTITION.key), _Enrolled):
            yield [WorkspaceId(row.row_key) for row in rows]
