"""Timer triggers: NCRONTAB in UTC, never two at once, and one catch-up for occurrences missed while no host ran.

The state is kept in a blob of the host's storage, as the real host does (docs/facts/functions.md 2, 11).
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient

from local.host.singleton import LeaseLost, Singleton
from local.host.timing import Timing
from local.host.wire import TimerCall
from local.host.workers import FunctionFailed
from sync.timetable import Timetable, read_timetable

log = logging.getLogger("host")

CONTAINER = "azure-webjobs-hosts"
_SHORTEST_MONITORED = timedelta(minutes=1)
_LOOKED_AT = 5

type Invoke = Callable[[str, TimerCall], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Status:
    """What is stored: `last` is when the last run began (None: none did), `next` when the following one is due."""

    last: datetime | None
    next: datetime
    updated: datetime


class TimerListener:
    """One function's timer."""

    def __init__(
        self,
        function: str,
        invoke: Invoke,
        connection: str,
        schedule: str,
        trigger: Mapping[str, Any],
        timing: Timing,
    ) -> None:
        """Read the schedule.

        Raises:
            ValueError: it is no NCRONTAB expression.
        """
        self._function = function
        self._invoke = invoke
        self._schedule = read_timetable(schedule)
        self._on_startup = bool(trigger.get("runOnStartup"))
        self._monitored = trigger.get("useMonitor", True) is not False and not _is_frequent(self._schedule)
        self._container = ContainerClient.from_connection_string(connection, CONTAINER, retry_total=1)
        self._blob: BlobClient = self._container.get_blob_client(f"timers/local/{function}/status")
        self._singleton = Singleton(self._container, f"{function}.Listener", timing)
        self.running: set[asyncio.Task[None]] = set()
        """The execution of the moment, if there is one."""

    async def listen(self) -> None:
        """Run the function at each occurrence while this host holds the lease, until cancelled."""
        while True:
            await self._singleton.acquire()
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._singleton.keep())
                    both.create_task(self._follow_schedule())
            except* LeaseLost:
                log.warning("The lease of the timer '%s' is lost.", self._function)

    async def close(self) -> None:
        """Let another host have the timer."""
        await self._singleton.release()
        await self._container.close()

    async def _follow_schedule(self) -> None:
        now = datetime.now(UTC)
        due, past_due = self._schedule.next_after(now), False
        if self._monitored:
            due, past_due = await self._check_past_due(now, due)
        if past_due or self._on_startup:
            due = await self._run(past_due=past_due)
        while True:
            # After an overrun the next occurrence has passed, and runs at once; further ones are not made up for.
            await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            due = await self._run(past_due=False, due=due)

    async def _check_past_due(self, now: datetime, following: datetime) -> tuple[datetime, bool]:
        """When the next occurrence is due by the stored state, and whether that has passed while no host ran."""
        known = await self._stored()
        if known is None:
            await self._store(_Status(None, following, now))
            return following, False
        if known.next != self._schedule.next_after(known.last or known.updated):
            # The schedule is another one: nothing of the old one is made up for.
            await self._store(_Status(None, following, now))
            return following, False
        return known.next, now > known.next

    async def _run(self, *, past_due: bool, due: datetime | None = None) -> datetime:
        """Run the function once; when it is due again, counted from this run's beginning."""
        began = datetime.now(UTC)
        task = asyncio.create_task(self._execute(past_due=past_due))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        await asyncio.shield(task)
        # The clock may be a little early: the same occurrence must not come again.
        began = max(began, due) if due is not None else began
        following = self._schedule.next_after(began)
        if self._monitored:
            # Written after the run: one that dies in the middle comes again, past due.
            await self._store(_Status(began, following, began))
        return following

    async def _execute(self, *, past_due: bool) -> None:
        log.info("Executing 'Functions.%s' (Reason='Timer fired', past due: %s)", self._function, past_due)
        try:
            await self._invoke(self._function, TimerCall(past_due))
        except FunctionFailed as error:
            # The schedule goes on, and nothing is tried again (docs/facts/functions.md 2).
            log.error("Executed 'Functions.%s' (Failed): %s", self._function, error)
        else:
            log.info("Executed 'Functions.%s' (Succeeded)", self._function)

    async def _stored(self) -> _Status | None:
        try:
            stored = json.loads(await (await self._blob.download_blob()).readall())
            last = datetime.fromisoformat(stored["Last"]) if stored["Last"] else None
            return _Status(last, datetime.fromisoformat(stored["Next"]), datetime.fromisoformat(stored["LastUpdated"]))
        except ResourceNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            log.warning("The timer's state is of another form, and begins anew.")
            return None
        except AzureError as error:
            log.warning("The timer's state cannot be read (%s).", type(error).__name__)
            return None

    async def _store(self, status: _Status) -> None:
        told = {
            "Last": status.last.isoformat() if status.last else None,
            "Next": status.next.isoformat(),
            "LastUpdated": status.updated.isoformat(),
        }
        try:
            await self._blob.upload_blob(json.dumps(told), overwrite=True)
        except AzureError as error:
            log.warning("The timer's state cannot be written (%s).", type(error).__name__)


def _is_frequent(schedule: Timetable) -> bool:
    """Whether two of the next occurrences are less than a minute apart: then no state is kept."""
    occurrences = [schedule.next_after(datetime.now(UTC))]
    for _ in range(_LOOKED_AT):
        occurrences.append(schedule.next_after(occurrences[-1]))
    return any(later - earlier < _SHORTEST_MONITORED for earlier, later in pairwise(occurrences))
