"""Has workspaces brought back from their daily exports: puts messages into the queue (docs/operations.md).

    python -m local.tools.restore WORKSPACE [--day 2026-11-25] [--queue https://ACCOUNT.queue.core.windows.net]
    python -m local.tools.restore --all https://ACCOUNT.blob.core.windows.net --queue …

Without --queue it only prints the messages in Base64, for instance for `az storage message put`. --all takes every
workspace that has an export in that account.
"""

import base64
from collections.abc import Iterator

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobPrefix, ContainerClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from connect.exported import is_day
from local.arguments import Parser
from services import EXPORTS
from sync.messages import QUEUE, Restore, write_message
from workspace.connection import workspace_id


def message_of(workspace: str, day: str | None) -> str:
    """The message, as JSON.

    Raises:
        Refused: no workspace can have this id.
    """
    return write_message(Restore(workspace_id(workspace), day))


def exported_workspaces(container: ContainerClient) -> Iterator[str]:
    """Every workspace that has an export."""
    for one in container.walk_blobs(delimiter="/"):
        if isinstance(one, BlobPrefix):
            yield one.name.rstrip("/").removesuffix("~")


def main() -> None:
    parser = Parser(prog="python -m local.tools.restore")
    parser.add_argument("workspace", nargs="?")
    parser.add_argument("--all", metavar="BLOBS", help="the address of the account's blobs: every workspace there")
    parser.add_argument("--day", help="the newest export that is not younger than this day, YYYY-MM-DD")
    parser.add_argument("--queue", help="the address of the storage account's queues")
    arguments = parser.parse_args()
    if (arguments.workspace is None) == (arguments.all is None):
        parser.error("name a workspace, or --all and where the exports are")
    if arguments.day is not None and not is_day(arguments.day):
        parser.error("--day: such as 2026-11-25")
    workspaces: Iterator[str] = iter([arguments.workspace] if arguments.workspace is not None else [])
    if arguments.all is not None:
        workspaces = exported_workspaces(ContainerClient(arguments.all, EXPORTS, credential=DefaultAzureCredential()))
    messages = (message_of(one, arguments.day) for one in workspaces)
    if arguments.queue is None:
        for text in messages:
            print(base64.b64encode(text.encode()).decode())
        return
    with QueueClient(
        arguments.queue, QUEUE, credential=DefaultAzureCredential(), message_encode_policy=TextBase64EncodePolicy()
    ) as queue:
        queued = sum(1 for text in messages if queue.send_message(text))
    print(f"Queued {queued}. The log says workspace_restored of each when it is done.")


if __name__ == "__main__":
    main()
