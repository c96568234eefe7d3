"""Says whose story a queue message is: a connection's life, or a run's (spec §2, §6).

A message carries no state. What is to be done stands in the workspace's rows, so a message may come twice, late or
never.
"""

import logging
from dataclasses import dataclass

from connect.connecting import Connecting
from connect.disconnecting import Disconnecting
from sync.messages import ContinueMessage, StartMessage
from sync.meter import metered
from sync.worker import Worker
from workspace.connection import ConnectionState
from workspace.store import Workspaces

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Hands a message to the one who does the work."""

    workspaces: Workspaces
    worker: Worker
    connecting: Connecting
    disconnecting: Disconnecting

    async def handle(self, message: StartMessage | ContinueMessage) -> None:
        """Do what a workspace needs next.

        Raises:
            TryLater: it did not work; the same message can be tried again.
        """
        with metered() as meter:
            connection, agenda = await self.workspaces.load(message.workspace_id)
            if connection is not None and connection.closing is not None:
                await self.disconnecting.work(connection, agenda)
            elif connection is not None and connection.spreading and isinstance(message, StartMessage):
                await self.connecting.try_permission(connection)
            elif connection is None or connection.state is not ConnectionState.ACTIVE:
                log.info("message_dropped workspace=%s reason=not_active", message.workspace_id)
            else:
                await self.worker.handle(message, connection, agenda, meter)
