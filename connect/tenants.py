"""Which workspaces read a tenant: an index, so that the tenant's own administrators can be told (spec §7, review).

A row too many does no harm: the connection itself is looked at before anybody is told of it. A row is written before
the connection that it tells of, so none is missing.
"""

import contextlib
from datetime import datetime

import msgspec

from directory.credentials import TenantId
from errors import Conflict
from storage.filters import within
from storage.table import Tables
from storage.transaction import Operation, Partition, Verb
from sync.schedule import TABLE
from workspace.connection import Stage, WorkspaceId
from workspace.store import WorkspaceStore


class ConnectedWorkspace(msgspec.Struct, frozen=True, rename="camel"):
    """A workspace that reads the tenant: its name, who connected it, and since when."""

    id: str
    name: str
    connected_by: str
    since: datetime


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    row_key: str = msgspec.field(name="RowKey")
    name: str = ""
    connected_by: str = ""


class TenantIndex:
    """Workspaces by tenant."""

    def __init__(self, tables: Tables, workspaces: WorkspaceStore) -> None:
        self._tables = tables
        self._workspaces = workspaces

    async def join(self, tenant: TenantId, workspace: WorkspaceId, name: str, connected_by: str) -> None:
        """Note that a workspace is about to read a tenant; repeating it changes nothing."""
        columns: dict[str, object] = {"name": name, "connectedBy": connected_by}
        await self._tables.transact(tenant_partition(tenant), [Operation(Verb.PUT, workspace, columns)])

    async def leave(self, tenant: TenantId, workspace: WorkspaceId) -> None:
        """The workspace reads the tenant no more; repeating it changes nothing."""
        with contextlib.suppress(Conflict):  # It was not noted.
            await self._tables.transact(tenant_partition(tenant), [Operation(Verb.DELETE, workspace)])

    async def workspaces(self, tenant: TenantId) -> list[ConnectedWorkspace]:
        """The workspaces that read a tenant, or could as soon as consent is given again."""
        found = []
        async for rows in self._tables.query(TABLE, within(tenant_partition(tenant).key), _Row):
            for row in rows:
                # The connection decides. The row may be left from an attempt that was never completed.
                connection, _ = await self._workspaces.load(WorkspaceId(row.row_key))
                if connection is None or connection.tenant_id != tenant or connection.stage is Stage.CLOSING:
                    continue
                told = ConnectedWorkspace(row.row_key, row.name, row.connected_by, connection.connected_at)
                found.append(told)
        return found


def tenant_partition(tenant: TenantId) -> Partition:
    """A row a workspace that reads the tenant."""
    return Partition(TABLE, f"tenant:{tenant}")
