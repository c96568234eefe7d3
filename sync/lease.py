"""A run whose lease a worker holds, and the one way to write of it meanwhile (spec §6).

The sync state's ETag is the fence: what a worker writes there fails once another one has the lease.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from errors import Conflict, ConnectorError
from limits import LEASE, TABLE_CALL_SECONDS
from storage.retry import Sleep, tries
from storage.transaction import Operation
from sync.meter import Meter
from workspace.connection import Connection, WorkspaceId
from workspace.events import announcements
from workspace.run import Cost, Run, may_work
from workspace.state import SyncState
from workspace.store import WorkspaceStore


class Superseded(ConnectorError):
    """The run is not this worker's any more: cancelled, disconnected, or taken over. Nothing more is written."""

    code = "superseded"


@dataclass(slots=True, kw_only=True)
class LeasedRun:
    """`owner` names the worker in the lease. `before` is the run's cost before this worker's turn."""

    workspaces: WorkspaceStore
    connection: Connection
    state: SyncState
    run: Run
    owner: str
    meter: Meter
    before: Cost
    now: Callable[[], datetime]
    sleep: Sleep
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def workspace(self) -> WorkspaceId:
        return self.connection.workspace_id

    async def checkpoint(self, run: Run, *operations: Operation) -> None:
        """Step, cursor, counters and lease move at once, with further rows, or not at all.

        Raises:
            Superseded: the stored state says that it is another worker's turn.
        """
        run = replace(run, cost=self.cost(about_to=1))

        def checkpoint(state: SyncState) -> tuple[SyncState, Sequence[Operation]]:
            return replace(state, run=run, lease_owner=self.owner, lease_until=self.now() + LEASE), operations

        await self.write(checkpoint)
        self.run = run

    async def keep_lease(self) -> None:
        """Renew a lease that a call which begins now may outlive, by this worker's own clock.

        Contacts stand in another partition than the sync state, so its ETag does not fence them.

        Raises:
            Superseded, TryLater
        """
        until = self.state.lease_until
        if until is None or until - self.now() < timedelta(seconds=TABLE_CALL_SECONDS):
            await self.renew_lease()

    async def renew_lease(self) -> None:
        """Raises: Superseded, TryLater."""
        await self.write(lambda state: (replace(state, lease_until=self.now() + LEASE), ()))

    async def write(self, change: Callable[[SyncState], tuple[SyncState, Sequence[Operation]]]) -> None:
        """Write the sync state with further rows of the workspace. A request that came in between is kept.

        Raises:
            Superseded, TryLater
        """
        # The heartbeat writes the same row, and each write needs the ETag of the one before.
        async with self._writing:
            async for last in tries(self.sleep):
                state, operations = change(self.state)
                told = announcements((self.connection, self.state), (None, state), self.now())
                try:
                    self.state = await self.workspaces.save(state, *operations, *told)
                except Conflict:
                    await self.confirm()
                    if last:
                        raise
                else:
                    return

    async def confirm(self) -> None:
        """Read the sync state again, and make sure that it is still this worker's turn.

        Raises:
            Superseded
        """
        connection, state = await self.workspaces.load(self.workspace)
        mine = state.run is not None and state.run.id == self.run.id and state.lease_owner == self.owner
        if connection is None or not may_work(connection, self.run) or not mine:
            raise Superseded("the run was cancelled, disconnected or taken over")
        self.connection, self.state = connection, state

    def cost(self, about_to: int = 0) -> Cost:
        """The run's cost so far, and `about_to` further table transactions."""
        return self.before + self.meter.cost() + Cost(table_transactions=about_to)
