"""Timer triggers: NCRONTAB in UTC, never two at once, and one catch-up for occurrences missed while nobody ran.

When the next occurrence is due is kept in a blob of the host's storage, as the real host does, written after the
function ended (facts/functions.md 2).
"""

import asyncio
import json
import logging
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, ContainerClient
from azure_functions_runtime.bindings.datumdef import Datum

from local.host.app import Function, FunctionFailed
from sync.timetable import Timetable

log = logging.getLogger("host")

CONTAINER = "azure-webjobs-hosts"


class TimerListener:
    """One function's timer."""

    def __init__(self, function: Function, schedule: Timetable, connection_string: str, timeout: float) -> None:
        self._function = function
        self._schedule = schedule
        self._timeout = timeout
        self._monitored = function.trigger.get("useMonitor", True) is not False
        self._container = ContainerClient.from_connection_string(connection_string, CONTAINER, retry_total=1)
        self._blob: BlobClient = self._container.get_blob_client(f"timers/local/{function.name}/status")

    async def listen(self) -> None:
        """Wait for each occurrence and run the function, until cancelled."""
        now = datetime.now(UTC)
        due = await self._due() if self._monitored else None
        if due is not None and due < now:
            await self._run(past_due=True)
        elif self._function.trigger.get("runOnStartup"):
            await self._run(past_due=False)
        while True:
            occurrence = self._schedule.next_after(datetime.now(UTC))
            if self._monitored:
                await self._remember(occurrence)
            await asyncio.sleep(max(0.0, (occurrence - datetime.now(UTC)).total_seconds()))
            await self._run(past_due=False)

    async def close(self) -> None:
        await self._container.close()

    async def _run(self, *, past_due: bool) -> None:
        log.info("Executing 'Functions.%s' (Reason='Timer fired', past due: %s)", self._function.name, past_due)
        info = {"Schedule": {"AdjustForDST": False}, "ScheduleStatus": None, "IsPastDue": past_due}
        try:
            async with asyncio.timeout(self._timeout):
                await self._function.invoke(Datum(json.dumps(info), "json"), {})
        except (FunctionFailed, TimeoutError) as error:
            # The schedule goes on, and nothing is tried again (facts/functions.md 2).
            log.error("Executed 'Functions.%s' (Failed): %s", self._function.name, error or "timed out")
        else:
            log.info("Executed 'Functions.%s' (Succeeded)", self._function.name)

    async def _due(self) -> datetime | None:
        """When the next occurrence was to be, as a host before this one left it."""
        try:
            stored = json.loads(await (await self._blob.download_blob()).readall())
            return datetime.fromisoformat(stored["Next"]) if stored["Schedule"] == repr(self._schedule) else None
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            log.warning("The timer's state cannot be read (%s).", type(error).__name__)
            return None

    async def _remember(self, occurrence: datetime) -> None:
        status = json.dumps({"Next": occurrence.isoformat(), "Schedule": repr(self._schedule)})
        try:
            try:
                await self._blob.upload_blob(status, overwrite=True)
            except ResourceNotFoundError:
                await self._make_container()
                await self._blob.upload_blob(status, overwrite=True)
        except AzureError as error:
            log.warning("The timer's state cannot be written (%s).", type(error).__name__)

    async def _make_container(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return
