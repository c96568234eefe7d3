"""What emu.chat is told, as CloudEvents 1.0 (pure; spec §6 'Events'). docs/events.md is made from these shapes.

An event tells of a change of the stored rows, so it is worked out from them as they were and as they become, and its
row is written in the same transaction. Nothing in it is about a person.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime

import msgspec

from storage.document import document_columns
from storage.transaction import Operation, Verb
from workspace.connection import Connection, ContactsOnDisconnect, ListId, Stage, WorkspaceId
from workspace.run import Counts, Run, RunError, RunState
from workspace.state import SyncState

OUTBOX_PREFIX = "outbox:"
FAILURES_TOLD = 3
"""Runs that fail in a row before emu.chat is told, once."""


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """What an event says: each shape below is one, and its name gives the type."""

    list_id: ListId


class Connected(Told, frozen=True):
    """Microsoft lets emu.chat read the tenant: for the first time, or again."""

    tenant_id: str


class Disconnected(Told, frozen=True):
    """An administrator ended the connection. The contacts are unlinked (`keep`) or deleted in the background."""

    contacts: ContactsOnDisconnect


class PermissionLost(Told, frozen=True):
    """Microsoft no longer lets emu.chat read the tenant. Syncing has stopped until an administrator grants again."""

    tenant_id: str


class RemovalsWaiting(Told, frozen=True):
    """A run would remove more people than the guard allows: they wait for an administrator's approval."""

    count: int


class RunFailed(Told, frozen=True):
    """The third run in a row failed (`failing`), with the reason in plain words; or a run completed after that."""

    failing: bool
    error: RunError | None = None


class PeopleSkipped(Told, frozen=True):
    """A run could not store so many people. Its history says whom and why."""

    count: int


class Paused(Told, frozen=True):
    """An administrator paused syncing."""


class Resumed(Told, frozen=True):
    """An administrator lets syncing go on."""


class ListChanged(Told, frozen=True):
    """A run changed contacts of the list: so many were added, linked, updated, removed, unlinked."""

    added: int
    linked: int
    updated: int
    removed: int
    unlinked: int


KINDS: tuple[type[Told], ...] = (
    *(Connected, Disconnected, PermissionLost, RemovalsWaiting, RunFailed, PeopleSkipped, Paused, Resumed),
    ListChanged,
)


def type_of(kind: type[Told]) -> str:
    """`chat.emu.entra.list_changed` for ListChanged."""
    return "chat.emu.entra." + "".join(f"_{one.lower()}" if one.isupper() else one for one in kind.__name__).lstrip("_")


class CloudEvent(msgspec.Struct, frozen=True):
    """The envelope (CloudEvents 1.0, JSON format). `source` is the workspace, `subject` the run, where there is one."""

    id: str
    source: str
    type: str
    time: datetime
    data: dict[str, object]
    subject: str | msgspec.UnsetType = msgspec.UNSET
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

    def json(self) -> str:
        return msgspec.json.encode(self).decode()


def event_of(workspace: WorkspaceId, told: Told, run: Run | None, now: datetime) -> CloudEvent:
    """An event with an id of its own: a copy of it, sent again, has the same."""
    subject = run.id if run is not None else msgspec.UNSET
    source, data = f"/workspaces/{workspace}", msgspec.to_builtins(told)
    return CloudEvent(uuid.uuid4().hex, source, type_of(type(told)), now, data, subject)


def outbox_operation(event: CloudEvent) -> Operation:
    """The row of an event that is to be sent; keys are in the order of time."""
    key = f"{OUTBOX_PREFIX}{int(event.time.timestamp() * 1000):013d}-{event.id}"
    return Operation(Verb.INSERT, key, document_columns(event))


def announcements(
    before: tuple[Connection | None, SyncState], after: tuple[Connection | None, SyncState], now: datetime
) -> list[Operation]:
    """The outbox rows to write when a workspace's rows become `after`; a connection of None there is not written."""
    (old, old_state), (new, state) = before, after
    connection = new or old
    if connection is None:
        return []
    told: list[tuple[Told, Run | None]] = [(one, None) for one in _of_connection(old, connection)]
    told += _of_runs(old_state, state, connection)
    return [outbox_operation(event_of(connection.workspace_id, one, run, now)) for one, run in told]


_WORKS = frozenset({Stage.GRANTED, Stage.ACTIVE, Stage.PAUSED})


def _of_connection(old: Connection | None, new: Connection) -> Iterable[Told]:
    former, stage, tenant = old.stage if old is not None else Stage.NONE, new.stage, new.tenant_id or ""
    if stage in _WORKS and former not in _WORKS:
        yield Connected(new.list_id, tenant)
    if stage is Stage.CLOSING and former is not Stage.CLOSING:
        yield Disconnected(new.list_id, new.closing or ContactsOnDisconnect.KEEP)
    if former in _WORKS and stage in (Stage.LOST, Stage.SPREADING):
        yield PermissionLost(new.list_id, tenant)
    if (former, stage) == (Stage.ACTIVE, Stage.PAUSED):
        yield Paused(new.list_id)
    if (former, stage) == (Stage.PAUSED, Stage.ACTIVE):
        yield Resumed(new.list_id)


def _of_runs(old: SyncState, new: SyncState, connection: Connection) -> Iterable[tuple[Told, Run | None]]:
    run, list_id = new.last, connection.list_id
    if run is None or (old.last is not None and (old.last.id, old.last.state) == (run.id, run.state)):
        return
    did = _did(old, run)
    if did.added + did.linked + did.updated + did.removed + did.unlinked:
        yield ListChanged(list_id, did.added, did.linked, did.updated, did.removed, did.unlinked), run
    if did.skipped:
        yield PeopleSkipped(list_id, did.skipped), run
    if run.state is RunState.AWAITING_APPROVAL and run.pending_removals is not None:
        yield RemovalsWaiting(list_id, run.pending_removals.count), run
    if old.failures < FAILURES_TOLD <= new.failures:
        yield RunFailed(list_id, failing=True, error=run.error), run
    if new.failures < FAILURES_TOLD <= old.failures:
        yield RunFailed(list_id, failing=False), run


def _did(old: SyncState, ended: Run) -> Counts:
    """What the part of a run did that no event has told of: a run that waits for approval ends twice."""
    earlier = old.find(ended.id)
    return ended.counts - (earlier.totalled if earlier is not None else Counts())
