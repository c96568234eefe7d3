"""What is forgotten: history by its age; and what an operator says, a workspace whole or one person of it.

The latter (docs/operations.md) are queue messages, so that they are repeated until they are done. Neither begins while
a worker holds the lease.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

import limits
from connect.disconnecting import Disconnecting
from connect.exports import Exports
from contacts.contact import Contact, partition_of, write_operations
from contacts.store import ContactStore
from errors import Conflict
from mapping.contact_fields import matching_email
from mapping.fields import ObjectId
from storage.queue import MessageQueue
from storage.retry import Sleep, tries
from storage.transaction import Partition
from sync.messages import ForgetPerson, write_message
from sync.schedule import Schedule
from workspace.connection import Connection, ContactsOnDisconnect, Stage, WorkspaceId
from workspace.state import SyncState
from workspace.store import Update, WorkspaceStore

log = logging.getLogger(__name__)

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Deletes what is stored of a workspace or of a person."""

    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    disconnecting: Disconnecting
    exports: Exports
    queue: MessageQueue
    now: Callable[[], datetime]
    sleep: Sleep

    async def workspace(self, workspace: WorkspaceId) -> None:
        """Delete every row of a workspace: as a disconnect does, and then the rest. Repeating it changes nothing.

        Raises:
            TryLater
        """
        # As a disconnect, so that a run's worker stops and no contact is written after it was deleted.
        connection, state = await self.workspaces.update(workspace, _to_be_forgotten)
        if connection is not None:
            await self.disconnecting.work(connection, state)
            return
        await self.workspaces.erase(workspace)
        await self.exports.forget(workspace)
        await self.schedule.forget(workspace)

    async def old(self, workspace: WorkspaceId) -> None:
        """Delete what is older than history is kept for. Repeating it changes nothing.

        Raises:
            TryLater
        """
        await self.workspaces.prune(workspace, self.now())
        connection, _ = await self.workspaces.load(workspace)
        if connection is not None:
            partition = partition_of(workspace, connection.list_id)
            await self.contacts.edit_journal.prune(partition, self.now() - limits.HISTORY)

    async def person(self, message: ForgetPerson, connection: Connection | None, state: SyncState) -> None:
        """Delete a person's contacts, and take the person out of the history. Repeating it changes nothing.

        Who is still in the directory and in scope comes back with the next run: that is decided there.

        Raises:
            TryLater
        """
        if connection is None:
            return
        # A run's worker knows the person from its page and would write the contact again.
        if state.leased(self.now()) and state.lease_until is not None:
            wait = (state.lease_until - self.now()).total_seconds() + limits.MARGIN_SECONDS
            await self.queue.send(write_message(message), wait)
            return
        lease_until = self.now() + limits.LEASE
        # The lease keeps runs out until the history is clean. The samples name people whose removal waits.
        held = replace(state.without_samples(), lease_owner=uuid.uuid4().hex, lease_until=lease_until)
        held = await self.workspaces.save(held)
        partition = partition_of(message.workspace_id, connection.list_id)
        # An operator may give an id or an address; an id can stand in no field of an address.
        address = matching_email(message.person) if "@" in message.person else None
        found, held = await self._contacts_of(partition, message.person.lower(), address, held)
        ids = {message.person.lower(), *(one.id for one in found), *(one.source_id for one in found if one.source_id)}
        held = await self._renewed(held)
        ids |= await self._gone(message.workspace_id, partition, ids, address)
        held = await self._renewed(held)
        # Exports are not rewritten, they end by their age. Until then no restore brings the person back.
        await self.exports.note_forgotten(message.workspace_id, {*ids, address} if address is not None else ids)
        # Before the contacts: an interrupted attempt learns the ids from them once more.
        await self.workspaces.erase_person(message.workspace_id, ids, address)
        held = await self._renewed(held)
        await self.contacts.edit_journal.forget_person(partition, ids, address)
        await self._forget_left(partition, ids, address)
        await self._delete(partition, found)
        held = await self._renewed(held)
        # Somebody may have edited one of them until just now.
        await self.contacts.edit_journal.forget_person(partition, ids, address)
        await self.workspaces.save(held.without_lease())
        log.info("person_forgotten workspace=%s contacts=%d", message.workspace_id, len(found))

    async def _gone(
        self, workspace: WorkspaceId, partition: Partition, ids: Collection[str], address: str | None
    ) -> set[str]:
        """Ids of which the history tells that they are the same person's, and that have no contact any more.

        Who still has one has another address by now, and a run that goes on must find that user on its pages.
        """
        told = await self.workspaces.ids_about(workspace, ids, address)
        told |= await self.contacts.edit_journal.ids_about(partition, ids, address)
        there = await self.contacts.read(partition, told)
        users = await self.contacts.of_users(partition, [ObjectId(one) for one in told])
        return told - there.keys() - users.contacts.keys()

    async def _forget_left(self, partition: Partition, ids: set[str], address: str | None) -> None:
        """Rows that are left to the next run hold users' values too; those of other people stay."""
        _, left = await self.contacts.touched(partition)
        await self.contacts.taken_up(partition, [one for one in left if one.is_about(ids, address)])

    async def _delete(self, partition: Partition, found: Sequence[Contact]) -> None:
        async for last in tries(self.sleep):
            try:
                await self.contacts.write(partition, [write_operations(one, None) for one in found])
            except Conflict:
                if last:
                    raise
                # A person edits one of them: what is stored now is deleted.
                stored = await self.contacts.read(partition, [one.id for one in found])
                found = list(stored.values())
            else:
                return

    async def _contacts_of(
        self, partition: Partition, person: str, address: str | None, held: SyncState
    ) -> tuple[list[Contact], SyncState]:
        """The contacts with an id or an address, in the fields or among the directory's values."""
        found: list[Contact] = []
        position = ""
        while True:
            contacts, position = await self.contacts.page(partition, _PAGE, position)
            for one in contacts:
                # Any field, because an administrator may map an address to a field of another name.
                values = {value.lower() for value in (*one.fields.values(), *one.source.values())}
                if person in (one.id, one.source_id) or (address is not None and address in values):
                    found.append(one)
            if not position:
                return found, held
            # Renewed page by page: a long list takes longer than a lease.
            held = await self._renewed(held)

    async def _renewed(self, held: SyncState) -> SyncState:
        return await self.workspaces.save(replace(held, lease_until=self.now() + limits.LEASE))


def _to_be_forgotten(connection: Connection | None, state: SyncState) -> Update:
    """A connection that ends, with everything. The lease stays with the worker that holds it, which stops then."""
    # Nothing to do, or it is going on: the message was repeated.
    if connection is None or connection.forget:
        return None, state, ()
    closing = replace(connection, stage=Stage.CLOSING, closing=ContactsOnDisconnect.DELETE, forget=True)
    return closing, replace(state, run=None, follow_up=None, waiting=None, delta_link=None), ()
