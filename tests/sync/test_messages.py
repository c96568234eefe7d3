"""What comes from the queue is trusted with nothing: ids that could reach other rows are no ids (spec §8)."""

import msgspec
import pytest

from sync.messages import Continue, Disconnect, Start, TryPermission, UnreadableMessage, read_message, write_message
from workspace.connection import WorkspaceId
from workspace.run import Mode, RunId

OTHERS = "x' or (PartitionKey eq 'A' and RowKey eq 'connection.agenda') or PartitionKey eq 'B"
BAD_IDS = [OTHERS, "w'", "", "..", "a/b", "w" * 101, "w\n", "ä"]


@pytest.mark.parametrize(
    "message",
    [
        Start(WorkspaceId("w-1"), Mode.FULL, "billing"),
        Continue(WorkspaceId("Contoso.42_a"), RunId("8204000000000-0a1b"), 3),
        TryPermission(WorkspaceId("w-1")),
        Disconnect(WorkspaceId("w-1")),
    ],
)
def test_a_message_is_read_as_it_was_written(message):
    assert read_message(write_message(message).encode()) == message


@pytest.mark.parametrize("workspace", BAD_IDS)
@pytest.mark.parametrize("rest", [{}, {"runId": "8-0", "step": 1}, {"wants": "disconnect"}, {"wants": "permission"}])
def test_a_workspace_id_that_cannot_be_is_refused(workspace, rest):
    body = msgspec.json.encode({"workspaceId": workspace, **rest})

    with pytest.raises(UnreadableMessage):
        read_message(body)


@pytest.mark.parametrize("run", [*BAD_IDS, "8-0:00000001"])
def test_a_run_id_that_cannot_be_is_refused(run):
    body = msgspec.json.encode({"workspaceId": "w-1", "runId": run, "step": 1})

    with pytest.raises(UnreadableMessage):
        read_message(body)


@pytest.mark.parametrize(
    "body", [b"\xff", b'{"workspaceId":"\xff"}', b"[]", b"", b"null", b'{"workspaceId":"\\ud800"}']
)
def test_what_is_no_message_is_told_as_such(body):
    with pytest.raises(UnreadableMessage):
        read_message(body)


@pytest.mark.parametrize("body", [b"\xff", msgspec.json.encode({"workspaceId": OTHERS})])
async def test_a_message_that_nobody_can_read_is_buried_without_touching_a_row(rig, body):
    await rig.connect()
    before = await rig.state()

    await rig.services.dispatch.bury(body)

    assert await rig.state() == before
