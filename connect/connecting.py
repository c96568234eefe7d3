"""Connects a workspace to a proven tenant, and disconnects it (spec §2).

Right after a consent the permission may still be spreading in Entra: then the connection says so, and the worker
tries again by itself for an hour, with a new credential each time.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

import limits
from directory.credentials import TenantId
from directory.delta import read_page
from directory.graph import Graph
from directory.organization import organization_name
from errors import ConnectorError, ConsentLost, CredentialRejected, Refused
from mapping.fields import NEEDED_FIELDS
from storage.queue import MessageQueue
from storage.transaction import Operation
from sync.messages import Disconnect, TryPermission, write_message
from sync.requests import RunRequests
from sync.schedule import Schedule
from workspace.connection import (
    Connection,
    ConnectionEvent,
    ContactsOnDisconnect,
    ListId,
    Stage,
    WorkspaceId,
    list_name_of,
    named,
    tenant_of,
)
from workspace.run import Event, Mode, Request, Run, RunId, RunState, Trigger
from workspace.state import SyncState, ask
from workspace.store import Update, WorkspaceStore, run_operation


class OtherTenant(Refused):
    """The workspace is connected to another organisation."""

    code = "other_tenant"
    status = 409


@dataclass(frozen=True, slots=True)
class Outsider:
    """A proven administrator of a tenant, who is not of the workspace: by name and user name."""

    tenant: TenantId
    name: str


@dataclass(frozen=True, slots=True)
class Connecting:
    """Makes, proves and ends connections."""

    workspaces: WorkspaceStore
    schedule: Schedule
    requests: RunRequests
    queue: MessageQueue
    graph: Graph
    now: Callable[[], datetime]

    async def connect(
        self, workspace: WorkspaceId, tenant: TenantId, organisation: str, by: str, record: Operation
    ) -> None:
        """Join a proven tenant to a workspace, by an administrator of this name, and try the permission at once.

        Raises:
            OtherTenant
        """

        def join(connection: Connection | None, state: SyncState) -> Update:
            joined = _joined(connection, workspace, tenant, organisation, self.now())
            return replace(joined, connected_by=by), state, [record]

        # Before the connection is there: the timer must never miss a workspace that syncs.
        await self.schedule.enrol(workspace)
        connection, _ = await self.workspaces.update(workspace, join)
        assert connection is not None
        await self.try_permission(connection)

    async def try_permission(self, connection: Connection) -> None:
        """Prove a grant by using it: a new token and one small request. While it fails, queue the next try."""
        workspace, tenant = connection.workspace_id, tenant_of(connection)
        failure: ConnectorError | None = None
        # A token from before the consent has no role for its whole life (facts/graph.md 5.3).
        await self.graph.renew(tenant)
        try:
            answer = await self.graph.get(tenant, self.graph.users_delta(NEEDED_FIELDS))
            read_page(answer, carried_token=False)
        except ConnectorError as error:
            failure = error
        name = await organization_name(self.graph, tenant) if failure is None else None
        new_id = self.requests.new_id()

        def settle(stored: Connection | None, state: SyncState) -> Update:
            if stored is None or stored.connected_at != connection.connected_at:
                return None, state, ()  # Another grant came in between, or a disconnect.
            if failure is None:
                return _let_in(named(stored, name) if name else stored, state, new_id, self.now())
            # A connection that worked until now may have runs; one that is still spreading has none.
            kept_out = _kept_out(stored, failure, self.now())
            if kept_out is None or stored.stage is Stage.SPREADING:
                return kept_out, state, ()
            state, ended = _without_runs(state, self.now())
            return kept_out, state, [run_operation(run) for run in ended]

        now_stored, state = await self.workspaces.update(workspace, settle)
        if now_stored is not None and now_stored.stage is Stage.SPREADING:
            age = (self.now() - connection.connected_at).total_seconds()
            # Each try waits longer: 5 s, then half the time since the grant, at most 5 minutes.
            pause = min(max(age / 2, limits.FIRST_PERMISSION_PAUSE_SECONDS), limits.LONGEST_PERMISSION_PAUSE_SECONDS)
            await self.queue.send(write_message(TryPermission(workspace)), pause)
        else:
            await self.requests.wake(state)

    async def disconnect(
        self,
        workspace: WorkspaceId,
        contacts: ContactsOnDisconnect,
        record: Operation,
        outsider: Outsider | None = None,
    ) -> None:
        """Stop syncing now; the contacts are unlinked or deleted in the background. Repeating it changes nothing.

        With an `outsider`, only a connection to that outsider's tenant ends, and its page tells who ended it.

        The worker that holds the lease fails its next write of the sync state (ETag mismatch) and stops.
        """

        def end(connection: Connection | None, state: SyncState) -> Update:
            if connection is None or connection.stage in (Stage.NONE, Stage.CLOSING):
                return None, state, ()
            # Between the outsider's look and this write, the workspace may have joined another tenant.
            if outsider is not None and connection.tenant_id != outsider.tenant:
                return None, state, ()
            ended_by = outsider.name if outsider is not None else None
            closing = replace(connection.after(ConnectionEvent.DISCONNECTED), closing=contacts, ended_by=ended_by)
            state, ended = _without_runs(state, self.now())
            state = replace(state, delta_link=None, select=(), applied_version=0, verification=None, missing_since=None)
            return closing, state, [record, *(run_operation(run) for run in ended)]

        connection, _ = await self.workspaces.update(workspace, end)
        # Also when it was closing before: the message of the first click may be lost.
        if connection is not None and connection.stage is Stage.CLOSING:
            await self.queue.send(write_message(Disconnect(workspace)))


def _without_runs(state: SyncState, now: datetime) -> tuple[SyncState, list[Run]]:
    """The state when syncing stops, and the runs that end with it.

    The lease stays with the worker that holds it. That worker fails its next write of the state, and a disconnect waits
    until the lease has lapsed, so that no write of the run comes later.
    """
    runs = [run for run in (state.run, state.follow_up, state.waiting) if run is not None]
    ended = [run.ended(_ENDS.get(run.state, Event.CANCELLED), now) for run in runs]
    # The run that went on comes first: it is the one that the page showed.
    last = ended[0] if ended else state.last
    return replace(state, run=None, follow_up=None, waiting=None, last=last), ended


_ENDS = {RunState.AWAITING_APPROVAL: Event.DISCARDED}


def _joined(
    connection: Connection | None, workspace: WorkspaceId, tenant: TenantId, organisation: str, now: datetime
) -> Connection:
    """Raises: OtherTenant."""
    if connection is None:
        list_id, list_name = ListId(str(uuid.uuid4())), list_name_of(organisation)
        return Connection(workspace, Stage.SPREADING, tenant, organisation, list_id, list_name, now, joined_at=now)
    if connection.stage is Stage.CLOSING:
        raise OtherTenant("The former connection is still being ended. Try again in a minute.")
    # The contacts carry the old tenant's object ids: the next full run would take all of them for leavers.
    if connection.tenant_id not in (None, tenant):
        raise OtherTenant("This workspace is connected to another organisation. Disconnect it first.")
    if connection.tenant_id is None:
        connection = replace(named(connection, organisation), joined_at=now)
    joined = replace(connection, tenant_id=tenant, connected_at=now, permission_error=None, ended_by=None)
    return joined.after(ConnectionEvent.JOINED)


def _let_in(connection: Connection, state: SyncState, new_id: RunId, now: datetime) -> Update:
    """A permission that works. A connection that was configured before goes on, with a full run (spec §2)."""
    event = ConnectionEvent.RESUMED if connection.configured else ConnectionEvent.LET_IN
    granted = replace(connection.after(event), permission_error=None)
    # What happened while the consent was lost is unknown, and the delta link may be too old: a full run finds out.
    if granted.stage is Stage.ACTIVE and connection.stage is not Stage.ACTIVE:
        request = Request(connection.workspace_id, Mode.FULL, Trigger.RECOVERY)
        state, _ = ask(replace(state, delta_link=None), request, new_id, now)
    return granted, state, ()


def _kept_out(connection: Connection, failure: ConnectorError, now: datetime) -> Connection | None:
    """A permission that does not work: not yet, or not within an hour (spec §2)."""
    if connection.stage is Stage.PAUSED:
        return None  # The first run after the pause finds out.
    if connection.stage in (Stage.GRANTED, Stage.ACTIVE):
        # It was joined while it worked. Only Microsoft's refusal says that it does not work now.
        return connection.after(ConnectionEvent.KEPT_OUT) if isinstance(failure, ConsentLost) else None
    # Our own credential's fault says nothing about the tenant: that waits for our operator, however long.
    if now - connection.connected_at <= limits.SPREADING or isinstance(failure, CredentialRejected):
        return None
    reason = f"Microsoft did not let emu.chat in within an hour ({failure})."
    return replace(connection.after(ConnectionEvent.GAVE_UP), permission_error=reason)
