"""Connects a workspace to a proven tenant, and disconnects it (spec §2).

Right after a consent the permission may still be spreading in Entra: then the connection says so, and tries again by
itself, with a new credential each time, for an hour.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from directory.credentials import Credentials, TenantId
from directory.delta import read_page
from directory.graph import Graph
from directory.organization import organization_name
from errors import ConnectorError, CredentialRejected, Refused
from mapping.fields import NEEDED_FIELDS
from storage.queue import MessageQueue
from storage.transaction import Operation
from sync.messages import StartMessage, write_message
from sync.runs import Runs
from sync.schedule import Schedule
from workspace.connection import (
    Connection,
    ConnectionState,
    ContactsOnDisconnect,
    ListId,
    Permission,
    WorkspaceId,
    list_name_of,
    named,
    tenant_of,
)
from workspace.run import Event, Mode, Request, Run, RunId, RunState, Trigger
from workspace.state import Agenda, ask
from workspace.store import Update, Workspaces, run_operation

SPREADING = timedelta(hours=1)
"""How long a new permission is waited for (spec §2)."""

_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 300.0


class OtherTenant(Refused):
    """The workspace is connected to another organisation."""

    code = "other_tenant"
    status = 409


@dataclass(frozen=True, slots=True)
class Connecting:
    """Makes, proves and ends connections."""

    workspaces: Workspaces
    schedule: Schedule
    runs: Runs
    queue: MessageQueue
    graph: Graph
    credentials: Credentials
    now: Callable[[], datetime]

    async def connect(self, workspace: WorkspaceId, tenant: TenantId, organisation: str, record: Operation) -> None:
        """Join a proven tenant to a workspace, and try the permission at once.

        Raises:
            OtherTenant
        """

        def join(connection: Connection | None, agenda: Agenda) -> Update:
            joined = _joined(connection, workspace, tenant, organisation, self.now())
            return joined, replace(agenda, delta_link=None), [record]

        await self.schedule.enrol(workspace)
        connection, _ = await self.workspaces.update(workspace, join)
        assert connection is not None
        await self.try_permission(connection)

    async def try_permission(self, connection: Connection) -> None:
        """Prove a grant by using it: a new token and one small request. While it fails, queue the next try."""
        workspace, tenant = connection.workspace_id, tenant_of(connection)
        failure: ConnectorError | None = None
        await self.credentials.renew(tenant)
        try:
            answer = await self.graph.get(tenant, self.graph.users_delta(NEEDED_FIELDS))
            read_page(answer, carried_token=False)
        except ConnectorError as error:
            failure = error
        name = await organization_name(self.graph, tenant) if failure is None else None
        # Our own credential's fault says nothing about the tenant: that waits for our operator, however long.
        over = self.now() - connection.connected_at > SPREADING and not isinstance(failure, CredentialRejected)
        new_id = self.runs.new_id()

        def settle(stored: Connection | None, agenda: Agenda) -> Update:
            if stored is None or stored.connected_at != connection.connected_at or not _spreads(stored):
                return None, agenda, ()
            if failure is None:
                return _granted(named(stored, name) if name else stored, agenda, new_id, self.now())
            if over:
                reason = f"Microsoft did not let emu.chat in within an hour ({failure})."
                return replace(stored, permission=Permission.FAILED, permission_error=reason), agenda, ()
            return None, agenda, ()

        _, agenda = await self.workspaces.update(workspace, settle)
        if failure is None:
            await self.runs.wake(agenda)
        elif not over:
            age = (self.now() - connection.connected_at).total_seconds()
            pause = min(max(age / 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
            await self.queue.send(write_message(StartMessage(workspace, Mode.DELTA, "consent")), pause)

    async def disconnect(self, workspace: WorkspaceId, contacts: ContactsOnDisconnect, record: Operation) -> None:
        """Stop syncing now; the contacts are seen to in the background. Repeating it changes nothing.

        Whoever is at work for this connection fails at his next write of the agenda, and writes no more.
        """

        def end(connection: Connection | None, agenda: Agenda) -> Update:
            if connection is None or connection.tenant_id is None or connection.closing is not None:
                return None, agenda, ()
            closing = replace(connection, state=ConnectionState.PERMISSIONS_REQUIRED, closing=contacts)
            ended = [
                _ended(run, self.now()) for run in (agenda.run, agenda.follow_up, agenda.waiting) if run is not None
            ]
            # The lease stays with whoever holds it: the contacts are touched only when he is surely done.
            agenda = replace(
                agenda,
                run=None,
                follow_up=None,
                waiting=None,
                last=ended[0] if ended else agenda.last,
                delta_link=None,
                select=(),
                applied_version=0,
            )
            return closing, agenda, [record, *(run_operation(run) for run in ended)]

        connection, _ = await self.workspaces.update(workspace, end)
        if connection is not None and connection.closing is not None:
            await self.queue.send(write_message(StartMessage(workspace, Mode.DELTA, "disconnect")))


def _joined(
    connection: Connection | None, workspace: WorkspaceId, tenant: TenantId, organisation: str, now: datetime
) -> Connection:
    """Raises: OtherTenant."""
    if connection is None:
        return Connection(
            workspace,
            ConnectionState.PERMISSIONS_REQUIRED,
            tenant,
            organisation,
            ListId(str(uuid.uuid4())),
            list_name_of(organisation),
            now,
            permission=Permission.SPREADING,
        )
    if connection.closing is not None:
        raise OtherTenant("The former connection is still being ended. Try again in a minute.")
    if connection.tenant_id not in (None, tenant):
        raise OtherTenant("This workspace is connected to another organisation. Disconnect it first.")
    if connection.tenant_id is None:
        connection = named(connection, organisation)
    if connection.state is not ConnectionState.PERMISSIONS_REQUIRED:
        return replace(connection, connected_at=now, permission=Permission.SPREADING)
    return replace(
        connection, tenant_id=tenant, connected_at=now, permission=Permission.SPREADING, permission_error=None
    )


def _granted(connection: Connection, agenda: Agenda, new_id: RunId, now: datetime) -> Update:
    """A connection that was configured before goes on, with a full run (spec §2)."""
    configured = connection.configuration.version > 0
    state = ConnectionState.ACTIVE if configured else ConnectionState.NOT_CONFIGURED
    granted = replace(connection, state=state, permission=Permission.GRANTED, permission_error=None)
    if configured:
        agenda, _ = ask(agenda, Request(connection.workspace_id, Mode.FULL, Trigger.RECOVERY), new_id, now)
    return granted, agenda, ()


def _spreads(connection: Connection) -> bool:
    return connection.permission is Permission.SPREADING and connection.closing is None


def _ended(run: Run, now: datetime) -> Run:
    event = Event.DISCARDED if run.state is RunState.AWAITING_APPROVAL else Event.CANCELLED
    return replace(run.after(event), completed_at=now, cursor=None, delta_link=None)
