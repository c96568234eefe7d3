"""What a page's plan is made of, and what the history tells of it (pure; spec §6).

The changes are journalled before they are applied, each with the contact as it was before. A page that is repeated
after a crash finds them there: what was done once stays told, and counts once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from contacts.contact import Contact, ContactId, Link, former_of, new_contact_id
from contacts.names import shown_name
from mapping.fields import ObjectId
from workspace.journal import Change, Former, Outcome, Person


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


def change_of(before: Contact | None, after: Contact, outcome: Outcome, entry: Change | None) -> Change:
    """A contact's entry in the history; `entry` is that of an earlier attempt which wrote the contact."""
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
