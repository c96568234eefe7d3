"""What people ask of runs: start one, approve or discard its removals, cancel it (spec §5, §6)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from errors import Refused
from storage.queue import MessageQueue
from storage.transaction import Operation
from sync.messages import ContinueMessage, write_message
from workspace.connection import Connection, ConnectionState, WorkspaceId
from workspace.run import Event, Request, Run, RunId, RunState, run_id
from workspace.state import Agenda, approve, ask, settled
from workspace.store import Update, Workspaces, run_operation


class NotSyncing(Refused):
    """There is nothing to sync yet."""

    code = "not_syncing"
    status = 409


class NotPossible(Refused):
    """The run is not in a state in which that can be done."""

    code = "not_possible"
    status = 409


@dataclass(frozen=True, slots=True)
class Runs:
    """Takes people's wishes down in the agenda, then queues who works on them. `record` is the row of who asked."""

    workspaces: Workspaces
    queue: MessageQueue
    now: Callable[[], datetime]

    async def request(self, request: Request, *record: Operation) -> Run:
        """Start a run, join the one that goes on, or follow it: the run that answers the request.

        Raises:
            NotSyncing: the workspace has no active connection.
        """
        new_id = self.new_id()

        def decide(connection: Connection | None, agenda: Agenda) -> Update:
            require_active(connection)
            agenda, _ = ask(agenda, request, new_id, self.now())
            return None, agenda, record

        _, agenda = await self.workspaces.update(request.workspace_id, decide)
        await self.wake(agenda)
        _, answering = ask(agenda, request, new_id, self.now())
        return answering

    async def approve(self, workspace: WorkspaceId, wanted: RunId, *record: Operation) -> Run:
        """Let the removals of a waiting run go ahead.

        Raises:
            NotFound, NotPossible, NotSyncing
        """

        def decide(connection: Connection | None, agenda: Agenda) -> Update:
            require_active(connection)
            if not _approved_already(agenda, wanted):
                _require_waiting(agenda, wanted)
                agenda = approve(agenda)
            return None, agenda, record

        await self._known(workspace, wanted)
        _, agenda = await self.workspaces.update(workspace, decide)
        await self.wake(agenda)
        return agenda.find(wanted) or await self.workspaces.run(workspace, wanted)

    async def discard(self, workspace: WorkspaceId, wanted: RunId, request: Request, *record: Operation) -> Run:
        """Drop the removals of a waiting run, and queue a full run (spec §5).

        Raises:
            NotFound, NotPossible, NotSyncing
        """
        new_id = self.new_id()

        def decide(connection: Connection | None, agenda: Agenda) -> Update:
            require_active(connection)
            waiting = _require_waiting(agenda, wanted)
            dropped = replace(waiting.after(Event.DISCARDED), completed_at=self.now())
            agenda = replace(agenda, waiting=None, last=_last(agenda, dropped))
            agenda, _ = ask(agenda, request, new_id, self.now())
            return None, agenda, [run_operation(dropped), *record]

        await self._known(workspace, wanted)
        _, agenda = await self.workspaces.update(workspace, decide)
        await self.wake(agenda)
        return await self.workspaces.run(workspace, wanted)

    async def cancel(self, workspace: WorkspaceId, wanted: RunId, *record: Operation) -> Run:
        """End a run that is queued or running; what it wrote stays, and the next run goes on from before it.

        Raises:
            NotFound, NotPossible
        """

        def decide(_: Connection | None, agenda: Agenda) -> Update:
            run = agenda.find(wanted)
            if run is None or not run.going:
                raise NotPossible("This run has ended, or waits for approval. There is nothing to cancel.")
            ended = replace(run.after(Event.CANCELLED), completed_at=self.now(), cursor=None, delta_link=None)
            if agenda.follow_up is not None and agenda.follow_up.id == wanted:
                agenda = replace(agenda, follow_up=None)
            elif agenda.waiting is not None and agenda.waiting.id == wanted:
                agenda = replace(agenda, waiting=None, last=_last(agenda, ended))
            else:
                agenda = settled(agenda, ended)
            return None, agenda, [run_operation(ended), *record]

        await self._known(workspace, wanted)
        _, agenda = await self.workspaces.update(workspace, decide)
        await self.wake(agenda)
        return await self.workspaces.run(workspace, wanted)

    async def wake(self, agenda: Agenda) -> None:
        """Queue a message for the run that is next, if one waits to be begun. One too many does no harm."""
        run = agenda.run
        if run is not None and run.state is RunState.QUEUED:
            await self.queue.send(write_message(ContinueMessage(agenda.workspace_id, run.id, run.step)))

    def new_id(self) -> RunId:
        return run_id(self.now(), uuid.uuid4().hex[:8])

    async def _known(self, workspace: WorkspaceId, wanted: RunId) -> None:
        """Raises: NotFound: before anything else is said about the run."""
        await self.workspaces.run(workspace, wanted)


def require_active(connection: Connection | None) -> None:
    """Refuse what needs a configured connection (raises NotSyncing)."""
    if connection is None or connection.closing is not None:
        raise NotSyncing("This workspace is not connected to Microsoft Entra ID.")
    if connection.state is ConnectionState.PERMISSIONS_REQUIRED:
        raise NotSyncing("Microsoft permissions are required first. Grant permissions.")
    if connection.state is ConnectionState.NOT_CONFIGURED:
        raise NotSyncing("Save a configuration first.")


def _require_waiting(agenda: Agenda, wanted: RunId) -> Run:
    waiting = agenda.waiting
    if waiting is None or waiting.id != wanted or waiting.state is not RunState.AWAITING_APPROVAL:
        raise NotPossible("No removals of this run wait for approval.")
    return waiting


def _approved_already(agenda: Agenda, wanted: RunId) -> bool:
    """A second click on Approve is answered like the first."""
    run = agenda.find(wanted)
    return run is not None and run.approved and run.pending_removals is not None


def _last(agenda: Agenda, ended: Run) -> Run | None:
    """A run that waited may still be shown as the last one."""
    return ended if agenda.last is not None and agenda.last.id == ended.id else agenda.last
