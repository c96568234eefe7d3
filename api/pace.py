"""How much one person or workspace may ask for: counted in memory, by each process for itself.

A bucket holds so many requests, and fills up again at a steady rate. It is large enough that a person never meets its
bottom, an import of a whole list included, and small enough that a script cannot go on without pause.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import limits
from api.caller import Caller
from errors import TooMany
from workspace.audit import EDITS_SPAN
from workspace.edits import EditKind

_MOST = 10_000
"""Remembered at once; who asked longest ago is forgotten first."""


@dataclass(slots=True)
class Bucket:
    """So many requests at once by each, and so many a second for ever. `now` gives seconds, monotonic."""

    now: Callable[[], float]
    burst: int
    per_second: float
    told: str
    _left: OrderedDict[tuple[str, ...], tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, *who: str) -> None:
        """Count a request.

        Raises:
            TooMany: there is none left.
        """
        now = self.now()
        # Taken out and put in again, so that the order stays that of the last request.
        left, at = self._left.pop(who, (float(self.burst), now))
        left = min(left + (now - at) * self.per_second, self.burst)
        # A refused request takes nothing: a caller who waits as told gets through.
        self._left[who] = (left - 1 if left >= 1 else left), now
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany(self.told, (1 - left) / self.per_second)


class EditPace:
    """Edits of contacts by person."""

    def __init__(
        self,
        now: Callable[[], float],
        burst: int = limits.EDITS_AT_ONCE,
        per_second: float = limits.EDITS_PER_SECOND,
    ) -> None:
        self._bucket = Bucket(now, burst, per_second, "You are changing contacts too fast. Go on in a moment.")

    def take(self, caller: Caller) -> None:
        """Raises: TooMany."""
        self._bucket.take(caller.workspace_id, caller.person)


class BulkEdits:
    """Contacts that each person added, changed or removed within an hour."""

    def __init__(self) -> None:
        self._since: OrderedDict[tuple[str, str, EditKind], tuple[datetime, int]] = OrderedDict()

    def count(self, caller: Caller, kind: EditKind, now: datetime) -> tuple[int, datetime] | None:
        """Count an edit; how many there were, and since when, where the audit trail is to tell of it."""
        who = (caller.workspace_id, caller.person, kind)
        began, edits = self._since.pop(who, (now, 0))
        if now - began >= EDITS_SPAN:
            began, edits = now, 0
        # Of edits at once, the first to be done need not be the first that was asked for.
        began = min(began, now)
        self._since[who] = began, edits + 1
        if len(self._since) > _MOST:
            self._since.popitem(last=False)
        return (edits + 1, began) if edits + 1 in limits.BULK_EDITS else None


class FullRunPace:
    """Full runs of a workspace that people ask for."""

    def __init__(self, now: Callable[[], float]) -> None:
        told = "This workspace was synced in full several times just now. Try again in a few minutes."
        self._bucket = Bucket(now, limits.FULL_RUNS_AT_ONCE, 1 / limits.SECONDS_A_FULL_RUN, told)

    def take(self, caller: Caller) -> None:
        """Raises: TooMany."""
        self._bucket.take(caller.workspace_id)


class OneAtATime:
    """One of a workspace's at a time, in this process; a few wait for their turn."""

    def __init__(self, told: str) -> None:
        self._told = told
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def only(self, caller: Caller) -> AsyncIterator[None]:
        """Raises: TooMany: so many wait already."""
        lock, waiting = self._turns.get(caller.workspace_id, (asyncio.Lock(), 0))
        # A preview keeps a list in memory, and its caller gives up before a long queue is worked off.
        if waiting > limits.PREVIEWS_WAITING:
            raise TooMany(self._told, 5)
        self._turns[caller.workspace_id] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            # Nobody waits any more: the lock goes, or one would stay for each workspace that ever asked.
            _, waiting = self._turns.pop(caller.workspace_id)
            if waiting > 1:
                self._turns[caller.workspace_id] = lock, waiting - 1
