"""The queue's messages (pure; spec §8). State is never in a message, only whose turn it is."""

import msgspec

from workspace.connection import WorkspaceId
from workspace.run import Mode, RunId

QUEUE = "entra-sync"
POISON_QUEUE = "entra-sync-poison"
SCHEDULE = "schedule"
"""`requestedBy` of the hourly timer's messages."""


class StartMessage(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A wish for a run; emu.chat's own services may put it here too."""

    workspace_id: WorkspaceId
    mode: Mode = Mode.DELTA
    requested_by: str | None = None


class ContinueMessage(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A run's next slice."""

    workspace_id: WorkspaceId
    run_id: RunId
    step: int


class UnreadableMessage(ValueError):
    """A message that is neither; it ends in the poison queue as it came."""


def read_message(body: bytes) -> StartMessage | ContinueMessage:
    """Decode a message.

    Raises:
        UnreadableMessage
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if "runId" in fields:
            return msgspec.json.decode(body, type=ContinueMessage)
        return msgspec.json.decode(body, type=StartMessage)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage("the queue message is neither a start nor a continuation") from error


def write_message(message: StartMessage | ContinueMessage) -> str:
    return msgspec.json.encode(message).decode()
