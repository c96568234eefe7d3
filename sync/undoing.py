"""What people ask of undos: what one would do, and that it be done (spec §6 'Pause and undo')."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

import limits
from contacts.contact import Contact, ContactId, partition_of
from contacts.store import ContactStore
from errors import NotFound
from mapping.fields import ObjectId
from storage.transaction import Operation
from sync.gathering import Gathering
from sync.pausing import paused
from sync.requests import NotPossible, RunRequests, require_active
from sync.undo import Entry, LeftAlone, plan_undo, sources_of
from sync.undo_pages import Now, backwards
from sync.writes import Plan, Stamp
from workspace.audit import edits_of
from workspace.connection import Connection, Stage, WorkspaceId
from workspace.edits import Edits
from workspace.journal import Change, JournalPage, Outcome
from workspace.run import Counts, Mode, Phase, Run, RunId, RunState, Trigger
from workspace.state import SyncState, undo_asked
from workspace.store import Update, WorkspaceStore

_READING_SECONDS = 20.0
"""What a person waits for at most; what was gone through until then is shown as a part."""

_GONE_ON = (RunState.QUEUED, RunState.RUNNING, RunState.AWAITING_APPROVAL)


@dataclass(slots=True)
class UndoPreview:
    """What an undo would do now. `complete`: the whole journal was gone through. The lists hold the first of many."""

    complete: bool = True
    counts: Counts = field(default_factory=Counts)
    changes: list[Change] = field(default_factory=list)
    left_alone: list[LeftAlone] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Undoing:
    """Previews and queues undos."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    requests: RunRequests
    now: Callable[[], datetime]

    async def edits(self, workspace: WorkspaceId, entry_id: str) -> Edits:
        """The edits that an entry of the audit trail tells of.

        Raises:
            NotFound, NotPossible
        """
        told = await self.workspaces.audit_entry(workspace, entry_id)
        if (found := edits_of(told, self.now())) is None:
            raise NotPossible("This entry does not tell of edits that can be undone.")
        return found

    async def preview(self, workspace: WorkspaceId, wanted: RunId | Edits) -> UndoPreview:
        """Go through what a run or a person did for some seconds, and plan. Nothing is written.

        Raises:
            NotFound, NotPossible, NotSyncing
        """
        connection, state = await self.workspaces.load(workspace)
        connection = self._require_possible(connection, await self._what(workspace, wanted))
        partition = partition_of(workspace, connection.list_id)
        gathering = Gathering(self.contacts, partition, state.totals.contacts)
        journal = backwards(self.workspaces, workspace, wanted, gathering)
        stamp = Stamp("", 0, self.now().isoformat().replace("+00:00", "Z"))
        found, later, until = UndoPreview(), _Later(), time.monotonic() + _READING_SECONDS
        async for _, entries in journal.batches(None):
            if time.monotonic() >= until:
                found.complete = False
                break
            planned = plan_undo(entries, *later.over(entries, await journal.now(entries)), stamp, {})
            later.take(planned.plan)
            found.counts += JournalPage(changes=planned.plan.changes).counts
            changes = [one for one in planned.plan.changes if one.outcome is not Outcome.SKIPPED]
            found.changes += changes[: limits.UNDO_SHOWN - len(found.changes)]
            found.left_alone += planned.left_alone[: limits.UNDO_SHOWN - len(found.left_alone)]
        return found

    async def undo(
        self, workspace: WorkspaceId, wanted: RunId | Edits, name: str, pause: Operation, record: Operation
    ) -> Run:
        """Pause the connection, and queue the undo of what a run or a person did; the same undo when it goes on.

        `name` is the person's; `pause` and `record` are the audit entries of the two.

        Raises:
            NotFound, NotPossible, NotSyncing
        """
        what = await self._what(workspace, wanted)
        new_id = self.requests.new_id()

        def decide(connection: Connection | None, state: SyncState) -> Update:
            now = what if isinstance(what, Edits) else state.find(what.id) or what
            connection = self._require_possible(connection, now)
            going = state.run
            if going is not None and going.mode is Mode.UNDO:
                if _is_of(going, what):
                    return None, state, ()
                raise NotPossible("Another undo goes on. Try again when that is done.")
            undo = Run(new_id, Mode.UNDO, Trigger.MANUAL, RunState.QUEUED, self.now(), name, phase=Phase.UNDO)
            undo = replace(undo, undoes_edits=what) if isinstance(what, Edits) else replace(undo, undoes=what.id)
            # The next run would do the same again, so nothing syncs until an administrator resumes it.
            halted, state, operations = paused(connection, state, name, self.now(), pause)
            return halted, undo_asked(state, undo), [*operations, record]

        _, state = await self.workspaces.update(workspace, decide)
        await self.requests.wake(state)
        return state.find(new_id) or await self.workspaces.run(workspace, state.run.id if state.run else new_id)

    async def _what(self, workspace: WorkspaceId, wanted: RunId | Edits) -> Run | Edits:
        """Raises: NotFound."""
        return wanted if isinstance(wanted, Edits) else await self.workspaces.run(workspace, wanted)

    def _require_possible(self, connection: Connection | None, what: Run | Edits) -> Connection:
        """The connection.

        Raises:
            NotSyncing, NotPossible, NotFound
        """
        if connection is None or connection.stage is not Stage.PAUSED:
            require_active(connection)
        assert connection is not None
        if isinstance(what, Edits):
            name, began = "entry", what.since
        else:
            name, began = "run", what.created_at
            if what.state in _GONE_ON:
                raise NotPossible("This run has not ended yet. Only a run that has ended can be undone.")
        if began < self.now() - limits.HISTORY:
            raise NotFound(f"There is no such {name}.")
        # The contacts of then were another organisation's people.
        if connection.joined_at is not None and began < connection.joined_at:
            raise NotPossible(f"This {name} belongs to an earlier connection.")
        return connection


def _is_of(undo: Run, what: Run | Edits) -> bool:
    if isinstance(what, Edits):
        return undo.undoes_edits is not None and undo.undoes_edits.entry == what.entry
    return undo.undoes == what.id


@dataclass(slots=True)
class _Later:
    """What a preview has planned so far: what comes later in it would meet that."""

    contacts: dict[ContactId, Contact | None] = field(default_factory=dict)
    holders: dict[ObjectId, ContactId | None] = field(default_factory=dict)

    def over(self, entries: Iterable[Entry], now: Now) -> Now:
        """What the entries meet: what is stored, and over it what was planned."""
        stored, holders = {**now[0]}, {**now[1]}
        for contact_id in {one.contact_id for one in entries} & self.contacts.keys():
            _put(stored, contact_id, self.contacts[contact_id])
        for source_id in sources_of(entries) & self.holders.keys():
            _put(holders, source_id, self.holders[source_id])
        return stored, holders

    def take(self, plan: Plan) -> None:
        for write in plan.writes:
            for contact, holds in ((write.before, False), (write.after, True)):
                if contact is not None:
                    self.contacts[contact.id] = contact if holds else None
                    if contact.source_id is not None:
                        self.holders[contact.source_id] = contact.id if holds else None


def _put[Key, Value](found: dict[Key, Value], key: Key, value: Value | None) -> None:
    if value is None:
        found.pop(key, None)
    else:
        found[key] = value
