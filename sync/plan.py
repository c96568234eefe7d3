"""What a page does to the list: the one decision that preview, delta and full runs share (pure; spec §3, §4).

`sift` sorts the users that Graph named into those who are there and those who are gone; `plan_page` turns the ones
that may need a write into writes. Counts follow from the changes, and the changes are journalled before they are
applied, so a page that is repeated after a crash counts nothing twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from contacts.contact import EVERY_FIELD, Contact, ContactId, Link, former_of, new_contact_id
from mapping.configuration import Configuration, ConflictResolution
from mapping.conflict import resolve
from mapping.contact_fields import matching_email
from mapping.fields import DirectoryUser, ObjectId
from mapping.scope import Scope
from mapping.values import ValueReader
from workspace.journal import Change, Former, Outcome, Person


def latest(users: Iterable[DirectoryUser]) -> dict[ObjectId, DirectoryUser]:
    """A page's users, each once. Graph may name a user twice (facts/graph.md 1.4, 11): the later entity counts.

    A later entity that leaves properties out is a patch: it is laid over the earlier one.
    """
    found: dict[ObjectId, DirectoryUser] = {}
    for user in users:
        earlier = found.get(user.id)
        found[user.id] = user if earlier is None else _laid_over(earlier, user)
    return found


def _laid_over(earlier: DirectoryUser, later: DirectoryUser) -> DirectoryUser:
    # A removal ends what was said before. What comes after a removal is a user who is back, told whole.
    if later.removed is not UNSET or earlier.removed is not UNSET:
        return later
    said = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not UNSET}
    return replace(earlier, **said)


def is_whole(user: DirectoryUser) -> bool:
    """Whether an entity is more than a patch: these two are set on every user, null included (facts/graph.md 11)."""
    return user.account_enabled is not UNSET and user.user_principal_name is not UNSET


@dataclass(frozen=True, slots=True)
class Sifted:
    """A page's users: who is there, who is gone or out of scope."""

    present: dict[ObjectId, Person]
    gone: list[ObjectId]


def sift(
    users: Iterable[DirectoryUser],
    known: Mapping[ObjectId, Contact],
    configuration: Configuration,
    reader: ValueReader,
) -> Sifted:
    """Sort users, each named once. `known` holds the contacts of those whose earlier values still stand.

    What Graph does not mention of a known user is unchanged, of any other user it is empty (spec §3). A known user was
    in scope when the contact was written, so only a property that is mentioned can take the user out of it.
    """
    sifted = Sifted({}, [])
    for _ in sifting(sifted, users, known, configuration, reader):
        pass
    return sifted


def sifting(
    sifted: Sifted,
    users: Iterable[DirectoryUser],
    known: Mapping[ObjectId, Contact],
    configuration: Configuration,
    reader: ValueReader,
) -> Iterator[None]:
    """What `sift` does, a step a user; it fills `sifted`."""
    scope = Scope(configuration)
    for user in users:
        yield
        # Example: a patch of Ada with a new `city` alone. She is known, so her name, which it does not mention, stays.
        contact = known.get(user.id)
        if user.removed is UNSET and scope.keeps(user, known=contact is not None):
            values = reader.values(user) if contact is None else reader.values_over(user, contact.source)
            # Only people without a contact are matched by mail, and for them UNSET and null both mean: no address.
            mail = user.mail if type(user.mail) is str else None
            sifted.present[user.id] = Person(user.id, mail, values, reader.source_hash(values))
        else:
            sifted.gone.append(user.id)


@dataclass(slots=True)
class Known:
    """What is known of the contacts that a page may concern.

    `by_source`: the contact that is, or was, linked to a directory user. `by_email`: unlinked contacts by address
    (see `matching_email`), the oldest first. `taken`: object ids that are another contact's id.
    """

    by_source: dict[ObjectId, Contact] = field(default_factory=dict)
    by_email: dict[str, list[Contact]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which page of which run writes, and when (ISO 8601, UTC).

    Runs with an id before `since` began after the last one that completed: like this one, they did not get to the end
    of a round, so what they filled under Keep local changes is not final. `began`: when the run did. Its contacts are
    as old as the run, so that which of two is the older does not depend on how Graph cuts its pages. `completed`: when
    the last run completed, '' when none did.
    """

    run: str
    page: int
    now: str
    since: str = ""
    began: str = ""
    completed: str = ""

    def is_passing(self, contact: Contact) -> bool:
        """Whether an earlier word of this run made a contact, or one of a run that did not get to its end.

        Not one that a person edited since: people saw it, and it stays.
        """
        new = contact.created_at == self.began or contact.created_at > self.completed != ""
        own = contact.source_id is not None and contact.id in (
            contact.source_id,
            new_contact_id(contact.source_id, taken=True),
        )
        return new and own and contact.link is Link.LINKED and contact.updated_by is None


class Write(msgspec.Struct, frozen=True):
    """A contact's row before and after: before None is a new one, after None a deletion.

    `replaced`: the user's contact of an earlier word, which is deleted when the user takes another one over.
    """

    before: Contact | None
    after: Contact | None
    change: Change | None
    replaced: Contact | None = None

    @property
    def contacts(self) -> Iterator[Contact]:
        """The contacts of which what was read is out of date once it is written."""
        return (one for one in (self.after, self.replaced) if one is not None)


@dataclass(slots=True)
class Plan:
    """What to write, and what to tell of it. `changes` may name contacts that an earlier attempt already wrote.

    `matches` are people who are decided at the end of the round. `source_of` says whose contact a change is about,
    `mails` the addresses of those who are written.
    """

    writes: list[Write] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    matches: list[Person] = field(default_factory=list)
    source_of: dict[str, ObjectId] = field(default_factory=dict)
    mails: dict[ObjectId, str | None] = field(default_factory=dict)


type Earlier = Mapping[str, Change]
"""A page's entries of an earlier attempt, by contact id. It may have been applied, in part or not at all."""

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
        change = _change(before, after, outcome, change)
    if change is not None:
        plan.changes.append(change)
        plan.source_of[change.contact_id] = person.id
    else:
        plan.unchanged += 1
    # Only changes are written (spec §6).
    if before is None or after != before:
        plan.writes.append(Write(before, after, change, replaced))
        plan.mails[person.id] = person.mail


def _change(before: Contact | None, after: Contact, outcome: Outcome, entry: Change | None) -> Change:
    if before is None and entry is None:
        return Change(after.id, outcome, shown_name(after.fields), after={**after.fields})
    # A removed contact shows nothing, so each of its fields is new.
    old: Mapping[str, str] = before.fields if before and before.link is not Link.REMOVED else {}
    if entry is not None:
        # From before the earlier attempt to now. Example: it wrote 'A' → 'B', and the user says 'C' by now: 'A' → 'C'.
        old = {name: value for name, value in old.items() if name not in entry.after} | entry.before
    names = [name for name in sorted({*old, *after.fields}) if old.get(name) != after.fields.get(name)]
    return Change(
        after.id,
        # The earlier attempt met the contact as it was before the page: added stays added.
        entry.outcome if entry else outcome,
        shown_name(after.fields),
        {name: old[name] for name in names if name in old},
        {name: after.fields[name] for name in names if name in after.fields},
        adopted=entry.adopted if entry else before is not None and before.link is Link.LOCAL,
    )


def settle_others(plan: Plan, stored: Mapping[str, Contact], stamp: Stamp, earlier: Earlier) -> None:
    """Decide about the contacts of an earlier attempt that the plan says nothing of; `stored` has those that are there.

    What that attempt did stays told. What it did not do, it may still be about to do: its worker may stand still and go
    on later. Such a contact is written as it is, so that it is not what that worker read any more.
    """
    told = {change.contact_id for change in plan.changes}
    written = {write.before.id for write in plan.writes if write.before is not None}
    for contact_id, change in earlier.items():
        contact = stored.get(ContactId(contact_id))
        if contact is None:
            # Who took another contact over lost the one that is not there.
            done = change.outcome is Outcome.REMOVED
        else:
            done = (contact.run, contact.page) == (stamp.run, stamp.page)
        if done and contact_id not in told:
            plan.changes.append(change)
        elif contact is not None and not done and contact_id not in written:
            plan.writes.append(Write(contact, contact, None))


def formers_of(plan: Plan, earlier: Mapping[str, Former], stamp: Stamp) -> list[Former]:
    """The contacts that a page changes, as they were before its first attempt; new ones have none.

    `earlier` are those that the journal has from an attempt that may have been applied.
    """
    found = {one.contact_id: earlier[one.contact_id] for one in plan.changes if one.contact_id in earlier}
    # The memory of a removal by a person goes without an entry in the history, and an earlier attempt may have done it.
    found |= {one.id: one for one in earlier.values() if one.link == Link.REMOVED}
    found |= {one.id: former_of(one) for write in plan.writes if (one := write.replaced) is not None}
    for write in plan.writes:
        before = write.before
        # What only the directory's remembered values or the hash of a contact are about is no change.
        if before is None or (write.change is None and write.after is not None):
            continue
        if (before.run, before.page) != (stamp.run, stamp.page):
            found[before.id] = former_of(before)
    return list(found.values())


def skipped(write: Write, reason: str) -> Change:
    """The entry of a row that storage refused (spec §6)."""
    contact = write.after or write.before
    assert contact is not None
    source_id = None if str(contact.source_id) == contact.id else contact.source_id
    return Change(contact.id, Outcome.SKIPPED, shown_name(contact.fields), reason=reason, source_id=source_id)


# A label for a line of the history. The fields have the whole value.
_LONGEST_NAME = 120


def shown_name(fields: Mapping[str, str]) -> str:
    """How a person is named to an administrator: by name, else by address."""
    first, last = fields.get("firstName"), fields.get("lastName")
    name = f"{first} {last}" if first and last else first or last
    return (name or fields.get("displayName") or fields.get("email") or "")[:_LONGEST_NAME]
