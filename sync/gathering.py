"""What is stored of the people a page names: from rows that a scan kept, else by point reads, whichever is cheaper.

A point read costs a transaction a contact, a scan one a thousand rows (design). A page that concerns more than one in
a hundred of the list is therefore worth a scan, as long as the list fits into memory.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import msgspec

import limits
from contacts.contact import Contact, ContactId, from_row, mail_prefix
from contacts.store import ContactStore, Found, ScanRow
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from storage.transaction import Partition
from storage.turns import in_turns
from sync.plan import Known
from sync.rollcall import RollCall
from sync.room import Room
from workspace.journal import Person

_read_key = msgspec.json.Decoder(ScanRow).decode
_read_row = msgspec.json.Decoder(dict[str, object]).decode

type IsPassing = Callable[[Contact], bool]


@dataclass(slots=True)
class Gathering:
    """Finds the contacts of people. `expected` is how many contacts the list holds, as far as is known."""

    contacts: ContactStore
    partition: Partition
    expected: int
    room: Room = field(default_factory=Room)
    roll: RollCall = field(default_factory=RollCall)
    held_bytes: int = 0
    """What it took of the process's room."""
    _kept: dict[str, bytes] | None = None
    _reads: int = 0

    async def scan(self, *, keep: bool) -> None:
        """Read the whole list into the roll. `keep` the rows, because many of them will be asked for.

        Raises:
            NoRoom: other slices hold the memory that it needs.
        """
        keep = keep and self.expected <= limits.MOST_KEPT_ROWS
        await self.hold(self.expected * (limits.ROLL_BYTES + (limits.KEPT_ROW_BYTES if keep else 0)))
        # Kept as bytes: a decoded row takes several times the memory, and few of them are ever decoded.
        if keep:
            self._kept = {}
            async for raws in self.contacts.scan(self.partition, msgspec.Raw):
                rows = [_read_key(raw) async for raw in in_turns(raws)]
                self._kept |= {row.row_key: bytes(raw) for row, raw in zip(rows, raws, strict=True) if row.link}
                self.roll.scan(rows)
        else:
            async for rows in self.contacts.scan(self.partition, ScanRow):
                self.roll.scan(rows)
        self.roll.scanned = True

    async def hold(self, size_bytes: int) -> None:
        """Take some of the process's room, until `let_go`. Raises: NoRoom."""
        await self.room.take(size_bytes)
        self.held_bytes += size_bytes

    def let_go(self) -> None:
        """Forget everything, and give the room back."""
        self._kept, self.roll = None, RollCall()
        held, self.held_bytes = self.held_bytes, 0
        self.room.give(held)

    async def known(self, people: Collection[Person], passing: IsPassing, found: Found | None = None) -> Known:
        """What a plan has to know of people. `found`: what is stored of them, where that was just read.

        `passing` says of a contact that it does not keep its user from taking another one over by address.
        """
        if not people:
            return Known()
        if found is None:
            found = await self.of_users([one.id for one in people])
        if self.roll.scanned and not self.roll.addresses:
            return Known(found.contacts, taken=found.taken)  # Nobody to match by address, as in any first sync.
        return Known(found.contacts, await self._by_email(people, found.contacts, passing), found.taken)

    async def known_now(self, people: Collection[Person], passing: IsPassing) -> Known:
        """The same after a conflict: another writer changed contacts, so only what is stored now counts."""
        if not people:
            return Known()
        found = await self.contacts.of_users(self.partition, [one.id for one in people])
        return Known(found.contacts, await self._by_email(people, found.contacts, passing), found.taken)

    async def _by_email(
        self, people: Collection[Person], contacts: dict[ObjectId, Contact], passing: IsPassing
    ) -> dict[str, list[Contact]]:
        """Unlinked contacts for those without one of their own: as many of an address as people who share it."""
        new = (one for one in people if (own := contacts.get(one.id)) is None or passing(own))
        # Two people with one address need two candidates: the first of them takes one.
        wanted = Counter(email for one in new if (email := matching_email(one.mail)))
        if self.roll.scanned:
            wanted = Counter({email: n for email, n in wanted.items() if mail_prefix(email) in self.roll.addresses})
        return await self.contacts.by_email(self.partition, wanted) if wanted else {}

    def wrote(self, contacts: Collection[Contact]) -> None:
        """Forget what was known of contacts that were just written."""
        self.roll.wrote([one.source_id for one in contacts if one.source_id is not None])
        if self._kept is not None:
            for contact in contacts:
                self._kept.pop(contact.id, None)

    async def of_users(self, source_ids: Collection[ObjectId]) -> Found:
        """Users' contacts: by what the roll knows if the list was scanned, or as soon as a scan is the cheaper way."""
        # Counted over the whole slice, because many small pages cost as much as a large one.
        self._reads += len(source_ids)
        if not self.roll.scanned and limits.READS_A_SCAN * self._reads > self.expected > limits.READS_A_SCAN:
            await self.scan(keep=True)
        if self.roll.scanned:
            return await self._by_roll(source_ids)
        return await self.contacts.of_users(self.partition, source_ids)

    async def of_contacts(self, ids: Collection[str], anew: Collection[str] = ()) -> dict[str, Contact]:
        """Contacts by id. Those of `anew` may have been written since the list was scanned."""
        if not self.roll.scanned:
            return await self.contacts.read(self.partition, ids)
        there = [ContactId(one) for one in ids if one not in anew and self.roll.holds(ContactId(one))]
        found = await self._rows(there)
        return found | (await self.contacts.read(self.partition, anew) if anew else {})

    async def holders(
        self, source_ids: Collection[ObjectId], anew: Collection[ObjectId] = ()
    ) -> dict[ObjectId, ContactId]:
        """Whose contact is, or was last, linked to users. Those of `anew` may have got another since the scan."""
        asked = source_ids
        if self.roll.scanned:
            asked = [one for one in source_ids if one in anew or self.roll.contact_id(one) is not None]
        found = await self.contacts.of_users(self.partition, asked) if asked else Found({}, set())
        return {source_id: contact.id for source_id, contact in found.contacts.items()}

    async def _by_roll(self, source_ids: Collection[ObjectId]) -> Found:
        ids = {one: self.roll.contact_id(one) async for one in in_turns(source_ids)}
        rows = await self._rows([contact_id for contact_id in ids.values() if contact_id is not None])
        contacts = {one: row for one, contact_id in ids.items() if contact_id and (row := rows.get(contact_id))}
        # Another user may have taken the contact over since the scan.
        contacts = {one: contact for one, contact in contacts.items() if contact.source_id == one}
        taken: set[str] = {one async for one in in_turns(ids) if self.roll.taken(one)}
        # A user whom an earlier page of this run added, or whose contact moved since the scan.
        unsure = [one for one, contact_id in ids.items() if one not in contacts and (contact_id or one in self.roll)]
        if unsure:
            found = await self.contacts.of_users(self.partition, unsure)
            contacts, taken = contacts | found.contacts, taken | found.taken
        return Found(contacts, taken)

    async def _rows(self, ids: Collection[ContactId]) -> dict[str, Contact]:
        kept = self._kept or {}
        rows = {one: from_row(_read_row(kept[one])) async for one in in_turns(ids) if one in kept}
        missing = [one for one in ids if one not in rows]
        return rows | (await self.contacts.read(self.partition, missing) if missing else {})
