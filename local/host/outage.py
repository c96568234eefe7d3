"""Calls to storage that outlast a short outage, as the real host's SDK does (docs/facts/functions.md 11)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from azure.core.exceptions import ServiceRequestError

_SHORTEST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0
NETWORK_TIMEOUT_SECONDS = 100
"""A storage that hangs is waited for as long as the real host's SDK waits. It does not count as a refusal."""


class StorageLost(RuntimeError):
    """Storage has refused every connection for so long that the real host ends."""


async def through_outage[T](call: Callable[[], Awaitable[T]], most_seconds: float) -> T:
    """Repeat a call while storage refuses connections.

    Raises:
        StorageLost: for longer than `most_seconds`.
        AzureError: an answer, or none to a request that was sent.
    """
    refused_since: float | None = None
    pause = _SHORTEST_PAUSE_SECONDS
    while True:
        try:
            return await call()
        except ServiceRequestError as error:
            refused_since = refused_since or time.monotonic()
            if time.monotonic() - refused_since >= most_seconds:
                raise StorageLost(f"storage has refused connections for {most_seconds:g} s") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
