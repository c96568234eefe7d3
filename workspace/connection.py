"""A workspace's link to one Entra tenant: what is stored of it, and the stages of its life (pure; spec §2)."""

import hashlib
import re
from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec
from msgspec.structs import replace

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


class Stage(StrEnum):
    """Where a connection stands in its life."""

    NONE = "none"
    """There is no tenant: never connected, or disconnected. The list of a former connection stays."""
    SPREADING = "spreading"
    """A grant is proven, but Microsoft does not let the app in everywhere yet."""
    REFUSED = "refused"
    """Microsoft did not let the app in within an hour."""
    GRANTED = "granted"
    """The permission works. A configuration is still to be saved."""
    ACTIVE = "active"
    """It syncs."""
    PAUSED = "paused"
    """An administrator paused it: the configuration stands, and no run of the directory starts."""
    LOST = "lost"
    """Microsoft says that consent is gone, or the tenant is."""
    CLOSING = "closing"
    """Disconnected; its contacts are being unlinked or deleted."""


class ConnectionEvent(StrEnum):
    """What can happen to a connection."""

    JOINED = "joined"
    """An administrator completed a grant attempt."""
    KEPT_OUT = "kept_out"
    """Microsoft refuses a permission that was just granted."""
    GAVE_UP = "gave_up"
    """The same, for longer than an hour."""
    LET_IN = "let_in"
    """The permission works, and nothing is configured."""
    RESUMED = "resumed"
    """The permission works, and the configuration of before stands."""
    CONFIGURED = "configured"
    PAUSED = "paused"
    """An administrator pauses syncing."""
    UNPAUSED = "unpaused"
    """An administrator lets syncing go on."""
    CONSENT_LOST = "consent_lost"
    DISCONNECTED = "disconnected"
    CLOSED = "closed"
    """The contacts of an ended connection are unlinked or deleted."""


_S, _E = Stage, ConnectionEvent
NEXT: dict[tuple[Stage, ConnectionEvent], Stage] = {
    **{(stage, _E.JOINED): _S.SPREADING for stage in (_S.NONE, _S.SPREADING, _S.REFUSED, _S.LOST)},
    # Joining a connection that works leaves it working, unless Microsoft refuses the new grant.
    **{(stage, _E.KEPT_OUT): _S.SPREADING for stage in (_S.GRANTED, _S.ACTIVE)},
    (_S.SPREADING, _E.GAVE_UP): _S.REFUSED,
    (_S.SPREADING, _E.LET_IN): _S.GRANTED,
    (_S.SPREADING, _E.RESUMED): _S.ACTIVE,
    **{(stage, _E.CONFIGURED): _S.ACTIVE for stage in (_S.GRANTED, _S.ACTIVE)},
    # A configuration that is saved, or a grant that is made, while it is paused leaves it paused.
    (_S.ACTIVE, _E.PAUSED): _S.PAUSED,
    (_S.PAUSED, _E.UNPAUSED): _S.ACTIVE,
    **{(stage, _E.CONSENT_LOST): _S.LOST for stage in (_S.GRANTED, _S.ACTIVE)},
    **{(stage, _E.DISCONNECTED): _S.CLOSING for stage in _S if stage not in (_S.NONE, _S.CLOSING)},
    (_S.CLOSING, _E.CLOSED): _S.NONE,
}


def next_stage(stage: Stage, event: ConnectionEvent) -> Stage:
    """The stage after an event; one that does not fit, of a message that came late, leaves it alone."""
    return NEXT.get((stage, event), stage)


class ConnectionState(StrEnum):
    """The states that callers are told (spec §2, §6, §7)."""

    PERMISSIONS_REQUIRED = "permissions_required"
    NOT_CONFIGURED = "not_configured"
    ACTIVE = "active"
    PAUSED = "paused"


class Permission(StrEnum):
    """How the last grant stands, as callers are told."""

    GRANTED = "granted"
    SPREADING = "spreading"
    FAILED = "failed"


_TOLD = {
    Stage.GRANTED: ConnectionState.NOT_CONFIGURED,
    Stage.ACTIVE: ConnectionState.ACTIVE,
    Stage.PAUSED: ConnectionState.PAUSED,
}
_PERMISSION = {Stage.SPREADING: Permission.SPREADING, Stage.REFUSED: Permission.FAILED}


class ContactsOnDisconnect(StrEnum):
    KEEP = "keep"
    DELETE = "delete"


class Pause(msgspec.Struct, frozen=True):
    """Who paused a connection, by name, and when."""

    at: datetime
    by: str


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    """A connection. It outlives lost consent, and a disconnect leaves it without a tenant where its list stays.

    `list_name` is automatic while `list_follows` holds; a person who renames the list ends that. `closing` says what
    becomes of the contacts while the stage is CLOSING, `forget` that all rows of the workspace go with them.
    `permission_error` is why Microsoft did not let the app in. `pause` is told while the stage is PAUSED. `ended_by`
    names the administrator of the organisation who ended the connection from another workspace's grant; None where the
    workspace's own people ended it. `connected_by` is an administrator's name, or '' in an old row. `joined_at`: since
    when it is this tenant's, however often consent was renewed.
    """

    workspace_id: WorkspaceId
    stage: Stage
    tenant_id: TenantId | None
    tenant_name: str
    list_id: ListId
    list_name: str
    connected_at: datetime
    list_follows: bool = True
    configuration: Configuration = Configuration()
    permission_error: str | None = None
    closing: ContactsOnDisconnect | None = None
    forget: bool = False
    joined_at: datetime | None = None
    pause: Pause | None = None
    ended_by: str | None = None
    connected_by: str = ""
    etag: str = ""

    @property
    def state(self) -> ConnectionState:
        return _TOLD.get(self.stage, ConnectionState.PERMISSIONS_REQUIRED)

    @property
    def permission(self) -> Permission:
        return _PERMISSION.get(self.stage, Permission.GRANTED)

    @property
    def configured(self) -> bool:
        return self.configuration.version > 0

    def after(self, event: ConnectionEvent) -> "Connection":
        return replace(self, stage=next_stage(self.stage, event))


def tenant_of(connection: Connection) -> TenantId:
    """The tenant of a connection that has one: any but one of the stage NONE."""
    assert connection.tenant_id is not None
    return connection.tenant_id


def list_name_of(organisation: str) -> str:
    """`<Org Name> Users` (help article)."""
    return f"{organisation} Users"


def named(connection: Connection, organisation: str) -> Connection:
    """A connection whose organisation has a (new) name; a list that still carries its automatic name follows it."""
    # A person's own name for the list stays, however often the organisation is renamed.
    follows = connection.list_follows
    return replace(
        connection,
        tenant_name=organisation,
        list_name=list_name_of(organisation) if follows else connection.list_name,
    )


def partition_of(workspace_id: WorkspaceId) -> Partition:
    """All rows of one workspace's connection: itself, its sync state, runs, journal pages, audit."""
    return Partition(TABLE, workspace_id)


def connection_operation(connection: Connection) -> Operation:
    """Write a connection's row: insert it when it was never read, else replace exactly what was read."""
    columns = document_columns(replace(connection, etag=""))
    # For an operator who looks into the table; the code reads the document alone.
    columns |= {"state": connection.state.value, "tenantId": connection.tenant_id}
    if not connection.etag:
        return Operation(Verb.INSERT, CONNECTION_KEY, columns)
    return Operation(Verb.REPLACE, CONNECTION_KEY, columns, connection.etag)


class _Former(msgspec.Struct, rename="camel"):
    """How a row of before 2026-11-25 says the stage: a state, a permission, and whether it is closing."""

    tenant_id: str | None = None
    state: ConnectionState | None = None
    permission: Permission = Permission.GRANTED
    closing: ContactsOnDisconnect | None = None
    stage: Stage | None = None


def read_connection(row: DocumentRow) -> Connection:
    """The inverse of `connection_operation`; a row that an older version wrote as well."""
    former = row.read(_Former)
    if former.stage is None:
        row = row.with_field("stage", _stage_of(former))
    return replace(row.read(Connection), etag=row.etag)


def _stage_of(former: _Former) -> Stage:
    # First, because such a row still has the tenant and the state of before.
    if former.closing is not None:
        return Stage.CLOSING
    if former.tenant_id is None:
        return Stage.NONE
    if former.state is ConnectionState.ACTIVE:
        return Stage.ACTIVE
    if former.state is ConnectionState.NOT_CONFIGURED:
        return Stage.GRANTED
    found = {Permission.SPREADING: Stage.SPREADING, Permission.FAILED: Stage.REFUSED}
    return found.get(former.permission, Stage.LOST)


def place_of(workspace_id: WorkspaceId, seconds: int) -> int:
    """A workspace's own place in a span of time, in seconds from its start: always the same, and spread evenly."""
    # Python's own hash differs from process to process, and the place must not.
    return int.from_bytes(hashlib.blake2b(workspace_id.encode(), digest_size=8).digest()) % seconds


def workspace_id(text: str) -> WorkspaceId:
    """A workspace's id, fit to be a key (facts/functions.md 6).

    Raises:
        Refused: when it is not.
    """
    if not _WORKSPACE.fullmatch(text):
        raise Refused("The workspace id is not valid.", {"workspaceId": "letters, digits, '.', '_' and '-' only"})
    return WorkspaceId(text)
