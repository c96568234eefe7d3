"""Applies a plan: journal first, then the contacts; again from what is stored then, when somebody wrote in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from contacts.contact import write_operations
from errors import Conflict, TryLater
from mapping.fields import ObjectId
from storage.transaction import Operation
from sync import telemetry
from sync.failures import why_skipped
from sync.plan import Moment, Person, Plan, counts_of, plan_page, skipped
from sync.work import Work
from workspace.journal import Change, JournalPage, journal_operation
from workspace.run import Counts

_TRIES = 6
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a page named.

    `present`: ids of everybody who is there, `people`: those of them to be looked at; `unread`: entries for users that
    could not be read; `read`: user objects that Graph sent.
    """

    people: Sequence[Person]
    present: Sequence[ObjectId] = ()
    gone: Sequence[ObjectId] = ()
    unread: Sequence[Change] = ()
    read: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What a page came to: what it counts, and rows that go with the checkpoint."""

    counts: Counts = Counts()  # noqa: RUF009 - frozen
    operations: Sequence[Operation] = ()


async def apply_page(work: Work, named: Named) -> Applied:
    """Bring the contacts of a page's people up to date, and count what changed."""
    if not (named.people or named.present or named.gone or named.unread):
        return Applied()
    journal = await earlier_attempt(work)
    people = named.people
    roll = work.roll
    look = [one for one in people if journal or work.run.reconsider or not roll.unchanged(one)]
    skipped_over = {one.id for one in people}.difference(one.id for one in look)
    fast = sum(1 for one in skipped_over if one not in roll)
    values = work.values
    for attempt in range(_TRIES):
        known = await work.gathering.known(look, fresh=attempt > 0)
        with telemetry.span("plan", people=len(look)):
            plan = plan_page(look, known, work.configuration, values, moment(work, journal))
        page = JournalPage(list(named.present), list(named.gone), [*named.unread, *plan.changes])
        try:
            with telemetry.span("write", contacts=len(plan.writes)):
                changes, operations = await carry_out(work, plan, page)
        except TryLater as error:
            journal = journal | {change.contact_id: change for change in plan.changes}
            await pause_after(work, error, attempt)
        else:
            work.gathering.wrote([write.after for write in plan.writes if write.after is not None])
            return Applied(counts_of(named.read, plan.unchanged + fast, changes), operations)
    raise TryLater("a page could not be written, six times")


async def earlier_attempt(work: Work) -> dict[str, Change]:
    """What the journal says of the current page, by contact id: only a turn that resumes a run can find anything."""
    if not work.resumed:
        return {}
    work.resumed = False
    page = await work.workspaces.journal_page(work.connection.workspace_id, work.run.id, work.run.page)
    return {change.contact_id: change for change in page.changes} if page is not None else {}


def moment(work: Work, journal: dict[str, Change]) -> Moment:
    now = work.now().isoformat().replace("+00:00", "Z")
    return Moment(work.run.id, work.run.page, now, work.roll, journal)


async def carry_out(work: Work, plan: Plan, page: JournalPage) -> tuple[list[Change], Sequence[Operation]]:
    """Journal a page and write its contacts; the entries as they turned out, refused rows among them as skipped.

    A page that writes no contact is journalled with its checkpoint: those are the operations given back.

    Raises:
        TryLater: part of it may be written. Planning again from what is stored then continues it.
    """
    workspace, changes = work.connection.workspace_id, list(page.changes)
    if not plan.writes:
        told = page.present or page.gone or changes
        return changes, [journal_operation(work.run.id, work.run.page, page)] if told else []
    journal = journal_operation(work.run.id, work.run.page, page)
    if work.ahead:
        await work.remember(work.run, journal)
    else:
        await work.workspaces.write_rows(workspace, journal)
    groups = [write_operations(write.before, write.after) for write in plan.writes]
    refused = await work.contacts.write(work.partition, groups)
    if refused:
        for number, reason in refused.items():
            write = plan.writes[number]
            changes = [change for change in changes if change is not write.change] + [
                skipped(write, why_skipped(reason))
            ]
        page = JournalPage(page.present, page.gone, changes)
        await work.workspaces.write_rows(workspace, journal_operation(work.run.id, work.run.page, page))
    return changes, ()


async def pause_after(work: Work, error: TryLater, attempt: int) -> None:
    """After a failed write: is it still our turn? Then a short pause, unless somebody was merely faster."""
    await work.confirm()
    if attempt == _TRIES - 1:
        raise error
    if not isinstance(error, Conflict):
        await asyncio.sleep(error.after_seconds or _PAUSE_SECONDS * 2**attempt)
