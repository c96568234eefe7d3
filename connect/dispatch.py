"""Says what a queue message is about: a connection's life, or a run (spec §2, §6).

A message carries no state. What is to be done stands in the workspace's rows, so a message may come twice, late or
never; one that does not fit the connection's stage any more is dropped.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import limits
from connect.connecting import Connecting
from connect.disconnecting import Disconnecting
from connect.forgetting import Forgetting
from connect.restoring import Restoring
from errors import ConnectorError, TryLater
from storage.queue import MessageQueue
from storage.retry import Sleep, tries
from sync import telemetry
from sync.doorbell import Doorbell, start_for
from sync.measuring import Measuring
from sync.messages import (
    SCHEDULE,
    Continue,
    Forget,
    ForgetPerson,
    Message,
    Prune,
    Restore,
    Ring,
    Start,
    Tick,
    UnreadableMessage,
    WorkspaceMessage,
    read_message,
    write_message,
)
from sync.meter import Meter, metered
from sync.requests import NotSyncing, RunRequests
from sync.schedule import Schedule
from sync.worker import Worker
from workspace.connection import Stage, WorkspaceId
from workspace.outbox import Outbox
from workspace.run import Mode, Request, Trigger
from workspace.store import WorkspaceStore

log = logging.getLogger(__name__)

_BURY_TRIES = 7
_BURY_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Hands a message to the part that does the work."""

    workspaces: WorkspaceStore
    worker: Worker
    connecting: Connecting
    disconnecting: Disconnecting
    forgetting: Forgetting
    restoring: Restoring
    measuring: Measuring
    schedule: Schedule
    queue: MessageQueue
    outbox: Outbox
    doorbell: Doorbell
    requests: RunRequests
    now: Callable[[], datetime]
    sleep: Sleep

    async def handle(self, message: Message) -> None:
        """Do what a workspace needs next; what takes too long is cut off, and a new message goes on from there.

        Raises:
            TryLater: it did not work; the same message can be tried again.
        """
        limit = asyncio.timeout(limits.LONGEST_MESSAGE_SECONDS)
        try:
            async with limit:
                await self._handle(message)
        except TimeoutError:
            if not limit.expired():
                raise
            workspace = "-" if isinstance(message, (Tick, Ring)) else message.workspace_id
            log.warning("message_cut_off workspace=%s kind=%s", workspace, type(message).__name__)
            await self.queue.send(write_message(message))

    async def _handle(self, message: Message) -> None:
        if isinstance(message, Tick):
            log.info("schedule_continued workspaces=%d prunes=%s", await self.schedule.work(message), message.prunes)
            return
        with metered() as meter:
            if isinstance(message, Ring):
                await self._rung(message, meter)
            else:
                await self._work_for(message, meter)

    async def _work_for(self, message: WorkspaceMessage, meter: Meter) -> None:
        if isinstance(message, Forget):
            await self.forgetting.workspace(message.workspace_id)
            return
        if isinstance(message, Restore):
            await self.restoring.work(message)
            return
        if isinstance(message, Prune):
            await self.forgetting.old(message.workspace_id)
            connection, state = await self.workspaces.load(message.workspace_id)
            if connection is not None and connection.stage in (Stage.ACTIVE, Stage.PAUSED):
                await self.measuring.tonight(connection, state)
            return
        if isinstance(message, Start) and message.requested_by == SCHEDULE:
            await self._send_events(message.workspace_id)
        connection, state = await self.workspaces.load(message.workspace_id)
        if isinstance(message, ForgetPerson):
            await self.forgetting.person(message, connection, state)
            return
        match connection.stage if connection is not None else Stage.NONE:
            case Stage.CLOSING if connection is not None:
                await self.disconnecting.work(connection, state)
            # A start is the timer's here, and serves as another try. A continuation is left from an earlier
            # connection.
            case Stage.SPREADING if connection is not None and not isinstance(message, Continue):
                await self.connecting.try_permission(connection)
            case Stage.ACTIVE | Stage.PAUSED if connection is not None and isinstance(message, (Start, Continue)):
                await self.worker.handle(message, connection, state, meter)
            # For instance an hourly start for a connection whose consent is lost: it stays on the timer's list.
            case stage:
                log.info("message_dropped workspace=%s stage=%s", message.workspace_id, stage)

    async def _rung(self, message: Ring, meter: Meter) -> None:
        """Start the run that doorbells ask for, when its time has come; each workspace of several gets its own message.

        Raises:
            TryLater
        """
        if len(message.workspace_ids) > 1:
            for one in message.workspace_ids:
                await self.doorbell.put_back(message, one, 0)
            return
        for workspace in message.workspace_ids:
            connection, state = await self.workspaces.load(workspace)
            if connection is None or connection.stage is not Stage.ACTIVE:
                log.info("doorbell_ignored workspace=%s", workspace)
                return
            start = start_for(message, workspace, state, self.now())
            if isinstance(start, timedelta):
                await self.doorbell.put_back(message, workspace, start.total_seconds())
            elif start is not None and state.run is not None and state.leased(self.now()):
                await self._follow(workspace)
            elif start is not None:
                await self.worker.handle(start, connection, state, meter)
                telemetry.doorbell_to_list((self.now() - message.at).total_seconds())

    async def _follow(self, workspace: WorkspaceId) -> None:
        """Let a run follow the one that goes on: that one may have passed the page on which the change would stand."""
        with contextlib.suppress(NotSyncing):  # It was paused or disconnected in between.
            await self.requests.request(Request(workspace, Mode.DELTA, Trigger.NOTIFICATION))

    async def _send_events(self, workspace: WorkspaceId) -> None:
        """Send what still waits in the outbox, because a process died or the queue was away."""
        try:
            sent = await self.outbox.send(workspace)
        except TryLater as error:
            log.error("events_wait workspace=%s reason=%s", workspace, error)
            telemetry.events_wait()
        else:
            telemetry.events_sent_late(sent)

    async def bury(self, body: bytes) -> None:
        """End the run, or repeat the step, that a message from the poison queue was about. Never raises what we raise.

        The host would deliver the message again only after ten minutes, and without end (facts/functions.md 11). So
        the tries are made here, for a minute; after that an error is logged, which is an alarm.
        """
        telemetry.poisoned()
        try:
            message = read_message(body)
        except UnreadableMessage:
            log.error("message_unreadable bytes=%d", len(body))
            return
        if isinstance(message, Tick):
            # The next tick visits every workspace again.
            log.error("schedule_gave_up prunes=%s", message.prunes)
            return
        if isinstance(message, Ring):
            log.error("doorbell_gave_up workspaces=%d", len(message.workspace_ids))  # The timer's visit finds it.
            return
        try:
            async with asyncio.timeout(limits.LONGEST_MESSAGE_SECONDS):
                await self._bury(message)
        except (ConnectorError, TimeoutError) as error:
            reason = str(error) or "it takes too long"
            log.error("message_unburied workspace=%s reason=%s", message.workspace_id, reason)

    async def _bury(self, message: WorkspaceMessage) -> None:
        """Raises: ConnectorError: none of the tries worked."""
        async for last in tries(self.sleep, _BURY_TRIES, _BURY_PAUSE_SECONDS):
            try:
                await self._give_up(message)
            except TryLater:  # Only what passes by itself is worth another try.
                if last:
                    raise
            else:
                return

    async def _give_up(self, message: WorkspaceMessage) -> None:
        """Raises: TryLater."""
        if isinstance(message, (Forget, ForgetPerson)):
            log.error("forgetting_gave_up workspace=%s", message.workspace_id)
            return
        if isinstance(message, Restore):
            log.error("restore_gave_up workspace=%s part=%d", message.workspace_id, message.part)
            return
        connection, state = await self.workspaces.load(message.workspace_id)
        if isinstance(message, (Start, Continue)):
            await self.worker.give_up(message)
        # Nobody can connect again before a disconnect has ended, so it is tried once more.
        elif connection is not None and connection.stage is Stage.CLOSING:
            log.error("disconnect_gave_up workspace=%s", message.workspace_id)
            await self.disconnecting.work(connection, state)
        elif connection is not None and connection.stage is Stage.SPREADING:
            await self.connecting.try_permission(connection)
