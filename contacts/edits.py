"""What people do to contacts in emu.chat: the local edits (pure; spec §1, §4).

An edit of a linked contact is remembered, so that the next run, delta or full, settles it without asking Graph.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from contacts.contact import EVERY_FIELD, Contact, ContactId, Link
from errors import Refused
from mapping.contact_fields import LONGEST_VALUE, ContactField

type Edit = Mapping[str, str | None]
"""New values by contact field; None empties one."""


def checked(edit: Edit, known: Mapping[str, ContactField]) -> Edit:
    """An edit as it is to be stored: texts without blanks at their ends.

    Raises:
        Refused: naming every unknown field, and every value that is too long.
    """
    # Names are the caller's text, of any length: an answer repeats only their beginning.
    problems = {name[:64]: "there is no such contact field" for name in edit if name not in known}
    long = [name for name, value in edit.items() if value is not None and len(value) > LONGEST_VALUE]
    problems |= {name[:64]: f"at most {LONGEST_VALUE} characters" for name in long}
    if problems:
        raise Refused("Some fields of the contact need attention.", problems)
    return {name: (value or "").strip() or None for name, value in edit.items()}


def created(contact_id: ContactId, edit: Edit, now: str, person: str | None = None) -> Contact:
    """A contact that a person made.

    Raises:
        Refused: nothing in it.
    """
    fields = {name: value for name, value in edit.items() if value}
    if not fields:
        raise Refused("A contact needs at least one field.", {"firstName": "or any other field"})
    return Contact(contact_id, fields, Link.LOCAL, created_at=now, updated_at=now, created_by=person, updated_by=person)


def edited(contact: Contact, edit: Edit, now: str, person: str | None = None) -> Contact:
    """A contact after a person's changes; the same one when nothing changed."""
    fields = {name: value for name, value in {**contact.fields, **edit}.items() if value}
    if fields == contact.fields:
        return contact
    edited_names = {name for name in {*fields, *contact.fields} if fields.get(name) != contact.fields.get(name)}
    # A field that a person edited is the person's: the run that filled it may not change it any more.
    filled = contact.fields if contact.filled == EVERY_FIELD else contact.filled
    changed = replace(
        contact,
        fields=fields,
        updated_at=now,
        updated_by=person,
        filled=tuple(name for name in filled if name not in edited_names),
    )
    # Without its hash, no run passes the contact by as unchanged.
    return replace(changed, touched=True, source_hash="") if contact.link is Link.LINKED else changed


def removed(contact: Contact, now: str, person: str | None = None) -> Contact | None:
    """What a person's removal leaves: of a linked contact the memory of it, should it come back; of another nothing."""
    if contact.link is not Link.LINKED:
        return None
    return replace(
        contact, link=Link.REMOVED, fields={}, source_hash="", touched=True, updated_at=now, updated_by=person
    )
