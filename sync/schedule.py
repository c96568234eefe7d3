"""The hourly timer: a start message for every workspace that syncs, spread over the first minutes (spec §6).

The workspaces stand in a small table of their own, so that the timer reads a row a workspace and nothing else. The
worker looks at the connection itself, so a row too many does no harm; a row too few cannot be, because a workspace is
enrolled before its connection becomes active.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date

import msgspec

from errors import Conflict
from storage.filters import within
from storage.queue import MessageQueue
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from sync.messages import SCHEDULE, Prune, Start, write_message
from workspace.connection import WorkspaceId
from workspace.run import Mode

TABLE = "Schedule"
_PARTITION = Partition(TABLE, "active")
_KNOWN = Partition(TABLE, "known")
"""Every workspace that has rows, connected or not. `pruned` is the day on which its pruning was last queued."""
_STARTS_PER_SECOND = 25
_LONGEST_DELAY_SECONDS = 900
_AT_ONCE = 16


class _Known(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")
    pruned: str = ""
    etag: str = msgspec.field(default="", name="odata.etag")


class _Enrolled(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


class Schedule:
    """Which workspaces the timer visits."""

    def __init__(self, tables: Tables, queue: MessageQueue) -> None:
        self._tables = tables
        self._queue = queue

    async def enrol(self, workspace: WorkspaceId) -> None:
        """Let the timer visit a workspace; repeating it changes nothing."""
        await self.know(workspace)
        await self._tables.transact(_PARTITION, [Operation(Verb.PUT, workspace, {})])

    async def leave(self, workspace: WorkspaceId) -> None:
        """End the visits; repeating it changes nothing."""
        try:
            await self._tables.transact(_PARTITION, [Operation(Verb.DELETE, workspace)])
        except Conflict:
            return  # It was not enrolled.

    async def know(self, workspace: WorkspaceId) -> None:
        """Remember that a workspace has rows, before it gets its first one."""
        with contextlib.suppress(Conflict):  # It is known.
            await self._tables.transact(_KNOWN, [Operation(Verb.INSERT, workspace, {})])

    async def known(self, after: str, most: int) -> tuple[list[WorkspaceId], str]:
        """Up to `most` workspaces that have rows, in order, and the last one where there are more."""
        rows, last = await self._tables.after(TABLE, within(_KNOWN.key), _Enrolled, after, most)
        return [WorkspaceId(row.row_key) for row in rows], last

    async def forget(self, workspace: WorkspaceId) -> None:
        """The workspace has no rows any more; repeating it changes nothing."""
        await self.leave(workspace)
        with contextlib.suppress(Conflict):  # It was not known.
            await self._tables.transact(_KNOWN, [Operation(Verb.DELETE, workspace)])

    async def prune_all(self, today: date) -> int:
        """Once a day, queue the pruning of every workspace, whether it syncs or not; how many."""
        queued = 0
        async for rows in self._tables.query(TABLE, within(_KNOWN.key), _Known):
            for row in rows:
                if row.pruned == today.isoformat():
                    continue
                delay = min(queued // _STARTS_PER_SECOND, _LONGEST_DELAY_SECONDS)
                await self._queue.send(write_message(Prune(WorkspaceId(row.row_key))), delay)
                operation = Operation(Verb.REPLACE, row.row_key, {"pruned": today.isoformat()}, row.etag)
                # A workspace that was forgotten meanwhile gets no row again.
                with contextlib.suppress(Conflict):
                    await self._tables.transact(_KNOWN, [operation])
                queued += 1
        return queued

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
