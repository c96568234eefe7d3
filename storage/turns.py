"""Cuts long work of the process's one thread into short turns, so that no other call waits long for its own."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable

import limits


async def in_turns[T](items: Iterable[T]) -> AsyncGenerator[T]:
    """The items, one by one. After `limits.TURN_SECONDS` of work on them, everything else that is ready goes first."""
    until = time.perf_counter() + limits.TURN_SECONDS
    for item in items:
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + limits.TURN_SECONDS
        yield item


async def done_in_turns(steps: Iterable[object]) -> None:
    """Take every step of some work that stands as a generator."""
    async for _ in in_turns(steps):
        pass


async def apart[**P, T](weight: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The result of pure work over so many people. Much of it is done in a thread, where it gives way to the loop."""
    if weight <= limits.PEOPLE_A_TURN:
        return work(*arguments, **named)
    return await asyncio.to_thread(work, *arguments, **named)
