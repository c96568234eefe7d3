"""What people ask of runs: start one, approve or discard its removals, cancel it (spec §5, §6)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

import limits
from errors import Refused
from storage.queue import MessageQueue
from storage.transaction import Operation
from sync.messages import Continue, write_message
from workspace.connection import Connection, ConnectionState, Stage, WorkspaceId
from workspace.run import Event, Request, Run, RunId, RunState, run_id
from workspace.state import SyncState, approve, ask, settled
from workspace.store import Update, WorkspaceStore, run_operation


class NotSyncing(Refused):
    """There is nothing to sync yet."""

    code = "not_syncing"
    status = 409


class Paused(NotSyncing):
    """An administrator paused syncing."""

    code = "paused"


class NotPossible(Refused):
    """The run is not in a state in which that can be done."""

    code = "not_possible"
    status = 409


@dataclass(frozen=True, slots=True)
class RunRequests:
    """Writes what people ask for into the sync state, then queues the message. `record` is the row of who asked."""

    workspaces: WorkspaceStore
    queue: MessageQueue
    now: Callable[[], datetime]

    async def request(self, request: Request, *record: Operation) -> Run:
        """Start a run, join the one that goes on, or follow it: the run that answers the request.

        Raises:
            NotSyncing: the workspace has no active connection.
        """
        new_id = self.new_id()

        def decide(connection: Connection | None, state: SyncState) -> Update:
            require_active(connection)
            state, _ = ask(state, request, new_id, self.now())
            return None, state, record

        _, state = await self.workspaces.update(request.workspace_id, decide)
        await self.wake(state)
        # Asked of what is stored now, `ask` finds the run that covers the request, and changes nothing.
        _, answering = ask(state, request, new_id, self.now())
        return answering

    async def approve(self, workspace: WorkspaceId, wanted: RunId, *record: Operation) -> Run:
        """Let the removals of a waiting run go ahead.

        Raises:
            NotFound, NotPossible, NotSyncing
        """

        def decide(connection: Connection | None, state: SyncState) -> Update:
            require_active(connection)
            if not _approved_already(state, wanted):
                _require_waiting(state, wanted)
                state = approve(state)
            return None, state, record

        await self._known(workspace, wanted)
        _, state = await self.workspaces.update(workspace, decide)
        await self.wake(state)
        return state.find(wanted) or await self.workspaces.run(workspace, wanted)

    async def discard(self, workspace: WorkspaceId, wanted: RunId, request: Request, *record: Operation) -> Run:
        """Drop the removals of a waiting run, and queue a full run (spec §5).

        Raises:
            NotFound, NotPossible, NotSyncing
        """
        new_id = self.new_id()

        def decide(connection: Connection | None, state: SyncState) -> Update:
            require_active(connection)
            waiting = _require_waiting(state, wanted)
            dropped = waiting.ended(Event.DISCARDED, self.now())
            state = replace(state, waiting=None, last=_last(state, dropped))
            state, _ = ask(state, request, new_id, self.now())
            return None, state, [run_operation(dropped), *record]

        await self._known(workspace, wanted)
        _, state = await self.workspaces.update(workspace, decide)
        # After the state: a crash in between leaves rows that are deleted in time, never a waiting run without its
        # ids.
        await self.workspaces.forget_pending(workspace, wanted)
        await self.wake(state)
        return await self.workspaces.run(workspace, wanted)

    async def cancel(self, workspace: WorkspaceId, wanted: RunId, *record: Operation) -> Run:
        """End a run that is queued or running; what it wrote stays, and the next run goes on from before it.

        Raises:
            NotFound, NotPossible
        """

        def decide(_: Connection | None, state: SyncState) -> Update:
            run = state.find(wanted)
            if run is None or not run.going:
                raise NotPossible("This run has ended, or waits for approval. There is nothing to cancel.")
            ended = run.ended(Event.CANCELLED, self.now())
            if state.follow_up is not None and state.follow_up.id == wanted:
                state = replace(state, follow_up=None)
            elif state.waiting is not None and state.waiting.id == wanted:
                state = replace(state, waiting=None, last=_last(state, ended))
            else:
                state = settled(state, ended)
            return None, state, [run_operation(ended), *record]

        await self._known(workspace, wanted)
        _, state = await self.workspaces.update(workspace, decide)
        await self.wake(state)
        return await self.workspaces.run(workspace, wanted)

    async def wake(self, state: SyncState) -> None:
        """Queue a message for the run that is next, if no worker works on it. One too many does no harm."""
        run, now = state.run, self.now()
        paused = run is not None and run.resume_at is not None and run.resume_at > now
        if run is None or paused:
            return
        wait = 0.0
        if state.leased(now) and state.lease_until is not None:
            if run.state is RunState.RUNNING:
                return  # The worker that holds the lease queues what is next.
            # The lease is of a run that was ended by a pause; its worker has not noticed yet.
            wait = (state.lease_until - now).total_seconds() + limits.MARGIN_SECONDS
        await self.queue.send(write_message(Continue(state.workspace_id, run.id, run.step)), wait)

    def new_id(self) -> RunId:
        return run_id(self.now(), uuid.uuid4().hex[:8])

    async def _known(self, workspace: WorkspaceId, wanted: RunId) -> None:
        """Raises: NotFound: before anything else is said about the run."""
        await self.workspaces.run(workspace, wanted)


def require_active(connection: Connection | None) -> None:
    """Refuse what needs a configured connection (raises NotSyncing)."""
    if connection is None or connection.stage in (Stage.NONE, Stage.CLOSING):
        raise NotSyncing("This workspace is not connected to Microsoft Entra ID.")
    if connection.state is ConnectionState.PERMISSIONS_REQUIRED:
        raise NotSyncing("Microsoft permissions are required first. Grant permissions.")
    if connection.state is ConnectionState.NOT_CONFIGURED:
        raise NotSyncing("Save a configuration first.")
    if connection.state is ConnectionState.PAUSED:
        raise Paused("Syncing is paused. Resume it first.")


def _require_waiting(state: SyncState, wanted: RunId) -> Run:
    waiting = state.waiting
    if waiting is None or waiting.id != wanted or waiting.state is not RunState.AWAITING_APPROVAL:
        raise NotPossible("No removals of this run wait for approval.")
    return waiting


def _approved_already(state: SyncState, wanted: RunId) -> bool:
    """A second click on Approve is answered like the first."""
    run = state.find(wanted)
    return run is not None and run.approved and run.pending_removals is not None


def _last(state: SyncState, ended: Run) -> Run | None:
    """A run that waited may still be shown as the last one."""
    return ended if state.last is not None and state.last.id == ended.id else state.last
