"""Gathers pages of users/delta: the next page is fetched while the slice writes the one before (spec §3, §6)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

import limits
from contacts.contact import Contact, Link
from contacts.store import Found
from directory.delta import Page
from directory.organization import users_count
from errors import RoundBroken
from mapping.fields import DirectoryUser, ObjectId
from storage.turns import done_in_turns
from sync.batch import Batch
from sync.sifting import Sifted, is_whole, latest, sifting
from workspace.journal import Change, Outcome
from workspace.run import Mode, Phase

if TYPE_CHECKING:
    from sync.slice import Slice

_ODD = "Microsoft Graph's record of this user has an unexpected shape"
_STILL_LINKED = (Link.LINKED, Link.REMOVED)


async def gather_pages(work: "Slice") -> AsyncGenerator[Batch]:
    """The round's pages, one batch each, until it is complete or the slice's time is up: one at least.

    Raises:
        DeltaLinkExpired: the round has to begin anew.
        RoundBroken: the round cannot be read to its end.
    """
    ahead: asyncio.Task[Page] | None = None
    try:
        while work.run.phase is Phase.READ:
            page = await (ahead or _first(work))
            idle = _idle_pages(work, page)
            _require_progress(work, page, idle)
            # Not when the time is up: the next slice asks for that page anyway.
            go_on = page.next_link is not None and not work.time_is_up
            ahead = asyncio.create_task(_fetch(work, page.next_link, idle)) if go_on else None
            yield await _batch(work, page, idle)
            if ahead is None:
                return
    finally:
        # Also when the slice ends by an error: a request that no one waits for must not go on.
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def _first(work: "Slice") -> Page:
    """The page at which a slice begins; beside the first of a full run, how many users there are to be read."""
    run = work.run
    if run.mode is Mode.DELTA or run.cursor is not None or run.expected is not None:
        return await _fetch(work, run.cursor, run.idle_pages)
    # Beside the page, because the count takes as long and only progress needs it.
    counting = asyncio.create_task(users_count(work.reader.graph, work.reader.tenant))
    try:
        page = await _fetch(work, None, 0)
        work.run = replace(run, expected=await counting)
        await work.hold_newcomers()
    finally:
        counting.cancel()
    return page


async def _fetch(work: "Slice", cursor: str | None, idle: int) -> Page:
    if idle > limits.IDLE_PAGES_AT_ONCE:
        pause = limits.FIRST_GRAPH_PAUSE_SECONDS * 2.0 ** min(idle - limits.IDLE_PAGES_AT_ONCE - 1, 10)
        await work.sleep(min(pause, limits.LONGEST_SLEEP_SECONDS))
    link = cursor or (work.state.delta_link if work.run.mode is Mode.DELTA else None)
    if link is None:
        first = work.reader.graph.users_delta(work.configuration.select)
        return await work.reader.page(first, carried_token=False)
    work.followed.add(link)
    return await work.reader.page(link, carried_token=True)


def _idle_pages(work: "Slice", page: Page) -> int:
    """So many pages in a row named nobody new, this one included."""
    named = work.roll.named
    new = any(not named(user.id) for user in page.users) or bool(page.unreadable)
    # A user whose record cannot be read has no id to compare, so such a page counts as new.
    return 0 if new else work.run.idle_pages + 1


def _require_progress(work: "Slice", page: Page, idle: int) -> None:
    """End a round that does not end by itself (spec §6; facts/graph.md 11).

    Raises:
        RoundBroken
    """
    if page.next_link is not None and page.next_link in work.followed:
        raise RoundBroken("Microsoft Graph's next page is one that was read before")
    # A round may name everybody once more, so it gets the pages that this takes besides.
    people = max(work.run.expected or 0, work.state.totals.linked)
    if page.next_link is not None and idle > limits.MOST_IDLE_PAGES + people // limits.PEOPLE_A_PAGE:
        raise RoundBroken(f"Microsoft Graph sent {idle} pages in a row with nobody new on them")


async def _batch(work: "Slice", page: Page, idle: int) -> Batch:
    users = list(latest(page.users).values())
    found, known = await _known(work, users)
    patches = [one.id for one in users if one.removed is UNSET and one.id not in known and not is_whole(one)]
    unknown: list[ObjectId] = []
    if patches:
        whole = await _read_whole(work, patches)
        unknown = [one for one in patches if one not in whole]
        users = [whole.get(one.id, one) for one in users if one.id not in unknown]
    sifted = Sifted({}, [])
    await done_in_turns(sifting(sifted, users, known, work.configuration, work.values))
    odd = [Change(one, Outcome.SKIPPED, reason=_ODD) for one in page.unreadable]
    # A user who is there but cannot be read is not one who left.
    present = [*sifted.present, *unknown, *(one for one in page.unreadable if one)]
    after = replace(
        work.run,
        cursor=page.next_link,
        delta_link=page.delta_link,
        phase=Phase.READ if page.next_link else Phase.MATCH,
        incomplete=work.run.incomplete or "" in page.unreadable,
        idle_pages=idle,
    )
    people = list(sifted.present.values())
    read = len(page.users) + len(odd)
    return Batch(after, people, present, sifted.gone, read, odd, page.repaired, found)


async def _known(work: "Slice", users: Sequence[DirectoryUser]) -> tuple[Found | None, dict[ObjectId, Contact]]:
    """The contacts whose remembered values still stand where Graph leaves a property out (spec §3).

    In a round that continues from a delta link these are all of them; in a first round those of users whom an earlier
    page of the same round had as present. Whom an earlier page had out of scope may have changed on that page, and the
    contact does not show it: a patch that lets such a user in again is read whole.
    """
    there = [one.id for one in users if one.removed is UNSET]
    continuing = work.run.mode is Mode.DELTA
    roll = work.roll
    ids = [one for one in there if (not roll.left(one) if continuing else roll.present(one))]
    # Nor is a contact whose removal waits the contact of somebody in scope, though it is linked as yet.
    if continuing and ids and (waits := await work.waiting_for_approval()):
        ids = [one for one in ids if one not in waits]
    if not ids:
        return None, {}
    found = await work.gathering.of_users(ids)
    known = {one: contact for one, contact in found.contacts.items() if contact.link in _STILL_LINKED}
    # What was found serves the plan too, where it is of everybody whom the plan is about.
    return found if continuing and len(ids) == len(there) else None, known


async def _read_whole(work: "Slice", ids: Sequence[ObjectId]) -> dict[ObjectId, DirectoryUser]:
    """Users as they are now: a round of their own, 50 to a request. Those who are not there any more are left out.

    Raises:
        RoundBroken: such a round does not end either.
    """
    whole: dict[ObjectId, DirectoryUser] = {}
    for start in range(0, len(ids), limits.PEOPLE_A_FILTER):
        wanted = ids[start : start + limits.PEOPLE_A_FILTER]
        url: str | None = work.reader.graph.users_by_id(work.configuration.select, wanted)
        # A page for each of them, some twice, and some pages with nobody: more are not explained by anything.
        for _ in range(2 * len(wanted) + limits.IDLE_PAGES_AT_ONCE):
            if url is None:
                break
            page = await work.reader.page(url, carried_token=False)
            # A later page of such a round may leave out what an earlier one told, too.
            whole = latest([*whole.values(), *page.users])
            url = page.next_link
        if url is not None:
            raise RoundBroken("Microsoft Graph sent more pages than there are people asked for")
    return {one: user for one, user in whole.items() if user.removed is UNSET}
