"""A contact, and how it stands in its row (pure; spec §7, docs/architecture.md).

A list is one partition. A contact's row key is its id: the directory object id for a contact that a sync made. Beside
the contacts stand small rows that find them: `link:<object id>` for a contact whose id is not its object id,
`mail:<hash>:<created>:<id>` for an unlinked contact's address, `touched:<id>` for a linked contact that a person
edited since the last run, and `tally`, the people's own additions and removals. Each is written in the same
transaction as its contact.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, NewType

import msgspec

from mapping.contact_fields import STANDARD_FIELDS, matching_email
from mapping.fields import ObjectId
from storage.transaction import Operation, Partition, Verb
from workspace.journal import Former, Mark

ContactId = NewType("ContactId", str)

EVERY_FIELD = ("*",)
"""The value of `Contact.filled` where the run made the whole contact."""

TABLE = "Contacts"
_CUSTOM = "custom_"
_KEYS = ("PartitionKey", "RowKey", "Timestamp")
_LINK = ("link", "sourceId", "seen", "source", "run", "page", "touched", "filled")
_WHO = ("createdAt", "updatedAt", "createdBy", "updatedBy", "typed")
_OWN_COLUMNS = frozenset((*_KEYS, *_LINK, *_WHO))
_NAMESPACE = uuid.UUID("6a9f2f0e-7b2a-5d0c-9f5e-1c0a5a0e7e11")


class Link(StrEnum):
    """How a contact stands to the directory."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    """Was linked; `source_id` says to whom."""
    LOCAL = "local"
    """Made by a person, never linked."""
    REMOVED = "removed"
    """Linked, and removed by a person: not shown, remembered so that it can stay away or come back (spec §4)."""


class Contact(msgspec.Struct, frozen=True):
    """A contact. `fields` and `source` (directory values last seen, by directory field) hold only what is not empty.

    `source_hash` is the hash of the directory's values, '' when the next run has to look again (its column is named
    `seen`). `run` and `page` say which run last changed it, so that a repeated page counts nothing twice. `filled`:
    fields that were empty before that run, which a later word may still change under Keep local changes until a run
    completes. `touched`: a person edited it since the last run. `created_by` and `updated_by` are ids of people, None
    where a sync did it. `typed`: the fields that a person had typed when a sync adopted the contact.
    """

    id: ContactId
    fields: Mapping[str, str]
    link: Link
    created_at: str
    updated_at: str
    source_id: ObjectId | None = None
    source: Mapping[str, str] = {}
    source_hash: str = ""
    run: str = ""
    page: int = 0
    touched: bool = False
    filled: tuple[str, ...] = ()
    created_by: str | None = None
    updated_by: str | None = None
    typed: tuple[str, ...] = ()
    etag: str = ""

    def filled_by(self, run: str, since: str) -> Collection[str]:
        """The fields that were empty before this run filled them, or one that never completed (ids before `since`)."""
        if not self.filled or not (self.run == run or self.run < since):
            return ()
        return self.fields if self.filled == EVERY_FIELD else self.filled

    @property
    def email(self) -> str | None:
        return matching_email(self.fields.get("email"))

    @property
    def mark(self) -> Mark:
        """Of its last change that people saw. A person's edit leaves run and page, and sets time and person."""
        return Mark(self.run, self.page, self.updated_at, self.updated_by)


def partition_of(workspace_id: str, list_id: str) -> Partition:
    """The partition of a list. The workspace is part of the key: another's list id finds nothing."""
    return Partition(TABLE, f"{workspace_id}:{list_id}")


def to_row(contact: Contact) -> dict[str, object]:
    """The columns of a contact's row; an empty field has none (REPLACE clears it)."""
    # A prefix keeps a custom field from the names of our own columns, such as `link`.
    row: dict[str, object] = {
        name if name in STANDARD_FIELDS else _CUSTOM + name: value for name, value in contact.fields.items()
    }
    row["link"] = contact.link.value
    row["createdAt"] = contact.created_at
    row["updatedAt"] = contact.updated_at
    people = {"createdBy": contact.created_by, "updatedBy": contact.updated_by}
    row |= {name: person for name, person in people.items() if person is not None}
    if contact.typed:
        row["typed"] = ",".join(contact.typed)
    if contact.source_id is not None:
        row["sourceId"] = contact.source_id
        row["source"] = msgspec.json.encode(contact.source).decode()
        # The column has an older name of the hash.
        row["seen"] = contact.source_hash
        row["run"] = contact.run
        row["page"] = contact.page
        row["touched"] = contact.touched
        if contact.filled:
            row["filled"] = ",".join(contact.filled)
    return row


def from_row(row: Mapping[str, Any]) -> Contact:
    """The inverse of `to_row`."""
    source = row.get("source")
    return Contact(
        id=ContactId(row["RowKey"]),
        fields={name.removeprefix(_CUSTOM): value for name, value in row.items() if _is_field(name)},
        link=Link(row["link"]),
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        source_id=row.get("sourceId"),
        source=msgspec.json.decode(source, type=dict[str, str]) if source else {},
        source_hash=row.get("seen", ""),
        run=row.get("run", ""),
        page=row.get("page", 0),
        touched=row.get("touched", False),
        filled=tuple(row["filled"].split(",")) if "filled" in row else (),
        created_by=row.get("createdBy"),
        updated_by=row.get("updatedBy"),
        typed=tuple(row["typed"].split(",")) if "typed" in row else (),
        etag=row["odata.etag"],
    )


def former_of(contact: Contact) -> Former:
    """What a journal keeps of a contact: all of it but the ETag."""
    told = {name: getattr(contact, name) for name in Former.__struct_fields__}
    return Former(**told | {"fields": dict(contact.fields), "source": dict(contact.source), "link": contact.link.value})


def restored(former: Former) -> Contact:
    """The inverse of `former_of`."""
    told = {name: getattr(former, name) for name in Former.__struct_fields__}
    return Contact(**told | {"id": ContactId(former.id), "link": Link(former.link)})


def _is_field(name: str) -> bool:
    return name not in _OWN_COLUMNS and "odata." not in name


def own_contact_id() -> ContactId:
    """The id of a contact that a person makes."""
    return ContactId(str(uuid.uuid4()))


def new_contact_id(source_id: ObjectId, *, taken: bool) -> ContactId:
    """The id of a contact that a sync makes: the object id, or, where another contact has it, always the same other."""
    # Derived from the user, so that a page which is repeated after a crash finds the same contact.
    return ContactId(str(uuid.uuid5(_NAMESPACE, source_id)) if taken else source_id)


def link_key(source_id: ObjectId) -> str:
    return f"link:{source_id}"


def mail_prefix(email: str) -> str:
    """Below this prefix stand the unlinked contacts with an address, oldest first.

    The address is hashed, because keys forbid some characters.
    """
    return f"mail:{hashlib.sha256(email.encode()).hexdigest()[:32]}:"


def touched_key(contact_id: ContactId) -> str:
    return f"touched:{contact_id}"


def index_keys(contact: Contact) -> frozenset[str]:
    """The keys of the rows that must stand beside a contact's own."""
    if str(contact.source_id) == contact.id and contact.link is Link.LINKED and not contact.touched:
        return frozenset()  # Nearly all of them: the id alone finds them.
    keys = set()
    if contact.source_id is not None and str(contact.source_id) != contact.id:
        keys.add(link_key(contact.source_id))
    # Only these can be taken over by a directory user, so only these are looked for by address.
    if contact.link in (Link.UNLINKED, Link.LOCAL) and contact.email:
        keys.add(f"{mail_prefix(contact.email)}{contact.created_at}:{contact.id}")
    if contact.touched:
        keys.add(touched_key(contact.id))
    return frozenset(keys)


def write_operations(before: Contact | None, after: Contact | None) -> list[Operation]:
    """The operations that turn one state of a contact into another, with the rows that find it: all or none.

    The contact's own operation comes first and carries the ETag read, so a write in between makes all of them fail.
    """
    contact = after or before
    assert contact is not None
    if after is None:
        own = Operation(Verb.DELETE, contact.id, etag=contact.etag)
    elif before is None:
        # An insert fails where a row is by now: it is another writer's contact, which must not be replaced.
        own = Operation(Verb.INSERT, after.id, to_row(after))
    else:
        own = Operation(Verb.REPLACE, after.id, to_row(after), before.etag)
    old = index_keys(before) if before else frozenset()
    new = index_keys(after) if after else frozenset()
    # Nearly every write: the rows that find the contact are right already.
    if old == new:
        return [own]
    written = [Operation(Verb.PUT, key, {"contactId": contact.id}) for key in sorted(new - old)]
    dropped = [Operation(Verb.DELETE, key) for key in sorted(old - new)]
    return [own, *written, *dropped]
