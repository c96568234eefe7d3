"""The end of a connection: its contacts unlinked or deleted, in slices, after whoever was at work is done (spec §2)."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from contacts.contact import Contact, Link, partition_of, write_operations
from contacts.store import ContactStore, ScanRow
from errors import Conflict
from storage.queue import MessageQueue
from storage.transaction import Partition
from sync.messages import StartMessage, write_message
from sync.plan import Moment, unlinked
from sync.schedule import Schedule
from workspace.connection import Connection, ContactsOnDisconnect, connection_operation
from workspace.run import Mode
from workspace.state import LEASE, Agenda, Totals
from workspace.store import Workspaces

_MARGIN_SECONDS = 2.0
_PAGE = 500
_TRIES = 6


@dataclass(frozen=True, slots=True)
class Disconnecting:
    """Sees to the contacts of a connection that was ended."""

    workspaces: Workspaces
    contacts: ContactStore
    schedule: Schedule
    queue: MessageQueue
    slice_seconds: int
    now: Callable[[], datetime]

    async def work(self, connection: Connection, agenda: Agenda) -> None:
        """Do a slice of it. Safe to repeat from any line: what is done already is passed by.

        Raises:
            TryLater
        """
        workspace, message = (
            connection.workspace_id,
            write_message(StartMessage(connection.workspace_id, Mode.DELTA, "disconnect")),
        )
        if agenda.leased(self.now()) and agenda.lease_until is not None:
            wait = (agenda.lease_until - self.now()).total_seconds()
            await self.queue.send(message, wait + _MARGIN_SECONDS)
            return
        owner, until = uuid.uuid4().hex, time.monotonic() + self.slice_seconds
        agenda = await self.workspaces.save(replace(agenda, lease_owner=owner, lease_until=self.now() + LEASE))
        partition, position = partition_of(workspace, connection.list_id), ""
        while time.monotonic() < until:
            contacts, position = await self.contacts.page(partition, _PAGE, position)
            await self._see_to(partition, contacts, connection)
            if not position:
                await self._finish(connection, agenda, partition)
                await self.schedule.leave(workspace)
                return
            agenda = await self.workspaces.save(replace(agenda, lease_until=self.now() + LEASE))
        await self.workspaces.save(replace(agenda, lease_owner=None, lease_until=None))
        await self.queue.send(message)

    async def _see_to(self, partition: Partition, contacts: list[Contact], connection: Connection) -> None:
        """Unlink or delete what is linked; what a person removed is forgotten."""
        for _ in range(_TRIES):
            mine = [one for one in contacts if one.link in (Link.LINKED, Link.REMOVED)]
            groups = [write_operations(one, self._after(one, connection)) for one in mine]
            try:
                await self.contacts.write(partition, groups)
            except Conflict:
                contacts = list((await self.contacts.read(partition, [one.id for one in mine])).values())
            else:
                return
        raise Conflict("contacts change faster than they can be unlinked")

    def _after(self, contact: Contact, connection: Connection) -> Contact | None:
        if contact.link is Link.REMOVED or connection.closing is ContactsOnDisconnect.DELETE:
            return None
        return replace(unlinked(contact, Moment("", 0, self.now().isoformat().replace("+00:00", "Z"))), run="", page=0)

    async def _finish(self, connection: Connection, agenda: Agenda, partition: Partition) -> None:
        """The connection without its tenant; its list stays, with all who are in it, counted anew."""
        tally = await self.contacts.tally(partition)
        shown = 0
        async for rows in self.contacts.scan(partition, ScanRow):
            shown += sum(row.link in (Link.LINKED, Link.UNLINKED, Link.LOCAL) for row in rows)
        totals = Totals(contacts=shown - tally.contacts, linked=-tally.linked)
        ended = replace(connection, tenant_id=None, closing=None)
        agenda = replace(agenda, totals=totals, lease_owner=None, lease_until=None)
        await self.workspaces.save(agenda, connection_operation(ended))
