"""What a contact has: the standard fields and the workspace's own custom ones (pure; spec §3, §7)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mapping.fields import Kind

LONGEST_VALUE = 4096
"""Characters in a contact's field; a person who types more is refused with the field's name."""


@dataclass(frozen=True, slots=True)
class ContactField:
    """A field of a contact. Custom ones show under `custom` in the API."""

    name: str
    label: str
    kind: Kind = Kind.TEXT
    custom: bool = False


STANDARD_FIELDS: dict[str, ContactField] = {
    field.name: field
    for field in (
        ContactField("firstName", "First name"),
        ContactField("lastName", "Last name"),
        ContactField("email", "Email", Kind.EMAIL),
        ContactField("mobilePhone", "Mobile phone", Kind.PHONE),
        ContactField("company", "Company"),
        ContactField("jobTitle", "Job title"),
        ContactField("department", "Department"),
        ContactField("officeLocation", "Office location"),
        ContactField("displayName", "Display name"),
        ContactField("businessPhone", "Business phone", Kind.PHONE),
        ContactField("streetAddress", "Street address"),
        ContactField("city", "City"),
        ContactField("state", "State or province"),
        ContactField("postalCode", "Postal code"),
        ContactField("country", "Country"),
        ContactField("employeeId", "Employee id"),
    )
}

_CUSTOM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def contact_fields(custom: Iterable[tuple[str, str]]) -> dict[str, ContactField]:
    """All fields of a workspace's contacts by name; `custom` is (name, label) pairs.

    A custom field that cannot be a column, or has a standard field's name, is left out.
    """
    # A copy: the workspace's own fields must not reach another workspace.
    found = dict(STANDARD_FIELDS)
    for name, label in custom:
        # The name becomes a column of the contact's row. A standard field of the same name would make mappings
        # ambiguous.
        if _CUSTOM_NAME.fullmatch(name) and name not in found:
            found[name] = ContactField(name, label or name, custom=True)
    return found


def matching_email(value: str | None) -> str | None:
    """An address in the form in which two are compared: without case (spec §4). None when there is none."""
    # Keys of stored index rows are made from this form, so another form would not find them any more.
    return (value or "").strip().lower() or None
