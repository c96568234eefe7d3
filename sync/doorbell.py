"""Microsoft's change notifications: whose they are, and when the run begins that they ask for (spec §6).

A notification is a doorbell: it says that something changed, never what. It is taken when the secret in its
`clientState` is the one of the connection that it names, and puts at most one message into the queue, whatever number
comes: doorbells of the next 15 seconds are covered by one message that comes when those are over.
"""

import asyncio
import hashlib
import hmac
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

import limits
from errors import Refused
from storage.queue import MessageQueue
from sync import telemetry
from sync.messages import DOORBELL, Ring, Start, write_message
from workspace.connection import Stage, WorkspaceId, workspace_id
from workspace.run import Mode, RunState
from workspace.state import Bell, SyncState
from workspace.store import WorkspaceStore

_NOT_CONNECTED = Bell(datetime.min.replace(tzinfo=UTC))


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a notification: the person that it names is found by the run."""

    subscription_id: str
    client_state: str


def client_state_of(secret: str, workspace: WorkspaceId) -> str:
    """What a subscription's notifications carry: 128 characters at most (facts/graph.md 9)."""
    return f"{secret}.{workspace}"


def client_state_hash(client_state: str) -> str:
    return hashlib.sha256(client_state.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Doorbell:
    """One a process. What it remembers only spares reads and messages: each may be lost."""

    workspaces: WorkspaceStore
    queue: MessageQueue
    now: Callable[[], datetime]
    seconds: Callable[[], float] = time.monotonic
    _known: dict[WorkspaceId, tuple[float, Bell]] = field(default_factory=dict)
    _due: dict[WorkspaceId, datetime] = field(default_factory=dict)

    async def ring(self, notifications: Sequence[Notification]) -> None:
        """Take the notifications of one body; with one write to the queue at most, and none to tables.

        Raises:
            TryLater: Microsoft is to send them again.
        """
        rung = await self._genuine(notifications)
        now = self.now()
        due = {one: at for one in rung if (at := self._next(one, now)) is not None}
        if not due:
            return
        # One message for all: those whose time has not come are put back by the worker.
        first = min(due.values())
        message = Ring(tuple(due), max(due.values()))
        await self.queue.send(write_message(message), math.ceil((first - now).total_seconds()))
        # After the write: a message that was not queued is asked for by the next doorbell.
        _bounded(self._due)
        self._due |= due

    async def put_back(self, message: Ring, workspace: WorkspaceId, seconds: float) -> None:
        """Let a message come again for one workspace. Seconds are rounded up: one that comes too early comes twice."""
        await self.queue.send(write_message(Ring((workspace,), message.at)), math.ceil(seconds))

    def _next(self, workspace: WorkspaceId, now: datetime) -> datetime | None:
        """When a message is to come for a doorbell of now; None where one is on its way that comes later than now."""
        last = self._due.get(workspace)
        if last is None or now - last >= limits.DOORBELL_PAUSE:
            return now
        return None if last > now else last + limits.DOORBELL_PAUSE

    async def _genuine(self, notifications: Sequence[Notification]) -> list[WorkspaceId]:
        named = {one: _workspace_of(one) for one in notifications}
        told: dict[WorkspaceId, list[Notification]] = {}
        for one, workspace in named.items():
            if workspace is not None:
                told.setdefault(workspace, []).append(one)
        wanted = list(told.items())[: limits.DOORBELL_LOOKUPS]
        bells = dict(await asyncio.gather(*(self._bell(workspace, some) for workspace, some in wanted)))
        genuine = [
            workspace
            for one, workspace in named.items()
            if _is_of(one, bells.get(workspace, _NOT_CONNECTED) if workspace is not None else _NOT_CONNECTED)
        ]
        found = [one for one in genuine if one is not None]
        telemetry.rung("taken", len(found))
        telemetry.rung("forged", len(named) - len(found))
        return list(dict.fromkeys(found))

    async def _bell(self, workspace: WorkspaceId, told: Sequence[Notification]) -> tuple[WorkspaceId, Bell]:
        read_at, bell = self._known.get(workspace, (-math.inf, _NOT_CONNECTED))
        # Where one does not fit, the subscription may be newer than what is known of it.
        fits = all(_is_of(one, bell) for one in told)
        believed = limits.DOORBELL_CHECKED_SECONDS if fits else limits.DOORBELL_DOUBTED_SECONDS
        if self.seconds() - read_at < believed:
            return workspace, bell
        connection, state = await self.workspaces.load(workspace)
        active = connection is not None and connection.stage is Stage.ACTIVE
        bell = (state.bell if active else None) or _NOT_CONNECTED
        _bounded(self._known)
        self._known[workspace] = self.seconds(), bell
        return workspace, bell


def start_for(message: Ring, workspace: WorkspaceId, state: SyncState, now: datetime) -> Start | timedelta | None:
    """What a doorbell means by now: a run to start, a time to wait, or nothing where a later run covers it (pure)."""
    run, began = state.run, state.last_started_at
    # A run that is still queued begins later than the doorbell, so it reads what the doorbell tells of.
    if (run is not None and run.state is RunState.QUEUED and run.reads) or (began is not None and began > message.at):
        return None
    pause = began + limits.DOORBELL_PAUSE - now if began is not None else timedelta()
    if pause > timedelta():
        return pause
    if run is None and state.lease_until is not None and state.lease_until > now:
        return state.lease_until - now
    return Start(workspace, Mode.DELTA, DOORBELL)


def _workspace_of(notification: Notification) -> WorkspaceId | None:
    try:
        return workspace_id(notification.client_state.partition(".")[2])
    except Refused:
        return None


def _is_of(notification: Notification, bell: Bell) -> bool:
    """Whether a subscription's notification carries its secret. Both are compared in any case, in constant time."""
    told = (client_state_hash(notification.client_state), notification.subscription_id.encode("utf-8", "replace"))
    wanted = (bell.secret_hash, (bell.id or "").encode())
    same = [hmac.compare_digest(told[0], wanted[0]), hmac.compare_digest(told[1], wanted[1])]
    return all(same) and bell.id is not None


def _bounded[T](remembered: dict[WorkspaceId, T]) -> None:
    if len(remembered) >= limits.MOST_DOORBELLS:
        remembered.clear()
