"""What a page does to the list: the one decision that preview, delta and full runs share (pure; spec §4, §5).

`sift` sorts the users that Graph named into those who are there and those who are gone; `plan_page` turns the ones
that may need a write into writes; `plan_removals` does the same for those who left. Counts follow from the changes,
and the changes are journalled before they are applied, so a page that is repeated after a crash counts nothing twice.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from contacts.contact import Contact, ContactId, Link, new_contact_id
from mapping.configuration import Configuration, ConflictResolution, DeletionBehavior
from mapping.conflict import resolve
from mapping.contact_fields import matching_email
from mapping.fields import DirectoryUser, ObjectId
from mapping.scope import in_scope
from mapping.values import ValueReader
from workspace.journal import Change, Counted, Outcome
from workspace.run import Counts


class Person(NamedTuple):
    """A directory user in scope, reduced to what the plan needs."""

    id: ObjectId
    mail: str | None
    values: tuple[str | None, ...]
    seen: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """A page's users: who is there, who is gone or out of scope. The last word about each counts."""

    present: dict[ObjectId, Person]
    gone: list[ObjectId]


def sift(users: Iterable[DirectoryUser], configuration: Configuration, reader: ValueReader) -> Sifted:
    """Graph may name a user twice in a round (facts/graph.md 1.4): the last one wins."""
    present: dict[ObjectId, Person] = {}
    gone: list[ObjectId] = []
    for user in {user.id: user for user in users}.values():
        if user.removed is msgspec.UNSET and in_scope(user, configuration):
            values = reader.values(user)
            mail = user.mail if type(user.mail) is str else None
            present[user.id] = Person(user.id, mail, values, reader.seen(values))
        else:
            gone.append(user.id)
    return Sifted(present, gone)


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
class Moment:
    """Where in which run a plan is made.

    `mentioned`: users whom earlier pages had as present; `journal`: this page's entries of an earlier attempt, by
    contact id; `now`: ISO 8601, UTC.
    """

    run: str
    page: int
    now: str
    mentioned: Container[ObjectId] = frozenset()
    journal: Mapping[str, Change] = field(default_factory=dict)


class Write(msgspec.Struct, frozen=True):
    """A contact's row before and after: before None is a new one, after None a deletion."""

    before: Contact | None
    after: Contact | None
    change: Change | None


@dataclass(slots=True)
class Plan:
    """What to write, and what to tell of it. `changes` may name contacts that an earlier attempt already wrote."""

    writes: list[Write] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0


def plan_page(
    people: Collection[Person], known: Known, configuration: Configuration, reader: ValueReader, moment: Moment
) -> Plan:
    """Decide for each person in scope what becomes of his contact (spec §4)."""
    plan = Plan()
    # Whose contact it is, or was, comes before a matching address, whatever the order of the page.
    adopted = {known.by_source[person.id].id for person in people if person.id in known.by_source}
    for person in people:
        before, outcome = _contact_for(person, known, adopted)
        after = _merged(person, before, outcome, known, configuration, reader, moment)
        _enter(plan, person, before, after, outcome, moment)
    return plan


def _contact_for(person: Person, known: Known, adopted: set[ContactId]) -> tuple[Contact | None, Outcome]:
    """Whom a directory user belongs to, and what it means when that is written (spec §4, in its order)."""
    contact = known.by_source.get(person.id)
    if contact is not None:
        return contact, _MEANS[contact.link]
    for candidate in known.by_email.get(matching_email(person.mail) or "", ()):
        if candidate.id not in adopted:
            adopted.add(candidate.id)
            return candidate, Outcome.LINKED
    return None, Outcome.ADDED


_MEANS = {
    Link.LINKED: Outcome.UPDATED,
    Link.UNLINKED: Outcome.LINKED,
    Link.LOCAL: Outcome.LINKED,
    Link.REMOVED: Outcome.ADDED,
}


def _merged(
    person: Person,
    before: Contact | None,
    outcome: Outcome,
    known: Known,
    configuration: Configuration,
    reader: ValueReader,
    moment: Moment,
) -> Contact:
    remembered = reader.remembered(person.values)
    if before is not None and before.link is Link.REMOVED:
        if configuration.conflict_resolution is ConflictResolution.KEEP_LOCAL:
            # Removed by a person: stays away. Its values are of no more use, so they are not kept either.
            return replace(before, fields={}, source={}, seen="", touched=False)
        before = replace(before, fields={})
    if before is None:
        contact_id = new_contact_id(person.id, taken=person.id in known.taken)
        return Contact(
            contact_id,
            resolve({}, remembered, configuration),
            Link.LINKED,
            created_at=moment.now,
            updated_at=moment.now,
            source_id=person.id,
            source=remembered,
            seen=person.seen,
            run=moment.run,
            page=moment.page,
        )
    fields = resolve(before.fields, remembered, configuration)
    visible = outcome is not Outcome.UPDATED or fields != before.fields
    return replace(
        before,
        fields=fields,
        link=Link.LINKED,
        source_id=person.id,
        source=remembered,
        seen=person.seen,
        touched=False,
        updated_at=moment.now if visible else before.updated_at,
        run=moment.run if visible else before.run,
        page=moment.page if visible else before.page,
    )


def _enter(
    plan: Plan, person: Person, before: Contact | None, after: Contact, outcome: Outcome, moment: Moment
) -> None:
    """Add a person's write, entry and count to the plan."""
    written_before = before is not None and before.run == moment.run
    entry = moment.journal.get(after.id) if written_before else None
    stays_away = after.link is Link.REMOVED
    visible = not stays_away and (before is None or outcome is not Outcome.UPDATED or after.fields != before.fields)
    change = entry
    if visible:
        change = _change(before, after, outcome, entry)
        if entry is None and written_before:
            change = replace(change, counted=Counted.BEFORE)
        elif entry is None and person.id in moment.mentioned:
            change = replace(change, counted=Counted.INSTEAD)
    if change is not None:
        plan.changes.append(change)
    elif person.id not in moment.mentioned:
        plan.unchanged += 1
    if before is None or after != before:
        plan.writes.append(Write(before, after, change))


def _change(before: Contact | None, after: Contact, outcome: Outcome, entry: Change | None) -> Change:
    if before is None and entry is None:
        return Change(after.id, outcome, shown_name(after.fields), after={**after.fields})
    old: Mapping[str, str] = before.fields if before and before.link is not Link.REMOVED else {}
    if entry is not None:
        # An earlier attempt at this page wrote already: what counts is the way from before it to now.
        old = {name: value for name, value in old.items() if name not in entry.after} | entry.before
    names = [name for name in sorted({*old, *after.fields}) if old.get(name) != after.fields.get(name)]
    return Change(
        after.id,
        entry.outcome if entry else outcome,
        shown_name(after.fields),
        {name: old[name] for name in names if name in old},
        {name: after.fields[name] for name in names if name in after.fields},
        counted=entry.counted if entry else Counted.ONCE,
    )


def plan_removals(
    contacts: Iterable[Contact], behavior: DeletionBehavior, moment: Moment, gone: Sequence[Change] = ()
) -> Plan:
    """Decide what becomes of the contacts of people who left (spec §5). `gone`: entries that were applied before."""
    plan = Plan(changes=list(gone))
    for contact in contacts:
        if contact.link is Link.REMOVED:
            # Only the memory that a person removed it: with the user it has lost its meaning.
            plan.writes.append(Write(contact, None, None))
        elif contact.link is Link.LINKED:
            met = contact.source_id in moment.mentioned and contact.run != moment.run
            counted = Counted.INSTEAD if met else Counted.ONCE
            change = Change(contact.id, _LEFT[behavior], shown_name(contact.fields), counted=counted)
            plan.changes.append(change)
            plan.writes.append(Write(contact, _left(contact, behavior, moment), change))
    return plan


_LEFT = {DeletionBehavior.UNLINK: Outcome.UNLINKED, DeletionBehavior.HARD_DELETE: Outcome.REMOVED}


def _left(contact: Contact, behavior: DeletionBehavior, moment: Moment) -> Contact | None:
    if behavior is DeletionBehavior.HARD_DELETE:
        return None
    return unlinked(contact, moment)


def unlinked(contact: Contact, moment: Moment) -> Contact:
    """A contact without its link; it remembers whose it was, to be taken back (spec §5)."""
    return replace(
        contact,
        link=Link.UNLINKED,
        source={},
        seen="",
        touched=False,
        updated_at=moment.now,
        run=moment.run,
        page=moment.page,
    )


def skipped(write: Write, reason: str) -> Change:
    """The entry of a row that storage refused (spec §6)."""
    contact = write.after or write.before
    assert contact is not None
    counted = write.change.counted if write.change is not None else Counted.INSTEAD
    return Change(contact.id, Outcome.SKIPPED, shown_name(contact.fields), reason=reason, counted=counted)


_LONGEST_NAME = 120


def counts_of(read: int, unchanged: int, changes: Iterable[Change]) -> Counts:
    """What a page adds to the run's counters."""
    totals = dict.fromkeys(Outcome, 0)
    for change in changes:
        if change.counted is not Counted.BEFORE:
            totals[change.outcome] += 1
        if change.counted is Counted.INSTEAD:
            unchanged -= 1
    return Counts(read=read, unchanged=unchanged, **{outcome.value: count for outcome, count in totals.items()})


def shown_name(fields: Mapping[str, str]) -> str:
    """How a person is named to an administrator: by name, else by address."""
    first, last = fields.get("firstName"), fields.get("lastName")
    name = f"{first} {last}" if first and last else first or last
    return (name or fields.get("displayName") or fields.get("email") or "")[:_LONGEST_NAME]
