"""The two worlds in which histories happen: one on Azurite and the local Microsoft, one in memory.

Both have a rig, a queue of messages, and troubles of storage. A worker that is held waits before one of its storage
calls until it is let go: so does the orphan of a host that was killed (docs/facts/functions.md 11).
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from msgspec.structs import replace

from errors import Conflict, TryLater
from limits import LEASE
from sync.doorbell import Notification, client_state_hash, client_state_of
from sync.messages import Continue, Message, Ring, Start, read_message, write_message
from tests.flaky import AFTER, FlakyStorage
from tests.memory import MemoryQueue
from tests.rig import Rig, close_rig
from workspace.state import Bell

_COMES_BACK_SECONDS = 30
"""The host's visibilityTimeout: a message whose execution failed is visible again after it."""
_MOST_TRIES = 5
"""Of a message, before it is poison."""


@dataclass
class Letter:
    """A message as the queue hands it out, the n-th time."""

    message: Message
    tries: int = 1


@dataclass
class RealWorld:
    """Azurite, through a door that can spoil requests where a history wants that. Messages are written by hand."""

    rig: Rig
    door: FlakyStorage | None

    rings: MemoryQueue | None = None
    _notification: Notification | None = None
    _tried: dict = field(default_factory=dict)
    _poisoned: int = 0

    @property
    def met(self):
        storage = {f"storage {kind}": times for kind, times in self.door.met.items()} if self.door else {}
        return Counter({**storage, "poisoned": self._poisoned})

    async def receive(self, run):
        """The next message; or one that comes twice or late, with a step that is long past.

        It comes when it can do something: after a pause, and after the lease of a worker that died in an earlier run.
        """
        for due in (run.resume_at, (await self.rig.state()).lease_until):
            if due is not None and due > self.rig.clock():
                self.rig.clock.offset += due - self.rig.clock()
        message = Start(self.rig.workspace) if run.step % 2 else Continue(self.rig.workspace, run.id, run.step)
        return Letter(message, self._tried.pop(write_message(message), 0) + 1)

    async def failed(self, letter):
        """The worker of a message died or failed: a lease that could not be given back runs out by itself.

        The message is written again, as the host lets it come back, or it is buried as poison.
        """
        self.rig.clock.offset += LEASE + timedelta(seconds=1)
        text = write_message(letter.message)
        if isinstance(letter.message, Ring):
            await self.rings.send(text, _COMES_BACK_SECONDS)
        elif letter.tries < _MOST_TRIES:
            self._tried[text] = letter.tries
        else:
            self._poisoned += 1
            await self.rig.services.dispatch.bury(text.encode())

    async def subscribe(self):
        """A subscription as a run writes it down; doorbells' messages wait in memory, on the rig's clock."""
        secret = client_state_of("secret", self.rig.workspace)
        self._notification = Notification("subscription", secret)
        now = self.rig.clock()
        bell = Bell(now, "subscription", client_state_hash(secret), now + timedelta(days=9_000))
        workspaces = self.rig.services.workspaces
        await workspaces.update(self.rig.workspace, lambda _, state: (None, replace(state, bell=bell), ()))
        self.rings = self.rig.services.dispatch.doorbell.queue = MemoryQueue(self.rig.clock)

    async def notification(self):
        return self._notification

    def waiting(self):
        return len(self.rings)

    async def next_message(self):
        """The doorbells' next message; time passes until it is due."""
        if (at := self.rings.next_at()) is None:
            return None
        self.rig.clock.offset += timedelta(seconds=max(0.0, at - self.rig.clock().timestamp()) + 0.001)
        return Letter(read_message(self.rings.take().encode()))

    async def send(self, message):
        """Nothing: `receive` writes its messages itself."""

    async def forget_messages(self):
        self._tried.clear()
        await self.rig.queue.clear_messages()

    def spoil(self, kind, number):
        self.door.spoil(**{str(number): kind})

    def go_away(self, number):
        self.door.spoil(**{str(one): "503" for one in range(number, number + 6)})

    def hold(self, number):
        self.door.spoil(**{str(number): "hold"})

    async def held(self):
        await self.door.held.wait()

    def let_go(self):
        self.door.let_go()

    def be_well(self):
        if self.door is not None:
            self.door.plan.clear()

    async def keys(self):
        """Not looked at: the same rows in memory are."""

    async def close(self):
        await close_rig(self.rig)
        if self.door is not None:
            await self.door.close()


@dataclass
class MemoryWorld:
    """Tables, a queue and a tenant in memory. Messages come as the host delivers them, on the rig's clock."""

    rig: Rig
    met: Counter = field(default_factory=Counter)
    _plan: dict = field(default_factory=dict)
    _away_from: int | None = None
    _hold_at: int | None = None
    _spoil_answer: bool = False
    _calls: int = 0
    _waiting: int = 0
    _tried: dict = field(default_factory=dict)

    def __post_init__(self):
        self._held, self._go = asyncio.Event(), asyncio.Event()
        tables = self.rig.services.tables
        tables.pause, tables.before_call, tables.after_call = self._pause, self._before, self._after

    async def receive(self, run):
        """The message that is visible the longest; time passes until there is one. None when there is none at all."""
        queue, clock = self.rig.queue, self.rig.clock
        if (at := queue.next_at()) is None:
            return None
        clock.offset += timedelta(seconds=max(0.0, at - clock().timestamp()))
        while (text := queue.take()) is None:
            clock.offset += timedelta(milliseconds=1)
        return Letter(read_message(text.encode()), self._tried.pop(text, 0) + 1)

    async def subscribe(self):
        """Nothing: the first run does."""

    async def notification(self):
        """One of the subscription that Microsoft has, if it has one that emu.chat knows."""
        bell, now = (await self.rig.state()).bell, self.rig.clock().timestamp()
        subscriptions = self.rig.tenant.tenant.subscriptions.live(now)
        known = [one for one in subscriptions if bell is not None and one.id == bell.id]
        return Notification(known[0].id, known[0].client_state) if known else None

    def waiting(self):
        return len(self.rig.queue)

    async def next_message(self):
        return await self.receive(None)

    async def failed(self, letter):
        """The message comes back, or is buried as poison."""
        text = write_message(letter.message)
        if letter.tries < _MOST_TRIES:
            self._tried[text] = letter.tries
            await self.rig.queue.send(text, _COMES_BACK_SECONDS)
        else:
            self.met["poisoned"] += 1
            await self.rig.services.dispatch.bury(text.encode())

    async def send(self, message):
        await self.rig.queue.send(write_message(message))

    async def forget_messages(self):
        self._tried.clear()

    def spoil(self, kind, number):
        self._calls, self._plan = 0, {number: kind}

    def go_away(self, number):
        self._calls, self._away_from = 0, number

    def hold(self, number):
        self._waiting, self._hold_at = 0, number

    async def held(self):
        await self._held.wait()

    def let_go(self):
        self._go.set()
        self._held, self._go = asyncio.Event(), asyncio.Event()

    def be_well(self):
        self._plan, self._away_from, self._hold_at = {}, None, None

    async def keys(self):
        """The row keys of the list."""
        rows = self.rig.services.tables.rows()
        return {row["RowKey"] for table, row in rows if table == self.rig.partition.table}

    async def close(self):
        return

    async def _pause(self):
        self._waiting += 1
        if self._waiting == self._hold_at:
            go = self._go
            self._hold_at = None
            self._held.set()
            await go.wait()
        await asyncio.sleep(0)

    def _before(self, method):
        self._calls += 1
        self._spoil_answer = False
        if self._away_from is not None and self._calls >= self._away_from:
            raise TryLater("storage did not answer (made to fail)")
        kind = self._plan.pop(self._calls, None)
        if kind is None:
            return
        if kind == "412" and method != "transact":
            self._plan[self._calls + 1] = kind  # Only a write can come too late.
            return
        self.met[f"storage {kind}"] += 1
        if kind == "412":
            raise Conflict("storage answered 412 (made to fail)")
        if kind not in AFTER:
            raise TryLater("storage did not answer (made to fail)")
        self._spoil_answer = True

    def _after(self, method):
        if self._spoil_answer:
            self._spoil_answer = False
            raise TryLater("storage did not answer (made to fail)")
