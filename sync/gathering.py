"""What is stored of the people a page names: from rows that a scan kept, else by point reads, whichever is cheaper.

A point read costs a transaction a contact, a scan one a thousand rows (design). A page that concerns more than one in
a hundred of the list is therefore worth a scan, as long as the list fits into memory.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from contacts.contact import Contact, ContactId, from_row, mail_prefix
from contacts.store import ContactStore, ScanRow
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from storage.transaction import Partition
from sync.plan import Known, Person
from sync.rollcall import RollCall

MOST_KEPT = 100_000
"""Rows kept of a scan: about 70 MB."""

READS_A_SCAN = 100
"""A scan is cheaper once one in so many contacts would be read by itself."""

_read_key = msgspec.json.Decoder(ScanRow).decode
_read_row = msgspec.json.Decoder(dict[str, object]).decode


@dataclass(slots=True)
class Gathering:
    """Finds the contacts of people. `expected` is how many contacts the list holds, as far as is known."""

    contacts: ContactStore
    partition: Partition
    expected: int
    roll: RollCall = field(default_factory=RollCall)
    _kept: dict[str, bytes] | None = None
    _reads: int = 0

    async def scan(self, *, keep: bool) -> None:
        """Read the whole list into the roll. `keep` the rows, because many of them will be asked for."""
        if keep and self.expected <= MOST_KEPT:
            self._kept = {}
            async for raws in self.contacts.scan(self.partition, msgspec.Raw):
                rows = [_read_key(raw) for raw in raws]
                self._kept |= {row.row_key: bytes(raw) for row, raw in zip(rows, raws, strict=True) if row.link}
                self.roll.scan(rows)
        else:
            async for rows in self.contacts.scan(self.partition, ScanRow):
                self.roll.scan(rows)
        self.roll.scanned = True

    async def known(self, people: Collection[Person], *, fresh: bool) -> Known:
        """What a plan has to know of people. `fresh`: somebody wrote in between, so only what is stored now counts."""
        if not people:
            return Known()
        self._reads += len(people)
        if not self.roll.scanned and READS_A_SCAN * self._reads > self.expected > READS_A_SCAN and not fresh:
            await self.scan(keep=True)
        scanned = self.roll.scanned and not fresh
        ids = [one.id for one in people]
        contacts, taken = await (self._by_roll(ids) if scanned else self._by_reads(ids))
        if scanned and not self.roll.addresses:
            return Known(contacts, taken=taken)  # Nobody to match by address, as in any first sync.
        emails = {email for one in people if one.id not in contacts and (email := matching_email(one.mail))}
        if scanned:
            emails = {email for email in emails if mail_prefix(email) in self.roll.addresses}
        by_email = await self.contacts.by_email(self.partition, emails) if emails else {}
        return Known(contacts, by_email, taken)

    def wrote(self, contacts: Collection[Contact]) -> None:
        """Forget what was known of contacts that were just written."""
        self.roll.wrote([one.source_id for one in contacts if one.source_id is not None])
        if self._kept is not None:
            for contact in contacts:
                self._kept.pop(contact.id, None)

    async def of_users(self, source_ids: Collection[ObjectId]) -> tuple[dict[ObjectId, Contact], set[str]]:
        """Their contacts, by what the roll knows if the list was scanned; and ids that are another's contact's."""
        return await (self._by_roll(source_ids) if self.roll.scanned else self._by_reads(source_ids))

    async def _by_reads(self, source_ids: Collection[ObjectId]) -> tuple[dict[ObjectId, Contact], set[str]]:
        found = await self.contacts.of_users(self.partition, source_ids)
        return found.contacts, found.taken

    async def _by_roll(self, source_ids: Collection[ObjectId]) -> tuple[dict[ObjectId, Contact], set[str]]:
        ids = {one: self.roll.contact_id(one) for one in source_ids}
        rows = await self._rows([contact_id for contact_id in ids.values() if contact_id is not None])
        contacts = {one: row for one, contact_id in ids.items() if contact_id and (row := rows.get(contact_id))}
        contacts = {one: contact for one, contact in contacts.items() if contact.source_id == one}
        # Whom an earlier page of this run made, or whose contact moved since the scan.
        unsure = [one for one, contact_id in ids.items() if one not in contacts and (contact_id or one in self.roll)]
        taken: set[str] = {one for one in ids if self.roll.taken(one)}
        if unsure:
            found, also_taken = await self._by_reads(unsure)
            contacts, taken = contacts | found, taken | also_taken
        return contacts, taken

    async def _rows(self, ids: Collection[ContactId]) -> dict[str, Contact]:
        kept = self._kept or {}
        rows = {one: from_row(_read_row(kept[one])) for one in ids if one in kept}
        missing = [one for one in ids if one not in rows]
        return rows | (await self.contacts.read(self.partition, missing) if missing else {})
