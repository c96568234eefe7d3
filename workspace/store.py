"""The rows of a workspace: its connection, its sync state, its runs and their journal. Knows rows, decides nothing.

One partition, so that what belongs together is written together:

    connection               the link to a tenant, and the configuration
    connection.agenda        the sync state: what runs, follows, waits; the fence
    run:<id>                 a run that ended, newest first
    journal:<run>:<page>     what a page did, written before it was done
    pending:<run>:<n>        object ids whose removal waits for approval
    audit:<id>               who did what, newest first
    quality:<day>            how complete and usable the directory's data was
    quality-of:<figure>      the contacts behind a figure of the last measurement
    outbox:<time>-<id>       an event that is still to be sent (workspace/outbox.py)
    attempt:<id>             a grant attempt (connect/attempt.py)
"""

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

import limits
from errors import Conflict, NotFound, TryLater
from mapping.fields import ObjectId
from storage.document import DocumentRow, document_columns
from storage.filters import beginning, beyond, within
from storage.retry import Sleep, tries
from storage.table import Tables, delete_rows
from storage.transaction import Operation, Verb
from storage.turns import in_turns
from workspace.audit import AUDIT_PREFIX, AuditEntry
from workspace.connection import (
    CONNECTION_KEY,
    TABLE,
    Connection,
    WorkspaceId,
    connection_operation,
    partition_of,
    read_connection,
)
from workspace.events import OUTBOX_PREFIX, announcements
from workspace.journal import (
    JOURNAL_PREFIX,
    MOST_PENDING,
    PENDING_PREFIX,
    JournalPage,
    JournalRow,
    NamedRow,
    PendingRow,
    WholeJournalRow,
    ids_about,
    journal_columns,
    journal_key,
    pending_columns,
    pending_key,
    read_journal,
    read_pending,
    without_person,
)
from workspace.outbox import Outbox
from workspace.quality import DAYS_PREFIX, PEOPLE_PREFIX, Figure, Measured, day_key
from workspace.run import Run, RunId, run_id, without_sample, without_scope
from workspace.state import STATE_KEY, SyncState, read_state, state_operation


class _Key(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


class _Expiring(msgspec.Struct, frozen=True, rename="camel"):
    """What is needed of a grant attempt."""

    expires_at: datetime


ATTEMPT_PREFIX = "attempt:"

type Update = tuple[Connection | None, SyncState, Sequence[Operation]]
"""What to write: the connection or None to leave it, the state, and further rows of the partition."""


class WorkspaceStore:
    """Reads and writes the rows of workspaces."""

    def __init__(self, tables: Tables, sleep: Sleep, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._sleep = sleep
        self._outbox = outbox
        self._now = now

    async def load(self, workspace: WorkspaceId) -> tuple[Connection | None, SyncState]:
        """A workspace's connection and state, in one transaction; (None, an empty state) when it never had one."""
        where = within(workspace, ge=CONNECTION_KEY, le=STATE_KEY)
        # No other key lies between these two, so one range reads both as they are at one moment.
        rows, _ = await self._tables.page(TABLE, where, DocumentRow)
        found = {row.row_key: row for row in rows}
        connection = read_connection(found[CONNECTION_KEY]) if CONNECTION_KEY in found else None
        state = read_state(found[STATE_KEY]) if STATE_KEY in found else SyncState(workspace)
        return connection, state

    async def save(self, state: SyncState, *operations: Operation) -> SyncState:
        """Write the state, with further rows of the partition, all or none; the state as it stands now.

        Without an answer it is read back whether the write happened, so a caller never has to guess. Events among the
        rows are sent afterwards.

        Raises:
            Conflict: another writer was first.
        """
        saved = await self._save(state, operations)
        if any(one.row_key.startswith(OUTBOX_PREFIX) for one in operations):
            await self._outbox.try_to_send(state.workspace_id)
        return saved

    async def _save(self, state: SyncState, operations: Sequence[Operation]) -> SyncState:
        wanted = replace(state, revision=uuid.uuid4().hex)
        written = [state_operation(wanted), *operations]
        # Without an answer the row may be written. Writing it again blindly would then fail by its own new ETag.
        async for last in tries(self._sleep):
            try:
                etags = await self._tables.transact(partition_of(state.workspace_id), written)
            except TryLater as error:
                _, stored = await self.load(state.workspace_id)
                # Each write has a revision of its own, so this one was written by this call.
                if stored.revision == wanted.revision:
                    return stored
                # Another writer was first, so the decision is out of date: only the caller can make it again.
                if isinstance(error, Conflict) or stored.etag != state.etag or last:
                    raise
            else:
                return replace(wanted, etag=next(etags))
        raise AssertionError("unreachable")

    async def update(
        self, workspace: WorkspaceId, change: Callable[[Connection | None, SyncState], Update]
    ) -> tuple[Connection | None, SyncState]:
        """Read, let `change` decide, write; again from the start when another writer was first. What is stored then.

        An update that gives back the state and connection it got, and no further rows, writes nothing.

        Raises:
            Conflict: others were faster six times. Whatever `change` raises ends it, with nothing written.
        """
        async for last in tries(self._sleep):
            # Read inside the loop: the decision is made from what another writer has just stored.
            connection, state = await self.load(workspace)
            new_connection, new_state, operations = change(connection, state)
            # A request that joins a run, for instance, changes nothing.
            if new_connection is None and new_state == state and not operations:
                return connection, state
            extra = [connection_operation(new_connection)] if new_connection is not None else []
            extra += announcements((connection, state), (new_connection, new_state), self._now())
            try:
                saved = await self.save(new_state, *extra, *operations)
            except Conflict:
                if last:
                    raise
            else:
                return new_connection or connection, saved
        raise AssertionError("unreachable")

    async def run(self, workspace: WorkspaceId, run_id: RunId) -> Run:
        """One run, going on or ended.

        Raises:
            NotFound: the workspace has no such run.
        """
        _, state = await self.load(workspace)
        if (run := state.find(run_id)) is not None:
            return run
        row = await self._tables.get(partition_of(workspace), run_key(run_id), DocumentRow)
        if row is None:
            raise NotFound("There is no such run.")
        return row.read(Run)

    async def history(self, workspace: WorkspaceId, most: int, continuation: str) -> tuple[list[Run], str]:
        """Runs that ended, newest first, and where the next page begins."""
        where = beginning(workspace, "run:")
        rows, continuation = await self._tables.after(TABLE, where, DocumentRow, continuation, most)
        return [row.read(Run) for row in rows], continuation

    async def audit(self, workspace: WorkspaceId, most: int, continuation: str) -> tuple[list[AuditEntry], str]:
        """Who did what, newest first, and where the next page begins."""
        where = beginning(workspace, AUDIT_PREFIX)
        rows, continuation = await self._tables.after(TABLE, where, DocumentRow, continuation, most)
        return [row.read(AuditEntry) for row in rows], continuation

    async def audit_entry(self, workspace: WorkspaceId, entry_id: str) -> AuditEntry:
        """One entry of the audit trail.

        Raises:
            NotFound
        """
        row = await self._tables.get(partition_of(workspace), f"{AUDIT_PREFIX}{entry_id}", DocumentRow)
        if row is None:
            raise NotFound("There is no such entry in the audit trail.")
        return row.read(AuditEntry)

    async def qualities(self, workspace: WorkspaceId) -> list[Measured]:
        """What was measured, a day each, the newest first."""
        rows = self._tables.query(TABLE, beginning(workspace, DAYS_PREFIX), DocumentRow)
        return [row.read(Measured) async for some in rows for row in some][::-1]

    async def quality_people(self, workspace: WorkspaceId, figure: Figure) -> list[str]:
        """The contacts behind a figure of the last measurement."""
        row = await self._tables.get(partition_of(workspace), f"{PEOPLE_PREFIX}{figure}", DocumentRow)
        return row.read(list[str]) if row is not None else []

    async def journal_page(self, workspace: WorkspaceId, run_id: RunId, page: int) -> JournalPage | None:
        """What a page did, or is about to do, with the contacts as they were before."""
        row = await self._tables.get(partition_of(workspace), journal_key(run_id, page), WholeJournalRow)
        return read_journal(row) if row is not None else None

    async def journal_numbers(self, workspace: WorkspaceId, run_id: RunId) -> list[int]:
        """The numbers of the pages of a run's journal, in order."""
        where = beginning(workspace, f"{JOURNAL_PREFIX}{run_id}:")
        keys = [key async for some in self._tables.query(TABLE, where, _Key) for key in some]
        return [int(key.row_key.rpartition(":")[2]) for key in keys]

    async def whole_pages(
        self, workspace: WorkspaceId, run_id: RunId, first: int, end: int
    ) -> list[tuple[int, JournalPage]]:
        """The pages from `first` to before `end`, with their numbers and the contacts as they were before."""
        where = within(workspace, ge=journal_key(run_id, first), lt=journal_key(run_id, end))
        rows = [row async for some in self._tables.query(TABLE, where, WholeJournalRow) for row in some]
        return [(int(row.row_key.rpartition(":")[2]), read_journal(row)) for row in rows]

    async def journal(self, workspace: WorkspaceId, run_id: RunId) -> AsyncIterator[tuple[int, JournalPage]]:
        """All pages of a run's journal, in order, with their numbers."""
        async for rows in self._tables.query(TABLE, beginning(workspace, f"{JOURNAL_PREFIX}{run_id}:"), JournalRow):
            async for row in in_turns(rows):
                yield int(row.row_key.rpartition(":")[2]), read_journal(row)

    async def tells_of(self, workspace: WorkspaceId, run_id: RunId, contact_id: str) -> bool:
        """Whether a run's journal has an entry about a contact."""
        async for _, page in self.journal(workspace, run_id):
            if any(change.contact_id == contact_id for change in page.changes):
                return True
        return False

    async def journal_pages(
        self, workspace: WorkspaceId, run_id: RunId, most: int, continuation: str
    ) -> tuple[list[JournalPage], str]:
        """Up to `most` pages of a run's journal, and where the next one begins."""
        where = beginning(workspace, f"{JOURNAL_PREFIX}{run_id}:")
        rows, continuation = await self._tables.after(TABLE, where, JournalRow, continuation, most)
        return [read_journal(row) async for row in in_turns(rows)], continuation

    async def pending_operations(
        self, workspace: WorkspaceId, run_id: RunId, ids: Sequence[ObjectId]
    ) -> list[Operation]:
        """What keeps the ids whose removal waits for approval, and drops those of an attempt that found more."""
        kept = [
            Operation(Verb.PUT, pending_key(run_id, number), pending_columns(ids[start : start + MOST_PENDING]))
            for number, start in enumerate(range(0, len(ids), MOST_PENDING))
        ]
        rows, _ = await self._tables.page(TABLE, beginning(workspace, f"{PENDING_PREFIX}{run_id}:"), _Key)
        return [*kept, *(Operation(Verb.DELETE, row.row_key) for row in rows[len(kept) :])]

    async def pending(self, workspace: WorkspaceId, run_id: RunId) -> list[ObjectId]:
        """The ids whose removal waits, as the run that waits found them."""
        found: dict[ObjectId, None] = {}
        async for rows in self._tables.query(TABLE, beginning(workspace, f"{PENDING_PREFIX}{run_id}:"), PendingRow):
            async for row in in_turns(rows):
                found |= dict.fromkeys(read_pending(row))
        return list(found)

    async def still_pending(self, workspace: WorkspaceId, run_id: RunId) -> list[ObjectId]:
        """The ids whose removal waits, less those whom a later run met again."""
        waiting = dict.fromkeys(await self.pending(workspace, run_id))
        # Ids count backwards in time, so the journals with smaller keys are of runs that came later.
        later = within(workspace, ge=JOURNAL_PREFIX, lt=f"{JOURNAL_PREFIX}{run_id}")
        async for rows in self._tables.query(TABLE, later, NamedRow):
            async for row in in_turns(rows):
                for source_id in row.present:
                    waiting.pop(source_id, None)
        return list(waiting)

    async def forget_pending(self, workspace: WorkspaceId, run_id: RunId) -> None:
        """Delete the ids that waited for approval: they are applied, or dropped."""
        rows, _ = await self._tables.page(TABLE, beginning(workspace, f"{PENDING_PREFIX}{run_id}:"), _Key)
        await self.forget(workspace, [row.row_key for row in rows])

    async def prune(self, workspace: WorkspaceId, now: datetime) -> None:
        """Delete ended runs older than 90 days, with their journals and what waited; and attempts that are over."""
        oldest = run_id(now - limits.HISTORY, "")
        for kind in ("run:", JOURNAL_PREFIX, PENDING_PREFIX):
            await self._erase(workspace, beyond(beginning(workspace, kind), kind + oldest))
        await self._erase(workspace, within(workspace, ge=DAYS_PREFIX, lt=day_key(now - limits.HISTORY)))
        attempts, _ = await self._tables.page(TABLE, beginning(workspace, ATTEMPT_PREFIX), DocumentRow)
        over = [row.row_key for row in attempts if row.read(_Expiring).expires_at < now]
        await self.forget(workspace, over)

    async def erase_people(self, workspace: WorkspaceId) -> None:
        """Delete what the history tells of the directory's people. The runs' counts and the audit trail stay."""
        for kind in (JOURNAL_PREFIX, PENDING_PREFIX, ATTEMPT_PREFIX, PEOPLE_PREFIX):
            await self._erase(workspace, beginning(workspace, kind))
        await self.erase_samples(workspace)

    async def erase_samples(self, workspace: WorkspaceId) -> None:
        """Take the names of people whose removal waited out of the runs that ended."""
        async for rows in self._tables.query(TABLE, beginning(workspace, "run:"), DocumentRow):
            for run in [row.read(Run) for row in rows]:
                if (bare := without_sample(run)) is not None and bare != run:
                    await self._tables.transact(partition_of(workspace), [run_operation(bare)])

    async def ids_about(self, workspace: WorkspaceId, ids: Collection[str], address: str | None) -> set[str]:
        """The ids of contacts and users of whom the history tells one of the ids, or the address, now or formerly."""
        found: set[str] = set()
        async for rows in self._tables.query(TABLE, beginning(workspace, JOURNAL_PREFIX), WholeJournalRow):
            for row in rows:
                found |= ids_about(read_journal(row), ids, address)
        return found

    async def erase_person(self, workspace: WorkspaceId, ids: Collection[str], address: str | None) -> None:
        """Take a person out of the history: journals, ids that wait for approval, and samples of names."""
        async for rows in self._tables.query(TABLE, beginning(workspace, JOURNAL_PREFIX), WholeJournalRow):
            async for row in in_turns(rows):
                page = read_journal(row)
                if (bare := without_person(page, ids, address)) != page:
                    operation = Operation(Verb.PUT, row.row_key, journal_columns(bare))
                    await self._tables.transact(partition_of(workspace), [operation])
        async for waiting in self._tables.query(TABLE, beginning(workspace, PENDING_PREFIX), PendingRow):
            for one in waiting:
                kept = [source_id for source_id in read_pending(one) if source_id not in ids]
                operation = Operation(Verb.PUT, one.row_key, pending_columns(kept))
                await self._tables.transact(partition_of(workspace), [operation])
        async for behind in self._tables.query(TABLE, beginning(workspace, PEOPLE_PREFIX), DocumentRow):
            for found in behind:
                left = [it for it in found.read(list[str]) if it not in ids]
                operation = Operation(Verb.PUT, found.row_key, document_columns(left))
                await self._tables.transact(partition_of(workspace), [operation])
        # Samples hold names alone, which do not say whose they are: all of them go.
        await self.erase_samples(workspace)

    async def erase(self, workspace: WorkspaceId) -> None:
        """Delete every row of a workspace; its connection last, so that an interrupted attempt can be repeated."""
        await self._erase(workspace, within(workspace, lt=CONNECTION_KEY))
        await self._erase(workspace, beyond(within(workspace), STATE_KEY))
        await self._erase(workspace, within(workspace))

    async def _erase(self, workspace: WorkspaceId, where: str) -> None:
        async for rows in self._tables.query(TABLE, where, _Key):
            await self.forget(workspace, [row.row_key for row in rows])

    async def forget(self, workspace: WorkspaceId, row_keys: Sequence[str]) -> None:
        """Delete rows that are there, a transaction a hundred."""
        await delete_rows(self._tables, partition_of(workspace), row_keys)


def run_operation(run: Run) -> Operation:
    """Write an ended run to history; writing it twice changes nothing."""
    return Operation(Verb.PUT, run_key(run.id), document_columns(without_scope(run)))


def run_key(run_id: RunId) -> str:
    return f"run:{run_id}"
