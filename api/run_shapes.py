"""What callers are told of runs, their changes, undos and the audit trail (spec §7)."""

import msgspec

from api.moments import Moment, Stamp
from mapping.configuration import Configuration, DeletionBehavior
from sync.pending import PendingPerson
from sync.undo import Why
from sync.undoing import UndoPreview
from workspace.audit import AuditEntry
from workspace.journal import Change, Outcome
from workspace.run import Cost, Counts, Mode, Phase, Run, RunError, RunState, Trigger, WaitingFor


class Waiting(msgspec.Struct, frozen=True):
    """Removals that wait for approval: how many `of` so many linked contacts, some names, and what becomes of them."""

    count: int
    of: int
    behavior: DeletionBehavior
    sample: tuple[str, ...]


class Removing(msgspec.Struct, frozen=True):
    """How many contacts of people who left a run has unlinked or deleted so far, `of` so many."""

    done: int
    of: int


class RunShape(msgspec.Struct, frozen=True, rename="camel"):
    """A run; `undoes` is the run that an undo undoes, or `undoesEdits` the audit entry of the edits.

    Beyond spec §7: `createdAt`, `cost`, `expected` (users to read), `restarted` (change tracking was lost). While a run
    pauses, `resumeAt` says until when, and `waitingFor` for whom. `removing` is there once it unlinks or deletes.
    """

    id: str
    mode: Mode
    trigger: Trigger
    state: RunState
    counts: Counts
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    resume_at: Moment | None
    waiting_for: WaitingFor | None
    expected: int | None
    restarted: bool
    requested_by: str | None
    undoes: str | None
    undoes_edits: str | None
    pending_removals: Waiting | None
    removing: Removing | None
    cost: Cost
    error: RunError | None


def run_shape(run: Run) -> RunShape:
    told = {name: getattr(run, name) for name in RunShape.__struct_fields__ if name != "removing"}
    edits = run.undoes_edits.entry if run.undoes_edits is not None else None
    return RunShape(**told | {"undoes_edits": edits, "pending_removals": _waiting(run), "removing": _removing(run)})


def _waiting(run: Run) -> Waiting | None:
    waits = run.pending_removals
    if waits is None:
        return None
    # Approved, it removes by the configuration under which it found them (sync/worker.py).
    behavior = (run.configuration or Configuration()).deletion_behavior
    return Waiting(waits.count, run.linked_before, behavior, waits.sample)


def _removing(run: Run) -> Removing | None:
    if run.leaving is None or run.phase is not Phase.REMOVE:
        return None
    # A run that was approved counted its reading before it waited.
    counts = run.counts - run.totalled if run.going else run.counts
    return Removing(min(counts.removed + counts.unlinked, run.leaving), run.leaving)


class RunAnswer(msgspec.Struct, frozen=True):
    """The run that answers a request, as it stands."""

    run: RunShape


class Runs(msgspec.Struct, frozen=True):
    """Runs, newest first, and what brings the next page."""

    runs: list[RunShape]
    continuation: str | None


class ChangeShape(msgspec.Struct, frozen=True, rename="camel"):
    """A contact's entry in a run's history: the fields that changed, before and after."""

    contact_id: str
    outcome: Outcome
    name: str
    before: dict[str, str]
    after: dict[str, str]
    reason: str | None


def change_shape(change: Change) -> ChangeShape:
    return ChangeShape(change.contact_id, change.outcome, change.name, change.before, change.after, change.reason)


class LeftAloneShape(msgspec.Struct, frozen=True, rename="camel"):
    """A contact that an undo leaves as it is: why, and who changed it when, where that is known.

    `by` is the id of a person, of a run, or of the user's other contact.
    """

    contact_id: str
    name: str
    why: Why
    by: str | None
    at: Stamp | None


class UndoShape(msgspec.Struct, frozen=True, rename="camel"):
    """What undoing a run would do. `counts.skipped` are left alone, the others go back to what they were.

    `complete`: the whole run was looked at. The lists hold up to 100 contacts each.
    """

    complete: bool
    counts: Counts
    changes: list[ChangeShape]
    left_alone: list[LeftAloneShape]


def undo_shape(preview: UndoPreview) -> UndoShape:
    left = [LeftAloneShape(*one) for one in preview.left_alone]
    return UndoShape(preview.complete, preview.counts, [change_shape(one) for one in preview.changes], left)


class Changes(msgspec.Struct, frozen=True):
    """A page of a run's changes, and what brings the next one."""

    changes: list[ChangeShape]
    continuation: str | None


class Pending(msgspec.Struct, frozen=True):
    """A page of the people whose removal waits, how many wait in all, and what brings the next page."""

    count: int
    people: list[PendingPerson]
    continuation: str | None


class Audit(msgspec.Struct, frozen=True):
    """A page of the audit trail, and what brings the next one."""

    entries: list[AuditEntry]
    continuation: str | None
