"""The queue's messages (pure; spec §8). A message says what is wanted, never how far something came."""

from datetime import datetime

import msgspec

from errors import Refused
from workspace.connection import WorkspaceId, workspace_id
from workspace.run import Mode, RunId, read_run_id

QUEUE = "entra-sync"
POISON_QUEUE = "entra-sync-poison"
HOURLY_QUEUE = "entra-hourly"
"""What the timer starts. A queue of its own, so that no click waits behind the hour's runs."""
HOURLY_POISON_QUEUE = "entra-hourly-poison"
EVENTS_QUEUE = "entra-events"
"""What emu.chat is told (workspace/events.py)."""
DOORBELL = "doorbell"
"""`requestedBy` of a start that a change notification asked for."""
SCHEDULE = "schedule"
"""`requestedBy` of the hourly timer's messages."""


class Start(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A run is wanted; emu.chat's own services may put this here too."""

    workspace_id: WorkspaceId
    mode: Mode = Mode.DELTA
    requested_by: str | None = None


class Continue(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A run's next slice is wanted."""

    workspace_id: WorkspaceId
    run_id: RunId
    step: int


class TryPermission(msgspec.Struct, frozen=True, rename="camel", tag="permission", tag_field="wants"):
    """A new permission is to be tried again."""

    workspace_id: WorkspaceId


class Disconnect(msgspec.Struct, frozen=True, rename="camel", tag="disconnect", tag_field="wants"):
    """The contacts of an ended connection are to be unlinked or deleted."""

    workspace_id: WorkspaceId


class Prune(msgspec.Struct, frozen=True, rename="camel", tag="prune", tag_field="wants"):
    """History that is too old, and grant attempts that are over, are to be deleted."""

    workspace_id: WorkspaceId


class Forget(msgspec.Struct, frozen=True, rename="camel", tag="forget", tag_field="wants"):
    """Everything that is stored of a workspace is to be deleted. An operator, or emu.chat's services, put this here."""

    workspace_id: WorkspaceId


class ForgetPerson(msgspec.Struct, frozen=True, rename="camel", tag="forget_person", tag_field="wants"):
    """One person is to be forgotten, named by object id or by address: a request of data protection."""

    workspace_id: WorkspaceId
    person: str


class Ring(msgspec.Struct, frozen=True, rename="camel", tag="ring", tag_field="wants"):
    """Microsoft told of changes in the tenants of these workspaces, last at `at`: a run is wanted after that."""

    workspace_ids: tuple[WorkspaceId, ...]
    at: datetime


class Restore(msgspec.Struct, frozen=True, rename="camel", tag="restore", tag_field="wants"):
    """A workspace is to be brought back from the export of a day (YYYY-MM-DD), or of the newest one before it.

    None: the newest. `part` is the next part of it. An operator puts the first message here.
    """

    workspace_id: WorkspaceId
    day: str | None = None
    part: int = 0


class Tick(msgspec.Struct, frozen=True, rename="camel", tag="tick", tag_field="wants"):
    """The next part of a tick's work is wanted.

    `at` and `until` are the span over which its runs are spread, `began` is when the timer came. The part begins
    `after` a workspace's row. `prunes`: it queues the day's pruning instead of runs.
    """

    at: datetime
    until: datetime
    began: datetime
    after: str = ""
    prunes: bool = False


type _OfWorkspace = TryPermission | Disconnect | Prune | Forget | ForgetPerson | Restore
type _Wanted = _OfWorkspace | Tick | Ring
type WorkspaceMessage = Start | Continue | _OfWorkspace
type Message = WorkspaceMessage | Tick | Ring


class UnreadableMessage(ValueError):
    """A message that is none of them; it ends in the poison queue as it came."""


def read_message(body: bytes) -> Message:
    """Decode a message.

    Raises:
        UnreadableMessage
    """
    try:
        message = _decoded(body)
        if isinstance(message, Tick):
            return message
        # The ids become parts of keys and filters: the queue is no more trusted with them than a caller is.
        for one in message.workspace_ids if isinstance(message, Ring) else (message.workspace_id,):
            workspace_id(one)
        if isinstance(message, Continue):
            read_run_id(message.run_id)
        if isinstance(message, Start) and message.mode is Mode.UNDO:
            raise UnreadableMessage("an undo names a run, which a start does not")
    except (msgspec.MsgspecError, UnicodeDecodeError, Refused) as error:
        raise UnreadableMessage("the queue message is of no known kind") from error
    return message


def _decoded(body: bytes) -> Message:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if "wants" in fields:
        wanted: _Wanted = msgspec.json.decode(body, type=_OfWorkspace.__value__ | Tick | Ring)
        return wanted
    if "runId" in fields:
        return msgspec.json.decode(body, type=Continue)
    return msgspec.json.decode(body, type=Start)


def write_message(message: Message) -> str:
    return msgspec.json.encode(message).decode()
