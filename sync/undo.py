"""What an undo does to the list (pure; spec §6 'Pause and undo').

Each contact that a run changed, and that nobody has changed since, goes back to what it was before. The run's journal
is gone through backwards, so that each step meets the list as the run's own step left it. A contact whose last change
is another's is left alone and listed. An undo writes a journal of its own, so it can itself be undone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec.structs import replace

from contacts.changes import change_between
from contacts.contact import Contact, ContactId, Link, restored
from contacts.names import shown_name
from mapping.fields import ObjectId
from sync.writes import Earlier, Plan, Stamp, Write
from workspace.journal import Change, Former, JournalPage, Outcome
from workspace.run import RunId


class Entry(NamedTuple):
    """What a run's journal tells of one contact.

    `run` and `page`: where it stands. `change` is None for the memory of a removal by a person, which goes without an
    entry in the history. `former` is the contact as it was before; without one, the run added it, or its journal did
    not keep it (`kept` says which of the two).
    """

    run: RunId
    page: int
    contact_id: ContactId
    change: Change | None
    former: Former | None
    kept: bool


class Why(StrEnum):
    """Why a contact is left as it is."""

    CHANGED_BY_PERSON = "changed_by_person"
    CHANGED_BY_RUN = "changed_by_run"
    DELETED = "deleted"
    ANOTHER_CONTACT = "another_contact"
    """The directory user has another contact by now."""
    NOT_KEPT = "not_kept"
    """The journal does not hold what the contact was."""


class LeftAlone(NamedTuple):
    """A contact that an undo leaves as it is: why, and who changed it when, as far as that is known.

    `by` is the id of a person, or of a run. `at` is ISO 8601.
    """

    contact_id: ContactId
    name: str
    why: Why
    by: str | None = None
    at: str | None = None


@dataclass(slots=True)
class UndoPlan:
    """What to write, what to tell of it (`plan`), and what is left alone, which `plan` tells as skipped."""

    plan: Plan = field(default_factory=Plan)
    left_alone: list[LeftAlone] = field(default_factory=list)


def entries_of(run: RunId, pages: Iterable[tuple[int, JournalPage]]) -> list[Entry]:
    """The entries of some pages, the last one first. A contact that was skipped was not changed."""
    found: list[Entry] = []
    for number, page in pages:
        formers = {one.id: one for one in page.formers}
        for change in page.changes:
            # Without an id it is about a person who was forgotten.
            if change.outcome is not Outcome.SKIPPED and change.contact_id:
                former = formers.pop(change.contact_id, None)
                found.append(Entry(run, number, ContactId(change.contact_id), change, former, page.kept))
        memories = [one for one in formers.values() if one.link == Link.REMOVED]
        found += [Entry(run, number, ContactId(one.id), None, one, page.kept) for one in memories]
    return found[::-1]


def plan_undo(
    entries: Sequence[Entry],
    stored: Mapping[str, Contact],
    holders: Mapping[ObjectId, ContactId],
    stamp: Stamp,
    earlier: Earlier,
) -> UndoPlan:
    """Decide what becomes of the contacts of some entries, which come the last one first.

    `stored`: the contacts as they are now, by id. `holders`: whose contact is linked, or was last, to the users whose
    contacts the entries were. `earlier`: what an attempt that may have been applied had meant to do.
    """
    found = UndoPlan()
    now: dict[ContactId, Contact | None] = {one.contact_id: stored.get(one.contact_id) for one in entries}
    held: dict[ObjectId, ContactId | None] = dict(holders)
    done: set[ContactId] = set()
    left: dict[ContactId, LeftAlone] = {}
    for entry in entries:
        contact = now[entry.contact_id]
        if entry.contact_id in done:
            continue
        if not _as_left(entry, contact):
            change = earlier.get(entry.contact_id)
            if change is not None and contact == stored.get(entry.contact_id) and _is_done(entry, change, contact):
                done.add(entry.contact_id)
                found.plan.changes.append(change)
            elif entry.change is not None and not _is_back(entry, contact):
                left[entry.contact_id] = _changed_since(entry, contact)
            continue
        if _is_unknown(entry):
            left[entry.contact_id] = LeftAlone(entry.contact_id, _name(entry, contact), Why.NOT_KEPT)
            continue
        target = _target(entry, contact, stamp)
        if (holder := _other_holder(contact, target, held)) is not None:
            left[entry.contact_id] = LeftAlone(entry.contact_id, _name(entry, contact), Why.ANOTHER_CONTACT, holder)
            continue
        _move(held, contact, target)
        now[entry.contact_id] = target
    for contact_id, after in now.items():
        _enter(found.plan, stored.get(contact_id), after)
    # One that went back some steps has its entry; a second one would hide it from a repeated page.
    changed = done | {one.contact_id for one in found.plan.changes}
    found.left_alone = [one for one in left.values() if one.contact_id not in changed]
    found.plan.changes += [_told(one) for one in found.left_alone]
    return found


def sources_of(entries: Iterable[Entry]) -> set[ObjectId]:
    """The directory users whose contacts the entries' contacts may become again."""
    return {one.former.source_id for one in entries if one.former is not None and one.former.source_id is not None}


def _as_left(entry: Entry, contact: Contact | None) -> bool:
    """Whether a contact is as the run left it: its last change that people saw is the one that the entry tells of."""
    change = entry.change
    if change is None or (change.outcome is Outcome.REMOVED and change.mark is None):
        return contact is None
    if contact is None:
        return False
    if change.mark is not None:
        return contact.mark == change.mark
    # An edit by a person leaves the run and the page, and sets the person.
    return (contact.run, contact.page, contact.updated_by) == (entry.run, entry.page, None)


def _is_done(entry: Entry, change: Change, contact: Contact | None) -> bool:
    """Whether an earlier attempt at this page has written a contact, though a person may have edited it after that."""
    if change.outcome is Outcome.SKIPPED:
        return False
    if change.mark is None:
        return contact is None
    if contact is None:
        return False
    left = entry.change.mark if entry.change is not None else None
    place = (left.run, left.page) if left is not None else (entry.run, entry.page)
    # A person's edit leaves run and page, so before and after its undo they are the same and tell nothing.
    if place == (change.mark.run, change.mark.page):
        return contact.mark == change.mark
    return (contact.run, contact.page) == (change.mark.run, change.mark.page)


def _is_back(entry: Entry, contact: Contact | None) -> bool:
    """Whether a contact is what it was before already: by an earlier undo, or because the change was never made."""
    if entry.former is None:
        return contact is None and entry.change is not None and entry.change.outcome is Outcome.ADDED
    return contact is not None and contact.mark == restored(entry.former).mark


def _is_unknown(entry: Entry) -> bool:
    change = entry.change
    return entry.former is None and change is not None and change.outcome is Outcome.REMOVED


def _target(entry: Entry, contact: Contact | None, stamp: Stamp) -> Contact | None:
    """What a contact was before the run's step."""
    if entry.former is not None:
        return restored(entry.former)
    change = entry.change
    assert change is not None
    if contact is None or change.outcome is Outcome.ADDED:
        return None
    return _by_history(contact, change, stamp)


def _by_history(contact: Contact, change: Change, stamp: Stamp) -> Contact:
    """What a contact was, as far as the fields that changed tell. The next run looks at its directory user again."""
    fields = {name: value for name, value in contact.fields.items() if name not in change.after} | change.before
    before = replace(
        contact,
        fields=fields,
        source_hash="",
        touched=False,
        filled=(),
        updated_at=stamp.now,
        updated_by=None,
        run=stamp.run,
        page=stamp.page,
    )
    match change.outcome:
        case Outcome.UNLINKED:
            return replace(before, link=Link.LINKED)
        # Only a contact that a person had made has fields that a person had typed when it was linked.
        case Outcome.LINKED if contact.typed:
            return replace(before, link=Link.LOCAL, source_id=None, source={}, typed=(), run="", page=0)
        case Outcome.LINKED:
            return replace(before, link=Link.UNLINKED, source={})
        case _:
            return before


def _other_holder(
    contact: Contact | None, target: Contact | None, held: Mapping[ObjectId, ContactId | None]
) -> ContactId | None:
    """The contact that a user has by now whose contact this one was. Two contacts of one user must not be."""
    if target is None or target.source_id is None or (contact is not None and contact.source_id == target.source_id):
        return None
    holder = held.get(target.source_id)
    return None if holder == target.id else holder


def _move(held: dict[ObjectId, ContactId | None], contact: Contact | None, target: Contact | None) -> None:
    if contact is not None and contact.source_id is not None and held.get(contact.source_id) == contact.id:
        held[contact.source_id] = None
    if target is not None and target.source_id is not None:
        held[target.source_id] = target.id


def _enter(plan: Plan, before: Contact | None, after: Contact | None) -> None:
    """Add a contact's write and its history entry to the plan."""
    if before is not None and after is not None:
        # Where its name row stands follows from the names when the contact is written.
        after = replace(after, named=before.named)
    if before == after or (before is not None and after == replace(before, etag="")):
        return
    change = change_between(before, after)
    plan.writes.append(Write(before, after, change))
    if change is not None:
        plan.changes.append(change)


def _changed_since(entry: Entry, contact: Contact | None) -> LeftAlone:
    name = _name(entry, contact)
    if contact is None:
        return LeftAlone(entry.contact_id, name, Why.DELETED)
    if contact.updated_by is not None:
        return LeftAlone(entry.contact_id, name, Why.CHANGED_BY_PERSON, contact.updated_by, contact.updated_at)
    return LeftAlone(entry.contact_id, name, Why.CHANGED_BY_RUN, contact.run or None, contact.updated_at)


def _name(entry: Entry, contact: Contact | None) -> str:
    shown = shown_name(contact.fields) if contact is not None else ""
    return shown or (entry.change.name if entry.change is not None else "")


_REASONS = {
    Why.CHANGED_BY_PERSON: "Left alone: a person changed this contact on {at}.",
    Why.CHANGED_BY_RUN: "Left alone: a later run changed this contact on {at}.",
    Why.DELETED: "Left alone: this contact was deleted since.",
    Why.ANOTHER_CONTACT: "Left alone: this person has another contact by now.",
    Why.NOT_KEPT: "It cannot be undone: the history does not hold what this contact was.",
}


def _told(left: LeftAlone) -> Change:
    """The entry of a contact that is left alone."""
    reason = _REASONS[left.why].format(at=_day(left.at))
    return Change(left.contact_id, Outcome.SKIPPED, left.name, reason=reason)


def _day(at: str | None) -> str:
    """A stored time as an administrator reads it."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else ""
