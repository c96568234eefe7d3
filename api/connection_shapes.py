"""What callers are told of the connection, its list and the fields (spec §7)."""

from collections.abc import Iterable

import msgspec

from api.moments import Moment
from mapping.configuration import DEFAULT_MAPPINGS, FieldMapping
from mapping.contact_fields import ContactField
from mapping.fields import DIRECTORY_FIELDS, NEEDED_FIELDS, Kind
from workspace.connection import LIST_DESCRIPTION, Connection, ConnectionState, Permission, Stage


class Tenant(msgspec.Struct, frozen=True, rename="camel"):
    """The Entra tenant that a workspace is connected to."""

    id: str
    display_name: str


class ListName(msgspec.Struct, frozen=True):
    """The synced list."""

    id: str
    name: str


class PauseShape(msgspec.Struct, frozen=True):
    """Who paused syncing, by name, and when."""

    at: Moment
    by: str


class IntegrationShape(msgspec.Struct, frozen=True, rename="camel"):
    """The card on the Integrations page.

    `permission`, `permissionError`, `pause`, `endedBy`, `connectedAt` and `connectedBy` go beyond spec §7.
    `endedBy`, for administrators, names the organisation's administrator who ended the connection from elsewhere.
    """

    can_configure: bool
    disabled_reason: str | None
    connection: ConnectionState
    tenant: Tenant | None
    permission: Permission | None
    permission_error: str | None
    pause: PauseShape | None
    ended_by: str | None
    list: ListName | None
    connected_at: Moment | None
    connected_by: str | None


def connection_shape(connection: Connection | None, *, is_admin: bool, ask_admin: str) -> IntegrationShape:
    tenant = None
    if connection is not None and connection.tenant_id is not None and connection.closing is None:
        tenant = Tenant(connection.tenant_id, connection.tenant_name)
    return IntegrationShape(
        can_configure=is_admin,
        disabled_reason=None if is_admin else ask_admin,
        connection=connection.state if connection else ConnectionState.PERMISSIONS_REQUIRED,
        tenant=tenant,
        permission=connection.permission if connection and tenant else None,
        permission_error=connection.permission_error if connection and tenant else None,
        pause=_pause(connection),
        ended_by=connection.ended_by if connection and is_admin else None,
        list=ListName(connection.list_id, connection.list_name) if connection else None,
        connected_at=connection.connected_at if connection and tenant else None,
        connected_by=connection.connected_by or None if connection and tenant else None,
    )


def _pause(connection: Connection | None) -> PauseShape | None:
    if connection is None or connection.stage is not Stage.PAUSED or connection.pause is None:
        return None
    return PauseShape(connection.pause.at, connection.pause.by)


class ContactList(msgspec.Struct, frozen=True):
    """A contact list."""

    id: str
    name: str
    description: str
    synced: bool


def list_shape(connection: Connection) -> ContactList:
    return ContactList(connection.list_id, connection.list_name, LIST_DESCRIPTION, synced=True)


class ContactLists(msgspec.Struct, frozen=True, rename="camel"):
    """The workspace's lists."""

    contact_lists: list[ContactList]
    continuation: str | None


class DirectoryFieldShape(msgspec.Struct, frozen=True):
    """A directory field that can be mapped."""

    name: str
    label: str
    kind: Kind


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """What can be mapped to what. `neededFields`, which are always asked for, go beyond spec §7."""

    directory_fields: list[DirectoryFieldShape]
    contact_fields: list[ContactField]
    default_mappings: tuple[FieldMapping, ...]
    needed_fields: tuple[str, ...]


def fields_shape(targets: Iterable[ContactField]) -> Fields:
    offered = [DirectoryFieldShape(one.name, one.label, one.kind) for one in DIRECTORY_FIELDS.values()]
    return Fields(offered, list(targets), DEFAULT_MAPPINGS, NEEDED_FIELDS)
