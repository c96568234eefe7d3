"""The contacts of a list, as rows of one partition. Knows rows, keys, batches and ETags; decides nothing."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

import msgspec
from msgspec.structs import replace

import limits
from contacts.contact import (
    TABLE,
    Contact,
    ContactId,
    Link,
    completing_operations,
    from_row,
    link_key,
    mail_prefix,
    touched_key,
)
from contacts.edit_journal import EditJournal
from contacts.names import NAMES, Search
from errors import Conflict, RowRefused, TryLater
from mapping.fields import ObjectId
from storage.filters import all_of, beginning, within
from storage.table import Tables, delete_rows
from storage.transaction import Operation, Partition, Verb, grouped
from storage.turns import in_turns

_AT_ONCE = 16
_TASKS_AT_ONCE = 500
_COUNTS = 3
_COMPLETIONS = 6
# A search ends after so many pages with what it found, so that no call takes long; the caller asks for more.
_SEARCHED_PAGES, _LARGEST_PAGE = 5, 1000

TALLY_KEY = "tally"
CONTACT_KEYS_END = "g"
"""Contacts' keys are hexadecimal, so they come before every key with a prefix."""


class ScanRow(msgspec.Struct, frozen=True):
    """What a full run needs of a row: whose it is, and the hash of the values last seen. All kinds of rows come."""

    row_key: str = msgspec.field(name="RowKey")
    link: str = ""
    source_id: str = msgspec.field(default="", name="sourceId")
    source_hash: str = msgspec.field(default="", name="seen")


class SourceRow(msgspec.Struct, frozen=True):
    """What a measurement needs of a row: the directory's values last seen, as JSON."""

    row_key: str = msgspec.field(name="RowKey")
    link: str = ""
    source: str = ""


class _Pointer(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")
    contact_id: str = msgspec.field(default="", name="contactId")


class _Touched(msgspec.Struct, frozen=True):
    row_key: str = msgspec.field(name="RowKey")
    contact_id: str = msgspec.field(default="", name="contactId")
    left: str = ""
    etag: str = msgspec.field(default="", name="odata.etag")


class Left(msgspec.Struct, frozen=True, omit_defaults=True):
    """A contact that a run left to the next one: its user's values then, None where the user left the directory."""

    run: str
    contact_id: ContactId
    source_id: ObjectId
    mail: str | None
    values: dict[str, str] | None
    etag: str = ""

    @property
    def row_key(self) -> str:
        return f"{touched_key(self.contact_id)}:left"

    def is_about(self, ids: Collection[str], address: str | None) -> bool:
        """Whether it is of a contact or user with one of the ids, or holds the address."""
        told = {(self.mail or "").lower(), *(one.lower() for one in (self.values or {}).values())}
        return self.contact_id in ids or self.source_id in ids or (address is not None and address in told)


async def _nothing() -> None:
    return


@dataclass(slots=True)
class Outcome:
    """What was not written, by the number of its group: refused by storage, with the reason; or overtaken."""

    refused: dict[int, str] = field(default_factory=dict)
    overtaken: set[int] = field(default_factory=set)


class Tally(msgspec.Struct, frozen=True):
    """What people themselves added to the list and took from it, in contacts and in linked contacts."""

    contacts: int = 0
    linked: int = 0
    etag: str = msgspec.field(default="", name="odata.etag")


@dataclass(frozen=True, slots=True)
class Found:
    """What is stored of some directory users: their contact, and ids that belong to another's contact."""

    contacts: dict[ObjectId, Contact]
    taken: set[str]


class ContactStore:
    """Reads and writes the contacts of lists. `edit_journal` tells what people's edits did to them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.edit_journal = EditJournal(tables)
        self._gate = asyncio.Semaphore(limits.TRANSACTIONS_AT_ONCE)

    async def scan[Row: (ScanRow, SourceRow, msgspec.Raw)](
        self, partition: Partition, row: type[Row]
    ) -> AsyncIterator[list[Row]]:
        """The contacts of a list and the rows that find them by id and address, in key order, projected or whole.

        A thousand rows a transaction. The name rows, and what comes after them, are left out.
        """
        async for rows in self._tables.query(TABLE, within(partition.key, lt=NAMES), row):
            yield rows

    async def read(self, partition: Partition, contact_ids: Iterable[str]) -> dict[str, Contact]:
        """Contacts by id, a point read each; those that are not there are left out."""
        ids = sorted(set(contact_ids))
        rows = await _side_by_side(lambda one: self._tables.get(partition, one, dict[str, Any]), ids)
        return {row["RowKey"]: from_row(row) async for row in in_turns(rows) if row is not None}

    async def of_users(self, partition: Partition, source_ids: Collection[ObjectId]) -> Found:
        """The contacts that are, or were, linked to directory users: a point read each, two where there is none."""
        contacts: dict[ObjectId, Contact] = {}
        own = await self.read(partition, source_ids)
        for source_id in source_ids:
            if (contact := own.get(source_id)) is not None and contact.source_id == source_id:
                contacts[source_id] = contact
        # A contact that was taken over keeps its own id; its `link:` row leads from the user to it.
        elsewhere = await self._pointers(partition, [link_key(one) for one in source_ids if one not in contacts])
        moved = await self.read(partition, elsewhere.values())
        for contact in moved.values():
            if contact.source_id is not None and link_key(contact.source_id) in elsewhere:
                contacts[contact.source_id] = contact
        # Example: B took over the unlinked contact whose id is A. When A returns, A's own contact needs another id.
        return Found(contacts, {one for one in source_ids if one in own and own[one].source_id != one})

    async def _pointers(self, partition: Partition, keys: Sequence[str]) -> dict[str, str]:
        rows = await _side_by_side(lambda key: self._tables.get(partition, key, _Pointer), keys)
        return {row.row_key: row.contact_id for row in rows if row is not None}

    async def by_email(self, partition: Partition, wanted: Mapping[str, int]) -> dict[str, list[Contact]]:
        """Unlinked contacts by address, the oldest first, as many as are wanted; addresses without any are left out."""

        async def ids_of(email: str) -> list[str]:
            where = beginning(partition.key, mail_prefix(email))
            # The keys hold the time of creation, so the first rows are the oldest contacts.
            rows, _ = await self._tables.page(TABLE, where, _Pointer, most=min(wanted[email], 1000))
            return [row.contact_id for row in rows]

        found = await _side_by_side(ids_of, list(wanted))
        ids = dict(zip(wanted, found, strict=True))
        contacts = await self.read(partition, [one for those in ids.values() for one in those])
        return {email: [contacts[one] for one in ids[email] if one in contacts] for email in wanted if ids[email]}

    async def touched(self, partition: Partition) -> tuple[list[ContactId], list[Left]]:
        """Linked contacts that a person edited or removed since the last run settled them; and what that run left."""
        touched: list[ContactId] = []
        left: list[Left] = []
        async for rows in self._tables.query(TABLE, beginning(partition.key, "touched:"), _Touched):
            for row in rows:
                if row.left:
                    left.append(replace(msgspec.json.decode(row.left, type=Left), etag=row.etag))
                else:
                    touched.append(ContactId(row.contact_id))
        return touched, left

    async def count(self, partition: Partition) -> tuple[int, int]:
        """Contacts that are shown, and how many of them are linked, less what people themselves did (the tally).

        Read again when a person added or removed a contact meanwhile.
        """
        for _ in range(_COUNTS):
            before = await self.tally(partition)
            links = Counter[str]()
            async for rows in self.scan(partition, ScanRow):
                links.update(row.link for row in rows)
            after = await self.tally(partition)
            if after == before:
                break
        shown = links[Link.LINKED] + links[Link.UNLINKED] + links[Link.LOCAL]
        return shown - after.contacts, links[Link.LINKED] - after.linked

    async def page(
        self, partition: Partition, most: int, continuation: str = "", condition: str = ""
    ) -> tuple[list[Contact], str]:
        """Contacts in the order of their ids, those removed by a person included, and where the next page begins.

        `condition`: a filter of rows that they have to meet.
        """
        where = within(partition.key, lt=CONTACT_KEYS_END)
        if condition:
            where = all_of(where, condition)
        rows, continuation = await self._tables.after(TABLE, where, dict[str, Any], continuation, most)
        return [from_row(row) for row in rows], continuation

    async def search(
        self,
        partition: Partition,
        search: Search,
        most: int,
        continuation: str = "",
        condition: str = "",
        *,
        rest: bool = False,
    ) -> tuple[list[Contact], str]:
        """Contacts that hold each word of a search, as `page` gives them; after a few thousand rows it pauses.

        Table Storage has no index for parts of words: a search reads the list, and the caller comes back for more.
        `rest`: without those that the beginning of a name or an address finds.
        """
        found: list[Contact] = []
        for _ in range(_SEARCHED_PAGES):
            contacts, continuation = await self.page(partition, _LARGEST_PAGE, continuation, condition)
            async for contact in in_turns(contacts):
                shown = contact.link is not Link.REMOVED and search.inside([*contact.fields.values()])
                if shown and not (rest and search.at_the_beginning(contact.fields)):
                    found.append(contact)
                if len(found) == most:
                    return found, contact.id
            if not continuation:
                break
        return found, continuation

    async def complete_names(self, partition: Partition) -> None:
        """Give their name rows to contacts that an older version stored without. Repeating it changes nothing.

        Raises:
            Conflict: other writers changed a contact again and again.
            TryLater
        """
        continuation = ""
        while True:
            contacts, following = await self.page(partition, _LARGEST_PAGE, continuation)
            nameless = [one for one in contacts if one.link is not Link.REMOVED and not one.named]
            for _ in range(_COMPLETIONS):
                try:
                    await self.write(partition, [completing_operations(one) async for one in in_turns(nameless)])
                except Conflict:
                    stored = await self.read(partition, [one.id for one in nameless])
                    nameless = [one for one in stored.values() if one.link is not Link.REMOVED and not one.named]
                else:
                    break
            else:
                raise Conflict("contacts changed too often to complete their rows by name")
            if not following:
                return
            continuation = following

    async def tally(self, partition: Partition) -> Tally:
        return await self._tables.get(partition, TALLY_KEY, Tally) or Tally()

    async def write(
        self,
        partition: Partition,
        groups: Sequence[Sequence[Operation]],
        *,
        singly: bool = False,
        before_each: Callable[[], Awaitable[None]] = _nothing,
    ) -> Outcome:
        """Write groups of operations, each group all or none; those that were not written.

        `before_each` transaction is awaited and may raise: then no further one is written. `singly`: each group by
        itself, after writing them together failed twice. A row that another writer changes again and again, or that
        storage fails on while it takes others, then holds up no other row.

        Raises:
            Conflict: a row is not as it was read; some transactions may be written, some not.
            TryLater: likewise, without an answer.
        """
        if singly:
            return await self._write_singly(partition, groups, before_each)
        outcome = Outcome()
        numbered = {id(group): number for number, group in enumerate(groups)}
        for batch in grouped(groups):
            # The wait for a place comes before the look at the lease.
            async with self._gate:
                await before_each()
                for group, reason in await self._write_batch(partition, batch):
                    outcome.refused[numbered[id(group)]] = reason
        return outcome

    async def _write_singly(
        self, partition: Partition, groups: Sequence[Sequence[Operation]], before_each: Callable[[], Awaitable[None]]
    ) -> Outcome:
        outcome = Outcome()
        failure: TryLater | None = None
        for number, group in enumerate(groups):
            async with self._gate:
                await before_each()
                try:
                    refused = await self._write_batch(partition, [group])
                except Conflict:
                    outcome.overtaken.add(number)
                except TryLater as error:
                    failure, outcome.refused[number] = error, str(error)
                else:
                    for _, reason in refused:
                        outcome.refused[number] = reason
        if failure is not None and len(outcome.refused) * 2 > len(groups):
            raise failure  # Most rows failed, so storage itself does not work and no single row is to blame.
        return outcome

    async def _write_batch(
        self, partition: Partition, batch: Sequence[Sequence[Operation]]
    ) -> list[tuple[Sequence[Operation], str]]:
        """Write one transaction; a row that is refused is taken out, and the rest written."""
        try:
            await self._tables.transact(partition, [operation for group in batch for operation in group])
        except RowRefused as error:
            if len(batch) == 1:
                return [(batch[0], str(error))]
            bad = _group_at(batch, error.position)
            # Storage did not say which row it refuses: halving finds it in a few transactions.
            if bad is None:
                half = len(batch) // 2
                first = await self._write_batch(partition, batch[:half])
                return first + await self._write_batch(partition, batch[half:])
            rest = await self._write_batch(partition, [group for group in batch if group is not bad])
            return [(bad, str(error)), *rest]
        return []

    async def leave(self, partition: Partition, left: Left) -> None:
        """Leave a contact that another writer was faster with to the next run; repeating it changes nothing."""
        columns: dict[str, object] = {"contactId": left.contact_id, "left": msgspec.json.encode(left).decode()}
        await self._tables.transact(partition, [Operation(Verb.PUT, left.row_key, columns)])

    async def forget_left(self, partition: Partition) -> None:
        """Delete what runs left to their next one: it holds people's values."""
        _, left = await self.touched(partition)
        await self.taken_up(partition, left)

    async def erase(self, partition: Partition) -> None:
        """Delete every row of a partition: of a list, or of a workspace's own fields. Nobody writes to it meanwhile."""
        async for rows in self._tables.query(partition.table, within(partition.key), ScanRow):
            await delete_rows(self._tables, partition, [row.row_key for row in rows])

    async def taken_up(self, partition: Partition, lefts: Iterable[Left]) -> None:
        """Forget what was left to this run, once it is done."""
        for left in lefts:
            # Repeated after a crash, the rows may be gone; and what a later run left is not this one's to forget.
            with contextlib.suppress(Conflict):
                await self._tables.transact(partition, [Operation(Verb.DELETE, left.row_key, etag=left.etag or "*")])


async def _side_by_side[T](read: Callable[[str], Awaitable[T]], keys: Sequence[str]) -> list[T]:
    """What is read by each key, in their order: some reads at once, because the pool of connections is shared."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(key: str) -> T:
        async with gate:
            return await read(key)

    found: list[T] = []
    # A task for each of a hundred thousand keys at once would take the loop for a second.
    for some in batched(keys, _TASKS_AT_ONCE, strict=False):
        found += await asyncio.gather(*map(one, some))
    return found


def _group_at(batch: Sequence[Sequence[Operation]], position: int) -> Sequence[Operation] | None:
    """The group that holds the operation at a position, None when none was named."""
    if position < 0:
        return None
    for group in batch:
        if position < len(group):
            return group
        position -= len(group)
    return None
