"""Has a workspace forgotten whole, or one person of it: puts the message into the queue (docs/operations.md).

    python -m local.tools.forget WORKSPACE [--person OBJECT_ID_OR_ADDRESS] [--queue https://ACCOUNT.queue.core.windows.net]

Without --queue it only prints the message in Base64, for instance for `az storage message put`.
"""

import argparse
import base64

from azure.identity import DefaultAzureCredential
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from sync.messages import QUEUE, Forget, ForgetPerson, write_message
from workspace.connection import workspace_id


def message_of(workspace: str, person: str | None) -> str:
    """The message, as JSON.

    Raises:
        Refused: no workspace can have this id.
    """
    known = workspace_id(workspace)
    return write_message(ForgetPerson(known, person) if person else Forget(known))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.tools.forget")
    parser.add_argument("workspace")
    parser.add_argument("--person", help="an object id or an address; without it, the whole workspace is forgotten")
    parser.add_argument("--queue", help="the address of the storage account's queues")
    arguments = parser.parse_args()
    text = message_of(arguments.workspace, arguments.person)
    if arguments.queue is None:
        print(base64.b64encode(text.encode()).decode())
        return
    with QueueClient(
        arguments.queue, QUEUE, credential=DefaultAzureCredential(), message_encode_policy=TextBase64EncodePolicy()
    ) as queue:
        queue.send_message(text)
    print("Queued. The log says workspace_forgotten or person_forgotten when it is done.")


if __name__ == "__main__":
    main()
