"""What people's edits did, kept for as long as an administrator can undo them (spec §6; docs/decisions.md).

An edit's row, `was:<time>:<contact id>`, looks like a page of a run's journal with one entry. It stands in the list's
partition, after all rows that find contacts, so that it is written in the edit's own transaction.
"""

from collections.abc import Collection
from datetime import datetime

import msgspec

from contacts.changes import change_between
from contacts.contact import TABLE, Contact, former_of
from storage.filters import all_of, beginning, equals, within
from storage.table import Tables, delete_rows
from storage.transaction import Operation, Partition, Verb
from workspace.edits import EditKind, Edits
from workspace.journal import (
    JournalPage,
    Outcome,
    WholeJournalRow,
    ids_about,
    journal_columns,
    read_journal,
    without_person,
)

EDIT_PREFIX = "was:"

_KIND = {Outcome.ADDED: EditKind.ADDED, Outcome.REMOVED: EditKind.REMOVED}


class _Key(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")


def stamp_of(now: datetime) -> str:
    """A moment as contacts hold it. Always with microseconds, so that the order of the texts is that of the moments."""
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")


def edit_operation(before: Contact | None, after: Contact | None, at: str, person: str | None) -> Operation:
    """The row of a person's edit that turned one state of a contact into another."""
    change = change_between(before, after)
    assert change is not None
    page = JournalPage(changes=[change], formers=[former_of(before)] if before is not None else [])
    told = {"person": person or "", "kind": _KIND.get(change.outcome, EditKind.CHANGED).value}
    return Operation(Verb.PUT, f"{EDIT_PREFIX}{at}:{change.contact_id}", {**journal_columns(page), **told})


class EditJournal:
    """Reads what people's edits did, and forgets it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def keys(self, partition: Partition, edits: Edits) -> list[str]:
        """The row keys of some edits, the oldest first."""
        since, until = (EDIT_PREFIX + stamp_of(one) for one in (edits.since, edits.until))
        where = _chosen(within(partition.key, ge=since, lt=until), edits)
        return [key.row_key async for some in self._tables.query(TABLE, where, _Key) for key in some]

    async def pages(self, partition: Partition, edits: Edits, keys: list[str]) -> list[JournalPage]:
        """What the edits with these row keys, which follow one another, did: the oldest first."""
        where = _chosen(within(partition.key, ge=keys[0], le=keys[-1]), edits)
        return [read_journal(row) async for some in self._tables.query(TABLE, where, WholeJournalRow) for row in some]

    async def prune(self, partition: Partition, before: datetime) -> None:
        """Delete what is older. Repeating it changes nothing."""
        await self._delete(partition, within(partition.key, ge=EDIT_PREFIX, lt=EDIT_PREFIX + stamp_of(before)))

    async def forget(self, partition: Partition) -> None:
        """Delete all of it: it holds values of the directory's people."""
        await self._delete(partition, beginning(partition.key, EDIT_PREFIX))

    async def ids_about(self, partition: Partition, ids: Collection[str], address: str | None) -> set[str]:
        """The ids of contacts and users of whom it tells one of the ids, or the address, now or formerly."""
        found: set[str] = set()
        async for rows in self._tables.query(TABLE, beginning(partition.key, EDIT_PREFIX), WholeJournalRow):
            for row in rows:
                found |= ids_about(read_journal(row), ids, address)
        return found

    async def forget_person(self, partition: Partition, ids: Collection[str], address: str | None) -> None:
        """Delete what tells of contacts or users with one of the ids, or with the address."""
        async for rows in self._tables.query(TABLE, beginning(partition.key, EDIT_PREFIX), WholeJournalRow):
            pages = [(row.row_key, read_journal(row)) for row in rows]
            about = [key for key, page in pages if without_person(page, ids, address) != page]
            await delete_rows(self._tables, partition, about)

    async def _delete(self, partition: Partition, where: str) -> None:
        async for rows in self._tables.query(TABLE, where, _Key):
            await delete_rows(self._tables, partition, [row.row_key for row in rows])


def _chosen(where: str, edits: Edits) -> str:
    return all_of(where, equals("person", edits.person), equals("kind", edits.kind))
