"""Gathers what the end of a round decides: people to match by address, and contacts that people edited (spec §4)."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import limits
from contacts.contact import Contact, ContactId
from contacts.store import Left
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from mapping.values import ValueReader
from sync.batch import Batch
from workspace.journal import Person
from workspace.run import Mode

if TYPE_CHECKING:
    from sync.slice import Slice


async def gather_matches(work: "Slice") -> AsyncGenerator[Batch]:
    """People without a contact whose address an unlinked one has, those who share an address side by side.

    Their order is that of address and object id, so that Graph's pages make no difference.
    """
    people = sorted(work.matches.values(), key=lambda one: (matching_email(one.mail) or "", one.id))
    for start in range(0, len(people), limits.BATCH):
        batch = people[start : start + limits.BATCH]
        # As present, so that a slice that resumes the run does not match them again.
        yield Batch(work.run, batch, [one.id for one in batch], matching=True)


async def gather_local_edits(work: "Slice") -> AsyncGenerator[Batch]:
    """Contacts that people edited, though the directory says nothing new of them; and those that the last run left.

    A full run has met everybody already: an edit clears the hash that would have let the contact pass by.
    """
    touched, found = await work.contacts.touched(work.partition)
    # What this run itself left is the next run's.
    passed_by = {one.contact_id for one in found if one.run == work.run.id}
    touched, left = [one for one in touched if one not in passed_by], [one for one in found if one.run != work.run.id]
    if work.run.mode is Mode.DELTA:
        remembered = [_as_remembered(one, work.values) for one in await _edited(work, touched)]
        # What the last run left is newer than what a contact remembers.
        people = list(({one.id: one for one in remembered} | _taken_up(work, left)).values())
        for start in range(0, len(people), limits.BATCH):
            yield Batch(work.run, people[start : start + limits.BATCH], matching=True)
        gone = [one.source_id for one in left if one.values is None and not work.roll.named(one.source_id)]
        if gone:
            yield Batch(work.run, gone=gone)
    await work.contacts.taken_up(work.partition, left)


def _taken_up(work: "Slice", left: list[Left]) -> dict[ObjectId, Person]:
    """Users whose contacts the last run left, unless this run was told of them anew."""
    found = {}
    for one in left:
        if one.values is not None and not work.roll.named(one.source_id):
            values = work.values.recalled(one.values)
            found[one.source_id] = Person(one.source_id, one.mail, values, work.values.source_hash(values))
    return found


async def _edited(work: "Slice", touched: list[ContactId]) -> list[Contact]:
    """Contacts that people edited, and those that an interrupted attempt has written already but not counted."""
    # An interrupted attempt may have written a contact, so it counts as edited no more; the journal still names it.
    interrupted = list(await work.interrupted())
    ids = [*interrupted, *(one for one in touched if one not in interrupted)]
    contacts = await work.contacts.read(work.partition, ids) if ids else {}
    return [
        contact
        for one in ids
        if (contact := contacts.get(one)) is not None
        and contact.source_id is not None
        and (contact.touched or one in interrupted)
        and not work.roll.left(contact.source_id)
    ]


def _as_remembered(contact: Contact, values: ValueReader) -> Person:
    """A contact's directory user as it was last seen."""
    assert contact.source_id is not None
    recalled = values.recalled(contact.source)
    return Person(contact.source_id, None, recalled, values.source_hash(recalled))
