"""Waits for what a process does in its own time."""

import asyncio
import time

_PAUSE_SECONDS = 0.05


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(_PAUSE_SECONDS)
    return found


async def until_async(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not (found := await condition()):
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(_PAUSE_SECONDS)
    return found
