"""A contact, and how it stands in its row (pure; spec §7, docs/architecture.md).

A list is one partition. A contact's row key is its id: the directory object id for a contact that a sync made. Beside
the contacts stand small rows that find them: `link:<object id>` for a contact whose id is not its object id,
`mail:<hash>:<created>:<id>` for an unlinked contact's address, `touched:<id>` for a linked contact that a person
edited since the last run, `name:<last name>  <first name>  <id>` for its place in the list (`contacts/names.py`), and
`tally`, the people's own additions and removals. Each is written in the same transaction as its contact.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, NewType

import msgspec

from contacts.names import ADDRESS, FIRST_NAME, name_key, place_of
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
_NAMED = "named"
_OWN_COLUMNS = frozenset((*_KEYS, *_LINK, *_WHO, _NAMED, FIRST_NAME, ADDRESS))
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
    where a sync did it. `typed`: the fields that a person had typed when a sync adopted the contact. `named`: the place
    at which its name row stands, '' where an older version stored it without one.
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
    named: str = ""
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
    if contact.created_by is not None:
        row["createdBy"] = contact.created_by
    if contact.updated_by is not None:
        row["updatedBy"] = contact.updated_by
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
        named=row.get(_NAMED, ""),
        etag=row["odata.etag"],
    )


def former_of(contact: Contact) -> Former:
    """What a journal keeps of a contact: all of it but the ETag, and the place of its name row."""
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


def name_keys(contact: Contact) -> frozenset[str]:
    """The key of the name row that stands beside a contact as it is stored, if there is one."""
    return frozenset([name_key(contact.named, contact.id)] if contact.named else ())


def write_operations(
    before: Contact | None, after: Contact | None, *, replaced: Contact | None = None
) -> list[Operation]:
    """The operations that turn one state of a contact into another, with the rows that find it: all or none.

    The contact's own operation comes first and carries the ETag read, so a write in between makes all of them fail.
    `replaced`: another contact in whose place this one comes, which is deleted with it.
    """
    operations = _operations(before, after)
    if replaced is not None:
        # The row that leads from the user to the contact may lead to the other one from now on.
        put = {one.row_key for one in operations}
        operations += [one for one in _operations(replaced, None) if one.row_key not in put]
    return operations


def _operations(before: Contact | None, after: Contact | None) -> list[Operation]:
    contact = after or before
    assert contact is not None
    row = to_row(after) if after is not None else {}
    if after is None:
        own = Operation(Verb.DELETE, contact.id, etag=contact.etag)
    elif before is None:
        # An insert fails where a row is by now: it is another writer's contact, which must not be replaced.
        own = Operation(Verb.INSERT, after.id, row)
    else:
        own = Operation(Verb.REPLACE, after.id, row, before.etag)
    old = index_keys(before) if before else frozenset()
    new = index_keys(after) if after else frozenset()
    operations = [own, *_name_operations(before, after, row)]
    # Nearly every write: the rows that find the contact are right already.
    if old != new:
        operations += [Operation(Verb.PUT, key, {"contactId": contact.id}) for key in sorted(new - old)]
        operations += [Operation(Verb.DELETE, key) for key in sorted(old - new)]
    return operations


def completing_operations(contact: Contact) -> list[Operation]:
    """The operations that give a contact of an older version its name row; they fail where it changed meanwhile."""
    return write_operations(contact, contact)


def _name_operations(before: Contact | None, after: Contact | None, row: dict[str, object]) -> list[Operation]:
    """Put the name row where a contact is shown, and delete the one that stands elsewhere; `row` learns of it."""
    operations, place = [], ""
    if after is not None and after.link is not Link.REMOVED:
        place, besides = place_of(after.fields)
        row[_NAMED] = place
        # The columns are the very same ones, so that they are encoded once (storage/transaction.py).
        operations.append(Operation(Verb.PUT, name_key(place, after.id), row, besides=besides))
    if before is not None and before.named not in ("", place):
        operations.append(Operation(Verb.DELETE, name_key(before.named, before.id)))
    return operations
