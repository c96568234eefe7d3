"""The process's room for its slices: how much they may hold in memory together, and when a slice makes way (spec §6).

Slices share one event loop, because nearly all of their time is waiting. What bounds them is memory, and that each gets
its turn: a large slice waits for room, a small one never does, and a slice that had its turn ends early while others
wait. Its continuation goes to the end of the queue.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import limits
from errors import TryLater


class NoRoom(TryLater):
    """Other slices hold the memory that this one needs. It looks again from the end of the queue."""

    code = "no_room"


class Room:
    """One a process. `size_bytes` bounds what the large slices hold together, `places` is how many slices there may be.

    What is counted is an estimate: rows of a scan, and the roll of who was named (limits).
    """

    def __init__(self, size_bytes: int = limits.ROOM_BYTES, places: int = limits.PLACES) -> None:
        self._size = size_bytes
        self._places = places
        self._at_work = 0
        self.held_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count one slice at work."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def wanted(self, held_bytes: int) -> bool:
        """Whether others wait for what a slice has: one of the places, or the memory that it holds."""
        return self._at_work >= self._places or (held_bytes > 0 and bool(self._waiting))

    async def take(self, size_bytes: int) -> None:
        """Take memory, in the order of asking.

        Raises:
            NoRoom: there was none for some seconds. Waiting longer would keep the place from others.
        """
        if size_bytes <= limits.SMALL_BYTES or (not self._waiting and self._fits(size_bytes)):
            self.held_bytes += size_bytes
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            async with asyncio.timeout(limits.ROOM_WAIT_SECONDS):
                await turn
        except TimeoutError as error:
            raise NoRoom("other syncs need the memory at the moment", limits.ROOM_WAIT_SECONDS) from error
        finally:
            if turn.cancelled():
                self._admit()

    def give(self, size_bytes: int) -> None:
        """Give memory back."""
        self.held_bytes -= size_bytes
        self._admit()

    def _admit(self) -> None:
        """Let in those who wait, the first one first, as far as there is room; who gave up is passed by."""
        while self._waiting and (self._waiting[0][1].cancelled() or self._fits(self._waiting[0][0])):
            size_bytes, turn = self._waiting.popleft()
            if not turn.cancelled():
                self.held_bytes += size_bytes
                turn.set_result(None)

    def _fits(self, size_bytes: int) -> bool:
        """A slice that needs more than all there is goes ahead when nobody else holds any."""
        return self.held_bytes + size_bytes <= self._size or self.held_bytes == 0
