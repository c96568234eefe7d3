"""The reading part of a run: page after page, the next one fetched while this one is planned and written."""

import asyncio

from msgspec.structs import replace

from directory.delta import Page
from directory.organization import users_count
from errors import DeltaLinkExpired
from sync.applying import Named, apply_page
from sync.plan import sift
from sync.work import Work
from workspace.connection import tenant_of
from workspace.journal import Change, Outcome
from workspace.run import Mode, Phase

_ODD = "Microsoft Graph's record of this user has an unexpected shape"


async def read_pages(work: Work) -> None:
    """Read and apply pages until the round is complete or the time is up, but one at least: a turn must get on."""
    ahead: asyncio.Task[Page] | None = None
    try:
        while work.run.phase is Phase.READ:
            page = await (ahead or _first(work))
            ahead = (
                asyncio.create_task(_fetch(work, page.next_link)) if page.next_link and not work.time_is_up else None
            )
            await _take_in(work, page)
            if ahead is None:
                return
    except DeltaLinkExpired:
        await _start_over(work)
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def take_roll(work: Work) -> None:
    """Learn what a worker must know before it goes on: for a full run the list, and who was named so far."""
    if work.run.mode is Mode.FULL and not work.roll.scanned:
        await work.gathering.scan(keep=work.run.reconsider)
    if work.resumed and work.run.page > work.run.first_page:
        async for number, page in work.workspaces.journal(work.connection.workspace_id, work.run.id):
            if work.run.first_page <= number < work.run.page:
                work.roll.name(page.present, page.gone)


async def _first(work: Work) -> Page:
    """The page at which a turn begins; beside the first of a full run, how many users there are to be read."""
    if work.run.mode is Mode.DELTA or work.run.cursor is not None or work.run.expected is not None:
        return await _fetch(work, work.run.cursor)
    counting = asyncio.create_task(users_count(work.reader.graph, tenant_of(work.connection)))
    try:
        page = await _fetch(work, None)
        work.run = replace(work.run, expected=await counting)
    finally:
        counting.cancel()
    return page


async def _fetch(work: Work, cursor: str | None) -> Page:
    if cursor is not None:
        return await work.reader.page(cursor, carried_token=True)
    if work.run.mode is Mode.DELTA and work.agenda.delta_link is not None:
        return await work.reader.page(work.agenda.delta_link, carried_token=True)
    first = work.reader.graph.users_delta(work.configuration.select)
    return await work.reader.page(first, carried_token=False)


async def _take_in(work: Work, page: Page) -> None:
    sifted = sift(page.users, work.configuration, work.values)
    odd = [Change(one, Outcome.SKIPPED, reason=_ODD) for one in page.unreadable]
    # A user who is there but cannot be read is not one who left.
    present = [*sifted.present, *(one for one in page.unreadable if one)]
    named = Named(list(sifted.present.values()), present, sifted.gone, odd, len(page.users) + len(odd))
    applied = await apply_page(work, named)
    work.roll.name(present, sifted.gone)
    run = replace(
        work.run,
        cursor=page.next_link,
        delta_link=page.delta_link,
        phase=Phase.READ if page.next_link else Phase.SETTLE,
        counts=work.run.counts + applied.counts,
        page=work.run.page + (1 if named.read else 0),
        incomplete=work.run.incomplete or "" in page.unreadable,
    )
    if applied.operations:
        await work.remember(run, *applied.operations)
    elif named.read:
        work.remember_soon(run)
    else:
        work.run = run  # Nothing was done, so nothing is lost when an empty page is read again.


async def _start_over(work: Work) -> None:
    """The delta link is gone: read everything again, and sweep (spec §6). What was written stays counted."""
    counts = replace(work.run.counts, read=0, unchanged=0)
    work.gathering = work.new_gathering()
    work.agenda = replace(work.agenda, delta_link=None)
    await work.remember(
        replace(
            work.run,
            mode=Mode.FULL,
            restarted=True,
            cursor=None,
            first_page=work.run.page,
            counts=counts,
            phase=Phase.READ,
        )
    )
    await take_roll(work)
