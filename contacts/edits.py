"""What people do to contacts in emu.chat: the local edits (pure; spec §1, §4).

An edit of a linked contact is remembered, so that the next run, delta or full, settles it without asking Graph.
"""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from contacts.contact import EVERY_FIELD, Contact, ContactId, Link
from errors import Refused
from mapping.contact_fields import LONGEST_VALUE, STANDARD_FIELDS, ContactField
from mapping.fields import Kind

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


def _require_likely(values: Edit) -> None:
    """Refuse what a person typed as an address or a number and what can be none. The directory's values are not asked.

    Raises:
        Refused: with the names of the fields.
    """
    problems = {}
    for name, value in values.items():
        field = STANDARD_FIELDS.get(name)
        likely = _LIKELY.get(field.kind) if field is not None and value else None
        if likely is not None and not likely.fullmatch(value or ""):
            problems[name] = _EXAMPLE[field.kind] if field is not None else ""
    if problems:
        raise Refused("Some fields of the contact need attention.", problems)


# Generous on purpose: only Microsoft or a telephone company can say whether it exists. A number begins like one and
# has three digits, so that vanity numbers and extensions pass.
_LIKELY = {
    Kind.EMAIL: re.compile(r"[^\s@]+@[^\s@]+"),
    Kind.PHONE: re.compile(r"[+(*#\d](?:\D*\d){2,}[\s\S]*"),
}
_EXAMPLE = {
    Kind.EMAIL: "is not an email address, such as ada@contoso.com",
    Kind.PHONE: "is not a phone number, such as +41 44 668 18 00",
}


def created(contact_id: ContactId, edit: Edit, now: str, person: str | None = None) -> Contact:
    """A contact that a person made.

    Raises:
        Refused: nothing in it.
    """
    fields = {name: value for name, value in edit.items() if value}
    if not fields:
        raise Refused("A contact needs at least one field.", {"firstName": "or any other field"})
    _require_likely(fields)
    return Contact(contact_id, fields, Link.LOCAL, created_at=now, updated_at=now, created_by=person, updated_by=person)


def edited(contact: Contact, edit: Edit, now: str, person: str | None = None) -> Contact:
    """A contact after a person's changes; the same one when nothing changed.

    Raises:
        Refused: what is new as an address or a number can be none.
    """
    fields = {name: value for name, value in {**contact.fields, **edit}.items() if value}
    if fields == contact.fields:
        return contact
    edited_names = {name for name in {*fields, *contact.fields} if fields.get(name) != contact.fields.get(name)}
    _require_likely({name: fields.get(name) for name in edited_names})
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
