"""People who left: who they are, whether the guard holds their removal back, and what becomes of their contacts.

Unlink or delete comes at the end of a run, delta or full, so a user who leaves and returns within a run is never
removed, and the guard sees the whole number (spec §5).
"""

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

import limits
from contacts.contact import Contact, ContactId, Link
from contacts.names import shown_name
from mapping.configuration import DeletionBehavior
from mapping.fields import ObjectId
from storage.turns import apart
from sync.batch import Batch, Waits
from sync.writes import Earlier, Plan, Stamp, Write
from workspace.journal import Change, Outcome
from workspace.run import Mode, PendingRemovals

if TYPE_CHECKING:
    from sync.slice import Slice

type Leavers = Mapping[ContactId, ObjectId]
"""Contacts to unlink or delete, with the user whose contact each was when that was decided."""


async def gather_removals(work: "Slice") -> AsyncGenerator[Batch]:
    """The leavers' contacts, a batch each; or one batch that waits for an administrator's approval."""
    leavers = await _leavers(work)
    # A contact that a person removed is not shown any more, so forgetting it is no removal for the guard.
    linked = [one for one in leavers if one.link is Link.LINKED]
    guard = work.configuration.removal_guard
    # Measured by the contacts that were linked when the run began: what the run itself added must not raise the limit.
    if not work.run.approved and guard is not None and not guard.allows(len(linked), work.run.linked_before):
        yield Batch(work.run, waits=await _waits(work, leavers, linked))
        return
    if work.run.leaving is None:
        work.run = replace(work.run, leaving=len(linked))
    sources = {one.id: one.source_id for one in leavers if one.source_id is not None}
    stored: dict[str, Contact] = {one.id: one for one in leavers}
    # What an interrupted attempt journalled is looked at once more, though its contacts may be gone already.
    interrupted = [ContactId(one) for one in await work.interrupted()]
    ids = [*interrupted, *sources.keys() - set(interrupted)]
    for start in range(0, len(ids), limits.BATCH):
        batch = {one: sources[one] for one in ids[start : start + limits.BATCH] if one in sources}
        yield Batch(work.run, removes=True, leavers=batch, stored={one: stored[one] for one in batch})


async def _leavers(work: "Slice") -> list[Contact]:
    """The contacts of users who left, as they are stored now."""
    # Approved: those whom the administrator was asked about, less those who came back since.
    if work.run.pending_removals is not None:
        ids = await work.workspaces.still_pending(work.workspace, work.run.id)
    # A delta round names those who left. Who is not named in it has not changed.
    elif work.run.mode is Mode.DELTA:
        ids = await apart(work.roll.size, work.roll.gone)
    elif work.run.incomplete:
        # A user whose record had no readable id may be anybody: nobody's absence is certain.
        ids = []
    else:
        # A full round names everybody, and it is complete here: who was not named is gone (spec §5).
        ids = await apart(work.roll.size, work.roll.absent)
    if not ids:
        return []
    found = await work.gathering.of_users(ids)
    return [one for one in found.contacts.values() if one.link in (Link.LINKED, Link.REMOVED)]


async def _waits(work: "Slice", leavers: list[Contact], linked: list[Contact]) -> Waits:
    """The removals that the guard holds back. A delta run adds to what waits; a full run has found everybody."""
    ids = {one.source_id for one in leavers if one.source_id is not None}
    count, former = len(linked), work.state.waiting
    if former is not None and work.run.mode is Mode.DELTA:
        earlier = await work.workspaces.still_pending(work.workspace, former.id)
        # Whom this run met is back. Whom it found gone itself is counted already.
        added = {one for one in earlier if one not in work.roll} - ids
        ids, count = ids | added, count + len(added)
    sample = tuple(shown_name(one.fields) for one in linked[: limits.SAMPLE])
    return Waits(sorted(ids), PendingRemovals(count, sample))


def plan_removals(
    leavers: Leavers, stored: Mapping[str, Contact], behavior: DeletionBehavior, stamp: Stamp, earlier: Earlier
) -> Plan:
    """Decide what becomes of the contacts of people who left (pure; spec §5).

    `stored` is what there is of them now, `earlier` what an attempt that may have been applied had meant to do: a
    contact of it that is gone, or is unlinked by this run, is done and keeps its entry.
    """
    plan = Plan()
    # The earlier attempt's contacts first. Some of them are deleted, and only the journal still knows of them.
    for contact_id in dict.fromkeys([*map(ContactId, earlier), *leavers]):
        contact, source_id = stored.get(contact_id), leavers.get(contact_id)
        # Done by the earlier attempt, if it has an entry. Without one, a person deleted the contact, which this run
        # must not count.
        if contact is None or (contact.link is Link.UNLINKED and contact.run == stamp.run):
            if contact_id in earlier:
                plan.changes.append(earlier[contact_id])
        elif source_id is None or contact.source_id != source_id:
            continue  # Another user took the contact over since it was gathered.
        elif contact.link is Link.REMOVED:
            # The row only says that a person removed the contact. Without its user nothing can bring it back.
            plan.writes.append(Write(contact, None, None))
        elif contact.link is Link.LINKED:
            # The name goes into the entry now, because a deleted contact has none any more.
            change = Change(contact.id, _OUTCOME[behavior], shown_name(contact.fields))
            plan.changes.append(change)
            plan.writes.append(Write(contact, _left(contact, behavior, stamp), change))
        if source_id is not None:
            plan.source_of[contact_id] = source_id
    return plan


_OUTCOME = {DeletionBehavior.UNLINK: Outcome.UNLINKED, DeletionBehavior.HARD_DELETE: Outcome.REMOVED}


def _left(contact: Contact, behavior: DeletionBehavior, stamp: Stamp) -> Contact | None:
    return None if behavior is DeletionBehavior.HARD_DELETE else unlinked(contact, stamp)


def unlinked(contact: Contact, stamp: Stamp) -> Contact:
    """A contact without its link; it remembers whose it was, to be taken back (spec §5)."""
    return replace(
        contact,
        link=Link.UNLINKED,
        # What is not linked is not kept up to date, so no run may take these values for the directory's.
        source={},
        source_hash="",
        touched=False,
        updated_at=stamp.now,
        updated_by=None,
        run=stamp.run,
        page=stamp.page,
        filled=(),
    )
