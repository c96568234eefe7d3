"""What a connection has before it: the run that goes on, the one that follows, the one that waits (pure; spec §6).

One row a workspace. Its ETag is the fence: whoever writes it from an old copy fails, and so learns that it is not
his turn any more. One run at a time; a request that finds one joins it or, if it asks for more, follows it.
"""

from datetime import date, datetime, timedelta

import msgspec
from msgspec.structs import replace

from storage.document import DocumentRow, document_columns
from storage.transaction import Operation, Verb
from workspace.connection import WorkspaceId
from workspace.run import Counts, Event, Mode, Request, Run, RunId, RunState

AGENDA_KEY = "connection.agenda"
"""Next to the connection's own row, so that one query reads both."""
LEASE = timedelta(seconds=180)
"""How long a silent worker is believed alive: longer than any single call (storage.table, directory.graph)."""


class Totals(msgspec.Struct, frozen=True):
    """Contacts in the list, and how many of them are linked."""

    contacts: int = 0
    linked: int = 0

    def after(self, counts: Counts) -> "Totals":
        """Each run's counts say exactly what it changed."""
        return Totals(
            contacts=self.contacts + counts.added - counts.removed,
            linked=self.linked + counts.added + counts.linked - counts.removed - counts.unlinked,
        )


class Agenda(msgspec.Struct, frozen=True, rename="camel"):
    """`run` is queued or running, `follow_up` queued behind it, `waiting` awaits approval (or, approved, its turn).

    `last` is the run that ended last. `delta_link` continues from it, asked with `select`; `applied_version` is the
    configuration that the contacts show. `lease` is the worker's that is at it. `revision` is new with each write, so
    that a writer who got no answer can tell whether it was written. `pruned_on`: on that day old history was deleted.
    `totals` counts what runs did, people's own additions and removals stand in the list's tally.
    """

    workspace_id: WorkspaceId
    run: Run | None = None
    follow_up: Run | None = None
    waiting: Run | None = None
    last: Run | None = None
    delta_link: str | None = None
    select: tuple[str, ...] = ()
    applied_version: int = 0
    totals: Totals = Totals()
    last_started_at: datetime | None = None
    last_completed_at: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    pruned_on: date | None = None
    revision: str = ""
    etag: str = ""

    def leased(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now

    def find(self, run_id: RunId) -> Run | None:
        """A run that has not ended, or the one that ended last."""
        runs = (self.run, self.follow_up, self.waiting, self.last)
        return next((run for run in runs if run is not None and run.id == run_id), None)


def ask(agenda: Agenda, request: Request, new_id: RunId, now: datetime) -> tuple[Agenda, Run]:
    """Take a request: start a run, join the one that goes on, or follow it. Also the run that answers the request.

    A run takes the newest configuration when it starts, so one that is still queued covers a new configuration; one
    that is running does not.
    """
    wanted = Run(new_id, request.mode, request.trigger, RunState.QUEUED, now, request.requested_by)
    if agenda.run is None:
        return replace(agenda, run=wanted), wanted
    newer = request.trigger.value == "configuration" and agenda.run.state is RunState.RUNNING
    if _covers(agenda.run.mode, request.mode) and not newer:
        return agenda, agenda.run
    if agenda.follow_up is None:
        return replace(agenda, follow_up=wanted), wanted
    if _covers(agenda.follow_up.mode, request.mode):
        return agenda, agenda.follow_up
    upgraded = replace(agenda.follow_up, mode=Mode.FULL)
    return replace(agenda, follow_up=upgraded), upgraded


def _covers(going: Mode, wanted: Mode) -> bool:
    return going is Mode.FULL or wanted is Mode.DELTA


def settled(agenda: Agenda, ended: Run) -> Agenda:
    """The agenda after its run ended or began to wait: what is next takes its place."""
    waiting = agenda.waiting
    if ended.state is RunState.AWAITING_APPROVAL:
        waiting = ended
    done = ended.counts - ended.totalled
    ended = replace(ended, totalled=ended.counts)
    agenda = replace(
        agenda,
        run=None,
        waiting=ended if waiting is not None and waiting.id == ended.id else waiting,
        last=ended,
        totals=agenda.totals.after(done),
        lease_owner=None,
        lease_until=None,
    )
    return next_up(agenda)


def next_up(agenda: Agenda) -> Agenda:
    """Give the free place to an approved removal, else to the follower."""
    if agenda.run is not None:
        return agenda
    if agenda.waiting is not None and agenda.waiting.state is RunState.QUEUED:
        return replace(agenda, run=agenda.waiting, waiting=None)
    return replace(agenda, run=agenda.follow_up, follow_up=None)


def approve(agenda: Agenda) -> Agenda:
    """Let the waiting removals go ahead, now or after the run that goes on."""
    assert agenda.waiting is not None
    approved = replace(agenda.waiting.after(Event.APPROVED), approved=True)
    return next_up(replace(agenda, waiting=approved))


def agenda_operation(agenda: Agenda) -> Operation:
    columns = document_columns(replace(agenda, etag=""))
    if not agenda.etag:
        return Operation(Verb.INSERT, AGENDA_KEY, columns)
    return Operation(Verb.REPLACE, AGENDA_KEY, columns, agenda.etag)


def read_agenda(row: DocumentRow) -> Agenda:
    return replace(row.read(Agenda), etag=row.etag)
