"""The catalogue of the directory's fields: what a user object may hold and what can be mapped (pure).

Names, types and limits: learn.microsoft.com/graph/api/resources/user; facts/graph.md 2.3. Fields that need more
than User.Read.All, or that users/delta does not track, are not offered (facts/graph.md 2.2).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NewType

import msgspec
from msgspec import UNSET, Meta, UnsetType

ObjectId = NewType("ObjectId", str)

Guid = Annotated[ObjectId, Meta(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
"""An object id as Graph may write it, in letters of either case; anything else could not be a key."""

type Text = str | None | UnsetType


class Kind(StrEnum):
    """What a field holds. A text field takes every kind of value, an address or a phone number only its own."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"


class Removed(msgspec.Struct, frozen=True):
    """Why a user left: `changed` can be restored, `deleted` is gone for good (facts/graph.md 1.3)."""

    reason: str = ""


class DirectoryUser(msgspec.Struct, frozen=True, rename="camel"):
    """A user as Graph tells it: UNSET is 'not said', None is 'cleared' (facts/graph.md 1.3).

    A field with a title is offered to administrators under it.
    """

    id: Guid
    removed: Removed | UnsetType = msgspec.field(default=UNSET, name="@removed")
    account_enabled: bool | None | UnsetType = UNSET
    user_type: Text = UNSET
    given_name: Annotated[Text, Meta(title="First name")] = UNSET
    surname: Annotated[Text, Meta(title="Last name")] = UNSET
    mail: Annotated[Text, Meta(title="Email", extra={"kind": Kind.EMAIL})] = UNSET
    mobile_phone: Annotated[Text, Meta(title="Mobile phone", extra={"kind": Kind.PHONE})] = UNSET
    company_name: Annotated[Text, Meta(title="Company")] = UNSET
    job_title: Annotated[Text, Meta(title="Job title")] = UNSET
    department: Annotated[Text, Meta(title="Department")] = UNSET
    office_location: Annotated[Text, Meta(title="Office location")] = UNSET
    display_name: Annotated[Text, Meta(title="Display name")] = UNSET
    user_principal_name: Annotated[Text, Meta(title="User principal name", extra={"kind": Kind.EMAIL})] = UNSET
    business_phones: Annotated[
        list[str] | None | UnsetType, Meta(title="Business phone", extra={"kind": Kind.PHONE})
    ] = UNSET
    fax_number: Annotated[Text, Meta(title="Fax number", extra={"kind": Kind.PHONE})] = UNSET
    street_address: Annotated[Text, Meta(title="Street address")] = UNSET
    city: Annotated[Text, Meta(title="City")] = UNSET
    state: Annotated[Text, Meta(title="State or province")] = UNSET
    postal_code: Annotated[Text, Meta(title="Postal code")] = UNSET
    country: Annotated[Text, Meta(title="Country")] = UNSET
    employee_id: Annotated[Text, Meta(title="Employee id")] = UNSET
    employee_type: Annotated[Text, Meta(title="Employee type")] = UNSET
    preferred_language: Annotated[Text, Meta(title="Preferred language")] = UNSET
    usage_location: Annotated[Text, Meta(title="Usage location")] = UNSET
    mail_nickname: Annotated[Text, Meta(title="Mail alias")] = UNSET


@dataclass(frozen=True, slots=True)
class DirectoryField:
    """A field that can be mapped. `name` is Graph's, `attribute` is ours in DirectoryUser."""

    name: str
    label: str
    kind: Kind
    attribute: str


def _catalogue() -> dict[str, DirectoryField]:
    info = msgspec.inspect.type_info(DirectoryUser)
    assert isinstance(info, msgspec.inspect.StructType)
    found = {}
    for item in info.fields:
        # Only a field with a title is offered: `id`, `accountEnabled` and `userType` serve the connector alone.
        if isinstance(item.type, msgspec.inspect.Metadata) and item.type.extra_json_schema:
            kind = Kind((item.type.extra or {}).get("kind", Kind.TEXT))
            label = item.type.extra_json_schema["title"]
            found[item.encode_name] = DirectoryField(item.encode_name, label, kind, item.name)
    return found


DIRECTORY_FIELDS: dict[str, DirectoryField] = _catalogue()
"""By Graph's name, in the order in which they are offered."""

NEEDED_FIELDS = ("id", "accountEnabled", "userType", "mail", "userPrincipalName")
"""What the connector itself needs: the id, whether the user counts and the entity is whole (spec §3), the mail (§4)."""
