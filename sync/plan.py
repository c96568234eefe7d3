"""What a page does to the list: the one decision that preview, delta and full runs share (pure; spec §4)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from contacts.contact import EVERY_FIELD, Contact, ContactId, Link, new_contact_id
from contacts.names import shown_name
from mapping.configuration import Configuration, ConflictResolution
from mapping.conflict import resolve
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from mapping.values import ValueReader
from sync.writes import Earlier, Plan, Stamp, Write, change_of
from workspace.journal import Change, Outcome, Person


@dataclass(slots=True)
class Known:
    """What is known of the contacts that a page may concern.

    `by_source`: the contact that is, or was, linked to a directory user. `by_email`: unlinked contacts by address
    (see `matching_email`), the oldest first. `taken`: object ids that are another contact's id.
    """

    by_source: dict[ObjectId, Contact] = field(default_factory=dict)
    by_email: dict[str, list[Contact]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


_NOTHING: Earlier = {}


def plan_page(
    people: Collection[Person],
    known: Known,
    configuration: Configuration,
    reader: ValueReader,
    stamp: Stamp,
    earlier: Earlier = _NOTHING,
    *,
    matching: bool = False,
) -> Plan:
    """Decide for each person in scope what becomes of the contact (spec §4).

    Somebody new whose address an unlinked contact has waits until the round is complete (`Plan.matches`): that contact
    may be somebody else's whom a later page names. With `matching` the round is complete, and the oldest contact is
    taken over. So does somebody whose contact an earlier word of the same run has made, with another address.
    """
    plan = Plan()
    for _ in planning(plan, people, known, configuration, reader, stamp, earlier, matching=matching):
        pass
    return plan


def planning(
    plan: Plan,
    people: Collection[Person],
    known: Known,
    configuration: Configuration,
    reader: ValueReader,
    stamp: Stamp,
    earlier: Earlier = _NOTHING,
    *,
    matching: bool = False,
) -> Iterator[None]:
    """What `plan_page` does, a step a person, so that others may have their turn in between; it fills `plan`."""
    adopted: set[ContactId] = set()
    for person in people:
        yield
        before, outcome = _own_contact(person, known)
        replaced = None
        # Only people without a contact of their own look for one by address (spec §4).
        is_new = before is None or _is_passing(before, configuration, stamp)
        if is_new and (free := _unlinked(person, known, adopted)) is not None:
            if matching:
                # Two people with one address stay two contacts: the next one finds another unlinked contact, or gets a
                # new one.
                adopted.add(free.id)
                before, outcome, replaced = free, Outcome.LINKED, before
            else:
                # Example: Ada and Bob are new, on different pages, with one address. Which of them gets the old contact
                # must not depend on the order of Graph's pages.
                plan.matches.append(person)
                if before is None:
                    continue
        after = _merged(person, before, outcome, known, configuration, reader, stamp)
        _enter(plan, person, before, after, outcome, stamp, earlier, replaced)


def _is_passing(contact: Contact, configuration: Configuration, stamp: Stamp) -> bool:
    """Whether a contact is an earlier word's, and holds nothing that a person typed."""
    targets = {mapping.target for mapping in configuration.field_mappings}
    return stamp.is_passing(contact) and contact.fields.keys() <= targets


def _own_contact(person: Person, known: Known) -> tuple[Contact | None, Outcome]:
    """The contact that is, or was, linked to a user; and what it means when that is written."""
    contact = known.by_source.get(person.id)
    return contact, Outcome.ADDED if contact is None else _MEANS[contact.link]


# A contact that a person removed is not shown. When it comes back it is new to the list's readers: added.
_MEANS = {
    Link.LINKED: Outcome.UPDATED,
    Link.UNLINKED: Outcome.LINKED,
    Link.LOCAL: Outcome.LINKED,
    Link.REMOVED: Outcome.ADDED,
}


def _unlinked(person: Person, known: Known, adopted: set[ContactId]) -> Contact | None:
    """The oldest unlinked contact with a person's address that nobody else took."""
    candidates = known.by_email.get(matching_email(person.mail) or "", ())
    return next((one for one in candidates if one.id not in adopted), None)


def _merged(
    person: Person,
    before: Contact | None,
    outcome: Outcome,
    known: Known,
    configuration: Configuration,
    reader: ValueReader,
    stamp: Stamp,
) -> Contact:
    remembered = reader.remembered(person.values)
    keeps = configuration.conflict_resolution is ConflictResolution.KEEP_LOCAL
    if before is None:
        # The id follows from the user, so that a page which is written twice makes one contact.
        contact_id = new_contact_id(person.id, taken=person.id in known.taken)
        return Contact(
            contact_id,
            resolve({}, remembered, configuration),
            Link.LINKED,
            created_at=stamp.began or stamp.now,
            updated_at=stamp.now,
            source_id=person.id,
            source=remembered,
            source_hash=person.source_hash,
            run=stamp.run,
            page=stamp.page,
            # Only Keep local changes asks later which values a run wrote. Else the directory's value wins in any case.
            filled=EVERY_FIELD if keeps else (),
        )
    if before.link is Link.REMOVED:
        if keeps:
            # Removed by a person: the contact stays away, so nothing needs the directory's values any more.
            return replace(before, fields={}, source={}, source_hash="", touched=False)
        # The directory wins over the removal: the contact is filled like a new one.
        before = replace(before, fields={})
    own = _without_filled(before, configuration, stamp) if keeps else before.fields
    fields = resolve(own, remembered, configuration)
    # A kept local edit: the remembered values change and no field does. That writes the row, but it is no change that
    # a person sees, so neither the time nor the run of the last change moves.
    visible = outcome is not Outcome.UPDATED or fields != before.fields
    return replace(
        before,
        fields=fields,
        link=Link.LINKED,
        source_id=person.id,
        source=remembered,
        source_hash=person.source_hash,
        touched=False,
        updated_at=stamp.now if visible else before.updated_at,
        updated_by=None if visible else before.updated_by,
        typed=tuple(sorted(before.fields)) if before.link is Link.LOCAL else before.typed,
        run=stamp.run if visible else before.run,
        page=stamp.page if visible else before.page,
        filled=tuple(sorted(fields.keys() - own.keys())) if keeps and visible else before.filled,
    )


def _without_filled(contact: Contact, configuration: Configuration, stamp: Stamp) -> Mapping[str, str]:
    """A contact's fields without those that an earlier word filled. What is not mapped any more is never touched."""
    filled = contact.filled_by(stamp.run, stamp.since)
    if not filled:
        return contact.fields
    open_fields = {mapping.target for mapping in configuration.field_mappings}.intersection(filled)
    return {name: value for name, value in contact.fields.items() if name not in open_fields}


def _enter(
    plan: Plan,
    person: Person,
    before: Contact | None,
    after: Contact,
    outcome: Outcome,
    stamp: Stamp,
    earlier: Earlier,
    replaced: Contact | None,
) -> None:
    """Add a person's write, history entry and count to the plan."""
    if replaced is not None:
        # First, so that an undo, which goes backwards, takes the user from the other one before this one is back.
        plan.changes.append(Change(replaced.id, Outcome.REMOVED, shown_name(replaced.fields)))
        plan.source_of[replaced.id] = person.id
    # The stamp shows that an earlier attempt at this page wrote the contact. Its entry stands, or the change would be
    # lost from the history: compared with what is stored now, nothing changes any more.
    applied = before is not None and (before.run, before.page) == (stamp.run, stamp.page)
    change = earlier.get(after.id) if applied else None
    stays_away = after.link is Link.REMOVED
    # A contact that stays away is still written, to drop its values, but no person sees a change.
    if not stays_away and (before is None or outcome is not Outcome.UPDATED or after.fields != before.fields):
        change = change_of(before, after, outcome, change)
    if change is not None:
        plan.changes.append(change)
        plan.source_of[change.contact_id] = person.id
    else:
        plan.unchanged += 1
    # Only changes are written (spec §6).
    if before is None or after != before:
        plan.writes.append(Write(before, after, change, replaced))
        plan.mails[person.id] = person.mail
