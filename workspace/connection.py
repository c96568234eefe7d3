"""A workspace's link to one Entra tenant: what is stored of it, and its states (pure; spec §2)."""

import re
from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from directory.credentials import TenantId
from errors import Refused
from mapping.configuration import Configuration
from storage.document import DocumentRow, document_columns
from storage.transaction import Operation, Partition, Verb

WorkspaceId = NewType("WorkspaceId", str)
ListId = NewType("ListId", str)

TABLE = "Connections"
CONNECTION_KEY = "connection"
LIST_DESCRIPTION = "Synced contacts"
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ConnectionState(StrEnum):
    PERMISSIONS_REQUIRED = "permissions_required"
    NOT_CONFIGURED = "not_configured"
    ACTIVE = "active"


class Permission(StrEnum):
    """How the last grant stands: proven by use, not yet usable everywhere, or not usable within an hour."""

    GRANTED = "granted"
    SPREADING = "spreading"
    FAILED = "failed"


class ContactsOnDisconnect(StrEnum):
    KEEP = "keep"
    DELETE = "delete"


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    """A connection. It outlives lost consent, and a disconnect leaves it without a tenant where its list stays.

    `list_name` is automatic while `list_follows` holds; a person who renames the list ends that. `closing` is set
    from a disconnect until the contacts are seen to.
    """

    workspace_id: WorkspaceId
    state: ConnectionState
    tenant_id: TenantId | None
    tenant_name: str
    list_id: ListId
    list_name: str
    connected_at: datetime
    list_follows: bool = True
    configuration: Configuration = Configuration()
    permission: Permission = Permission.GRANTED
    permission_error: str | None = None
    closing: ContactsOnDisconnect | None = None
    etag: str = ""

    @property
    def spreading(self) -> bool:
        """Whether a new grant is not proven yet, and nothing else goes on meanwhile."""
        return self.permission is Permission.SPREADING and self.state is ConnectionState.PERMISSIONS_REQUIRED


def tenant_of(connection: Connection) -> TenantId:
    """The tenant of a connection that has one: any but one that was disconnected."""
    assert connection.tenant_id is not None
    return connection.tenant_id


def list_name_of(organisation: str) -> str:
    """`<Org Name> Users` (help article)."""
    return f"{organisation} Users"


def named(connection: Connection, organisation: str) -> Connection:
    """A connection whose organisation has a (new) name; a list that still carries its automatic name follows it."""
    follows = connection.list_follows
    return msgspec.structs.replace(
        connection,
        tenant_name=organisation,
        list_name=list_name_of(organisation) if follows else connection.list_name,
    )


def partition_of(workspace_id: WorkspaceId) -> Partition:
    """All rows of one workspace's connection: itself, its agenda, runs, journal pages, audit."""
    return Partition(TABLE, workspace_id)


def connection_operation(connection: Connection) -> Operation:
    """Write a connection's row: insert it when it was never read, else replace exactly what was read."""
    columns = document_columns(msgspec.structs.replace(connection, etag=""))
    columns |= {"state": connection.state.value, "tenantId": connection.tenant_id}
    if not connection.etag:
        return Operation(Verb.INSERT, CONNECTION_KEY, columns)
    return Operation(Verb.REPLACE, CONNECTION_KEY, columns, connection.etag)


def read_connection(row: DocumentRow) -> Connection:
    return msgspec.structs.replace(row.read(Connection), etag=row.etag)


def workspace_id(text: str) -> WorkspaceId:
    """A workspace's id, fit to be a key (facts/functions.md 6).

    Raises:
        Refused: when it is not.
    """
    if not _WORKSPACE.fullmatch(text):
        raise Refused("The workspace id is not valid.", {"workspaceId": "letters, digits, '.', '_' and '-' only"})
    return WorkspaceId(text)
