"""How a run ends: its history, the delta link, the totals and what is next, in one transaction (spec §6)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from directory.organization import organization_name
from storage.transaction import Operation
from sync.batch import Waits
from workspace.connection import connection_operation, named
from workspace.run import Event, Mode, Run, RunId
from workspace.state import SyncState, Totals, Verification, concluded
from workspace.store import run_operation

if TYPE_CHECKING:
    from sync.slice import Slice


async def end_run(work: "Slice", event: Event, waits: Waits | None) -> tuple[Run, list[RunId]]:
    """Write the run's end. The run as it ended, and those whose removals wait no more.

    The ids of those removals are to be forgotten last: as long as the state does not tell the outcome, a repeated end
    needs them.

    Raises:
        Superseded, TryLater
    """
    if waits is not None:
        # Before the state says that they wait: a run that waits must find all of its ids.
        # With the state, so that a worker that lost its lease changes none of another's.
        for operation in await work.workspaces.pending_operations(work.workspace, work.run.id, waits.ids):
            await work.checkpoint(work.run, operation)
    undo = work.run.mode is Mode.UNDO
    full = work.run.mode is Mode.FULL and not work.run.approved
    # Before the transaction, which would have to be repeated if a request came in meanwhile.
    name = await organization_name(work.reader.graph, work.reader.tenant) if full else None
    # What comes back may be linked or not, which the counters of a run do not tell.
    recount = undo or work.state.recount
    counted = Totals(*await work.contacts.count(work.partition)) if recount else None
    if ordered := full and waits is None and not work.state.ordered:
        await work.contacts.complete_names(work.partition)
    now, link = work.now(), work.run.delta_link
    ended = replace(work.run.after(event), cost=work.cost(about_to=1), cursor=None, delta_link=None)
    told = waits.told if waits is not None else ended.pending_removals
    ended = replace(ended, completed_at=now, pending_removals=told)
    dropped: list[Run] = []

    def end(state: SyncState) -> tuple[SyncState, Sequence[Operation]]:
        after, dropped[:] = concluded(state, ended, link)
        operations = [run_operation(one) for one in (*dropped, *([] if waits else [ended]))]
        if name is not None and name != work.connection.tenant_name:
            operations.append(connection_operation(named(work.connection, name)))
        if ordered:
            after = replace(after, ordered=True)
        if counted is not None:
            after = replace(after, totals=counted, recount=False)
        if full and waits is None:
            verified = Verification(now, after.totals.linked, ended.drift, ended.id)
            after = replace(after, verification=verified)
        return after if undo else replace(after, last_completed_at=now), operations

    await work.write(end)
    return ended, [one.id for one in (*dropped, *([ended] if ended.approved else []))]
