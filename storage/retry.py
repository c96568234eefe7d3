"""Tries an idempotent step again, with a pause in between (pure but for the sleep that it is given)."""

from collections.abc import AsyncIterator, Awaitable, Callable

type Sleep = Callable[[float], Awaitable[None]]

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.05


async def tries(
    sleep: Sleep, most: int = _TRIES, first_pause_seconds: float = _FIRST_PAUSE_SECONDS
) -> AsyncIterator[bool]:
    """One item a try; True for the last one, whose failure the caller raises. The pause doubles from try to try."""
    for number in range(most):
        if number:
            await sleep(first_pause_seconds * 2 ** (number - 1))
        yield number == most - 1
