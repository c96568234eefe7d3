"""Gathers what the end of a round decides: people to match by address, and contacts that people edited (spec §4)."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import limits
from contacts.contact import Contact
from mapping.contact_fields import matching_email
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
    """Contacts that people edited, though the directory says nothing new of them.

    A full run has met everybody already: an edit clears the hash that would have let the contact pass by.
    """
    if work.run.mode is Mode.FULL:
        return
    people = [_as_remembered(one, work.values) for one in await _edited(work)]
    for start in range(0, len(people), limits.BATCH):
        yield Batch(work.run, people[start : start + limits.BATCH])


async def _edited(work: "Slice") -> list[Contact]:
    """Contacts that people edited, and those that an interrupted attempt has written already but not counted."""
    interrupted = list(await work.interrupted())
    touched: list[str] = list(await work.contacts.touched(work.partition))
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
