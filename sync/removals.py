"""The end of a run: people's own edits settled, and those who left unlinked or deleted, unless the guard says wait."""

from collections.abc import Sequence

from msgspec.structs import replace

from contacts.contact import Contact, Link
from directory.organization import organization_name
from errors import TryLater
from mapping.values import ValueReader
from storage.transaction import Operation
from sync.applying import Named, apply_page, carry_out, earlier_attempt, moment, pause_after
from sync.plan import Person, counts_of, plan_removals, shown_name
from sync.work import Work
from workspace.connection import connection_operation, named, tenant_of
from workspace.journal import Change, JournalPage
from workspace.run import Event, Mode, PendingRemovals, Phase, Run, RunState
from workspace.state import Agenda, settled
from workspace.store import run_operation

_TRIES = 6
_BATCH = 50
"""Contacts a journal page: with the rows that find them, at most a transaction each."""

_SAMPLE = 10


async def settle_edits(work: Work) -> None:
    """Apply the conflict rules to contacts that people edited, though the directory says nothing new (spec §4).

    A full run has met everybody already: an edit clears the hash that would have let it pass by.
    """
    if work.run.mode is Mode.DELTA:
        people = [_as_remembered(one, work.values) for one in await _edited(work)]
        for start in range(0, len(people), _BATCH):
            applied = await apply_page(work, Named(people[start : start + _BATCH]))
            run = replace(work.run, counts=work.run.counts + applied.counts, page=work.run.page + 1)
            await work.remember(run, *applied.operations)
    work.run = replace(work.run, phase=Phase.REMOVE)


async def _edited(work: Work) -> list[Contact]:
    """Contacts that people edited, and those that an interrupted turn has settled already but not counted."""
    ids: list[str] = list(await work.contacts.touched(work.partition))
    workspace, settled_before = work.connection.workspace_id, set[str]()
    if work.resumed and (page := await work.workspaces.journal_page(workspace, work.run.id, work.run.page)) is not None:
        settled_before = {change.contact_id for change in page.changes}
        ids = [*sorted(settled_before), *(one for one in ids if one not in settled_before)]
    contacts = await work.contacts.read(work.partition, ids) if ids else {}
    return [
        contact
        for one in ids
        if (contact := contacts.get(one)) is not None
        and contact.source_id is not None
        and (contact.touched or one in settled_before)
        and not work.roll.left(contact.source_id)
    ]


def _as_remembered(contact: Contact, values: ValueReader) -> Person:
    """A contact's directory user as he was last seen."""
    assert contact.source_id is not None
    recalled = values.recalled(contact.source)
    return Person(contact.source_id, None, recalled, values.seen(recalled))


async def see_to_removals(work: Work) -> None:
    """Unlink or delete the contacts of those who left; then the run ends, or waits for approval.

    Raises:
        Superseded, TryLater
    """
    leavers = await _leavers(work)
    linked = sum(1 for one in leavers if one.link is Link.LINKED)
    guard = work.configuration.removal_guard
    if not work.run.approved and guard is not None and not guard.allows(linked, work.run.linked_before):
        await _wait_for_approval(work, leavers, linked)
        return
    while leavers or work.resumed:
        batch, leavers = leavers[:_BATCH], leavers[_BATCH:]
        await _remove(work, batch)
    await _end(work, work.run.after(Event.COMPLETED))


async def _leavers(work: Work) -> list[Contact]:
    """The contacts to remove, as they are stored now."""
    if work.run.pending_removals is not None:
        ids = await work.workspaces.still_pending(work.connection.workspace_id, work.run.id)
    elif work.run.mode is Mode.DELTA:
        ids = work.roll.gone()
    elif work.run.incomplete:
        ids = []
    else:
        ids = work.roll.absent()
    if not ids:
        return []
    contacts, _ = await work.gathering.of_users(ids)
    return [one for one in contacts.values() if one.link in (Link.LINKED, Link.REMOVED)]


async def _remove(work: Work, batch: Sequence[Contact]) -> None:
    journal = await earlier_attempt(work)
    still = {one.id for one in batch}
    done = [change for change in journal.values() if change.contact_id not in still]
    for attempt in range(_TRIES):
        plan = plan_removals(batch, work.configuration.deletion_behavior, moment(work, journal), done)
        try:
            changes, operations = await carry_out(work, plan, JournalPage(changes=plan.changes))
        except TryLater as error:
            await pause_after(work, error, attempt)
            done, batch = await _after_conflict(work, plan.changes, batch)
        else:
            counts = work.run.counts + counts_of(0, 0, changes)
            await work.remember(replace(work.run, counts=counts, page=work.run.page + 1), *operations)
            return
    raise TryLater("removals could not be written, six times")


async def _after_conflict(
    work: Work, planned: Sequence[Change], batch: Sequence[Contact]
) -> tuple[list[Change], list[Contact]]:
    """What of a batch was done before it failed, and the contacts that still are to be seen to."""
    stored = await work.contacts.read(work.partition, [one.id for one in batch])
    sources = {one.id: one.source_id for one in batch}
    still = [
        one for one in stored.values() if one.link in (Link.LINKED, Link.REMOVED) and one.source_id == sources[one.id]
    ]
    left = {one.id for one in still}
    return [change for change in planned if change.contact_id not in left], still


async def _wait_for_approval(work: Work, leavers: Sequence[Contact], linked: int) -> None:
    """Keep the removals for an administrator's word; everything else of the run stands."""
    ids = {one.source_id for one in leavers if one.source_id is not None}
    workspace, former = work.connection.workspace_id, work.agenda.waiting
    if former is not None and work.run.mode is Mode.DELTA:
        # A full run has found everybody who is gone; a delta run adds to what waits already.
        earlier = await work.workspaces.still_pending(workspace, former.id)
        added = {one for one in earlier if one not in work.roll} - ids
        ids, linked = ids | added, linked + len(added)
    await work.workspaces.write_pending(workspace, work.run.id, sorted(ids))
    sample = [shown_name(one.fields) for one in leavers if one.link is Link.LINKED]
    pending = PendingRemovals(linked, tuple(sample[:_SAMPLE]))
    await _end(work, replace(work.run.after(Event.WAITED), pending_removals=pending))


async def _end(work: Work, run: Run) -> None:
    """Write the run's end: history, delta link, totals, and what is next, in one transaction."""
    now = work.now()
    name = await organization_name(work.reader.graph, tenant_of(work.connection)) if run.mode is Mode.FULL else None
    ended = replace(run, cost=work.cost(about_to=1), cursor=None, completed_at=now)

    def end(agenda: Agenda) -> tuple[Agenda, Sequence[Operation]]:
        operations = (
            [] if ended.state is RunState.AWAITING_APPROVAL else [run_operation(replace(ended, delta_link=None))]
        )
        if ended.pending_removals is None or not ended.approved:
            agenda, discarded = _read_on(agenda, ended)
            operations += [run_operation(one) for one in discarded]
        if name is not None and name != work.connection.tenant_name:
            operations.append(connection_operation(named(work.connection, name)))
        agenda = replace(agenda, last_completed_at=now, pruned_on=now.date())
        return settled(agenda, replace(ended, delta_link=None)), operations

    await work.write(end)
    work.run = ended


def _read_on(agenda: Agenda, ended: Run) -> tuple[Agenda, list[Run]]:
    """The next run goes on from here, and a full run, or one that waits itself, makes older removals moot.

    An approved removal read nothing, so it does not come here: it leaves a newer delta link alone.
    """
    assert ended.configuration is not None
    agenda = replace(agenda, delta_link=ended.delta_link, select=ended.configuration.select)
    if ended.mode is Mode.FULL:
        agenda = replace(agenda, applied_version=ended.configuration.version)
    moot = agenda.waiting is not None and (ended.mode is Mode.FULL or ended.state is RunState.AWAITING_APPROVAL)
    if not moot or agenda.waiting is None:
        return agenda, []
    return replace(agenda, waiting=None), [agenda.waiting.after(Event.DISCARDED)]
