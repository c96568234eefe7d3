"""Applies a plan: journal first, then the contacts; again from what is stored then, when somebody wrote in between."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contacts.contact import Contact, mail_prefix, write_operations
from errors import Conflict, TryLater
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from sync.journal import JournalPage
from sync.plan import Change, Known, Moment, Person, Plan, counts_of, plan_page, skipped
from sync.run import Counts
from sync.work import Work

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


async def apply_page(work: Work, named: Named) -> Counts:
    """Bring the contacts of a page's people up to date, and count what changed."""
    if not (named.people or named.present or named.gone or named.unread):
        return Counts()
    journal = await earlier_attempt(work)
    people = named.people
    look = [one for one in people if journal or work.run.reconsider or not work.roll.unchanged(one)]
    fast = sum(1 for one in people if one.id not in work.roll) - sum(1 for one in look if one.id not in work.roll)
    values = work.values
    for attempt in range(_TRIES):
        known = await _known(work, look, fresh=attempt > 0)
        plan = plan_page(look, known, work.configuration, values, moment(work, journal))
        page = JournalPage(list(named.present), list(named.gone), [*named.unread, *plan.changes])
        try:
            changes = await carry_out(work, plan, page)
        except TryLater as error:
            journal = journal | {change.contact_id: change for change in plan.changes}
            await pause_after(work, error, attempt)
        else:
            work.roll.wrote([write.after for write in plan.writes if write.after is not None])
            return counts_of(named.read, plan.unchanged + fast, changes)
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


async def carry_out(work: Work, plan: Plan, page: JournalPage) -> list[Change]:
    """Journal a page and write its contacts; the entries as they turned out, refused rows among them as skipped.

    Raises:
        TryLater: part of it may be written. Planning again from what is stored then continues it.
    """
    workspace, changes = work.connection.workspace_id, list(page.changes)
    if page.present or page.gone or changes:
        await work.workspaces.write_journal(workspace, work.run.id, work.run.page, page)
    groups = [write_operations(write.before, write.after) for write in plan.writes]
    refused = await work.contacts.write(work.partition, groups)
    if refused:
        for number, reason in refused.items():
            write = plan.writes[number]
            changes = [change for change in changes if change is not write.change] + [skipped(write, reason)]
        page = JournalPage(page.present, page.gone, changes)
        await work.workspaces.write_journal(workspace, work.run.id, work.run.page, page)
    return changes


async def pause_after(work: Work, error: TryLater, attempt: int) -> None:
    """After a failed write: is it still our turn? Then a short pause, unless somebody was merely faster."""
    await work.confirm()
    if attempt == _TRIES - 1:
        raise error
    if not isinstance(error, Conflict):
        await asyncio.sleep(error.after_seconds or _PAUSE_SECONDS * 2**attempt)


async def _known(work: Work, people: Collection[Person], *, fresh: bool) -> Known:
    """Gather what is stored of people: from the roll where the list was scanned, else by point reads.

    `fresh`: the roll may be out of date, because somebody wrote in between.
    """
    if work.roll.scanned and not fresh:
        contacts, taken = await _by_roll(work, people)
    else:
        found = await work.contacts.of_users(work.partition, [one.id for one in people])
        contacts, taken = found.contacts, found.taken
    emails = {email for one in people if one.id not in contacts and (email := matching_email(one.mail))}
    if work.roll.scanned and not fresh:
        emails = {email for email in emails if mail_prefix(email) in work.roll.addresses}
    by_email = await work.contacts.by_email(work.partition, emails) if emails else {}
    return Known(contacts, by_email, taken)


async def _by_roll(work: Work, people: Collection[Person]) -> tuple[dict[ObjectId, Contact], set[str]]:
    ids = {one.id: contact_id for one in people if (contact_id := work.roll.contact_id(one.id)) is not None}
    rows = await work.contacts.read(work.partition, ids.values()) if ids else {}
    contacts = {one: rows[contact_id] for one, contact_id in ids.items() if contact_id in rows}
    moved = [one for one, contact_id in ids.items() if contact_id not in rows or rows[contact_id].source_id != one]
    taken: set[str] = {one.id for one in people if work.roll.taken(one.id)}
    if moved:
        found = await work.contacts.of_users(work.partition, moved)
        contacts = {one: contact for one, contact in contacts.items() if one not in moved} | found.contacts
        taken |= found.taken
    return contacts, taken
