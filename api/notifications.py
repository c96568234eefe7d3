"""Microsoft's change notifications over HTTP (spec §6, §7): no token comes with them, their `clientState` proves them.

Whatever comes is answered with 202 and read without mercy: what is no genuine notification is counted and nothing else.
"""

import asyncio
from dataclasses import dataclass

import azure.functions as func
import msgspec

import limits
from api.answers import Taken
from api.requests import nests_too_deeply
from errors import TryLater
from sync import telemetry
from sync.doorbell import Doorbell, Notification

_LONGEST_TOKEN = 1_024


class _Body(msgspec.Struct):
    value: list[msgspec.Raw]


_body = msgspec.json.Decoder(_Body)
_notification = msgspec.json.Decoder(Notification)


@dataclass(frozen=True, slots=True)
class NotificationCalls:
    """The doorbell."""

    doorbell: Doorbell

    async def receive(self, req: func.HttpRequest) -> Taken:
        """The handshake's token as it came, or 202 for notifications.

        Raises:
            TryLater: storage did not answer in time; Microsoft sends them again.
        """
        token = req.params.get("validationToken")
        if token is not None:
            return Taken(token[:_LONGEST_TOKEN])
        notifications = read_notifications(req.get_body() or b"")
        try:
            async with asyncio.timeout(limits.DOORBELL_SECONDS):
                await self.doorbell.ring(notifications)
        except TimeoutError as error:
            raise TryLater("storage did not answer in time") from error
        return Taken()


def read_notifications(body: bytes) -> list[Notification]:
    """Those of a body that can be read; the others are counted."""
    if len(body) > limits.LARGEST_BODY_BYTES or nests_too_deeply(body):
        telemetry.rung("unreadable")
        return []
    try:
        raw = _body.decode(body).value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        telemetry.rung("unreadable")
        return []
    found = []
    for one in raw:
        try:
            found.append(_notification.decode(one))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            telemetry.rung("unreadable")
    return found
