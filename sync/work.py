"""A worker's turn at a run: what it holds, and the one way to remember how far it came."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from msgspec.structs import replace

from contacts.contact import partition_of
from contacts.store import ContactStore
from errors import Conflict, ConnectorError
from mapping.configuration import Configuration
from mapping.values import ValueReader
from storage.transaction import Operation, Partition
from sync.gathering import Gathering
from sync.meter import Meter
from sync.reading import PageReader
from sync.rollcall import RollCall
from workspace.connection import Connection
from workspace.run import Cost, Run
from workspace.state import LEASE, Agenda
from workspace.store import Workspaces

_TRIES = 6


class Superseded(ConnectorError):
    """The run is not this worker's any more: cancelled, disconnected, or taken over. Nothing more is written."""

    code = "superseded"


@dataclass(slots=True)
class Work:
    """One turn. `owner` names it in the agenda's lease; `until` is its end in seconds of the monotonic clock.

    `resumed`: an earlier turn may have done part of the current page. `before` is the run's cost before this turn.
    """

    workspaces: Workspaces
    contacts: ContactStore
    reader: PageReader
    connection: Connection
    agenda: Agenda
    run: Run
    owner: str
    resumed: bool
    meter: Meter
    pruned_on: date | None
    before: Cost
    now: Callable[[], datetime]
    until: float
    gathering: Gathering = field(init=False)
    ahead: bool = False
    """`run` is a page further than the stored agenda: its checkpoint goes with the next page's journal."""

    def __post_init__(self) -> None:
        self.gathering = self.new_gathering()

    def new_gathering(self) -> Gathering:
        """Nothing read yet, nobody named."""
        return Gathering(self.contacts, self.partition, self.agenda.totals.contacts)

    @property
    def roll(self) -> RollCall:
        return self.gathering.roll

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() >= self.until

    @property
    def partition(self) -> Partition:
        return partition_of(self.connection.workspace_id, self.connection.list_id)

    @property
    def configuration(self) -> Configuration:
        """The choices the run started with; a newer one is the next run's."""
        assert self.run.configuration is not None
        return self.run.configuration

    @property
    def values(self) -> ValueReader:
        return ValueReader(self.configuration.sources)

    def cost(self, about_to: int = 0) -> Cost:
        """The run's cost so far, and `about_to` further table transactions."""
        return self.before + self.meter.cost() + Cost(table_transactions=about_to)

    async def remember(self, run: Run, *operations: Operation) -> None:
        """Checkpoint: step, cursor, counters and lease move at once, with further rows, or not at all.

        Raises:
            Superseded: the agenda says that it is another's turn.
        """
        run = replace(run, cost=self.cost(about_to=1))

        def checkpoint(agenda: Agenda) -> tuple[Agenda, Sequence[Operation]]:
            return replace(agenda, run=run, lease_owner=self.owner, lease_until=self.now() + LEASE), operations

        await self.write(checkpoint)
        self.run = run

    def remember_soon(self, run: Run) -> None:
        """Checkpoint with whatever is written next. A crash until then repeats a page, and that changes nothing."""
        self.run, self.ahead = run, True

    async def write(self, change: Callable[[Agenda], tuple[Agenda, Sequence[Operation]]]) -> None:
        """Write the agenda with further rows of the workspace. A request that came in between is kept."""
        for _ in range(_TRIES):
            agenda, operations = change(self.agenda)
            try:
                self.agenda = await self.workspaces.save(agenda, *operations)
                self.ahead = False
            except Conflict:
                await self.confirm()
            else:
                return
        raise Conflict("the agenda changes faster than a run can checkpoint")

    async def confirm(self) -> None:
        """Read the agenda again, and make sure that it is still this worker's turn.

        Raises:
            Superseded
        """
        connection, agenda = await self.workspaces.load(self.connection.workspace_id)
        mine = agenda.run is not None and agenda.run.id == self.run.id and agenda.lease_owner == self.owner
        if connection is None or connection.closing is not None or not mine:
            raise Superseded("the run was cancelled, disconnected or taken over")
        self.connection, self.agenda = connection, agenda
