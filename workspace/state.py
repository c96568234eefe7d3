"""The sync state of a workspace: the run that goes on, one that follows, one that waits (pure; spec §6).

One row a workspace, the sync state. Its ETag is the fence: a worker that writes from an old copy fails (ETag mismatch),
reads again, and learns whether the run is still its own. One run at a time: a request joins the run that goes on or,
if it asks for more, is remembered and follows it.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

import limits
from storage.document import DocumentRow, document_columns
from storage.transaction import Operation, Verb
from workspace.activity import Activity
from workspace.connection import WorkspaceId, place_of
from workspace.run import (
    Counts,
    Event,
    Mode,
    Request,
    Run,
    RunId,
    RunState,
    Trigger,
    WaitingFor,
    without_sample,
    without_scope,
)

_AFTER_EVERY_ID = "~"
_BY_PEOPLE = (Trigger.MANUAL, Trigger.CONFIGURATION, Trigger.RECOVERY)

STATE_KEY = "connection.agenda"
"""Next to the connection's own row, so that one query reads both. 'Agenda' is an older name of the sync state."""


class Totals(msgspec.Struct, frozen=True):
    """Contacts in the list, and how many of them are linked."""

    contacts: int = 0
    linked: int = 0

    def after(self, counts: Counts) -> "Totals":
        """The totals after a run, or after the part of a run that `counts` covers."""
        # An unlinked contact stays in the list, and a contact that is linked anew was in it before.
        return Totals(
            contacts=self.contacts + counts.added - counts.removed,
            linked=self.linked + counts.added + counts.linked - counts.removed - counts.unlinked,
        )


class Verification(msgspec.Struct, frozen=True):
    """The last full run that completed: when, over how many people, and what it changed that no delta had told of."""

    at: datetime
    people: int
    drift: int = 0
    run: RunId | None = None


class WhyNotLive(StrEnum):
    """Why changes do not come within seconds."""

    PAUSED = "paused"
    NOT_SYNCING = "not_syncing"
    OFF = "off"
    """The installation does without change notifications."""
    SOON = "soon"
    """No run has asked for them yet."""
    LAPSED = "lapsed"
    """No run renewed them in time."""
    QUOTA = "quota"
    """Microsoft has given as many as it gives, or gives none to this kind of tenant."""
    UNREACHABLE = "unreachable"
    """Microsoft could not reach the app's address."""
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


class Bell(msgspec.Struct, frozen=True, rename="camel"):
    """The subscription to changes of the tenant's users (spec §6 'Seconds instead of an hour').

    `id` is None where there is none: then `why` says why not, and `looked_at` when it was tried.
    `secret_hash` is of the `clientState` that each of its notifications carries. `looked_at`: when Microsoft was last
    seen to have it.
    """

    looked_at: datetime
    id: str | None = None
    secret_hash: str = ""
    until: datetime | None = None
    why: WhyNotLive | None = None


class SyncState(msgspec.Struct, frozen=True, rename="camel"):
    """`run` is queued or running, `follow_up` is queued behind it.

    `waiting` has removals that wait for approval or, approved (queued), for their turn. `last` is the run that ended
    last. `delta_link` continues from it, asked with `select`; `applied_version` is the configuration that the contacts
    show. `lease` is the worker's that does a slice now. `revision` is new with each write, so that a writer that got no
    answer can tell whether it was written. `totals` counts what runs did; people's own additions and removals stand
    in the list's tally. `recount`: a run ended before its time, so contacts may be written that no checkpoint counted.
    `failures` counts runs that failed in a row.
    `completed` is the last run that read to the end of its round. `ordered`: each contact of the list has its name row.
    `missing_since`: since then Microsoft does not find the tenant, which is not believed at once.
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
    recount: bool = False
    last_completed_at: datetime | None = None
    completed: RunId | None = None
    verification: Verification | None = None
    ordered: bool = False
    missing_since: datetime | None = None
    activity: Activity = Activity()
    failures: int = 0
    bell: Bell | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    revision: str = ""
    etag: str = ""

    @property
    def unfinished_before(self) -> str:
        """Run ids before this one are of runs that began after the last one that completed (ids are newest first).

        '' where that is not known: a row that an older version wrote.
        """
        if self.last_completed_at is None:
            return _AFTER_EVERY_ID
        return self.completed or ""

    def without_samples(self) -> "SyncState":
        """The state without the names of people whose removal waits, or waited, for approval."""
        return replace(self, waiting=without_sample(self.waiting), last=without_sample(self.last))

    def leased(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now

    def without_lease(self) -> "SyncState":
        return replace(self, lease_owner=None, lease_until=None)

    def interrupted(self, now: datetime) -> bool:
        """Whether a worker died in the run that goes on: no worker holds its lease, and none gave it back."""
        return self.run is not None and self.lease_owner is not None and not self.leased(now)

    @property
    def last_started_at(self) -> datetime | None:
        """When the newest of the runs began that is known to have begun."""
        runs = (self.run, self.waiting, self.last)
        return max((run.started_at for run in runs if run is not None and run.started_at is not None), default=None)

    def find(self, run_id: RunId) -> Run | None:
        """A run that has not ended, or the one that ended last."""
        runs = (self.run, self.follow_up, self.waiting, self.last)
        return next((run for run in runs if run is not None and run.id == run_id), None)


def ask(state: SyncState, request: Request, new_id: RunId, now: datetime) -> tuple[SyncState, Run]:
    """Take a request: start a run, join the one that goes on, or follow it. Also the run that answers the request.

    A run takes the newest configuration when it starts, so one that is still queued covers a new configuration; one
    that is running does not. Approved removals read nothing, so they cover no request at all: a Full Resync that is
    asked for while they run follows them.
    """
    if request.trigger in _BY_PEOPLE:
        state = _trying_at_once(state)
    wanted = Run(new_id, request.mode, request.trigger, RunState.QUEUED, now, request.requested_by)
    if state.run is None:
        return replace(state, run=wanted), wanted
    if _covers(state.run, request):
        return state, state.run
    # The run that goes on does less than is asked for, or may have passed what the request is about: another one
    # follows.
    if state.follow_up is None:
        return replace(state, follow_up=wanted), wanted
    if _covers(state.follow_up, request):
        return state, state.follow_up
    # One follower is enough, because the larger request includes the smaller one. It keeps its id, which its caller
    # was told.
    upgraded = replace(state.follow_up, mode=request.mode, trigger=request.trigger)
    return replace(state, follow_up=upgraded), upgraded


def _covers(run: Run, request: Request) -> bool:
    """Whether a run that goes on or follows does all that a request asks for."""
    if not run.reads:
        return False
    # A running run keeps the configuration of its start. Example: two saves within a minute make two full runs.
    if request.trigger is Trigger.CONFIGURATION and run.state is RunState.RUNNING:
        return False
    # A running run may have passed the page on which the change would have stood.
    if request.trigger is Trigger.NOTIFICATION and run.state is RunState.RUNNING:
        return False
    # A full run also finds all that a delta run would find.
    return run.mode is Mode.FULL or request.mode is Mode.DELTA


def settled(state: SyncState, ended: Run) -> SyncState:
    """The state after its run ended or began to wait: what is next takes its place."""
    waiting = state.waiting
    # A run that waits for approval ends twice. What it counted until then is in the totals already.
    done = ended.counts - ended.totalled
    ended = replace(without_scope(ended), totalled=ended.counts)
    # A waiting run does not block: it makes way for the hourly runs, and keeps its removals for an administrator.
    if ended.state is RunState.AWAITING_APPROVAL or (waiting is not None and waiting.id == ended.id):
        waiting = ended
    recount = state.recount or ended.state in (RunState.FAILED, RunState.CANCELLED)
    totals = state.totals.after(done)
    activity = state.activity.after(done, ended.completed_at or ended.started_at or ended.created_at)
    failures = _failures(state, ended)
    state = replace(state.without_lease(), run=None, waiting=waiting, last=ended, totals=totals, recount=recount)
    state = replace(state, activity=activity, failures=failures)
    return next_up(state)


def _failures(state: SyncState, ended: Run) -> int:
    """Runs that failed in a row. One that was cancelled says nothing about the next."""
    if ended.state is RunState.FAILED:
        return state.failures + 1
    return state.failures if ended.state is RunState.CANCELLED else 0


def concluded(state: SyncState, ended: Run, delta_link: str | None) -> tuple[SyncState, list[Run]]:
    """The state after a run that read to the end of its round; also the runs whose waiting removals that discards.

    The next run goes on from here. A full run has found everybody who is gone, and a run that waits itself has taken
    over what waited before: older waiting removals are moot. Approved removals read nothing: they leave a newer delta
    link alone.
    """
    # Approved removals ran long after their reading, so their link is older than the stored one. An undo read nothing.
    if not ended.reads or ended.configuration is None:
        return settled(state, ended), []
    # The link goes with its `$select`, to which Graph bound it. Microsoft answered, so the tenant is there.
    state = replace(state, delta_link=delta_link, select=ended.configuration.select, missing_since=None)
    state = replace(state, completed=ended.id)
    # Only a full run has met everybody, so only now do all contacts show this configuration.
    if ended.mode is Mode.FULL:
        state = replace(state, applied_version=ended.configuration.version)
    moot = state.waiting if ended.mode is Mode.FULL or ended.state is RunState.AWAITING_APPROVAL else None
    if moot is not None:
        state = replace(state, waiting=None)
    return settled(state, ended), [moot.after(Event.DISCARDED)] if moot is not None else []


def next_up(state: SyncState) -> SyncState:
    """Give the free place to approved removals, else to the follower."""
    if state.run is not None:
        return state
    # Approved removals go first: the longer they wait, the more the list differs from what the administrator saw.
    if state.waiting is not None and state.waiting.state is RunState.QUEUED:
        return replace(state, run=state.waiting, waiting=None)
    return replace(state, run=state.follow_up, follow_up=None)


def approve(state: SyncState) -> SyncState:
    """Let the waiting removals go ahead, now or after the run that goes on."""
    assert state.waiting is not None
    # Queued again, with `approved`: the guard does not ask a second time about the same people.
    approved = replace(state.waiting.after(Event.APPROVED), approved=True)
    return next_up(replace(_trying_at_once(state), waiting=approved))


def _trying_at_once(state: SyncState) -> SyncState:
    """A run that pauses because our own credential failed tries at once when a person asks for something (spec §6).

    A pause that Microsoft asked for is kept. The step moves on, so that the message which waits for the pause's end is
    an older one and is dropped.
    """
    run = state.run
    if run is None or run.waiting_for is not WaitingFor.OURSELVES:
        return state
    return replace(state, run=replace(run, step=run.step + 1, resume_at=None, waiting_for=None))


def halted(state: SyncState, now: datetime) -> tuple[SyncState, list[Run]]:
    """The state when an administrator pauses syncing, and the runs that end with it.

    What a run wrote stays, and the next run goes on from before it; where a full run was cut off, or had not begun, it
    is a full one. Removals that were approved and are not done wait for approval again, where they stand. The lease
    stays with its worker, which fails its next write of the state.
    """
    owner, until = state.lease_owner, state.lease_until
    ended = []
    if state.follow_up is not None:
        ended.append(state.follow_up.ended(Event.CANCELLED, now))
        state = replace(state, follow_up=None)
    if state.waiting is not None and state.waiting.going:
        state = replace(state, waiting=_held_back(state.waiting))
    run = state.run
    if run is not None and run.approved:
        state = settled(state, _held_back(run))
    elif run is not None:
        ended.insert(0, run.ended(Event.CANCELLED, now))
        state = settled(state, ended[0])
    if any(one.mode is Mode.FULL for one in ended):
        # It may have written earlier words of people whose later ones it did not reach, and no delta tells of them.
        state = replace(state, applied_version=0)
    # `settled` may have given the free place to nobody: what followed has ended, and what waits is not approved.
    return replace(state, lease_owner=owner, lease_until=until), ended


def _held_back(run: Run) -> Run:
    return replace(run.after(Event.HELD_BACK), approved=False)


def undo_asked(state: SyncState, undo: Run) -> SyncState:
    """The state of a paused connection when one of its runs is to be undone.

    The next run looks at everybody: no delta tells of what is undone, and an unchanged hash says nothing any more.
    """
    assert state.run is None
    return replace(state, run=undo, delta_link=None, select=(), applied_version=0)


def verification_due(state: SyncState, now: datetime) -> bool:
    """Whether this hour's run is to read the whole directory: the connection's slot of the week came since the last.

    Each connection has a slot of its own, so that they spread over the week (spec §6).
    """
    # A connection that was never verified counts from its last run; else all of them would be due after an upgrade.
    verified_at = state.verification.at if state.verification is not None else state.last_completed_at
    # Without a delta link the next run is a full one in any case.
    if verified_at is None or state.delta_link is None:
        return False
    week_seconds = int(limits.WEEK.total_seconds())
    # Seconds since this connection's slot last came. A verification that is older has missed the slot.
    since_slot = (int(now.timestamp()) - place_of(state.workspace_id, week_seconds)) % week_seconds
    return (now - verified_at).total_seconds() > since_slot


def state_operation(state: SyncState) -> Operation:
    """Write a sync state's row: insert it when it was never read, else replace exactly what was read."""
    # The ETag is the row's, not a part of its content.
    columns = document_columns(replace(state, etag=""))
    if not state.etag:
        return Operation(Verb.INSERT, STATE_KEY, columns)
    return Operation(Verb.REPLACE, STATE_KEY, columns, state.etag)


def read_state(row: DocumentRow) -> SyncState:
    """The inverse of `state_operation`; a row that an older version wrote as well."""
    return replace(row.read(SyncState), etag=row.etag)
