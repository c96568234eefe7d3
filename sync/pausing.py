"""Pauses syncing and lets it go on (spec §6): whatever is written goes in one transaction with the audit entry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from storage.transaction import Operation
from sync.requests import RunRequests, require_active
from workspace.connection import Connection, ConnectionEvent, Pause, Stage, WorkspaceId
from workspace.run import Mode, Request, Trigger
from workspace.state import SyncState, ask, halted
from workspace.store import Update, WorkspaceStore, run_operation


@dataclass(frozen=True, slots=True)
class Pausing:
    """Pause and resume. `record` is the audit entry; repeating a call changes nothing and records nothing."""

    workspaces: WorkspaceStore
    requests: RunRequests
    now: Callable[[], datetime]

    async def pause(self, workspace: WorkspaceId, name: str, record: Operation) -> Connection:
        """Stop syncing: no run starts, and the run that goes on ends at its next checkpoint.

        Raises:
            NotSyncing: nothing syncs.
        """

        def decide(connection: Connection | None, state: SyncState) -> Update:
            return paused(connection, state, name, self.now(), record)

        connection, _ = await self.workspaces.update(workspace, decide)
        assert connection is not None
        return connection

    async def resume(self, workspace: WorkspaceId, name: str, record: Operation) -> Connection:
        """Let syncing go on, with a run at once; a configuration saved meanwhile makes it a full one.

        Raises:
            NotSyncing: there is nothing to resume.
        """
        new_id = self.requests.new_id()

        def decide(connection: Connection | None, state: SyncState) -> Update:
            if connection is None or connection.stage is not Stage.PAUSED:
                require_active(connection)
                return None, state, ()
            saved = connection.configuration.version != state.applied_version
            mode, trigger = (Mode.FULL, Trigger.CONFIGURATION) if saved else (Mode.DELTA, Trigger.MANUAL)
            state, _ = ask(state, Request(workspace, mode, trigger, name), new_id, self.now())
            return replace(connection.after(ConnectionEvent.UNPAUSED), pause=None), state, [record]

        connection, state = await self.workspaces.update(workspace, decide)
        await self.requests.wake(state)
        assert connection is not None
        return connection


def paused(connection: Connection | None, state: SyncState, name: str, now: datetime, *records: Operation) -> Update:
    """What to write when an administrator pauses a connection; nothing where it is paused.

    Raises:
        NotSyncing: nothing syncs.
    """
    if connection is not None and connection.stage is Stage.PAUSED:
        return None, state, ()
    require_active(connection)
    assert connection is not None
    state, ended = halted(state, now)
    connection = replace(connection.after(ConnectionEvent.PAUSED), pause=Pause(now, name))
    return connection, state, [*records, *(run_operation(run) for run in ended)]
