"""Gathers what is undone, the last change first, with the contacts as they are now (spec §6)."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

import limits
from contacts.contact import Contact, ContactId
from contacts.edit_journal import EditJournal
from mapping.fields import ObjectId
from storage.transaction import Partition
from sync.batch import Batch
from sync.gathering import Gathering
from sync.undo import Entry, entries_of, sources_of
from workspace.connection import WorkspaceId
from workspace.edits import Edits
from workspace.run import RunId
from workspace.store import WorkspaceStore

if TYPE_CHECKING:
    from sync.slice import Slice

DONE = "0"
"""The cursor of an undo that has gone through everything: before every number of a page, and every key of an edit."""

type Pages = AsyncGenerator[tuple[str, list[Entry]]]
"""Entries of whole pages, about as many as a transaction or two can write, and the cursor after them."""

type Now = tuple[dict[str, Contact], dict[ObjectId, ContactId]]
"""Contacts as they are now, by id, and whose contact some users have."""


async def run_backwards(workspaces: WorkspaceStore, workspace: WorkspaceId, run: RunId, cursor: str | None) -> Pages:
    """A run's journal, from behind."""
    numbers = await workspaces.journal_numbers(workspace, run)
    if cursor is not None:
        numbers = [one for one in numbers if one < int(cursor)]
    for end in range(len(numbers), 0, -limits.UNDO_PAGES):
        some = numbers[max(0, end - limits.UNDO_PAGES) : end]
        pages = dict(await workspaces.whole_pages(workspace, run, some[0], some[-1] + 1))
        entries: list[Entry] = []
        for number in reversed(some):
            if number in pages:
                entries += entries_of(run, [(number, pages[number])])
            if len(entries) >= limits.UNDO_BATCH:
                yield str(number), entries
                entries = []
        if entries:
            yield str(some[0]), entries


async def edits_backwards(journal: EditJournal, partition: Partition, edits: Edits, cursor: str | None) -> Pages:
    """A person's edits, from behind."""
    keys = [one for one in await journal.keys(partition, edits) if cursor is None or one < cursor]
    for end in range(len(keys), 0, -limits.UNDO_BATCH):
        some = keys[max(0, end - limits.UNDO_BATCH) : end]
        pages = await journal.pages(partition, edits, some)
        # No run wrote them: whether a contact is as an edit left it, the edit's mark says alone.
        if entries := entries_of(RunId(""), [(0, page) for page in pages]):
            yield some[0], entries


@dataclass(slots=True)
class Backwards:
    """What is undone, the last change first. What was given out before may be written since, and is read anew.

    `batches` gives the pages that come after a cursor.
    """

    batches: Callable[[str | None], Pages]
    gathering: Gathering
    _written: set[str] = field(default_factory=set)
    _given: set[ObjectId] = field(default_factory=set)

    async def now(self, entries: Sequence[Entry], *, again: bool = False) -> Now:
        """The entries' contacts. `again`: another writer was faster, so only what is stored now counts."""
        if not self.gathering.roll.scanned and limits.READS_A_SCAN * len(entries) >= self.gathering.expected:
            await self.gathering.scan(keep=True)
        ids = {one.contact_id for one in entries}
        stored = await self.gathering.of_contacts(ids, anew=ids if again else ids & self._written)
        moves = [one for one in entries if one.former is not None and _moves(one, stored.get(one.contact_id))]
        sources = sources_of(moves)
        holders = await self.gathering.holders(sources, anew=sources if again else sources & self._given)
        self._written |= ids
        self._given |= sources
        return stored, holders


def _moves(entry: Entry, contact: Contact | None) -> bool:
    """Whether the contact was another user's, or nobody's, so that its user may have another contact by now."""
    former = entry.former
    return former is not None and (contact is None or contact.source_id != former.source_id)


def backwards(
    workspaces: WorkspaceStore, workspace: WorkspaceId, wanted: RunId | Edits, gathering: Gathering
) -> Backwards:
    """What a run, or a person, did."""
    if isinstance(wanted, Edits):
        journal = gathering.contacts.edit_journal
        return Backwards(partial(edits_backwards, journal, gathering.partition, wanted), gathering)
    return Backwards(partial(run_backwards, workspaces, workspace, wanted), gathering)


async def gather_undo(work: "Slice") -> AsyncGenerator[Batch]:
    """The entries of what is undone, until all pages are gone through or the slice's time is up."""
    journal = _backwards(work)
    async for cursor, entries in journal.batches(work.run.cursor):
        stored, holders = await journal.now(entries)
        yield Batch(replace(work.run, cursor=cursor), entries=entries, stored=stored, holders=holders)
        if work.time_is_up:
            return
    work.run = replace(work.run, cursor=DONE)


async def now_of(work: "Slice", entries: Sequence[Entry]) -> Now:
    """What is stored of the entries' contacts, after another writer was faster."""
    return await _backwards(work).now(entries, again=True)


def _backwards(work: "Slice") -> Backwards:
    wanted = work.run.undoes_edits or work.run.undoes
    assert wanted is not None
    return backwards(work.workspaces, work.workspace, wanted, work.gathering)
