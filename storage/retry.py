"""Tries an idempotent step again, with a pause in between (pure but for the sleep that it is given)."""

from collections.abc import Awaitable, Callable
from typing import Self

type Sleep = Callable[[float], Awaitable[None]]

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.05


class tries:  # noqa: N801 - it reads as a verb: `async for last in tries(sleep)`
    """One item a try; True for the last one, whose failure the caller raises. The pause doubles from try to try.

    Not a generator: one that is left in the middle, as after nearly every first try, costs the event loop a task.
    """

    def __init__(self, sleep: Sleep, most: int = _TRIES, first_pause_seconds: float = _FIRST_PAUSE_SECONDS) -> None:
        self._sleep, self._most, self._pause_seconds = sleep, most, first_pause_seconds
        self._number = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bool:
        if self._number == self._most:
            raise StopAsyncIteration
        if self._number:
            await self._sleep(self._pause_seconds * 2 ** (self._number - 1))
        self._number += 1
        return self._number == self._most
