"""The hourly timer: a start message for every workspace that syncs, each at its own place in the hour (spec §6).

The workspaces stand in a small table of their own, so that the timer reads a row a workspace and nothing else. The
worker looks at the connection itself, so a row too many does no harm; a row too few cannot be, because a workspace is
enrolled before its connection becomes active.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

import limits
from errors import Conflict
from storage.filters import within
from storage.queue import MessageQueue
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from sync.messages import SCHEDULE, Message, Prune, Start, Tick, write_message
from sync.timetable import Timetable
from workspace.connection import WorkspaceId, place_of
from workspace.run import Mode

TABLE = "Schedule"
_PARTITION = Partition(TABLE, "active")
_KNOWN = Partition(TABLE, "known")
"""Every workspace that has rows, connected or not."""
_DAYS = Partition(TABLE, "days")
_PRUNED = "pruned"
"""The row that holds the day whose pruning was queued last."""
_ROWS = 1000
_AT_ONCE = 16


class _Row(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


class _Day(msgspec.Struct, frozen=True):
    day: str = ""


class Schedule:
    """Which workspaces the timer visits, and when. Its messages have a queue of their own."""

    def __init__(self, tables: Tables, queue: MessageQueue, timetable: Timetable, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._queue = queue
        self._timetable = timetable
        self._now = now

    async def enrol(self, workspace: WorkspaceId) -> None:
        """Let the timer visit a workspace, from its place in this hour on; repeating it changes nothing."""
        await self.know(workspace)
        try:
            await self._tables.transact(_PARTITION, [Operation(Verb.INSERT, workspace, {})])
        except Conflict:
            return  # It is enrolled already.
        now = self._now()
        # This hour's tick has passed, and `next_run_at` promises the place in this hour.
        if (place := own_place(workspace, *self._span_at(now))) > now:
            await self._send_at(place, Start(workspace, Mode.DELTA, SCHEDULE))

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
        rows, last = await self._tables.after(TABLE, within(_KNOWN.key), _Row, after, most)
        return [WorkspaceId(row.row_key) for row in rows], last

    async def forget(self, workspace: WorkspaceId) -> None:
        """The workspace has no rows any more; repeating it changes nothing."""
        await self.leave(workspace)
        with contextlib.suppress(Conflict):  # It was not known.
            await self._tables.transact(_KNOWN, [Operation(Verb.DELETE, workspace)])

    def next_run_at(self, workspace: WorkspaceId) -> datetime:
        """When a workspace's next hourly run is due."""
        now = self._now()
        at, until = self._span_at(now)
        place = own_place(workspace, at, until)
        return place if place > now else own_place(workspace, *self._span_from(self._timetable.next_after(at)))

    async def tick(self) -> int:
        """Do the first part of the timer's work; how many runs it queued. Messages continue it.

        The timer may come twice: a second start joins the first run, or finds nothing changed.

        Raises:
            TryLater
        """
        now = self._now()
        tick = Tick(*self._span_at(now), now)
        await self._prune_once_a_day(tick)
        return await self.work(tick)

    async def work(self, tick: Tick) -> int:
        """Queue messages for some seconds, then one that goes on where this part ended; of how many workspaces.

        Raises:
            TryLater: the part may be repeated.
        """
        enough, visited = time.monotonic() + limits.TICK_SECONDS, 0
        partition = _KNOWN if tick.prunes else _PARTITION
        while True:
            rows, after = await self._tables.after(TABLE, within(partition.key), _Row, tick.after, _ROWS)
            await self._send_all([WorkspaceId(row.row_key) for row in rows], tick)
            visited += len(rows)
            tick = replace(tick, after=after)
            if not after:
                return visited
            if time.monotonic() >= enough:
                await self._queue.send(write_message(tick))
                return visited

    async def _prune_once_a_day(self, tick: Tick) -> None:
        """Queue the pruning of every workspace, whether it syncs or not."""
        today = tick.began.date().isoformat()
        row = await self._tables.get(_DAYS, _PRUNED, _Day)
        if row is not None and row.day == today:
            return
        await self._queue.send(write_message(replace(tick, prunes=True)))
        # After the message: pruned twice does no harm.
        await self._tables.transact(_DAYS, [Operation(Verb.PUT, _PRUNED, {"day": today})])

    async def _send_all(self, workspaces: list[WorkspaceId], tick: Tick) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def send(workspace: WorkspaceId) -> None:
            wanted = Prune(workspace) if tick.prunes else Start(workspace, Mode.DELTA, SCHEDULE)
            async with gate:
                await self._send_at(place_in(workspace, tick), wanted)

        await asyncio.gather(*map(send, workspaces))

    async def _send_at(self, moment: datetime, message: Message) -> None:
        await self._queue.send(write_message(message), (moment - self._now()).total_seconds())

    def _span_at(self, now: datetime) -> tuple[datetime, datetime]:
        """The span over which the runs of the newest tick are spread."""
        return self._span_from(self._timetable.last_until(now + limits.TIMER_EARLY))

    def _span_from(self, at: datetime) -> tuple[datetime, datetime]:
        return at, min(self._timetable.next_after(at), at + limits.LONGEST_SPAN)


def own_place(workspace: WorkspaceId, at: datetime, until: datetime) -> datetime:
    """A workspace's own second of a span: the same in every span of that length."""
    return at + timedelta(seconds=place_of(workspace, max(1, int((until - at).total_seconds()))))


def place_in(workspace: WorkspaceId, tick: Tick) -> datetime:
    """When a workspace's message of a tick is due.

    The timer may come late, because the app was away. Who was passed by then is begun as long after the timer as it
    would have been after the tick. So a missed tick is made up for as evenly as it would have been.
    """
    own = own_place(workspace, tick.at, tick.until)
    return own if own >= tick.began else own + (tick.began - tick.at)
