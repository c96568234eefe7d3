"""What callers are told of contacts (spec §7)."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from api.moments import Moment, Stamp
from contacts.contact import Contact, Link
from mapping.configuration import Configuration
from mapping.conflict import mapped
from mapping.contact_fields import STANDARD_FIELDS
from workspace.run import time_of

_CONTACT = [
    ("id", str),
    ("listId", str),
    *((name, str | None) for name in STANDARD_FIELDS),
    ("custom", dict[str, str]),
    ("linked", bool),
    ("left", bool),
    ("sourceId", str | None),
    ("createdAt", Stamp),
    ("updatedAt", Stamp),
    ("createdBy", str | None),
    ("updatedBy", str | None),
]


class Origin(msgspec.Struct, frozen=True, rename="camel"):
    """Where a linked contact's field comes from. `edited`: a person's value stands instead of the directory's."""

    directory_field: str
    directory_value: str | None
    edited: bool


if TYPE_CHECKING:

    class ContactShape(msgspec.Struct):
        """A contact; absent values are null."""

    class ContactCard(ContactShape):
        """A contact with the origins of its values."""

else:
    # The fields stand in the catalogue alone.
    ContactShape = msgspec.defstruct(
        "ContactShape", _CONTACT, frozen=True, namespace={"__doc__": "A contact; absent values are null."}
    )
    ContactCard = msgspec.defstruct(
        "ContactCard",
        [
            *_CONTACT,
            ("origins", dict[str, Origin]),
            ("syncedAt", Moment | None),
            ("leftAt", Moment | None),
            ("typed", list[str]),
        ],
        frozen=True,
        namespace={
            "__doc__": "A contact with the origins of its values by contact field, when the run that last wrote it "
            "began, since when it is not linked any more, where it was (null where that is not known), and the fields "
            "that a person had typed before a sync linked it: beyond spec §7."
        },
    )


class Contacts(msgspec.Struct, frozen=True):
    """A page of a list's contacts, and what brings the next one.

    `total`, with the first page: how many the whole list holds, or how many of it a filter or a search finds; null
    where that is not known without reading all of them, and on later pages.
    """

    contacts: list[ContactShape]
    continuation: str | None
    total: int | None


def contact_shape(contact: Contact, list_id: str) -> ContactShape:
    return ContactShape(*_contact_values(contact, list_id))


def contact_card(contact: Contact, list_id: str, configuration: Configuration) -> ContactCard:
    linked = contact.link is Link.LINKED
    told = mapped(contact.source, configuration)
    origins = {
        mapping.target: Origin(
            mapping.source,
            contact.source.get(mapping.source),
            contact.fields.get(mapping.target) != told.get(mapping.target),
        )
        for mapping in (configuration.field_mappings if linked else ())
    }
    synced_at = time_of(contact.run) if linked else None
    return ContactCard(*_contact_values(contact, list_id), origins, synced_at, _left_at(contact), list(contact.typed))


def _left_at(contact: Contact) -> datetime | None:
    """Since when a contact is not linked any more: the run that unlinked it, or the end of the connection."""
    if contact.link is not Link.UNLINKED:
        return None
    # A disconnect is no run, and leaves its time as the contact's last change, until a person changes the contact.
    if not contact.run:
        return datetime.fromisoformat(contact.updated_at) if contact.updated_by is None else None
    return time_of(contact.run)


def _contact_values(contact: Contact, list_id: str) -> list[object]:
    """In the order of `_CONTACT`."""
    linked = contact.link is Link.LINKED
    return [
        contact.id,
        list_id,
        *[contact.fields.get(name) for name in STANDARD_FIELDS],
        {name: value for name, value in contact.fields.items() if name not in STANDARD_FIELDS},
        linked,
        contact.link is Link.UNLINKED,
        contact.source_id if linked else None,
        contact.created_at,
        contact.updated_at,
        contact.created_by,
        contact.updated_by,
    ]
