"""Values for tests, with one relevant argument each."""

from typing import Any

from msgspec.structs import replace

from contacts.contact import Contact, ContactId, Link
from mapping.configuration import Configuration, ConflictResolution, FieldMapping
from mapping.fields import DirectoryUser, ObjectId
from mapping.values import ValueReader
from sync.plan import Known, plan_page
from sync.sifting import latest, sift
from sync.writes import Earlier, Plan, Stamp

ADA = ObjectId("00000000-0000-4000-8000-00000000000a")
BOB = ObjectId("00000000-0000-4000-8000-00000000000b")
WINS = Configuration(version=1)
KEEPS = Configuration(version=1, conflict_resolution=ConflictResolution.KEEP_LOCAL)
STAMP = Stamp("run", 0, "2026-01-01T00:00:00Z")


def user(user_id: ObjectId = ADA, **values: Any) -> DirectoryUser:
    return DirectoryUser(user_id, **values)


def contact(
    link: Link = Link.LINKED, source: ObjectId | None = ADA, contact_id: str | None = None, **fields: str
) -> Contact:
    return Contact(
        ContactId(contact_id or source or BOB),
        fields,
        link,
        created_at="2025-01-01T00:00:00Z",
        updated_at="2025-01-01T00:00:00Z",
        source_id=source,
        etag="etag",
    )


def known(*contacts: Contact, taken: frozenset[str] = frozenset()) -> Known:
    by_email: dict[str, list[Contact]] = {}
    for one in contacts:
        if one.link in (Link.UNLINKED, Link.LOCAL) and one.email:
            by_email.setdefault(one.email, []).append(one)
    return Known({one.source_id: one for one in contacts if one.source_id}, by_email, set(taken))


def plan(
    users: list[DirectoryUser],
    stored: Known | None = None,
    configuration: Configuration = WINS,
    stamp: Stamp = STAMP,
    earlier: Earlier | None = None,
    *,
    continuing: bool = False,
    matching: bool = True,
) -> Plan:
    """The plan of a page of users, as a run makes it. `continuing`: the round continues from a delta link."""
    reader, stored = ValueReader(configuration), stored or Known()
    base = {one: contact for one, contact in stored.by_source.items() if continuing and contact.link is Link.LINKED}
    people = sift(latest(users).values(), base, configuration, reader).present.values()
    return plan_page(list(people), stored, configuration, reader, stamp, earlier or {}, matching=matching)


def mapped(*pairs: tuple[str, str], **changes: Any) -> Configuration:
    mappings = tuple(FieldMapping(source, target) for source, target in pairs)
    return Configuration(version=1, field_mappings=mappings, **changes)


def seen_as(stored: Contact, person: DirectoryUser, configuration: Configuration = WINS) -> Contact:
    """A contact that remembers a user's values, as the run that last met him left it."""
    reader = ValueReader(configuration)
    values = reader.values(person)
    return replace(stored, source=reader.remembered(values), source_hash=reader.source_hash(values))
