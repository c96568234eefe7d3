"""Runs over HTTP: ask for one, look at them, decide about their removals (spec §7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import azure.functions as func
import msgspec

from api.answers import Accepted, Reply
from api.caller import Caller, Callers, require_admin
from api.csv import MOST_ROWS, Csv
from api.history import HEADS, RunFilter, filter_of, row_of
from api.pace import FullRunPace
from api.requests import page_of, read_body, search_of
from api.run_shapes import (
    Audit,
    Changes,
    Pending,
    RunAnswer,
    Runs,
    RunShape,
    UndoShape,
    change_shape,
    run_shape,
    undo_shape,
)
from errors import NotFound, Refused
from sync.pending import PendingPeople, PendingPerson
from sync.requests import RunRequests
from sync.undoing import Undoing
from workspace.audit import Action, entry
from workspace.journal import Outcome
from workspace.run import Mode, Request, Run, RunId, Trigger, read_run_id
from workspace.store import WorkspaceStore

_RUNS_A_TABLE = 1_000
_PARTS = 20
"""Walks through some thousand contacts each, in one answer."""

_ACTION = {Mode.DELTA: Action.SYNCED, Mode.FULL: Action.RESYNCED}


class SyncBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sync Now is a delta, Full Resync a full run."""

    mode: Literal["delta", "full"] = "delta"


@dataclass(frozen=True, slots=True)
class RunCalls:
    """The calls about runs, and the audit trail."""

    callers: Callers
    workspaces: WorkspaceStore
    requests: RunRequests
    waiting: PendingPeople
    undoing: Undoing
    full_runs: FullRunPace
    now: Callable[[], datetime]

    async def sync(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        caller = await self.callers.of(req)
        require_admin(caller)
        mode = Mode(read_body(req, SyncBody).mode)
        if mode is Mode.FULL:
            self.full_runs.take(caller)
        request = Request(caller.workspace_id, mode, Trigger.MANUAL, caller.name)
        record = entry(_ACTION[mode], caller.person, caller.name, self.now())
        return _accepted(await self.requests.request(request, record))

    async def history(self, req: func.HttpRequest) -> Reply[Runs]:
        """A page, of those that fit the filter. A short one, or an empty one, may still have a continuation."""
        caller = await self.callers.of(req)
        most, continuation = page_of(req, default=20)
        runs, after = await self._history(caller, filter_of(req), most, continuation)
        return Reply(Runs([run_shape(one) for one in runs], after or None))

    async def history_csv(self, req: func.HttpRequest) -> Csv:
        caller = await self.callers.of(req)
        _, asked = page_of(req)
        runs, after = await self._history(caller, filter_of(req), _RUNS_A_TABLE, asked)
        return Csv("runs", HEADS, [row_of(one) for one in runs], asked, after)

    async def _history(self, caller: Caller, wanted: RunFilter, most: int, continuation: str) -> tuple[list[Run], str]:
        _, state = await self.workspaces.load(caller.workspace_id)
        runs, after = await self.workspaces.history(caller.workspace_id, most, continuation)
        # Those that have not ended stand in the state alone.
        ahead = (
            [one for one in (state.follow_up, state.run, state.waiting) if one is not None] if not continuation else []
        )
        # A run that waits for approval may stand in both.
        known = {one.id for one in ahead}
        shown = [one for one in (*ahead, *(one for one in runs if one.id not in known)) if wanted.keeps(one)]
        if wanted.person:
            shown = [one for one in shown if await self.workspaces.tells_of(caller.workspace_id, one.id, wanted.person)]
        return shown, after

    async def show(self, req: func.HttpRequest) -> Reply[RunShape]:
        caller = await self.callers.of(req)
        return Reply(run_shape(await self.workspaces.run(caller.workspace_id, _run_id(req))))

    async def changes(self, req: func.HttpRequest) -> Reply[Changes]:
        """A page of a run's history, of one `outcome` if asked. `limit` counts journal pages of some 200 changes."""
        caller = await self.callers.of(req)
        run = await self.workspaces.run(caller.workspace_id, _run_id(req))
        most, continuation = page_of(req, default=20)
        wanted = outcome_of(req)
        pages, continuation_after = await self.workspaces.journal_pages(caller.workspace_id, run.id, most, continuation)
        changes = [change_shape(one) for page in pages for one in page.changes if wanted in (None, one.outcome)]
        return Reply(Changes(changes, continuation_after or None))

    async def pending(self, req: func.HttpRequest) -> Reply[Pending]:
        """The people whose removal waits. A page may be short, or empty, and still have a continuation."""
        caller = await self.callers.of(req)
        most, continuation = page_of(req)
        count, people, after = await self._pending(caller, req, most, continuation)
        return Reply(Pending(count, people, after or None))

    async def pending_csv(self, req: func.HttpRequest) -> Csv:
        caller = await self.callers.of(req)
        _, asked = page_of(req)
        people: list[PendingPerson] = []
        after, read = asked, 0
        while not read or (after and len(people) < MOST_ROWS and read < _PARTS):
            _, found, after = await self._pending(caller, req, MOST_ROWS - len(people), after)
            people += found
            read += 1
        rows = [(one.name, one.email, one.source_id) for one in people]
        return Csv("removals", ("Name", "Email", "Object id"), rows, asked, after)

    async def _pending(
        self, caller: Caller, req: func.HttpRequest, most: int, continuation: str
    ) -> tuple[int, list[PendingPerson], str]:
        """Raises: NotFound, Refused."""
        connection, _ = await self.workspaces.load(caller.workspace_id)
        run = await self.workspaces.run(caller.workspace_id, _run_id(req))
        if connection is None:
            raise NotFound("There is no such run.")
        return await self.waiting.page(connection, run.id, search_of(req), most, continuation)

    async def approve(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        caller = await self._admin(req)
        record = entry(Action.APPROVED, caller.person, caller.name, self.now(), {"run": _run_id(req)})
        return _accepted(await self.requests.approve(caller.workspace_id, _run_id(req), record))

    async def discard(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        caller = await self._admin(req)
        record = entry(Action.DISCARDED, caller.person, caller.name, self.now(), {"run": _run_id(req)})
        request = Request(caller.workspace_id, Mode.FULL, Trigger.MANUAL, caller.name)
        return _accepted(await self.requests.discard(caller.workspace_id, _run_id(req), request, record))

    async def cancel(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        caller = await self._admin(req)
        record = entry(Action.CANCELLED, caller.person, caller.name, self.now(), {"run": _run_id(req)})
        return _accepted(await self.requests.cancel(caller.workspace_id, _run_id(req), record))

    async def preview_undo(self, req: func.HttpRequest) -> Reply[UndoShape]:
        caller = await self._admin(req)
        return Reply(undo_shape(await self.undoing.preview(caller.workspace_id, _run_id(req))))

    async def undo(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        """Pause the connection, and queue the undo of a run."""
        caller = await self._admin(req)
        now, run = self.now(), _run_id(req)
        pause = entry(Action.PAUSED, caller.person, caller.name, now)
        record = entry(Action.UNDONE, caller.person, caller.name, now, {"run": run})
        return _accepted(await self.undoing.undo(caller.workspace_id, run, caller.name, pause, record))

    async def preview_undo_of_edits(self, req: func.HttpRequest) -> Reply[UndoShape]:
        caller = await self._admin(req)
        edits = await self.undoing.edits(caller.workspace_id, _entry_id(req))
        return Reply(undo_shape(await self.undoing.preview(caller.workspace_id, edits)))

    async def undo_edits(self, req: func.HttpRequest) -> Accepted[RunAnswer]:
        """Pause the connection, and queue the undo of a person's edits."""
        caller = await self._admin(req)
        edits = await self.undoing.edits(caller.workspace_id, _entry_id(req))
        now = self.now()
        pause = entry(Action.PAUSED, caller.person, caller.name, now)
        record = entry(Action.UNDONE, caller.person, caller.name, now, {"entry": edits.entry})
        return _accepted(await self.undoing.undo(caller.workspace_id, edits, caller.name, pause, record))

    async def audit(self, req: func.HttpRequest) -> Reply[Audit]:
        caller = await self._admin(req)
        most, continuation = page_of(req, default=50)
        entries, continuation = await self.workspaces.audit(caller.workspace_id, most, continuation)
        return Reply(Audit(entries, continuation or None))

    async def _admin(self, req: func.HttpRequest) -> Caller:
        caller = await self.callers.of(req)
        require_admin(caller)
        return caller


def outcome_of(req: func.HttpRequest) -> Outcome | None:
    """Raises: Refused."""
    text = req.params.get("outcome", "")
    if text and text not in list(Outcome):
        raise Refused("The outcome is not valid.", {"outcome": f"one of {', '.join(Outcome)}"})
    return Outcome(text) if text else None


def _run_id(req: func.HttpRequest) -> RunId:
    """Raises: NotFound: no run can have such an id, so storage is not asked."""
    try:
        return read_run_id(req.route_params["id"])
    except Refused as error:
        raise NotFound("There is no such run.") from error


def _entry_id(req: func.HttpRequest) -> str:
    """Raises: NotFound: no entry can have such an id. They are made as those of runs are."""
    try:
        return read_run_id(req.route_params["id"])
    except Refused as error:
        raise NotFound("There is no such entry in the audit trail.") from error


def _accepted(run: Run) -> Accepted[RunAnswer]:
    return Accepted(RunAnswer(run_shape(run)))
