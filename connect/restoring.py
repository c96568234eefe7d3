"""Brings a workspace back from its newest export, a part a message; then a full run does the rest (docs/operations.md).

Rows that are there stay as they are, so that a restore harms nothing and can be repeated from any part. The connection
comes last: until it is there, no run, no timer and no caller touches the workspace.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from connect.exported import Header, Kind, Line, connection_in, contact_of, is_forgotten, unpack
from connect.exports import Exports
from connect.tenants import tenant_partition
from contacts.contact import Contact, partition_of, write_operations
from contacts.custom_fields import TABLE as CUSTOM_FIELDS
from contacts.store import ContactStore
from directory.credentials import TenantId
from errors import Conflict
from storage.queue import MessageQueue
from storage.retry import Sleep, tries
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb, grouped
from sync.messages import Restore, write_message
from sync.requests import RunRequests
from sync.schedule import Schedule
from workspace import connection as workspace_connection
from workspace.connection import Connection, Stage, WorkspaceId, connection_operation
from workspace.journal import JOURNAL_PREFIX
from workspace.run import Mode, Request, Trigger
from workspace.state import SyncState
from workspace.store import Update, WorkspaceStore

log = logging.getLogger(__name__)

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Restoring:
    """Writes back what an export holds and the tables do not."""

    tables: Tables
    workspaces: WorkspaceStore
    contacts: ContactStore
    schedule: Schedule
    requests: RunRequests
    exports: Exports
    queue: MessageQueue
    now: Callable[[], datetime]
    sleep: Sleep

    async def work(self, message: Restore) -> None:
        """Restore one part, and queue the message of the next one; after the last, connect and ask for a full run.

        Raises:
            TryLater
        """
        workspace = message.workspace_id
        parts = await self.exports.parts(workspace, message.day or self.now().date().isoformat())
        if message.part >= len(parts):
            log.error("restore_refused workspace=%s reason=no_export", workspace)
            return
        header, lines = await self._read(parts[message.part], workspace)
        first = lines if message.part == 0 else (await self._read(parts[0], workspace))[1]
        exported = connection_in(first)
        if not await self._may_come_back(exported):
            log.error("restore_refused workspace=%s reason=connected_otherwise", workspace)
            return
        marks = await self.exports.forgotten(workspace)
        await self._write_history(workspace, lines, journals=not marks)
        people = [contact_of(line) for line in lines if line.kind is Kind.CONTACT]
        kept = [one for one in people if not is_forgotten(one, workspace, marks)]
        await self._write_contacts(partition_of(workspace, header.list_id), kept)
        if message.part + 1 < len(parts):
            # The day is part of the message, so that an export which ends meanwhile does not take its place.
            day = parts[0].rpartition("/")[0].rpartition("/")[2]
            await self.queue.send(write_message(Restore(workspace, day, message.part + 1)))
            return
        await self._finish(exported, first)

    async def _read(self, name: str, workspace: WorkspaceId) -> tuple[Header, list[Line]]:
        content = await self.exports.get(name)
        assert content is not None  # It was listed just now, and nothing deletes a part but a workspace's end.
        return unpack(content, workspace)

    async def _may_come_back(self, exported: Connection) -> bool:
        """Whether the workspace lost its connection, or still has the exported one."""
        stored, _ = await self.workspaces.load(exported.workspace_id)
        # Somebody ended the connection, or made another one, after the export: that was decided later, and stands.
        return stored is None or (
            stored.stage not in (Stage.NONE, Stage.CLOSING)
            and (stored.tenant_id, stored.list_id) == (exported.tenant_id, exported.list_id)
        )

    async def _write_history(self, workspace: WorkspaceId, lines: Sequence[Line], *, journals: bool) -> None:
        """Write audit trail and runs; journals, which hold people's values, only while nobody was forgotten."""
        own = [one for one in lines if one.kind is Kind.WORKSPACE]
        groups = [
            [Operation(Verb.PUT, one.key, one.row)] for one in own if journals or not one.key.startswith(JOURNAL_PREFIX)
        ]
        for batch in grouped(groups):
            operations = [operation for group in batch for operation in group]
            await self.tables.transact(workspace_connection.partition_of(workspace), operations)

    async def _write_contacts(self, partition: Partition, contacts: Sequence[Contact]) -> None:
        """Write the contacts that are not there, each with the rows that find it."""
        for start in range(0, len(contacts), _BATCH):
            missing = contacts[start : start + _BATCH]
            async for last in tries(self.sleep):
                try:
                    await self.contacts.write(partition, [write_operations(None, one) for one in missing])
                    break
                except Conflict:
                    if last:
                        raise
                    # Written by an earlier try, or never lost.
                    there = await self.contacts.read(partition, [one.id for one in missing])
                    missing = [one for one in missing if one.id not in there]

    async def _finish(self, exported: Connection, lines: Sequence[Line]) -> None:
        """Bring back what finds the workspace, then its connection; the next full run reads everybody."""
        workspace = exported.workspace_id
        for line in lines:
            if line.kind is Kind.FIELD:
                await self._insert(Partition(CUSTOM_FIELDS, workspace), Operation(Verb.INSERT, line.key, line.row))
            elif line.kind is Kind.TENANT:
                await self._insert(tenant_partition(TenantId(line.key)), Operation(Verb.INSERT, workspace, line.row))
        await self.schedule.know(workspace)
        if exported.stage is not Stage.NONE:
            await self.schedule.enrol(workspace)

        def bring_back(connection: Connection | None, state: SyncState) -> Update:
            # The contacts are counted by the next run: what is restored was never counted by one.
            return (
                None,
                replace(state, recount=True),
                [] if connection is not None else [connection_operation(exported)],
            )

        connection, _ = await self.workspaces.update(workspace, bring_back)
        if (connection or exported).stage is Stage.ACTIVE:
            await self.requests.request(Request(workspace, Mode.FULL, Trigger.RECOVERY, "restore"))
        log.info("workspace_restored workspace=%s", workspace)

    async def _insert(self, partition: Partition, operation: Operation) -> None:
        try:
            await self.tables.transact(partition, [operation])
        except Conflict:
            return  # It is there.
