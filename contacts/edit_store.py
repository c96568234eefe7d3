"""Writes people's edits of contacts, each with what it did and the list's tally, in one transaction."""

from collections.abc import Awaitable, Callable

import msgspec

from contacts.contact import Contact, ContactId, Link, write_operations
from contacts.edit_journal import edit_operation
from contacts.store import TALLY_KEY, ContactStore, Tally
from errors import Conflict, NotFound
from storage.retry import Sleep, tries
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb


class EditStore:
    """A person's edit reads a contact, decides, and writes it; again when a sync or another person was faster."""

    def __init__(self, tables: Tables, contacts: ContactStore, sleep: Sleep) -> None:
        self._tables = tables
        self._sleep = sleep
        self._contacts = contacts

    async def contact(self, partition: Partition, contact_id: ContactId) -> Contact:
        """One contact that is shown.

        Raises:
            NotFound
        """
        contact = (await self._contacts.read(partition, [contact_id])).get(contact_id)
        if contact is None or contact.link is Link.REMOVED:
            raise NotFound("There is no such contact.")
        return contact

    async def add(self, partition: Partition, contact: Contact) -> None:
        await self._write(partition, lambda: self._addition(partition, contact))

    async def change(
        self,
        partition: Partition,
        contact_id: ContactId,
        decide: Callable[[Contact], Contact | None],
        at: str,
        person: str | None,
    ) -> Contact | None:
        """Write what `decide` makes of a contact for a person, and when (ISO 8601); what is stored then.

        Raises:
            NotFound
            Conflict: others were faster six times.
        """
        after: Contact | None = None

        async def operations() -> list[Operation]:
            nonlocal after
            before = await self.contact(partition, contact_id)
            after = decide(before)
            # A save that changes nothing must not mark the contact as edited.
            if after == before:
                return []
            # The totals are kept by counting, so a contact that is shown no more is counted in the same transaction.
            gone = after is None or after.link is Link.REMOVED
            told = edit_operation(before, after, at, person)
            return [*write_operations(before, after), told, *(await self._tallied(partition, before) if gone else [])]

        await self._write(partition, operations)
        return after

    async def _addition(self, partition: Partition, contact: Contact) -> list[Operation]:
        tally = await self._contacts.tally(partition)
        told = edit_operation(None, contact, contact.created_at, contact.created_by)
        return [*write_operations(None, contact), told, _tally_operation(tally, contacts=1, linked=0)]

    async def _tallied(self, partition: Partition, gone: Contact) -> list[Operation]:
        tally = await self._contacts.tally(partition)
        return [_tally_operation(tally, contacts=-1, linked=-1 if gone.link is Link.LINKED else 0)]

    async def _write(self, partition: Partition, operations: Callable[[], Awaitable[list[Operation]]]) -> None:
        async for last in tries(self._sleep):
            wanted = await operations()
            if not wanted:
                return
            try:
                await self._tables.transact(partition, wanted)
            except Conflict:
                if last:
                    raise
            else:
                return


def _tally_operation(tally: Tally, *, contacts: int, linked: int) -> Operation:
    after = msgspec.structs.replace(tally, contacts=tally.contacts + contacts, linked=tally.linked + linked)
    columns: dict[str, object] = {"contacts": after.contacts, "linked": after.linked}
    # Of two edits at the same moment one fails here and is made again, so none is missing in the count.
    if not tally.etag:
        return Operation(Verb.INSERT, TALLY_KEY, columns)
    return Operation(Verb.REPLACE, TALLY_KEY, columns, tally.etag)
