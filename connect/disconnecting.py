"""The end of a connection: its contacts are unlinked or deleted, in slices (spec §2)."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

import limits
from connect.exports import Exports
from connect.tenants import TenantIndex
from contacts.contact import Contact, Link, partition_of, write_operations
from contacts.custom_fields import TABLE as CUSTOM_FIELDS
from contacts.store import ContactStore
from errors import Conflict
from storage.queue import MessageQueue
from storage.retry import Sleep, tries
from storage.transaction import Partition
from sync.messages import Disconnect, write_message
from sync.removals import unlinked
from sync.schedule import Schedule
from sync.subscribing import Subscribing
from sync.writes import Stamp
from workspace.connection import (
    Connection,
    ConnectionEvent,
    ContactsOnDisconnect,
    WorkspaceId,
    connection_operation,
)
from workspace.outbox import Outbox
from workspace.state import SyncState, Totals
from workspace.store import WorkspaceStore

log = logging.getLogger(__name__)

_PAGE = 500
_KEPT = {
    ContactsOnDisconnect.KEEP: (Link.UNLINKED, Link.LOCAL),
    # Who left the directory earlier came from it all the same.
    ContactsOnDisconnect.DELETE: (Link.LOCAL,),
}
"""The contacts that stay as they are."""


@dataclass(frozen=True, slots=True)
class Disconnecting:
    """Unlinks or deletes the contacts of a connection that was ended."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    tenants: TenantIndex
    exports: Exports
    outbox: Outbox
    subscribing: Subscribing
    queue: MessageQueue
    slice_seconds: int
    now: Callable[[], datetime]
    sleep: Sleep

    async def work(self, connection: Connection, state: SyncState) -> None:
        """Do a slice of it. Safe to repeat from any line: what is done already is left alone.

        Raises:
            TryLater
        """
        workspace = connection.workspace_id
        # A run's worker may still write contacts until it notices, at its next checkpoint at the latest.
        if state.leased(self.now()) and state.lease_until is not None:
            wait = (state.lease_until - self.now()).total_seconds()
            await self._queue(workspace, wait + limits.MARGIN_SECONDS)
            return
        owner, until = uuid.uuid4().hex, time.monotonic() + self.slice_seconds
        state = await self._hold(replace(state, lease_owner=owner))
        if state.bell is not None and connection.tenant_id is not None:
            await self.subscribing.end(workspace, connection.tenant_id, state.bell)
            state = await self._hold(replace(state, bell=None))
        # If this worker dies, this message resumes the work after the lease.
        await self._queue(workspace, limits.LEASE.total_seconds() + limits.MARGIN_SECONDS)
        partition, position = partition_of(workspace, connection.list_id), ""
        while time.monotonic() < until:
            contacts, position = await self.contacts.page(partition, _PAGE, position)
            state = await self._end_links(partition, contacts, connection, state)
            if not position:
                state = await self._hold(state)
                await self._finish(connection, state, partition)
                return
            state = await self._hold(state)
        await self.workspaces.save(state.without_lease())
        await self._queue(workspace, 0)

    async def _hold(self, state: SyncState) -> SyncState:
        return await self.workspaces.save(replace(state, lease_until=self.now() + limits.LEASE))

    async def _queue(self, workspace: WorkspaceId, delay_seconds: float) -> None:
        await self.queue.send(write_message(Disconnect(workspace)), delay_seconds)

    async def _end_links(
        self, partition: Partition, contacts: list[Contact], connection: Connection, state: SyncState
    ) -> SyncState:
        """Unlink or delete what is linked; what a person removed is forgotten. The state as it stands then."""
        kept = () if connection.forget else _KEPT[connection.closing or ContactsOnDisconnect.KEEP]
        mine = [one for one in contacts if one.link not in kept]
        async for last in tries(self.sleep):
            groups = [write_operations(one, self._after(one, connection)) for one in mine]
            try:
                await self.contacts.write(partition, groups)
            except Conflict:
                if last:
                    raise
                # Another writer was faster. What is stored now is decided about again, by the lease's owner alone: a
                # worker that lost it may meet the contacts of the workspace's next connection here.
                state = await self._hold(state)
                stored = await self.contacts.read(partition, [one.id for one in mine])
                mine = [one for one in stored.values() if one.link not in kept]
            else:
                return state
        raise AssertionError("unreachable")

    def _after(self, contact: Contact, connection: Connection) -> Contact | None:
        if contact.link is Link.REMOVED or connection.closing is ContactsOnDisconnect.DELETE:
            return None
        return unlinked(contact, Stamp("", 0, self.now().isoformat().replace("+00:00", "Z")))

    async def _forget(self, workspace: WorkspaceId, partition: Partition) -> None:
        """Delete the rows that a disconnect leaves; the connection's own last, so that this can be repeated."""
        await self.contacts.erase(partition)
        await self.contacts.erase(Partition(CUSTOM_FIELDS, workspace))
        await self.exports.forget(workspace)
        await self.workspaces.erase(workspace)
        await self.schedule.forget(workspace)
        log.info("workspace_forgotten workspace=%s", workspace)

    async def _finish(self, connection: Connection, state: SyncState, partition: Partition) -> None:
        """The connection without its tenant; its list stays, with all who are in it, counted anew."""
        workspace = connection.workspace_id
        await self.contacts.forget_left(partition)
        if connection.tenant_id is not None:
            await self.tenants.leave(connection.tenant_id, workspace)
        if connection.forget:
            await self.outbox.send(workspace)
            await self._forget(workspace, partition)
            return
        if connection.closing is ContactsOnDisconnect.DELETE:
            await self.workspaces.erase_people(workspace)
            await self.contacts.edit_journal.forget(partition)
            state = state.without_samples()
        totals = Totals(*await self.contacts.count(partition))
        ended = replace(connection.after(ConnectionEvent.CLOSED), tenant_id=None, closing=None)
        # The timer, which sends what was not sent, visits it no more.
        await self.outbox.send(workspace)
        # Before the connection can be joined again, which enrols it anew.
        await self.schedule.leave(workspace)
        await self.workspaces.save(
            replace(state.without_lease(), totals=totals, recount=False), connection_operation(ended)
        )
