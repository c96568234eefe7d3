"""Gathers the journal of a run that is undone, the last page first, with the contacts as they are now (spec §6)."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

import limits
from contacts.contact import Contact, ContactId
from mapping.fields import ObjectId
from sync.batch import Batch
from sync.gathering import Gathering
from sync.undo import Entry, entries_of, sources_of
from workspace.connection import WorkspaceId
from workspace.run import RunId
from workspace.store import WorkspaceStore

if TYPE_CHECKING:
    from sync.slice import Slice

DONE = "0"
"""The cursor of an undo that has gone through all pages. Before, it is the number of the last page gone through."""

type Now = tuple[dict[str, Contact], dict[ObjectId, ContactId]]
"""Contacts as they are now, by id, and whose contact some users have."""


@dataclass(slots=True)
class JournalBackwards:
    """A run's journal, backwards. What was given out before may be written since, and is read anew."""

    workspaces: WorkspaceStore
    workspace: WorkspaceId
    run: RunId
    gathering: Gathering
    _written: set[str] = field(default_factory=set)
    _given: set[ObjectId] = field(default_factory=set)

    async def batches(self, cursor: str | None) -> AsyncGenerator[tuple[str, list[Entry]]]:
        """Entries of whole pages, about as many as a transaction or two can write, and the cursor after them."""
        numbers = await self.workspaces.journal_numbers(self.workspace, self.run)
        if cursor is not None:
            numbers = [one for one in numbers if one < int(cursor)]
        for end in range(len(numbers), 0, -limits.UNDO_PAGES):
            some = numbers[max(0, end - limits.UNDO_PAGES) : end]
            pages = dict(await self.workspaces.whole_pages(self.workspace, self.run, some[0], some[-1] + 1))
            entries: list[Entry] = []
            for number in reversed(some):
                if number in pages:
                    entries += entries_of(self.run, [(number, pages[number])])
                if len(entries) >= limits.UNDO_BATCH:
                    yield str(number), entries
                    entries = []
            if entries:
                yield str(some[0]), entries

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


async def gather_undo(work: "Slice") -> AsyncGenerator[Batch]:
    """The entries of the run that is undone, until all pages are gone through or the slice's time is up."""
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


def _backwards(work: "Slice") -> JournalBackwards:
    assert work.run.undoes is not None
    return JournalBackwards(work.workspaces, work.workspace, work.run.undoes, work.gathering)
